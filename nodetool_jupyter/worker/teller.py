"""What a worker tells: its messages to the log, with one byte on the bell, and its end to the supervisor.

The terminal message is never written to the log here. Where nothing can be told any more the run is ended: a
job that goes on unseen is none.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress

from nodetool_jupyter.errors import StoreError
from nodetool_jupyter.model.batch import Batch
from nodetool_jupyter.model.events import Fault, JobUpdate
from nodetool_jupyter.model.request import ResourceLimits
from nodetool_jupyter.worker.folder import RunFolder
from nodetool_jupyter.worker.pipes import WorkerEnds, spoken
from nodetool_jupyter.worker.verdict import LOST_DESCRIPTORS, log_fault

STRAY = b"a process that a node had forked came back into the workflow, and was ended\n"


class Teller:
    """The sink of a run's messages. ``on_failure`` is called once, with why they can't be written."""

    def __init__(self, folder: RunFolder, pipes: WorkerEnds, limits: ResourceLimits) -> None:
        self._log = folder.writer()
        self._path = folder.events
        self._pipes = pipes
        self._limits = limits
        self._size: int | None = None
        self._is_broken = False
        self._is_copy = False
        self.on_failure: Callable[[Fault], None] = lambda _fault: None
        self.update: JobUpdate | None = None
        """The terminal message, once the run has told it."""

    def open(self) -> None:
        """Open the log, before any code of the job's runs; raises StoreError."""
        self._log.open()
        self._size = self._size_now()

    def close(self) -> None:
        """Write to the log no more."""
        self._log.close()

    def _size_now(self) -> int:
        return self._path.stat().st_size if self._path.exists() else 0

    def __call__(self, batch: Batch) -> None:
        self._check_owner()
        batch, update = batch.without_end()
        if batch and not self._is_broken:
            self._write(batch.lines)
        if update is not None:
            self.update = update

    def _write(self, data: bytes) -> None:
        try:
            self._log.append(data)
        except StoreError as error:
            self._is_broken = True
            self.on_failure(log_fault(error, self._limits))
            return
        assert self._size is not None
        self._size += len(data)
        with suppress(OSError):  # full of rings that nobody has heard yet, or the kernel has gone
            os.write(self._pipes.bell, b".")

    def hand_over(self, update: JobUpdate) -> int:
        """Give the end to the supervisor; gives the exit code, by which it learns that this could not be."""
        self._check_owner()
        size = self._size_now() if self._size is None else self._size  # it may never have been opened
        data = spoken(self._pipes.token, size, update)
        try:
            while data:
                data = data[os.write(self._pipes.end, data) :]
        except OSError:
            return LOST_DESCRIPTORS
        return 0

    def let_go(self) -> None:
        """In a process that a node forks: whatever it does, it tells nothing of this job. The log is left as
        it is: the thread that held its lock has not come along.
        """
        self._is_copy = True
        for fd in (self._pipes.end, self._pipes.bell):
            with suppress(OSError):
                os.close(fd)

    def _check_owner(self) -> None:
        if self._is_copy:
            with suppress(OSError):
                os.write(2, STRAY)
            os._exit(1)
