"""The near end of the way to a container of an engine that doesn't see this machine's files: what its job
writes comes into the job's run directory here, of which this end holds the lock as long as the job lives.

So all that looks at a run directory finds what it finds of any other job; see worker.ferry for the far end.
"""

from __future__ import annotations

import io
import os
import select
import socket
import struct
import tarfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from nodetool_jupyter.errors import DockerError, WorkflowError
from nodetool_jupyter.strategies.docker import ending
from nodetool_jupyter.strategies.docker.client import Engine
from nodetool_jupyter.strategies.docker.spec import FAR_FOLDER, FOLDER, ContainerSpec
from nodetool_jupyter.worker.ferry import MARK, RESUMED, Piece, Pieces, put, sizes_in
from nodetool_jupyter.worker.folder import RunFolder
from nodetool_jupyter.worker.wire import BLOCK

FRAME = struct.Struct(">BxxxL")
"""What the engine puts before each part of a stream: which one it is of, and how long it is."""
STDOUT = 1
RUN = Path(FAR_FOLDER).name
LAST_WORDS = 16_384
ARRIVAL = 60.0
"""Seconds that a container gets to answer."""
TICK = 0.2
PAUSE = 0.5
"""Seconds between two attempts to reach a container that lives."""


def packed(spec: ContainerSpec) -> bytes:
    """What a job is to have in its container, as a tar archive."""

    def owned(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
        entry.uid, entry.gid, entry.uname, entry.gname = spec.user.uid, spec.user.gid, "", ""
        return entry if entry.isdir() or entry.isreg() else None

    with io.BytesIO() as file:
        with tarfile.open(fileobj=file, mode="w") as archive:
            archive.add(spec.directory, RUN, filter=owned)
            if spec.resumed is not None:
                archive.add(spec.resumed, f"{RUN}/{RESUMED}", filter=owned)
        return file.getvalue()


@dataclass(slots=True, eq=False)
class Ferry:
    """The way to one container, in a thread of its own from ``give`` on. ``unless_cancelled`` raises where
    the job is to be ended.
    """

    engine: Engine
    container: str
    folder: RunFolder
    unless_cancelled: Callable[[], None]
    _stream: socket.socket = field(init=False)
    _has_arrived: threading.Event = field(default_factory=threading.Event)
    _pieces: Pieces = field(default_factory=Pieces)
    _frames: bytearray = field(default_factory=bytearray)
    _said: bytearray = field(default_factory=bytearray)
    _connection: socket.socket | None = None
    _rings: int = -1
    _is_left: threading.Event = field(default_factory=threading.Event)

    @property
    def said(self) -> str:
        """What the container has printed that is none of its job's."""
        return bytes(self._said[-LAST_WORDS:]).decode(errors="backslashreplace").strip()

    def start(self, spec: ContainerSpec) -> None:
        """Start the container, with all that its job is to have; raises DockerError, OSError."""
        self.engine.put(self.container, FOLDER, packed(spec))
        self.attach()
        # From here on the job may have begun, whatever is heard of it: it is never begun again.
        try:
            self.folder.write_record(MARK, {"container": self.container})
            self.engine.start(self.container)
        except BaseException:
            self._stream.close()
            raise

    def attach(self) -> None:
        """Reach the container; raises DockerError."""
        self._stream = self.engine.attach(self.container)

    def give(self, theirs: socket.socket, rings: int) -> None:
        """Serve a supervisor's descriptors, of which it takes copies, until its job is over. Returns when the
        container has answered; raises DockerError where it doesn't.
        """
        self._connection, self._rings = theirs.dup(), os.dup(rings)
        threading.Thread(target=self._run, name="nodetool-ferry", daemon=True).start()
        try:
            self._wait_for_answer()
        except BaseException:
            self.leave()
            raise

    def _wait_for_answer(self) -> None:
        deadline = time.monotonic() + ARRIVAL
        while not self._has_arrived.wait(TICK):
            self.unless_cancelled()
            container = self.engine.inspect(self.container)
            if container is None or not container.is_alive or time.monotonic() > deadline:
                raise ending.not_arrived(container, self.said)

    def leave(self) -> None:
        """The kernel ends: the job goes on, and what it writes waits for the next one."""
        self._is_left.set()
        with suppress(OSError):
            self._stream.shutdown(socket.SHUT_RDWR)

    def _run(self) -> None:
        assert self._connection is not None
        lock = self.folder.try_lock()
        try:
            while lock is not None and not (self._cross() or self._is_left.is_set()):
                if not self._reach_again():
                    break
        except (OSError, WorkflowError):  # what has come doesn't belong there: the job has no end here
            pass
        finally:
            self._stream.close()
            if lock is not None:
                os.close(lock)
            os.close(self._rings)  # whoever follows the job looks once more
            self._connection.close()

    def _cross(self) -> bool:
        """Carry what comes until the job is over, which it gives, or the stream ends."""
        assert self._connection is not None
        have = Piece({"have": sizes_in(self.folder.path)})
        try:
            self._stream.sendall(have.to_bytes())
            watched: list[socket.socket] = [self._stream, self._connection]
            while True:
                ready, _, _ = select.select(watched, [], [])
                if self._connection in ready:
                    data = self._connection.recv(BLOCK)
                    if data:
                        self._stream.sendall(Piece({"say": True}, data).to_bytes())
                    else:
                        watched.remove(self._connection)
                if self._stream in ready:
                    data = self._stream.recv(BLOCK)
                    if not data:
                        return False
                    if self._take(data):
                        return True
        except (ConnectionError, TimeoutError):
            return False

    def _take(self, data: bytes) -> bool:
        """Write down what has come; whether that is all."""
        for part in self._parts(data):
            for piece in self._pieces.feed(part):
                self._has_arrived.set()
                if "over" in piece.about:
                    return True
                if "here" not in piece.about:
                    put(self.folder.path, piece)
                    with suppress(BlockingIOError):
                        os.write(self._rings, b".")
                self._stream.sendall(Piece({"next": True}).to_bytes())
        return False

    def _parts(self, data: bytes) -> list[bytes]:
        """What the container has written to its stdout."""
        self._frames += data
        found = []
        while len(self._frames) >= FRAME.size:
            kind, size = FRAME.unpack_from(self._frames)
            end = FRAME.size + size
            if len(self._frames) < end:
                break
            part = bytes(self._frames[FRAME.size : end])
            del self._frames[:end]
            if kind == STDOUT:
                found.append(part)
            else:
                self._said += part
                del self._said[:-LAST_WORDS]
        return found

    def _reach_again(self) -> bool:
        """Come back to a container that lives, after its engine was away; False where it doesn't live."""
        self._stream.close()
        self._frames.clear()
        self._pieces = Pieces()
        while not self._is_left.wait(PAUSE):
            try:
                container = self.engine.inspect(self.container)
                if container is None or not container.is_alive:
                    return False
                self.attach()
            except DockerError:
                continue
            return True
        return False
