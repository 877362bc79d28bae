"""A job's live view, of plain ipywidgets: few of them, each sent again only when its own part has changed.

The Cancel button works while the cell blocks, where the kernel lets it: its callback waits for nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from itertools import islice
from time import monotonic, time
from typing import Any

from ipywidgets import HTML, Button, Layout, Text, VBox, Widget

from nodetool_jupyter.views import html
from nodetool_jupyter.views.dag import OPENER, Dag
from nodetool_jupyter.views.markup import join
from nodetool_jupyter.views.parts import NodeView
from nodetool_jupyter.views.snapshot import JobView
from nodetool_jupyter.views.style import LIVE_STYLE

SHARE = 0.03
"""The part of its time that a view may spend on drawing one of its costly parts."""
PAUSE = 0.2
SLOW = 1.0
LOG_PANES = 8
LOG_LINES = 40
LOG_CHARS = 8_000
FOUND = "Only lines that have these letters"
JOB_CLASS = "ntj-job-"
"""Before a job's id, in a class of its Cancel button."""


class Paced:
    """Has a costly part drawn no oftener than its cost allows; the last state is always drawn."""

    def __init__(self, draw: Callable[[], None], pause: float = PAUSE) -> None:
        self._draw = draw
        self._pause = pause
        self._seen: object = None
        self._next = 0.0

    def update(self, state: object, *, now: bool = False) -> None:
        """Draw if ``state`` is new and it is time, or ``now``."""
        started = monotonic()
        if state == self._seen or (started < self._next and not now):
            return
        self._seen = state
        self._draw()
        ended = monotonic()
        self._next = ended + max(self._pause, (ended - started) / SHARE)


class LiveView:
    """``widget`` shows a job's view; ``cancel`` is what the Cancel button calls, in a thread of its own.

    Where no button reaches Python (not ``hears``) it says what cancels instead, but where the page's own
    extension cancels the job ``job_id`` by the server. What changes all the time is
    one widget, because a message costs more than what is in it; the style sheet lays its parts out around the
    others. What can be opened or scrolled stays so: it is around what is drawn anew, not in it.
    """

    def __init__(
        self,
        view: JobView,
        cancel: Callable[[], object] | None = None,
        *,
        hears: bool = True,
        job_id: str = "",
    ) -> None:
        self._view = view
        self._cancel = cancel
        self._note = ""
        self._dag = Dag(view)
        self._wide = Layout(width="100%")
        sheet = HTML(LIVE_STYLE, layout=Layout(display="none"))
        self._style = sheet.style
        self._status, self._graph, self._values, self._spoken = (
            self._html(class_) for class_ in ("ntj-status", "ntj-graph", "ntj-values", "ntj-spoken")
        )
        self._buttons = _cancel_buttons(hears=hears)
        for button in self._buttons:
            of_job(button, job_id)
        self._button = self._buttons[0]
        self._button.on_click(self._clicked)
        self._hears = hears
        self._find: Text | None = None
        self._panes: dict[str, HTML] = {}
        self._paced = {
            "shape": Paced(self._draw_graph),
            "flow": Paced(self._draw_graph, SLOW),
            "told": Paced(self._draw_values, SLOW),
            "logged": Paced(self._draw_logs, SLOW),
            "spoken": Paced(self._draw_spoken, SLOW),
        }
        opener = [self._html("ntj-opener", OPENER)] if self._dag.is_map else []
        parts = [*opener, self._graph, self._values, self._spoken]
        self.widget = VBox([sheet, self._status, *self._buttons, *parts])
        self.widget.add_class("ntj").add_class("ntj-card").add_class("ntj-live")
        self.render(view)

    def render(self, view: JobView, *, now: bool = False) -> None:
        """Draw what has changed; all of it if ``now``."""
        clock = time()
        status = [html.head(view, clock, self._note), html.overall(view, clock), html.rows(view, clock)]
        self._status.value = join(status)
        self._paced["shape"].update(view.shape, now=now)
        self._paced["flow"].update(view.flow, now=now)
        self._paced["told"].update((view.told, view.fault is None), now=now)
        self._paced["logged"].update((view.logged, self._words), now=now)
        self._paced["spoken"].update((view.status, view.shape), now=now)

    def finish(self, view: JobView) -> None:
        """Draw the end; the view stays."""
        self.render(view, now=True)
        for button in self._buttons:
            button.layout.display = "none"

    def close(self) -> None:
        """Remove the view from the page and its widgets from the kernel."""
        close_all(self.widget)

    def _html(self, class_: str, value: str = "") -> HTML:
        shown = HTML(value, layout=self._wide, style=self._style)
        shown.add_class(class_)
        return shown

    def _draw_graph(self) -> None:
        self._graph.value = self._dag.svg(scrolls=False)

    def _draw_values(self) -> None:
        view = self._view
        self._values.value = join([html.fault(view) or "", html.notices(view), html.previews(view)])

    def _draw_logs(self) -> None:
        view = self._view
        for node, logs in islice(view.logging.values(), LOG_PANES):
            if node.id not in self._panes:
                self._add_pane(node)
            self._panes[node.id].value = html.log(logs, LOG_LINES, LOG_CHARS, scrolls=False, find=self._words)

    @property
    def _words(self) -> str:
        """What is looked for in the logs."""
        return self._find.value.strip() if self._find is not None else ""

    def _draw_spoken(self) -> None:
        self._spoken.value = html.spoken(self._view)

    def _add_pane(self, node: NodeView) -> None:
        """A line and, behind it, what it opens by the style sheet: the page needs no answer from Python."""
        if self._find is None and self._hears:
            self._find = _find_field()
            self.widget.children = (*self.widget.children, self._find)
        line = self._html("ntj-fold", html.log_head(node.title))
        pane = self._panes[node.id] = self._html("ntj-pane")
        self.widget.children = (*self.widget.children, line, pane)

    def _clicked(self, button: Button) -> None:
        """Runs on whatever thread the kernel has for messages of widgets: it must not wait."""
        button.disabled = True
        button.description = "Cancelling…"
        threading.Thread(target=self._call_cancel, name="nodetool-cancel", daemon=True).start()

    def _call_cancel(self) -> None:
        try:
            if self._cancel is not None:
                self._cancel()
        except Exception as error:  # noqa: BLE001 - whatever stops a cancel is for the user to know
            self._note = f"could not be cancelled: {error}"
            self._button.description = "Cancel"
            self._button.disabled = False


