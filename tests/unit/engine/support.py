"""Small graphs of node functions and classes, run by the engine alone: no strategy, manager or store.

Each run is held to what every run promises of its events, whatever the test is about.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.function import NodeFunction
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.engine.outcome import Outcome
from nodetool_jupyter.engine.plan import Plan, compile_graph, find_problems
from nodetool_jupyter.engine.registry import Registry
from nodetool_jupyter.engine.runner import WorkflowRunner
from nodetool_jupyter.engine.spec import NodeSpec
from nodetool_jupyter.engine.threads import ThreadPool
from nodetool_jupyter.model.batch import Batch
from nodetool_jupyter.model.events import Event, JobUpdate, LogUpdate, NodeUpdate
from nodetool_jupyter.model.graph import Edge, Graph, Node
from nodetool_jupyter.nodes import FAMILIES

E = TypeVar("E")
Kind = NodeFunction[..., Any] | type[BaseNode]
Nodes = Mapping[str, Any]
"""Node id → a kind, or (kind, properties), or (kind, properties, other fields of the node)."""


class Input(BaseNode, prefix="test", role="input"):
    """A param of any type."""

    name: str = ""
    value: Any = None

    async def process(self, context: ProcessingContext) -> Any:
        return self.value


class Out(BaseNode, prefix="test", role="output"):
    """One named result."""

    name: str = "result"
    value: Any = None


class Show(BaseNode, prefix="test", role="preview"):
    """A preview."""

    value: Any = None


class Note(BaseNode, prefix="test", role="comment"):
    """A comment."""

    text: str = ""


def spec_of(kind: Kind) -> NodeSpec:
    return kind.spec if isinstance(kind, NodeFunction) else kind.spec()


def edge(text: str) -> Edge:
    """``a > b.value`` or ``a.odd > b.value``; ids are the text, so that events name them."""
    source, _, target = text.partition(" > ")
    source, _, handle = source.partition(".")
    target, _, target_handle = target.partition(".")
    return Edge(
        id=text, source=source, sourceHandle=handle or "output", target=target, targetHandle=target_handle
    )


def graph(nodes: Nodes, *edges: str) -> Graph:
    """A graph of the given nodes, connected as the edges say."""
    made = []
    for node_id, given in nodes.items():
        kind, data, fields = (*(given if isinstance(given, tuple) else (given,)), {}, {})[:3]
        made.append(Node(id=node_id, type=spec_of(kind).type, data=data, **fields))
    return Graph(nodes=tuple(made), edges=tuple(map(edge, edges)))


def registry(nodes: Nodes) -> Registry:
    """Knows the kinds of these nodes, and the library."""
    known = Registry(FAMILIES)
    for given in nodes.values():
        known.add(spec_of(given[0] if isinstance(given, tuple) else given))
    return known


def plan(nodes: Nodes, *edges: str, params: Mapping[str, Any] | None = None) -> Plan:
    return compile_graph(graph(nodes, *edges), registry(nodes), params)


def problems(nodes: Nodes, *edges: str, params: Mapping[str, Any] | None = None) -> list[str]:
    """What keeps the graph from running, one sentence each."""
    return [str(problem) for problem in find_problems(graph(nodes, *edges), registry(nodes), params)]


@dataclass
class Ran:
    """A run that has ended: its outcome and all of its events."""

    events: list[Event]
    outcome: Outcome = field(default_factory=lambda: Outcome("not ended"))

    @property
    def status(self) -> str:
        return self.outcome.status

    @property
    def result(self) -> list[Any]:
        """What the output ``result`` has got."""
        return self.outcome.outputs["result"]

    @property
    def message(self) -> str:
        """Why it failed."""
        assert self.outcome.fault is not None, self.outcome
        return self.outcome.fault.message

    def of(self, kind: type[E]) -> list[E]:
        """The events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]

    def node_states(self, node_id: str) -> list[str]:
        """The statuses that a node went through."""
        return [event.status for event in self.of(NodeUpdate) if event.node_id == node_id]

    def lines(self, node_id: str | None = None) -> list[str]:
        """The logs, of one node or of all."""
        logs = self.of(LogUpdate)
        return [event.content for event in logs if node_id is None or event.node_id == node_id]


def check_events(events: Sequence[Event]) -> None:
    """Numbered from 1 without a gap; one event that ends all, the last; a node starts once and ends once."""
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    states = [event.status for event in events if isinstance(event, JobUpdate)]
    *before, last = states
    assert before == ["running"] or len(events) == 1, "one that never ran has but its end"
    assert last in ("completed", "failed", "cancelled", "suspended")
    assert isinstance(events[-1], JobUpdate)
    by_node: dict[str, list[str]] = {}
    for event in events:
        if isinstance(event, NodeUpdate):
            by_node.setdefault(event.node_id, []).append(event.status)
    allowed = (["running"], *(["running", end] for end in ("completed", "error", "suspended")))
    assert all(statuses in allowed for statuses in by_node.values()), by_node
    ends = {"completed": [], "failed": [["running", "error"]], "cancelled": [], "suspended": []}[last]
    assert sum(statuses == ["running", "error"] for statuses in by_node.values()) <= len(ends)


class Bench:
    """What a test's runs share: a pool of threads that ends with it."""

    def __init__(self, threads: int = 4, grace: float = 2.0) -> None:
        self.pool = ThreadPool(threads, idle_seconds=5)
        self.grace = grace

    def runner(self, nodes: Nodes, *edges: str, ran: Ran, **options: Any) -> WorkflowRunner:
        """A runner whose events go to ``ran``."""
        sink = options.pop("sink", ran.events.extend)
        context = options.pop("context", None) or ProcessingContext(job_id="job")
        return WorkflowRunner(plan(nodes, *edges, **options), context, sink, self.pool, grace=self.grace)

    def run(self, nodes: Nodes, *edges: str, **options: Any) -> Ran:
        """Run a graph to its end on a loop of its own."""
        ran = Ran([])
        return self._run(self.runner(nodes, *edges, ran=ran, **options), ran)

    def run_plan(self, made: Plan, context: ProcessingContext | None = None) -> Ran:
        """Likewise, what has been planned elsewhere."""
        ran = Ran([])
        context = context or ProcessingContext(job_id="job")
        return self._run(WorkflowRunner(made, context, ran.events.extend, self.pool, grace=self.grace), ran)

    def _run(self, runner: WorkflowRunner, ran: Ran) -> Ran:
        ran.outcome = asyncio.run(bounded(runner.run()))
        check_events(ran.events)
        return ran

    def run_and_cancel(self, nodes: Nodes, *edges: str, when: Callable[[Any], bool]) -> Ran:
        """Run, and cancel as soon as an event is told for which ``when`` holds."""
        ran = Ran([])

        def sink(events: Batch) -> None:
            ran.events.extend(events)
            if any(map(when, events)):
                runner.cancel()

        runner = self.runner(nodes, *edges, ran=ran, sink=sink)
        ran.outcome = asyncio.run(bounded(runner.run()))
        check_events(ran.events)
        return ran


T = TypeVar("T")


async def bounded(coroutine: Coroutine[Any, Any, T], seconds: float = 20) -> T:
    """Whatever hangs, hangs for a bounded time."""
    return await asyncio.wait_for(coroutine, seconds)


@contextmanager
def open_bench(**options: Any) -> Iterator[Bench]:
    bench = Bench(**options)
    yield bench
    bench.pool.close()
