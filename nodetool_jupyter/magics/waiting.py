"""How a cell waits for its job: the first interrupt cancels it, the second one kills it and ends the waiting.

While a job is submitted and shown an interrupt is only noted, so that none is lost and none lands in between.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self

from nodetool_jupyter.errors import JobCancelled
from nodetool_jupyter.job import Job
from nodetool_jupyter.model.graph import Graph
from nodetool_jupyter.model.job import JobStatus
from nodetool_jupyter.worker.event_log import EventLog

KILL_SECONDS = 1.0
"""What a job gets to end that was killed, while the cell still waits for it."""
PATIENCE = 3
"""Interrupts after which whatever runs is broken off, wherever that is."""


class Interrupted(KeyboardInterrupt):
    """The user's interrupt, shown as one sentence."""

    def _render_traceback_(self) -> list[str]:
        return [f"KeyboardInterrupt: {self}"]


class Interrupts:
    """Counts the interrupts (SIGINT) while it is entered; none is lost.

    ``sentence`` is what the user is told where one came and the code inside has raised nothing. Elsewhere
    than in the main thread it counts none: signals don't reach other threads.
    """

    def __init__(self) -> None:
        self.count = 0
        self.sentence = "the cell was interrupted"
        self._previous: Callable[[int, FrameType | None], object] | None = None

    def __enter__(self) -> Self:
        previous = signal.getsignal(signal.SIGINT)
        if threading.current_thread() is threading.main_thread() and callable(previous):
            self._previous = previous
            signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)
        if self.count and error is None:
            raise Interrupted(self.sentence)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1
        if self.count >= PATIENCE:
            raise KeyboardInterrupt


class WatchedJob:
    """A job as one sees it who only looks: an interrupt ends the looking, the job goes on."""

    def __init__(self, job: Job, interrupts: Interrupts) -> None:
        self.job = job
        self.interrupts = interrupts

    def wait(self, timeout: float | None = None) -> bool:
        """As Job.wait; raises Interrupted."""
        if self.interrupts.count:
            raise Interrupted(f"job {self.id} goes on; %nodetool cancel {self.id} ends it")
        return self.job.wait(timeout)

    def cancel(self) -> bool:
        """Nothing: what waits for a job cancels it at an interrupt, which is not meant here."""
        return False

    @property
    def id(self) -> str:
        """As Job.id."""
        return self.job.id

    @property
    def name(self) -> str:
        """As Job.name."""
        return self.job.name

    @property
    def strategy(self) -> str:
        """As Job.strategy."""
        return self.job.strategy

    @property
    def graph(self) -> Graph:
        """As Job.graph."""
        return self.job.graph

    @property
    def status(self) -> JobStatus:
        """As Job.status."""
        return self.job.status

    @property
    def log(self) -> EventLog:
        """As Job.log."""
        return self.job.log


class CellJob(WatchedJob):
    """A job as the cell sees it that runs it: an interrupt cancels the job."""

    _is_cancelling = False

    def wait(self, timeout: float | None = None) -> bool:
        """As Job.wait; raises JobCancelled for a job that goes on though a second interrupt has killed it, as
        threads do: the strategy goes on to end it.
        """
        if self.interrupts.count and not self._is_cancelling:
            self._is_cancelling = self.cancel()
        if self.interrupts.count > 1 and self.job.cancel(now=True) and not self.job.wait(KILL_SECONDS):
            raise JobCancelled(
                f"job {self.id} is being cancelled; the cell no longer waits for its end",
                hint=f"%nodetool status {self.id}",
                job_id=self.id,
            )
        return self.job.wait(timeout)

    def cancel(self) -> bool:
        """As Job.cancel."""
        return self.job.cancel()
