"""What the operating system knows of processes: who descends from whom, who is told of whose end.

On Linux all of it; elsewhere what can't be had says so by its return value, and nobody assumes it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

PR_SET_DUMPABLE = 4
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
START_TIME = 19
"""Its place among the fields of /proc/PID/stat that follow the command's closing parenthesis."""
COOKIE = "NODETOOL_JOB_ID"
"""The environment variable that marks all processes of a job."""
ROUNDS = 200
PAUSE = 0.005


def become_subreaper() -> bool:
    """Have every descendant whose parent ends become a child of this process; False where that can't be."""
    return _prctl(PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent(parent: int) -> None:
    """Have this process killed when ``parent``, which has just forked it, ends; at once if it has."""
    if _prctl(PR_SET_PDEATHSIG, signal.SIGKILL) and os.getppid() != parent:
        os._exit(1)


def refuse_tracers() -> bool:
    """Have no other process of this user attach to this one; False where that can't be."""
    return _prctl(PR_SET_DUMPABLE, 0)


def _prctl(option: int, value: int) -> bool:
    if sys.platform != "linux":
        return False
    return bool(libc().prctl(option, value, 0, 0, 0) == 0)


@cache
def libc() -> ctypes.CDLL:
    """The C library of this process."""
    return ctypes.CDLL(None, use_errno=True)


def children_of(pid: int) -> list[int]:
    """The children of a process, of all of its threads; none where this can't be told."""
    found: list[int] = []
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - a Path each costs more than the rest
            with suppress(OSError):
                found += map(int, Path(f"/proc/{pid}/task/{thread}/children").read_text("ascii").split())
    return found


def descendants_of(pid: int) -> Iterator[int]:
    """Children, their children and so on, each before its own."""
    waiting = children_of(pid)
    seen = set(waiting)
    while waiting:
        child = waiting.pop()
        yield child
        more = [each for each in children_of(child) if each not in seen]
        seen.update(more)
        waiting += more


def kill_descendants(pid: int) -> int:
    """Kill all that descends from ``pid``, this process, and collect it; gives how many there were.

    Again and again, as what is killed may have forked just before; whoever has left the tree by ending its
    parent is found too where this process is a subreaper.
    """
    killed: set[int] = set()
    if not _has_children():  # nor has it any descendants: they would be its children by now
        return 0
    for _ in range(ROUNDS):
        found = list(descendants_of(pid))
        for child in found:
            killed.add(child)
            signal_process(child, signal.SIGKILL)
        if not collect_children() and not found:
            break
    return len(killed)


def collect_children() -> bool:
    """Wait for the children that have ended, briefly for one that is about to; whether any are left."""
    if not _has_children():
        return False
    signal.sigtimedwait([signal.SIGCHLD], PAUSE) if hasattr(signal, "sigtimedwait") else None
    return True


def _has_children() -> bool:
    """Wait for the children that have ended; whether any are left."""
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return False
        if pid == 0:
            return True


def signal_process(pid: int, number: int) -> bool:
    """Send a signal; False where the process has ended, or has become another user's."""
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def signal_group(pid: int, number: int) -> bool:
    """Send a signal to the process group that ``pid`` leads; False where there is none."""
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return False
    except PermissionError:  # macOS says so of a group of zombies
        return False
    return True


def group_of(pid: int) -> int:
    """The process group of a process; 0 where it has ended."""
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0


def sweep(job_id: str) -> int:
    """Kill what a job has left running that no parent of ours knows any more, by the mark in its environment;
    gives how many there were.
    """
    mark = f"{COOKIE}={job_id}".encode()
    killed = 0
    for entry in Path("/proc").glob("[0-9]*") if sys.platform == "linux" else ():
        with suppress(OSError):
            if mark in (entry / "environ").read_bytes().split(b"\0") and int(entry.name) != os.getpid():
                killed += signal_process(int(entry.name), signal.SIGKILL)
    return killed


def start_time(pid: int) -> str:
    """When a process was started, in the system's ticks: with the id it tells it from later ones. Empty where
    there is no such process, or this can't be told.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("ascii", errors="replace")
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[START_TIME]


@cache
def identity_of(pid: int) -> dict[str, Any]:
    """What tells a living process of ours from any other, on this boot of the machine or another."""
    return {"pid": pid, "start_time": start_time(pid), "boot_id": boot_id()}


@cache
def boot_id() -> str:
    """Which boot of the machine this is; empty where this can't be told."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


def name_of_signal(number: int) -> str:
    """``SIGKILL``; a number for what has no name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
