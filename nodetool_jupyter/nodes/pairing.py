"""Streams in step: how nodes that read their own inputs pair what arrives at several handles.

Values are paired in order, never by who comes first; so a result doesn't depend on how fast the nodes before
were.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.node import BaseNode

_END = object()


async def in_step(node: BaseNode, handle: str, context: ProcessingContext) -> AsyncIterator[None]:
    """Sets the node's fields to what belongs together, for each value of ``handle``, and yields.

    The first value goes with the first of each other connected handle, and so on; a stream that has ended
    holds its last value. A single value stays for all that still arrives elsewhere. What finds no partner is
    dropped, with a line in the log.
    """
    names = [name for name in type(node).model_fields if name != handle and node.is_connected(name)]
    others = {name: node.iter_input(name) for name in names}
    values = node.iter_input(handle) if node.is_connected(handle) else _once(getattr(node, handle))
    count = 0
    async for value in values:
        setattr(node, handle, value)
        ended = await _advance(node, others)
        if ended and not count:
            context.log(f"nothing has arrived at {', '.join(ended)}: {handle} was dropped", "warning")
            return
        count += 1
        yield
    while count and len(await _advance(node, others)) < len(others):
        if count > 1:
            context.log(
                f"{count} values have arrived at {handle}: what followed elsewhere was dropped", "warning"
            )
            return
        yield


async def _advance(node: BaseNode, streams: Mapping[str, AsyncIterator[Any]]) -> list[str]:
    """Set the fields to the next value of each stream; gives the names of those that have ended."""
    ended = []
    for name, stream in streams.items():
        value = await anext(stream, _END)
        if value is _END:
            ended.append(name)
        else:
            setattr(node, name, value)
    return ended


async def _once(value: Any) -> AsyncIterator[Any]:
    yield value
