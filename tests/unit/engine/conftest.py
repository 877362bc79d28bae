"""Fixtures of the engine's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.engine.stopping import Stops
from tests.unit.engine.support import Bench, open_bench


@pytest.fixture
def bench() -> Iterator[Bench]:
    """Runs graphs; its threads end with the test."""
    with open_bench() as bench:
        yield bench


@pytest.fixture
def stops() -> Iterator[Stops]:
    """Makes nodes that note their end; the one that is stuck is let go with the test."""
    stops = Stops()
    yield stops
    stops.release.set()
