"""The events of one run on their way out: numbered, in batches, progress and edge counts coalesced in time.

Whoever reports may be in any thread. Batches reach the sink one at a time and in order, from the run's loop
or, while a node blocks that, from whoever watches over it.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from contextvars import Context, copy_context
from time import time
from typing import TYPE_CHECKING, Literal

from nodetool_jupyter.model.batch import Batch, Moment
from nodetool_jupyter.model.events import EdgeUpdate, Event

if TYPE_CHECKING:
    from nodetool_jupyter.engine.actor import Stream
    from nodetool_jupyter.engine.reporter import Reporter

EventSink = Callable[[Batch], None]
"""Called with a job's events in order, one batch at a time; an empty one says that nothing has happened for
a while, so that what is held back can be written.
"""

TOGETHER = 0.002
"""Seconds that an event waits for others, so that a short job is told at once."""
BATCH = 128
"""Events that are told without waiting: while few are kept, the garbage collector is not called for."""
PULSE = 0.05
"""Seconds between two tellings of progress and edge counts."""


class Telling:
    """Collects a run's events and hands them to its sink. ``first_seq`` is the first number."""

    def __init__(self, job_id: str, sink: EventSink, first_seq: int) -> None:
        # Both are re-entrant: whatever runs in between may print, a finalizer or a warning, and be reported.
        self.reporting = threading.RLock()
        """Guards what is held back, and that it is told before the end of what it is about."""
        self._job_id = job_id
        self._sink = sink
        self._next_seq = first_seq
        self._outbox: deque[Event | Moment] = deque()
        self._lock = threading.RLock()
        self._is_telling = False
        self._will_tell = False
        self.eager = 0
        """How many nodes' starts are still told at once: a process that may crash says so where it was."""
        self._will_pulse = False
        self._reporters: dict[Reporter, None] = {}
        self._moved: dict[Stream, None] = {}
        """Streaming edges that values have passed since the last pulse."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0
        self._context: Context | None = None
        """In which events are told: outside of any node, so that what the sink prints is no node's log."""

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """From now on events are told from this loop, whose thread this is."""
        self._loop = loop
        self._thread = threading.get_ident()
        self._context = copy_context()

    def emit(self, event: Event | Moment) -> None:
        """Put an event into the stream."""
        self._outbox.append(event)
        if not self._will_tell:
            self._will_tell = True
            self._on_loop(self._tell_later)

    def tell_if_many(self) -> None:
        """Tell without waiting for others, if enough wait. Not for node code: an interrupt may end that
        anywhere, and would lose what is being told.
        """
        if len(self._outbox) >= BATCH:
            self.tell()

    def tell_eagerly(self) -> None:
        """A node is about to run."""
        self.eager -= 1
        self.tell()

    def _tell_later(self) -> None:
        assert self._loop is not None
        self._loop.call_later(TOGETHER, self._tell_now, context=self._context)

    def _tell_now(self) -> None:
        self._will_tell = False
        self.tell()

    def _on_loop(self, call: Callable[[], None]) -> None:
        loop = self._loop
        if loop is None or loop.is_closed():
            return
        if threading.get_ident() == self._thread:
            call()
        else:
            with suppress(RuntimeError):  # it has been closed just now
                loop.call_soon_threadsafe(call, context=self._context)

    def tell(self) -> None:
        """Number the waiting events and hand them on."""
        with self._lock:
            if not self._is_telling:
                self._hand_on(self._outbox)

    def tell_last(self, event: Event) -> None:
        """Put the terminal event into the stream and hand on all there is; what a stray thread tells after it
        is dropped.
        """
        self._collect()
        with self._lock:
            outbox, self._outbox = self._outbox, deque(maxlen=0)
            self._hand_on(outbox, event)
            self._sink = _drop  # it knows this run: without the cycle both are freed at once

    def _hand_on(self, outbox: deque[Event | Moment], *last: Event) -> None:
        self._is_telling = True
        try:
            items = [outbox.popleft() for _ in range(len(outbox))]
            items += last
            batch = Batch(items, self._job_id, self._next_seq)
            self._next_seq += len(items)
            self._sink(batch)
        finally:
            self._is_telling = False

    def will_report(self, reporter: Reporter) -> None:
        """Progress has been reported: tell it with the next pulse."""
        self._reporters[reporter] = None
        self._schedule_pulse()

    def edge_moved(self, stream: Stream) -> None:
        """A first value has passed a streaming edge: tell the count with the next pulse, as it is then."""
        stream.has_moved = True
        self._moved[stream] = None
        if not self._will_pulse:
            self._schedule_pulse()

    def edges_drained(self, streams: Iterable[Stream]) -> None:
        """Streaming edges have carried their last value."""
        with self.reporting:
            for stream in streams:
                self._moved.pop(stream, None)
                self.emit(_edge_update(stream, "drained"))

    def _schedule_pulse(self) -> None:
        if not self._will_pulse:
            self._will_pulse = True
            self._on_loop(self._pulse_later)

    def _pulse_later(self) -> None:
        assert self._loop is not None
        self._loop.call_later(PULSE, self.pulse, context=self._context)

    def pulse(self) -> None:
        """Tell what has been reported so far; from any thread."""
        self._collect()
        self.tell()

    def _collect(self) -> None:
        self._will_pulse = False
        for reporter in list(self._reporters):
            self._reporters.pop(reporter, None)
            reporter.tell_progress()
        with self.reporting:
            moved, self._moved = self._moved, {}
            for stream in list(moved):
                stream.has_moved = False
                self._outbox.append(_edge_update(stream, "message_sent"))


def _edge_update(stream: Stream, status: Literal["message_sent", "drained"]) -> EdgeUpdate:
    return EdgeUpdate(edge_id=stream.edge.id, status=status, counter=stream.count, timestamp=time())


def _drop(_batch: Batch) -> None:
    """Where a run's messages go after its end."""
