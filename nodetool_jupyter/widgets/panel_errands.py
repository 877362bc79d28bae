"""What the widgets of a panel ask for is done elsewhere: a callback of a widget only leaves word here.

All callbacks of a kernel's widgets share one thread, or the one that runs cells; neither may be held up.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)


class Errands:
    """Does one thing after the other, in a thread that lives while there is something to do.

    What is asked for again before it was begun is done once.
    """

    def __init__(self, fail: Callable[[Exception], None]) -> None:
        self._fail = fail
        self._waiting: dict[str, Callable[[], None]] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def ask(self, name: str, do: Callable[[], None]) -> None:
        """Have something done soon; returns at once."""
        with self._lock:
            self._waiting.setdefault(name, do)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="nodetool-panel", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while (do := self._next()) is not None:
            try:
                do()
            except Exception as error:  # noqa: BLE001 - whatever it is, it is told in the panel
                self._tell(error)

    def _next(self) -> Callable[[], None] | None:
        with self._lock:
            if not self._waiting:
                self._thread = None
                return None
            return self._waiting.pop(next(iter(self._waiting)))

    def _tell(self, error: Exception) -> None:
        try:
            self._fail(error)
        except Exception:
            log.info("a panel can't tell of an error", exc_info=True)
