"""Nodes that read several inputs themselves get what arrives in its order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, TypedDict, cast

import pytest

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.function import node
from nodetool_jupyter.engine.inbox import LIMIT
from nodetool_jupyter.engine.node import BaseNode
from tests.unit.engine.support import Bench, Out


class Sides(TypedDict):
    left: int
    right: int


@node
async def turns(number: int) -> AsyncIterator[Sides]:
    """0 to the left, 1 and 2 to the right, 3 to the left, and so on."""
    for each in range(number):
        yield cast(Sides, {"left" if each % 3 == 0 else "right": each})


class Merge(BaseNode, prefix="test", streaming_input=True):
    """Everything as it arrives, after the first values of the left side."""

    left: int = 0
    right: int = 0
    first: int = 0

    async def process(self, context: ProcessingContext) -> list[Any]:
        ahead = [await self.recv("left") for _ in range(self.first)]
        return [*ahead, *[pair async for pair in self.iter_any_input()]]


@pytest.mark.parametrize("first", [0, 2])
def test_what_arrives_at_several_handles_is_read_in_its_order(bench: Bench, first: int) -> None:
    """Also where some of one handle has been read before."""
    number = 3 * LIMIT
    nodes = {"t": (turns, {"number": number}), "m": (Merge, {"first": first}), "o": Out}
    [result] = bench.run(nodes, "t.left > m.left", "t.right > m.right", "m > o.value").result
    assert result[:first] == [0, 3][:first]
    expected = [("right" if each % 3 else "left", each) for each in range(number)]
    assert result[first:] == [pair for pair in expected if pair[1] not in result[:first]]
