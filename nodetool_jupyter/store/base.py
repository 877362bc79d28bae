"""What a store and an event log promise, whichever way they keep things; tests/contract holds each promise.

One invariant: a job that has ended keeps its record for good, and a live one is changed by its owner alone.
"""

from __future__ import annotations

import os
import re
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from difflib import get_close_matches
from pathlib import Path

from nodetool_jupyter.errors import ErrorCode, JobNotFound, StoreError
from nodetool_jupyter.model.job import JobRecord, JobStatus
from nodetool_jupyter.model.peers import Peer
from nodetool_jupyter.model.request import RunJobRequest
from nodetool_jupyter.worker.event_log import FULL_DISK, EventLog

RANDOM_BITS = 52
SHORTEST_PREFIX = 4
CANDIDATES_SHOWN = 5
SUGGESTIONS_FROM = 200
SAFE_ID = re.compile(r"[A-Za-z0-9_:-][A-Za-z0-9_.:-]{0,127}")
SQLITE_FULL = 13

_id_lock = threading.Lock()
_last_id = 0


class StoreWarning(UserWarning):
    """The store had to do something the user should know of, such as setting a damaged file aside."""


def new_job_id() -> str:
    """26 hexadecimal digits that sort as they were made: 13 of microseconds (UTC), 13 of chance."""
    global _last_id
    chance = int.from_bytes(os.urandom(7), "big") >> 4
    with _id_lock:
        number = _last_id = max(time.time_ns() // 1000 << RANDOM_BITS | chance, _last_id + 1)
    return f"{number:026x}"


def fault_code(error: BaseException) -> ErrorCode:
    """The code of a job that fails because the store raised ``error``."""
    cause = error.__cause__
    full = isinstance(cause, OSError) and cause.errno in FULL_DISK
    full = full or getattr(cause, "sqlite_errorcode", None) == SQLITE_FULL
    return ErrorCode.DISK_FULL if full else ErrorCode.STORE_FAILED


class Owner:
    """One who looks after jobs: alive until ``close`` or the end of its process, however it ends."""

    def __init__(
        self, owner_id: str, release: Callable[[], None], note: Callable[[bytes], object] | None = None
    ) -> None:
        self.id = owner_id
        self._release: Callable[[], None] | None = release
        self._note = note

    def introduce(self, peer: Peer) -> None:
        """Tell the other processes who this is; raises OSError where that can't be written down."""
        if self._note is not None:
            self._note(peer.model_dump_json().encode())

    def close(self) -> None:
        """Give the owner's jobs up to whoever claims them; harmless twice."""
        release, self._release = self._release, None
        if release is not None:
            release()


class Store(ABC):
    """All jobs of one home folder. Every method may be called from any thread; failures are StoreError.

    ``user_id`` is matched exactly: the empty one has the jobs that came without a user, not everyone's.
    """

    @abstractmethod
    def add(self, record: JobRecord, request: RunJobRequest) -> None:
        """Keep a new job; raises ValueCrossingError for a param without JSON, StoreError for a taken id."""

    @abstractmethod
    def update(self, record: JobRecord, log: EventLog | None = None) -> None:
        """Keep what changes in a job's life: status, owner, attempt, ticket, times, fault. With the ``log``
        of a job that has ended, also the messages that it still holds back, both or neither.

        Refused with StoreError where the stored job has ended, or has another owner and no earlier attempt.
        Repeating what is stored is harmless.
        """

    @abstractmethod
    def get(self, job_id: str) -> JobRecord:
        """The record of a full id; raises JobNotFound."""

    @abstractmethod
    def request(self, job_id: str) -> RunJobRequest:
        """What the job was asked to run; raises JobNotFound."""

    @abstractmethod
    def page(
        self,
        *,
        limit: int = 50,
        before: str | None = None,
        statuses: Collection[JobStatus] | None = None,
        user_id: str = "",
        workflow_id: str | None = None,
    ) -> list[JobRecord]:
        """Records without params, last added first; those after ``before`` (JobNotFound if it is gone)."""

    @abstractmethod
    def open_log(self, job_id: str) -> EventLog:
        """The job's log for its one writer; file and run directory are made by the first append."""

    @abstractmethod
    def read_log(self, job_id: str) -> EventLog:
        """The job's log for reading; empty as long as there is none."""

    @abstractmethod
    def run_directory(self, job_id: str) -> Path:
        """Where the job's log and files belong; not made by this call."""

    @abstractmethod
    def cache_directory(self) -> Path:
        """Where results lie that jobs share by content; not made by this call."""

    def asset_directory(self) -> Path:
        """Where the assets of this home lie, if no setting says another place; not made by this call."""
        return self.cache_directory().parent / "assets"

    @abstractmethod
    def remove(self, job_ids: Collection[str]) -> list[str]:
        """Forget jobs and delete their run directories; gives those that are gone. Live ones stay."""

    @abstractmethod
    def claim_dead(self, owner: str, is_alive: Callable[[str], bool]) -> list[JobRecord]:
        """Give ``owner`` the live jobs of owners that aren't; of several claimants one gets each job."""

    @abstractmethod
    def register_owner(self) -> Owner:
        """A new owner, alive from now on."""

    @abstractmethod
    def owner_is_alive(self, owner_id: str) -> bool:
        """Whether that owner still lives, in this process or another."""

    @abstractmethod
    def owner_address(self, owner_id: str) -> Path | None:
        """Where that owner can be reached by a socket; None where no other process could look for it."""

    @abstractmethod
    def peers(self, but: str) -> list[Peer]:
        """Who has introduced themselves here and lives, without the owner ``but``."""

    @abstractmethod
    def close(self) -> None:
        """Let go of files and connections; harmless twice."""

    @abstractmethod
    def _ids_with_prefix(self, prefix: str, user_id: str) -> list[str]:
        """Ids in ascending order, at most one more than are shown."""

    @abstractmethod
    def _id_with_name(self, name: str, user_id: str) -> str | None:
        """The newest job of that name."""

    def find(self, ref: str, user_id: str = "") -> JobRecord:
        """The job meant by ``last``, a full id, a name (its newest job) or a unique prefix of an id."""
        if ref == "last":
            newest = self.page(limit=1, user_id=user_id)
            if not newest:
                raise JobNotFound("there is no job yet", hint="run a cell that begins with %%nodetool")
            return self.get(newest[0].id)
        matches = self._ids_with_prefix(ref, user_id) if len(ref) >= SHORTEST_PREFIX else []
        if ref in matches:
            return self.get(ref)
        named = self._id_with_name(ref, user_id)
        if named is not None:
            return self.get(named)
        if len(matches) == 1:
            return self.get(matches[0])
        raise self._ambiguous(ref, matches) if matches else self._unknown(ref, user_id)

    def _ambiguous(self, prefix: str, ids: list[str]) -> JobNotFound:
        lines = [f"more than one job begins with {prefix!r}"]
        lines += [
            "  - " + "  ".join(filter(None, (record.id, record.status.value, record.name)))
            for record in map(self.get, ids[:CANDIDATES_SHOWN])
        ]
        if len(ids) > CANDIDATES_SHOWN:
            lines.append("  … and more")
        return JobNotFound("\n".join(lines), hint="give more characters of the id")

    def _unknown(self, ref: str, user_id: str) -> JobNotFound:
        records = self.page(limit=SUGGESTIONS_FROM, user_id=user_id)
        known = {name: None for record in records for name in (record.name, record.id) if name}
        close = get_close_matches(ref, known, n=3)
        if close:
            hint = f"did you mean {' or '.join(close)}?"
        elif len(ref) < SHORTEST_PREFIX:
            hint = f"a prefix of an id needs at least {SHORTEST_PREFIX} characters; %nodetool jobs lists them"
        else:
            hint = "%nodetool jobs lists the jobs"
        return JobNotFound(f"no job has the id, prefix or name {ref!r}", hint=hint)


def not_found(job_id: str) -> JobNotFound:
    """The error for a full id that the store doesn't have."""
    return JobNotFound(f"there is no job {job_id!r}", hint="%nodetool jobs lists the jobs")


def taken() -> StoreError:
    """The error for adding an id that the store has."""
    return StoreError("the store has a job of this id already", hint="give each job its own: new_job_id()")


def closed() -> StoreError:
    """The error for using a store after its end."""
    return StoreError("the job store is closed", hint="open a new one; in a notebook, restart the kernel")


def may_replace(record: JobRecord, stored: JobRecord) -> bool:
    """Whether ``record`` may replace ``stored``: not ended, and its own or ahead of it by an attempt."""
    ours = stored.owner in (record.owner, "") or stored.attempt < record.attempt
    return ours and not stored.status.is_terminal


def refusal(record: JobRecord, stored: JobRecord) -> StoreError | None:
    """Why ``record`` may not take the place of ``stored``; None where it says nothing new."""
    if record.model_copy(update={"params": {}}) == stored.model_copy(update={"params": {}}):
        return None
    if stored.status.is_terminal:
        return StoreError(
            f"job {stored.id} has ended as {stored.status.value} and can't become {record.status.value}",
            hint="a job's end is final; %nodetool retry runs it as a new job",
        )
    return StoreError(
        f"job {stored.id} belongs to another process (owner {stored.owner}, attempt {stored.attempt})",
        hint="follow it with %nodetool attach; only its owner may change it",
    )


def checked_id(job_id: str) -> str:
    """``job_id`` if it can name a folder; raises JobNotFound, so that no id leads out of the home folder."""
    if not SAFE_ID.fullmatch(job_id):
        raise JobNotFound(f"{job_id!r} can't be the id of a job", hint="%nodetool jobs lists the jobs")
    return job_id
