"""The event log of one job as a file of JSON lines, which processes share: one appends, any number read.

A reader never gets part of a line: it counts once its newline is there, and a new writer cuts off a torn one.
"""

from __future__ import annotations

import errno
import os
import threading
from abc import ABC, abstractmethod
from pathlib import Path

from nodetool_jupyter.errors import StoreError
from nodetool_jupyter.values.files import make_private, open_plain

NAME = "events.jsonl"
BLOCK = 64 * 1024
FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT
FULL_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class EventLog(ABC):
    """The messages of one job, as JSON lines in the order in which they were made."""

    @abstractmethod
    def append(self, data: bytes) -> None:
        """Add whole lines: all of ``data`` or, raising StoreError, nothing. One writer a job, any thread."""

    @abstractmethod
    def read(self, offset: int = 0, *, limit: int | None = None) -> tuple[list[bytes], int]:
        """The whole lines, without their newlines, from byte ``offset`` on, and the offset to go on from.

        ``limit`` bounds the bytes of one call, but for a longer line; the caller goes on until no lines come.
        """

    def flush(self) -> None:  # noqa: B027 - most logs hold nothing back
        """Write what has been held back for long enough; the writer calls it while nothing else happens."""

    @abstractmethod
    def close(self) -> None:
        """End writing; harmless twice. Reading goes on working."""


def lines_of(data: bytes | bytearray, offset: int, limit: int | None) -> tuple[list[bytes], int]:
    """What EventLog.read gives, of a log that is in memory and ends with a whole line."""
    end = len(data)
    if limit is not None and offset + limit < end:
        end = data.rfind(b"\n", offset, offset + limit) + 1 or data.find(b"\n", offset) + 1
    part = bytes(data[offset:end])
    return part.split(b"\n")[:-1], offset + len(part)


class LogReader(EventLog):
    """The log of a job that others write, or nobody any more. It holds no file open between reads."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def append(self, data: bytes) -> None:  # noqa: ARG002 - the base names it
        raise StoreError(
            f"{self._path} was opened for reading", hint="only the job's owner writes, by open_log"
        )

    def read(self, offset: int = 0, *, limit: int | None = None) -> tuple[list[bytes], int]:
        try:
            with os.fdopen(open_plain(self._path, os.O_RDONLY), "rb", buffering=0) as file:
                file.seek(offset)
                data = file.read() if limit is None else file.read(limit)
                while limit is not None and b"\n" not in data and (more := file.read(limit)):
                    data += more
        except FileNotFoundError:
            return [], offset
        except OSError as error:
            raise _failure(self._path, "read", error) from error
        end = data.rfind(b"\n") + 1
        return data[:end].split(b"\n")[:-1], offset + end

    def close(self) -> None:
        pass


class LogWriter(LogReader):
    """The log of a job for its one writer: a file descriptor from the first append until ``close``."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._lock = threading.Lock()
        self._fd: int | None = None
        self._closed = False

    def append(self, data: bytes) -> None:
        if data[-1:] != b"\n":
            if data:
                raise ValueError("an event log takes whole lines")
            return
        with self._lock:
            try:
                fd = self._fd if self._fd is not None else self._open()
                written = os.write(fd, data)
                if written != len(data):
                    _write_rest(fd, data, written)
            except OSError as error:
                raise _failure(self._path, "written", error) from error

    def open(self) -> None:
        """Open it now rather than with the first message: a torn last line is gone afterwards."""
        with self._lock:
            try:
                if self._fd is None:
                    self._open()
            except OSError as error:
                raise _failure(self._path, "written", error) from error

    def close(self) -> None:
        with self._lock:
            fd, self._fd, self._closed = self._fd, None, True
            if fd is not None:
                os.close(fd)

    def _open(self) -> int:
        if self._closed:
            raise ended(self._path)
        folder = self._path.parent
        is_new = False
        try:
            folder.mkdir(0o700)
            is_new = True
        except FileExistsError:
            pass
        except FileNotFoundError:
            make_private(folder)
        fd = open_plain(self._path, FLAGS)
        try:
            if not is_new:
                _cut_torn_line(fd)
        except BaseException:
            os.close(fd)
            raise
        self._fd = fd
        return fd


def ended(path: object) -> StoreError:
    """The error of who writes to a log that is closed."""
    return StoreError(f"the event log {path} is closed: its job has ended")


def _write_rest(fd: int, data: bytes, written: int) -> None:
    """Finish a short write or take it back: a full disk leaves no torn line and no half of a batch."""
    try:
        while written < len(data):
            written += os.write(fd, data[written:])
    except OSError:
        os.ftruncate(fd, os.fstat(fd).st_size - written)
        raise


def _cut_torn_line(fd: int) -> None:
    """Remove what stands after the last newline: the writer before us died while writing it."""
    size = position = os.fstat(fd).st_size
    whole = 0
    while position and not whole:
        start = max(0, position - BLOCK)
        os.lseek(fd, start, os.SEEK_SET)
        found = os.read(fd, position - start).rfind(b"\n")
        whole = start + found + 1 if found >= 0 else 0
        position = start
    if whole != size:
        os.ftruncate(fd, whole)


def _failure(path: Path, verb: str, error: OSError) -> StoreError:
    if error.errno in FULL_DISK:
        what = "the disk is full" if error.errno != errno.EFBIG else "the file is at its size limit"
        hint = "free some space, or set NODETOOL_HOME to a folder on another disk"
    else:
        what = error.strerror or str(error)
        hint = "make the folder writable for you, or set NODETOOL_HOME to another one"
    return StoreError(f"the event log {path} can't be {verb}: {what}", hint=hint)
