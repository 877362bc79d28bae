"""Workers that end by something else than their job's end: told within a second, with signal or code."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from time import monotonic

import psutil
import pytest

from nodetool_jupyter.settings import Settings
from nodetool_jupyter.strategies.subprocess import SubprocessStrategy
from nodetool_jupyter.worker.folder import EXIT
from nodetool_jupyter.worker.process import descendants_of
from tests.integration.kernels import kernel, read_id
from tests.integration.workers import Workers, open_workers
from tests.programs import ends, processes
from tests.programs.limits import prints_then_waits
from tests.support import wait_until

pytestmark = pytest.mark.only_on("linux")


@pytest.mark.parametrize(
    ("number", "code", "cause"),
    [
        (signal.SIGKILL, "worker_killed", "possibly out of memory"),
        (signal.SIGSEGV, "worker_crashed", ""),
        (signal.SIGBUS, "worker_crashed", ""),
        (signal.SIGTERM, "worker_killed", "did not come from here"),
        (signal.SIGINT, "worker_killed", ""),
    ],
)
def test_signals(workers: Workers, number: int, code: str, cause: str) -> None:
    """Number and name are told, the likely cause, a next step; what was printed before is kept."""
    begun = monotonic()
    job = workers.run(ends.kills_itself, number=int(number))
    assert monotonic() - begun < 5, "a second, were the machine idle"
    assert job.fault.code.value == code
    assert f"signal {number:d} ({signal.Signals(number).name})" in job.fault.message
    assert cause in job.fault.message
    assert job.fault.hint
    assert job.logs == ["about to go"]


@pytest.mark.parametrize("kind", [ends.reads_nowhere, ends.reads_nowhere_in_a_thread, ends.aborts])
def test_crashes_show_where(workers: Workers, kind: object) -> None:
    """The dump of the fault handler names function and file."""
    job = workers.run(kind)  # type: ignore[arg-type]
    assert job.fault.code.value == "worker_crashed"
    assert "Fatal Python error" in (job.fault.traceback or "")
    assert "ends.py" in (job.fault.traceback or "")
    assert b"Fatal Python error" in job.output


@pytest.mark.parametrize("code", [0, 3])
def test_os_exit(workers: Workers, code: int) -> None:
    """Not even exit code 0 is a completed job."""
    job = workers.run(ends.exits_at_once, code=code)
    assert job.said == (
        "worker_exited_early",
        f"the worker exited with code {code} before the job had ended, while node n ran",
    )


@pytest.mark.parametrize("code", [0, 3])
def test_sys_exit(workers: Workers, code: int) -> None:
    """It is the node's error."""
    job = workers.run(ends.calls_exit, code=code)
    assert (job.fault.code.value, job.fault.node_id) == ("node_exit", "n")


@pytest.mark.parametrize("kind", [ends.returns_twice, ends.raises_in_a_fork, ends.returns_twice_on_the_loop])
def test_a_forked_copy_of_the_worker(workers: Workers, kind: object) -> None:
    """What comes back into the engine a second time tells nothing: the job is the first one's."""
    assert workers.run(kind).result == "parent"  # type: ignore[arg-type]


def test_the_supervisor_killed_by_its_job(workers: Workers) -> None:
    """Whatever a node does, its job has an end, and says that it can be run again."""
    job = workers.run(ends.kills_its_supervisor)
    assert job.fault.code.value == "supervisor_died"
    assert "%nodetool retry" in (job.fault.hint or "")


@pytest.mark.parametrize("holds", [True, False])
def test_the_supervisor_killed(workers: Workers, tmp_path: Path, *, holds: bool) -> None:
    """Worker, daemons and control groups go with it, within a second or two."""
    path = tmp_path / "daemons"
    limits = {"memory": "300m", "processes": 50}
    job = workers.start(processes.waits_with_daemons, path=str(path), count=3, holds=holds, limits=limits)
    wait_until(lambda: path.exists() and path.read_text().count("\n") == 3, 10)
    job.supervisor().kill()
    assert job.wait().fault.code.value == "supervisor_died"
    assert job.record["update"]


def test_the_zygote_killed(tmp_path: Path) -> None:
    """Jobs go on, and the next one has another zygote."""
    with open_workers(tmp_path) as workers:
        job = workers.start(prints_then_waits)
        wait_until(lambda: job.logs, 10)
        zygote = workers.strategy.nursery._zygote
        assert zygote is not None
        zygote.kill()
        zygote.wait()
        assert workers.run(processes.sees, name="HOME").status == "completed"
        assert not job.ended.is_set()
        job.cancel()
        assert job.wait().status == "cancelled"


