"""Values for a running job's streaming inputs, as they lie in its run directory. Both ends are here.

Whoever looks after the job appends what is pushed; the worker reads on from where it is. So nothing that was
pushed is lost with a kernel, or before a worker is there, and all of it comes once and in order.
"""

from __future__ import annotations

import os
import pickle
import selectors
import struct
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from time import monotonic
from typing import Any

from pydantic_core import from_json, to_json

from nodetool_jupyter.engine.feeding import Feeds, InputEnded
from nodetool_jupyter.errors import ErrorCode, NodeToolError, StoreError
from nodetool_jupyter.model.events import Fault
from nodetool_jupyter.values.codec import decode, encode
from nodetool_jupyter.values.files import ValueFolder
from nodetool_jupyter.worker.event_log import LogReader, LogWriter
from nodetool_jupyter.worker.folder import RunFolder
from nodetool_jupyter.worker.order import classes_in, dump, pack_code, unpack_code

INPUTS = "inputs.jsonl"
TAKEN = "inputs.taken"
"""How many of the lines the worker has handed on."""
BELL = "inputs.bell"
"""A named pipe: a byte in it says that there are new lines."""
LIMIT = 64
"""Lines that wait for the worker before whoever pushes has to wait."""
BLOCK = 1024 * 1024
POLL = 0.01
"""Seconds between two looks for room."""
PATIENCE = 1.0
"""Seconds after which the worker looks for new lines by itself."""
PLAIN = (type(None), bool, int, float)
"""What is written as it is."""
COUNT = struct.Struct("<Q")
NO_LINK = getattr(os, "O_NOFOLLOW", 0)


class InputWriter:
    """The end of whoever looks after the job: one process at a time, any of its threads. While ``carried``
    lasts, what is pickled takes along what the worker can't import.
    """

    def __init__(
        self, folder: RunFolder, carried: Callable[[], AbstractContextManager[object]] = nullcontext
    ) -> None:
        self._folder = folder
        self._carried = carried
        self._lock = threading.Lock()
        self._log: LogWriter | None = None
        self._written = 0
        self._ended: set[str] = set()
        self._is_closed = False

    def push(self, name: str, value: Any, timeout: float | None, is_over: Callable[[], bool]) -> None:
        """Append a value once there is room; dropped if the job ``is_over`` before. Raises TimeoutError,
        InputEnded after the input's end, ValueCrossingError, StoreError.
        """
        deadline = None if timeout is None else monotonic() + timeout
        if not self._lock.acquire(timeout=-1 if timeout is None else timeout):
            raise TimeoutError
        try:
            if self._is_closed:
                return
            log = self._open(name)
            while self._written - self._taken() >= LIMIT:
                if is_over():
                    return
                if deadline is not None and monotonic() >= deadline:
                    raise TimeoutError
                threading.Event().wait(POLL)
            log.append(to_json(self._frame(name, value)) + b"\n")
            self._told()
        finally:
            self._lock.release()

    def _frame(self, name: str, value: Any) -> dict[str, Any]:
        if type(value) in PLAIN:
            return {"name": name, "value": encode(value), "code": None}
        with self._carried():
            shown = encode(value, ValueFolder(self._folder.values), name=f"input {name}", pickle=dump)
            code = pack_code({}, classes_in(shown)) if isinstance(shown, (dict, list)) else None
        return {"name": name, "value": shown, "code": code}

    def end(self, name: str) -> None:
        """Append that no more will come. Raises InputEnded after the input's end, StoreError."""
        with self._lock:
            if self._is_closed:
                raise InputEnded
            self._open(name).append(to_json({"name": name, "is_end": True}) + b"\n")
            self._ended.add(name)
            self._told()

    def _open(self, name: str) -> LogWriter:
        """The file, for an input that has not ended; what stands in it was pushed by a kernel before us."""
        path = self._folder.path / INPUTS
        if path.is_symlink():
            raise StoreError(f"{path} is a symbolic link, which this project never makes")
        if self._log is None:
            log = LogWriter(path)
            log.open()
            lines, _ = LogReader(path).read()
            self._written = len(lines)
            self._ended = {frame["name"] for frame in map(_read, lines) if frame.get("is_end")}
            self._log = log
        if name in self._ended:
            raise InputEnded
        return self._log

    def _taken(self) -> int:
        try:
            fd = os.open(self._folder.path / TAKEN, os.O_RDONLY | NO_LINK)
        except OSError:
            return 0
        try:
            data = os.read(fd, COUNT.size)
            return COUNT.unpack(data)[0] if len(data) == COUNT.size else 0
        finally:
            os.close(fd)

    def _told(self) -> None:
        self._written += 1
        with suppress(OSError):  # no worker is there yet, or it has not heard the last ring
            fd = os.open(self._folder.path / BELL, os.O_WRONLY | os.O_NONBLOCK | NO_LINK)
            try:
                os.write(fd, b".")
            finally:
                os.close(fd)

    def close(self) -> None:
        """The job has ended: let go of the file."""
        with self._lock:
            self._is_closed = True
            if self._log is not None:
                self._log.close()


