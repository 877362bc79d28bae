"""The live view, with real widgets whose messages are recorded in place of being sent."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import comm
import pytest
from comm.base_comm import BaseComm
from ipywidgets import HTML, Button, Text, Widget

from nodetool_jupyter.views.snapshot import JobView
from nodetool_jupyter.widgets.live import LOG_PANES, LiveView, Paced, of_job
from tests.support import wait_until
from tests.unit.pages import Page
from tests.unit.watched_jobs import (
    START,
    chain,
    completed,
    folded,
    logged,
    moved,
    node,
    output,
    progress,
    ran,
    running,
)

GRAPH = chain("a", "b", "c")


class Recorded(BaseComm):
    """A comm that sends nothing, as ipykernel 7.4 makes them: pinned to the shell that last sent."""

    sent: list[tuple[str, Any]] = []  # noqa: RUF012 - one record for all comms of a test

    def publish_msg(self, msg_type: str, data: Any = None, *args: Any, **keys: Any) -> None:
        self.sent.append((msg_type, data))

    def _reply_subshell_for(self, data: Any, default: str) -> str:
        return "the busy one"


@pytest.fixture(autouse=True)
def messages(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, Any]]]:
    monkeypatch.setattr(comm, "create_comm", Recorded)
    Recorded.sent.clear()
    yield Recorded.sent
    Widget.close_all()


def view_of(*events: Any) -> JobView:
    return folded(GRAPH, [running(), *ran("a"), node("b", "running"), *events])


def texts(live: LiveView) -> list[str]:
    """What the HTML widgets show, from top to bottom."""
    return [Page(child.value).text for child in live.widget.children if hasattr(child, "value")]


def updates(messages: list[tuple[str, Any]]) -> int:
    return sum(kind == "comm_msg" for kind, _ in messages)


def test_everything_is_shown() -> None:
    """State, graph, rows, notices, fault and logs each have their place."""
    view = view_of(progress("b", 1, 2), logged("b", "hello"))
    shown = " ".join(texts(LiveView(view)))
    for word in ("running", "quickstart", "1 of 3 nodes done", "50 %"):
        assert word in shown
    live = LiveView(view)
    ((line, pane),) = logs_of(live)
    assert Page(line).text == "Log of b"
    assert "hello" in pane


def test_a_tick_costs_one_message(messages: list[tuple[str, Any]]) -> None:
    """Progress, streamed text and the clock are one widget; an unchanged view sends nothing but its clock."""
    view = view_of()
    live = LiveView(view)
    for number in range(20):
        messages.clear()
        view.fold(progress("b", number, 100, chunk="word "))
        live.render(view)
        assert updates(messages) == 1
        assert len(str(messages)) < 4_000


def test_a_view_has_few_widgets(messages: list[tuple[str, Any]]) -> None:
    """Each is a message when it opens, and a thing the front end keeps."""
    live = LiveView(view_of())
    assert sum(kind == "comm_open" for kind, _ in messages) <= 18
    live.close()
    messages.clear()
    LiveView(view_of(*(logged(f"x{number}", "hello") for number in range(100))))
    assert sum(kind == "comm_open" for kind, _ in messages) <= 21 + 2 * LOG_PANES


def test_logs_get_a_pane_each_up_to_a_bound() -> None:
    """A node's pane comes with its first line; what opens it is never drawn anew, as it would fold."""
    view = view_of()
    live = LiveView(view)
    assert logs_of(live) == []
    for number in range(2 * LOG_PANES):
        view.fold(logged(f"x{number}", f"from {number}"))
        live.render(view, now=True)
    before = logs_of(live)
    assert len(before) == LOG_PANES
    assert "from 3" in before[3][1]
    view.fold(logged("x3", "again"))
    live.render(view, now=True)
    (line, pane) = logs_of(live)[3]
    assert line == before[3][0]
    assert "again" in pane


def test_what_scrolls_is_not_drawn_anew() -> None:
    """Neither drawing nor log is a place to scroll or to focus itself: that is the widget around it."""
    live = LiveView(view_of(logged("b", "hello")))
    assert not [child.value for child in live.widget.children if "tabindex" in getattr(child, "value", "")]


def test_a_screen_reader_hears_little() -> None:
    """The state, quarters of the nodes and failures; nothing of a bar that moves."""
    graph = chain(*(f"n{number}" for number in range(40)))
    view = folded(graph, [running()])
    live = LiveView(view)
    said = []
    for number in range(40):
        for event in (node(f"n{number}", "running"), progress(f"n{number}", 1, 2), *ran(f"n{number}")):
            view.fold(event)
            live.render(view, now=True)
            (status,) = [text for text in texts(live) if text.startswith("quickstart: ")]
            said += [status] if status not in said else []
    assert said == [
        "quickstart: running",
        *(f"quickstart: running, {done} % of its nodes are done" for done in (25, 50, 75, 100)),
    ]


def test_a_button_that_is_not_heard_says_what_cancels() -> None:
    """Without subshells (ipykernel 6) nothing pressed in the page reaches Python while the cell runs."""
    told, other = buttons_of(LiveView(view_of(), hears=False, job_id="j1"))
    assert told.disabled
    assert "interrupt (■) cancels" in told.description
    assert "interrupt" in str(told.tooltip)
    assert "ntj-deaf" in told._dom_classes
    assert (other.description, other.disabled) == ("Cancel", False)
    assert {"ntj-cancel", "ntj-by-server", "ntj-job-j1"} == set(other._dom_classes)


