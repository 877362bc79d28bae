"""Which values are shown in full, and which are only kept."""

from __future__ import annotations

from typing import Any

import pytest

from nodetool_jupyter.magics.results import SHOWN_SIZE, is_readable

NESTED: Any = "x"
for _ in range(5_000):
    NESTED = [NESTED]
ROUND: list[Any] = []
ROUND.append(ROUND)


@pytest.mark.parametrize(
    ("value", "readable"),
    [
        (None, True),
        ("short", True),
        (object(), True),
        ({"a": [1, 2, (3, {4})]}, True),
        ("x" * SHOWN_SIZE, False),
        (b"x" * SHOWN_SIZE, False),
        (["x" * 1_000] * 100, False),
        ({"key": "x" * SHOWN_SIZE}, False),
        ({"x" * SHOWN_SIZE: 1}, False),
        (list(range(SHOWN_SIZE)), False),
        (set(range(SHOWN_SIZE)), False),
        (ROUND, False),
        (NESTED, False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_size_decides(value: object, readable: bool) -> None:
    """Text and containers by what is in them, in bounded time; others show themselves in short."""
    assert is_readable(value) is readable
