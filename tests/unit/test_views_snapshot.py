"""The fold of a job's events: states, progress, counts, and that its memory and time are bounded."""

from __future__ import annotations

import tracemalloc
from time import thread_time
from typing import Any

import pytest

from nodetool_jupyter.model.events import (
    Chunk,
    Event,
    JobUpdate,
    LogUpdate,
    NodeUpdate,
    Notification,
    OutputUpdate,
    PreviewUpdate,
    SaveUpdate,
)
from nodetool_jupyter.model.graph import Edge, Graph, Node
from nodetool_jupyter.model.job import JobStatus
from nodetool_jupyter.views import html
from nodetool_jupyter.views.parts import CHUNK_CHARS, LOG_LINES, VALUES_PER_OUTPUT, NodeState
from nodetool_jupyter.views.snapshot import FOLDS, LOG_LINE_CHARS, PREVIEWS, STRANGERS
from nodetool_jupyter.views.text import end_text
from tests.unit.watched_jobs import (
    START,
    chain,
    completed,
    failed,
    folded,
    logged,
    moved,
    node,
    output,
    progress,
    ran,
    running,
    text,
)

GRAPH = chain("a", "b", "c")


def test_every_kind_of_message_is_folded() -> None:
    """A message that is added to the union must be given its place in the view."""
    assert set(FOLDS) == set(Event.__args__)


def test_a_run_from_start_to_end() -> None:
    """States, counts, progress and duration follow the events."""
    view = folded(GRAPH, [])
    assert (view.status, view.elapsed(START), view.fraction) == (JobStatus.QUEUED, None, 0)
    for event in [running(), *ran("a"), node("b", "running"), progress("b", 1, 4)]:
        view.fold(event)
    assert view.tally() == {NodeState.WAITING: 1, NodeState.RUNNING: 1, NodeState.COMPLETED: 1}
    assert view.fraction == pytest.approx((1 + 0.25) / 3)
    assert list(view.running) == ["b"]
    assert view.elapsed(START + 7) == 7
    for event in [progress("b", 4, 4), node("b", "completed"), *ran("c"), completed(2.5)]:
        view.fold(event)
    assert view.ended
    assert (view.fraction, view.elapsed(START + 99), view.done) == (1, 2.5, 3)
    assert not view.running


def test_at_the_end_no_node_runs_or_waits() -> None:
    """What a failed job left unfinished was cancelled, what it never began was skipped."""
    view = folded(
        chain("a", "b", "c", "d"), [running(), *ran("a"), node("b", "running"), node("c", "running")]
    )
    view.fold(node("c", "error", "boom"))
    view.fold(failed("c", "boom"))
    states = [view.state(item).value for item in view.nodes.values()]
    assert states == ["completed", "cancelled", "error", "skipped"]
    assert view.tally() == {
        NodeState.COMPLETED: 1,
        NodeState.ERROR: 1,
        NodeState.SKIPPED: 1,
        NodeState.CANCELLED: 1,
    }
    assert [item.id for item in view.interesting()] == ["c", "a", "b", "d"]
    assert view.fault is not None


def test_a_suspended_job_keeps_its_nodes() -> None:
    """It has ended for the viewer, but its nodes are neither skipped nor cancelled, and it may go on."""
    view = folded(
        GRAPH, [running(), node("a", "running"), node("a", "suspended"), JobUpdate(status="suspended")]
    )
    assert view.ended
    assert view.tally() == {NodeState.WAITING: 2, NodeState.SUSPENDED: 1}
    view.fold(JobUpdate(status="queued"))
    view.fold(running(START + 50))
    assert not view.ended
    assert view.started == START


def test_nodetools_own_words_are_read() -> None:
    """A stream of NodeTool says ``error`` for failed and has no fault; an unknown status changes nothing."""
    view = folded(GRAPH, [running(), JobUpdate(status="error", error="it broke")])
    assert view.status is JobStatus.FAILED
    assert view.fault is not None
    assert view.fault.message == "it broke"
    odd = folded(GRAPH, [running(), JobUpdate(status="dancing")])
    assert odd.status is JobStatus.RUNNING
    assert "dancing" in odd.message


