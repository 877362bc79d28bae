"""A job as it stands: its events folded, one at a time, into what the views draw.

Folding is O(1) per event and memory is bounded whatever a job sends: tails of logs and streamed text, a few
values per output and preview. One thread at a time folds and reads a view; nothing here is locked.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from nodetool_jupyter.errors import ErrorCode
from nodetool_jupyter.model.events import (
    Chunk,
    EdgeUpdate,
    Event,
    Fault,
    JobUpdate,
    LogUpdate,
    NodeProgress,
    NodeUpdate,
    Notification,
    OutputUpdate,
    PreviewUpdate,
    SaveUpdate,
    Severity,
)
from nodetool_jupyter.model.graph import Edge, Graph, Node
from nodetool_jupyter.model.job import LIVE, JobStatus
from nodetool_jupyter.views.markup import clean, cut, one_line
from nodetool_jupyter.views.parts import VALUES_PER_OUTPUT, LogTail, NodeState, NodeView, OutputView
from nodetool_jupyter.views.values import bounded

T = TypeVar("T")

LOG_LINE_CHARS = 2_000
LOG_CHARS = 2_000_000
"""For all nodes of a job together; a node keeps at least one full line."""
PREVIEWS = 50
OUTPUTS = 50
NOTICES = 20
STRANGERS = 1_000
"""Nodes that events name and the graph doesn't."""

_NOT_RUN = frozenset({"nodetool.workflows.base_node.Comment", "nodetool.workflows.base_node.Group"})
_PREVIEW = "nodetool.workflows.base_node.Preview"
_NAMED = (".input.", ".output.", ".authoring.")