@pytest.mark.parametrize("generation", [1, 2])
def test_what_waits_for_a_job_killed(tmp_path: Path, generation: int) -> None:
    """The supervisor that was forked ahead, or its worker: the next job has others."""
    with open_workers(tmp_path) as workers:
        workers.run(processes.sees, name="HOME")
        zygote = workers.strategy.nursery._zygote
        assert zygote is not None
        wait_until(lambda: len(list(descendants_of(zygote.pid))) == 2, 10)
        waiting = list(descendants_of(zygote.pid))[generation - 1]
        os.kill(waiting, signal.SIGKILL)
        wait_until(lambda: has_ended(waiting), 10)
        assert workers.run(processes.sees, name="HOME").status == "completed"


def has_ended(pid: int) -> bool:
    """Whether a process has let go of all that it had open; its parent may not know yet."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_what_waits_for_a_job_ends_with_its_zygote(tmp_path: Path) -> None:
    """However that has ended: nobody could give it a job any more."""
    with open_workers(tmp_path) as workers:
        workers.run(processes.sees, name="HOME")
        zygote = workers.strategy.nursery._zygote
        assert zygote is not None
        wait_until(lambda: len(list(descendants_of(zygote.pid))) == 2, 10)
        waiting = list(descendants_of(zygote.pid))
        zygote.kill()
        wait_until(lambda: not any(Path(f"/proc/{pid}/exe").exists() for pid in waiting), 10)


def test_a_spare_is_dropped(tmp_path: Path) -> None:
    """After a time without a job; the next one has a process all the same, and so has the one after it."""
    with open_workers(tmp_path, spare_seconds=0.2) as workers:
        workers.run(processes.sees, name="HOME")
        zygote = workers.strategy.nursery._zygote
        assert zygote is not None
        for _ in range(2):
            wait_until(lambda: not list(descendants_of(zygote.pid)), 10)
            assert workers.run(processes.sees, name="HOME").status == "completed"


def test_nothing_is_forked_ahead_in_tests(tmp_path: Path) -> None:
    """With ENV=test."""
    strategy = SubprocessStrategy.from_settings(Settings(env="test"))
    try:
        workers = Workers(strategy, tmp_path)
        workers.run(processes.sees, name="HOME")
        zygote = strategy.nursery._zygote
        assert zygote is not None
        assert workers.run(processes.sees, name="HOME").status == "completed"
        wait_until(lambda: not list(descendants_of(zygote.pid)), 10)
    finally:
        strategy.close(1)


ENDS = """
@node
def one() -> int:
    return 1

submit(one).wait()
print(session.manager.strategies.get("subprocess").nursery._zygote.pid, flush=True)
input()
session.close()
"""


@pytest.mark.parametrize("is_killed", [True, False])
def test_what_waits_for_a_job_ends_with_its_kernel(home: Path, *, is_killed: bool) -> None:
    """However that ends."""
    with kernel(home, ENDS) as process:
        read_id(process)
        zygote = int(read_id(process))
        wait_until(lambda: len(list(descendants_of(zygote))) == 2, 10)
        waiting = [zygote, *descendants_of(zygote)]
        process.kill() if is_killed else process.communicate("\n", 30)
        wait_until(lambda: not any(Path(f"/proc/{pid}/exe").exists() for pid in waiting), 10)


def test_a_request_lost_with_its_zygote(tmp_path: Path) -> None:
    """A zygote that is killed just then takes no job with it."""
    with open_workers(tmp_path) as workers:
        workers.run(processes.sees, name="HOME")
        zygote = workers.strategy.nursery._zygote
        assert zygote is not None
        zygote.send_signal(signal.SIGSTOP)
        job = workers.start(processes.sees, name="HOME")
        zygote.kill()
        assert job.wait().status == "completed"


def test_a_record_that_is_reused_is_not_believed(workers: Workers) -> None:
    """A job without an exit record has not ended, whatever its process's number is by now."""
    job = workers.start(prints_then_waits)
    wait_until(lambda: job.logs, 10)
    job.folder.write_record("supervisor.json", {"pid": 1, "start_time": "1", "boot_id": "other"})
    assert not job.folder.read_record(EXIT)
    assert job.execution.is_started  # type: ignore[attr-defined]
    job.cancel()
    assert job.wait().status == "cancelled"
