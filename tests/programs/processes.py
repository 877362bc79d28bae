"""Nodes that start processes and threads, and change what belongs to the whole process."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from nodetool_jupyter import node

# ruff: noqa: ASYNC110, ASYNC220, ASYNC240 - these nodes do on purpose what nodes should not
SLEEP = [sys.executable, "-I", "-S", "-c", "import time; time.sleep(60)"]


def rest() -> None:
    """Do nothing for longer than any test takes."""
    threading.Event().wait(60)


def double(number: int) -> int:
    return 2 * number


@node
def pools(method: str) -> list[int]:
    import multiprocessing

    with multiprocessing.get_context(method).Pool(2) as pool:
        return pool.map(double, range(4))


@node
def executes(method: str) -> list[int]:
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(2, multiprocessing.get_context(method)) as pool:
        return list(pool.map(double, range(4)))


@node
def terminates_a_child() -> int | None:
    import multiprocessing

    process = multiprocessing.get_context("fork").Process(target=rest)
    process.start()
    process.terminate()
    process.join(10)
    return process.exitcode


@node
async def runs_async_processes() -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-S", "-c", "print('hello')", stdout=subprocess.PIPE
    )
    output, _ = await process.communicate()
    return output.decode().strip()


@node
def joins_threads() -> list[int]:
    found: list[int] = []
    threads = [threading.Thread(target=lambda n=n: found.append(n)) for n in range(8)]  # type: ignore[misc]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(found)


@node
def handles_signals() -> list[str]:
    """Has an alarm of its own, and a child whose end it is told."""
    heard: list[str] = []
    for number in (signal.SIGALRM, signal.SIGUSR1, signal.SIGCHLD):
        signal.signal(number, lambda number, _: heard.append(signal.Signals(number).name))
    signal.setitimer(signal.ITIMER_REAL, 0.02)
    os.kill(os.getpid(), signal.SIGUSR1)
    subprocess.run(["true"])
    deadline = time.monotonic() + 5
    while len(heard) < 3 and time.monotonic() < deadline:
        signal.sigtimedwait([], 0.01)
    return sorted(set(heard))


@node
def changes_the_process(folder: str) -> str:
    """What the job still needs after it: its folder, its files, its environment."""
    os.chdir(folder)
    os.umask(0o777)
    os.environ.clear()
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    sys.path.clear()
    sys.setrecursionlimit(200)
    return str(Path.cwd())


@node
def large(size: int) -> bytes:
    return b"v" * size


@node
async def leaves_daemons(path: str, count: int, holds: bool) -> str:
    """Double-forked, in sessions of their own, with ``holds`` on the pipes; they ignore SIGTERM."""
    for _ in range(count):
        _daemon(Path(path), holds=holds)
    while len(Path(path).read_text().splitlines()) < count:
        await asyncio.sleep(0.005)
    return "left"


@node
async def waits_with_daemons(path: str, count: int, holds: bool) -> None:
    await leaves_daemons.function(path, count, holds)
    await asyncio.sleep(60)


def _daemon(path: Path, *, holds: bool) -> None:
    if (child := os.fork()) != 0:
        os.waitpid(child, 0)
        return
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if os.fork() == 0:
        if not holds:
            os.closerange(0, 256)
        with path.open("a") as file:
            file.write(f"{os.getpid()}\n")
        rest()
    os._exit(0)


@node
async def resists(path: str, count: int) -> None:
    """With all of its descendants, whatever it is told."""
    children = [subprocess.Popen(SLEEP) for _ in range(count)]
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    Path(path).write_text("\n".join(str(each.pid) for each in children))
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            continue


@node
def enters_a_group(group: str, path: str) -> None:
    """A control group of its own, if it can have one."""
    with suppress(OSError):
        Path(group).mkdir()
        Path(group, "cgroup.procs").write_text("0")
    Path(path).touch()
    rest()


@node
def forks_a_bomb(path: str, most: int) -> None:
    """Every process forks on until ``most`` of them have noted themselves, or the system refuses."""
    while True:
        with Path(path).open("a") as file:
            file.write(f"{os.getpid()}\n")
        if Path(path).stat().st_size > most * 4:
            rest()
        try:
            if os.fork() == 0:
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
        except OSError:
            rest()


@node
def sees(name: str) -> Any:
    return os.environ.get(name)


@node
async def writes_name(path: str) -> None:
    Path(path).write_text("ran")


CLEANS = """
import signal, sys, time
from pathlib import Path
folder = Path(sys.argv[1])
signal.signal(signal.SIGTERM, lambda *_: ((folder / "child").touch(), sys.exit()))
(folder / "begun").touch()
time.sleep(60)
"""


@node
async def cleans_up(folder: str) -> None:
    child = subprocess.Popen([sys.executable, "-I", "-S", "-c", CLEANS, folder])
    try:
        await asyncio.sleep(60)
    finally:
        child.wait(5)
        (Path(folder) / "node").touch()
