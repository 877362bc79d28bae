"""Results of nodes that have completed, kept on disk while their job runs: another can go on from them.

A job that is over before it is old enough keeps nothing, one that completes lets go of what it kept. Values
above a bound aren't kept: their nodes run again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any, BinaryIO

from pydantic_core import from_json, to_json

from nodetool_jupyter.engine.context import Resumption
from nodetool_jupyter.engine.plan import Plan, PlanNode
from nodetool_jupyter.engine.resuming import Kept, keys_of, resume
from nodetool_jupyter.errors import NodeToolError, StoreError
from nodetool_jupyter.values.codec import decode, encode
from nodetool_jupyter.values.files import ValueFolder, append_private

FOLDER = "kept"
"""One of its own in the run directory: a worker in a sandbox may write to it alone."""
NAME = f"{FOLDER}/results.jsonl"
STATE = f"{FOLDER}/suspended.json"
YOUNG = 0.05
"""Seconds of a job's life in which nothing is written, and between two writes after them."""
LARGEST = 16 * 1024 * 1024
"""Bytes of a value that is kept."""


class Keeper:
    """Keeps what the nodes of one run give. ``pickle`` writes what nothing else can. Thread-safe."""

    def __init__(
        self, plan: Plan, folder: Path, values: Path, pickle: Callable[[Any], bytes] | None = None
    ) -> None:
        self._plan = plan
        self._folder = folder
        self._path = folder / NAME
        self._spill = _BoundedSpill(values)
        self._pickle = pickle
        self._keys: dict[str, str] | None = None
        self._waiting: list[tuple[PlanNode, Mapping[str, Any]]] = []
        self._lock = threading.Lock()
        self._written = monotonic()
        self._is_closed = False

    def keep(self, node: PlanNode, outputs: Mapping[str, Any]) -> None:
        """A node has completed with these values by handle; called for nodes that give one value a handle."""
        self._waiting.append((node, outputs))
        self.flush()

    def resume(self, kept: Mapping[str, Kept]) -> int:
        """Change the plan, which has not run yet, to go on from ``kept``; gives how many nodes that saves."""
        return resume(self._plan, self._node_keys(), kept)

    def _node_keys(self) -> dict[str, str]:
        if self._keys is None:
            self._keys = keys_of(self._plan, str(self._folder))
        return self._keys

    def flush(self) -> None:
        """Write what waits, if it is time to."""
        if self._waiting and monotonic() - self._written >= YOUNG:
            self._write()

    def suspend(self, node_id: str, state: Any) -> None:
        """Keep the state of a node that suspends the job; raises ValueCrossingError, StoreError, OSError."""
        encoded = encode(state, self._spill, name="state", pickle=self._pickle)
        path = self._folder / STATE
        fresh = path.with_name(f".{path.name}")
        fresh.unlink(missing_ok=True)
        append_private(fresh, to_json({"node": node_id, "state": encoded}))
        fresh.replace(path)

    def close(self, *, is_completed: bool) -> None:
        """The run is over. Harmless twice."""
        with self._lock:
            if self._is_closed:
                return
        if not is_completed:
            self._write()
        with self._lock:
            self._is_closed = True
            self._waiting.clear()
        if is_completed:
            with suppress(OSError):
                self._path.unlink(missing_ok=True)

    def _write(self) -> None:
        with self._lock:
            self._written = monotonic()
            waiting, self._waiting = self._waiting, []
            if self._is_closed:
                return
            lines = b"".join(filter(None, (self._line(node, outputs) for node, outputs in waiting)))
            with suppress(OSError):  # what can't be kept is computed again
                append_private(self._path, lines)

    def _line(self, node: PlanNode, outputs: Mapping[str, Any]) -> bytes:
        try:
            encoded = {
                name: encode(value, self._spill, pickle=self._pickle) for name, value in outputs.items()
            }
            return to_json({"node": node.id, "key": self._node_keys()[node.id], "outputs": encoded}) + b"\n"
        except (NodeToolError, OSError, ValueError, RecursionError):
            return b""


class _BoundedSpill(ValueFolder):
    """Writes values of bounded size."""

    def write(self, name_hint: str, suffix: str, data: bytes | Callable[[BinaryIO], None]) -> str:
        if isinstance(data, bytes) and len(data) > LARGEST:
            raise StoreError("the value is too large to be kept")
        return super().write(name_hint, suffix, data)


def read_kept(
    folder: Path, values: Path, unpickle: Callable[[bytes], Any] | None = None
) -> Iterator[tuple[str, Kept]]:
    """(node id, what it gave) of an earlier run, the latest last; what can't be read isn't there."""
    find = ValueFolder(values).find
    try:
        lines = (folder / NAME).read_bytes().split(b"\n")[:-1]
    except OSError:
        return
    for line in lines:
        with suppress(NodeToolError, ValueError, KeyError, TypeError):
            found = from_json(line)
            outputs = {
                name: decode(value, find, unpickle=unpickle) for name, value in found["outputs"].items()
            }
            yield str(found["node"]), Kept(str(found["key"]), outputs)


def read_state(
    folder: Path, values: Path, value: Any, unpickle: Callable[[bytes], Any] | None = None
) -> Resumption:
    """What a suspended job goes on with, ``value`` included; raises StoreError where it is gone."""
    try:
        found = from_json((folder / STATE).read_bytes())
        state = decode(found["state"], ValueFolder(values).find, unpickle=unpickle)
        return Resumption(str(found["node"]), state, value)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"the state of the suspended job can't be read: {error}", hint="%nodetool retry runs it again"
        ) from error
