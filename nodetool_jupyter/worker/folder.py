"""A job's run directory: what lies in it under which name, and who may write what when.

The launcher writes the order; the worker appends messages while it runs; whoever holds the lock (the
supervisor, and after its death the manager that adopts the job) writes the end. A lock is the proof of life:
process ids are reused and outlive their process as zombies, a lock does neither.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from contextlib import suppress
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

from pydantic_core import from_json, to_json

from nodetool_jupyter.values.files import make_private, open_plain, read_plain
from nodetool_jupyter.worker.event_log import NAME, LogReader, LogWriter

ORDER = "order.json"
SUPERVISOR = "supervisor.json"
EXIT = "exit.json"
LOCK = "lock"
OUTPUT = "output.log"
CONTROL = "control"
TEMPORARY = "tmp"
RESERVE = "reserve"
REFUSAL = "refusal.json"
CANCEL = "cancel"
VALUES = "values"
LARGEST_RECORD = 1024 * 1024
MOMENT = 0.002
"""Seconds between two tries to get the lock."""
RESERVED = 64 * 1024
"""Bytes kept free for a job's end, so that it can be written to a disk that is full by then."""


class RunFolder:
    """The run directory of one job, for all who work in it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def events(self) -> Path:
        """The log of messages."""
        return self.path / NAME

    @property
    def control(self) -> Path:
        """The supervisor's socket."""
        return self.path / CONTROL

    @property
    def values(self) -> Path:
        """Large values, which messages refer to by name."""
        return self.path / VALUES

    @property
    def temporary(self) -> Path:
        """The job's temp folder; made at first use, gone with the job."""
        return self.path / TEMPORARY

    def make(self) -> None:
        """Make it, for this user only; raises OSError."""
        make_private(self.path)

    def writer(self) -> LogWriter:
        """The log for its one writer, who cuts off a torn last line."""
        return LogWriter(self.events)

    def reader(self) -> LogReader:
        """The log for anyone."""
        return LogReader(self.events)

    def write(self, name: str, data: bytes) -> None:
        """Write a whole file or none: readers see what was there before, or all of it. Raises OSError."""
        path = self.path / name
        fresh = path.with_name(f".{name}.{os.getpid()}")
        try:
            fd = open_plain(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            with os.fdopen(fd, "wb") as file:
                file.write(data)
            _put(fresh, path)
        except BaseException:
            with suppress(OSError):
                fresh.unlink()
            raise

    def write_record(self, name: str, record: dict[str, Any]) -> None:
        """Write a small record as JSON; raises OSError."""
        self.write(name, to_json(record, exclude_none=True))

    def read_record(self, name: str) -> dict[str, Any]:
        """A small record; empty where there is none that can be read."""
        try:
            found = from_json(read_plain(self.path / name, LARGEST_RECORD), cache_strings="none")
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def read_end(self) -> dict[str, Any]:
        """The exit record; empty as long as someone holds the lock, who has yet to write it: until then
        anything of the job's may have made one.
        """
        return {} if self.is_locked() else self.read_record(EXIT)

    def try_lock(self, patience: float = 0.0) -> int | None:
        """The lock's descriptor, closed to let go of it; None where someone else has it, for ``patience``
        seconds on: whoever only looks whether it is held holds it for a moment. Raises OSError.
        """
        deadline = monotonic() + patience
        fd = open_plain(self.path / LOCK, os.O_RDWR | os.O_CREAT)
        try:
            while True:
                try:
                    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    return fd
                except BlockingIOError:
                    if monotonic() >= deadline:
                        break
                Event().wait(MOMENT)
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)
        return None

    def is_locked(self) -> bool:
        """Whether someone lives who looks after the job."""
        try:
            fd = open_plain(self.path / LOCK, os.O_RDONLY)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(fd)
        return False

    def make_reserve(self) -> None:
        """Take the room that the end will need; raises OSError."""
        fd = open_plain(self.path / RESERVE, os.O_WRONLY | os.O_CREAT)
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(fd, 0, RESERVED)
        finally:
            os.close(fd)

    def use_reserve(self) -> None:
        """Give the room back, for the end."""
        with suppress(OSError):
            (self.path / RESERVE).unlink()

    def left_word(self) -> bytes:
        """What a supervisor should hear that could not be reached yet."""
        try:
            return read_plain(self.path / CANCEL, LARGEST_RECORD)
        except OSError:
            return b""

    def remove_odd(self) -> None:
        """Remove what is neither file nor folder, links above all: nobody of ours has made it.

        Only once nothing of the job runs any more; raises OSError.
        """
        with os.scandir(self.path) as entries:
            for entry in entries:
                if not (entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False)):
                    os.unlink(entry.path)  # noqa: PTH108 - an entry has its path

    def remove_temporary(self) -> None:
        """Remove the temp folder with all that is in it."""
        if self.temporary.exists():
            shutil.rmtree(self.temporary, ignore_errors=True)


def _put(fresh: Path, path: Path) -> None:
    """Give a file its name, also where a job has made a folder of that name."""
    try:
        fresh.replace(path)
    except IsADirectoryError:
        shutil.rmtree(path)
        fresh.replace(path)
