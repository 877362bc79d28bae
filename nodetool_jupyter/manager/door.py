"""The door of a manager: a socket by which other processes of this user reach it while its kernel is busy.

A thread of its own answers; it ends some time after the last job. The socket's folder is this user's alone.
"""

from __future__ import annotations

import os
import selectors
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from pydantic_core import from_json, to_json

from nodetool_jupyter.worker.wire import short_address

BLOCK = 4096
PATIENCE = 5.0
"""Seconds that one knock may take."""
LOOK = 0.5
"""Seconds between two looks whether the door is still needed."""

Answer = Callable[[str], bool]
"""A job's id → whether it is being cancelled."""


class Door:
    """Answers at ``address`` while ``is_needed``; ``open`` is called for each job that begins."""

    def __init__(self, address: Path, cancel: Answer, is_needed: Callable[[], bool]) -> None:
        self._address = address
        self._cancel = cancel
        self._is_needed = is_needed
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_closed = False

    def open(self) -> None:
        """Answer from now on, in a thread."""
        with self._lock:
            if self._thread is None and not self._is_closed:
                listener = socket.socket(socket.AF_UNIX)
                with short_address(self._address) as name:
                    with suppress(FileNotFoundError):
                        os.unlink(name)  # noqa: PTH108 - the short name of a socket
                    listener.bind(name)
                listener.listen(16)
                self._thread = threading.Thread(
                    target=self._answer, args=(listener,), name="nodetool-door", daemon=True
                )
                self._thread.start()

    def close(self) -> None:
        """Answer no more."""
        with self._lock:
            self._is_closed = True
            thread = self._thread
        if thread is not None:
            with suppress(OSError):
                knock(self._address, "")
            thread.join(PATIENCE)

    def _answer(self, listener: socket.socket) -> None:
        with listener, selectors.DefaultSelector() as selector:
            selector.register(listener, selectors.EVENT_READ)
            while not self._may_end():
                if selector.select(LOOK):
                    with suppress(OSError, ValueError, KeyError):  # whoever asks for nothing gets no answer
                        self._hear(listener)

    def _may_end(self) -> bool:
        with self._lock:
            if self._is_closed or not self._is_needed():
                self._thread = None
                with suppress(OSError):
                    self._address.unlink()
                return True
            return False

    def _hear(self, listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(PATIENCE)
            job_id = str(from_json(connection.recv(BLOCK))["cancel"])
            connection.sendall(to_json({"done": self._cancel(job_id)}))


def knock(address: Path, job_id: str) -> bool:
    """Ask the manager at ``address`` to cancel a job; whether it does. Raises OSError if nobody answers."""
    with socket.socket(socket.AF_UNIX) as connection, short_address(address) as name:
        connection.settimeout(PATIENCE)
        connection.connect(name)
        connection.sendall(to_json({"cancel": job_id}))
        answer = connection.recv(BLOCK)
    return bool(answer) and bool(from_json(answer)["done"])
