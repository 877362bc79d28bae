"""Follows the logs of running jobs and has their views drawn, eight times a second, in one thread for all.

The thread runs while a job is watched, also while the kernel is busy; it does little per round, because each
of its steps waits for the interpreter beside a busy thread. Whatever it leaves out, the end is drawn.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Iterator
from time import monotonic
from typing import Protocol

from nodetool_jupyter.errors import NodeToolError
from nodetool_jupyter.model.events import Event, decode_event
from nodetool_jupyter.model.graph import Graph
from nodetool_jupyter.model.job import LIVE, JobStatus
from nodetool_jupyter.views.snapshot import JobView

INTERVAL = 0.125
"""Seconds between two rounds."""
READING = 0.025
"""Seconds of a round for reading and folding; what is left over waits for the next one."""
READ_BYTES = 1_000_000
"""Bytes of a log that are held at a time."""
RENDERS = 20
"""Views drawn in a round: many jobs together stay below the 1,000 messages a second that Jupyter allows."""
IDLE = 1.0
"""Seconds after which a view is drawn again though nothing has happened: its clock goes on."""
SETTLING = 0.5
"""Seconds that a cell waits at its end for the end states of background jobs."""
PATIENCE = 0.15
"""Seconds a job may take before a live view of it is worth opening."""
FAILURES = 3
"""Times in a row that drawing may fail before a job is no longer drawn until its end."""

log = logging.getLogger(__name__)


class EventSource(Protocol):
    """The read side of a job's log."""

    def read(self, offset: int = 0, *, limit: int | None = None) -> tuple[list[bytes], int]:
        """The complete lines after a byte offset, and the offset after them; about ``limit`` bytes."""
        ...


class WatchedJob(Protocol):
    """What is needed of a job in order to watch it."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def strategy(self) -> str: ...
    @property
    def graph(self) -> Graph: ...
    @property
    def status(self) -> JobStatus: ...
    @property
    def log(self) -> EventSource: ...
    def cancel(self) -> bool: ...
    def wait(self, timeout: float | None = None) -> bool: ...


class Renderer(Protocol):
    """Draws a view. Called by one thread at a time."""

    def render(self, view: JobView) -> None:
        """Draw the state as it is now."""
        ...

    def finish(self, view: JobView) -> None:
        """Draw the end; called once, last."""
        ...


class JobReader:
    """Reads a job's log as it grows and folds it into ``view``."""

    def __init__(self, job: WatchedJob) -> None:
        self.job = job
        self.view = JobView(job.graph, job.name, job.strategy)
        self.unreadable = 0
        self._offset = 0
        self._lines: deque[bytes] = deque()

    def advance(self, deadline: float | None = None) -> Iterator[Event]:
        """Fold what is new, at most until ``deadline`` (monotonic seconds), and yield each event after it."""
        while True:
            if not self._lines and not self._read():
                return
            while self._lines:
                event = self._decode(self._lines.popleft())
                if event is not None:
                    self.view.fold(event)
                    yield event
                if deadline is not None and monotonic() > deadline:
                    return

    def follow(self, step: float) -> Iterator[Event]:
        """Each event as it comes, until the job has ended; it is looked at every ``step`` seconds."""
        while True:
            has_ended = self.job.wait(0)
            yield from self.advance()
            if has_ended:
                return
            self.job.wait(step)

    def drain(self, deadline: float | None = None) -> None:
        """Fold what is new."""
        for _ in self.advance(deadline):
            pass

    def close(self) -> None:
        """Fold all there is; where the log lacks the end that the job had, or told another one before it was
        mended, the view gets it from the job.
        """
        self.drain()
        if self.view.status is not (status := self.job.status) and status not in LIVE:
            self.drain()
            if self.view.status is not status:
                self.view.end(status)

    def _read(self) -> bool:
        try:
            lines, self._offset = self.job.log.read(self._offset, limit=READ_BYTES)
        except (OSError, NodeToolError) as error:
            log.debug("the log of job %s can't be read now: %s", self.job.id, error)
            return False
        self._lines.extend(lines)
        return bool(lines)

    def _decode(self, line: bytes) -> Event | None:
        try:
            return decode_event(line)
        except NodeToolError:
            self.unreadable += 1
            return None


