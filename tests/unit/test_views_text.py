"""Progress and end state as plain text."""

from __future__ import annotations

import pytest

from nodetool_jupyter.model.events import Event, JobUpdate, Notification
from nodetool_jupyter.model.job import JobStatus
from nodetool_jupyter.views.parts import NodeState
from nodetool_jupyter.views.snapshot import JobView
from nodetool_jupyter.views.text import (
    LINES_SHOWN,
    MARKS,
    NODES_SHOWN,
    STATUS_MARKS,
    TextProgress,
    duration_text,
    end_text,
    progress_line,
)
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
)

GRAPH = chain("fetch", "shout", "count")


def told(view: JobView, events: list[Event]) -> list[str]:
    """The lines of text progress for these events."""
    printer = TextProgress(view)
    lines = []
    for event in events:
        view.fold(event)
        lines += list(printer.lines(event))
    return lines


def test_every_state_has_a_mark_of_its_own() -> None:
    """States are told apart without color, also in plain text."""
    assert set(MARKS) == set(NodeState)
    assert set(STATUS_MARKS) == set(JobStatus)
    assert len(set(MARKS.values())) == len(MARKS)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0.00 s"),
        (0.4249, "0.42 s"),
        (12.34, "12.3 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 00 s"),
        (185, "3 min 05 s"),
        (3_725, "1 h 02 min"),
    ],
)
def test_durations(seconds: float, shown: str) -> None:
    """Two or three digits, in the unit that people would use."""
    assert duration_text(seconds) == shown


def test_the_end_of_a_good_run() -> None:
    """Name, nodes, streams and outputs; no id, no time."""
    events = [running(), *ran("fetch", "shout", "count"), moved("e1", 12), output("ABC"), completed()]
    assert end_text(folded(GRAPH, events)) == (
        "✓ quickstart: completed, 3 nodes (threaded)\n"
        "  ✓ fetch  12 items\n"
        "  ✓ shout  12 items\n"
        "  ✓ count\n"
        "  result = ABC"
    )


def test_the_end_of_a_failure_says_what_to_do() -> None:
    """The failed node comes first; cause and next step stand at the end."""
    events = [running(), *ran("fetch"), node("shout", "running"), node("shout", "error", "boom")]
    view = folded(GRAPH, [*events, failed("shout", "ValueError: boom\nin line 3", "look at its input")])
    assert end_text(view) == (
        "✕ quickstart: failed, 1 of 3 nodes completed (threaded)\n"
        "  ✕ shout  boom\n"
        "  ✓ fetch\n"
        "  \N{EN DASH} count  skipped\n"
        "  shout: ValueError: boom\n"
        "  in line 3\n"
        "  → look at its input"
    )


def test_two_runs_that_go_the_same_way_read_the_same() -> None:
    """What strict comparison of notebooks needs: times and ids don't show."""
    texts = set()
    for number in (1, 2):
        view = folded(
            GRAPH, [running(START * number), *ran("fetch", "shout", "count"), completed(number * 3.3)]
        )
        texts.add(end_text(view))
    assert len(texts) == 1


def test_outputs_without_or_with_many_values() -> None:
    """A stream is told by its count and first values; an empty graph and an empty output by words."""
    view = folded(GRAPH, [output(number, "numbers") for number in range(30)])
    view.fold(JobUpdate(status="completed", result={"none": []}))
    assert "  numbers = 30 values: 0, 1, 2, 3, 4, …" in end_text(view)
    assert "  none = no value" in end_text(view)
    assert end_text(folded(chain(), [completed()], "")) == "✓ workflow: completed, 0 nodes (threaded)"


def test_the_end_of_a_large_graph_is_short() -> None:
    """Some nodes by name, the rest as a count."""
    names = [f"n{number}" for number in range(10_000)]
    lines = end_text(folded(chain(*names), [running(), *ran(*names), completed()])).split("\n")
    assert len(lines) == NODES_SHOWN + 2
    assert lines[-1] == "  … and 9,980 nodes more: 10,000 completed in all"


def test_the_line_of_a_terminal() -> None:
    """State, bar, counts, time and what runs, within the terminal's width."""
    view = folded(GRAPH, [running(), *ran("fetch"), node("shout", "running"), progress("shout", 2, 4)])
    line = progress_line(view, START + 2)
    assert line == "● quickstart  ━━━━━━━━━━──────────  1/3  2.00 s  shout 50 %"
    assert len(progress_line(view, START, 30)) == 30
    view.fold(node("shout", "error", "boom"))
    assert "1 failed" in progress_line(view, START)


def test_text_progress_has_a_line_per_change() -> None:
    """Each change of a job's or node's state is one line, as is each line of a log."""
    events = [running(), *ran("fetch"), logged("shout", "one\ntwo"), node("shout", "error", "boom")]
    events += [
        Notification(node_id="shout", content="look\nhere"),
        progress("count", 1),
        failed("shout", "boom"),
    ]
    assert told(JobView(GRAPH, "quickstart", "threaded"), events) == [
        "● quickstart (threaded): running",
        "  ● fetch  running",
        "  ✓ fetch",
        "    shout │ one",
        "    shout │ two",
        "  ✕ shout  boom",
        "  ! look here",
    ]


def test_text_progress_of_a_large_graph_goes_by_tenths() -> None:
    """Thousands of nodes don't make thousands of lines; those that fail are named."""
    names = [f"n{number}" for number in range(1_000)]
    lines = told(JobView(chain(*names)), [*ran(*names[:500]), node("n500", "error", "boom")])
    assert lines == [f"  ● {done} of 1,000 nodes done" for done in range(100, 501, 100)] + ["  ✕ n500  boom"]


def test_text_progress_prints_a_bounded_log() -> None:
    """A node that prints without end doesn't fill the notebook."""
    lines = told(JobView(GRAPH), [logged("shout", f"{number}") for number in range(10_000)])
    assert len(lines) == LINES_SHOWN + 1
    assert lines[-1] == "    … the rest is in the job's log"


def test_text_of_a_workflow_can_not_move_the_cursor() -> None:
    """Escape sequences and line breaks in names, logs and errors are gone."""
    graph = chain("a")
    view = JobView(graph, "evil\x1b[2J\nname", "threaded")
    events = [running(), logged("a", "\x1b[1Aover\rwritten"), node("a", "error", "no\x1b]0;x\x07\n")]
    lines = [
        *told(view, [*events, failed("a", "no\x9b2J", "\x1b[H")]),
        progress_line(view, START),
        end_text(view),
    ]
    assert "\x1b" not in "".join(lines)
    assert "    a │ written" in lines
    assert lines[0] == "● evil name (threaded): running"
