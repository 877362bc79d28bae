"""What every strategy promises of a job that a node suspends: it ends its attempt, keeps what there is, and
goes on as the same job when it is told to, here or in a later kernel.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nodetool_jupyter import node
from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.errors import JobSuspended, NodeError, OptionError
from nodetool_jupyter.job import Job
from nodetool_jupyter.model.events import JobUpdate, NodeUpdate
from nodetool_jupyter.model.graph import Edge, Graph, Node
from nodetool_jupyter.model.job import JobStatus
from nodetool_jupyter.session import Session
from nodetool_jupyter.settings import Settings
from nodetool_jupyter.store.pruning import Bounds

pytestmark = pytest.mark.usefixtures("one_zygote")
DEADLINE = 60.0


@node
async def counted(trace: str) -> str:
    """Leaves a mark each time it runs."""
    with Path(trace).open("a") as file:  # noqa: ASYNC230
        file.write("x")
    return "kept"


def answer(value: str, times: int, context: ProcessingContext) -> Any:
    """Asks ``times`` times before it goes on."""
    before = context.resumption
    said = [*before.state, before.value] if before is not None else []
    if len(said) < times:
        context.suspend(f"question {len(said) + 1}", said)
    return [value, *said]


@node
async def asks(value: str, times: int, context: ProcessingContext) -> Any:
    try:
        return answer(value, times, context)
    except Exception:  # noqa: BLE001 - a suspension is none
        return "caught"


@node
def asks_in_thread(value: str, times: int, context: ProcessingContext) -> Any:
    return answer(value, times, context)


@node(retries=2, timeout=10)
async def asks_with_retries(value: str, times: int, context: ProcessingContext) -> Any:
    return answer(value, times, context)


@node
async def keeps_a_lock(value: str, times: int, context: ProcessingContext) -> Any:
    context.suspend(value, threading.Lock())


Open = Callable[[], Session]
Start = Callable[..., Job]
KINDS = (counted, asks, asks_in_thread, asks_with_retries, keeps_a_lock)


@pytest.fixture
def open_session(prepare: Callable[[Session], None], home: Path) -> Iterator[Open]:
    sessions: list[Session] = []

    def open_session() -> Session:
        session = Session(Settings(home=home, cancel_grace=0.5, max_workflow_threads=1, max_containers=1))
        prepare(session)
        for kind in KINDS:
            session.registry.add(kind.spec)
        sessions.append(session)
        return session

    yield open_session
    for session in sessions:
        session.close()


@pytest.fixture
def session(open_session: Open) -> Session:
    return open_session()


@pytest.fixture
def start(strategy_name: str, session: Session, tmp_path: Path) -> Start:
    """Starts a job that suspends itself, and waits until it has."""

    def start(kind: Any = asks, times: int = 1) -> Job:
        nodes = (
            Node(id="c", type=counted.spec.type, data={"trace": str(tmp_path / "trace")}),
            Node(id="a", type=kind.spec.type, data={"times": times}),
            Node(id="o", type="nodetool.output.Output", data={"name": "result"}),
            Node(id="p", type="nodetool.output.Output", data={"name": "early"}),
        )
        edges = (
            Edge(source="c", target="a", targetHandle="value"),
            Edge(source="a", target="o", targetHandle="value"),
            Edge(source="c", target="p", targetHandle="value"),
        )
        job = session.submit(Graph(nodes=nodes, edges=edges), strategy=strategy_name)
        assert job.wait(DEADLINE)
        return job

    return start


def states_of(job: Job) -> list[str]:
    """What the job went through, by a log without gaps."""
    events = list(job.events())
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    return [event.status for event in events if isinstance(event, JobUpdate)]


@pytest.mark.parametrize(
    "kind",
    [
        asks_with_retries,
        pytest.param(asks, marks=pytest.mark.further),
        pytest.param(asks_in_thread, marks=pytest.mark.further),
    ],
)
def test_a_suspended_job_goes_on(start: Start, tmp_path: Path, kind: Any) -> None:
    job = start(kind)
    assert job.status is JobStatus.SUSPENDED
    assert states_of(job) == ["running", "suspended"]
    job.resume({"deep": [b"1", None]})
    assert dict(job.result(DEADLINE)) == {"result": ["kept", {"deep": [b"1", None]}], "early": "kept"}
    assert job.outputs["early"] == ["kept"]
    assert states_of(job) == ["running", "suspended", "running", "completed"]
    assert job.record.attempt == 2
    assert (tmp_path / "trace").read_text() == "x", "what has completed does not run again"
    updates = [event for event in job.events() if isinstance(event, NodeUpdate) and event.node_id == "a"]
    assert [update.status for update in updates] == ["running", "suspended", "running", "completed"]


def test_a_job_is_suspended_as_often_as_it_likes(start: Start) -> None:
    job = start(times=3)
    for number in range(3):
        assert job.status is JobStatus.SUSPENDED
        job.resume(number)
        assert job.wait(DEADLINE)
    assert job.result(DEADLINE)["result"] == ["kept", 0, 1, 2]
    assert states_of(job) == ["running", "suspended"] * 3 + ["running", "completed"]


def test_its_result_says_that_it_is_suspended(start: Start) -> None:
    job = start()
    with pytest.raises(JobSuspended, match="is suspended: question 1") as refusal:
        job.result(DEADLINE)
    assert f"%nodetool resume {job.id}" in str(refusal.value)
    assert job.is_live


def test_a_later_kernel_lets_it_go_on(start: Start, session: Session, open_session: Open) -> None:
    job = start(times=2)
    session.close()
    later = open_session().find(job.id)
    assert later.status is JobStatus.SUSPENDED
    later.resume("a")
    assert later.wait(DEADLINE)
    later.resume("b")
    assert dict(later.result(DEADLINE)) == {"result": ["kept", "a", "b"], "early": "kept"}
    assert states_of(later) == ["running", "suspended"] * 2 + ["running", "completed"]


def test_it_has_no_slot_and_waits_for_one(start: Start) -> None:
    """There is one slot."""
    first, second = start(), start()
    assert second.status is JobStatus.SUSPENDED
    second.resume(2)
    first.resume(1)
    assert first.result(DEADLINE)["result"] == ["kept", 1]
    assert second.result(DEADLINE)["result"] == ["kept", 2]


def test_all_who_hold_it_see_it_go_on(start: Start, session: Session) -> None:
    job = start()
    other = session.find(job.id)
    assert session.retry(job.id, resume=True).result(DEADLINE)["result"] == ["kept", None]
    assert job.result(DEADLINE)["result"] == other.result(DEADLINE)["result"] == ["kept", None]


def test_it_can_be_cancelled(start: Start, session: Session) -> None:
    job = start()
    assert job.cancel()
    assert job.status is session.find(job.id).status is JobStatus.CANCELLED
    assert not job.cancel()
    assert states_of(job) == ["running", "suspended", "cancelled"]
    with pytest.raises(OptionError, match="is cancelled, not suspended"):
        job.resume()


def test_it_is_not_pruned(start: Start, session: Session) -> None:
    job = start()
    session.prune(Bounds(age=0.0, count=0))
    job.resume("still here")
    assert job.result(DEADLINE)["result"] == ["kept", "still here"]


def test_only_a_suspended_job_is_resumed(start: Start) -> None:
    job = start(times=0)
    with pytest.raises(OptionError, match="is completed, not suspended"):
        job.resume()


def test_a_value_that_cannot_cross_leaves_it_suspended(start: Start) -> None:
    job = start()
    if job.strategy == "subprocess":
        with pytest.raises(Exception, match="the value to resume with"):
            job.resume(threading.Lock())
        assert job.status is JobStatus.SUSPENDED
    job.resume("fine")
    assert job.result(DEADLINE)["result"] == ["kept", "fine"]


def test_a_state_that_cannot_be_kept_fails_the_node(start: Start) -> None:
    job = start(keeps_a_lock)
    with pytest.raises(NodeError, match=r"can't suspend the job, as its state can't be kept: .*state"):
        job.result(DEADLINE)
