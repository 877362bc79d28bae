"""Node kinds that many graphs of the engine's tests are made of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import Any, TypedDict

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.function import node
from nodetool_jupyter.engine.node import BaseNode


@node
async def give(value: Any = None) -> Any:
    """Its value, as it is."""
    return value


@node
async def items(values: list[Any]) -> AsyncIterator[Any]:
    """Streams its values."""
    for value in values:
        yield value


@node
def thread_items(values: list[Any]) -> Iterator[Any]:
    """Streams its values from a thread."""
    yield from values


@node
async def nothing() -> AsyncIterator[Any]:
    """A stream that ends at once."""
    for value in ():
        yield value


@node
async def slow_items(values: list[Any]) -> AsyncIterator[Any]:
    """Streams its values, and lets everything else run before each."""
    for value in values:
        for _ in range(20):
            await asyncio.sleep(0)
        yield value


@node
async def later(value: Any, turns: int = 50) -> Any:
    """Its value, after some turns of the loop."""
    for _ in range(turns):
        await asyncio.sleep(0)
    return value


@node
async def pair(a: Any, b: Any) -> list[Any]:
    """Both of its values."""
    return [a, b]


@node
async def triple(a: Any, b: Any, c: Any) -> list[Any]:
    """All of its values."""
    return [a, b, c]


@node
async def increased(value: int) -> int:
    """One more."""
    return value + 1


@node
def thread_increased(value: int) -> int:
    """One more, by a blocking function."""
    return value + 1


@node
async def gathered(values: AsyncIterator[Any]) -> list[Any]:
    """All items of a stream."""
    return [value async for value in values]


@node
async def first_of(values: AsyncIterator[Any]) -> Any:
    """The first item of a stream; the rest is left alone."""
    async for value in values:
        return value
    return None


@node
async def listed(values: list[Any]) -> list[Any]:
    """The list that has arrived."""
    return values


@node
async def failing(value: Any = None) -> None:
    """Fails."""
    raise ValueError(f"can't take {value}")


@node
async def forever(value: Any = None) -> None:
    """Waits until it is cancelled."""
    await asyncio.Event().wait()


class Sides(TypedDict, total=False):
    odd: int
    even: int


class Sort(BaseNode, prefix="test", streaming_input=True, passes=True):
    """Sends each number to one of two outputs."""

    number: int = 0

    async def gen_process(self, context: ProcessingContext) -> AsyncGenerator[Sides, None]:
        async for number in self.iter_input("number"):
            yield {"odd": number} if number % 2 else {"even": number}


class Free(BaseNode, prefix="test", dynamic=True):
    """Takes any handle and gives what it got."""

    known: int = 0

    async def process(self, context: ProcessingContext) -> dict[str, Any]:
        return {"known": self.known, **self.dynamic_properties}
