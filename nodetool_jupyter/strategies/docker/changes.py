"""How long an answer of the engine's holds: it tells of changes by itself, to one who listens, so that a job
need not ask again what was asked for the job before.

Where nobody listens, as the engine has gone or has only just been met, an answer holds for some seconds.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from nodetool_jupyter.errors import DockerError
from nodetool_jupyter.strategies.docker.client import Stream

T = TypeVar("T")
PATIENCE = 2.0
"""Seconds that the listener gets to end."""


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What the engine has said, when (monotonic), and after which change; None where changes aren't heard."""

    said: T
    at: float
    change: int | None


@dataclass(slots=True, eq=False)
class Changes:
    """Hears of what happens to the engine and its images, in a thread that mostly sleeps. Thread-safe.
    ``tell`` is the engine's ``changes``.
    """

    tell: Callable[[], Stream]
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _listener: threading.Thread | None = None
    _stream: Stream | None = None
    _count: int = 0
    _is_closed: bool = False

    def ask(self, question: Callable[[], T]) -> Answer[T]:
        """Ask the engine; a change that comes meanwhile counts as one that has come afterwards."""
        at, change = time.monotonic(), self._change()
        return Answer(question(), at, change)

    def holds(self, answer: Answer[T], seconds: float) -> bool:
        """Whether the engine would say so again, or has said so less than so many seconds ago."""
        if answer.change is not None and answer.change == self._change():
            return True
        return answer.change is None and time.monotonic() - answer.at < seconds

    def _change(self) -> int | None:
        """The number of the latest change; None where nobody listens."""
        with self._lock:
            return None if self._stream is None else self._count

    def listen(self) -> None:
        """Have somebody listen from now on, unless somebody does."""
        with self._lock:
            is_there = self._listener is not None and self._listener.is_alive()
            if not (is_there or self._is_closed):
                self._listener = threading.Thread(target=self._listen, name="nodetool-docker", daemon=True)
                self._listener.start()

    def _listen(self) -> None:
        with suppress(DockerError):
            stream = self.tell()
            with self._lock:
                if self._is_closed:
                    stream.close()
                    return
                self._stream = stream
            for _ in stream:
                with self._lock:
                    self._count += 1
        with self._lock:
            self._stream = None
            self._count += 1

    def close(self) -> None:
        """Listen no more."""
        with self._lock:
            self._is_closed = True
            stream, self._stream = self._stream, None
            listener = self._listener
        if stream is not None:
            stream.close()
        if listener is not None:
            listener.join(PATIENCE)