def test_items_on_edges_are_counted_for_both_ends() -> None:
    """An edge without an id is known by its number, as the engine names it."""
    edges = (Edge(source="a", target="b", targetHandle="x"), Edge(source="b", target="c", targetHandle="x"))
    graph = GRAPH.model_copy(update={"edges": edges})
    view = folded(
        graph, [running(), moved("edge-0", 5), moved("edge-0", 12), moved("edge-1", 3), moved("?", 9)]
    )
    counts = [(item.received, item.sent) for item in view.nodes.values()]
    assert counts == [(0, 12), (12, 3), (3, 0)]


PREVIEW = "nodetool.workflows.base_node.Preview"


@pytest.mark.parametrize(
    ("given", "title"),
    [
        (Node(id="shout_2", type="notebook.shout"), "shout_2"),
        (Node(id="7", type="nodetool.text.Concat"), "Concat"),
        (Node(id="7", type="nodetool.input.StringInput", data={"name": "topic"}), "topic"),
        (Node(id="8", type=PREVIEW, data={"name": "the table"}), "the table"),
        (Node(id="9", type=PREVIEW, data={"name": ""}), "Preview"),
        (Node(id="7", type="nodetool.text.Concat", ui_properties={"title": "Glue\n it"}), "Glue it"),
        (Node(id="7", type="nodetool.input.StringInput", data={"name": 3}), "StringInput"),
        (Node(id="seven", type=""), "seven"),
    ],
)
def test_titles(given: Node, title: str) -> None:
    """A node is called as its user would call it."""
    assert next(iter(folded(Graph(nodes=(given,)), []).nodes.values())).title == title


def test_no_two_nodes_read_the_same() -> None:
    """Nodes of one class are told apart by their ids; comments and groups are no nodes that run."""
    nodes = [Node(id=name, type="lib.Add") for name in ("1", "2")]
    nodes += [Node(id=name, type=f"nodetool.workflows.base_node.{name}") for name in ("Comment", "Group")]
    view = folded(Graph(nodes=tuple(nodes)), [])
    assert [item.title for item in view.nodes.values()] == ["Add · 1", "Add · 2"]


def test_logs_keep_their_tail() -> None:
    """Of a node that prints without end the last lines are kept, each bounded; the rest is counted."""
    view = folded(GRAPH, [logged("a", f"line {number}") for number in range(5 * LOG_LINES)])
    _, logs = view.logging["a"]
    assert (len(logs.lines), logs.seen) == (LOG_LINES, 5 * LOG_LINES)
    assert logs.lines[-1] == ("info", f"line {5 * LOG_LINES - 1}")
    view.fold(logged("a", "x" * 100_000))
    assert len(logs.lines[-1][1]) == LOG_LINE_CHARS


def test_a_node_is_found_by_streamed_text_of_both_kinds() -> None:
    """Text comes in chunk messages and in progress messages; its end is kept, of binary chunks nothing is."""
    view = folded(GRAPH, [text("a", "one "), progress("a", 1, chunk="two "), text("a", "x" * 9_000)])
    view.fold(Chunk(node_id="a", content="AAAA", content_type="image"))
    view.fold(Chunk(content="nobody's"))
    assert len(view.nodes["a"].chunk) == CHUNK_CHARS
    assert view.nodes["a"].chunk.endswith("xxx")


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("node a (notebook.a): ValueError: boom", "ValueError: boom"),
        ("node a (notebook.a, handle x): expected int", "handle x: expected int"),
        ("node b (notebook.b): boom", "node b (notebook.b): boom"),
        ("node a (notebook.a) boom", "node a (notebook.a) boom"),
    ],
)
def test_an_error_names_its_node_once(message: str, shown: str) -> None:
    """The views put the node's title before it, and only an error of that very node loses its own words."""
    view = folded(GRAPH, [running(), node("a", "error", message), failed("a", message)])
    assert view.nodes["a"].error == shown
    assert f"a: {shown}" in end_text(view)
    assert f": <bdi>{shown}</bdi>" in str(html.fault(view))


