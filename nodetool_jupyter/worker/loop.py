"""The worker's loop, which runs until its job has ended: whatever code of the job's does to it."""

from __future__ import annotations

import asyncio
import os
import selectors
from collections.abc import Coroutine
from typing import Any

from nodetool_jupyter.engine.outcome import Outcome

LATENESS = 1.0
"""Seconds that tasks which outlive their node get to end."""


class WorkerLoop(asyncio.SelectorEventLoop):
    """A loop for one run."""

    def __init__(self) -> None:
        self._waits_by = selectors.DefaultSelector()
        super().__init__(self._waits_by)
        self._keep_awake()

    def run_to_end(self, run: Coroutine[Any, Any, Outcome]) -> Outcome:
        """Run until the run has ended, also where a node's task stops the loop or raises SystemExit."""
        main = self.create_task(run)
        self._drive(main)
        left = asyncio.all_tasks(self)
        if left:
            for task in left:
                task.cancel()
            self._drive(self.create_task(_wait_for(left)))
        return main.result()

    def _keep_awake(self) -> None:
        """Whoever closes the loop's descriptors can wake it no more: it finds out by itself."""
        self.call_later(LATENESS, self._keep_awake)

    def _drive(self, main: asyncio.Task[Any]) -> None:
        while not main.done():
            try:
                self.run_until_complete(main)
            except BaseException:  # noqa: BLE001 - a task of a node's own raised SystemExit, or stopped it
                if isinstance(self._waits_by, selectors.EpollSelector):
                    os.fstat(self._waits_by.fileno())  # raises where a node has closed it: nothing goes on


async def _wait_for(tasks: set[asyncio.Task[Any]]) -> None:
    """What nodes have left behind gets a moment to clean up."""
    await asyncio.wait(tasks, timeout=LATENESS)