class Watch:
    """One job that is watched. ``finished`` is set when its end has been drawn."""

    def __init__(self, job: WatchedJob, renderer: Renderer, *, ends_itself: bool) -> None:
        self.job = job
        self.reader = JobReader(job)
        self.renderer = renderer
        self.ends_itself = ends_itself
        self.finished = threading.Event()
        self.lock = threading.RLock()
        self._drawn = -1
        self._due = monotonic() + PATIENCE
        self._asked = monotonic()
        self._failures = 0

    @property
    def view(self) -> JobView:
        return self.reader.view

    @property
    def has_ended(self) -> bool:
        """Whether the end is there to be drawn: a job that goes on after it was suspended has begun anew."""
        view = self.view
        is_suspended = view.status is JobStatus.SUSPENDED
        return view.ended and not (is_suspended and self.job.status is not JobStatus.SUSPENDED)

    def turn(self, deadline: float, *, may_draw: bool) -> bool:
        """Read on until ``deadline`` and draw what has changed; says whether it has drawn.

        What goes wrong here harms no other job: a renderer calls widgets, kernel and front end, of which any
        may be gone. It is tried again, FAILURES times for a live view and once for the end.
        """
        try:
            if not self._is_due(deadline) or not may_draw:
                return False
            if self.has_ended:
                self.end()
            else:
                self._drawn, self._due = self.view.revision, monotonic()
                self.renderer.render(self.view)
            self._failures = 0
        except Exception:
            self._failures += 1
            # not a warning: without a handler that is printed, into whatever cell is running
            log.info("the view of job %s can't be drawn", self.job.id, exc_info=True)
        return True

    def _is_due(self, deadline: float) -> bool:
        self.reader.drain(deadline)
        now = monotonic()
        if not self.has_ended and now > self._asked + IDLE:
            self._asked = now
            if self.job.status not in LIVE:
                self.reader.close()
        if self.has_ended:
            return self.ends_itself
        if self._failures >= FAILURES or now < self._due:
            return False
        return self.view.revision != self._drawn or now > self._due + IDLE

    def end(self) -> None:
        """Fold all there is and draw the end, once."""
        with self.lock:
            if self.finished.is_set():
                return
            try:
                self.reader.close()
                self.renderer.finish(self.view)
            finally:
                self.finished.set()


class Feed:
    """The watched jobs of a process, and the thread that follows them while there are any."""

    def __init__(self, interval: float = INTERVAL) -> None:
        self._interval = interval
        self._watches: dict[Watch, None] = {}
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def watch(self, job: WatchedJob, renderer: Renderer, *, ends_itself: bool = True) -> Watch:
        """Follow a job. Its end is drawn by the feed's thread or, unless it ``ends_itself``, by finish."""
        watch = Watch(job, renderer, ends_itself=ends_itself)
        self.add(watch)
        return watch

    def add(self, watch: Watch) -> None:
        """Follow the job of a watch that was made before; harmless if it is followed already."""
        with self._lock:
            self._watches.setdefault(watch)
            self._wake.clear()
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="nodetool-feed", daemon=True)
                self._thread.start()

    def finish(self, watch: Watch) -> None:
        """Draw the end now, in the caller's thread, and follow the job no longer; harmless if done before."""
        try:
            watch.end()
        finally:
            self.drop(watch)

    def settle(self) -> bool:
        """Draw the end of the jobs that have ended, now; says whether others are still followed."""
        with self._lock:
            watches = list(self._watches)
        for watch in watches:
            if watch.ends_itself and watch.job.wait(0):
                self._take_turn(watch, monotonic() + SETTLING, may_draw=True)
        return bool(self._watches)

    def drop(self, watch: Watch) -> None:
        """Follow a job no longer."""
        with self._lock:
            self._watches.pop(watch, None)
            if not self._watches:
                self._wake.set()

    def close(self) -> None:
        """Follow no job any more, and wait for the thread."""
        with self._lock:
            self._watches.clear()
            self._wake.set()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(5)

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._watches:
                    self._thread = None
                    return
                watches = list(self._watches)
            started = monotonic()
            self._round(watches, started + READING)
            self._wake.wait(max(self._interval - (monotonic() - started), self._interval / 5))

    def _round(self, watches: list[Watch], deadline: float) -> None:
        drawn = 0
        for watch in watches:
            has_drawn = self._take_turn(watch, deadline, may_draw=drawn < RENDERS)
            drawn += has_drawn
            if has_drawn and not watch.finished.is_set():
                self._let_others_go_first(watch)

    def _take_turn(self, watch: Watch, deadline: float, *, may_draw: bool) -> bool:
        with watch.lock:
            has_drawn = not watch.finished.is_set() and watch.turn(deadline, may_draw=may_draw)
        if watch.finished.is_set():
            self.drop(watch)
        return has_drawn

    def _let_others_go_first(self, watch: Watch) -> None:
        with self._lock:
            if watch in self._watches:
                del self._watches[watch]
                self._watches[watch] = None


_feed: Feed | None = None
_feed_lock = threading.Lock()


def get_feed() -> Feed:
    """The feed of this process."""
    global _feed
    with _feed_lock:
        if _feed is None:
            _feed = Feed()
        return _feed