def test_at_the_end_the_graph_gives_the_order() -> None:
    """Branches end in any order, but two runs that went the same way leave the same picture."""
    nodes = [Node(id=name, type="nodetool.output.Output", data={"name": f"{name}!"}) for name in "abc"]
    came = ["c", "a", "b"]
    told = [
        event
        for name in came
        for event in (output(1, f"{name}!"), logged(name, "said"), PreviewUpdate(node_id=name, value=1))
    ]
    view = folded(Graph(nodes=tuple(nodes)), [running(), *told, output(1, "elsewhere")])
    assert list(view.logging) == came
    view.fold(completed())
    assert list(view.outputs) == ["a!", "b!", "c!", "elsewhere"]
    assert list(view.logging) == list(view.previews) == ["a", "b", "c"]


def test_outputs_keep_their_first_values() -> None:
    """A streamed output keeps a few values and counts all; what only the end tells is there too."""
    view = folded(GRAPH, [output(number) for number in range(1_000)])
    assert (view.outputs["result"].count, view.outputs["result"].values) == (1_000, [0, 1, 2, 3, 4])
    view.fold(JobUpdate(status="completed", result={"result": [7], "late": [1, 2]}))
    assert view.outputs["late"].count == 2
    assert view.outputs["result"].count == 1_000
    assert len(view.outputs["result"].values) == VALUES_PER_OUTPUT


def test_saved_assets_and_notifications_are_told() -> None:
    """A saved asset is a line of its node's log; a notification is kept by itself."""
    view = folded(GRAPH, [SaveUpdate(node_id="a", name="x.png"), Notification(node_id="a", content="look")])
    assert view.logging["a"][1].lines[0] == ("info", "saved x.png")
    assert list(view.notices) == [("info", "look")]


def test_progress_is_never_out_of_range() -> None:
    """Whatever a node reports, the job's progress is between 0 and 1."""
    reports: list[tuple[float, float | None]] = [
        (5, 0),
        (-3, 10),
        (50, 10),
        (1, None),
        (2, -1),
        (float("nan"), 3),
    ]
    for done, total in reports:
        view = folded(GRAPH, [running(), node("a", "running"), progress("a", done, total)])
        assert 0 <= view.fraction <= 1
        view.fold(node("a", "completed"))
        assert view.fraction == pytest.approx(1 / 3)


def flood(count: int) -> list[Event]:
    """Events that name ever new nodes, outputs and values."""
    large: Any = ["x" * 1_000] * 2_000
    events: list[Event] = []
    for number in range(count):
        name = f"n{number}"
        events += [
            NodeUpdate(node_id=name, node_name=name, node_type="t", status="running"),
            LogUpdate(node_id=name, node_name=name, content="y" * 4_000),
            OutputUpdate(node_id=name, node_name=name, output_name=name, value=large),
            PreviewUpdate(node_id=name, value=large),
            Notification(node_id=name, content="z" * 4_000),
        ]
    return events


def test_memory_is_bounded_whatever_a_job_sends() -> None:
    """Ten times the events that a view has room for cost no more than those."""
    events = flood(3_000)
    tracemalloc.start()
    try:
        view = folded(GRAPH, events)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(view.nodes) == STRANGERS + 3
    assert len(view.previews) == PREVIEWS
    assert held < 20_000_000


def test_large_graphs_are_folded_in_linear_time() -> None:
    """No event looks at the whole graph, which would take minutes here."""
    names = [f"n{number}" for number in range(10_000)]
    view = folded(chain(*names), [])
    events = ran(*names)
    started = thread_time()
    for event in events:
        view.fold(event)
        assert view.fraction <= 1
    assert thread_time() - started < 2
    assert view.done == 10_000
