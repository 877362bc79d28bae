"""The manager over the real store and the threaded strategy: slots and queue, ends, time limits, shutdown."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nodetool_jupyter.engine.context import NodeCancelled, ProcessingContext
from nodetool_jupyter.engine.function import node
from nodetool_jupyter.errors import (
    ErrorCode,
    InvalidGraph,
    JobCancelled,
    JobFailed,
    JobTimedOut,
    NodeToolError,
    StoreError,
    StrategyUnavailable,
    UnknownStrategy,
    UnsupportedLimit,
    ValueCrossingError,
)
from nodetool_jupyter.job import Job
from nodetool_jupyter.model.batch import Batch
from nodetool_jupyter.model.events import JobUpdate, decode_event
from nodetool_jupyter.model.job import JobRecord, JobStatus
from nodetool_jupyter.model.request import ResourceLimits, RunJobRequest
from nodetool_jupyter.session import Session
from nodetool_jupyter.settings import Settings
from nodetool_jupyter.store import EventLog, open_store
from nodetool_jupyter.store.memory import MemoryStore
from nodetool_jupyter.strategies.base import Capabilities, Fingerprint, JobExecution, Launch, Strategy
from nodetool_jupyter.strategies.threaded import ThreadedStrategy
from tests.support import wait_until
from tests.unit.engine.support import Input, Out, check_events, graph, spec_of

DEADLINE = 20.0


class Gates:
    """Nodes that a test lets through, by name, and the order in which they ran."""

    def __init__(self) -> None:
        self.open: dict[str, threading.Event] = {}
        self.begun: list[str] = []
        self.ended: list[str] = []

        @node
        def passes(name: str) -> str:
            self.begun.append(name)
            try:
                while not self.gate(name).wait(0.005):
                    pass
            finally:
                self.ended.append(name)
            return name

        @node
        def is_stuck(name: str) -> str:
            self.begun.append(name)
            while not self.gate(name).is_set():
                try:
                    self.gate(name).wait(0.005)
                except NodeCancelled:
                    continue
            return name

        @node
        async def keeps(context: ProcessingContext) -> str:
            (context.temp_folder() / "file").write_text("x", "utf-8")
            return str(context.temp_folder())

        self.kinds = {"passes": passes, "is_stuck": is_stuck, "keeps": keeps, "out": Out, "in": Input}

    def gate(self, name: str) -> threading.Event:
        return self.open.setdefault(name, threading.Event())

    def wait_begun(self, *names: str) -> None:
        wait_until(lambda: set(names) <= set(self.begun), DEADLINE, state=lambda: self.begun)


@pytest.fixture
def gates() -> Iterator[Gates]:
    gates = Gates()
    yield gates
    for gate in gates.open.values():
        gate.set()


Open = Callable[..., Session]


@pytest.fixture
def open_session(home: Path, gates: Gates) -> Iterator[Open]:
    """Opens sessions over the same home, which are closed after the test."""
    sessions: list[Session] = []

    def open_session(store: Any = None, **settings: Any) -> Session:
        defaults = {"home": home, "max_workflow_threads": 2, "cancel_grace": 0.5, "thread_pool_size": 4}
        session = Session(Settings(**{**defaults, **settings}), store)
        for kind in gates.kinds.values():
            session.registry.add(spec_of(kind))
        sessions.append(session)
        return session

    yield open_session
    for session in sessions:
        session.close()


@pytest.fixture
def session(open_session: Open) -> Session:
    return open_session()


def passing(session: Session, gates: Gates, name: str, **options: Any) -> Job:
    """A job that ends when its gate is opened, with its name as result."""
    nodes = {"p": (gates.kinds["passes"], {"name": name}), "o": Out}
    return session.submit(graph(nodes, "p > o.value"), name=name, **options)


class TestSlots:
    """At most so many jobs at once; the others wait in order."""

    def test_jobs_beyond_the_slots_wait_in_order(self, session: Session, gates: Gates) -> None:
        """Each starts when one before it has ended, the one that has waited longest first."""
        jobs = [passing(session, gates, f"j{number}") for number in range(5)]
        gates.wait_begun("j0", "j1")
        assert [job.status for job in jobs[2:]] == [JobStatus.QUEUED] * 3
        for number in (1, 0, 2, 3, 4):
            gates.gate(f"j{number}").set()
            assert jobs[number].result(DEADLINE) == f"j{number}"
        assert sorted(gates.begun[:2]) == ["j0", "j1"]
        assert gates.begun[2:] == ["j2", "j3", "j4"]

    def test_a_queued_job_is_on_record(self, session: Session, gates: Gates) -> None:
        """Whoever looks at the store sees it waiting."""
        jobs = [passing(session, gates, f"j{number}") for number in range(3)]
        assert session.store.get(jobs[2].id).status is JobStatus.QUEUED
        assert [managed.record.id for managed in session.manager.list_jobs()] == [job.id for job in jobs]

    def test_waiting_counts_towards_no_time_limit(self, open_session: Open, gates: Gates) -> None:
        """A job's time begins when it does."""
        session = open_session(max_workflow_threads=1)
        first = passing(session, gates, "first")
        second = passing(session, gates, "second", limits=ResourceLimits(timeout=1))
        gates.gate("second").set()
        gates.wait_begun("first")
        assert not second.wait(1.2)
        gates.gate("first").set()
        assert (first.result(DEADLINE), second.result(DEADLINE)) == ("first", "second")

    def test_hundred_submitted_from_ten_threads(self, open_session: Open, gates: Gates) -> None:
        """None is lost, and no more run at once than may."""
        session = open_session(max_workflow_threads=3)
        most = 0
        lock = threading.Lock()
        running: set[int] = set()

        @node
        def counted(number: int) -> int:
            nonlocal most
            with lock:
                running.add(number)
                most = max(most, len(running))
            with lock:
                running.discard(number)
            return number

        session.registry.add(counted.spec)
        jobs: list[Job] = []

        def submit(first: int) -> None:
            for number in range(first, first + 10):
                nodes = {"c": (counted, {"number": number}), "o": Out}
                jobs.append(session.submit(graph(nodes, "c > o.value")))

        threads = [threading.Thread(target=submit, args=(first,)) for first in range(0, 100, 10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(job.result(DEADLINE) for job in jobs) == list(range(100))
        assert most <= 3

    async def test_start_job(self, session: Session, gates: Gates) -> None:
        """From a coroutine, without blocking its loop; the execution tells how it goes."""
        nodes = {"p": (gates.kinds["passes"], {"name": "a"}), "o": Out}
        gates.gate("a").set()
        execution = await session.manager.start_job(RunJobRequest(graph=graph(nodes, "p > o.value")))
        managed = session.manager.get_job(execution.job_id)
        assert managed is not None
        assert managed.wait(DEADLINE)
        assert (execution.status, execution.result) == (JobStatus.COMPLETED, {"result": ["a"]})


class TestRefused:
    """What can't run is refused before anything is recorded, and takes no slot."""

    @pytest.fixture
    def refused(self, session: Session, gates: Gates) -> Iterator[Callable[..., None]]:
        def refused(error: type[Exception], match: str, **options: Any) -> None:
            made = options.pop("graph", graph({"i": (Input, {"name": "n"})}))
            for _ in range(3):
                with pytest.raises(error, match=match):
                    session.submit(made, **options)

        yield refused
        assert session.jobs() == []
        jobs = [passing(session, gates, f"j{number}") for number in range(2)]
        gates.wait_begun("j0", "j1")
        for job in jobs:
            gates.gate(job.name).set()
            job.result(DEADLINE)

    def test_bad_graph(self, refused: Callable[..., None]) -> None:
        """All of its problems are in the error."""
        refused(
            InvalidGraph, "no_such.Type", graph={"nodes": [{"id": "a", "type": "no_such.Type"}], "edges": []}
        )

    def test_unknown_param(self, refused: Callable[..., None]) -> None:
        """With the names that there are."""
        refused(InvalidGraph, "did you mean 'n'", params={"nn": 1})

    def test_unknown_strategy(self, refused: Callable[..., None]) -> None:
        """Another answer than for one that isn't available here."""
        refused(UnknownStrategy, "there is no strategy 'threadde'", strategy="threadde")
        refused(StrategyUnavailable, "docker strategy is not part of this version", strategy="docker")

    def test_limit_that_cannot_be_enforced(self, refused: Callable[..., None]) -> None:
        """It is not ignored."""
        refused(UnsupportedLimit, "can't limit memory", limits=ResourceLimits(memory=2**30))

    def test_param_that_cannot_be_kept(self, refused: Callable[..., None]) -> None:
        """The record must hold all of the request."""
        refused(ValueCrossingError, "", params={"n": object()})


class TestTimeLimits:
    """A job's own, and the one that the settings give to all."""

    @pytest.mark.parametrize(
        ("setting", "limit", "shown"), [(None, 0.1, "0.1"), (0.1, None, "0.1"), (60, 0.1, "0.1")]
    )
    def test_a_job_over_its_time(
        self, open_session: Open, gates: Gates, setting: float | None, limit: float | None, shown: str
    ) -> None:
        """It has failed, with what it had told so far, and its record says why."""
        session = open_session(job_timeout=setting)
        job = passing(session, gates, "a", limits=ResourceLimits(timeout=limit))
        with pytest.raises(JobTimedOut, match=f"took longer than its timeout of {shown} s"):
            job.result(DEADLINE)
        assert gates.ended == ["a"]
        record = session.store.get(job.id)
        assert (record.status, record.limits.timeout) == (JobStatus.FAILED, 0.1)
        assert record.fault is not None
        assert record.fault.code is ErrorCode.TIMED_OUT

    def test_a_job_may_take_longer_than_the_setting_if_it_says_so(
        self, open_session: Open, gates: Gates
    ) -> None:
        """Its own limit counts."""
        session = open_session(job_timeout=0.01)
        job = passing(session, gates, "a", limits=ResourceLimits(timeout=60))
        assert not job.wait(0.2)
        gates.gate("a").set()
        assert job.result(DEADLINE) == "a"


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
        """Many jobs and many who cancel them: every job has one end, and the slots are all free afterwards."""
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
        session.manager._make_strategy = lambda name: BrokenStrategy()
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
        session.manager._make_strategy = lambda name: BrokenStrategy()
        jobs = [session.submit(graph({}), strategy="broken") for _ in range(500)]
        gates.gate("first").set()
        assert blocking.result(DEADLINE) == "first"
        assert all(job.wait(DEADLINE) for job in jobs)
        assert {job.status for job in jobs} == {JobStatus.FAILED}

    def test_a_log_that_cannot_be_written(self, open_session: Open, gates: Gates) -> None:
        """The job is ended: nobody would know what it did."""
        session = open_session(store=FullStore())
        job = passing(session, gates, "a")
        gates.wait_begun("a")
        with (
            pytest.warns(UserWarning, match="the store does not know how job"),
            pytest.raises(JobFailed, match="disk is full") as caught,
        ):
            job.result(DEADLINE)
        assert caught.value.code is ErrorCode.DISK_FULL
        assert gates.ended == ["a"]

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
        session.manager._make_strategy = lambda name: ThreadedStrategy(
            thread_pool_size=2, grace=1, idle_seconds=0.05
        )
        gates.gate("a").set()
        for _ in range(2):
            for job in [passing(session, gates, "a") for _ in range(10)]:
                assert job.result(DEADLINE) == "a"
            wait_until(lambda: not ours(), DEADLINE, state=ours)


def ours() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("nodetool")]


def test_records_are_what_happened(session: Session, gates: Gates) -> None:
    """Times, duration, name, params and limits, as front ends list them."""
    gates.gate("a").set()
    job = passing(session, gates, "a", limits=ResourceLimits(timeout=60))
    job.result(DEADLINE)
    record = session.store.get(job.id)
    assert isinstance(record, JobRecord)
    assert (record.name, record.strategy, record.status) == ("a", "threaded", JobStatus.COMPLETED)
    assert record.started_at is not None
    assert record.finished_at is not None
    assert record.duration is not None
    assert record.created_at <= record.started_at <= record.finished_at
    assert 0 <= record.duration < DEADLINE
    assert (record.limits.timeout, record.fault, record.owner) == (60, None, session.manager.owner.id)
    assert job.record == record.model_copy(update={"params": job.record.params})
