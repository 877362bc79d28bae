"""Support for the tests of views and widgets: a job made of a list of events, and its log."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from typing import Any

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
    OutputUpdate,
    encode_events,
)
from nodetool_jupyter.model.graph import Edge, Graph, Node
from nodetool_jupyter.model.job import LIVE, JobStatus
from nodetool_jupyter.views.snapshot import JobView

START = 1_000.0


def chain(*names: str) -> Graph:
    """A graph of notebook nodes, each fed by the one before it."""
    nodes = tuple(Node(id=name, type=f"notebook.{name}") for name in names)
    edges = tuple(
        Edge(id=f"e{number}", source=names[number - 1], target=names[number], targetHandle="value")
        for number in range(1, len(names))
    )
    return Graph(nodes=nodes, edges=edges)


def running(at: float = START) -> JobUpdate:
    return JobUpdate(status="running", timestamp=at)


def completed(duration: float = 2.5) -> JobUpdate:
    return JobUpdate(status="completed", duration=duration, timestamp=START + duration)


def failed(node_id: str, message: str, hint: str | None = None) -> JobUpdate:
    fault = Fault(code=ErrorCode.NODE_ERROR, message=message, hint=hint, node_id=node_id)
    return JobUpdate(status="failed", duration=1.0, fault=fault, error=message, timestamp=START + 1)


def node(node_id: str, status: Any, error: str | None = None) -> NodeUpdate:
    name = f"notebook.{node_id}"
    return NodeUpdate(
        node_id=node_id, node_name=node_id, node_type=name, status=status, error=error, timestamp=START
    )


def ran(*node_ids: str) -> list[Event]:
    """The events of nodes that ran one after the other."""
    return [node(node_id, status) for node_id in node_ids for status in ("running", "completed")]


def progress(node_id: str, done: float, total: float | None = None, chunk: str = "") -> NodeProgress:
    return NodeProgress(node_id=node_id, progress=done, total=total, chunk=chunk, timestamp=START)


def moved(edge_id: str, counter: int) -> EdgeUpdate:
    return EdgeUpdate(edge_id=edge_id, status="message_sent", counter=counter, timestamp=START)


def output(value: Any, name: str = "result", node_id: str = "out") -> OutputUpdate:
    return OutputUpdate(node_id=node_id, node_name=name, output_name=name, value=value, timestamp=START)


def logged(node_id: str, content: str, severity: Any = "info") -> LogUpdate:
    return LogUpdate(node_id=node_id, node_name=node_id, content=content, severity=severity, timestamp=START)


def text(node_id: str, content: str) -> Chunk:
    return Chunk(node_id=node_id, content=content, timestamp=START)


def folded(graph: Graph, events: Iterable[Event], name: str = "quickstart") -> JobView:
    """The view of a job that has sent these events."""
    view = JobView(graph, name, "threaded")
    for event in events:
        view.fold(event)
    return view


class MemoryLog:
    """A job's log, as bytes in memory: complete lines are read, a torn last one is not."""

    def __init__(self) -> None:
        self.data = b""

    def read(self, offset: int = 0, *, limit: int | None = None) -> tuple[list[bytes], int]:
        data = self.data[offset:] if limit is None else self.data[offset : offset + limit]
        end = data.rfind(b"\n") + 1
        return data[:end].split(b"\n")[:-1], offset + end


class MemoryJob:
    """A job that a test drives: ``tell`` appends events, ``cancel`` ends it as the engine would."""

    def __init__(self, graph: Graph, name: str = "quickstart", job_id: str = "job-1") -> None:
        self.id = job_id
        self.name = name
        self.strategy = "threaded"
        self.graph = graph
        self.log = MemoryLog()
        self.status = JobStatus.QUEUED
        self.cancels = 0
        self.ended = threading.Event()
        self._seq = 0

    def tell(self, *events: Event | Sequence[Event]) -> None:
        """Append events to the log, numbered; a job_update changes the status."""
        batch: list[Event] = []
        for item in events:
            batch += item if isinstance(item, list) else [item]  # type: ignore[list-item]
        for event in batch:
            self._seq += 1
            event.seq = self._seq  # type: ignore[misc]
            event.job_id = self.id  # type: ignore[misc]
        self.log.data += encode_events(batch)
        for event in batch:
            if isinstance(event, JobUpdate):
                self.status = JobStatus(event.status)
        if self.status not in LIVE:
            self.ended.set()

    def cancel(self) -> bool:
        self.cancels += 1
        if not self.ended.is_set():
            self.tell(JobUpdate(status="cancelled", duration=0.5, timestamp=START + 0.5))
        return True

    def wait(self, timeout: float | None = None) -> bool:
        return self.ended.wait(timeout)
