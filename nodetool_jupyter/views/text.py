"""A job's progress and end state as plain text.

What describes the end holds no ids of jobs, times or durations: two runs of one workflow read the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from nodetool_jupyter.model.events import Event, JobUpdate, LogUpdate, NodeUpdate, Notification
from nodetool_jupyter.model.job import JobStatus
from nodetool_jupyter.views.markup import clean, cut, isolate, one_line
from nodetool_jupyter.views.parts import NodeState, NodeView, OutputView
from nodetool_jupyter.views.snapshot import JobView
from nodetool_jupyter.views.values import inline

MARKS = {
    NodeState.WAITING: "○",
    NodeState.RUNNING: "●",
    NodeState.COMPLETED: "✓",
    NodeState.ERROR: "✕",
    NodeState.SUSPENDED: "‖",
    NodeState.SKIPPED: "\N{EN DASH}",
    NodeState.CANCELLED: "■",
}
STATUS_MARKS = {
    JobStatus.QUEUED: "○",
    JobStatus.STARTING: "○",
    JobStatus.RUNNING: "●",
    JobStatus.COMPLETED: "✓",
    JobStatus.FAILED: "✕",
    JobStatus.CANCELLED: "■",
    JobStatus.SUSPENDED: "‖",
}
BAR = 20
NODES_SHOWN = 20
LINES_SHOWN = 200
"""Log lines that text progress prints before it leaves the rest to the job's log."""
SINGLE_NODES = 50
"""Larger graphs are told by tenths of their nodes, not node by node."""


def duration_text(seconds: float) -> str:
    """A duration for people: ``0.42 s``, ``12.3 s``, ``3 min 05 s``, ``1 h 02 min``."""
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def left_text(seconds: float) -> str:
    """What a node will take still, no finer than it can be known: ``about 20 s left``."""
    if seconds < 10:
        return "a few seconds left"
    if seconds < 57.5:
        return f"about {5 * round(seconds / 5)} s left"
    minutes = max(round(seconds / 60), 1)
    if minutes < 60:
        return f"about {minutes} min left"
    return f"about {round(seconds / 3600)} h left"


def nodes_text(count: int) -> str:
    return f"{count:,} node{'' if count == 1 else 's'}"


def tally_text(view: JobView) -> str:
    """How many nodes are in which state: ``3 completed, 1 running, 2 waiting``."""
    return ", ".join(f"{count:,} {state.value}" for state, count in view.tally().items()) or "no nodes"


def items(node: NodeView, before: str = "") -> str:
    """How many items a streaming node has passed on or taken in; nothing for one that doesn't stream."""
    count = max(node.sent, node.received)
    return f"{before}{count:,} items" if count > 1 else ""


def amount(node: NodeView) -> str:
    """How far a node says it is: ``40 %``, or what it has counted where it knows no total."""
    if node.total:
        return f"{node.fraction:.0%}".replace("%", " %")
    return f"{node.progress:,.10g}" if node.progress else ""


def progress_line(view: JobView, now: float, width: int = 100) -> str:
    """The job on one line of at most ``width`` characters: state, bar, counts, time, and what runs."""
    filled = round(view.fraction * BAR)
    bar = "━" * filled + "─" * (BAR - filled)
    parts = [
        f"{STATUS_MARKS[view.status]} {isolate(cut(view.name, 30))}",
        bar,
        f"{view.done:,}/{len(view.nodes):,}",
    ]
    elapsed = view.elapsed(now)
    parts += [duration_text(elapsed)] if elapsed is not None else [view.status.value]
    if view.failed:
        parts.append(f"{len(view.failed)} failed")
    for node in list(view.running.values())[:3]:
        parts.append(" ".join(filter(None, (isolate(cut(node.title, 24)), amount(node) or items(node)))))
    return cut("  ".join(parts), width)


