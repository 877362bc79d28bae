"""The environment, and how what stands there is written. No other module looks at it: settings, of which the
session makes ``Settings``, and what a job's process needs beside them.

Each of those processes imports this: it knows no setting by name but one, and is quick.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field

UNITS = {"k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}


def parse_bytes(value: object) -> object:
    """``512m``, ``1.5g`` or a number of bytes, as an int; what is no text is left to validation."""
    if not isinstance(value, str):
        return value
    text = value.strip().lower().removesuffix("b").removesuffix("i")
    factor = UNITS.get(text[-1:], 1)
    try:
        size = float(text.rstrip("kmgt") if factor > 1 else text) * factor
    except ValueError:
        raise ValueError(f"{value!r} is not a size; write it as 512m, 2g or a number of bytes") from None
    if not 1 <= size < 2**63:
        raise ValueError(f"{value!r} is not a size above zero")
    return int(size)


def parse_names(value: object) -> object:
    """``0,1`` as a tuple of both."""
    if not isinstance(value, str):
        return value
    return () if value.lower() == "none" else tuple(part.strip() for part in value.split(","))


Bytes = Annotated[int, BeforeValidator(parse_bytes), Field(gt=0)]
"""A size in bytes; ``512m``, ``1.5g`` are read too."""


def read_gpu_devices() -> tuple[str, ...]:
    """``gpu_devices``, also for a worker, which has its kernel's environment and not its settings; by default
    those of this machine that CUDA may see.
    """
    given = os.environ.get("NODETOOL_GPU_DEVICES", "").strip()
    if not given:
        there = sorted(path.name.removeprefix("nvidia") for path in Path("/dev").glob("nvidia[0-9]*"))
        given = os.environ.get("CUDA_VISIBLE_DEVICES", ",".join(there)) if there else ""
    names = parse_names(given or "none")
    return names if isinstance(names, tuple) else ()


def read_secret(name: str) -> str | None:
    """A secret from the environment, read when it is asked for: no Settings has it, so nothing shows it."""
    return os.environ.get(name)


def read_notebook_path() -> str | None:
    """The notebook whose kernel this process is, as its Jupyter Server says; None where none says it."""
    return os.environ.get("JPY_SESSION_NAME") or None


def get_environment() -> dict[str, str]:
    """The whole environment, for the processes of this kernel's jobs; it is never written to a file."""
    return dict(os.environ)


def set_environment(environment: Mapping[str, str] | None, marks: Mapping[str, str]) -> None:
    """In a process of a job: take on the kernel's environment, if one is given, and ``marks``."""
    if environment is not None:
        os.environ.clear()
        os.environ.update(environment)
    os.environ.update(marks)
