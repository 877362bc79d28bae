"""What a notebook feels: loading the extension, the first cell, and what watching costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import psutil
import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

pytestmark = [pytest.mark.benchmark, pytest.mark.kernel, pytest.mark.timeout(1200)]

LOADS = 12
ROUNDS = 5
SECONDS = 30
A_SECOND = 1000
THREE_LINES = """
def load_ipython_extension(ipython):
    ipython.register_magic_function(print, "line", "three_lines")
"""
NODES = f"""
import asyncio, psutil, time
from nodetool_jupyter import node, ProcessingContext

@node
async def busy(seconds: float, context: ProcessingContext) -> int:
    told, start = 0, time.monotonic()
    while (now := time.monotonic() - start) < seconds:
        while told < now * {A_SECOND}:
            told += 1
            context.progress(told, seconds * {A_SECOND})
        await asyncio.sleep(0.01)
    return told
"""


@contextmanager
def kernel(folder: Path) -> Iterator[Callable[[str], float]]:
    """A fresh kernel; calling it runs a cell and gives the seconds until it is idle again."""
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(cwd=str(folder))
    client: Any = manager.client()
    try:
        client.start_channels()
        client.wait_for_ready(timeout=60)
        yield lambda code: run(client, code)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def run(client: BlockingKernelClient, code: str) -> float:
    start = perf_counter()
    reply: Any = client.execute_interactive(code, timeout=600, output_hook=lambda _: None)
    took = perf_counter() - start
    assert reply["content"]["status"] == "ok", reply["content"]
    return took


def test_loading(tmp_path: Path) -> None:
    """In fresh kernels, as a cell of its own; beside it the first workflow and the second."""
    (tmp_path / "three_lines.py").write_text(THREE_LINES)
    ours, floor, first, second = [], [], [], []
    cell = "%%nodetool --progress none\nstep(x=1)"
    for _ in range(LOADS):
        with kernel(tmp_path) as execute:
            execute("1")
            floor.append(execute("%load_ext three_lines"))
            ours.append(execute("%load_ext nodetool_jupyter"))
            execute("from nodetool_jupyter import node\n@node\nasync def step(x: int) -> int: return x + 1")
            first.append(execute(cell))
            second.append(execute(cell))
    ratio = median(a / b for a, b in zip(ours, floor, strict=True))
    times = [median(each) * 1e3 for each in (ours, floor, first, second)]
    print(f"\n%load_ext: {ratio:.2f} of the floor (goal 1.5); {times[0]:.1f} ms to {times[1]:.1f} ms")
    print(f"first cell {times[2]:.0f} ms, second {times[3]:.1f} ms")


def test_watching(tmp_path: Path) -> None:
    """Processor time of the kernel while one node tells 1,000 progress events a second."""
    more = []
    with kernel(tmp_path) as execute:
        execute("%load_ext nodetool_jupyter")
        execute(NODES)
        process = psutil.Process(int(read(execute, tmp_path)))
        for _ in range(ROUNDS):
            costs = {}
            for mode in ("widget", "none"):
                before = sum(process.cpu_times()[:2])
                took = execute(f"%%nodetool --progress {mode} --quiet\nbusy(seconds={SECONDS})")
                costs[mode] = (sum(process.cpu_times()[:2]) - before) / took
            more.append(costs["widget"] - costs["none"])
    shown = ", ".join(f"{share:.1%}" for share in more)
    print(f"\nlive view: {median(more):.1%} of a core more than none (goal 3 %); each {shown}")


def read(execute: Callable[[str], float], folder: Path) -> str:
    """The kernel's process id."""
    execute("import os, pathlib; pathlib.Path('pid').write_text(str(os.getpid()))")
    return (folder / "pid").read_text()
