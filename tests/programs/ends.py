"""Nodes that end their own process, or someone else's, in every way there is."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
import threading
from pathlib import Path

from nodetool_jupyter import node

# ruff: noqa: ASYNC240 - a trace is written where the node runs, and costs microseconds


@node
async def kills_itself(number: int) -> None:
    print("about to go")
    await asyncio.sleep(0.05)
    os.kill(os.getpid(), number)
    await asyncio.sleep(60)


@node
def reads_nowhere() -> None:
    ctypes.string_at(0)


@node
def reads_nowhere_in_a_thread() -> None:
    thread = threading.Thread(target=ctypes.string_at, args=(0,))
    thread.start()
    thread.join()


@node
def exits_at_once(code: int) -> None:
    os._exit(code)


@node
def calls_exit(code: int) -> None:
    sys.exit(code)


@node
def aborts() -> None:
    os.abort()


@node
async def stops(path: str) -> None:
    """Stands still, as a program in a terminal does after Ctrl-Z."""
    Path(path).touch()
    os.kill(os.getpid(), signal.SIGSTOP)
    await asyncio.sleep(60)


@node
def kills_its_supervisor() -> None:
    os.kill(os.getppid(), signal.SIGKILL)
    threading.Event().wait(60)


@node
def returns_twice() -> str:
    """What a node does that forks and forgets to end its child."""
    return "child" if os.fork() == 0 else "parent"


@node
def raises_in_a_fork() -> str:
    if os.fork() == 0:
        raise ValueError("in the child")
    return "parent"


@node
async def returns_twice_on_the_loop() -> str:
    await asyncio.sleep(0)
    return "child" if os.fork() == 0 else "parent"