class InputReader:
    """The worker's end: a thread that hands on what comes. ``fail`` is told why one can't be handed on."""

    def __init__(self, folder: RunFolder, feeds: Feeds, fail: Callable[[Fault], None]) -> None:
        self._folder = folder
        self._feeds = feeds
        self._fail = fail
        self._find = ValueFolder(folder.values).find

    def start(self) -> None:
        """Begin to read; the thread ends with its process."""
        threading.Thread(target=self._run, name="nodetool-inputs", daemon=True).start()

    def _run(self) -> None:
        try:
            self._read_on()
        except Exception as error:  # noqa: BLE001 - whatever a pushed value raises when it is read
            self._fail(_unreadable(error))

    def _read_on(self) -> None:
        path = self._folder.path
        make_ends(self._folder)
        # Open for both, so that it is never at its end; before the first look, so that no ring is missed.
        bell = os.open(path / BELL, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        taken = os.open(path / TAKEN, os.O_RDWR | os.O_TRUNC | os.O_CLOEXEC | NO_LINK)
        log, offset, count = LogReader(path / INPUTS), 0, 0
        with selectors.DefaultSelector() as selector:
            selector.register(bell, selectors.EVENT_READ)
            while True:
                lines, offset = log.read(offset, limit=BLOCK)
                for line in lines:
                    self._hand_on(_read(line))
                    count += 1
                    os.pwrite(taken, COUNT.pack(count), 0)
                if not lines and selector.select(PATIENCE):
                    os.read(bell, BLOCK)

    def _hand_on(self, frame: dict[str, Any]) -> None:
        feed = self._feeds[frame["name"]]
        if frame.get("is_end"):
            feed.end()
            return
        _, classes = unpack_code(frame["code"])
        known = {(each.__module__, each.__qualname__): each for each in classes}

        def find_class(module: str, name: str) -> type | None:
            return known.get((module, name))

        feed.push(decode(frame["value"], self._find, find_class, unpickle=pickle.loads))


def make_ends(folder: RunFolder) -> tuple[Path, Path]:
    """Make what the worker needs to read inputs, and write how far it has come; raises OSError."""
    bell, taken = folder.path / BELL, folder.path / TAKEN
    with suppress(FileExistsError):
        os.mkfifo(bell, 0o600)
    os.close(os.open(taken, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | NO_LINK, 0o600))
    return bell, taken


def _read(line: bytes) -> dict[str, Any]:
    """A line of the file; raises StoreError for what is none of ours."""
    try:
        frame = from_json(line)
        if isinstance(frame["name"], str):
            return dict(frame)
    except (ValueError, KeyError, TypeError):
        pass
    raise StoreError("something else than its kernel has written to the job's inputs", hint="run it again")


def _unreadable(error: Exception) -> Fault:
    message = error.message if isinstance(error, NodeToolError) else f"{type(error).__name__}: {error}"
    return Fault(
        code=ErrorCode.PROTOCOL_ERROR,
        message=f"what was pushed to the job can't be read by its worker: {message}",
        hint="push values that another process can make of what it is given, or use --strategy threaded",
    )
