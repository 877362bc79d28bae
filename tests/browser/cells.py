"""Cells of the notebooks that are tested. Nodes run until a file is there, so that a test says when."""

from __future__ import annotations

SETUP = """
%load_ext nodetool_jupyter
import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from nodetool_jupyter import node

@node
async def read_rows(until: str, context) -> AsyncIterator[int]:
    number = 0
    while not Path(until).exists():
        number += 1
        context.progress(min(number, 900), 1000)
        if number % 10 == 0:
            context.log(f"row {number} read")
        yield number
        await asyncio.sleep(0.02)

@node
async def square(value: int) -> int:
    return value * value

@node
async def add_up(values: AsyncIterator[int], context) -> int:
    total = 0
    async for value in values:
        total += value
        context.progress(total, chunk=f"{total} ")
    return total

@node
def fail(value: int) -> str:
    raise ValueError(f"{value} is not what was expected")

@node
def tell(value: int) -> str:
    return "some" if value else "none"
"""
STREAM = """
rows = read_rows(until="go")
tell(value=add_up(values=square(value=rows)))
"""
