"""The event log of a job of this store, for its writer: in memory while it is young and short, then a file.

Most jobs end before their log needs a file: then it goes into the database with the row that ends them, in
one transaction. Making a folder and a file costs several times what such a job does otherwise.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from nodetool_jupyter.worker.event_log import EventLog, LogReader, LogWriter, ended, lines_of

YOUNG = 0.05
"""Seconds that messages may stay in memory; ``flush`` is called about as often while a job runs."""
SHORT = 32 * 1024


class JobLog(EventLog):
    """Shared by the writer and all readers of this process; offsets stay valid when it becomes a file."""

    def __init__(self, path: str, *, is_new: bool = False) -> None:
        self._path = path
        self._lock = threading.Lock()
        is_there = not is_new and os.path.exists(path)  # noqa: PTH110 - a Path costs more than the look
        self._file = LogWriter(Path(path)) if is_there else None
        self._data = b""
        self._begun = 0.0
        self._is_kept = False
        self._closed = False

    def append(self, data: bytes) -> None:
        if data and data[-1:] != b"\n":
            raise ValueError("an event log takes whole lines")
        with self._lock:
            if self._closed:
                raise ended(self._path)
            if self._file is not None:
                self._file.append(data)
                return
            if not self._data:
                self._begun = monotonic()
            self._data += data
            if len(self._data) > SHORT:
                self._become_file()

    def flush(self) -> None:
        with self._lock:
            if self._data and monotonic() - self._begun >= YOUNG:
                self._become_file()

    def _become_file(self) -> None:
        file = LogWriter(Path(self._path))
        file.append(self._data)
        self._file = file
        self._data = b""

    @property
    def unwritten(self) -> bytes:
        """What is in memory alone."""
        return self._data

    def read(self, offset: int = 0, *, limit: int | None = None) -> tuple[list[bytes], int]:
        with self._lock:
            if self._file is None:
                return lines_of(self._data, offset, limit)
        return self._file.read(offset, limit=limit)

    def keep(self) -> None:
        """The store has committed what is in memory: it needs no file."""
        self._is_kept = True

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._data and not self._is_kept:
                self._become_file()
            if self._file is not None:
                self._file.close()


class StoredLog(LogReader):
    """The log of a job for reading, wherever it is: ``kept`` gives what is in no file, or None."""

    def __init__(
        self,
        kept: Callable[[str, int, int | None], tuple[list[bytes], int] | None],
        job_id: str,
        path: Path,
    ) -> None:
        super().__init__(path)
        self._kept = kept
        self._job_id = job_id

    def read(self, offset: int = 0, *, limit: int | None = None) -> tuple[list[bytes], int]:
        kept = self._kept(self._job_id, offset, limit)
        return super().read(offset, limit=limit) if kept is None else kept
