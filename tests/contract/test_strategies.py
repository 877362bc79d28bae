"""What every strategy promises, over each of them: events, ends, cancelling, limits.

The nodes are in ``programs`` and leave their traces in files, so that they can be run in any process. A new
strategy is one more parameter of the fixture ``strategy``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

import pytest

from nodetool_jupyter.errors import (
    ErrorCode,
    JobCancelled,
    JobFailed,
    JobTimedOut,
    NodeError,
    OptionError,
    UnsupportedLimit,
)
from nodetool_jupyter.model.events import Fault, JobUpdate, LogUpdate, NodeProgress
from nodetool_jupyter.model.job import JobStatus
from nodetool_jupyter.model.request import ResourceLimits, RunJobRequest
from nodetool_jupyter.settings import Settings
from nodetool_jupyter.strategies.base import Strategy
from nodetool_jupyter.strategies.registry import load_strategy
from tests.contract.programs import (
    exits_in_a_task,
    fails,
    give,
    is_deaf,
    items,
    leaves_a_task,
    speaks,
    stops_its_loop,
    tells_hosts,
    ticks,
    ticks_in_thread,
    ticks_without_awaiting,
)
from tests.contract.started import DEADLINE, HOSTS, Job
from tests.support import wait_until
from tests.unit.engine.support import Nodes, Out

# A thread may be interrupted between the opening of its trace and the block that closes it.
pytestmark = [
    pytest.mark.usefixtures("one_zygote"),
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


Start = Callable[..., Job]
AT_ONCE = 5
FURTHER = pytest.mark.further
TICKS = [
    ticks_without_awaiting,
    pytest.param(ticks, marks=FURTHER),
    pytest.param(ticks_in_thread, marks=FURTHER),
]


@pytest.fixture(params=["threaded", "subprocess", pytest.param("docker", marks=pytest.mark.docker)])
def strategy(request: pytest.FixtureRequest, home: Path) -> Iterator[Strategy]:
    settings = Settings(home=home, cancel_grace=0.5, thread_pool_size=2)
    if request.param == "docker":
        yield request.getfixturevalue("docker_strategy")
        return
    strategy = load_strategy(request.param).from_settings(settings)
    yield strategy
    strategy.close(5)


@pytest.fixture
def start(strategy: Strategy, home: Path) -> Start:
    """Starts a job; ``start(nodes, *edges, **request)``."""

    def start(nodes: Nodes, *edges: str, **request: Any) -> Job:
        job = Job(strategy, home, nodes, edges, **request)
        assert job.execution.status is JobStatus.QUEUED
        job.execution.start()
        return job

    return start


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """A file that a node writes to as long as it runs."""
    return tmp_path / "trace"


def size(trace: Path) -> int:
    return trace.stat().st_size if trace.exists() else 0


def wait_for_ticks(trace: Path) -> None:
    before = size(trace)
    wait_until(lambda: size(trace) > before + 3, DEADLINE)


def assert_stands_still(trace: Path) -> None:
    """Nothing writes to the file any more."""
    before = size(trace)
    assert not threading.Event().wait(0.1)
    assert size(trace) == before


class TestEnds:
    """However a job goes, exactly one terminal event ends it."""

    def test_completed(self, start: Start) -> None:
        """With all its values, in order, and nothing of an error; its nodes know what they may reach."""
        nodes = {"h": tells_hosts, "s": (items, {"count": 3}), "o": Out, "p": (Out, {"name": "n"})}
        job = start(nodes, "h > o.value", "s > p.value").wait()
        assert (job.status, job.outputs) == ("completed", {"result": [sorted(HOSTS)], "n": [0, 1, 2]})
        assert job.execution.error is None
        assert job.execution.result == job.outputs

    def test_empty(self, start: Start) -> None:
        """A graph of nothing completes."""
        assert start({}).wait().status == "completed"

    def test_failed(self, start: Start) -> None:
        """The node is named in event and error."""
        job = start({"f": fails, "g": give}).wait()
        last = job.events[-1]
        assert isinstance(last, JobUpdate)
        assert last.fault is not None
        assert (job.status, last.fault.node_id, last.fault.code) == ("failed", "f", ErrorCode.NODE_ERROR)
        error = job.execution.error
        assert isinstance(error, NodeError)
        assert error.message.endswith("ValueError: on purpose")
        assert (error.job_id, error.node_id) == (job.execution.job_id, "f")
        assert "on purpose" in (error.details or "")
        assert job.execution.result is None

    @pytest.mark.parametrize(
        ("kind", "status"),
        [(exits_in_a_task, "failed"), pytest.param(stops_its_loop, "completed", marks=FURTHER)],
    )
    def test_a_node_that_reaches_for_its_loop(self, start: Start, kind: Any, status: str) -> None:
        """Neither SystemExit out of a task of its own nor a stopped loop leaves the job without an end."""
        assert start({"a": kind, "g": give}).wait().status == status
        assert start({"g": give}).wait().status == "completed"

    def test_what_a_node_leaves_behind_ends_with_its_job(self, start: Start, trace: Path) -> None:
        """A task that it started and didn't wait for doesn't run on in the next job."""
        assert start({"a": (leaves_a_task, {"path": str(trace)})}).wait().status == "completed"
        assert [start({"g": give}).wait().status for _ in range(3)] == ["completed"] * 3
        assert_stands_still(trace)


class TestEvents:
    """What is told on the way."""

    def test_logs_and_progress_carry_their_node(self, start: Start) -> None:
        """In the order in which they were made."""
        job = start({"a": (speaks, {"name": "a"}), "b": (speaks, {"name": "b"})}).wait()
        for name in "ab":
            lines = [
                event.content
                for event in job.events
                if isinstance(event, LogUpdate) and event.node_id == name
            ]
            assert lines == [f"{name} {number}" for number in range(50)]
            progress = [
                event for event in job.events if isinstance(event, NodeProgress) and event.node_id == name
            ]
            assert (progress[-1].progress, progress[-1].total) == (50, 50)

    def test_jobs_do_not_mix(self, start: Start) -> None:
        """Many at once: each has its own events, numbers and values."""
        jobs = [
            start({"s": (speaks, {"name": f"n{number}"}), "o": Out}, "s > o.value")
            for number in range(AT_ONCE)
        ]
        for number, job in enumerate(jobs):
            job.wait()
            assert job.outputs == {"result": [f"n{number}"]}
            lines = [event.content for event in job.events if isinstance(event, LogUpdate)]
            assert lines == [f"n{number} {count}" for count in range(50)]


class TestCancel:
    """It stops every node, may be asked for at any time, and is told once."""

    @pytest.mark.parametrize("kind", TICKS)
    @pytest.mark.parametrize("others", [{"t": ticks_in_thread}, pytest.param({}, marks=FURTHER)])
    def test_running_nodes_stop(
        self, start: Start, trace: Path, tmp_path: Path, kind: Any, others: dict[str, Any]
    ) -> None:
        """On the loop, in a thread, and one that never lets the loop go on."""
        other = tmp_path / "other"
        nodes = {"a": (kind, {"path": str(trace)})}
        nodes |= {name: (other_kind, {"path": str(other)}) for name, other_kind in others.items()}
        job = start(nodes)
        wait_for_ticks(trace)
        job.execution.cancel()
        assert job.wait().status == "cancelled"
        assert_stands_still(trace)
        assert_stands_still(other)
        assert isinstance(job.execution.error, JobCancelled)

    def test_before_the_start(self, strategy: Strategy, home: Path, trace: Path) -> None:
        """The job ends when it is started, and no node has run."""
        job = Job(strategy, home, {"a": (ticks, {"path": str(trace)})}, ())
        job.execution.cancel()
        job.execution.start()
        assert job.wait().status == "cancelled"
        assert size(trace) == 0

    def test_at_any_moment(self, start: Start) -> None:
        """Between start and end of a short job, it is cancelled or completed, never anything else."""
        statuses = set()
        for pause in range(30):
            job = start({f"n{number}": (give, {"value": number}) for number in range(50)})
            threading.Event().wait(pause / 10_000)
            job.execution.cancel()
            statuses.add(job.wait().status)
        assert statuses <= {"completed", "cancelled"}

    def test_often_and_from_many_threads(self, start: Start, trace: Path) -> None:
        """It is all the same."""
        job = start({"a": (ticks, {"path": str(trace)})})
        wait_for_ticks(trace)
        threads = [threading.Thread(target=job.execution.cancel) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert job.wait().status == "cancelled"
        count = len(job.events)
        job.execution.cancel()
        assert (job.status, len(job.events)) == ("cancelled", count)

    def test_after_the_end(self, start: Start) -> None:
        """It changes nothing."""
        job = start({"g": give}).wait()
        count = len(job.events)
        job.execution.cancel()
        job.execution.fail(Fault(code=ErrorCode.ENGINE_ERROR, message="too late"))
        assert start({"g": give}).wait().status == "completed"
        assert (job.status, len(job.events), job.execution.error) == ("completed", count, None)

    def test_for_a_reason(self, start: Start, trace: Path) -> None:
        """Then the job has failed, and says why."""
        job = start({"a": (ticks, {"path": str(trace)})})
        wait_for_ticks(trace)
        job.execution.fail(Fault(code=ErrorCode.STORE_FAILED, message="the store is gone", hint="look there"))
        assert job.wait().status == "failed"
        error = job.execution.error
        assert isinstance(error, JobFailed)
        assert (error.message, error.hint, error.code) == (
            "the store is gone",
            "look there",
            ErrorCode.STORE_FAILED,
        )
        assert_stands_still(trace)

    def test_for_a_reason_before_the_start(self, strategy: Strategy, home: Path) -> None:
        """The reason is kept until the job is started."""
        job = Job(strategy, home, {"g": give}, ())
        job.execution.fail(Fault(code=ErrorCode.STORE_FAILED, message="the store is gone"))
        job.execution.start()
        assert job.wait().status == "failed"
        assert isinstance(job.execution.error, JobFailed)

    def test_a_node_that_does_not_stop(self, start: Start, strategy: Strategy, trace: Path) -> None:
        """It is ended, or else never called cancelled; the strategy goes on with other jobs."""
        trace.touch()
        job = start({"deaf": (is_deaf, {"path": str(trace)})})
        wait_until(lambda: len(job.events) >= 2, DEADLINE)
        job.execution.cancel()
        job.wait()
        trace.unlink()
        if strategy.capabilities.ends_its_nodes:
            assert job.status == "cancelled"
            return
        assert job.status == "failed"
        assert job.execution.error is not None
        assert job.execution.error.code is ErrorCode.UNCANCELLABLE
        assert "deaf" in job.execution.error.message
        assert [start({"g": give}).wait().status for _ in range(3)] == ["completed"] * 3


class TestLimits:
    """A limit is kept or refused."""

    @pytest.mark.parametrize("kind", TICKS)
    def test_time(self, start: Start, trace: Path, kind: Any) -> None:
        """Every strategy ends a job that takes too long, in the way a cancel does."""
        job = start({"a": (kind, {"path": str(trace)})}, resource_limits=ResourceLimits(timeout=0.2))
        assert job.wait().status == "failed"
        error = job.execution.error
        assert isinstance(error, JobTimedOut)
        assert error.message == "the job took longer than its timeout of 0.2 s"
        assert_stands_still(trace)

    def test_a_job_within_its_time(self, start: Start) -> None:
        """Nothing of the limit is noticed."""
        job = start(
            {"g": (give, {"value": 1}), "o": Out}, "g > o.value", resource_limits=ResourceLimits(timeout=60)
        )
        assert (job.wait().status, job.outputs) == ("completed", {"result": [1]})

    @pytest.mark.parametrize("name", ResourceLimits.model_fields)
    def test_every_limit_is_known_or_refused(self, strategy: Strategy, name: str) -> None:
        """Never ignored: the refusal names the option and the way out. GPUs may be missing here."""
        value = {"gpus": "all", "cpus": 1, "memory": 2**27}.get(name, 2**20)
        request = RunJobRequest(graph={}, resource_limits={name: value})  # type: ignore[arg-type]
        if name in strategy.capabilities.limits:
            with suppress(UnsupportedLimit) if name == "gpus" else nullcontext():
                strategy.check(request)
            return
        with pytest.raises(
            UnsupportedLimit, match=f"the {strategy.name} strategy can't limit {name}"
        ) as caught:
            strategy.check(request)
        assert f"--{name.replace('_', '-')}" in (caught.value.hint or "")

    def test_unknown_options_are_refused(self, strategy: Strategy) -> None:
        """An option that it doesn't know may be another strategy's."""
        request = RunJobRequest(graph={}, options={"no_such_option": 1})  # type: ignore[arg-type]
        hint = "it has " if strategy.capabilities.options else "leave --no-such-option out"
        said = f"the {strategy.name} strategy has no option 'no_such_option'\n  → {hint}"
        with pytest.raises(OptionError, match=said):
            strategy.check(request)


class TestStrategy:
    """The strategy itself."""

    def test_it_says_whether_it_can_be_used(self, strategy: Strategy) -> None:
        """Here it can, or this test could not run; the sentence is for people."""
        fingerprint = strategy.fingerprint()
        assert fingerprint.available
        assert " " in fingerprint.sentence

    def test_closing_ends_what_runs(self, start: Start, strategy: Strategy, trace: Path) -> None:
        """Jobs that end with the kernel are told to have ended, and do."""
        if strategy.capabilities.survives_kernel:
            return
        job = start({"a": (ticks, {"path": str(trace)})})
        wait_for_ticks(trace)
        strategy.close(5)
        assert job.wait().status == "failed"
        assert job.execution.error is not None
        assert job.execution.error.code is ErrorCode.KERNEL_DIED
        assert_stands_still(trace)
