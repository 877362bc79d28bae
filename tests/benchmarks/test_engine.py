"""The engine and a whole threaded job, against what asyncio takes for the bare moves in the same run."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from nodetool_jupyter import node
from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.plan import Plan, compile_graph
from nodetool_jupyter.engine.registry import Registry
from nodetool_jupyter.engine.runner import WorkflowRunner
from nodetool_jupyter.engine.threads import ThreadPool
from nodetool_jupyter.model.graph import Edge, Graph, Node
from nodetool_jupyter.model.request import RunJobRequest
from nodetool_jupyter.session import get_session
from nodetool_jupyter.worker.event_log import LogWriter
from tests.benchmarks.compare import compare
from tests.benchmarks.steps import increment, text, upper

pytestmark = pytest.mark.benchmark

NODES = 10_000
ITEMS = 100_000
PAIRS = 15


@node
async def one() -> int:
    return 1


@node
def blocking_increment(x: int) -> int:
    return x + 1


@node
def blocking_text(x: int) -> str:
    return str(x)


@node
def blocking_upper(x: str) -> str:
    return x.upper()


@node
async def count(limit: int) -> AsyncIterator[int]:
    for number in range(limit):
        yield number


@node
async def total(items: AsyncIterator[int]) -> int:
    result = 0
    async for item in items:
        result += item
    return result


FUNCTIONS = (
    one, increment, text, upper, blocking_increment, blocking_text, blocking_upper, count, total,
)  # fmt: skip


@pytest.fixture
def registry() -> Registry:
    registry = Registry({})
    for function in FUNCTIONS:
        registry.add(function.spec)
    return registry


def type_of(function: Any) -> str:
    return str(function.spec.type)


def star(source: int, size: int = NODES) -> Iterator[Edge]:
    """Edges from one node to all others, or along them: ``source`` is 0 for a star, 1 for a chain."""
    for number in range(1, size):
        yield Edge(source=f"n{(number - 1) * source}", target=f"n{number}", targetHandle="x")


def ladder(source: int, size: int = NODES) -> Graph:
    nodes = [Node(id="n0", type=type_of(one))]
    nodes += [Node(id=f"n{number}", type=type_of(increment)) for number in range(1, size)]
    return Graph(nodes=tuple(nodes), edges=tuple(star(source, size)))


def run_plan(plan: Plan, log: LogWriter, pool: ThreadPool) -> Coroutine[Any, Any, Any]:
    return WorkflowRunner(
        plan, ProcessingContext(job_id="job"), lambda events: log.append(events.lines), pool
    ).run()


async def noop() -> None:
    pass


async def tasks(number: int) -> None:
    for _ in range(number):
        await asyncio.create_task(noop())


class Bench:
    """A loop, a pool, and a new log for each run."""

    def __init__(self, folder: Path) -> None:
        self.loop = asyncio.new_event_loop()
        self.pool = ThreadPool(2)
        self._folder = folder
        self._runs = 0

    def runner(self, plan: Plan) -> Callable[[], object]:
        def run() -> object:
            self._runs += 1
            log = LogWriter(self._folder / str(self._runs) / "events.jsonl")
            outcome = self.loop.run_until_complete(run_plan(plan, log, self.pool))
            log.close()
            assert outcome.status == "completed", outcome
            return outcome

        return run

    def floor(self, coroutine: Callable[[], Coroutine[Any, Any, Any]]) -> Callable[[], object]:
        return lambda: self.loop.run_until_complete(coroutine())


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.pool.close()
    bench.loop.close()


@pytest.mark.parametrize(("shape", "source"), [("chain", 1), ("fan-out", 0)])
def test_nodes(bench: Bench, registry: Registry, shape: str, source: int) -> None:
    for size in (1_000, NODES):
        plan = compile_graph(ladder(source, size), registry)
        compare(
            f"{shape} of {size:,} async nodes, all messages in the log, per node",
            bench.runner(plan),
            bench.floor(lambda size=size: tasks(size)),  # type: ignore[misc]
            1.0,
            pairs=PAIRS,
            each=size,
        )


def test_compile(bench: Bench, registry: Registry) -> None:
    graph = ladder(1)
    compare(
        f"validating and planning {NODES:,} nodes, per node",
        lambda: compile_graph(graph, registry),
        bench.floor(lambda: tasks(NODES)),
        pairs=PAIRS,
        each=NODES,
    )


async def queue_items() -> None:
    queue: asyncio.Queue[int | None] = asyncio.Queue(64)

    async def produce() -> None:
        for number in range(ITEMS):
            await queue.put(number)
        await queue.put(None)

    producer = asyncio.create_task(produce())
    while await queue.get() is not None:
        pass
    await producer


def test_stream(bench: Bench, registry: Registry) -> None:
    graph = Graph(
        nodes=(
            Node(id="count", type=type_of(count), data={"limit": ITEMS}),
            Node(id="total", type=type_of(total)),
        ),
        edges=(Edge(source="count", target="total", targetHandle="items"),),
    )
    compare(
        "items through one streaming edge, per item",
        bench.runner(compile_graph(graph, registry)),
        bench.floor(queue_items),
        1.5,
        pairs=PAIRS,
        each=ITEMS,
    )


def chain_of(*functions: Any) -> Graph:
    nodes = [
        Node(id=f"n{at}", type=type_of(function), data={} if at else {"x": 1})
        for at, function in enumerate(functions)
    ]
    nodes.append(Node(id="out", type="nodetool.output.Output", data={"name": "result"}))
    names = [each.id for each in nodes]
    handles = [*("x" for _ in functions[1:]), "value"]
    edges = [
        Edge(source=source, target=target, targetHandle=handle)
        for source, target, handle in zip(names[:-1], names[1:], handles, strict=True)
    ]
    return Graph(nodes=tuple(nodes), edges=tuple(edges))


@pytest.mark.parametrize(
    ("kind", "functions"),
    [
        ("async def", (increment, text, upper)),
        ("def", (blocking_increment, blocking_text, blocking_upper)),
    ],
)
def test_job(home: Path, kind: str, functions: tuple[Any, ...]) -> None:
    """Three chained functions on a warm manager; row and log are with the system before the result."""
    session = get_session()
    for function in functions:
        session.registry.add(function.spec)
    request = RunJobRequest(graph=chain_of(*functions))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="floor")
    thread.start()

    def job() -> None:
        assert session.submit_request(request).result() == "2"

    try:
        for _ in range(20):
            job()
        compare(
            f"a job of 3 nodes ({kind}), submit to result, store at {session.settings.store}",
            job,
            lambda: asyncio.run_coroutine_threadsafe(noop(), loop).result(),
            3.0,
        )
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