def test_a_button_names_the_job_that_it_cancels() -> None:
    """One at a time: a panel's stands for its latest run."""
    button = button_of(LiveView(view_of(), job_id="j1"))
    assert set(button._dom_classes) == {"ntj-cancel", "ntj-job-j1"}
    of_job(button, "j2")
    assert set(button._dom_classes) == {"ntj-cancel", "ntj-job-j2"}
    of_job(button, "")
    assert set(button._dom_classes) == {"ntj-cancel"}


def test_logs_are_searched() -> None:
    """All of them by one field, which is there as soon as something is; case doesn't matter."""
    view = view_of(*(logged("b", f"Row {number}") for number in range(30)))
    live = LiveView(view)
    (field,) = [child for child in live.widget.children if isinstance(child, Text)]
    field.value = " row 1 "
    live.render(view)
    assert "Row 0" in logs_of(live)[0][1], "it is drawn no oftener than logs are"
    field.value = " ROW 29 "
    live.render(view, now=True)
    ((_, pane),) = logs_of(live)
    assert Page(pane).text == "1 of the last 30 lines have “ROW 29”\nRow 29"
    field.value = "1"
    view.fold(logged("c", "row 9"))
    live.render(view, now=True)
    assert [Page(pane).text.partition(" have")[0] for _, pane in logs_of(live)] == [
        "12 of the last 30 lines",
        "0 of the last 1 lines",
    ]


def test_a_kernel_that_hears_nothing_is_asked_for_nothing() -> None:
    """No field to search logs, where what is typed would not arrive."""
    live = LiveView(view_of(logged("b", "hello")), hears=False)
    assert not [child for child in live.widget.children if isinstance(child, Text)]


def test_costly_parts_wait_for_their_turn(messages: list[tuple[str, Any]]) -> None:
    """Counts on the drawing and lines of logs don't send it all anew each time; the end does."""
    view = view_of(logged("b", "0"))
    live = LiveView(view)
    messages.clear()
    for number in range(50):
        view.fold(moved("e1", number))
        view.fold(logged("b", str(number)))
        live.render(view)
    assert updates(messages) <= 55
    for event in [node("b", "completed"), *ran("c"), output(1), completed()]:
        view.fold(event)
    live.finish(view)
    assert "49" in texts(live)[2]
    assert "completed" in texts(live)[1]


def test_a_paced_part_draws_the_last_state() -> None:
    """What was left out while it waited is not lost."""
    drawn: list[int] = []
    state = 0
    paced = Paced(lambda: drawn.append(state), 60)
    for state in range(5):
        paced.update(state)
    assert drawn == [0]
    paced.update(4, now=True)
    paced.update(4, now=True)
    assert drawn == [0, 4]


def test_cancel_never_waits() -> None:
    """The callback runs on the kernel's one thread for all widgets: cancelling is done elsewhere."""
    release, called = threading.Event(), threading.Event()

    def cancel() -> None:
        called.set()
        release.wait(5)

    live = LiveView(view_of(), cancel)
    button = button_of(live)
    button.click()
    assert called.wait(5)
    assert button.disabled
    assert button.description == "Cancelling…"
    release.set()


def test_a_cancel_that_fails_is_told_and_can_be_tried_again() -> None:
    """The reason stands in the view, escaped."""

    def cancel() -> None:
        raise OSError("no <b>owner</b>")

    view = view_of()
    live = LiveView(view, cancel)
    button = button_of(live)
    button.click()
    wait_until(lambda: not button.disabled and button.description == "Cancel")
    live.render(view)
    assert "could not be cancelled: no <b>owner</b>" in texts(live)[1]


def test_cancel_is_reached_while_the_cell_runs() -> None:
    """The comm of the button keeps to the shell that the front end chose (ipykernel 7.4)."""
    button = button_of(LiveView(view_of()))
    assert button.comm._reply_subshell_for({}, "the free one") == "the free one"


def test_closing_leaves_nothing(messages: list[tuple[str, Any]]) -> None:
    """Every comm that was opened is closed: a kernel that shows a thousand jobs doesn't grow by them."""
    live = LiveView(view_of(logged("b", "hello")))
    opened = [kind for kind, _ in messages if kind == "comm_open"]
    live.close()
    closed = [kind for kind, _ in messages if kind == "comm_close"]
    assert len(closed) == len(opened)


def test_the_end_can_stay_in_place() -> None:
    """In a panel the view remains, without its button."""
    view = view_of(node("b", "completed"), *ran("c"), completed())
    live = LiveView(view)
    live.finish(view)
    assert button_of(live).layout.display == "none"
    assert "completed" in texts(live)[1]
    assert view.elapsed(START) == 2.5


def logs_of(live: LiveView) -> list[tuple[str, str]]:
    """Each line that opens a log, and what it opens, which must be its neighbor."""
    shown = [child for child in live.widget.children if isinstance(child, HTML)]
    lines = [number for number, child in enumerate(shown) if "ntj-fold" in child._dom_classes]
    assert all("ntj-pane" in shown[number + 1]._dom_classes for number in lines)
    return [(shown[number].value, shown[number + 1].value) for number in lines]


def buttons_of(live: LiveView) -> list[Button]:
    return [child for child in live.widget.children if isinstance(child, Button)]


def button_of(live: LiveView) -> Button:
    (button,) = buttons_of(live)
    return button
