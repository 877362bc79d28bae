"""Shows a job where it was started: live while it runs, and at its end as something that stays.

In a notebook the output of a cell is made so that strict comparison passes (nbval), which reads what a cell
displays, never an update of it: first an empty output, which holds the live view while the job runs and is
empty again after it; then the end state in an output of its own. Only the thread that runs the cell displays
or prints; the feed's thread changes what is there.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, Literal, cast
from uuid import uuid4

from nodetool_jupyter.errors import OptionError
from nodetool_jupyter.views import html
from nodetool_jupyter.views.bundle import bundle, metadata, pictures
from nodetool_jupyter.views.snapshot import JobView
from nodetool_jupyter.widgets.feed import Watch, WatchedJob, get_feed
from nodetool_jupyter.widgets.here import shell_here
from nodetool_jupyter.widgets.terminal import LinePrinter, TextPrinter

Way = Literal["widget", "line", "text", "none"]
MODES = ("auto", "widget", "text", "none", "quiet")
STEP = 0.1
"""Seconds that the caller waits at a time; a job that is quicker gets no live view and no thread for it."""
EMPTY: dict[str, Any] = {"text/plain": ""}
CELL_END = "post_run_cell"
"""IPython's event."""
VIEW_TYPE = "application/vnd.jupyter.widget-view+json"


def show(job: WatchedJob, mode: str = "auto", *, cancels: bool = True) -> JobView | None:
    """Show a job until it has ended, and its end state; returns the view, None if nothing is to be shown.

    The first interrupt cancels the job, the second one comes up as KeyboardInterrupt; unless ``cancels``, the
    first one does, and the job goes on. How the job ended raises nothing: that is for the caller.
    """
    way = choose(mode)
    if way == "none":
        _wait(job, cancels)
        return None
    if way == "widget":
        return _show_widget(job, cancels)
    printer = LinePrinter(job) if way == "line" else TextPrinter(job)
    try:
        _wait(job, cancels, printer.update)
    finally:
        printer.close()
    return printer.reader.view


def watch(job: WatchedJob, mode: str = "auto") -> Watch | None:
    """Show a job that runs in the background, and return at once; its end state takes the live view's place.

    Without widgets nothing is shown, as only the thread that runs a cell may print.
    """
    if choose(mode) != "widget":
        return None
    watched = get_feed().watch(job, _Background(job, Output()))
    shell_here().events.register(CELL_END, _settle)
    return watched


def _settle(_result: object) -> None:
    """At the end of each cell: programs that run notebooks hear what a cell sends, and nothing in between."""
    if not get_feed().settle():
        shell_here().events.unregister(CELL_END, _settle)


def choose(mode: str) -> Way:
    """The way to show a job here: widgets where they work, else text; nothing in other threads."""
    if mode not in MODES:
        raise OptionError(f"unknown progress mode {mode!r}", hint=f"choose {', '.join(MODES)}")
    if mode in ("none", "quiet") or threading.current_thread() is not threading.main_thread():
        return "none"
    if mode != "text" and _has_widgets():
        return "widget"
    is_line = mode != "text" and not _has_kernel() and sys.stdout.isatty()
    return "line" if is_line else "text"


class Output:
    """One output of a cell, which can be changed from any thread."""

    def __init__(self, data: dict[str, Any] = EMPTY) -> None:
        self._id = uuid4().hex
        self._send(data, {}, is_new=True)

    def change(self, data: dict[str, Any], about: dict[str, Any] | None = None) -> None:
        """Put other content in its place."""
        self._send(data, about or {}, is_new=False)

    def _send(self, data: dict[str, Any], about: dict[str, Any], *, is_new: bool) -> None:
        _publish(data, about, transient={"display_id": self._id}, update=not is_new)


class _Live:
    """Opens a live view in an output when it is first drawn."""

    def __init__(self, job: WatchedJob, output: Output) -> None:
        self._job = job
        self._output = output
        self._live: Any = None

    def render(self, view: JobView) -> None:
        if self._live is not None:
            self._live.render(view)
            return
        from nodetool_jupyter.widgets.live import LiveView

        self._live = LiveView(view, self._job.cancel, hears=self._hears(), job_id=self._job.id)
        shown = {"version_major": 2, "version_minor": 0, "model_id": self._live.widget.model_id}
        self._output.change({VIEW_TYPE: shown, **EMPTY})

    def _hears(self) -> bool:
        """Whether the Cancel button reaches Python: always, where the kernel is free."""
        return True

    def _close(self) -> None:
        if self._live is not None:
            self._live.close()


class _Foreground(_Live):
    """The view of a job that its cell waits for: its output ends empty, the end state has one of its own."""

    def finish(self, view: JobView) -> None:
        shown = [(bundle(view), metadata(view, self._job.id))]
        for title, picture in pictures(view):
            shown.append(({"text/html": str(html.caption(title)), "text/plain": title}, {}))
            text = f"{title}: image {picture.size}"
            shown.append(({picture.mime: picture.base64, "text/plain": text}, {}))
        try:
            # all is made before, and closed after: the page shows nothing in between for as short as can be
            if self._live is not None:
                self._output.change(EMPTY)
            for data, about in shown:
                _publish(data, about)
        finally:
            self._close()

    def _hears(self) -> bool:
        """The cell keeps the kernel busy: ipykernel 7 has a thread for widgets, those before it have none."""
        return _kernel_version() >= (7,)


class _Background(_Live):
    """The view of a job whose cell has returned: the end state takes the place of the live view."""

    def finish(self, view: JobView) -> None:
        self._output.change(bundle(view, images=True), metadata(view, self._job.id))
        self._close()


def _show_widget(job: WatchedJob, cancels: bool) -> JobView:
    feed = get_feed()
    watch = Watch(job, _Foreground(job, Output()), ends_itself=False)
    try:
        _wait(job, cancels, lambda: feed.add(watch))
    finally:
        feed.finish(watch)
    return watch.view


def _wait(job: WatchedJob, cancels: bool, step: Callable[[], None] | None = None) -> None:
    """Until the job has ended; see ``show`` for interrupts."""
    try:
        _wait_once(job, step)
    except KeyboardInterrupt:
        if not cancels:
            raise
        job.cancel()
        _wait_once(job, step)


def _wait_once(job: WatchedJob, step: Callable[[], None] | None) -> None:
    while not job.wait(STEP):
        if step is not None:
            step()


def _publish(data: dict[str, Any], about: dict[str, Any], **how: Any) -> None:
    from IPython.display import publish_display_data

    publish_display_data(data, about, **how)  # type: ignore[no-untyped-call]


def _has_kernel() -> bool:
    return hasattr(shell_here(), "kernel")


def _has_widgets() -> bool:
    """Whether ipywidgets is there and its messages leave a busy kernel, as they don't with ipykernel 7.0."""
    if not _has_kernel() or find_spec("ipywidgets") is None:
        return False
    return _kernel_version() != (7, 0)


def _kernel_version() -> tuple[int, ...]:
    """The first two parts of ipykernel's."""
    kernel = sys.modules.get("ipykernel")
    version = cast("tuple[int, ...]", getattr(kernel, "version_info", (0, 0)))
    return tuple(version[:2])
