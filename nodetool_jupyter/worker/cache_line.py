"""Both ends of the line by which a worker asks its owner for shared results: a socket in the run directory.

A worker never touches the shared folder. Where nobody answers, because the kernel has gone or is too busy,
there is no result, and never an error.
"""

from __future__ import annotations

import os
import re
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from struct import Struct
from typing import Protocol

from nodetool_jupyter.worker.wire import short_address

NAME = "cache.sock"
LONGEST = 48 * 1024 * 1024
"""Bytes of a result that is taken or given."""
PATIENCE = 5.0
"""Seconds that a worker waits for an answer; after that it asks no more."""
HEAD = Struct("<c64sQ")
"""What is wanted, the key, and the bytes that follow."""
ANSWER = Struct("<Q")
NOTHING = 2**64 - 1
GET, KEEP, DROP = b"g", b"k", b"d"
KEY = re.compile(rb"[0-9a-f]{64}")


class Results(Protocol):
    """The owner's results."""

    def get(self, key: str) -> bytes | None: ...

    def keep(self, key: str, data: bytes) -> None: ...

    def drop(self, key: str) -> None: ...


class CacheServer:
    """The owner's end, for one job. One that ``is_sandboxed`` may ask, and changes nothing."""

    def __init__(self, folder: Path, results: Results, *, is_sandboxed: bool) -> None:
        self._path = folder / NAME
        self._results = results
        self._is_sandboxed = is_sandboxed
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
        threading.Thread(target=self._accept, name="nodetool-cache", daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with self._lock:
                    if self._is_closed:
                        connection.close()
                        return
                    self._connections.add(connection)
                self._serve(connection)  # a worker has one line

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError, EOFError, ValueError), connection:
            while True:
                verb, key, size = HEAD.unpack(_receive(connection, HEAD.size))
                if not KEY.fullmatch(key) or size > LONGEST:
                    return
                data = _receive(connection, size)
                if verb == GET:
                    _answer(connection, self._results.get(key.decode()))
                elif not self._is_sandboxed:
                    self._change(verb, key.decode(), data)
        with self._lock:
            self._connections.discard(connection)

    def _change(self, verb: bytes, key: str, data: bytes) -> None:
        if verb == KEEP:
            self._results.keep(key, data)
        elif verb == DROP:
            self._results.drop(key)

    def close(self) -> None:
        """Listen no more. Harmless twice."""
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
            connections = list(self._connections)
        for each in (self._listener, *connections):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with suppress(OSError):
            self._path.unlink()


def _answer(connection: socket.socket, data: bytes | None) -> None:
    if data is None or len(data) > LONGEST:
        connection.sendall(ANSWER.pack(NOTHING))
    else:
        connection.sendall(ANSWER.pack(len(data)) + data)


class CacheClient:
    """The worker's end, which is a ResultCache."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None
        self._is_lost = False

    def connect(self) -> None:
        """Open the line now: a sandbox lets nobody do so later. Where nobody listens, nobody is asked."""
        self._on_line(lambda _line: None)

    def get(self, key: str) -> bytes | None:
        """See ResultCache.get."""

        def ask(connection: socket.socket) -> bytes | None:
            connection.sendall(HEAD.pack(GET, key.encode(), 0))
            (size,) = ANSWER.unpack(_receive(connection, ANSWER.size))
            if size == NOTHING:
                return None
            if size > LONGEST:
                raise ValueError("no answer of ours")
            return _receive(connection, size)

        return self._on_line(ask)

    def keep(self, key: str, data: bytes) -> None:
        """See ResultCache.keep."""
        if len(data) <= LONGEST:
            self._on_line(lambda line: line.sendall(HEAD.pack(KEEP, key.encode(), len(data)) + data))

    def drop(self, key: str) -> None:
        """See ResultCache.drop."""
        self._on_line(lambda line: line.sendall(HEAD.pack(DROP, key.encode(), 0)))

    def _on_line(self, call: Callable[[socket.socket], bytes | None]) -> bytes | None:
        with self._lock:
            if self._is_lost:
                return None
            try:
                if self._connection is None:
                    self._connection = self._dial()
                return call(self._connection)
            except (OSError, EOFError, ValueError):
                self._lose()
                return None
            except BaseException:  # the node was interrupted: what comes next would be read as its answer
                self._lose()
                raise

    def _dial(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(PATIENCE)
        try:
            with short_address(self._path) as name:
                connection.connect(name)
        except BaseException:
            connection.close()
            raise
        return connection

    def _lose(self) -> None:
        self._is_lost = True
        if self._connection is not None:
            self._connection.close()


def _receive(connection: socket.socket, size: int) -> bytes:
    """Exactly so many bytes; raises EOFError where the other end has gone."""
    data = bytearray()
    while len(data) < size:
        piece = connection.recv(min(size - len(data), 1024 * 1024))
        if not piece:
            raise EOFError
        data += piece
    return bytes(data)
