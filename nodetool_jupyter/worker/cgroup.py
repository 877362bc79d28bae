"""Control groups, where this user may make them: limits for all processes of a job together, which rlimits
know only one by one. Both versions of the interface; what can't be had is not pretended.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from nodetool_jupyter.model.request import ResourceLimits
from nodetool_jupyter.worker.process import PAUSE, ROUNDS, signal_process

ROOT = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")
PREFIX = "nodetool-"
PROCESSES = "cgroup.procs"


class ControlGroup:
    """One job's group in one hierarchy, or in the unified one."""

    def __init__(self, path: Path, controllers: frozenset[str]) -> None:
        self.path = path
        self.controllers = controllers
        self._is_unified = (path / "cgroup.controllers").exists()

    def set_limits(self, limits: ResourceLimits) -> None:
        """Set those that this group's controllers know; raises OSError."""
        if "pids" in self.controllers and limits.processes is not None:
            self._write("pids.max", limits.processes)
        if "memory" in self.controllers and limits.memory is not None:
            if self._is_unified:
                self._write("memory.max", limits.memory)
                self._try_write("memory.swap.max", 0)
            else:
                self._write("memory.limit_in_bytes", limits.memory)
                self._try_write("memory.memsw.limit_in_bytes", limits.memory)

    def enter(self) -> None:
        """Move this process in; its children are born there. Raises OSError."""
        self._write(PROCESSES, 0)

    def oom_kills(self) -> int:
        """How many processes were killed for lack of memory."""
        return self._counted("memory.events" if self._is_unified else "memory.oom_control", "oom_kill")

    def refused_forks(self) -> int:
        """How often the limit of processes was hit."""
        return self._counted("pids.events", "max")

    def most_memory(self) -> int:
        """Bytes that all of its processes have had together at most; 0 where this can't be told."""
        for name in ("memory.peak", "memory.max_usage_in_bytes"):
            with suppress(OSError):
                return int((self.path / name).read_text("ascii"))
        return 0

    def remove(self) -> None:
        """End what is left in it, and remove it."""
        for _ in range(ROUNDS):
            with suppress(OSError):
                self.path.rmdir()
            if not self.path.exists():
                return
            for pid in _words(self.path / PROCESSES):
                signal_process(int(pid), signal.SIGKILL)
            threading.Event().wait(PAUSE)

    def _write(self, name: str, value: int) -> None:
        (self.path / name).write_text(str(value), "ascii")

    def _try_write(self, name: str, value: int) -> None:
        """Where swap isn't accounted for there is no such file, and nothing to bound."""
        with suppress(OSError):
            self._write(name, value)

    def _counted(self, name: str, key: str) -> int:
        with suppress(OSError):
            for line in (self.path / name).read_text("ascii").splitlines():
                word, _, number = line.partition(" ")
                if word == key:
                    return int(number)
        return 0


def make_groups(job_id: str, limits: ResourceLimits) -> list[ControlGroup]:
    """The groups that these limits need, as far as they can be made here."""
    wanted = {"pids"} if limits.processes is not None else set()
    wanted |= {"memory"} if limits.memory is not None else set()
    groups = []
    while wanted:
        made = _make(min(wanted), f"{PREFIX}{job_id}", limits)
        if made is None:
            wanted.discard(min(wanted))
        else:
            groups.append(made)
            wanted -= made.controllers
    return groups


class OwnGroup(ControlGroup):
    """The group of the container that this process is in: the engine made it; its counters can be read."""

    def enter(self) -> None:
        """This process and its children are in it."""

    def remove(self) -> None:
        """It goes with the container."""


def own_groups() -> list[ControlGroup]:
    """The groups of the container that this process is in."""
    if (ROOT / "cgroup.controllers").exists():
        return [OwnGroup(ROOT, frozenset({"memory", "pids"}))]
    return [OwnGroup(ROOT / name, frozenset({name})) for name in ("memory", "pids")]


def remove_groups(job_id: str, paths: Iterable[str]) -> None:
    """Remove the groups of a job whose supervisor can't, with all that still runs in them. They are known by
    their name: where they are was written down in a place that the job could reach.
    """
    for path in map(Path, paths):
        if path.name == f"{PREFIX}{job_id}" and path.parent.resolve().is_relative_to(ROOT):
            ControlGroup(path, frozenset()).remove()


def can_limit(controller: str) -> bool:
    """Whether groups of this controller can be made here."""
    return next(_parents(controller), None) is not None


def _make(controller: str, name: str, limits: ResourceLimits) -> ControlGroup | None:
    for parent, controllers in _parents(controller):
        path = parent / name
        try:
            path.mkdir(exist_ok=True)
            group = ControlGroup(path, controllers)
            group.set_limits(limits)
        except OSError:
            with suppress(OSError):
                path.rmdir()
            continue
        return group
    return None


def _parents(controller: str) -> Iterator[tuple[Path, frozenset[str]]]:
    """Folders in which a group with the controller may be made, and which controllers it would have."""
    for hierarchy, own in _memberships():
        if controller in hierarchy:
            mount = ROOT / controller
            found = mount / own
            for folder in (found, mount):
                if _is_writable(folder):
                    yield folder, frozenset({controller})
        elif not hierarchy:
            mount = ROOT if (ROOT / "cgroup.controllers").exists() else ROOT / "unified"
            for folder in (mount / own, (mount / own).parent):
                enabled = _words(folder / "cgroup.subtree_control")
                if controller in enabled and _is_writable(folder):
                    yield folder, enabled


def _memberships() -> Iterator[tuple[frozenset[str], str]]:
    """The controllers of each hierarchy, none for the unified one, and the path of this process there."""
    with suppress(OSError):
        for line in OWN.read_text("utf-8").splitlines():
            _, names, path = line.split(":", 2)
            yield frozenset(filter(None, names.split(","))), path.lstrip("/")


def _words(path: Path) -> frozenset[str]:
    try:
        return frozenset(path.read_text("ascii").split())
    except OSError:
        return frozenset()


def _is_writable(folder: Path) -> bool:
    return os.access(folder, os.W_OK) and os.access(folder / PROCESSES, os.W_OK)
