"""A job's outputs, read back from its log: the values that its output nodes have got, in order; and what its
processes wrote by themselves.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from nodetool_jupyter.model.events import JobUpdate, OutputUpdate, decode_event
from nodetool_jupyter.values.codec import decode
from nodetool_jupyter.values.files import read_plain
from nodetool_jupyter.worker.folder import EXIT, OUTPUT, RunFolder
from nodetool_jupyter.worker.output import HEAD, TAIL, Output

SHOWN_HEAD = 8 * 1024
SHOWN_TAIL = 24 * 1024
"""Bytes of what was written that are given back, of the beginning and of the end."""
MARKS = (b'"output_update"', b'"run_state"')
"""What lines have in them that are of interest here; values may have it too."""


def read_shapes(lines: Iterable[bytes]) -> dict[str, bool]:
    """Output names in the graph's order, and whether each is a list, as the run's first message says."""
    for line in lines:
        event = decode_event(line) if MARKS[1] in line else None
        if isinstance(event, JobUpdate) and event.run_state is not None:
            return dict(event.run_state["outputs"])
    return {}


def unpickler(strategy: str, options: Mapping[str, Any]) -> Callable[[bytes], Any] | None:
    """What reads pickles of a job's values: only where this user's own process wrote them, outside of any
    sandbox, or the user trusts it by ``--trust``.
    """
    is_own = strategy == "subprocess" and options.get("sandbox", "off") == "off"
    return pickle.loads if is_own or options.get("trust") else None


def read_outputs(
    lines: Iterable[bytes],
    find: Callable[[str], Path],
    unpickle: Callable[[bytes], Any] | None = None,
) -> dict[str, list[Any]]:
    """``{output name: [values in order]}``; ``find`` gives the files of large values. Raises
    ValueCrossingError for a value that can't be read back.
    """
    outputs: dict[str, list[Any]] = {}
    for line in lines:
        if not any(mark in line for mark in MARKS):
            continue
        event = decode_event(line)
        if isinstance(event, OutputUpdate):
            outputs.setdefault(event.output_name, []).append(decode(event.value, find, unpickle=unpickle))
        elif isinstance(event, JobUpdate) and event.run_state is not None:
            outputs = {name: [] for name in event.run_state["outputs"]}  # a resumed run gives all of them
    return outputs


def read_written(folder: RunFolder) -> str:
    """What the processes of a job wrote to stdout and stderr, beside its nodes' logs, once it has ended: the
    beginning and the end, with how much was left out.
    """
    try:
        data = read_plain(folder.path / OUTPUT)
    except FileNotFoundError:
        return ""
    shown = Output(SHOWN_HEAD, SHOWN_TAIL)
    shown.dropped = int(folder.read_record(EXIT).get("dropped_bytes", 0))
    parts = (data[:HEAD], data[-TAIL:]) if shown.dropped else (data,)
    for part in parts:
        shown.add(part)
    return shown.whole().decode(errors="backslashreplace")
