"""Interrupts while a cell has a job: counted, never lost."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import pytest

from nodetool_jupyter.errors import JobCancelled
from nodetool_jupyter.job import Job
from nodetool_jupyter.magics.waiting import CellJob, Interrupted, Interrupts, WatchedJob
from nodetool_jupyter.model.job import JobStatus
from tests.unit.magics.shells import Shell, open_shell

HANG = """
import asyncio
from nodetool_jupyter import node
@node
async def hang() -> None:
    await asyncio.sleep(3600)
"""
RESIST = """
import threading
started = threading.Event()
end = threading.Event()
@node
def resist() -> None:
    started.set()
    end.wait(30)
"""


def press() -> None:
    signal.raise_signal(signal.SIGINT)


@pytest.fixture
def shell() -> Iterator[Shell]:
    with open_shell() as shell:
        shell.run(HANG)
        yield shell


@pytest.fixture
def job(shell: Shell) -> Job:
    """A job that runs until it is cancelled."""
    shell.run("%%nodetool -b -o job --quiet\nhang()")
    job = shell.names["job"]
    assert isinstance(job, Job)
    return job


def interrupted(error: Exception | None = None) -> None:
    """Something that is interrupted once, and then may fail."""
    with Interrupts() as interrupts:
        interrupts.sentence = "told so"
        press()
        assert interrupts.count == 1
        if error is not None:
            raise error


def test_first_interrupt_is_noted_and_raised_at_the_end() -> None:
    """What runs inside is not broken off; what comes after it does not run."""
    with pytest.raises(Interrupted, match="told so"):
        interrupted()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_error_inside_wins() -> None:
    """It says more than that there was an interrupt."""
    with pytest.raises(JobCancelled):
        interrupted(JobCancelled("cancelled"))


def test_third_interrupt_breaks_off() -> None:
    """Whatever is stuck, the user gets out of it."""
    with Interrupts() as interrupts:
        press()
        press()
        assert interrupts.count == 2
        with pytest.raises(KeyboardInterrupt):
            press()
        interrupts.count = 0


def test_other_threads_keep_the_handler() -> None:
    """Signals reach the main thread alone; setting one elsewhere is an error in Python."""
    seen = []

    def enter() -> None:
        with Interrupts():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]


def test_interrupt_cancels_the_cell_s_job(job: Job) -> None:
    """Once, and the waiting goes on until the job has ended."""
    interrupts = Interrupts()
    waiting = CellJob(job, interrupts)
    assert not waiting.wait(0)
    interrupts.count = 1
    assert waiting.wait(10)
    assert job.status is JobStatus.CANCELLED


def test_second_interrupt_stops_waiting_for_a_job_that_resists(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is never called cancelled while it runs."""
    monkeypatch.setattr("nodetool_jupyter.magics.waiting.KILL_SECONDS", 0.01)
    shell.run(RESIST)
    shell.run("%%nodetool -b -o job --quiet\nresist()")
    job = shell.names["job"]
    assert shell.names["started"].wait(10)
    interrupts = Interrupts()
    waiting = CellJob(job, interrupts)
    interrupts.count = 1
    waiting.wait(0)
    interrupts.count = 2
    with pytest.raises(JobCancelled, match="is being cancelled"):
        waiting.wait(0)
    assert job.is_live
    shell.names["end"].set()
    assert job.wait(10)


def test_interrupt_of_one_who_looks_leaves_the_job(job: Job) -> None:
    """And says how to end it."""
    interrupts = Interrupts()
    waiting = WatchedJob(job, interrupts)
    interrupts.count = 1
    with pytest.raises(Interrupted, match=f"%nodetool cancel {job.id}"):
        waiting.wait(0)
    assert not waiting.cancel()
    assert job.is_live
    job.cancel()
    assert job.wait(10)
