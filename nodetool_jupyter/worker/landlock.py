"""Landlock, by its three system calls: which files a process and all that it starts may use, and whom it may
signal. What is not granted here is refused; nothing takes it back.

It knows no owner, mode or time of a file: those are for the filter of system calls to keep.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from stat import S_ISDIR

from nodetool_jupyter.worker.process import libc

CREATE, ADD, RESTRICT = 444, 445, 446
"""The same on all machines that are younger than the unified table."""
ASK_VERSION = 1
PATH_BENEATH = 1
LEAST = 6
"""The first version that keeps signals in: Linux 6.12."""
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = (1 << bit for bit in range(4))
MAKE_CHAR, MAKE_BLOCK, TRUNCATE, IOCTL_DEV = 1 << 6, 1 << 11, 1 << 14, 1 << 15
EVERYTHING = (1 << 16) - 1
READ = EXECUTE | READ_FILE | READ_DIR
USE = READ_FILE | WRITE_FILE
WRITE = EVERYTHING & ~(MAKE_CHAR | MAKE_BLOCK | IOCTL_DEV)
OF_A_FILE = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE
BIND_AND_CONNECT = 3
ABSTRACT_SOCKETS_AND_SIGNALS = 3
NO_PATH = getattr(os, "O_PATH", 0) | getattr(os, "O_CLOEXEC", 0)


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scope", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def version() -> int:
    """Which version of Landlock this system has; 0 where it has none."""
    if sys.platform != "linux":
        return 0
    return max(0, _call(CREATE, None, 0, ASK_VERSION))


def restrict(rules: Iterable[tuple[Path, int]], *, has_network: bool) -> None:
    """Leave this thread, and all that it starts, the rights of the rules alone; raises OSError. A rule for
    what isn't there grants nothing.
    """
    network = 0 if has_network else BIND_AND_CONNECT
    wanted = _Ruleset(EVERYTHING, network, ABSTRACT_SOCKETS_AND_SIGNALS)
    ruleset = _checked(_call(CREATE, ctypes.byref(wanted), ctypes.sizeof(wanted), 0))
    try:
        for path, rights in rules:
            with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
                _grant(ruleset, path, rights)
        _checked(_call(RESTRICT, ruleset, 0))
    finally:
        os.close(ruleset)


def _grant(ruleset: int, path: Path, rights: int) -> None:
    place = os.open(path, NO_PATH)
    try:
        if not S_ISDIR(os.fstat(place).st_mode):
            rights &= OF_A_FILE
        rule = _PathBeneath(rights, place)
        _checked(_call(ADD, ruleset, PATH_BENEATH, ctypes.byref(rule), 0))
    finally:
        os.close(place)


def _call(number: int, *arguments: object) -> int:
    words = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    return int(libc().syscall(ctypes.c_long(number), *words))


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"Landlock: {os.strerror(number)}")
    return result
