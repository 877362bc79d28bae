"""Both ends of the lines by which a worker asks its owner, by a socket in the run directory: for results that
jobs share, and for assets.

A worker never touches the shared folders. Where nobody answers, because the kernel has gone or is too busy,
there is no result, and an asset is an error that says so.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from struct import Struct
from typing import TypeVar

from pydantic_core import from_json, to_json

from nodetool_jupyter.errors import AssetNotFound, NodeToolError
from nodetool_jupyter.worker.wire import short_address

T = TypeVar("T")
NAME = "line.sock"
LONGEST = 256 * 1024 * 1024
"""Bytes that are asked or answered at once."""
LONGEST_RESULT = 48 * 1024 * 1024
LONGEST_NAME = 200
PATIENCE = 5.0
"""Seconds that a worker waits for a result; after that it asks no more."""
ASSET_PATIENCE = 60.0
"""Seconds that it waits for an asset, which may come from far away."""
MOST_LINES = 4
"""That are served at once; a worker has two."""
HEAD = Struct("<cHQ")
"""What is wanted, and the bytes of its name and of the data that follow."""
ANSWER = Struct("<cQ")
FOUND, NOTHING, FAILED = b"y", b"n", b"f"
GET, KEEP, DROP, READ, SAVE = b"g", b"k", b"d", b"r", b"s"
UNANSWERED = (KEEP, DROP)
Answer = Callable[[bytes, str, bytes], bytes | None]
"""(verb, name, data) → what is there for it; raises NodeToolError."""


class LineServer:
    """The owner's end, for one job."""

    def __init__(self, folder: Path, answer: Answer) -> None:
        self._path = folder / NAME
        self._answer = answer
        self._listener = socket.socket(socket.AF_UNIX)
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        self._is_closed = False

    def start(self) -> None:
        """Listen; raises OSError."""
        with short_address(self._path) as name:
            with suppress(FileNotFoundError):
                os.unlink(name)  # noqa: PTH108 - the short name of a socket
            self._listener.bind(name)
            os.chmod(name, 0o666)  # noqa: PTH101, S103 - its folder is private; a container has its own user
        self._listener.listen(4)
        threading.Thread(target=self._accept, name="nodetool-line", daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with self._lock:
                    if self._is_closed or len(self._connections) >= MOST_LINES:
                        connection.close()
                        continue
                    self._connections.add(connection)
                threading.Thread(
                    target=self._serve, args=(connection,), name="nodetool-line", daemon=True
                ).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError, EOFError, ValueError), connection:
            while True:
                verb, name_size, size = HEAD.unpack(_receive(connection, HEAD.size))
                if name_size > LONGEST_NAME or size > LONGEST:
                    break
                name = _receive(connection, name_size).decode("ascii")
                data = _receive(connection, size)
                answer = self._answered(verb, name, data)
                if verb not in UNANSWERED:
                    connection.sendall(answer)
        with self._lock:
            self._connections.discard(connection)

    def _answered(self, verb: bytes, name: str, data: bytes) -> bytes:
        try:
            found = self._answer(verb, name, data)
        except NodeToolError as error:
            is_missing = isinstance(error, AssetNotFound)
            told = to_json({"message": error.message, "hint": error.hint, "is_missing": is_missing})
            return ANSWER.pack(FAILED, len(told)) + told
        return ANSWER.pack(NOTHING, 0) if found is None else ANSWER.pack(FOUND, len(found)) + found

    def close(self, *, is_over: bool = True) -> None:
        """Listen no more; of a job that goes on, the address stays for the next owner. Harmless twice."""
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
            connections = list(self._connections)
        for each in (self._listener, *connections):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        if is_over:
            with suppress(OSError):
                self._path.unlink()


