"""What every strategy promises of streaming inputs: order, types, bounds, ends, and values as they were."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nodetool_jupyter import node
from nodetool_jupyter.errors import JobCancelled, OptionError
from nodetool_jupyter.job import Job
from nodetool_jupyter.model.graph import Edge, Graph, Node
from nodetool_jupyter.model.job import JobStatus
from nodetool_jupyter.session import Session
from nodetool_jupyter.settings import Settings
from tests.support import wait_until
from tests.unit.engine.support import check_events

pytestmark = pytest.mark.usefixtures("one_zygote")
DEADLINE = 60.0
ANY = "nodetool_jupyter.authoring.ValueInput"
INTEGER = "nodetool.input.IntegerInput"
EACH = 25
"""Values of each of several threads, which together are more than may wait."""
FAR_TOO_MANY = 1000
"""More values than any strategy lets wait."""


@dataclass
class Point:
    x: int


@node
async def same(value: Any) -> Any:
    return value


@node
async def sleeps(value: Any, path: str) -> Any:
    """Holds what is pushed after the first value until a file is there."""
    print("asleep")
    while not Path(path).exists():  # noqa: ASYNC110, ASYNC240
        await asyncio.sleep(0.01)
    return value


@node
async def first(value: AsyncIterator[Any]) -> Any:
    async for item in value:
        return item
    return None


Start = Callable[..., Job]


@pytest.fixture
def start(strategy_name: str, prepare: Callable[[Session], None], home: Path) -> Iterator[Start]:
    """Starts a job whose input ``x`` of a type is a stream, and goes through a node to the result."""
    session = Session(Settings(home=home, cancel_grace=0.5, max_workflow_threads=1, max_containers=1))
    prepare(session)

    def start(
        kind: Any = same, type_: str = ANY, params: Any = None, stream: bool = True, **data: Any
    ) -> Job:
        session.registry.add(kind.spec)
        source = Node(id="in", type=type_, data={"name": "x", "stream": stream})
        middle = Node(id="n", type=kind.spec.type, data=data)
        out = Node(id="o", type="nodetool.output.Output", data={"name": "result"})
        edges = (
            Edge(source="in", target="n", targetHandle="value"),
            Edge(source="n", target="o", targetHandle="value"),
        )
        return session.submit(Graph(nodes=(source, middle, out), edges=edges), params, strategy=strategy_name)

    yield start
    for managed in session.manager.list_jobs():
        session.manager.cancel_job(managed.record.id)
        managed.wait(DEADLINE)
    session.close()


def fill(job: Job) -> int:
    """Push numbers, once a node sleeps over the first, until no more are taken; gives how many were."""
    job.push_input("x", 0)
    wait_until(lambda: job.logs, DEADLINE)
    for number in range(1, FAR_TOO_MANY):
        try:
            job.push_input("x", number, timeout=0.5)
        except TimeoutError:
            return number
    raise AssertionError("it takes without bound")


def test_values_come_once_in_order_until_the_end(start: Start) -> None:
    job = start(type_=INTEGER)
    for number in range(500):
        job.push_input("x", number)
    job.end_input("x")
    assert job.result(DEADLINE) == list(range(500))
    check_events(list(job.events()))


def test_the_job_runs_until_its_input_is_ended(start: Start) -> None:
    job = start()
    job.push_input("x", 1)
    wait_until(lambda: job.outputs == {"result": [1]}, DEADLINE, lambda: job.outputs)
    assert job.is_live
    job.push_input("x", 2)
    wait_until(lambda: job.outputs == {"result": [1, 2]}, DEADLINE)
    job.end_input("x")
    assert job.result(DEADLINE) == [1, 2]


def test_an_input_may_end_without_a_value(start: Start) -> None:
    job = start()
    job.end_input("x")
    assert job.result(DEADLINE) == []


def test_a_param_is_the_first_value(start: Start) -> None:
    job = start(params={"x": "first"})
    job.push_input("x", "second")
    job.end_input("x")
    assert job.result(DEADLINE) == ["first", "second"]


def test_values_are_what_they_were(start: Start) -> None:
    values = [None, Point(3), b"\xff", "large" * 2_000_000, {"deep": [1, {2}]}, float("inf"), "line\nline"]
    job = start()
    for value in values:
        job.push_input("x", value)
    job.end_input("x")
    assert job.result(DEADLINE) == values


def test_a_queued_job_keeps_what_is_pushed(start: Start) -> None:
    """There is one slot, which another job has."""
    running = start()
    queued = start()
    for number in range(50):
        queued.push_input("x", number)
    queued.end_input("x")
    assert queued.status is JobStatus.QUEUED
    running.end_input("x")
    assert queued.result(DEADLINE) == list(range(50))


def test_whoever_pushes_too_much_waits_in_vain(start: Start, tmp_path: Path) -> None:
    """Nothing grows without bound; what was taken is not lost when others are refused."""
    job = start(sleeps, path=str(tmp_path / "go"))
    pushed = fill(job)
    with pytest.raises(TimeoutError, match=r"input 'x' of job .* has taken nothing for 0.1 s"):
        job.push_input("x", "refused", timeout=0.1)
    (tmp_path / "go").touch()
    job.push_input("x", "there is room again", timeout=DEADLINE)
    job.end_input("x")
    assert job.result(DEADLINE) == [*range(pushed), "there is room again"]


def test_a_loop_goes_on_while_a_push_waits(start: Start, tmp_path: Path) -> None:
    job = start(sleeps, path=str(tmp_path / "go"))
    fill(job)

    async def push() -> int:
        turns = 0
        pushing = asyncio.ensure_future(job.push_input_async("x", "late"))
        while not pushing.done():
            turns += 1
            if turns == 10:
                (tmp_path / "go").touch()
            await asyncio.sleep(0.01)
        await pushing
        return turns

    assert asyncio.run(push()) >= 10
    job.end_input("x")
    assert job.result(DEADLINE)[-1] == "late"


def test_many_threads_push(start: Start) -> None:
    job = start()
    threads = [
        threading.Thread(target=lambda at=at: [job.push_input("x", (at, number)) for number in range(EACH)])
        for at in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
        assert not thread.is_alive()
    job.end_input("x")
    values = job.result(DEADLINE)
    for at in range(4):
        assert [number for source, number in values if source == at] == list(range(EACH))


REFUSED: list[tuple[Callable[[Job], None], str]] = [
    (lambda job: job.push_input("x", "text"), "input 'x': expected int, found str"),
    (lambda job: job.push_input("y", 1), "this job has no streaming input 'y'"),
    (lambda job: job.push_input(["x"], 1), "this job has no streaming input"),
    (lambda job: job.end_input("X"), "this job has no streaming input 'X'"),
    (lambda job: job.push_input("x", 1, timeout=-1), "timeout is a number of seconds"),
]


def test_what_does_not_fit_is_refused(start: Start) -> None:
    job = start(type_=INTEGER)
    for push, message in REFUSED:
        with pytest.raises(OptionError, match=message):
            push(job)
    job.push_input("x", 1)
    job.end_input("x")
    assert job.result(DEADLINE) == [1]


def test_an_input_that_is_no_stream_takes_nothing(start: Start, tmp_path: Path) -> None:
    job = start(sleeps, stream=False, path=str(tmp_path / "go"))
    with pytest.raises(OptionError, match="input 'x' of this job is no stream") as refusal:
        job.push_input("x", 1)
    assert "stream=True" in str(refusal.value)


def test_nothing_is_taken_after_the_end(start: Start) -> None:
    job = start(sleeps, path="/nowhere")
    job.end_input("x")
    for call in (lambda: job.push_input("x", 1), lambda: job.end_input("x")):
        with pytest.raises(OptionError, match=r"input 'x' has been ended|has ended \(completed\)"):
            call()
    job.wait(DEADLINE)
    with pytest.raises(OptionError, match=r"has ended \(completed\): it takes no more input"):
        job.push_input("x", 1)


def test_a_cancel_frees_whoever_pushes(start: Start) -> None:
    job = start(sleeps, path="/nowhere")
    refused: list[BaseException] = []

    def push() -> None:
        try:
            for number in range(FAR_TOO_MANY):
                job.push_input("x", number, timeout=None)
        except OptionError as error:
            refused.append(error)

    thread = threading.Thread(target=push)
    thread.start()
    wait_until(lambda: job.status is JobStatus.RUNNING, DEADLINE)
    job.cancel()
    with pytest.raises(JobCancelled):
        job.result(DEADLINE)
    thread.join(DEADLINE)
    assert "takes no more input" in str(refused[0])


def test_a_stream_that_nobody_reads_any_more_keeps_no_job(start: Start) -> None:
    job = start(first)
    job.push_input("x", 1)
    wait_until(lambda: job.outputs == {"result": [1]}, DEADLINE)
    job.push_input("x", 2)
    assert job.result(DEADLINE) == 1
    assert "nobody reads its stream" in job.logs[-1].content
