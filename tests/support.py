"""What tests share: waiting for a condition, and seeing what a test has left behind."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import psutil

T = TypeVar("T")

PREFIX = "nodetool"
"""The names of all our threads and temporary files and folders begin with it."""


def wait_until(
    condition: Callable[[], T],
    deadline: float = 20.0,
    state: Callable[[], object] | None = None,
    interval: float = 0.005,
) -> T:
    """The condition's value once it is true; after ``deadline`` seconds a failure with the last ``state``."""
    end = time.monotonic() + deadline
    pause = threading.Event()
    while not (value := condition()):
        if time.monotonic() > end:
            shown = state() if state is not None else value
            raise AssertionError(f"not within {deadline} s; last state seen: {shown!r}")
        pause.wait(interval)
    return value


class Leftovers:
    """Threads, direct children and temporary files of now, to be compared with those of later."""

    def __init__(self) -> None:
        self.before = self.seen()

    @staticmethod
    def seen() -> dict[str, str]:
        threads = {f"thread {thread.ident}": thread.name for thread in threading.enumerate()}
        ours = {key: name for key, name in threads.items() if name.startswith(PREFIX)}
        paths = Path(tempfile.gettempdir()).iterdir()
        files = {f"file {path.name}": str(path) for path in paths if path.name.startswith(PREFIX)}
        return ours | files | _children()

    def new(self) -> dict[str, str]:
        """What was not there before."""
        return {key: name for key, name in self.seen().items() if key not in self.before}


def _children() -> dict[str, str]:
    """Processes of ours, zombies too: those were never waited for."""
    found = {}
    for number in _child_numbers():
        try:
            child = psutil.Process(number)
            found[f"process {number}"] = f"{child.status()} {' '.join(child.cmdline())}"
        except psutil.ZombieProcess:
            found[f"process {number}"] = "zombie"
        except psutil.NoSuchProcess:
            continue
    return found


def _child_numbers() -> list[int]:
    """Linux has them by thread; elsewhere each process that there is has to be looked at."""
    threads = Path("/proc/self/task")
    if not threads.exists():
        return [child.pid for child in psutil.Process().children()]
    while True:
        # a thread that ends meanwhile leaves its children to another one, perhaps of those that were read
        with suppress(FileNotFoundError, ProcessLookupError):
            texts = [(thread / "children").read_text() for thread in list(threads.iterdir())]
            return [int(number) for text in texts for number in text.split()]
