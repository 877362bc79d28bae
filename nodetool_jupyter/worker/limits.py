"""Limits of one process, set in itself before any code of a user's runs, and what an exceeded one looks like.

They hold for each process of the job by itself: a child has the same limits, not a share of them. Where
control groups can be made, memory and processes are bounded for all of them together, too.
"""

from __future__ import annotations

import errno
import os
import resource
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from nodetool_jupyter.errors import ErrorCode
from nodetool_jupyter.model.events import Fault
from nodetool_jupyter.model.request import ResourceLimits
from nodetool_jupyter.worker.cgroup import can_limit

ENFORCED = frozenset({"timeout", "memory", "cpu_seconds", "processes", "open_files", "file_size"})
LEAST_FILES = 32
"""Open files that the worker itself needs."""


def refusal(limits: ResourceLimits) -> str | None:
    """Why these limits can't be enforced on this machine; None where they can."""
    if limits.processes is not None and os.geteuid() == 0 and not can_limit("pids"):
        return "the system doesn't count the root user's processes, and control groups can't be made here"
    if limits.open_files is not None and limits.open_files < LEAST_FILES:
        return f"open_files must be at least {LEAST_FILES}: the worker itself needs that many"
    if limits.memory is not None and sys.platform != "linux":
        return "memory can only be limited on Linux"
    return None


def apply(limits: ResourceLimits, *, is_grouped: bool = False) -> None:
    """Limit this process; raises OSError or ValueError, upon which nothing must be run. ``is_grouped`` is a
    job whose processes a control group counts.
    """
    for which, soft, hard in _wanted(limits):
        if which == resource.RLIMIT_NPROC and is_grouped:
            continue
        # The system counts all processes of the user: those that run already are not the job's.
        others = _tasks_of_user() if which == resource.RLIMIT_NPROC else 0
        _, highest = resource.getrlimit(which)
        most = sys.maxsize if highest == resource.RLIM_INFINITY else highest
        resource.setrlimit(which, (min(soft + others, most), min(hard + others, most)))


def _tasks_of_user() -> int:
    """Processes and threads that run as this user, as far as that can be told."""
    count = 0
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if entry.stat().st_uid == os.getuid():
                count += len(os.listdir(entry / "task"))  # noqa: PTH208 - a Path each costs more than the rest
    return count


def _wanted(limits: ResourceLimits) -> Iterator[tuple[int, int, int]]:
    yield resource.RLIMIT_CORE, 0, 0
    if limits.memory is not None:
        # Data, not address space: mapped libraries and files take none of the memory that is meant.
        yield resource.RLIMIT_DATA, limits.memory, limits.memory
    if limits.cpu_seconds is not None:
        # At the soft limit SIGXCPU ends the process, which tells it from any other kill.
        yield resource.RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds + 1
    if limits.processes is not None:
        yield resource.RLIMIT_NPROC, limits.processes, limits.processes
    if limits.open_files is not None:
        yield resource.RLIMIT_NOFILE, limits.open_files, limits.open_files
    if limits.file_size is not None:
        yield resource.RLIMIT_FSIZE, limits.file_size, limits.file_size


def sized(count: float) -> str:
    """``512 MiB``."""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if count < 1024 or unit == "GiB":
            break
        count /= 1024
    return f"{count:.4g} {unit}"


def reached(error: BaseException, limits: ResourceLimits, most_memory: int) -> Fault | None:
    """The fault of a node whose exception means that a limit, or the disk's end, was reached; None for any
    other.

    ``most_memory`` is what the process has used at most, in bytes.
    """
    if isinstance(error, MemoryError) and limits.memory is not None:
        return Fault(
            code=ErrorCode.MEMORY_LIMIT,
            message=f"it needed more than the limit memory of {sized(limits.memory)} "
            f"({sized(most_memory)} were in use at most)",
            hint="give it more with --memory",
        )
    if isinstance(error, OSError):
        return _reached_by_call(error, limits)
    return None


def _reached_by_call(error: OSError, limits: ResourceLimits) -> Fault | None:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        where = f": {error.filename}" if error.filename else ""
        return Fault(
            code=ErrorCode.DISK_FULL,
            message=f"the disk is full ({error.strerror}{where})",
            hint="free some space, or set NODETOOL_HOME to a folder on another disk",
        )
    said = {
        errno.EFBIG: ("file_size", limits.file_size and sized(limits.file_size), "a file grew beyond"),
        errno.EMFILE: ("open_files", limits.open_files, "it had more files open than"),
        errno.EAGAIN: ("processes", limits.processes, "it started more processes or threads than"),
    }.get(error.errno or 0)
    if said is None or said[1] is None:
        return None
    name, limit, what = said
    return Fault(
        code=ErrorCode.RESOURCE_LIMIT,
        message=f"{what} the limit {name} of {limit}",
        hint=f"give the job more with {name}",
    )
