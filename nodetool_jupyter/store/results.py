"""Results of nodes that jobs share: one private file each, by the digest of what they depend on.

A file is whole or not there. Above the bounds those go that nobody has asked for longest.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

from nodetool_jupyter.engine.context import RESULT_KEY
from nodetool_jupyter.values.files import make_private, open_plain, read_plain

SIZE = 1024 * 1024 * 1024
"""Bytes that all results may take."""
COUNT = 20_000
LOW = 0.9
"""Of a bound, what is left once it has been reached."""
OFTEN = 64
"""Results that are kept between two looks at the bounds, or a sixteenth of their bytes."""


class StoredResults:
    """The results under a folder. Any number of processes may share it."""

    def __init__(self, find: Callable[[], Path], *, size: int = SIZE, count: int = COUNT) -> None:
        """``find`` gives the folder, once it is needed."""
        self._find = find
        self._size = size
        self._count = count
        self._lock = threading.Lock()
        self._new_files = OFTEN
        self._new_bytes = 0

    @property
    def folder(self) -> Path:
        """Where they lie."""
        return self._find()

    def get(self, key: str) -> bytes | None:
        """See ResultCache.get; a result that was asked for is young again."""
        path = self._path(key)
        try:
            data = read_plain(path, self._size)
            os.utime(path)
        except OSError:
            return None
        return data

    def keep(self, key: str, data: bytes) -> None:
        """See ResultCache.keep."""
        path = self._path(key)
        fresh = path.with_name(f".{token_hex(8)}")
        try:
            make_private(self.folder)
            make_private(path.parent)
            fd = open_plain(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
            with os.fdopen(fd, "wb") as file:
                file.write(data)
            fresh.replace(path)
        except OSError:  # a cache that can't be written is an empty one
            with suppress(OSError):
                fresh.unlink()
            return
        self._count_in(len(data))

    def drop(self, key: str) -> None:
        """See ResultCache.drop."""
        with suppress(OSError):
            self._path(key).unlink()

    def _path(self, key: str) -> Path:
        if not RESULT_KEY.fullmatch(key):
            raise ValueError(f"{key[:80]!r} is no key of a result")
        return self.folder / key[:2] / key

    def _count_in(self, size: int) -> None:
        with self._lock:
            self._new_files += 1
            self._new_bytes += size
            is_due = self._new_files >= min(OFTEN, self._count) or self._new_bytes >= self._size // 16
            if is_due:
                self._new_files = self._new_bytes = 0
        if is_due:
            self.trim(self._size, self._count)

    def entries(self) -> Iterator[tuple[float, int, Path]]:
        """(when it was asked for last, bytes, file) of all results, and of what a killed process has left."""
        for path in self.folder.glob("??/*"):
            with suppress(OSError):
                found = path.lstat()
                yield found.st_mtime, found.st_size, path

    def trim(self, size: int, count: int) -> int:
        """Remove the oldest until what is left is well within both bounds; gives the bytes that went."""
        found = sorted(self.entries())
        total, left, gone = sum(each[1] for each in found), len(found), 0
        if total <= size and left <= count:
            return 0
        for _, taken, path in found:
            if total <= size * LOW and left <= count * LOW:
                break
            with suppress(OSError):
                path.unlink()
                gone += taken
            total -= taken
            left -= 1
        return gone

    def clear(self, *, dry_run: bool = False) -> tuple[int, int]:
        """Remove all, or with ``dry_run`` nothing; gives how many results that are, and their bytes."""
        count, size = self.taken()
        if not dry_run:
            self.trim(0, 0)
        return count, size

    def taken(self) -> tuple[int, int]:
        """How many results there are, and their bytes."""
        sizes = [size for _, size, _ in self.entries()]
        return len(sizes), sum(sizes)
