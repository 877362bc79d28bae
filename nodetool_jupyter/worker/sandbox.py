"""Sandboxes: what a worker may reach of its machine, settled in itself before any code of a user's is there.

All of a sandbox is in force, or nothing runs. Landlock keeps files and signals, a filter of system calls the
rest; both hold for all that the worker starts, and can't be left.
"""

from __future__ import annotations

import ctypes
import os
import re
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from socket import gaierror
from threading import active_count

from nodetool_jupyter.engine.keeping import FOLDER as KEPT
from nodetool_jupyter.errors import NodeToolError
from nodetool_jupyter.model.request import ResourceLimits
from nodetool_jupyter.values.files import make_private
from nodetool_jupyter.worker import landlock, seccomp
from nodetool_jupyter.worker.folder import RunFolder
from nodetool_jupyter.worker.inputs import make_ends
from nodetool_jupyter.worker.process import libc

OFF = "off"
NO_NEW_PRIVILEGES = 38
CAPABILITIES = 0x20080522
"""The version of the structures that say which a process has."""
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store")
OF_A_PREFIX = ("bin", "include", "lib", "lib64", "libexec", "share", "ssl", "pyvenv.cfg")
SETTINGS = (
    *("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "localtime", "timezone", "os-release"),
    *("passwd", "group", "nsswitch.conf", "host.conf", "hosts", "resolv.conf", "gai.conf", "services"),
    *("protocols", "mime.types", "fonts", "ssl/certs", "ssl/openssl.cnf", "ssl/cert.pem", "pki/tls/certs"),
    *("pki/ca-trust/extracted", "ca-certificates", "crypto-policies"),
)
FACTS = (
    *("/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/loadavg", "/proc/uptime"),
    *("/proc/version", "/proc/filesystems", "/proc/sys/kernel", "/proc/sys/vm", "/proc/sys/fs"),
    *("/sys/devices/system", "/sys/kernel/mm/transparent_hugepage", "/dev/random", "/dev/urandom"),
)
DEVICES = ("/dev/null", "/dev/zero", "/dev/full")
USUAL_VARIABLES = re.compile(r"PATH|LANG|LANGUAGE|LC_[A-Z]+|TZ")
PLACES = re.compile(r"XDG_\w+|TMPDIR|TEMP|TMP|HOME")
DISTRIBUTION = re.compile(r".+\.(dist|egg)-info")


@dataclass(frozen=True, slots=True)
class Sandbox:
    """What ``--sandbox`` names; limits are for what the request doesn't limit, memory in bytes."""

    name: str
    has_network: bool = True
    has_environment: bool = True
    """Whether the job may read the kernel's environment, secrets among it."""
    memory: int | None = None
    processes: int | None = None


SANDBOXES = {
    sandbox.name: sandbox
    for sandbox in (
        Sandbox("default"),
        Sandbox("untrusted", has_network=False, has_environment=False, memory=2**30, processes=64),
    )
}


@cache
def refusal() -> str | None:
    """Why no sandbox can be kept on this machine; None where they can."""
    if sys.platform != "linux":
        return "sandboxes are made of Linux's Landlock and seccomp"
    found = landlock.version()
    if found < landlock.LEAST:
        has = f"version {found}" if found else "none"
        return f"they need version {landlock.LEAST} of Landlock (Linux 6.12), and this system has {has}"
    if not seccomp.is_there():
        return "they need seccomp, which this system or its kind of processor hasn't got"
    return None


def sentence() -> str:
    """What can be had here, for who looks."""
    reason = refusal()
    if reason is not None:
        return f"--sandbox is refused: {reason}"
    return f"--sandbox holds by Landlock {landlock.version()} and seccomp"


def limits_in(name: str | None, limits: ResourceLimits) -> ResourceLimits:
    """The limits of a job: its own, then those of its sandbox."""
    if name is None:
        return limits
    sandbox = SANDBOXES[name]
    usual = {"memory": sandbox.memory, "processes": sandbox.processes}
    missing = {key: value for key, value in usual.items() if value and getattr(limits, key) is None}
    return limits.model_copy(update=missing)


def environment_in(name: str, environment: Mapping[str, str], folder: RunFolder) -> dict[str, str]:
    """What a job finds as its environment, with a home and a temp folder that it can write to."""
    sandbox = SANDBOXES[name]
    own = dict.fromkeys(("HOME", "TMPDIR"), str(folder.temporary))
    usual = USUAL_VARIABLES if not sandbox.has_environment else re.compile(r".*", re.DOTALL)
    kept = {key: value for key, value in environment.items() if usual.fullmatch(key)}
    return {**{key: value for key, value in kept.items() if not PLACES.fullmatch(key)}, **own}


def import_path(path: Iterable[str], private: Iterable[Path]) -> list[str]:
    """What of an import path a job may read: folders of packages. What holds a ``private`` folder, such as
    the notebook's own, is none.
    """
    holding = _holding(private)
    return [entry for entry in path if _has_packages(entry) and _identity(Path(entry)) not in holding]


def _has_packages(entry: str) -> bool:
    folder = Path(entry)
    library = [Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")]
    if folder.name in ("site-packages", "dist-packages") or any(map(folder.is_relative_to, library)):
        return True
    with suppress(OSError), os.scandir(folder) as entries:
        return any(DISTRIBUTION.fullmatch(each.name) for each in entries)
    return False


def _holding(folders: Iterable[Path]) -> set[tuple[int, int] | None]:
    """What folders are and lie in, by identity: to follow the links of every other path would take longer."""
    places = [place for folder in folders for place in (folder.resolve(), *folder.resolve().parents)]
    return {found for found in map(_identity, places) if found is not None}


def _identity(place: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(place)  # noqa: PTH116 - of some hundred places for each job
    except OSError:
        return None
    return found.st_dev, found.st_ino


def make_places(folder: RunFolder) -> None:
    """Make what the job may write to, which it can't do itself; raises OSError."""
    for place in _writable(folder):
        make_private(place)


def _writable(folder: RunFolder) -> tuple[Path, ...]:
    return folder.temporary, folder.values, folder.path / KEPT


def enter(name: str, folder: RunFolder, path: Iterable[str], resumed: str | None) -> None:
    """Put this process into a sandbox for good; raises NodeToolError or OSError, upon which nothing must run.

    ``path`` is what ``import_path`` gave, ``resumed`` the run directory from whose results the job goes on.
    """
    sandbox, reason = SANDBOXES[name], refusal()
    if reason is not None or active_count() > 1:  # Landlock binds one thread, and those that it starts
        raise NodeToolError(f"the sandbox can't be kept: {reason or 'the worker has threads already'}")
    rules = [(place, landlock.READ) for place in _readable(folder, path)]
    rules += [(folder.path, landlock.READ), *([(Path(resumed), landlock.READ)] if resumed else [])]
    rules += [(Path(device), landlock.USE) for device in DEVICES]
    rules += [(end, landlock.USE | landlock.TRUNCATE) for end in make_ends(folder)]
    rules += [(place, landlock.WRITE) for place in _writable(folder)]
    _give_up_privileges()
    landlock.restrict(rules, has_network=sandbox.has_network)
    seccomp.install(has_network=sandbox.has_network)


def hint_for(name: str, error: BaseException) -> str | None:
    """What to tell whoever's node has met the sandbox; None for an error of another kind."""
    if not isinstance(error, (PermissionError, gaierror)):
        return None
    network = "TCP and UDP alone" if SANDBOXES[name].has_network else "no network"
    return (
        f"the sandbox {name} lets a job read packages, write to its own temp folder, and use {network}; "
        "give it the data itself, or leave --sandbox out"
    )


def _readable(folder: RunFolder, path: Iterable[str]) -> Iterator[Path]:
    """The system, the interpreter and its packages; raises NodeToolError where the store lies among them."""
    places = [*map(Path, (*SYSTEM, *FACTS, *path)), *(Path("/etc", name) for name in SETTINGS)]
    places += [Path(prefix, name) for prefix in (sys.prefix, sys.base_prefix) for name in OF_A_PREFIX]
    places.append(Path(__file__).parents[1])
    holding = _holding([folder.path.parent])
    for place in places:
        if _identity(place) in holding:
            raise NodeToolError(
                f"the store lies in {place}, which every job in a sandbox may read",
                hint="set NODETOOL_HOME to a folder outside of it",
            )
        yield place


def _give_up_privileges() -> None:
    """Whatever is started gets no more rights than this process, and root's are gone; raises OSError."""
    header, none = (ctypes.c_uint32 * 2)(CAPABILITIES, 0), (ctypes.c_uint32 * 6)()
    if libc().prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0) or libc().capset(header, none):
        number = ctypes.get_errno()
        raise OSError(number, f"privileges can't be given up: {os.strerror(number)}")
