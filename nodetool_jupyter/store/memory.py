"""Jobs of this process alone, for tests and for homes that can't be written; gone when the process ends.

What goes in passes the same encoding as in the database, so that nothing works here that wouldn't work there.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from itertools import dropwhile, islice
from pathlib import Path

from pydantic_core import from_json

from nodetool_jupyter.errors import StoreError
from nodetool_jupyter.model.job import LIVE, JobRecord, JobStatus
from nodetool_jupyter.model.peers import Peer
from nodetool_jupyter.model.request import RunJobRequest
from nodetool_jupyter.store.base import (
    CANDIDATES_SHOWN,
    Owner,
    Store,
    checked_id,
    closed,
    may_replace,
    new_job_id,
    not_found,
    refusal,
    taken,
)
from nodetool_jupyter.store.schema import Content, content_of, record_of, request_of, row_of, unpack
from nodetool_jupyter.worker.event_log import NAME, EventLog, LogReader, lines_of

CHANGING = ("status", "owner", "attempt", "ticket", "started_at", "finished_at", "duration", "fault")


@dataclass(frozen=True, slots=True)
class _Job:
    record: JobRecord
    """Without its params."""
    content: Content

    def full(self) -> JobRecord:
        return self.record.model_copy(update={"params": from_json(unpack(self.content.params))})


class MemoryLog(EventLog):
    """The log of one job as a buffer, which its writer and all readers share."""

    def __init__(
        self, buffers: dict[str, bytearray], job_id: str, *, writable: bool, path: Path | None = None
    ) -> None:
        self._buffers = buffers
        self._job_id = job_id
        self._file = None if path is None else LogReader(path)
        self._writable = writable

    def append(self, data: bytes) -> None:
        if not self._writable:
            raise StoreError(
                f"the log of job {self._job_id} is not open for writing", hint="open_log opens it"
            )
        if data and data[-1:] != b"\n":
            raise ValueError("an event log takes whole lines")
        self._buffers.setdefault(self._job_id, bytearray()).extend(data)

    def read(self, offset: int = 0, *, limit: int | None = None) -> tuple[list[bytes], int]:
        data = self._buffers.get(self._job_id)
        if data is None and self._file is not None:  # where another process writes it, it is a file
            return self._file.read(offset, limit=limit)
        return lines_of(data or b"", offset, limit)

    def close(self) -> None:
        self._writable = False


class MemoryStore(Store):
    """A store without a home: records in a dict, logs in buffers, files of jobs in a temporary folder."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._jobs: dict[str, _Job] = {}
        self._logs: dict[str, bytearray] = {}
        self._owners: set[str] = set()
        self._folder: Path | None = None
        self._closed = False

    def add(self, record: JobRecord, request: RunJobRequest) -> None:
        job = _Job(record_of(row_of(record)), content_of(record, request))
        with self._lock:
            self._check_open()
            if record.id in self._jobs:
                raise taken()
            self._jobs[record.id] = job

    def update(self, record: JobRecord, log: EventLog | None = None) -> None:  # noqa: ARG002 - nothing is held back
        with self._lock:
            job = self._job(record.id)
            if may_replace(record, job.record):
                changes = {name: getattr(record, name) for name in CHANGING}
                kept = record_of(row_of(job.record.model_copy(update=changes)))
                self._jobs[record.id] = _Job(kept, job.content)
            elif (error := refusal(record, job.record)) is not None:
                raise error

    def get(self, job_id: str) -> JobRecord:
        return self._job(job_id).full()

    def request(self, job_id: str) -> RunJobRequest:
        content = self._job(job_id).content
        return request_of(content.request, content.request_params or content.params)

    def page(
        self,
        *,
        limit: int = 50,
        before: str | None = None,
        statuses: Collection[JobStatus] | None = None,
        user_id: str = "",
        workflow_id: str | None = None,
    ) -> list[JobRecord]:
        with self._lock:
            self._check_open()
            newest_first: Iterator[JobRecord] = (job.record for job in reversed(self._jobs.values()))
            if before is not None:
                self._job(before)
                newest_first = islice(dropwhile(lambda record: record.id != before, newest_first), 1, None)
            found = (
                record
                for record in newest_first
                if record.user_id == user_id
                and (workflow_id is None or record.workflow_id == workflow_id)
                and (statuses is None or record.status in statuses)
            )
            return list(islice(found, limit))

    def open_log(self, job_id: str) -> EventLog:
        return MemoryLog(self._logs, checked_id(job_id), writable=True)

    def read_log(self, job_id: str) -> EventLog:
        path = self.run_directory(job_id) / NAME
        return MemoryLog(self._logs, checked_id(job_id), writable=False, path=path)

    def run_directory(self, job_id: str) -> Path:
        return self._files() / checked_id(job_id)

    def cache_directory(self) -> Path:
        return self._files() / "cache"

    def _files(self) -> Path:
        with self._lock:
            self._check_open()
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="nodetool-jobs-"))
            return self._folder

    def remove(self, job_ids: Collection[str]) -> list[str]:
        with self._lock:
            removed = [
                job_id
                for job_id in job_ids
                if job_id in self._jobs and self._jobs[job_id].record.status.is_terminal
            ]
            for job_id in removed:
                del self._jobs[job_id]
                self._logs.pop(job_id, None)
        for job_id in removed:
            shutil.rmtree(self.run_directory(job_id), ignore_errors=True)
        return removed

    def claim_dead(self, owner: str, is_alive: Callable[[str], bool]) -> list[JobRecord]:
        with self._lock:
            self._check_open()
            live = [job for job in self._jobs.values() if job.record.status in LIVE]
            dead = {name for name in {job.record.owner for job in live} - {owner} if not is_alive(name)}
            claimed = [job for job in live if job.record.owner in dead]
            for job in claimed:
                record = job.record.model_copy(update={"owner": owner})
                self._jobs[record.id] = _Job(record, job.content)
            return [self._jobs[job.record.id].full() for job in claimed]

    def register_owner(self) -> Owner:
        owner_id = new_job_id()
        self._owners.add(owner_id)
        return Owner(owner_id, lambda: self._owners.discard(owner_id))

    def owner_is_alive(self, owner_id: str) -> bool:
        return owner_id in self._owners

    def peers(self, but: str) -> list[Peer]:  # noqa: ARG002 - nobody shares it
        return []

    def owner_address(self, owner_id: str) -> Path | None:  # noqa: ARG002 - there are no others to be reached
        return None

    def close(self) -> None:
        with self._lock:
            self._closed = True
            folder, self._folder = self._folder, None
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)

    def _ids_with_prefix(self, prefix: str, user_id: str) -> list[str]:
        with self._lock:
            self._check_open()
            records = [job.record for job in self._jobs.values()]
        ids = (record.id for record in records if record.user_id == user_id and record.id.startswith(prefix))
        return sorted(ids)[: CANDIDATES_SHOWN + 1]

    def _id_with_name(self, name: str, user_id: str) -> str | None:
        with self._lock:
            records = [job.record for job in self._jobs.values()]
        named = [each for each in records if each.name and (each.user_id, each.name) == (user_id, name)]
        return named[-1].id if named else None

    def _job(self, job_id: str) -> _Job:
        with self._lock:
            self._check_open()
            job = self._jobs.get(job_id)
        if job is None:
            raise not_found(job_id)
        return job

    def _check_open(self) -> None:
        if self._closed:
            raise closed()
