"""The files of one job: large values that its events refer to by name, and a temp folder.

Names are made here, never taken from a workflow, and a reference is looked up in the job's own folder only.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from nodetool_jupyter.errors import StoreError
from nodetool_jupyter.store.base import Store
from nodetool_jupyter.values.files import ValueFolder

FOLDER = "values"


class RunFiles:
    """Writes and finds the large values of one job."""

    def __init__(self, store: Store, job_id: str) -> None:
        self._store = store
        self._job_id = job_id

    @property
    def _values(self) -> ValueFolder:
        return ValueFolder(self._store.run_directory(self._job_id) / FOLDER, f"job {self._job_id}")

    def write(self, name_hint: str, suffix: str, data: bytes | Callable[[BinaryIO], None]) -> str:
        """Write a new file for this user only; gives its reference. Raises StoreError."""
        return self._values.write(name_hint, suffix, data)

    def find(self, reference: str) -> Path:
        """The file behind a reference. Raises StoreError for what is no reference, or is gone."""
        return self._values.find(reference)


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
