"""Reads on in the logs of a user's jobs, from a place that a client can come back to. Knows no HTTP.

The place is all there is to know: nothing is kept for a client that has gone.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic

from nodetool_jupyter.errors import JobNotFound, WorkflowError
from nodetool_jupyter.model.batch import JOB_UPDATE
from nodetool_jupyter.model.events import JobUpdate, decode_event
from nodetool_jupyter.model.job import JobRecord, JobStatus
from nodetool_jupyter.store.base import Store

MOST_JOBS = 256
"""Followed at once; the others wait until one of these has ended."""
BATCH = 512 * 1024
SHARE = 64 * 1024
"""Bytes of one job in a batch, so that none keeps the others from being seen."""
PAGE = 200
MOST_NEW = 2000
"""Jobs that have come since a place: beyond, the client lists them anew."""
CHECK = 5.0
"""Seconds between two looks whether a silent job has ended without a word."""
NOT_ENDED = frozenset(status for status in JobStatus if not status.is_terminal)
PLACE = re.compile(r"[\w.:-]{0,128}(~[\w.:-]{1,128}=\d{1,18}){0,1000}", re.ASCII)
GAP = "messages after this place can't be told apart any more: list the jobs anew"


@dataclass(slots=True)
class Cursor:
    """A place: the newest job that was met, and for those that are followed the offset in their logs."""

    newest: str = ""
    offsets: dict[str, int] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Read what ``str`` gives; raises ValueError."""
        if not PLACE.fullmatch(text):
            raise ValueError("no place in a stream")
        newest, *pairs = text.split("~")
        return cls(newest, {job_id: int(offset) for job_id, offset in (pair.split("=") for pair in pairs)})

    def __str__(self) -> str:
        return "~".join([self.newest, *(f"{job_id}={offset}" for job_id, offset in self.offsets.items())])


@dataclass(slots=True)
class News:
    """What one look has found. ``lines`` are messages, a job's in their order; ``is_full``: there is more."""

    records: list[JobRecord] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)
    gap: str | None = None
    is_full: bool = False


