"""Jobs in one SQLite database that a user's kernels and server share; beside it a folder for each job.

A committed row outlives ``kill -9``. It is not synced to the disk job by job: a machine that loses its power
may forget the last seconds, but keeps a sound database.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
import warnings
from collections.abc import Callable, Collection
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from pydantic_core import to_json

from nodetool_jupyter.errors import StoreError
from nodetool_jupyter.model.job import JobRecord, JobStatus
from nodetool_jupyter.model.peers import Peer
from nodetool_jupyter.model.request import RunJobRequest
from nodetool_jupyter.store import schema
from nodetool_jupyter.store.base import (
    CANDIDATES_SHOWN,
    Owner,
    Store,
    StoreWarning,
    checked_id,
    closed,
    not_found,
    refusal,
    taken,
)
from nodetool_jupyter.store.files import exclusive, identity, is_held, read_notes, register_owner, set_aside
from nodetool_jupyter.store.job_log import JobLog, StoredLog
from nodetool_jupyter.values.files import make_private
from nodetool_jupyter.worker.event_log import NAME, EventLog, lines_of

T = TypeVar("T")

BUSY_TIMEOUT = 10.0
DATABASE = "jobs.sqlite3"
WRITES_PER_CHECKPOINT = 256
WAL_PAGES = 8000
"""Above this many pages a commit checkpoints by itself, in case the thread never gets that far."""
NO_SPACE = 64 * 1024


class SqliteStore(Store):
    """The store in ``home``. Writing and reading have a connection each: no reader waits for a writer."""

    def __init__(self, home: Path, *, busy_timeout: float = BUSY_TIMEOUT) -> None:
        self._home = home
        self._path = home / DATABASE
        self._jobs = home / "jobs"
        self._busy_timeout = busy_timeout
        self._writing = threading.Lock()
        self._reading = threading.Lock()
        self._writes = 0
        self._added = ""
        """The job that was added last, whose log can't be there yet."""
        self._logs: WeakValueDictionary[str, JobLog] = WeakValueDictionary()
        self._checkpoint: threading.Thread | None = None
        self._writer, self._reader = self._open()

    def add(self, record: JobRecord, request: RunJobRequest) -> None:
        if identity(self._path) != self._file:  # set aside by another process, or removed
            self._reopen()
        row, content = schema.row_of(record), schema.content_of(record, request)
        if content.is_small:
            self._write_one(schema.INSERT_JOB, row + content)
            self._added = record.id
            return

        def insert(db: sqlite3.Connection) -> None:
            db.execute(schema.INSERT_JOB, row + schema.ELSEWHERE)
            db.execute(schema.INSERT_CONTENT, content)

        self._write(insert)

    def update(self, record: JobRecord, log: EventLog | None = None) -> None:
        own = log if isinstance(log, JobLog) else None
        lines = own.unwritten if own is not None and record.status.is_terminal else b""
        if not self._write_one(schema.UPDATE_JOB, schema.changes_of(record, lines)):
            error = refusal(record, self.get(record.id))
            if error is not None:
                raise error
        if own is not None and lines:
            own.keep()

    def get(self, job_id: str) -> JobRecord:
        rows = self._read(schema.SELECT_JOB, (job_id,))
        if not rows:
            raise not_found(job_id)
        return schema.record_of(rows[0], rows[0][-1])

    def request(self, job_id: str) -> RunJobRequest:
        rows = self._read(schema.SELECT_REQUEST, (job_id,))
        if not rows:
            raise not_found(job_id)
        return schema.request_of(*rows[0])

    def page(
        self,
        *,
        limit: int = 50,
        before: str | None = None,
        statuses: Collection[JobStatus] | None = None,
        user_id: str = "",
        workflow_id: str | None = None,
    ) -> list[JobRecord]:
        if statuses is not None and not statuses:
            return []
        after = None
        if before is not None:
            rows = self._read(schema.SELECT_NUMBER, (before,))
            if not rows:
                raise not_found(before)
            after = rows[0][0]
        query = schema.select_page(limit, after, statuses and set(statuses), user_id, workflow_id)
        return [schema.record_of(row) for row in self._read(*query)]

    def open_log(self, job_id: str) -> EventLog:
        is_new = job_id == self._added
        self._added = ""
        log = self._logs[job_id] = JobLog(f"{self._jobs}/{checked_id(job_id)}/{NAME}", is_new=is_new)
        return log

    def read_log(self, job_id: str) -> EventLog:
        return StoredLog(self.read_kept_log, job_id, self.run_directory(job_id) / NAME)

    def read_kept_log(self, job_id: str, offset: int, limit: int | None) -> tuple[list[bytes], int] | None:
        """The lines of a log that is not a file: one being written here, or one kept in the database."""
        writer = self._logs.get(job_id)
        if writer is not None:
            return writer.read(offset, limit=limit)
        rows = self._read(schema.SELECT_LOG, (job_id,))
        return lines_of(schema.unpack(rows[0][0]), offset, limit) if rows else None

    def run_directory(self, job_id: str) -> Path:
        return self._jobs / checked_id(job_id)

    def cache_directory(self) -> Path:
        return self._jobs.parent / "cache"

    def remove(self, job_ids: Collection[str]) -> list[str]:
        wanted = (to_json(list(job_ids)).decode(),)

        def delete(db: sqlite3.Connection) -> list[str]:
            found = [job_id for (job_id,) in db.execute(schema.SELECT_REMOVED, wanted)]
            db.execute(schema.DELETE_CONTENT, wanted)
            db.execute(schema.DELETE_JOBS, wanted)
            return found

        removed = self._write(delete)
        for job_id in removed:
            shutil.rmtree(self.run_directory(job_id), ignore_errors=True)
        return removed

    def claim_dead(self, owner: str, is_alive: Callable[[str], bool]) -> list[JobRecord]:
        owners = {name for (name,) in self._read(schema.SELECT_LIVE_OWNERS)} - {owner}
        dead = to_json([name for name in owners if not is_alive(name)]).decode()
        if dead == "[]":
            return []

        def claim(db: sqlite3.Connection) -> list[Any]:
            rows = db.execute(schema.SELECT_OWNED, (dead,)).fetchall()
            db.execute(schema.UPDATE_OWNED, (owner, dead))
            return rows

        rows = self._write(claim)
        return [schema.record_of(row, row[-1]).model_copy(update={"owner": owner}) for row in rows]

    def register_owner(self) -> Owner:
        try:
            return register_owner(self._home / "owners")
        except OSError as error:
            raise self._folder_failure(error) from error

    def owner_is_alive(self, owner_id: str) -> bool:
        return bool(owner_id) and is_held(self._home / "owners" / f"{checked_id(owner_id)}.lock")

    def owner_address(self, owner_id: str) -> Path | None:
        return self._home / "owners" / f"{checked_id(owner_id)}.sock"

    def peers(self, but: str) -> list[Peer]:
        notes = read_notes(self._home / "owners")
        return [peer for owner_id, peer in notes.items() if owner_id != but]

    def close(self) -> None:
        with self._writing, self._reading:
            if self._checkpoint is not None:
                self._checkpoint.join()
            self._reader.close()
            self._writer.close()

    def _ids_with_prefix(self, prefix: str, user_id: str) -> list[str]:
        return [
            job_id for (job_id,) in self._read(schema.SELECT_IDS, (prefix, user_id, CANDIDATES_SHOWN + 1))
        ]

    def _id_with_name(self, name: str, user_id: str) -> str | None:
        rows = self._read(schema.SELECT_NAMED, (user_id, name))
        return rows[0][0] if rows else None

    def _read(self, sql: str, args: tuple[Any, ...] = ()) -> list[Any]:
        try:
            with self._reading:
                return self._reader.execute(sql, args).fetchall()
        except sqlite3.Error as error:
            raise self._failure(error) from error

    def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do some statements, all or none; keeps other writers out from the first one on."""
        try:
            with self._writing:
                db = self._writer
                db.execute("BEGIN IMMEDIATE")
                try:
                    result = work(db)
                    db.execute("COMMIT")
                finally:
                    if db.in_transaction:
                        db.execute("ROLLBACK")
                self._count_write()
                return result
        except sqlite3.Error as error:
            raise self._failure(error) from error

    def _write_one(self, sql: str, args: tuple[Any, ...]) -> int:
        """Do one statement, which is a transaction by itself; gives the number of rows it has changed."""
        try:
            with self._writing:
                changed = self._writer.execute(sql, args).rowcount
                self._count_write()
                return changed
        except sqlite3.Error as error:
            raise self._failure(error) from error

    def _count_write(self) -> None:
        self._writes += 1
        if self._writes % WRITES_PER_CHECKPOINT == 0:
            self._start_checkpoint()

    def _start_checkpoint(self) -> None:
        """Carry the log of writes over into the database, in a thread: no job waits while that syncs."""
        if self._checkpoint is None or not self._checkpoint.is_alive():
            self._checkpoint = threading.Thread(
                target=self._run_checkpoint, name="nodetool-store", daemon=True
            )
            self._checkpoint.start()

    def _run_checkpoint(self) -> None:
        try:
            with closing(self._connect()) as db:
                db.execute("PRAGMA wal_checkpoint(PASSIVE)")
        except sqlite3.Error:
            # What keeps a checkpoint from running meets the next write as well, which has someone to tell.
            return

    def _connect(self) -> sqlite3.Connection:
        """A connection to the database that is there: only ``_prepare`` makes one."""
        db = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=self._busy_timeout,
            isolation_level=None,
            check_same_thread=False,
        )
        with ExitStack() as unless_done:
            unless_done.callback(db.close)
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
            unless_done.pop_all()
        return db

    def _open(self, *, suspect: bool = False) -> tuple[sqlite3.Connection, sqlite3.Connection]:
        """A connection to write and one to read, of a database that is there, sound and of our version."""
        try:
            make_private(self._jobs)
            if suspect or not self._is_ready():
                with exclusive(self._home / "jobs.lock", self._busy_timeout):
                    self._prepare(suspect=suspect)
            self._file = identity(self._path)
            with ExitStack() as unless_done:
                writer = unless_done.enter_context(closing(self._connect()))
                reader = self._connect()
                unless_done.pop_all()
            return writer, reader
        except OSError as error:
            raise self._folder_failure(error) from error
        except sqlite3.Error as error:
            raise self._explained(error) from error

    def _reopen(self, *, suspect: bool = False) -> None:
        """Go over to the database that lies at the path now."""
        with self._writing, self._reading:
            self._reader.close()
            self._writer.close()
            self._writer, self._reader = self._open(suspect=suspect)

    def _is_ready(self) -> bool:
        try:
            with closing(self._connect()) as db:
                return self._version(db) == len(schema.MIGRATIONS)
        except sqlite3.DatabaseError:
            # Another process may be setting it aside just now; what stays is met again under the lock.
            return False

    def _version(self, db: sqlite3.Connection) -> int:
        db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        version = int(db.execute("PRAGMA user_version").fetchone()[0])
        if version > len(schema.MIGRATIONS):
            raise StoreError(
                f"the job store {self._path} was written by a newer nodetool_jupyter (schema {version}, "
                f"this one knows {len(schema.MIGRATIONS)})",
                hint="upgrade nodetool-jupyter, or set NODETOOL_HOME to another folder",
            )
        return version

    def _prepare(self, *, suspect: bool) -> None:
        """Make, migrate or replace the database; other processes are kept out meanwhile."""
        aside = None
        if self._path.exists() and not self._is_sound(thorough=suspect):
            aside = set_aside(self._path)
        if not self._path.exists():
            os.close(os.open(self._path, os.O_CREAT | os.O_EXCL, 0o600))
        with closing(self._connect()) as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("BEGIN IMMEDIATE")
            for migration in schema.MIGRATIONS[self._version(db) :]:
                for statement in migration:
                    db.execute(statement)
            db.execute(f"PRAGMA user_version = {len(schema.MIGRATIONS)}")
            db.execute("COMMIT")
        if aside is not None:
            warnings.warn(
                f"the job store {self._path} was damaged and is now {aside.name}; a new one has been begun",
                StoreWarning,
                stacklevel=2,
            )

    def _is_sound(self, *, thorough: bool) -> bool:
        try:
            with closing(self._connect()) as db:
                self._version(db)
                return not thorough or db.execute("PRAGMA integrity_check(1)").fetchone() == ("ok",)
        except sqlite3.DatabaseError as error:
            if _is_damage(error):
                return False
            raise

    def _failure(self, error: sqlite3.Error) -> StoreError:
        """The error to raise; call it with no lock held. A damaged database is replaced for the next job."""
        if not _is_damage(error):
            return self._explained(error)
        self._reopen(suspect=True)
        return StoreError(
            f"the job store {self._path} is damaged ({error})",
            hint="run this again; a store that fails its check is set aside as *.corrupt-… and begun anew",
        )

    def _explained(self, error: sqlite3.Error) -> StoreError:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if isinstance(error, sqlite3.ProgrammingError):
            return closed()
        if isinstance(error, sqlite3.IntegrityError):
            return taken()
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return StoreError(
                f"the job store {self._path} is locked by another program; waited {self._busy_timeout:g} s",
                hint="close what writes to it (a database browser, a backup), then run this again",
            )
        if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and self._is_full()):
            return StoreError(
                f"the disk of the job store {self._path} is full",
                hint="free some space, or set NODETOOL_HOME to a folder on another disk",
            )
        return StoreError(
            f"the job store {self._path} can't be used: {error}",
            hint="make its folder writable, set NODETOOL_HOME to another one, or NODETOOL_STORE=memory",
        )

    def _is_full(self) -> bool:
        return shutil.disk_usage(self._home).free < NO_SPACE

    def _folder_failure(self, error: OSError) -> StoreError:
        return StoreError(
            f"the folder of the job store {self._home} can't be used: {error.strerror}",
            hint="make it writable, set NODETOOL_HOME to another one, or NODETOOL_STORE=memory",
        )


def _is_damage(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
