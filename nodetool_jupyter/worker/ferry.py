"""Both ends of the way between a kernel and a container that has no files in common with it: one stream in
each direction, in pieces with a line of JSON before each.

What a job writes into its run directory is brought over in the order in which it was written, the exit record
last; the far end sends nothing before the near end has taken what came before. So a near end that goes loses
nothing, and the next one says what it has.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic_core import from_json, to_json

from nodetool_jupyter.errors import WorkflowError
from nodetool_jupyter.values.files import PLAIN
from nodetool_jupyter.worker.event_log import NAME
from nodetool_jupyter.worker.folder import CANCEL, EXIT, LOCK, ORDER, RESERVE, TEMPORARY
from nodetool_jupyter.worker.wire import BLOCK, LONGEST

PIECE = 1024 * 1024
"""Bytes of a file that are sent at once."""
TICK = 0.05
"""Seconds between two looks at the run directory where no bell rings."""
RESUMED = "resumed"
"""Where, in the run directory, results of an earlier job lie from which this one goes on."""
MARK = "far.json"
"""In a kernel's own run directory: the job's container may have been started."""
KEPT_BACK = frozenset({CANCEL, LOCK, MARK, ORDER, RESERVE, RESUMED, TEMPORARY})
"""What a kernel has itself, or doesn't need."""
DEPTH = 2
NEWLINE = b"\n"


@dataclass(frozen=True, slots=True)
class Piece:
    """``about`` says what the bytes are."""

    about: dict[str, Any]
    data: bytes = b""

    def to_bytes(self) -> bytes:
        """As it goes over a stream."""
        return to_json({**self.about, "size": len(self.data)}) + NEWLINE + self.data


@dataclass(slots=True)
class Pieces:
    """Makes pieces of the bytes that come, in whatever parts."""

    _rest: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes) -> Iterator[Piece]:
        """The pieces that ``data`` completes; raises WorkflowError for what is none."""
        self._rest += data
        while (piece := self._next()) is not None:
            yield piece
        if len(self._rest) > LONGEST:
            raise WorkflowError(f"a piece of more than {LONGEST // 2**20} MiB came in")

    def _next(self) -> Piece | None:
        line, found, _ = self._rest.partition(NEWLINE)
        if not found:
            return None
        try:
            about = from_json(bytes(line))
            size = about.pop("size")
        except (ValueError, AttributeError, KeyError, TypeError):
            raise WorkflowError("what came from the job's container is none of ours") from None
        if not isinstance(size, int) or not 0 <= size <= LONGEST:
            raise WorkflowError("what came from the job's container has no size")
        end = len(line) + 1 + size
        if len(self._rest) < end:
            return None
        data = bytes(self._rest[len(line) + 1 : end])
        del self._rest[:end]
        return Piece(about, data)


