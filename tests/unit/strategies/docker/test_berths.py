"""Whose turn it is: so many lives at once, and a place that is free before its life is over."""

from __future__ import annotations

import threading

from nodetool_jupyter.strategies.docker.berths import Berths
from tests.support import wait_until


def test_a_place_is_free_once_its_life_has_left_it() -> None:
    """The next begins while the first one tidies up; leaving twice frees no second place."""
    berths, tidy = Berths(1), threading.Event()
    lived: list[str] = []

    def first() -> None:
        berths.leave()
        berths.leave()
        tidy.wait(5)
        lived.append("first")

    def holds(name: str) -> None:
        lived.append(name)
        tidy.wait(5)

    berths.enter(first)
    berths.enter(lambda: holds("second"))
    berths.enter(lambda: holds("third"))
    wait_until(lambda: lived == ["second"], state=lambda: lived)
    assert not threading.Event().wait(0.05)
    assert lived == ["second"]
    tidy.set()
    wait_until(lambda: sorted(lived) == ["first", "second", "third"], state=lambda: lived)
    berths.close(5)
