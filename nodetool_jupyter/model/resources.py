"""Resource hints of a node, and what a strategy has to meet them with.

A hint bounds nothing: it says what a node needs, so that a job which could not have it is refused before it
starts.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nodetool_jupyter.environment import parse_bytes
from nodetool_jupyter.errors import OptionError

HINTS = ("cpu", "memory", "gpu")
DEVICES = re.compile(r"(device=)?[\w:-]+(,[\w:-]+)*")


@dataclass(frozen=True, slots=True)
class Resources:
    """What a node needs: cores, bytes, GPUs. ``devices`` are the GPUs that it names, else any will do."""

    cpu: float = 0.0
    memory: int = 0
    gpu: int = 0
    devices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Provision:
    """What a job may have. None where that can't be known."""

    cpus: float | None = None
    memory: int | None = None
    gpus: tuple[str, ...] | None = None


def read_resources(given: Any) -> Resources:
    """From ``{"cpu": 2, "memory": "1g", "gpu": 1}``, each of which may be left out. Raises OptionError."""
    if isinstance(given, Resources):
        return given
    if not isinstance(given, Mapping):
        raise _wrong(f"found {type(given).__name__}")
    unknown = [str(name) for name in given if name not in HINTS]
    if unknown:
        raise _wrong(f"found {unknown[0]!r}")
    gpu, devices = _gpus(given.get("gpu"))
    return Resources(_cores(given.get("cpu")), _size(given.get("memory")), gpu, devices)


def _wrong(found: str) -> OptionError:
    return OptionError(
        f"a node's resources are a dict of {', '.join(HINTS)}; {found}",
        hint='write resources={"cpu": 2, "memory": "1g", "gpu": 1}',
    )


def _cores(given: Any) -> float:
    if given is None:
        return 0.0
    is_number = isinstance(given, (int, float)) and not isinstance(given, bool)
    if not (is_number and 0 < given < math.inf):
        raise _wrong(f"cpu is a number of cores above 0, not {given!r:.40}")
    return float(given)


def _size(given: Any) -> int:
    if given is None:
        return 0
    try:
        size = parse_bytes(given)
    except ValueError as error:
        raise _wrong(f"memory: {error}") from None
    if not isinstance(size, int) or isinstance(size, bool) or size < 1:
        raise _wrong(f"memory is a size such as 512m, not {given!r:.40}")
    return size


def _gpus(given: Any) -> tuple[int, tuple[str, ...]]:
    """How many, and which where they are named."""
    if given is None:
        return 0, ()
    if isinstance(given, int) and given >= 1:
        return int(given), ()
    if isinstance(given, str) and DEVICES.fullmatch(given):
        names = tuple(name.removeprefix("cuda:") for name in given.removeprefix("device=").split(","))
        return len(names), names
    raise _wrong(f'gpu is a number of devices above 0, or such as "device=0,1", not {given!r:.40}')


def lack(needed: Resources, there: Provision) -> str | None:
    """What of it isn't there, as a sentence; None where all is."""
    if there.cpus is not None and needed.cpu > there.cpus:
        return f"needs {needed.cpu:g} cpus, there are {there.cpus:g}"
    if there.memory is not None and needed.memory > there.memory:
        return f"needs {_shown(needed.memory)} of memory, there are {_shown(there.memory)}"
    if there.gpus is None:
        return None
    missing = [name for name in needed.devices if name not in there.gpus]
    if missing:
        return f"needs GPU {missing[0]}, there are {', '.join(there.gpus) or 'none'}"
    if needed.gpu > len(there.gpus):
        return f"needs {needed.gpu} GPU{'s' if needed.gpu > 1 else ''}, there are {len(there.gpus) or 'none'}"
    return None


def _shown(size: int) -> str:
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"


def of_this_machine(gpus: tuple[str, ...]) -> Provision:
    """What a job gets that shares this machine with all else."""
    try:
        cpus = len(os.sched_getaffinity(0))
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not on macOS and Windows
        return Provision(os.cpu_count(), None, gpus)
    return Provision(cpus, memory, gpus)