def _find_field() -> Text:
    """Narrows all logs to the lines that have some letters; the next drawing reads it."""
    field = Text(placeholder="find in the logs", tooltip=FOUND, layout=Layout(width="200px", height="22px"))
    reach_while_busy(field)
    return field.add_class("ntj-find")


def of_job(button: Button, job_id: str) -> None:
    """Let a Cancel button name its job to the page, whose extension cancels it by the server: a page without
    subshells (JupyterLab 4.2) holds back what is pressed until the cell has ended.
    """
    others = [name for name in button._dom_classes if not name.startswith(JOB_CLASS)]
    button._dom_classes = (*others, f"{JOB_CLASS}{job_id}") if job_id else tuple(others)


def _cancel_buttons(*, hears: bool) -> list[Button]:
    """The one that Python hears; else a sentence, and a button in its place where the page can cancel."""
    button = Button(description="Cancel", tooltip="Cancel this job, as interrupt (■) does")
    button.add_class("ntj-cancel")
    if hears:
        reach_while_busy(button)
        return [button]
    why = "While a cell runs, this kernel hears no button but the interrupt (■): it cancels the job"
    told = Button(description="interrupt (■) cancels", tooltip=why, disabled=True)
    return [told.add_class("ntj-cancel").add_class("ntj-deaf"), button.add_class("ntj-by-server")]


def with_parts(widget: Any) -> Iterator[Widget]:
    """A widget, its children, and the widgets that only hold their layout and style."""
    yield widget
    yield widget.layout
    if isinstance(getattr(widget, "style", None), Widget):
        yield widget.style
    for child in getattr(widget, "children", ()):
        yield from with_parts(child)


def close_all(widget: Widget) -> None:
    """Remove a widget and its parts."""
    for part in set(with_parts(widget)):
        part.close()


def reach_while_busy(widget: Widget) -> None:
    """Let a widget's messages reach Python while a cell runs.

    ipykernel 7.4 hands a message of a widget to the shell that last sent on its comm, which is the busy one;
    the front end had chosen a free one (``_reply_subshell_for`` in ipykernel/comm/comm.py).
    """
    comm = widget.comm
    if hasattr(comm, "_reply_subshell_for"):
        comm._reply_subshell_for = lambda _, default: default
