"""The strategies of one manager: each is made when a job first asks for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

from nodetool_jupyter.errors import StrategyUnavailable
from nodetool_jupyter.strategies.base import Strategy
from nodetool_jupyter.strategies.registry import strategy_names


class Strategies:
    """Makes strategies by name, once. Thread-safe."""

    def __init__(self, make: Callable[[str], Strategy]) -> None:
        self.make = make
        self._made: dict[str, Strategy] = {}
        self._lock = threading.Lock()

    def get(self, name: str) -> Strategy:
        """A strategy, whether or not it can start a job now: one that runs is followed all the same. Raises
        UnknownStrategy, StrategyUnavailable.
        """
        strategy = self._made.get(name)
        if strategy is None:
            with self._lock:
                strategy = self._made.get(name) or self._made.setdefault(name, self.make(name))
        return strategy

    def usable(self, name: str) -> Strategy:
        """One that can be used here and now; raises UnknownStrategy or StrategyUnavailable."""
        strategy = self.get(name)
        fingerprint = strategy.fingerprint()
        if not fingerprint.available:
            raise StrategyUnavailable(f"the {name} strategy is not available here: {fingerprint.sentence}")
        return strategy

    def remove_leftovers(self, *, dry_run: bool = False) -> list[str]:
        """What killed kernels have left outside of the store, of every strategy that works here."""
        found: list[str] = []
        for name in strategy_names():
            with suppress(StrategyUnavailable):  # it has never run anything here
                found += self.get(name).remove_leftovers(dry_run=dry_run)
        return found

    def close(self, grace: float) -> None:
        """Close all that were made."""
        for strategy in self._made.values():
            strategy.close(grace)
