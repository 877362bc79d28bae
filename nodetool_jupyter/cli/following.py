"""A job until its end: shown as it goes, cancelled by a signal or when nobody reads any more."""

from __future__ import annotations

import signal
import sys
from types import FrameType, TracebackType
from typing import Any, Protocol, Self

from nodetool_jupyter.cli.commands import PROGRAM
from nodetool_jupyter.cli.writing import for_shell, harmless, silence
from nodetool_jupyter.errors import JobCancelled
from nodetool_jupyter.job import Job
from nodetool_jupyter.views.snapshot import JobView
from nodetool_jupyter.views.text import end_text
from nodetool_jupyter.widgets.terminal import LinePrinter, TextPrinter

STEP = 0.05
"""Seconds between two looks at the job."""
READ_BYTES = 1_000_000


class Printer(Protocol):
    """Shows a job. A BrokenPipeError says that nobody reads."""

    def update(self) -> None:
        """Write what is new."""

    def close(self) -> None:
        """Write the rest; called once, when the job has ended."""


class Silence:
    """Shows nothing."""

    def update(self) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class JsonLines:
    """The job's messages as they are in its log: none is missing, none comes twice."""

    def __init__(self, job: Job) -> None:
        self._log = job.log
        self._offset = 0

    def update(self) -> None:
        """Write the new ones, and leave nothing in a buffer."""
        while True:
            lines, self._offset = self._log.read(self._offset, limit=READ_BYTES)
            if not lines:
                return
            text = harmless("".join([f"{line.decode()}\n" for line in lines]))
            sys.stdout.buffer.write(text.encode())
            sys.stdout.buffer.flush()

    def close(self) -> None:
        """Write the rest."""
        self.update()


def progress(job: Job, mode: str) -> Printer:
    """What shows a job on standard error: a line that is rewritten in a terminal, else a line a change."""
    if mode in ("none", "quiet"):
        return Silence()
    if mode != "text" and sys.stderr.isatty():
        return LinePrinter(job, sys.stderr, _end)
    return TextPrinter(job, sys.stderr, _brief_end)


def _end(view: JobView) -> str:
    return for_shell(end_text(view, outputs=False))


def _brief_end(view: JobView) -> str:
    return for_shell(end_text(view, nodes=False, outputs=False))


class Signals:
    """Counts SIGINT and SIGTERM while it is entered; neither breaks anything off."""

    def __init__(self) -> None:
        self.count = 0
        self._previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._previous[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1


def follow(job: Job, signals: Signals, printer: Printer) -> None:
    """Show a job until it has ended. The first signal cancels it; a second one kills it, and this process no
    longer waits, which ends a job in its threads: JobCancelled is raised.
    """
    is_cancelling = False
    while not job.wait(STEP):
        if signals.count and not is_cancelling:
            is_cancelling = job.cancel()
        if signals.count > 1 and job.cancel(now=True):
            raise JobCancelled(
                f"job {job.id} is being cancelled; its end is not waited for",
                hint=f"{PROGRAM} status {job.id}",
                job_id=job.id,
            )
        if not _shown(printer.update):
            signals.count = max(signals.count, 1)
    _shown(printer.close)


def _shown(show: Any) -> bool:
    """Whether somebody still reads."""
    try:
        show()
    except BrokenPipeError:
        silence()
        return False
    return True
