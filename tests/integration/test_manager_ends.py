"""How jobs end that don't run to their end: cancelled, in trouble with store or strategy, with the kernel."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.function import node
from nodetool_jupyter.errors import (
    ErrorCode,
    JobCancelled,
    JobFailed,
    NodeToolError,
    StoreError,
)
from nodetool_jupyter.model.batch import Batch
from nodetool_jupyter.model.events import JobUpdate, decode_event
from nodetool_jupyter.model.job import JobStatus
from nodetool_jupyter.session import Session
from nodetool_jupyter.settings import Settings
from nodetool_jupyter.store import open_store
from nodetool_jupyter.store.memory import MemoryStore
from nodetool_jupyter.strategies.base import Capabilities, Fingerprint, JobExecution, Launch, Strategy
from nodetool_jupyter.strategies.threaded import ThreadedStrategy
from nodetool_jupyter.worker.event_log import EventLog
from tests.integration.gates import DEADLINE, Gates, Open, passing
from tests.support import wait_until
from tests.unit.engine.support import Out, check_events, graph


class TestCancel:
    """At any time, any number of times: one end, and the slot is free again."""

    def test_running(self, session: Session, gates: Gates) -> None:
        """Its nodes have ended when it has."""
        job = passing(session, gates, "a")
        gates.wait_begun("a")
        assert job.cancel()
        with pytest.raises(JobCancelled):
            job.result(DEADLINE)
        assert gates.ended == ["a"]
        assert (job.cancel(), job.status) == (False, JobStatus.CANCELLED)

    def test_queued(self, session: Session, gates: Gates) -> None:
        """It ends at once, has never run, and those behind it move up."""
        jobs = [passing(session, gates, f"j{number}") for number in range(4)]
        gates.wait_begun("j0", "j1")
        assert jobs[2].cancel()
        assert jobs[2].wait(DEADLINE)
        assert (jobs[2].status, jobs[2].cancel()) == (JobStatus.CANCELLED, False)
        events = list(jobs[2].events())
        assert [(event.seq, event.type) for event in events] == [(1, "job_update")]
        execution = session.manager.get_job(jobs[2].id).execution  # type: ignore[union-attr]
        assert execution is not None
        assert (execution.status, execution.is_completed()) == (JobStatus.CANCELLED, True)
        assert isinstance(execution.error, JobCancelled)
        for number in (0, 1, 3):
            gates.gate(f"j{number}").set()
            assert jobs[number].result(DEADLINE) == f"j{number}"
        assert "j2" not in gates.begun

    def test_completed(self, session: Session, gates: Gates) -> None:
        """Nothing changes."""
        gates.gate("a").set()
        job = passing(session, gates, "a")
        assert job.result(DEADLINE) == "a"
        before = session.store.get(job.id)
        assert not job.cancel()
        assert not session.manager.cancel_job(job.id)
        assert (session.store.get(job.id), job.result()) == (before, "a")

    def test_storm(self, open_session: Open, gates: Gates) -> None:
        """Many jobs and many who cancel them: each has one end, and all slots are free afterwards."""
        session = open_session(max_workflow_threads=2)
        jobs = [passing(session, gates, f"j{number}") for number in range(30)]

        def cancel_all() -> None:
            for job in jobs:
                job.cancel()

        threads = [threading.Thread(target=cancel_all) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for job in jobs:
            assert job.wait(DEADLINE)
            states = [event.status for event in job.events() if isinstance(event, JobUpdate)]
            assert states in (["cancelled"], ["running", "cancelled"])
        after = [passing(session, gates, f"after{number}") for number in range(2)]
        gates.wait_begun("after0", "after1")
        for job in after:
            gates.gate(job.name).set()
            job.result(DEADLINE)

    @pytest.mark.parametrize("beside", [{}, {"p": "passes"}])
    def test_a_node_that_cannot_be_stopped(
        self, session: Session, gates: Gates, beside: dict[str, str]
    ) -> None:
        """The job has failed and says so; its slot is free, and its thread is replaced."""
        nodes = {"s": (gates.kinds["is_stuck"], {"name": "s"})}
        nodes |= {name: (gates.kinds[kind], {"name": name}) for name, kind in beside.items()}
        job = session.submit(graph(nodes))
        gates.wait_begun("s", *beside)
        job.cancel()
        with pytest.raises(JobFailed, match=r"node s could not be stopped within 0.5 s") as caught:
            job.result(DEADLINE)
        assert caught.value.code is ErrorCode.UNCANCELLABLE
        check_events(list(job.events()))
        others = [passing(session, gates, f"o{number}") for number in range(2)]
        gates.wait_begun("o0", "o1")
        for other in others:
            gates.gate(other.name).set()
            assert other.result(DEADLINE) == other.name

    def test_a_task_that_was_given_up_is_no_news(
        self, session: Session, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Its job has said so: asyncio says nothing of it in whatever cell runs when it is collected."""
        workers: list[threading.Thread] = []
        loops: list[asyncio.AbstractEventLoop] = []

        @node
        async def resists() -> None:
            loops.append(asyncio.get_running_loop())
            workers.append(threading.current_thread())
            while True:
                with suppress(asyncio.CancelledError):
                    await asyncio.sleep(0.01)

        session.registry.add(session.registry.spec_of(resists))
        job = session.submit(graph({"r": resists}))
        wait_until(lambda: bool(workers), DEADLINE)
        job.cancel()
        assert job.wait(DEADLINE)
        workers[0].join(DEADLINE)
        loops[0].call_exception_handler({"message": "Task was destroyed but it is pending!"})
        assert caplog.text == ""

    def test_unknown(self, session: Session) -> None:
        """A job that never was is not 'already ended'."""
        with pytest.raises(NodeToolError, match="no job"):
            session.manager.cancel_job("0" * 26)


