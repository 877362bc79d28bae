"""What a job's view knows of one node, one log, one output."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from nodetool_jupyter.model.events import Severity
from nodetool_jupyter.views.markup import clean
from nodetool_jupyter.views.values import bounded

LOG_LINES = 200
CHUNK_CHARS = 2_000
VALUES_PER_OUTPUT = 5
SOON = 2.0
"""Seconds for which a node's progress is watched before it says how long it will take."""
LITTLE = 0.05
"""Likewise how much of it must be done."""


class NodeState(str, Enum):
    """A node's state; the value is the word that is shown."""

    WAITING = "waiting"
    RUNNING = "running"
    COMPLETED = "completed"
    ERROR = "error"
    SUSPENDED = "suspended"
    SKIPPED = "skipped"
    """The job has ended, and the node never ran."""
    CANCELLED = "cancelled"
    """The job ended while the node ran."""


@dataclass(slots=True)
class LogTail:
    """The last lines of one node; ``seen`` counts all of them."""

    lines: deque[tuple[Severity, str]] = field(default_factory=deque)
    seen: int = 0
    chars: int = 0

    def add(self, severity: Severity, text: str, room: int) -> None:
        """Keep a line; ``room`` is how many characters this node may hold."""
        self.lines.append((severity, text))
        self.seen += 1
        self.chars += len(text)
        while len(self.lines) > LOG_LINES or (self.chars > room and len(self.lines) > 1):
            self.chars -= len(self.lines.popleft()[1])


@dataclass(slots=True)
class NodeView:
    """What is known of one node; ``received`` and ``sent`` count items on its edges."""

    id: str
    title: str
    type: str
    state: NodeState = NodeState.WAITING
    progress: float = 0.0
    total: float | None = None
    received: int = 0
    sent: int = 0
    chunk: str = ""
    error: str | None = None
    started: float | None = None
    """Epoch seconds of its first progress; what it has done by then is ``before``, from 0 to 1."""
    before: float = 0.0
    told: float = 0.0
    """Epoch seconds of its last progress."""

    @property
    def fraction(self) -> float:
        """How much is done, from 0 to 1; 0 where the node doesn't say."""
        if not self.total or not self.total > 0:
            return 0.0
        part = self.progress / self.total
        return part if 0.0 <= part <= 1.0 else float(part > 1.0)

    def remaining(self, now: float) -> float | None:
        """Seconds that a node which tells its total will take still, if it goes on as it has gone; None as
        long as that is a guess.
        """
        done = self.fraction - self.before
        if self.started is None or self.fraction >= 1.0 or self.state is not NodeState.RUNNING:
            return None
        took = self.told - self.started
        if took < SOON or done < LITTLE or now - self.told > took:
            return None
        return max((1.0 - self.fraction) * took / done - (now - self.told), 0.0)

    def advance(self, progress: float, total: float | None, now: float) -> None:
        """Note how far it says that it is."""
        before = self.fraction
        self.progress, self.total, self.told = progress, total, now
        if self.started is None or self.fraction < before:
            self.started, self.before = now, self.fraction

    def add_text(self, text: str) -> None:
        """Put streamed text behind what is kept of it."""
        self.chunk = (self.chunk + clean(text[-2 * CHUNK_CHARS :]))[-CHUNK_CHARS:]

    def reason(self, message: str) -> str:
        """An error's message without the words for this node, whose name stands before it already."""
        head = f"node {self.id} ({self.type}"
        place, end, reason = message.removeprefix(head).partition("): ")
        if not end or not message.startswith(head):
            return message
        return f"{place.removeprefix(', ')}: {reason}" if place else reason


@dataclass(slots=True)
class OutputView:
    """The first values of an output and how many there were."""

    values: list[Any] = field(default_factory=list)
    count: int = 0

    def add(self, value: Any) -> None:
        """Count a value, and keep it if it is one of the first."""
        self.count += 1
        if len(self.values) < VALUES_PER_OUTPUT:
            self.values.append(bounded(value))
