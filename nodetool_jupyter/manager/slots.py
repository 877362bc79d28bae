"""Whose turn it is: so many jobs at once, the others in the order in which they came. Thread-safe."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from nodetool_jupyter.errors import NodeToolError

if TYPE_CHECKING:
    from nodetool_jupyter.manager.managed import ManagedJob


class Slots:
    """``count`` slots and a queue for them."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._used = 0
        self._queue: deque[ManagedJob] = deque()
        self._lock = threading.Lock()
        self._is_closed = False

    def take(self) -> bool:
        """Whether a job may start now; those that wait come first. Raises NodeToolError after ``close``."""
        with self._lock:
            if self._is_closed:
                raise NodeToolError("this session has been closed", hint="restart the kernel")
            is_free = not self._queue and self._used < self._count
            self._used += is_free
            return is_free

    def occupy(self) -> None:
        """Count a job that runs already, however many do."""
        with self._lock:
            self._used += 1

    def free(self) -> None:
        """A job has ended that had a slot."""
        with self._lock:
            self._used -= 1

    def wait(self, managed: ManagedJob) -> None:
        """Have a job wait for its turn."""
        with self._lock:
            self._queue.append(managed)

    def leave(self, managed: ManagedJob) -> bool:
        """Take a job out of the queue; False where it waits no more."""
        with self._lock:
            if managed not in self._queue:
                return False
            self._queue.remove(managed)
            return True

    def next(self) -> ManagedJob | None:
        """The job that has waited longest, with a slot; None where none waits or no slot is free."""
        with self._lock:
            if not self._queue or self._used >= self._count:
                return None
            managed = self._queue.popleft()
            managed.has_slot = True
            self._used += 1
            return managed

    def close(self) -> list[ManagedJob]:
        """Give no more slots; gives those who wait in vain."""
        with self._lock:
            self._is_closed = True
            waiting, self._queue = list(self._queue), deque()
            return waiting
