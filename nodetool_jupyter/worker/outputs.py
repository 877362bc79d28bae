"""A job's outputs, read back from its log: the values that its output nodes have got, in order."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from nodetool_jupyter.model.events import JobUpdate, OutputUpdate, decode_event
from nodetool_jupyter.values.codec import decode

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
            outputs = {name: outputs.get(name, []) for name in event.run_state["outputs"]}
    return outputs
