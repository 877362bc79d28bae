"""Threads that a node starts are the node's: what they print is its log, their jobs are nested in its job.

Before Python 3.14 a thread knows nothing of the context that started it. Here it is told which node that was,
while somebody captures; of an executor's threads, which outlive their calls, it is each call that is told.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, thread
from contextvars import ContextVar
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")
_start = threading.Thread.start
_submit = ThreadPoolExecutor.submit
_running: ContextVar[Any]


def follow_threads(running: ContextVar[Any]) -> None:
    """From now on threads inherit the variable."""
    global _running
    _running = running
    threading.Thread.start = _start_for_node  # type: ignore[method-assign]
    ThreadPoolExecutor.submit = _submit_for_node  # type: ignore[method-assign, assignment]


def leave_threads() -> None:
    """From now on they don't. What others have put on top of ours stays: outside of nodes it does nothing."""
    if threading.Thread.start is _start_for_node:
        threading.Thread.start = _start  # type: ignore[method-assign]
    if ThreadPoolExecutor.submit is _submit_for_node:
        ThreadPoolExecutor.submit = _submit  # type: ignore[method-assign]


def _start_for_node(self: threading.Thread) -> None:
    node = _running.get()
    if node is not None and getattr(self, "_target", None) is not getattr(thread, "_worker", self):
        run = self.run

        def run_for_node() -> None:
            del self.run  # it refers to the thread
            _call(node, run)

        self.run = run_for_node  # type: ignore[method-assign]
    _start(self)


def _submit_for_node(
    self: ThreadPoolExecutor, fn: Callable[..., T], /, *args: Any, **kwargs: Any
) -> Future[T]:
    node = _running.get()
    return _submit(self, fn if node is None else partial(_call, node, fn), *args, **kwargs)


def _call(node: Any, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
    before = _running.set(node)
    try:
        return function(*args, **kwargs)
    finally:
        _running.reset(before)
