"""What a node prints is its log: sys.stdout and sys.stderr routed by the node that is running.

Outside of nodes every write goes to the stream that was there before. While somebody captures, a stream
that is put in its place (``%%capture``, ``redirect_stdout``) is routed too: no node's log depends on it.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Iterable
from contextvars import ContextVar
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, TextIO

from nodetool_jupyter.engine.children import follow_threads, leave_threads
from nodetool_jupyter.model.events import Severity

if TYPE_CHECKING:
    from nodetool_jupyter.engine.reporter import Reporter

RUNNING: ContextVar[Reporter | None] = ContextVar("nodetool_running", default=None)
SEVERITIES: dict[str, Severity] = {"stdout": "info", "stderr": "warning"}
_lock = threading.Lock()
_users = 0
# They are used again, and kept: print() crashes if its stream is freed meanwhile (python/cpython#130163).
_routers: deque[Router] = deque(maxlen=32)


class Router:
    """A text stream that sends a running node's writes to its log, and everything else on."""

    def __init__(self, stream: TextIO, severity: Severity) -> None:
        self._stream = stream
        self._severity = severity

    def routes(self, stream: TextIO, severity: Severity) -> bool:
        """Whether it was made for this stream."""
        return self._stream is stream and self._severity == severity

    def write(self, text: str) -> int:
        """Write to the node's log, or on to the stream."""
        reporter = RUNNING.get()
        if reporter is None:
            return self._stream.write(text)
        reporter.report_output(text, self._severity)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write each, likewise."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Flush the stream; a node's half line waits for its end."""
        if RUNNING.get() is None:
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _RoutingSys(ModuleType):
    """``sys`` while somebody captures: print() finds its stream there, so it is routed as it is set."""

    def __setattr__(self, name: str, value: Any) -> None:
        severity = SEVERITIES.get(name)
        super().__setattr__(name, value if severity is None or value is None else _routed(value, severity))

    def __reduce__(self) -> tuple[Any, ...]:
        return import_module, ("sys",)


def start_capture() -> None:
    """Route both streams, and those that come in their place, while some run needs it."""
    global _users
    with _lock:
        _users += 1
        sys.stdout = _routed(sys.stdout, "info")
        sys.stderr = _routed(sys.stderr, "warning")
        if _users == 1 and type(sys) is ModuleType:
            sys.__class__ = _RoutingSys
            follow_threads(RUNNING)


def _routed(stream: TextIO, severity: Severity) -> Any:
    if isinstance(stream, Router):
        return stream
    for router in _routers:
        if router.routes(stream, severity):
            return router
    router = Router(stream, severity)
    _routers.append(router)
    return router


def stop_capture() -> None:
    """Put the streams back, once nobody needs the routing; one that someone else replaced is left alone."""
    global _users
    with _lock:
        _users -= 1
        if _users:
            return
        leave_threads()
        if type(sys) is _RoutingSys:
            sys.__class__ = ModuleType  # type: ignore[assignment]
        if isinstance(sys.stdout, Router):
            sys.stdout = sys.stdout._stream
        if isinstance(sys.stderr, Router):
            sys.stderr = sys.stderr._stream
