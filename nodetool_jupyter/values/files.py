"""Private folders and files: what a value is written to, for this user alone."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from nodetool_jupyter.errors import StoreError

REFERENCE = re.compile(r"[a-z0-9_-]{1,80}\.[a-z0-9]{1,10}")


def make_private(folder: Path) -> None:
    """Make ``folder``, and those above it that are missing, for this user only; raises OSError."""
    try:
        folder.mkdir(0o700)
    except FileNotFoundError:
        if folder.parent.exists():  # there is nothing to make above it: no folder can be made here
            raise
        make_private(folder.parent)
        make_private(folder)
    except FileExistsError:
        if not folder.is_dir():
            raise


class ValueFolder:
    """Writes and finds the large values of one job. Names are made here, never taken from a workflow."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, name_hint: str, suffix: str, data: bytes | Callable[[BinaryIO], None]) -> str:
        """Write a new file for this user only; gives its reference. Raises StoreError."""
        label = re.sub(r"[^a-z0-9]+", "-", name_hint.lower()).strip("-")[:40] or "value"
        reference = f"{label}-{secrets.token_hex(8)}.{suffix.lstrip('.')}"
        try:
            make_private(self._folder)
            fd = os.open(self._folder / reference, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(fd, "wb") as file:
                file.write(data) if isinstance(data, bytes) else data(file)
        except OSError as error:
            raise StoreError(
                f"a large value of job {self._folder.parent.name} can't be written: "
                f"{error.strerror or error}",
                hint="make room, or set NODETOOL_HOME to another folder",
            ) from error
        return reference

    def find(self, reference: str) -> Path:
        """The file behind a reference. Raises StoreError for what is no reference, or is gone."""
        job = self._folder.parent.name
        if not REFERENCE.fullmatch(reference):
            raise StoreError(f"{reference[:80]!r} is no reference to a value of job {job}")
        path = self._folder / reference
        if not path.is_file() or path.is_symlink():
            raise StoreError(
                f"the value {reference} of job {job} is no longer there", hint="run the job again"
            )
        return path
