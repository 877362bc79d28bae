"""The files of one job: large values that its events refer to by name, and a temp folder.

Names are made here, never taken from a workflow, and a reference is looked up in the job's own folder only.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from nodetool_jupyter.errors import StoreError
from nodetool_jupyter.store.base import Store
from nodetool_jupyter.values.files import make_private

FOLDER = "values"
REFERENCE = re.compile(r"[a-z0-9_-]{1,80}\.[a-z0-9]{1,10}")


class RunFiles:
    """Writes and finds the large values of one job."""

    def __init__(self, store: Store, job_id: str) -> None:
        self._store = store
        self._job_id = job_id

    @property
    def _folder(self) -> Path:
        return self._store.run_directory(self._job_id) / FOLDER

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
                f"a large value of job {self._job_id} can't be written: {error.strerror or error}",
                hint="make room, or set NODETOOL_HOME to another folder",
            ) from error
        return reference

    def find(self, reference: str) -> Path:
        """The file behind a reference. Raises StoreError for what is no reference, or is gone."""
        if not REFERENCE.fullmatch(reference):
            raise StoreError(f"{reference[:80]!r} is no reference to a value of job {self._job_id}")
        path = self._folder / reference
        if not path.is_file() or path.is_symlink():
            raise StoreError(
                f"the value {reference} of job {self._job_id} is no longer there", hint="run the job again"
            )
        return path


class TempFolder:
    """A job's temp folder: made when it is first asked for, gone with the job."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._path: Path | None = None
        self._is_closed = False

    def get(self) -> Path:
        """The folder, the same for all who ask. Raises StoreError once the job has ended."""
        with self._lock:
            if self._is_closed:
                raise StoreError("the job has ended, and its temp folder with it")
            if self._path is None:
                self._path = Path(tempfile.mkdtemp(prefix="nodetool-"))
            return self._path

    def remove(self) -> None:
        """Remove it with all that is in it; none is made any more."""
        with self._lock:
            self._is_closed = True
            path, self._path = self._path, None
        if path is not None:
            shutil.rmtree(path, ignore_errors=True)
