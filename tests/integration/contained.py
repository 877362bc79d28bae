"""Nodes that look around in their container, use it up, and break out of it as far as they get."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
from pathlib import Path
from typing import Any

from nodetool_jupyter import node
from nodetool_jupyter.job import Job
from nodetool_jupyter.model.request import ResourceLimits
from nodetool_jupyter.session import Session
from tests.unit.engine.support import Out, graph, spec_of

CGROUPS = Path("/sys/fs/cgroup")
STATUS = ("CapEff", "CapBnd", "NoNewPrivs", "Seccomp")


@node
def looks() -> dict[str, Any]:
    """What a job can tell of its own surroundings."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    shm, tmp = os.statvfs("/dev/shm"), os.statvfs("/tmp")
    return {
        "ids": [os.getuid(), os.getgid(), os.geteuid(), os.getegid(), *os.getgroups()],
        "status": {name: status[name] for name in STATUS},
        "interfaces": [name for _, name in socket.if_nameindex()],
        "shm": shm.f_blocks * shm.f_frsize,
        "tmp": tmp.f_blocks * tmp.f_frsize,
        "memory": read_bound("memory/memory.limit_in_bytes", "memory.max"),
        "swap": read_bound("memory/memory.memsw.limit_in_bytes", "memory.swap.max"),
        "pids": read_bound("pids/pids.max", "pids.max"),
        "cpu": read_bound("cpu/cpu.cfs_quota_us", "cpu.max"),
        "files": sorted(each.name for each in Path("/job").iterdir()),
        "environment": dict(os.environ),
        "init": Path("/proc/1/cmdline").read_text("utf-8").split("\0")[0],
    }


def read_bound(old: str, new: str) -> str:
    for path in (CGROUPS / old, CGROUPS / new):
        if path.exists():
            return path.read_text("ascii").split()[0]
    return ""


@node
async def hangs() -> None:
    await asyncio.Event().wait()


@node
async def counts(lines: int) -> int:
    for line in range(lines):
        print(line)
        await asyncio.sleep(0.01)
    return lines


@node
async def counts_on() -> int:
    """Until a file in its run directory says that it is enough."""
    number = 0
    while not Path("/job/enough").exists():  # noqa: ASYNC240 - a look takes microseconds
        print(number)
        number += 1
        await asyncio.sleep(0.01)
    return number


@node
def hoards(megabytes: int) -> int:
    return len(bytearray(megabytes * 2**20))


@node
def forks(count: int) -> int:
    """Start processes until it may not."""
    children = []
    try:
        children.extend(subprocess.Popen(["sleep", "60"]) for _ in range(count))
    finally:
        for child in children:
            child.kill()
            child.wait()
    return len(children)


@node
def fills(path: str, megabytes: int) -> int:
    with Path(path).open("wb", buffering=0) as file:
        for _ in range(megabytes):
            file.write(bytes(2**20))
    return megabytes


@node
def kills_supervisor(number: int) -> None:
    """What owns the worker is of the same user."""
    Path("/job/begun").touch()
    os.kill(os.getppid(), number)
    while True:
        pass


@node
def has_secret(name: str) -> str | None:
    return os.environ.get(name)


def submit(session: Session, kind: Any, data: dict[str, Any] | None = None, **options: Any) -> Job:
    """A job of one node in a container; ``options`` are limits and the strategy's."""
    limits = {name: options.pop(name) for name in list(options) if name in ResourceLimits.model_fields}
    session.registry.add(spec_of(kind))
    return session.submit(
        graph({"a": (kind, data or {}), "o": Out}, "a > o.value"),
        strategy="docker",
        limits=ResourceLimits(**limits),
        options=options,
    )


@node
def misleads(target: str) -> None:
    """Replace what the kernel will read and write by links to a file of the machine's, then die."""
    for name in ("events.jsonl", "exit.json", "lock", "output.log", "values", "control", "tmp", "reserve"):
        path = Path("/job") / name
        path.unlink(missing_ok=True) if not path.is_dir() else path.rename(path.with_suffix(".old"))
        path.symlink_to(target)
    os.kill(os.getppid(), 9)
    while True:
        pass


@node
def bombs() -> None:
    """Forks until it may not, in every child."""
    while True:
        try:
            os.fork()
        except OSError:
            continue