class BrokenStrategy(Strategy):
    """Accepts every job and can't start any."""

    name = "broken"
    capabilities = Capabilities()

    @classmethod
    def from_settings(cls, settings: Settings) -> Strategy:
        return cls()

    def fingerprint(self) -> Fingerprint:
        return Fingerprint(True, "it looks well")

    def create(self, launch: Launch, sink: Callable[[Batch], None]) -> JobExecution:
        return BrokenExecution(launch, sink)

    def close(self, grace: float) -> None:
        pass


class BrokenExecution(JobExecution):
    def start(self) -> None:
        raise OSError("no more processes")

    def cancel(self) -> None:
        pass

    def fail(self, fault: Any) -> None:
        pass


class FullStore(MemoryStore):
    """Takes records, but no messages after the first ones of a job."""

    def open_log(self, job_id: str) -> EventLog:
        log = super().open_log(job_id)
        append = log.append
        left = iter([append])

        def full(data: bytes) -> None:
            if (write := next(left, None)) is None:
                raise StoreError("the disk is full") from OSError(28, "No space left on device")
            write(data)

        log.append = full  # type: ignore[method-assign]
        return log


class TestTrouble:
    """Strategies that can't start, stores that can't write."""

    def test_a_strategy_that_cannot_start_a_job(self, open_session: Open) -> None:
        """The job has failed, with the reason, and its slot is free for the next one."""
        session = open_session(max_workflow_threads=1)
        session.manager.strategies.make = lambda name: BrokenStrategy()
        for _ in range(3):
            job = session.submit(graph({}), strategy="broken")
            with pytest.raises(
                JobFailed, match="the broken strategy could not start the job: no more processes"
            ) as caught:
                job.result(DEADLINE)
            assert caught.value.code is ErrorCode.SPAWN_FAILED

    def test_a_long_queue_of_jobs_that_cannot_start(self, open_session: Open, gates: Gates) -> None:
        """However many, each ends by itself."""
        session = open_session(max_workflow_threads=1, store=MemoryStore())
        blocking = passing(session, gates, "first")
        gates.wait_begun("first")
        session.manager.strategies.make = lambda name: BrokenStrategy()
        jobs = [session.submit(graph({}), strategy="broken") for _ in range(500)]
        gates.gate("first").set()
        assert blocking.result(DEADLINE) == "first"
        assert all(job.wait(DEADLINE) for job in jobs)
        assert {job.status for job in jobs} == {JobStatus.FAILED}

    def test_a_log_that_cannot_be_written(self, open_session: Open, gates: Gates) -> None:
        """The job is ended, as nobody would know what it did; its end is told to whoever holds it."""
        session = open_session(store=FullStore())
        ended: list[str] = []

        @node
        def chats(context: ProcessingContext) -> None:
            try:
                while True:
                    context.progress(1, 2)
            finally:
                ended.append("chats")

        session.registry.add(chats.spec)
        job = session.submit(graph({"c": chats}))
        with (
            pytest.warns(UserWarning, match="the store does not know how job"),
            pytest.raises(JobFailed, match="disk is full") as caught,
        ):
            job.result(DEADLINE)
        assert (caught.value.code, ended) == (ErrorCode.DISK_FULL, ["chats"])

    def test_the_temp_folder_goes_with_the_job(self, session: Session, gates: Gates) -> None:
        """It is there for the nodes, the same for all of them, and gone when the job has ended."""
        nodes = {"k": gates.kinds["keeps"], "l": gates.kinds["keeps"], "o": Out, "p": (Out, {"name": "p"})}
        job = session.submit(graph(nodes, "k > o.value", "l > p.value"))
        result = job.result(DEADLINE)
        assert result.result == result.p
        assert not Path(result.p).exists()


