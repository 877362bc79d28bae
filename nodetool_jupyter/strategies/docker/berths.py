"""How many containers run at once: each job's life is a thread, which begins when it is its turn."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

Life = Callable[[], None]


class Berths:
    """``count`` lives at once, the rest in order. Those that run already have a place whatever the count."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._lock = threading.Lock()
        self._waiting: deque[Life] = deque()
        self._used = 0
        self._threads: set[threading.Thread] = set()
        self._holders: set[threading.Thread] = set()

    def enter(self, life: Life, *, is_running: bool = False) -> None:
        """Have a life lived, now or in its turn."""
        with self._lock:
            if is_running:
                self._begin(life)
            else:
                self._waiting.append(life)
                self._fill()

    def _fill(self) -> None:
        while self._waiting and self._used < self._count:
            self._begin(self._waiting.popleft())

    def _begin(self, life: Life) -> None:
        self._used += 1
        thread = threading.Thread(target=self._live, args=(life,), name="nodetool-container", daemon=True)
        self._threads.add(thread)
        self._holders.add(thread)
        thread.start()

    def _live(self, life: Life) -> None:
        try:
            life()
        finally:
            self.leave()
            with self._lock:
                self._threads.discard(threading.current_thread())

    def leave(self) -> None:
        """The life that calls this has nothing more to run, though it has to tidy up: the next may begin."""
        thread = threading.current_thread()
        with self._lock:
            if thread in self._holders:
                self._holders.discard(thread)
                self._used -= 1
                self._fill()

    def close(self, patience: float) -> None:
        """Begin no more, and give those that end ``patience`` seconds."""
        with self._lock:
            self._waiting.clear()
            threads = list(self._threads)
        end = time.monotonic() + patience
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))