@dataclass(slots=True)
class Files:
    """The files of a run directory, and how much of each has been sent."""

    folder: Path
    _sent: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Inode and size by name."""
    _told: int = 0
    """Bytes of messages that may be sent."""

    def know(self, sizes: Mapping[str, int]) -> None:
        """The near end has so much of each file."""
        self._sent = {
            name: (path.lstat().st_ino, sizes[name]) for name, path in self._found() if name in sizes
        }

    def news(self, *, is_over: bool) -> Piece | None:
        """The next piece of what is new; None where nothing is. Messages as far as they are there before all
        else is looked at: what they refer to has been sent then.
        """
        with suppress(FileNotFoundError):
            self._told = (self.folder / NAME).stat().st_size
        for name, path in self._found():
            if name != EXIT or is_over:
                with suppress(FileNotFoundError):
                    if (piece := self._piece(name, path)) is not None:
                        return piece
        return None

    def _piece(self, name: str, path: Path) -> Piece | None:
        most = PIECE if name != NAME else max(0, self._told - self._sent.get(name, (0, 0))[1])
        fd = os.open(path, os.O_RDONLY | PLAIN)
        try:
            now = os.fstat(fd)
            inode, sent = self._sent.get(name, (0, -1))
            start = sent if inode == now.st_ino and 0 <= sent <= now.st_size else 0
            if (inode, sent) == (now.st_ino, now.st_size):
                return None
            data = os.pread(fd, min(PIECE, most), start)
            if start == sent and not data:
                return None
            self._sent[name] = (now.st_ino, start + len(data))
            return Piece({"file": name, "at": start}, data)
        finally:
            os.close(fd)

    def _found(self) -> list[tuple[str, Path]]:
        """Regular files, those that were made first before the others, the exit record last."""
        found = [*_files(self.folder, "", DEPTH)]
        return sorted(found, key=lambda each: (each[0] == EXIT, each[1].parent == self.folder, each[0]))


def _files(folder: Path, prefix: str, depth: int) -> Iterator[tuple[str, Path]]:
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if (not prefix and entry.name in KEPT_BACK) or entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False) and depth > 1:
                yield from _files(Path(entry.path), f"{prefix}{entry.name}/", depth - 1)
            elif entry.is_file(follow_symlinks=False):
                yield f"{prefix}{entry.name}", Path(entry.path)


class FarEnd:
    """In the container, the parent of its supervisor: nothing of a user's runs in it, or can look into it."""

    def __init__(
        self, folder: Path, supervisor: int, connection: socket.socket, bell: int, target: int
    ) -> None:
        self._files = Files(folder)
        self._supervisor = supervisor
        self._connection = connection
        self._bell = bell
        self._target = target
        self._pieces = Pieces()
        self._may_send = False
        self._status: int | None = None
        self._ended: set[int] = set()
        """Descriptors of which there is no more to read."""

    def run(self, source: int) -> int:
        """Until the near end has all; gives the supervisor's exit code."""
        while True:
            if self._status is None:
                pid, status = os.waitpid(self._supervisor, os.WNOHANG)
                self._status = status if pid else None
            if self._may_send and self._send():
                return _exit_code(self._status or 0)
            watched = [fd for fd in (source, self._bell) if fd not in self._ended]
            ready, _, _ = select.select(watched, [], [], TICK)
            for fd in ready:
                data = os.read(fd, BLOCK)
                if not data:
                    self._ended.add(fd)
                if fd == source:
                    self._obey(data)

    def _send(self) -> bool:
        """One piece of what is new, or that there is no more; whether it was that."""
        piece = self._files.news(is_over=self._status is not None)
        if piece is None and self._status is None:
            return False
        self._may_send = False
        _write(self._target, (piece or Piece({"over": True})).to_bytes())
        return piece is None

    def _obey(self, data: bytes) -> None:
        for piece in self._pieces.feed(data):
            sizes = piece.about.get("have")
            if isinstance(sizes, dict):
                self._files.know(sizes)
                _write(self._target, Piece({"here": True}).to_bytes())
            elif "next" in piece.about:
                self._may_send = True
            else:
                with suppress(OSError):  # it has ended
                    self._connection.sendall(piece.data)


def _exit_code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _write(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]


def sizes_in(folder: Path) -> dict[str, int]:
    """What a near end has, by name."""
    return {name: path.lstat().st_size for name, path in _files(folder, "", DEPTH)}


def put(folder: Path, piece: Piece) -> None:
    """Write what has come where it belongs; raises WorkflowError for what belongs nowhere, OSError."""
    name, start = piece.about.get("file"), piece.about.get("at")
    parts = name.split("/") if isinstance(name, str) else []
    if not 0 < len(parts) <= DEPTH or not all(map(_is_plain, parts)) or parts[0] in KEPT_BACK:
        raise WorkflowError(f"the job's container has sent a file of a name that none has: {name!r:.100}")
    if not isinstance(start, int) or start < 0:
        raise WorkflowError("the job's container has sent a part of a file that says not where")
    path = folder.joinpath(*parts)
    path.parent.mkdir(0o700, exist_ok=True)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | PLAIN, 0o600)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise WorkflowError(f"{path} is no file")
        os.ftruncate(fd, start)
        os.lseek(fd, start, os.SEEK_SET)
        _write(fd, piece.data)
    finally:
        os.close(fd)


def _is_plain(part: str) -> bool:
    return bool(part) and not part.startswith(".") and "\0" not in part and len(part) < 200


def serve_far(folder: str) -> int:
    """Run the job whose run directory is ``folder``, for a kernel at the other ends of stdin and stdout."""
    from nodetool_jupyter.worker.contained import get_ready
    from nodetool_jupyter.worker.process import refuse_tracers
    from nodetool_jupyter.worker.supervisor import prepare
    from nodetool_jupyter.worker.zygote import become_supervisor

    ours, theirs = socket.socketpair()
    bell, rings = os.pipe()
    supervisor = os.fork()
    if supervisor == 0:
        ours.close()
        os.close(bell)
        nothing = os.open(os.devnull, os.O_RDWR)
        for fd in (0, 1):
            os.dup2(nothing, fd)
        descriptors = [theirs.detach(), rings]
        become_supervisor(descriptors, prepare(descriptors, get_ready))
    theirs.close()
    os.close(rings)
    refuse_tracers()
    signal.signal(signal.SIGTERM, lambda *_: os.kill(supervisor, signal.SIGTERM))
    return FarEnd(Path(folder), supervisor, ours, bell, 1).run(0)
