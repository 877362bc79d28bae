"""Pickles between a kernel and its own worker: functions and classes of the notebook by value.

What cloudpickle leaves behind goes along here: the names of the cells that code came from, so that a
traceback shows its lines, and the identity of the mark by which dataclasses know a field without a default.
"""

from __future__ import annotations

import dataclasses
import io
import linecache
import marshal
import os
import types
from typing import Any

import cloudpickle

MOST_LINES = 20_000
"""Lines of source that go along at most."""


class Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # it ships no types
    """Notes the files of the code that it has pickled."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self.files: set[str] = set()

    def reducer_override(self, obj: Any) -> Any:
        if type(obj) is types.CodeType:
            self.files.add(obj.co_filename)
            return marshal.loads, (marshal.dumps(obj),)
        if obj is dataclasses.MISSING:
            return "MISSING"
        return super().reducer_override(obj)


def dump(value: Any) -> bytes:
    """Pickle any value; raises what its own code raises."""
    return dump_with_files(value)[0]


def dump_with_files(value: Any) -> tuple[bytes, set[str]]:
    """The pickle, and the files that its code came from."""
    buffer = io.BytesIO()
    pickler = Pickler(buffer)
    pickler.dump(value)
    return buffer.getvalue(), pickler.files


def lines_of_cells(files: set[str]) -> dict[str, list[str]]:
    """The source of cells, which no other process finds on the disk."""
    found: dict[str, list[str]] = {}
    count = 0
    for name in sorted(files):
        if not os.path.exists(name):  # noqa: PTH110 - a cell's name is no path
            lines = linecache.getlines(name)
            count += len(lines)
            if lines and count <= MOST_LINES:
                found[name] = lines
    return found


def know_lines(cells: dict[str, list[str]]) -> None:
    """Have tracebacks of this process show these lines."""
    for name, lines in cells.items():
        linecache.cache[name] = (sum(map(len, lines)), None, lines, name)
