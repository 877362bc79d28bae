"""A folder of large values, which what refers to them names: one a job, in its run directory.

Names are made here, never taken from a workflow. A reference is given once its file is complete, so that a
process that is killed while it writes leaves a file that nothing refers to, never half a value.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from nodetool_jupyter.errors import StoreError

PLAIN = sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"))
REFERENCE = re.compile(r"[a-z0-9_-]{1,80}\.[a-z0-9]{1,10}")


def make_private(folder: Path) -> None:
    """Make ``folder``, and those above it that are missing, for this user only; raises OSError."""
    try:
        _make_one(folder)
    except FileNotFoundError:
        if not folder.parent.exists():  # else another process has made it just now
            make_private(folder.parent)
        _make_one(folder)


def _make_one(folder: Path) -> None:
    try:
        folder.mkdir(0o700)
    except FileExistsError:
        if not folder.is_dir():
            raise


def append_private(path: Path, data: bytes) -> None:
    """Add to a file for this user only, in one write; raises OSError."""
    make_private(path.parent)
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(fd, data)
    finally:
        os.close(fd)


def open_plain(path: Path, flags: int, mode: int = 0o600) -> int:
    """A descriptor of a regular file; raises OSError for anything else, links too: who may write in a folder
    could lead those who read there to any place, or have them wait at a pipe for ever. One that is made
    belongs to whose its folder is.
    """
    fd = os.open(path, flags | PLAIN, mode)
    try:
        is_regular = stat.S_ISREG(os.fstat(fd).st_mode)
        if is_regular and flags & os.O_CREAT:
            give_to_owner(fd, path.parent)
    except BaseException:
        os.close(fd)
        raise
    if not is_regular:
        os.close(fd)
        raise OSError(errno.EINVAL, "it is no regular file", str(path))
    return fd


def give_to_owner(made: int | Path, folder: Path) -> None:
    """Have what root has made in a folder of another user's be that user's: a container's job has its run
    directory, and must read what is written there later. Raises OSError.
    """
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return
    owner = folder.stat()
    if owner.st_uid != 0:
        os.chown(made, owner.st_uid, owner.st_gid, follow_symlinks=isinstance(made, int))


def read_plain(path: Path, longest: int = -1) -> bytes:
    """What is in a regular file, up to ``longest`` bytes of it; raises OSError."""
    with os.fdopen(open_plain(path, os.O_RDONLY), "rb") as file:
        return file.read(longest)


class ValueFolder:
    """Writes and finds large values; ``owner`` is whose they are, for messages."""

    def __init__(self, folder: Path, owner: str = "this job") -> None:
        self._folder = folder
        self._owner = owner

    def write(self, name_hint: str, suffix: str, data: bytes | Callable[[BinaryIO], None]) -> str:
        """Write a new file for this user only; gives its reference. Raises StoreError."""
        label = re.sub(r"[^a-z0-9]+", "-", name_hint.lower()).strip("-")[:40] or "value"
        reference = f"{label}-{secrets.token_hex(8)}.{suffix.lstrip('.')}"
        try:
            if not self._folder.exists():
                make_private(self._folder)
                give_to_owner(self._folder, self._folder.parent)
            self._refuse_link()
            write_private(self._folder / reference, data)
        except OSError as error:
            raise StoreError(
                f"a large value of {self._owner} can't be written: {error.strerror or error}",
                hint="make room, or set NODETOOL_HOME to another folder",
            ) from error
        return reference

    def find(self, reference: str) -> Path:
        """The file behind a reference. Raises StoreError for what is no reference, or is gone."""
        if not REFERENCE.fullmatch(reference):
            raise StoreError(f"{reference[:80]!r} is no reference to a value of {self._owner}")
        path = self._folder / reference
        if not path.is_file() or path.is_symlink() or self._folder.is_symlink():
            raise StoreError(
                f"the value {reference} of {self._owner} is no longer there", hint="run the job again"
            )
        return path

    def _refuse_link(self) -> None:
        """A worker owns its run directory, and could lead what is written there to any place."""
        if self._folder.is_symlink():
            raise OSError(f"{self._folder} is a symbolic link")


def write_private(path: Path, data: bytes | Callable[[BinaryIO], None]) -> None:
    """Write a new file for this user only, or none; raises OSError."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(fd, "wb") as file:
            give_to_owner(fd, path.parent)
            file.write(data) if isinstance(data, bytes) else data(file)
    except BaseException:
        path.unlink(missing_ok=True)  # a disk that is full isn't kept full by what nobody can read
        raise
