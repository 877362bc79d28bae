"""Nodes that every strategy must cope with: they tick, hang, exit, resist, and leave traces in files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from nodetool_jupyter import ProcessingContext, node

# ruff: noqa: ASYNC230, ASYNC240 - a trace is written where the node runs, and costs microseconds


@node
async def give(value: Any = None) -> Any:
    return value


@node
async def items(count: int) -> AsyncIterator[int]:
    for number in range(count):
        yield number


@node
async def fails() -> None:
    raise ValueError("on purpose")


@node
async def ticks(path: str) -> None:
    """Writes a byte again and again, on its loop."""
    with Path(path).open("ab", buffering=0) as file:
        while True:
            file.write(b".")
            await asyncio.sleep(0.001)


@node
def ticks_in_thread(path: str) -> None:
    """The same in a thread, without ever waiting."""
    with Path(path).open("ab", buffering=0) as file:
        while True:
            file.write(b".")


@node
async def ticks_without_awaiting(path: str) -> None:
    """The same on the loop, which never gets its turn."""
    with Path(path).open("ab", buffering=0) as file:
        while True:
            file.write(b".")


@node
async def speaks(name: str, context: ProcessingContext) -> str:
    for number in range(50):
        print(name, number)
        context.progress(number + 1, 50)
        await asyncio.sleep(0)
    return name


@node
async def tells_hosts(context: ProcessingContext) -> list[str]:
    return sorted(context.services.allowed_hosts)


@node
async def exits_in_a_task() -> None:
    async def leave() -> None:
        raise SystemExit(3)

    await asyncio.create_task(leave())


@node
async def stops_its_loop() -> int:
    asyncio.get_running_loop().stop()
    await asyncio.sleep(0)
    return 1


@node
async def leaves_a_task(path: str) -> int:
    left = asyncio.create_task(ticks.function(path))
    await asyncio.sleep(0.01)
    return 0 if left.done() else 1


@node
async def is_deaf(path: str) -> None:
    """Swallows every cancel until its file is gone."""
    while Path(path).exists():
        try:
            await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            continue
