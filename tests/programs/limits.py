"""Nodes that take more than they are allowed to."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import threading
from pathlib import Path

from nodetool_jupyter import node

TAKE = """
import sys
data = bytearray(int(sys.argv[1]))
data[::4096] = b"x" * len(data[::4096])
input()
"""


@node
def takes_memory(size: int) -> int:
    data = bytearray(size)
    data[::4096] = b"x" * len(data[::4096])
    return len(data)


@node
def children_take_memory(size: int, count: int) -> list[int]:
    """Each less than the limit, together more."""
    children = [
        subprocess.Popen([sys.executable, "-I", "-S", "-c", TAKE, str(size)], stdin=subprocess.PIPE)
        for _ in range(count)
    ]
    codes = [child.wait(20) for child in children if _try_wait(child)]
    for child in children:
        child.communicate(b"\n")
    if any(codes):
        raise RuntimeError(f"children ended with {codes}")
    return codes


def _try_wait(child: subprocess.Popen[bytes]) -> bool:
    try:
        child.wait(1.0)
    except subprocess.TimeoutExpired:
        return False
    return True


@node
def takes_time() -> None:
    while True:
        pass


@node
def ignores_the_time_limit() -> None:
    import signal

    signal.signal(signal.SIGXCPU, signal.SIG_IGN)
    while True:
        pass


@node
def starts_processes(count: int) -> int:
    children = [multiprocessing.get_context("fork").Process(target=_rest) for _ in range(count)]
    for child in children:
        child.start()
    return len(children)


def _rest() -> None:
    threading.Event().wait(30)


@node
def starts_threads(count: int) -> int:
    release = threading.Event()
    threads = [threading.Thread(target=release.wait, daemon=True) for _ in range(count)]
    try:
        for thread in threads:
            thread.start()
    finally:
        release.set()
    return len(threads)


@node
def opens_files(count: int) -> int:
    return len([os.open(os.devnull, os.O_RDONLY) for _ in range(count)])


@node
def writes_a_file(path: str, size: int) -> int:
    return Path(path).write_bytes(b"x" * size)


@node
def uses_pandas(size: int) -> float:
    import pandas as pd

    frame = pd.DataFrame({"a": range(size), "b": [str(number % 7) for number in range(size)]})
    return float(frame.groupby("b")["a"].mean().sum())


@node
def multiplies(size: int) -> float:
    import numpy as np

    left = np.ones((size, size))
    return float((left @ left)[0, 0])


@node
def prints_lines(count: int, length: int) -> int:
    for number in range(count):
        print(str(number).rjust(length, "."))
    return count


@node
def prints_then_waits() -> None:
    print("waiting")
    threading.Event().wait(30)
