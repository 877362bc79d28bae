"""The order: what a worker is asked to run, as it lies in the run directory. Both ends are here.

All values are typed JSON. Code of the notebook goes along as a pickle, which only the worker that its own
kernel has started reads: it compares the digest that came over the wire before it reads anything.
"""

from __future__ import annotations

import base64
import hashlib
import pickle
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic_core import from_json, to_json

from nodetool_jupyter.errors import StoreError, ValueCrossingError, WorkflowError
from nodetool_jupyter.model.graph import POLICY_FIELDS, Graph, Node
from nodetool_jupyter.model.request import ResourceLimits
from nodetool_jupyter.values.base import JSON, Spill
from nodetool_jupyter.values.codec import decode, encode
from nodetool_jupyter.values.files import ValueFolder
from nodetool_jupyter.values.objects import classes_of
from nodetool_jupyter.worker.folder import ORDER, RunFolder

FIELDS = ("data", "dynamic_properties")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One attempt at one job. ``graph`` and ``params`` are encoded; times in seconds; ``code`` is base64."""

    job_id: str
    graph: dict[str, Any]
    params: dict[str, Any]
    families: dict[str, list[str]]
    limits: ResourceLimits = field(default_factory=ResourceLimits)
    code: str | None = None
    workflow_id: str = ""
    user_id: str = ""
    workspace: str = "."
    working_directory: str = "."
    path: list[str] = field(default_factory=list)
    allowed_hosts: list[str] = field(default_factory=list)
    """Which nodes may reach beside those that anybody may, as ``http_allowed_hosts`` has them."""
    thread_pool_size: int = 1
    gpus: tuple[str, ...] = ()
    """Of this machine; in a container, those that are there are looked for."""
    grace: float = 5.0
    resumed: str | None = None
    """The run directory of a job from whose results it goes on; ``reads_pickles`` if it may unpickle them."""
    reads_pickles: bool = False
    is_trusted: bool = True
    """Whether its kernel will unpickle what it gives."""
    resume_value: Any = None
    """Encoded; of an attempt that goes on after the job was suspended."""
    attempt: int = 1
    first_seq: int = 1
    is_contained: bool = False
    """Whether the supervisor and its worker have a container of their own."""
    sandbox: str | None = None
    """The sandbox that the worker puts itself into."""

    def to_bytes(self) -> bytes:
        """As it lies in the run directory."""
        return to_json(self)


def read_order(data: bytes, digest: str) -> Order:
    """The order, if it is the one that ``digest`` belongs to; raises WorkflowError."""
    if digest_of(data) != digest:
        raise WorkflowError(
            "the order in the run directory is not the one that was given", hint="run it again"
        )
    try:  # whoever knows its digest has written it: only another version's would not fit
        found = from_json(data, cache_strings="none")
        found["limits"] = ResourceLimits.model_validate(found["limits"])
        found["gpus"] = tuple(found["gpus"])
        return Order(**found)
    except (ValueError, TypeError, KeyError) as error:
        raise WorkflowError(f"the order can't be read: {error}") from None


def digest_of(data: bytes) -> str:
    """What an order is known by."""
    return hashlib.sha256(data).hexdigest()


def dump(value: Any) -> bytes:
    """A value that no codec can write, for a process that may read pickles."""
    from nodetool_jupyter.worker import pickling

    return pickling.dump(value)


def encode_graph(graph: Graph, spill: Spill) -> dict[str, JSON]:
    """A graph as an order has it; raises ValueCrossingError, which names node and property."""
    nodes = [_encode_node(node, spill) for node in graph.nodes]
    edges = [edge.model_dump(exclude_defaults=True, exclude={"ui_properties"}) for edge in graph.edges]
    return {"nodes": nodes, "edges": edges}


def _encode_node(node: Node, spill: Spill) -> dict[str, JSON]:
    shown = node.model_dump(include={"id", "type", "parent_id", "dynamic_outputs", "sync_mode"})
    title = node.ui_properties.get("title")
    if isinstance(title, str):
        shown["ui_properties"] = {"title": title}
    extra = node.model_extra or {}
    shown |= {name: extra[name] for name in POLICY_FIELDS if name in extra}
    for name in FIELDS:
        values: Mapping[str, Any] = getattr(node, name)
        if values:
            shown[name] = {
                key: encode(value, spill, name=f"node {node.id} ({node.type}), property {key}", pickle=dump)
                for key, value in values.items()
            }
    return shown


def encode_params(params: Mapping[str, Any], spill: Spill) -> dict[str, JSON]:
    """Params as an order has them; raises ValueCrossingError, which names the param."""
    return {name: encode(value, spill, name=f"param {name}", pickle=dump) for name, value in params.items()}


Find = Callable[[str], Path]
Classes = Callable[[str, str], type | None]


def decode_graph(order: Order, find: Find, classes: Classes) -> Graph:
    """The graph with its values; raises ValueCrossingError, which names node and property."""
    nodes = []
    for node in order.graph["nodes"]:
        values = {
            name: _decoded(node[name], f"node {node['id']} ({node['type']}), property", find, classes)
            for name in FIELDS
            if name in node
        }
        nodes.append({**node, **values})
    return Graph.model_validate({"nodes": nodes, "edges": order.graph["edges"]})


def decode_params(order: Order, find: Find, classes: Classes) -> dict[str, Any]:
    """The params; raises ValueCrossingError, which names the param."""
    return _decoded(order.params, "param", find, classes)


def _decoded(values: Mapping[str, JSON], what: str, find: Find, classes: Classes) -> dict[str, Any]:
    found = {}
    for name, value in values.items():
        try:
            found[name] = decode(value, find, classes, unpickle=pickle.loads)
        except ValueCrossingError as error:
            error.message = f"{what} {name}: {error.message}"
            raise
    return found


def classes_in(*encoded: JSON) -> list[type]:
    """The classes that encoded values need, as this process has them."""
    found = []
    for module, name in sorted(set().union(*map(classes_of, encoded))):
        part: Any = sys.modules.get(module)
        for step in name.split("."):
            part = getattr(part, step, None)
        if isinstance(part, type):
            found.append(part)
    return found


def pack_code(sources: Mapping[str, Any], classes: Iterable[type]) -> str | None:
    """Node types of the notebook, by type name, and classes of its values, as a pickle in base64; None where
    there are none. Raises ValueCrossingError, which names the node that can't go along and why.
    """
    listed = list(classes)
    if not sources and not listed:
        return None
    from nodetool_jupyter.worker.pickling import dump_with_files, lines_of_cells

    try:
        data, files = dump_with_files((dict(sources), listed))
    except Exception as error:
        raise _unpicklable(sources, listed, error) from error
    whole = pickle.dumps((data, lines_of_cells(files)))
    return base64.b64encode(whole).decode("ascii")


def _unpicklable(sources: Mapping[str, Any], classes: list[type], error: Exception) -> ValueCrossingError:
    """The same error for the one that is to blame."""
    parts = {f"node {name}": source for name, source in sources.items()}
    parts |= {f"class {each.__qualname__}": each for each in classes}
    to_blame = "the notebook's nodes"
    for name, part in parts.items():
        try:
            dump(part)
        except Exception as own:  # noqa: BLE001 - whatever a user's object raises when it is pickled
            to_blame, error = name, own
            break
    return ValueCrossingError(
        f"{to_blame} can't go to another process: {type(error).__name__}: {str(error)[:300]}",
        hint="make what it uses (a connection, a lock, an open file) inside of the function, or use "
        "--strategy threaded",
    )


def unpack_code(code: str | None) -> tuple[dict[str, Any], list[type]]:
    """What ``pack_code`` has packed; raises ValueCrossingError for code that can't be loaded here."""
    if code is None:
        return {}, []
    from nodetool_jupyter.worker import pickling

    try:
        data, cells = pickle.loads(base64.b64decode(code))  # noqa: S301 - of this worker's own kernel
        pickling.know_lines(cells)
        sources, classes = pickle.loads(data)  # noqa: S301
    except Exception as error:
        raise ValueCrossingError(
            f"the notebook's nodes can't be loaded in the worker: {type(error).__name__}: {str(error)[:300]}",
            hint="what they import must be importable from another process, too",
        ) from error
    for each in classes:  # where the codecs look for classes of the notebook
        if each.__module__ == "__main__" and "." not in each.__qualname__:
            setattr(sys.modules["__main__"], each.__qualname__, each)
    return sources, classes


def reread(folder: RunFolder, digest: str) -> tuple[Graph, dict[str, Any], dict[str, Any]]:
    """Graph, params and node types of an order that was given before; raises StoreError, WorkflowError and
    ValueCrossingError.
    """
    try:
        order = read_order((folder.path / ORDER).read_bytes(), digest)
    except OSError as error:
        raise StoreError(f"what the job was asked is gone: {error}", hint="run its cell again") from error
    sources, classes = unpack_code(order.code)
    known = {(each.__module__, each.__qualname__): each for each in classes}
    find = ValueFolder(folder.values).find

    def find_class(module: str, name: str) -> type | None:
        return known.get((module, name))

    return decode_graph(order, find, find_class), decode_params(order, find, find_class), sources
