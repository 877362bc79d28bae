"""Follows the run directories of many jobs from one thread: what their workers have written becomes batches.

A bell says that there is something new; where nobody rings, for jobs of a kernel that has gone, the thread
looks by itself. It ends some time after the last job.
"""

from __future__ import annotations

import os
import selectors
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from time import monotonic
from typing import Protocol, TypeAlias

from nodetool_jupyter.errors import NodeToolError, WorkflowError
from nodetool_jupyter.model.batch import JOB_UPDATE, KeptBatch
from nodetool_jupyter.model.events import decode_event, encode_event
from nodetool_jupyter.worker.event_log import LogReader
from nodetool_jupyter.worker.folder import EXIT, SUPERVISOR, RunFolder
from nodetool_jupyter.worker.tail import belongs, conclude, is_last, place_of

BLOCK = 1024 * 1024
START = b'{"'
POLL = 0.05
"""Seconds between two looks at jobs without a bell."""
CHECK = 1.0
"""Seconds between two looks whether a job's supervisor lives."""
DOUBT = 2.0
"""Seconds without a bell in which it is looked at POLL: then it has gone, or is about to."""
RINGS = 4096
Report: TypeAlias = "Callable[[Followed, Exception, int], None]"


class Followed(Protocol):
    """One who follows a job. All calls come from the one thread."""

    def take(self, batch: KeptBatch) -> None:
        """New messages; the last batch has the terminal one."""

    def start_again(self) -> int | None:
        """Start a job once more of which nothing has ever run; gives its bell, or None if that can't be."""

    def close(self) -> None:
        """There will be no more."""


class Follower:
    """How far one job has been read. ``bell`` is the descriptor that rings, which is closed at the end;
    ``concludes`` is whether a job whose supervisor has died gets its end here.
    """

    def __init__(
        self,
        folder: RunFolder,
        job_id: str,
        followed: Followed,
        *,
        bell: int | None = None,
        first_seq: int = 1,
        concludes: bool = True,
    ) -> None:
        self._folder = folder
        self._job_id = job_id
        self.followed = followed
        self._log: LogReader = folder.reader()
        self._events = os.fspath(folder.events)
        self._offset = place_of(folder, first_seq)
        self._first_seq = first_seq
        self.seq = first_seq
        self._looked = float("-inf")
        self._checked = self._doubted = monotonic()
        self.bell = bell
        self.is_over = False
        self._concludes = concludes
        self.is_spoilt = False
        """Whether its log can't be read on: only its end is waited for, which the exit record has."""

    def hear(self) -> None:
        """The bell has rung: read what is new. At its end nobody is left who could write."""
        assert self.bell is not None
        rings = os.read(self.bell, RINGS)
        self.read()
        if not rings and not self.is_over:
            self._drop_bell()  # the lock is let go of a moment after it: from now on it is looked at

    def look(self) -> None:
        """Now and then: read where nobody rings, and see whether the supervisor lives."""
        now = monotonic()
        if self.bell is None and now - self._looked >= POLL:  # not at each ring of another job's bell
            self._looked = now
            if self._has_news():
                self.read()
        if self._concludes and not self.is_over and now - self._checked >= self._until_check(now):
            self._checked = now
            self.check()

    def _has_news(self) -> bool:
        """Whether the log is longer than what was read of it: a hundred jobs are asked this all the time."""
        if self.is_spoilt:
            return True
        try:
            return os.stat(self._events).st_size > self._offset  # noqa: PTH116 - a Path costs more than the look
        except FileNotFoundError:
            return False

    def _until_check(self, now: float) -> float:
        return POLL if self.bell is None and now - self._doubted < DOUBT else CHECK

    def read(self) -> None:
        """Pass on all that is new. An end counts once the exit record is there, and whoever writes that has
        let go of the lock; raises WorkflowError for a log that somebody else has written to.
        """
        if self.is_spoilt and self._folder.read_end():
            self._take_end()
        while not (self.is_over or self.is_spoilt):
            lines, offset = self._log.read(self._offset, limit=BLOCK)
            at = _place_of_end(lines)
            if at is not None and not self._folder.read_end():
                lines = lines[:at]
                offset = self._offset + sum(map(len, lines)) + len(lines)
                at = None
            if not lines:
                return
            if at not in (None, len(lines) - 1) or not self._belong(lines):
                raise WorkflowError("something else than its worker has written to the job's log")
            self._offset = offset
            self.is_over = at is not None
            batch = KeptBatch(lines, self._job_id, self.seq)
            self.seq += len(lines)
            self.followed.take(batch)

    def _belong(self, lines: list[bytes]) -> bool:
        """Whether they are the next messages: by the number of the last one, and the looks of all."""
        last = self.seq + len(lines) - 1
        return belongs(lines[-1], self._job_id, last) and all(line.startswith(START) for line in lines)

    def _take_end(self) -> None:
        told = self._folder.read_record(EXIT).get("update")
        end = decode_event(told.encode()) if isinstance(told, str) else None
        if end is None or not is_last(end):
            raise WorkflowError("something else than its supervisor has written the job's exit record")
        self.is_over = True
        self.followed.take(KeptBatch([encode_event(replace(end, seq=self.seq))], self._job_id, self.seq))

    def check(self) -> None:
        """Give the job its end if its supervisor has died. One that rings has it still before it, as long as
        it has not said that it is there.
        """
        if self.bell is not None and not self._folder.read_record(SUPERVISOR):
            return
        if self._folder.is_locked():
            return
        if self.bell is None:
            self.bell = self.followed.start_again()
            if self.bell is not None:
                return
        if conclude(self._folder, self._job_id, self._first_seq):
            self.read()

    def _drop_bell(self) -> None:
        if self.bell is not None:
            os.close(self.bell)
            self.bell = None
            self._doubted = monotonic()

    def close(self) -> None:
        """Let go of the bell, and of whoever follows."""
        self._drop_bell()
        self.followed.close()


