"""GPUs: a firing that needs some has them for itself, in all processes of this user on this machine.

Each device is a locked file. All that a firing needs are taken together or none, so that no two firings wait
for one another; who waits holds none.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nodetool_jupyter.errors import NodeToolError
from nodetool_jupyter.model.resources import Provision, Resources, lack

if TYPE_CHECKING:
    from nodetool_jupyter.engine.spec import InputReader

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

POLL = 0.01


class Devices:
    """The GPUs of one node's firings; none while it doesn't fire."""

    def __init__(self, needed: Resources, there: tuple[str, ...]) -> None:
        self._needed = needed
        self._there = there
        self._held: list[tuple[str, int]] = []

    @property
    def names(self) -> tuple[str, ...]:
        """Those that are held."""
        return tuple(name for name, _ in self._held)

    @asynccontextmanager
    async def holding(self) -> AsyncIterator[None]:
        """Hold them within. Raises NodeToolError where this machine doesn't have them."""
        await self.acquire()
        try:
            yield
        finally:
            self.release()

    async def acquire(self) -> None:
        """Wait for as many as are needed."""
        wanted = Resources(gpu=self._needed.gpu, devices=self._needed.devices)
        missing = lack(wanted, Provision(gpus=self._there))
        if missing is not None:
            raise NodeToolError(f"it {missing} here", hint="NODETOOL_GPU_DEVICES says which there are")
        while not self._take(self._needed.devices or self._there):  # noqa: ASYNC110 - another process may have them
            await asyncio.sleep(POLL)

    def _take(self, names: tuple[str, ...]) -> bool:
        for name in names:
            lock = _lock(name)
            if lock is not None:
                self._held.append((name, lock))
            if len(self._held) == self._needed.gpu:
                return True
        self.release()
        return False

    def release(self) -> None:
        """Let go of those that are held."""
        while self._held:
            name, lock = self._held.pop()
            with suppress(OSError):
                _path(name).unlink()
            fcntl.flock(lock, fcntl.LOCK_UN)  # a process that the node has forked has the file, too
            os.close(lock)

    def read(self, reader: InputReader) -> InputReader:
        """A node's inputs, which it holds no device to wait for."""
        return _Reader(reader, self)


class _Reader:
    def __init__(self, reader: InputReader, devices: Devices) -> None:
        self._reader = reader
        self._devices = devices
        self.connected = reader.connected

    def iter_input(self, handle: str) -> Any:
        return self._paused(self._reader.iter_input(handle))

    def iter_any_input(self) -> Any:
        return self._paused(self._reader.iter_any_input())

    async def _paused(self, items: Any) -> AsyncIterator[Any]:
        try:
            while True:
                self._devices.release()
                try:
                    item = await anext(items, self)
                finally:
                    await self._devices.acquire()
                if item is self:
                    return
                yield item
        finally:
            await items.aclose()


def _path(name: str) -> Path:
    return Path(tempfile.gettempdir()) / f"nodetool-{os.getuid()}-gpu-{name}"


def _lock(name: str) -> int | None:
    """The locked file of a device; None while another has it. Raises OSError where files can't be locked."""
    path = _path(name)
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(file), path.stat()):
            return file
    except (BlockingIOError, FileNotFoundError):  # or whoever had it has just taken the file away
        pass
    os.close(file)
    return None
