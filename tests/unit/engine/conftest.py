"""Fixtures of the engine's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.engine.support import Bench, open_bench


@pytest.fixture
def bench() -> Iterator[Bench]:
    """Runs graphs; its threads end with the test."""
    with open_bench() as bench:
        yield bench
