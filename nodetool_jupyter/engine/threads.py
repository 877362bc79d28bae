"""Threads for blocking node functions: bounded, started on demand, ended when idle, never waited for at exit.

A thread that doesn't end when it is interrupted can be given up: it is replaced, and ends when its function
does.
"""

from __future__ import annotations

import ctypes
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import Context

from nodetool_jupyter.engine.context import NodeCancelled

IDLE_SECONDS = 10.0


def raise_in_thread(ident: int) -> None:
    """Have a thread raise NodeCancelled at its next Python instruction; waiting in C is not interrupted."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), ctypes.py_object(NodeCancelled))


def clear_raise() -> None:
    """Meet, in this thread, what ``raise_in_thread`` may have left for it.

    Taking it back would leave CPython 3.11's interpreter loop looking for it at every call for good: all of
    the process gets slower, and a profiler or debugger hangs.
    """
    with suppress(NodeCancelled):
        raise_in_thread(threading.get_ident())


class Interruptible:
    """A call that another thread can interrupt; interrupting is safe before, while and after it runs."""

    def __init__(self, call: Callable[[], None]) -> None:
        self._call = call
        self._lock = threading.Lock()
        self._ident: int | None = None
        self._revoked = False
        self.is_done = False

    def run(self) -> None:
        """Make the call in this thread. The caller catches what it raises, NodeCancelled included."""
        try:
            with self._lock:
                if self._revoked:
                    return
                self._ident = threading.get_ident()
            self._call()
        finally:
            try:
                self._finish()
            except NodeCancelled:  # an interrupt that came as the call ended
                self._finish()

    def _finish(self) -> None:
        with self._lock:
            ident, self._ident = self._ident, None
            if ident is not None and self._revoked:
                clear_raise()
            self.is_done = True
            self._call = _no_call  # whoever keeps this to interrupt it doesn't keep what it has called

    def is_here(self) -> bool:
        """Whether it is this very thread that makes the call."""
        return self._ident == threading.get_ident()

    def interrupt(self) -> None:
        """Keep the call from starting, or have its thread raise NodeCancelled."""
        with self._lock:
            self._revoked = True
            if self._ident is not None:
                raise_in_thread(self._ident)
            else:
                self.is_done = True


def _no_call() -> None:
    """What is left of a call that has been made."""


class ThreadPool:
    """At most ``size`` threads; calls beyond that wait their turn."""

    def __init__(self, size: int, idle_seconds: float = IDLE_SECONDS) -> None:
        self._size = size
        self._idle_seconds = idle_seconds
        self._calls: deque[Interruptible] = deque()
        self._condition = threading.Condition()
        self._threads = 0
        self._idle = 0
        self._closed = False
        self._given_up: set[Interruptible] = set()

    def submit(self, call: Callable[[], None]) -> Interruptible:
        """Run ``call`` in a thread; it must not raise."""
        task = Interruptible(call)
        with self._condition:
            self._calls.append(task)
            if self._idle >= len(self._calls):
                self._condition.notify()
            elif self._threads < self._size:
                self._start_thread()
        return task

    def give_up(self, task: Interruptible) -> None:
        """Stop counting the thread of a call that can't be stopped, so that another may take its place."""
        with self._condition:
            if task.is_done or task in self._given_up:
                return
            self._given_up.add(task)
            self._threads -= 1
            if self._calls:
                self._start_thread()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """While a thread of the pool waits for other calls, another may take its place."""
        with self._condition:
            self._threads -= 1
            if self._calls:
                self._start_thread()
        try:
            yield
        finally:
            with self._condition:
                self._threads += 1

    def close(self) -> None:
        """End idle threads now, busy ones after their call."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    def _start_thread(self) -> None:
        self._threads += 1
        thread = threading.Thread(target=self._work, name="nodetool-pool", daemon=True)
        Context().run(thread.start)  # it serves any node, not the one that needed it first

    def _work(self) -> None:
        while (task := self._next()) is not None:
            with suppress(NodeCancelled):  # it was meant for the call, which has ended
                task.run()
            with self._condition:
                if task in self._given_up:
                    self._given_up.discard(task)
                    return
            del task  # while the thread waits for the next call, it holds nothing of this one

    def _next(self) -> Interruptible | None:
        with self._condition:
            self._idle += 1
            self._condition.wait_for(lambda: self._calls or self._closed, self._idle_seconds)
            self._idle -= 1
            if self._calls:
                return self._calls.popleft()
            self._threads -= 1
            return None
