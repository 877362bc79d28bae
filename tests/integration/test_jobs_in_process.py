"""Jobs as those hold them who submit them: nested, awaited, cancelled from inside, ended with the kernel."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nodetool_jupyter import node
from nodetool_jupyter.errors import ErrorCode, NodeError
from nodetool_jupyter.job import Job
from nodetool_jupyter.model.graph import Edge, Graph, Node
from nodetool_jupyter.model.job import JobStatus
from nodetool_jupyter.session import close_session, get_session
from nodetool_jupyter.settings import load_settings
from nodetool_jupyter.store import open_store
from nodetool_jupyter.values.files import make_private
from nodetool_jupyter.widgets.here import submit

PATIENCE = 30.0


def graph_of(function: Any, **data: Any) -> Graph:
    get_session().registry.add(function.spec)
    nodes = (
        Node(id="a", type=function.spec.type, data=data),
        Node(id="out", type="nodetool.output.Output", data={"name": "result"}),
    )
    return Graph(nodes=nodes, edges=(Edge(source="a", target="out", targetHandle="value"),))


@node
async def one() -> int:
    return 1


def hanging(started: threading.Event) -> Any:
    @node
    async def hang() -> int:
        started.set()
        await asyncio.Event().wait()
        return 0

    return hang


@pytest.fixture
def one_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_WORKFLOW_THREADS", "1")


@pytest.mark.usefixtures("one_slot")
@pytest.mark.parametrize("kind", ["def", "async def"])
def test_a_job_in_a_job_needs_no_slot(kind: str) -> None:
    """Its parent has the only one and waits for it: were it queued, neither would ever end."""
    inner = graph_of(one)

    @node
    def blocking() -> int:
        return int(submit(inner).result(PATIENCE)) + 1

    @node
    async def waiting() -> int:
        return int(await submit(inner)) + 1

    outer = graph_of(blocking if kind == "def" else waiting)
    assert submit(outer).result(PATIENCE) == 2
    assert submit(inner).result(PATIENCE) == 1


@pytest.mark.usefixtures("one_slot")
def test_jobs_end_with_their_kernel(home: Path) -> None:
    """Running and queued ones are failed with that reason, not cancelled by nobody."""
    started = threading.Event()
    jobs = [submit(graph_of(hanging(started))), submit(graph_of(one))]
    assert started.wait(PATIENCE)
    close_session()
    assert [job.status for job in jobs] == [JobStatus.FAILED] * 2
    store = open_store(load_settings())
    try:
        faults = [store.get(job.id).fault for job in jobs]
        assert [fault and fault.code for fault in faults] == [ErrorCode.KERNEL_DIED] * 2
    finally:
        store.close()
    assert home.exists()


def test_waiting_for_a_job_can_be_cancelled() -> None:
    """No thread waits for it: a loop that gives up awaiting a job goes on, and the job too."""
    started = threading.Event()
    job = submit(graph_of(hanging(started)))

    async def give_up(waiting: Callable[[], Any]) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(waiting(), 0.05)

    async def read() -> None:
        async for _ in job:
            pass

    async def wait() -> None:
        await job

    asyncio.run(give_up(wait))
    asyncio.run(give_up(read))
    assert job.is_live
    job.cancel()
    assert job.wait(PATIENCE)


def test_a_job_can_be_awaited_and_iterated() -> None:
    """By many at once, before and after its end."""

    async def both(job: Job) -> tuple[list[int], list[int]]:
        results = await asyncio.gather(*(job._result_when_ended() for _ in range(9)))
        return results, [event.seq async for event in job]

    results, numbers = asyncio.run(both(submit(graph_of(one))))
    assert results == [1] * 9
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_node_may_cancel_its_own_job() -> None:
    """It ends by itself, and its job at once after it, as cancelled."""
    held: list[Job] = []
    ready = threading.Event()

    @node
    def cancels_itself() -> int:
        ready.wait(PATIENCE)
        held[0].cancel()
        return 0

    held.append(submit(graph_of(cancels_itself)))
    ready.set()
    assert held[0].wait(PATIENCE)
    assert held[0].status is JobStatus.CANCELLED


def test_a_timeout_holds_for_a_node_that_never_awaits() -> None:
    """Such a node can't be ended by its loop, but it is told to be late all the same."""

    @node(timeout=0.01)
    async def computes() -> int:
        threading.Event().wait(0.1)
        return 1

    with pytest.raises(NodeError, match=r"timeout of 0\.01 s") as caught:
        submit(graph_of(computes)).result(PATIENCE)
    assert caught.value.code is ErrorCode.TIMED_OUT


def test_a_folder_where_none_can_be_made_is_an_error() -> None:
    """The kernel's own file system has no place for one, whatever is above it."""
    with pytest.raises(OSError, match="nope"):
        make_private(Path("/proc/nope/deeper"))


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_an_endless_stream_ends_with_its_last_reader(kind: str) -> None:
    """Nobody would ever see what it still gives; its log says that it was ended."""

    @node
    def numbers() -> Iterator[int]:
        yield from itertools.count()

    @node
    async def ticks() -> AsyncIterator[int]:
        for number in itertools.count():
            yield number
            await asyncio.sleep(0)

    @node
    async def first(items: AsyncIterator[int]) -> int:
        async for item in items:
            return item
        return -1

    source = numbers if kind == "def" else ticks
    for each in (source, first):
        get_session().registry.add(each.spec)
    nodes = (
        Node(id="a", type=source.spec.type),
        Node(id="b", type=first.spec.type),
        Node(id="out", type="nodetool.output.Output", data={"name": "result"}),
    )
    edges = (
        Edge(source="a", target="b", targetHandle="items"),
        Edge(source="b", target="out", targetHandle="value"),
    )
    job = submit(Graph(nodes=nodes, edges=edges))
    assert job.result(PATIENCE) == 0
    assert [log.content for log in job.logs if log.node_id == "a"] == [
        "nobody reads its stream any more: it was ended early"
    ]