class TextProgress:
    """The lines that text progress prints: one per change of state, and the log."""

    def __init__(self, view: JobView) -> None:
        self._view = view
        self._logged = 0
        self._tenths = 0

    def lines(self, event: Event) -> Iterator[str]:
        """What to print for an event that the view has just folded."""
        match event:
            case JobUpdate() if not self._view.ended:
                yield f"{STATUS_MARKS[self._view.status]} {self._title()}: {self._view.status.value}"
            case NodeUpdate():
                yield from self._node(event)
            case LogUpdate():
                yield from self._log(event)
            case Notification():
                yield f"  ! {one_line(event.content, 300)}"
            case _:
                pass

    def _title(self) -> str:
        strategy = f" ({self._view.strategy})" if self._view.strategy else ""
        return f"{isolate(self._view.name)}{strategy}"

    def _node(self, event: NodeUpdate) -> Iterator[str]:
        view = self._view
        node = view.nodes.get(event.node_id)
        if node is None:
            return
        if len(view.nodes) <= SINGLE_NODES or node.state is NodeState.ERROR:
            yield "  " + node_text(node, node.state)
            return
        tenths = view.done * 10 // len(view.nodes)
        if tenths > self._tenths:
            self._tenths = tenths
            yield f"  ● {view.done:,} of {len(view.nodes):,} nodes done"

    def _log(self, event: LogUpdate) -> Iterator[str]:
        self._logged += 1
        if self._logged > LINES_SHOWN:
            return
        node = self._view.nodes.get(event.node_id)
        title = isolate(node.title if node else one_line(event.node_name, 120))
        yield from (f"    {title} │ {line}" for line in clean(event.content, 2_000).rstrip("\n").split("\n"))
        if self._logged == LINES_SHOWN:
            yield "    … the rest is in the job's log"


def node_text(node: NodeView, state: NodeState) -> str:
    """A node on one line: sign, title, word for its state where it needs one, items, error."""
    parts = [f"{MARKS[state]} {isolate(node.title)}"]
    if state is NodeState.ERROR:
        parts.append(one_line(node.error or "", 300))
    elif state is not NodeState.COMPLETED:
        parts.append(state.value)
    parts += [items(node)] if items(node) else []
    return "  ".join(parts)


def output_text(output: OutputView) -> str:
    """An output on one line: its value, or how many values and the first of them."""
    if output.count == 0:
        return "no value"
    first = ", ".join(inline(value, 60) for value in output.values)
    if output.count == 1:
        return inline(output.values[0])
    return f"{output.count:,} values: {cut(first, 100)}" + (
        ", …" if output.count > len(output.values) else ""
    )


def headline(view: JobView) -> str:
    """The end in a few words: ``✓ quickstart: completed, 3 nodes (threaded)``."""
    total = len(view.nodes)
    if view.status is JobStatus.COMPLETED:
        count = nodes_text(total)
    else:
        count = f"{view.counts[NodeState.COMPLETED]:,} of {nodes_text(total)} completed"
    strategy = f" ({view.strategy})" if view.strategy else ""
    return f"{STATUS_MARKS[view.status]} {isolate(view.name)}: {view.status.value}, {count}{strategy}"


def spoken_text(view: JobView) -> str:
    """State, quarters of the nodes and failures: a long job is a handful of sentences."""
    parts = [f"{isolate(view.name)}: {view.status.value}"]
    quarter = 4 * view.done // max(len(view.nodes), 1)
    if quarter and not view.ended:
        parts.append(f"{25 * quarter} % of its nodes are done")
    parts += [f"{isolate(node.title)} failed" for node in islice(view.failed.values(), 3)]
    return ", ".join(parts)


def fault_lines(view: JobView) -> Iterator[str]:
    """Why the job did not complete, and the next step."""
    fault = view.fault
    if fault is None:
        return
    node = view.nodes.get(fault.node_id or "")
    where = f"{isolate(node.title)}: " if node else ""
    message = node.reason(fault.message) if node else fault.message
    yield from f"{where}{clean(message, 1_000)}".split("\n")
    if fault.hint:
        yield from f"→ {clean(fault.hint, 500)}".split("\n")


def end_text(view: JobView, *, nodes: bool = True, outputs: bool = True) -> str:
    """The end state in several lines, the same for runs that go the same way; ``nodes`` one by one too."""
    lines = [headline(view)]
    if nodes:
        lines += [
            "  " + node_text(node, view.state(node)) for node in islice(view.interesting(), NODES_SHOWN)
        ]
        more = len(view.nodes) - NODES_SHOWN
        lines += [f"  … and {nodes_text(more)} more: {tally_text(view)} in all"] if more > 0 else []
    for name, output in view.outputs.items() if outputs else ():
        lines.append(f"  {isolate(one_line(name, 60))} = {output_text(output)}")
    lines += [f"  {line}" for line in fault_lines(view)]
    return "\n".join(lines)
