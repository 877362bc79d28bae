"""What Python would compile anew in each container, compiled when its image is built: the methods that
dataclasses write for themselves, this package's and its libraries' alike, are a sixth of a container's start.

A text that was not met then is compiled as ever, so that what runs is the same with and without.
"""

from __future__ import annotations

import dataclasses
import marshal
from functools import partial
from pathlib import Path
from types import CodeType
from typing import Any

FILE = Path(__file__).with_name("prepared.bin")
"""Beside the bytecode of this package, and like it of the very Python that has written it."""

Codes = dict[str, CodeType]


def prepare() -> None:
    """Keep what a job needs; called once, by the build of an image, in a process of its own."""
    kept: Codes = {}
    _hook(partial(_keep, kept))
    from nodetool_jupyter.worker.rehearsal import rehearse_all

    rehearse_all()
    FILE.write_bytes(marshal.dumps(kept))


def use_prepared() -> None:
    """Have what was kept be used from now on; without effect where nothing was."""
    if FILE.exists():
        kept: Codes = marshal.loads(FILE.read_bytes())  # noqa: S302 - as trusted as the bytecode beside it
        _hook(partial(_run, kept))


def _hook(run: Any) -> None:
    """dataclasses call ``exec``, which their module has no name of its own for."""
    setattr(dataclasses, "exec", run)  # noqa: B010 - a name that mypy doesn't know


def _keep(kept: Codes, text: str, *names: dict[str, Any]) -> None:
    code = kept[text] = compile(text, "<string>", "exec")
    exec(code, *names)  # noqa: S102 - dataclasses' own text


def _run(kept: Codes, text: str, *names: dict[str, Any]) -> None:
    exec(kept.get(text) or text, *names)  # noqa: S102