class Line:
    """The worker's end. Thread-safe: one question at a time."""

    def __init__(self, folder: Path, patience: float) -> None:
        self._path = folder / NAME
        self._patience = patience
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None

    def connect(self) -> None:
        """Open it now: a sandbox lets nobody do so later. Where nobody listens, nobody can be asked."""
        with suppress(OSError), self._lock:
            self._connection = self._dial()

    def ask(self, verb: bytes, name: str, data: bytes = b"") -> bytes | None:
        """What the owner has; raises what it raises, and OSError or EOFError where nobody answers."""
        kind, found = self._exchange(verb, name, data)
        if kind == FAILED:
            told = from_json(found)
            error = AssetNotFound if told["is_missing"] else NodeToolError
            raise error(told["message"], hint=told["hint"])
        return found if kind == FOUND else None

    def _exchange(self, verb: bytes, name: str, data: bytes) -> tuple[bytes, bytes]:
        with self._lock:
            connection = self._connection or self._dial()
            self._connection = None
            try:
                connection.sendall(HEAD.pack(verb, len(name), len(data)) + name.encode("ascii") + data)
                answer = (NOTHING, b"") if verb in UNANSWERED else _answer_of(connection)
            except BaseException:  # a node may be interrupted: what comes next would be read as its answer
                connection.close()
                raise
            self._connection = connection
            return answer

    def _dial(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(self._patience)
        try:
            with short_address(self._path) as name:
                connection.connect(name)
        except BaseException:
            connection.close()
            raise
        return connection


class SharedResults:
    """A ResultCache that its owner keeps. Once nobody has answered, nobody is asked any more."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._is_lost = False

    def get(self, key: str) -> bytes | None:
        """See ResultCache.get."""
        return self._ask(GET, key)

    def keep(self, key: str, data: bytes) -> None:
        """See ResultCache.keep."""
        if len(data) <= LONGEST_RESULT:
            self._ask(KEEP, key, data)

    def drop(self, key: str) -> None:
        """See ResultCache.drop."""
        self._ask(DROP, key)

    def _ask(self, verb: bytes, key: str, data: bytes = b"") -> bytes | None:
        if self._is_lost:
            return None
        try:
            return self._line.ask(verb, key, data)
        except (OSError, EOFError, ValueError, NodeToolError):
            self._is_lost = True
            return None
        except BaseException:  # the node was interrupted
            self._is_lost = True
            raise


class SharedAssets:
    """Assets that the owner keeps."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def read(self, asset_id: str) -> bytes:
        """See Assets.read."""
        return self._ask(READ, asset_id)

    def save(self, content: bytes, suffix: str) -> str:
        """See Assets.save."""
        if len(content) > LONGEST:
            raise NodeToolError(
                f"an asset has at most {LONGEST // 2**20} MiB", hint="keep it in several, or as a file"
            )
        return self._ask(SAVE, suffix, content).decode("ascii")

    def _ask(self, verb: bytes, name: str, data: bytes = b"") -> bytes:
        if len(name) > LONGEST_NAME or not name.isascii():
            raise AssetNotFound(f"{name[:80]!r} is no id of an asset", hint="ids are letters and digits")
        with suppress(OSError, EOFError):
            return self._line.ask(verb, name, data) or b""
        try:  # another kernel may look after the job by now
            return self._line.ask(verb, name, data) or b""
        except (OSError, EOFError, ValueError) as error:
            raise NodeToolError(
                "assets can't be reached: the kernel that the job belongs to has gone, or is too busy",
                hint="%nodetool resume goes on from here once a kernel looks after it",
            ) from error


def _answer_of(connection: socket.socket) -> tuple[bytes, bytes]:
    kind, size = ANSWER.unpack(_receive(connection, ANSWER.size))
    if size > LONGEST or kind not in (FOUND, NOTHING, FAILED):
        raise ValueError("no answer of ours")
    return kind, _receive(connection, size)


def _receive(connection: socket.socket, size: int) -> bytes:
    """Exactly so many bytes; raises EOFError where the other end has gone."""
    data = bytearray()
    while len(data) < size:
        piece = connection.recv(min(size - len(data), 1024 * 1024))
        if not piece:
            raise EOFError
        data += piece
    return bytes(data)
