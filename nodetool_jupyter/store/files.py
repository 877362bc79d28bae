"""What stores do with the file system itself: private folders, and locks that end with their process.

A lock is the proof of life: process ids are reused and outlive their process as zombies, a lock does neither.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nodetool_jupyter.errors import StoreError
from nodetool_jupyter.model.peers import Peer
from nodetool_jupyter.store.base import Owner, new_job_id
from nodetool_jupyter.values.files import make_private, read_plain

POLL = 0.005
OWNERS_TIMEOUT = 10.0
NOTE = ".json"
LARGEST_NOTE = 4096
BESIDE = (".sock", NOTE)
"""What an owner has beside its lock."""

_held: set[int] = set()


def _try_lock(fd: int, *, shared: bool = False) -> bool:
    """Take the lock of an open file without waiting."""
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def identity(path: Path) -> tuple[int, int] | None:
    """Which file lies there, None for none: a database that is open follows its file, not its path."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def set_aside(database: Path) -> Path:
    """Rename a database with its side files; gives its new path."""
    stamp = time.strftime("%Y%m%dT%H%M%S")
    aside = database.with_name(f"{database.name}.corrupt-{stamp}")
    number = 1
    while aside.exists():
        number += 1
        aside = database.with_name(f"{database.name}.corrupt-{stamp}-{number}")
    for suffix in ("", "-wal", "-shm"):
        part = Path(f"{database}{suffix}")
        if part.exists():
            part.rename(f"{aside}{suffix}")
    return aside


@contextmanager
def exclusive(path: Path, timeout: float) -> Iterator[None]:
    """Keep other processes out of what ``path`` guards; raises StoreError after ``timeout`` seconds."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + timeout
        while not _try_lock(fd):
            if time.monotonic() > deadline:
                raise StoreError(
                    f"another process keeps {path} locked; waited {timeout:g} s",
                    hint="end the Python process that hangs there, then run this again",
                )
            threading.Event().wait(POLL)
        yield
    finally:
        os.close(fd)


def register_owner(folder: Path) -> Owner:
    """A new owner whose lock file lies in ``folder``; the files that dead owners left there are removed."""
    make_private(folder)
    # Unguarded, another process could take the file for a dead owner's before it is locked.
    with exclusive(folder / "guard", OWNERS_TIMEOUT):
        for path in folder.glob("*.lock"):
            if not is_held(path):
                path.unlink(missing_ok=True)
                for suffix in BESIDE:
                    path.with_suffix(suffix).unlink(missing_ok=True)
        owner_id = new_job_id()
        path = folder / f"{owner_id}.lock"
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        _held.add(fd)
        _try_lock(fd)

    note = path.with_suffix(NOTE)

    def release() -> None:
        if fd in _held:
            _held.discard(fd)
            note.unlink(missing_ok=True)
            path.unlink(missing_ok=True)
            os.close(fd)

    return Owner(owner_id, release, note.write_bytes)


def read_notes(folder: Path) -> dict[str, Peer]:
    """What the owners that live have noted of themselves; a note that can't be read is none."""
    notes = {}
    for path in sorted(folder.glob(f"*{NOTE}")):
        with suppress(OSError, ValueError):
            if is_held(path.with_suffix(".lock")):
                notes[path.stem] = Peer.model_validate_json(read_plain(path, LARGEST_NOTE))
    return notes


def is_held(path: Path) -> bool:
    """Whether a process that lives holds the lock of ``path``."""
    try:
        fd = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        return not _try_lock(fd, shared=True)
    finally:
        os.close(fd)


def _let_go() -> None:
    """A forked child shares its parent's locks and would keep a dead parent's jobs from being claimed."""
    while _held:
        os.close(_held.pop())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)
