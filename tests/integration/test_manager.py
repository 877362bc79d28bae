"""The manager over the real store and the threaded strategy: slots, queue, refusals, time limits, records."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from nodetool_jupyter.engine.function import node
from nodetool_jupyter.errors import (
    ErrorCode,
    InvalidGraph,
    JobTimedOut,
    StrategyUnavailable,
    UnknownStrategy,
    UnsupportedLimit,
    ValueCrossingError,
)
from nodetool_jupyter.job import Job
from nodetool_jupyter.model.job import JobRecord, JobStatus
from nodetool_jupyter.model.request import ResourceLimits, RunJobRequest
from nodetool_jupyter.session import Session
from tests.integration.gates import DEADLINE, Gates, Open, passing
from tests.unit.engine.support import Input, Out, graph


class TestSlots:
    """At most so many jobs at once; the others wait in order."""

    def test_jobs_beyond_the_slots_wait_in_order(self, session: Session, gates: Gates) -> None:
        """Each starts when one before it has ended, the one that has waited longest first."""
        jobs = [passing(session, gates, f"j{number}") for number in range(5)]
        gates.wait_begun("j0", "j1")
        assert [job.status for job in jobs[2:]] == [JobStatus.QUEUED] * 3
        for number, follower in ((1, "j2"), (0, "j3"), (2, "j4"), (3, "j4"), (4, "j4")):
            gates.gate(f"j{number}").set()
            assert jobs[number].result(DEADLINE) == f"j{number}"
            gates.wait_begun(follower)
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
            threading.Event().wait(0.002)
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
        assert 2 <= most <= 3

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

    def test_unknown_strategy(self, refused: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
        """Another answer than for one that isn't available here."""
        refused(UnknownStrategy, "there is no strategy 'threadde'", strategy="threadde")
        monkeypatch.setenv("DOCKER_HOST", "unix:///no-such.sock")
        refused(StrategyUnavailable, "docker strategy is not available here", strategy="docker")

    def test_limit_that_cannot_be_enforced(self, refused: Callable[..., None]) -> None:
        """It is not ignored."""
        refused(UnsupportedLimit, "can't limit memory", limits=ResourceLimits(memory=2**30))

    def test_param_that_cannot_be_kept(self, refused: Callable[..., None]) -> None:
        """The record must hold all of the request."""
        refused(ValueCrossingError, "lone surrogates", params={"n": "\ud800"})


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
