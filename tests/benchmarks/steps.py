"""Three functions in a row, in a module that costs a worker nothing to import."""

from __future__ import annotations

from nodetool_jupyter import node


@node
async def increment(x: int) -> int:
    return x + 1


@node
async def text(x: int) -> str:
    return str(x)


@node
async def upper(x: str) -> str:
    return x.upper()