class Follower:
    """Follows the live jobs of a user and all that come, or one ``job_id``. For one thread at a time.

    Without a ``cursor`` live jobs are told from their start, with ``is_from_now`` from what comes next.
    """

    def __init__(
        self,
        store: Store,
        user_id: str,
        cursor: Cursor | None = None,
        job_id: str | None = None,
        *,
        is_from_now: bool = False,
    ) -> None:
        self._store = store
        self._user_id = user_id
        self._job_id = job_id
        self._waiting: deque[JobRecord] = deque()
        self._new: list[JobRecord] = []
        self._gap: str | None = None
        self._seen = ""
        self._checked = monotonic()
        self._ended: set[str] = set()
        self.cursor = Cursor()
        if cursor is None:
            self._begin()
        elif not self._go_on(cursor):
            self._gap = GAP
            self._begin()
        if is_from_now:
            for known in self.cursor.offsets:
                self.cursor.offsets[known] = self._end_of(known)

    @property
    def is_over(self) -> bool:
        """Whether nothing can come any more: only where one job is followed."""
        return self._job_id is not None and not self.cursor.offsets and not self._new

    def read(self) -> News:
        """What has come since the last look."""
        news = News()
        if self._job_id is None:
            self._find_new()
            self._admit()
        self._check_silent()
        room = BATCH
        for job_id in list(self.cursor.offsets):
            read = self._read_job(job_id, news)
            room -= read
            news.is_full = news.is_full or read > SHARE // 2  # whole lines seldom fill it
            if room <= 0:
                break
        news.records, self._new = self._new, []
        news.gap, self._gap = self._gap, None
        return news

    def _begin(self) -> None:
        """Where nothing is known of what the client has."""
        self._waiting.clear()
        if self._job_id is not None:
            self.cursor = Cursor("", {self._job_id: 0})
            self._new = [self._store.get(self._job_id)]
            return
        newest = self._store.page(limit=1, user_id=self._user_id)
        self._seen = newest[0].id if newest else ""
        self.cursor = Cursor(self._seen)
        self._waiting.extend(reversed(self._live(newest)))
        self._admit()

    def _live(self, newest: list[JobRecord]) -> list[JobRecord]:
        """Jobs that have not ended, up to the newest that was met: what came since is found as new."""
        if not newest:
            return []
        older = self._store.page(
            limit=MOST_NEW, before=newest[0].id, statuses=NOT_ENDED, user_id=self._user_id
        )
        return [*(record for record in newest if not record.status.is_terminal), *older]

    def _admit(self) -> None:
        """Follow those that have waited longest, as far as there is room."""
        while self._waiting and len(self.cursor.offsets) < MOST_JOBS:
            record = self._waiting.popleft()
            self.cursor.offsets[record.id] = 0
            self.cursor.newest = record.id
            self._new.append(record)
        if not self._waiting:
            self.cursor.newest = self._seen

    def _go_on(self, cursor: Cursor) -> bool:
        """Take up a place; whether it is one of this user's, and still there."""
        for job_id, offset in cursor.offsets.items():
            if self._job_id not in (None, job_id) or not self._is_place(job_id, offset):
                return False
        self.cursor = cursor
        self._seen = cursor.newest
        return True

    def _is_place(self, job_id: str, offset: int) -> bool:
        """Whether a message ends at that offset of a log, of a job of this user."""
        try:
            if self._store.get(job_id).user_id != self._user_id:
                return False
        except JobNotFound:
            return False
        return offset == 0 or self._store.read_log(job_id).read(offset - 1, limit=1)[0][:1] == [b""]

    def _find_new(self) -> None:
        """Put jobs that were added since the last look into the queue, in their order."""
        newest = self._store.page(limit=1, user_id=self._user_id)
        if not newest or newest[0].id == self._seen:
            return
        found = self._since(self._seen)
        if found is None:
            self._gap = GAP
            self._begin()
            return
        self._waiting.extend(reversed(found))
        self._seen = found[0].id if found else self._seen

    def _since(self, seen: str) -> list[JobRecord] | None:
        """Jobs that were added after ``seen``, newest first; None where it isn't met."""
        found: list[JobRecord] = []
        before = None
        while len(found) < MOST_NEW:
            page = self._store.page(limit=PAGE, before=before, user_id=self._user_id)
            for record in page:
                if record.id == seen:
                    return found
                found.append(record)
            if len(page) < PAGE:
                return None if seen else found
            before = page[-1].id
        return None

    def _read_job(self, job_id: str, news: News) -> int:
        """Add a job's messages to the news; gives how many bytes they take."""
        offsets = self.cursor.offsets
        offset = offsets.pop(job_id)
        lines, following = self._store.read_log(job_id).read(offset, limit=SHARE)
        news.lines += lines
        if not (any(map(_is_end, lines)) or (job_id in self._ended and not lines)):
            offsets[job_id] = following  # at the end: those that were read last come last next time
        return following - offset

    def _check_silent(self) -> None:
        """Find jobs that have ended without a message of it, or were removed."""
        if monotonic() - self._checked < CHECK:
            return
        self._checked = monotonic()
        self._ended = set(self._without_end(self.cursor.offsets))

    def _without_end(self, job_ids: Iterable[str]) -> Iterator[str]:
        for job_id in job_ids:
            try:
                if self._store.get(job_id).status.is_terminal:
                    yield job_id
            except JobNotFound:
                yield job_id

    def _end_of(self, job_id: str) -> int:
        log, offset, lines = self._store.read_log(job_id), 0, [b""]
        while lines:
            lines, offset = log.read(offset, limit=BATCH)
        return offset


def _is_end(line: bytes) -> bool:
    """Whether a message is the last one of its job."""
    if JOB_UPDATE in line:
        with suppress(WorkflowError):
            event = decode_event(line)
            return isinstance(event, JobUpdate) and JobStatus(event.status).is_terminal
    return False