class TestShutdown:
    """The end of a process."""

    def test_all_jobs_are_ended_and_recorded(self, open_session: Open, gates: Gates, home: Path) -> None:
        """The running and the waiting ones; the store is whole for the next process."""
        session = open_session(max_workflow_threads=1)
        running, waiting = passing(session, gates, "running"), passing(session, gates, "waiting")
        gates.wait_begun("running")
        session.close()
        assert gates.ended == ["running"]
        with pytest.raises(NodeToolError, match="this session has been closed"):
            passing(session, gates, "late")
        store = open_store(Settings(home=home))
        for job in (running, waiting):
            record = store.get(job.id)
            assert record.status is JobStatus.FAILED
            assert record.fault is not None
            assert record.fault.code is ErrorCode.KERNEL_DIED
            lines, _ = store.read_log(job.id).read()
            assert [decode_event(line).seq for line in lines] == list(range(1, len(lines) + 1))
        store.close()

    def test_a_stuck_node_does_not_keep_the_process(
        self, open_session: Open, gates: Gates, home: Path
    ) -> None:
        """After its grace it is given up, and that is on record."""
        session = open_session(cancel_grace=0.1)
        job = session.submit(graph({"s": (gates.kinds["is_stuck"], {"name": "s"})}))
        gates.wait_begun("s")
        session.manager.shutdown(0.2)
        gates.gate("s").set()
        store = open_store(Settings(home=home))
        assert store.get(job.id).status is JobStatus.FAILED
        store.close()

    def test_no_thread_is_left_when_idle_jobs_are_gone(self, open_session: Open, gates: Gates) -> None:
        """Ten jobs leave nothing behind, and the next one starts all the same."""
        session = open_session()
        session.manager.strategies.make = lambda name: ThreadedStrategy(
            thread_pool_size=2, grace=1, idle_seconds=0.05
        )
        gates.gate("a").set()
        for _ in range(2):
            for job in [passing(session, gates, "a") for _ in range(10)]:
                assert job.result(DEADLINE) == "a"
            wait_until(lambda: not ours(), DEADLINE, state=ours)


def ours() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("nodetool")]