class Followers:
    """The thread. ``report`` is told of a job that can't be read on, so that it is ended."""

    def __init__(
        self, report: Callable[[Followed, Exception, int], None], idle_seconds: float = 10.0
    ) -> None:
        """``report`` gets the number for an end that nobody else can tell, or 0 where it is still awaited."""
        self._report = report
        self._idle_seconds = idle_seconds
        self._lock = threading.Lock()
        self._followers: list[Follower] = []
        self._thread: threading.Thread | None = None
        self._wake: tuple[int, int] | None = None
        self._closed = False

    def add(self, follower: Follower) -> None:
        """Follow one more job."""
        with self._lock:
            self._followers.append(follower)
            if self._thread is None:
                self._wake = os.pipe()
                self._thread = threading.Thread(target=self._run, name="nodetool-follow", daemon=True)
                self._thread.start()
            self._ring()

    def close(self) -> None:
        """Follow nothing any more; what is followed runs on."""
        with self._lock:
            self._closed = True
            self._ring()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(CHECK)

    def _ring(self) -> None:
        if self._wake is not None:
            os.write(self._wake[1], b".")

    def _run(self) -> None:
        selector = selectors.DefaultSelector()
        assert self._wake is not None
        selector.register(self._wake[0], selectors.EVENT_READ)
        known: set[Follower] = set()
        self._last_job = monotonic()
        while (current := self._current(selector)) is not None:
            for follower in current:
                if follower not in known and follower.bell is not None:
                    selector.register(follower.bell, selectors.EVENT_READ, follower)
                known.add(follower)
            self._hear(selector, _patience(current))
            for follower in current:
                if not follower.is_over:
                    self._attend(follower, selector, Follower.look)
            known.intersection_update(self._remove_ended(selector))

    def _current(self, selector: selectors.BaseSelector) -> list[Follower] | None:
        """Who is followed now; None where the thread should end, after which it has let go of everything."""
        with self._lock:
            now = monotonic()
            if self._followers:
                self._last_job = now
            if self._closed or now - self._last_job > self._idle_seconds:
                self._let_go(selector)
                return None
            return list(self._followers)

    def _hear(self, selector: selectors.BaseSelector, patience: float) -> None:
        for key, _ in selector.select(patience):
            if key.data is None:
                os.read(key.fd, RINGS)
            else:
                self._attend(key.data, selector, Follower.hear)

    def _attend(
        self, follower: Follower, selector: selectors.BaseSelector, call: Callable[[Follower], None]
    ) -> None:
        bell = follower.bell
        try:
            call(follower)
        except (OSError, NodeToolError) as error:
            follower.is_over, follower.is_spoilt = follower.is_spoilt, True
            self._report(follower.followed, error, follower.seq if follower.is_over else 0)
        if bell != follower.bell:
            if bell is not None:
                selector.unregister(bell)
            if follower.bell is not None:
                selector.register(follower.bell, selectors.EVENT_READ, follower)

    def _remove_ended(self, selector: selectors.BaseSelector) -> list[Follower]:
        with self._lock:
            ended = [follower for follower in self._followers if follower.is_over]
            self._followers = [follower for follower in self._followers if not follower.is_over]
            left = list(self._followers)
        for follower in ended:
            if follower.bell is not None:
                selector.unregister(follower.bell)
            follower.close()
        return left

    def _let_go(self, selector: selectors.BaseSelector) -> None:
        selector.close()
        for follower in self._followers:
            follower.close()
        self._followers = []
        self._thread = None
        wake, self._wake = self._wake, None
        for fd in wake or ():
            with suppress(OSError):
                os.close(fd)


def _place_of_end(lines: list[bytes]) -> int | None:
    """Where the first message stands that ends a job."""
    for at, line in enumerate(lines):
        if JOB_UPDATE in line and is_last(decode_event(line)):
            return at
    return None


def _patience(current: list[Follower]) -> float:
    return POLL if any(follower.bell is None for follower in current) else CHECK
