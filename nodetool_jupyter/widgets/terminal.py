"""Progress as text, for where there are no widgets: a line that is rewritten, or a line per change.

It is written by the thread that waits for the job, never by another one.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from time import time
from typing import TextIO
from unicodedata import east_asian_width

from nodetool_jupyter.views.snapshot import JobView
from nodetool_jupyter.views.text import TextProgress, end_text, progress_line
from nodetool_jupyter.widgets.feed import JobReader, WatchedJob

CLEAR = "\r\x1b[K"
End = Callable[[JobView], str]
"""What is written when the job has ended."""


def brief_end(view: JobView) -> str:
    """The end state, without the nodes that have been told one by one."""
    return end_text(view, nodes=False)


class LinePrinter:
    """One line of a terminal that shows the job as it goes, and the end state in its place."""

    def __init__(self, job: WatchedJob, stream: TextIO | None = None, end: End = end_text) -> None:
        self.reader = JobReader(job)
        self._stream = stream or sys.stdout
        self._end = end
        self._shown = ""

    def update(self) -> None:
        """Rewrite the line if it has changed."""
        self.reader.drain()
        width = shutil.get_terminal_size().columns
        line = _fit(progress_line(self.reader.view, time(), max(width - 1, 20)), width - 1)
        if line != self._shown:
            self._shown = line
            _write(self._stream, CLEAR + line)

    def close(self) -> None:
        """Write the end state in place of the line."""
        self.reader.close()
        _write(self._stream, f"{CLEAR if self._shown else ''}{self._end(self.reader.view)}\n")


class TextPrinter:
    """A line for each change of state and each line of a log, then the end state."""

    def __init__(self, job: WatchedJob, stream: TextIO | None = None, end: End = brief_end) -> None:
        self.reader = JobReader(job)
        self._stream = stream or sys.stdout
        self._end = end
        self._progress = TextProgress(self.reader.view)

    def update(self) -> None:
        """Write what has happened since."""
        lines = [line for event in self.reader.advance() for line in self._progress.lines(event)]
        if lines:
            _write(self._stream, "\n".join(lines) + "\n")

    def close(self) -> None:
        """Write the rest and the end state."""
        self.update()
        self.reader.close()
        _write(self._stream, self._end(self.reader.view) + "\n")


def _fit(line: str, columns: int) -> str:
    """As much of a line as fits: one that wraps could not be rewritten. Wide characters take two columns."""
    for number, char in enumerate(line):
        columns -= 2 if east_asian_width(char) in "WF" else 1
        if columns < 0:
            return line[:number]
    return line


def _write(stream: TextIO, text: str) -> None:
    """Write at once; what the stream's encoding lacks becomes a question mark."""
    try:
        stream.write(text)
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        stream.write(text.encode(encoding, "replace").decode(encoding))
    stream.flush()