class JobView:
    """The state of one job.

    ``revision`` grows with every event; the other counters tell which part of a drawing is old: ``shape`` the
    states of nodes, ``flow`` the counts on edges, ``told`` previews and notifications, ``logged`` the logs.
    """

    def __init__(self, graph: Graph, name: str = "", strategy: str = "") -> None:
        self.graph = graph
        self.name = one_line(name, 200) or "workflow"
        self.strategy = one_line(strategy, 40)
        self.status = JobStatus.QUEUED
        self.started: float | None = None
        self.duration: float | None = None
        self.latest = 0.0
        self.message = ""
        self.fault: Fault | None = None
        self.nodes = _node_views(graph)
        self.counts = Counter({NodeState.WAITING: len(self.nodes)})
        self.running: dict[str, NodeView] = {}
        self.failed: dict[str, NodeView] = {}
        self.logging: dict[str, tuple[NodeView, LogTail]] = {}
        self.edge_counts: dict[str, int] = {}
        self.outputs: dict[str, OutputView] = {}
        self.previews: dict[str, Any] = {}
        self.notices: deque[tuple[Severity, str]] = deque(maxlen=NOTICES)
        self.revision = self.shape = self.flow = self.told = self.logged = 0
        self._edges = {edge_key(*item): (item[1].source, item[1].target) for item in enumerate(graph.edges)}
        self._strangers = 0
        self._partial = 0.0

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen by itself; also true of a suspended job."""
        return self.status not in LIVE

    @property
    def done(self) -> int:
        """Nodes that have ended, well or not."""
        return self.counts[NodeState.COMPLETED] + self.counts[NodeState.ERROR]

    @property
    def fraction(self) -> float:
        """The job's progress from 0 to 1: each node counts the same, running ones by their own progress."""
        if self.status is JobStatus.COMPLETED:
            return 1.0
        return min(max((self.done + self._partial) / max(len(self.nodes), 1), 0.0), 1.0)

    def elapsed(self, now: float) -> float | None:
        """Seconds since the start at ``now`` (epoch seconds); the duration once the job has ended."""
        if self.duration is not None:
            return self.duration
        if self.started is None:
            return None
        return max((self.latest if self.ended else now) - self.started, 0.0)

    def state(self, node: NodeView) -> NodeState:
        """The node's state, in the light of how the job ended."""
        if not self.ended or self.status is JobStatus.SUSPENDED:
            return node.state
        if node.state is NodeState.WAITING:
            return NodeState.SKIPPED
        if node.state in (NodeState.RUNNING, NodeState.SUSPENDED):
            completed = self.status is JobStatus.COMPLETED
            return NodeState.COMPLETED if completed else NodeState.CANCELLED
        return node.state

    def tally(self) -> dict[NodeState, int]:
        """How many nodes are in each state, in the order of NodeState; without those that are none."""
        counts: Counter[NodeState] = Counter()
        for state, count in self.counts.items():
            counts[self.state(NodeView("", "", "", state))] += count
        return {state: counts[state] for state in NodeState if counts[state] > 0}

    def fold(self, event: Event) -> None:
        """Take in the job's next event."""
        self.revision += 1
        self.latest = max(self.latest, event.timestamp)
        FOLDS[type(event)](self, event)

    def end(self, status: JobStatus, fault: Fault | None = None) -> None:
        """Say how the job ended where its log doesn't."""
        self.fold(JobUpdate(status=status.value, fault=fault, timestamp=self.latest))

    def interesting(self) -> Iterator[NodeView]:
        """All nodes, those that failed first, then in the graph's order."""
        yield from self.failed.values()
        yield from (node for node in self.nodes.values() if node.id not in self.failed)

    def _job(self, event: JobUpdate) -> None:
        try:
            self.status = JobStatus(event.status)
        except ValueError:
            self.message = f"unknown status {one_line(event.status, 40)}"
            return
        self.shape += 1
        self.message = one_line(event.message or "", 300)
        if self.status is JobStatus.RUNNING:
            self.outputs.clear()  # a job that was suspended gives all of them once more
            self.started = event.timestamp if self.started is None else self.started
        if self.ended:
            self.duration = event.duration
            self.fault = event.fault or _fault_of(event)
            for name, values in (event.result or {}).items():
                if name not in self.outputs and len(self.outputs) < OUTPUTS:
                    self.outputs[name] = OutputView(
                        [bounded(v) for v in values[:VALUES_PER_OUTPUT]], len(values)
                    )
            self._put_in_order()

    def _put_in_order(self) -> None:
        """Let outputs, previews and logs stand as in the graph: branches finish in any order."""
        names = (str(node.data.get("name")) for node in self.graph.nodes if ".output." in node.type)
        self.outputs = _in_order(self.outputs, names)
        self.previews = _in_order(self.previews, self.nodes)
        self.logging = _in_order(self.logging, self.nodes)

    def _node(self, event: NodeUpdate) -> None:
        node = self._find(event.node_id, event.node_name, event.node_type)
        if node is None:
            return
        self.shape += 1
        before, state = node.state, NodeState(event.status)
        self.counts[before] -= 1
        self.counts[state] += 1
        node.state = state
        if state is NodeState.RUNNING:
            self.running[node.id] = node
            if before is not NodeState.RUNNING:
                self._partial += node.fraction
        elif before is NodeState.RUNNING:
            self.running.pop(node.id, None)
            self._partial -= node.fraction
        if state is NodeState.ERROR:
            node.error = clean(node.reason(event.error or "it failed"), LOG_LINE_CHARS)
            self.failed[node.id] = node

    def _progress(self, event: NodeProgress) -> None:
        node = self._find(event.node_id)
        if node is None:
            return
        before = node.fraction
        node.advance(event.progress, event.total, event.timestamp)
        if node.state is NodeState.RUNNING:
            self._partial += node.fraction - before
        if event.chunk:
            node.add_text(event.chunk)

    def _chunk(self, event: Chunk) -> None:
        node = self._find(event.node_id) if event.node_id else None
        if node is not None and event.content_type == "text":
            node.add_text(event.content)

    def _edge(self, event: EdgeUpdate) -> None:
        if event.counter is None or event.edge_id not in self._edges:
            return
        self.edge_counts[event.edge_id] = event.counter
        self.flow += 1
        source, target = (self.nodes.get(end) for end in self._edges[event.edge_id])
        if source is not None:
            source.sent = max(source.sent, event.counter)
        if target is not None:
            target.received = max(target.received, event.counter)

    def _output(self, event: OutputUpdate) -> None:
        output = self.outputs.get(event.output_name)
        if output is None and len(self.outputs) < OUTPUTS:
            output = self.outputs[event.output_name] = OutputView()
        if output is not None:
            output.add(event.value)

    def _preview(self, event: PreviewUpdate) -> None:
        if event.node_id in self.previews or len(self.previews) < PREVIEWS:
            self.previews[event.node_id] = bounded(event.value)
            self.told += 1

    def _save(self, event: SaveUpdate) -> None:
        self._log(
            LogUpdate(node_id=event.node_id, node_name="", content=f"saved {one_line(event.name, 200)}")
        )

    def _log(self, event: LogUpdate) -> None:
        node = self._find(event.node_id, event.node_name)
        if node is None:
            return
        _, logs = self.logging.setdefault(node.id, (node, LogTail()))
        room = max(LOG_CHARS // len(self.logging), LOG_LINE_CHARS)
        self.logged += 1
        logs.add(event.severity, clean(event.content, LOG_LINE_CHARS).rstrip("\n"), room)

    def _notice(self, event: Notification) -> None:
        self.told += 1
        self.notices.append((event.severity, clean(event.content, LOG_LINE_CHARS)))

    def _find(self, node_id: str, name: str = "", type_: str = "") -> NodeView | None:
        node = self.nodes.get(node_id)
        if node is None and self._strangers < STRANGERS:
            self._strangers += 1
            title = one_line(name, 120) or one_line(node_id, 120)
            node = self.nodes[node_id] = NodeView(node_id, title, type_)
            self.counts[NodeState.WAITING] += 1
        return node


FOLDS: dict[type, Callable[[JobView, Any], None]] = {
    JobUpdate: JobView._job,
    NodeUpdate: JobView._node,
    NodeProgress: JobView._progress,
    EdgeUpdate: JobView._edge,
    OutputUpdate: JobView._output,
    PreviewUpdate: JobView._preview,
    SaveUpdate: JobView._save,
    LogUpdate: JobView._log,
    Notification: JobView._notice,
    Chunk: JobView._chunk,
}
"""What each kind of event does; a test holds that no kind is missing."""


def title_of(node: Node) -> str:
    """What a node is called: its title, the name of an input, output or preview, a notebook node's id, else
    its class.
    """
    title = node.ui_properties.get("title")
    has_name = any(part in node.type for part in _NAMED) or node.type == _PREVIEW
    if not isinstance(title, str) and has_name:
        title = node.data.get("name")
    if not isinstance(title, str) or not title.strip():
        title = node.id if node.type.startswith("notebook.") else node.type.rpartition(".")[2]
    return one_line(title, 120) or one_line(node.id, 120)


def edge_key(number: int, edge: Edge) -> str:
    """The id by which the engine's edge_update messages name the graph's edge ``number``."""
    return edge.id or f"edge-{number}"


def _node_views(graph: Graph) -> dict[str, NodeView]:
    """The nodes that run, titled so that no two read the same."""
    views = {
        node.id: NodeView(node.id, title_of(node), node.type)
        for node in graph.nodes
        if node.type not in _NOT_RUN
    }
    same = Counter(view.title for view in views.values())
    for view in views.values():
        if same[view.title] > 1:
            view.title = f"{cut(view.title, 100)} · {one_line(view.id, 12)}"
    return views


def _in_order(parts: dict[str, T], keys: Iterable[str]) -> dict[str, T]:
    """The same dict, first what is named, in that order."""
    return {key: parts[key] for key in keys if key in parts} | parts


def _fault_of(event: JobUpdate) -> Fault | None:
    """NodeTool's own messages have an error text and no fault."""
    if not event.error:
        return None
    return Fault(code=ErrorCode.ENGINE_ERROR, message=event.error)
