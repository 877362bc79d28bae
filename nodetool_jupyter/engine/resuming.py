"""Going on from an earlier run: which of its results still hold, and the plan that makes use of them.

A result holds for a node of the same id, type, source, properties and inputs, where an input is the same if
the node that it comes from is: what a node reads besides, files or the time, isn't looked at.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, BinaryIO

from pydantic_core import to_json

from nodetool_jupyter.engine.code import add_code, in_words
from nodetool_jupyter.engine.plan import Plan, PlanNode
from nodetool_jupyter.engine.spec import NO_POLICY, NodeSpec, Role, Shape
from nodetool_jupyter.engine.wiring import Wiring
from nodetool_jupyter.errors import NodeToolError
from nodetool_jupyter.model.graph import DEFAULT_HANDLE
from nodetool_jupyter.values.codec import encode

SHOWING = (Role.OUTPUT, Role.PREVIEW)
METHODS = ("process", "gen_process", "accept")


@dataclass(frozen=True, slots=True)
class Kept:
    """What a node gave in an earlier run, by handle, and the key under which that holds."""

    key: str
    outputs: Mapping[str, Any]


def keys_of(plan: Plan, own: str = "") -> dict[str, str]:
    """For each node what its result depends on, as a digest. What was pushed to a job is its ``own``."""
    keys: dict[str, str] = {}
    sources: dict[str, str] = {}
    for node in plan.nodes:
        if node.spec.type not in sources:
            sources[node.spec.type] = _source_of(node.spec)
        inner = [] if node.spec.nested is None else [*keys_of(node.spec.nested).values()]
        inputs = [(keys[edge.source_id], edge.source_handle, edge.target_handle) for edge in node.incoming]
        parts = [node.id, node.spec.type, node.sync_mode, sources[node.spec.type], inputs]
        parts += [own] if node.is_fed else inner
        values = [_digest(values) for values in (node.properties, node.dynamic_properties)]
        keys[node.id] = hashlib.sha256(to_json([*parts, *values])).hexdigest()
    return keys


def _digest(values: Mapping[str, Any]) -> list[Any]:
    """Properties as JSON; one that can't be written makes the node one of its own."""
    try:
        return digest_of_values(values)
    except NodeToolError:
        return [id(values)]


def digest_of_values(values: Mapping[str, Any]) -> list[Any]:
    """Values by name as JSON, large ones as a digest; raises ValueCrossingError for one that has no form."""
    return [[name, encode(value, _Digests())] for name, value in sorted(values.items())]


class _Digests:
    """In place of the files of large values: what is in them."""

    def write(self, _name_hint: str, _suffix: str, data: bytes | Callable[[BinaryIO], None]) -> str:
        digest = hashlib.sha256()
        if isinstance(data, bytes):
            digest.update(data)
        else:
            data(_Sink(digest.update))  # type: ignore[arg-type]  # writers only write
        return digest.hexdigest()


class _Sink:
    def __init__(self, update: Callable[[Any], None]) -> None:
        self._update = update

    def write(self, data: Any) -> int:
        self._update(data)
        return len(data)

    def flush(self) -> None:
        """There is nothing to flush."""


def _source_of(spec: NodeSpec) -> str:
    """What a node type does, as far as its own code says; that of the functions it calls isn't looked at."""
    digest = hashlib.sha256()
    source = spec.source
    functions = [getattr(source, "function", None), *(getattr(source, name, None) for name in METHODS)]
    for function in functions:
        code = getattr(function, "__code__", None)
        if code is not None:
            add_code(digest.update, code)
            digest.update(in_words(getattr(function, "__defaults__", None)).encode("ascii"))
    return digest.hexdigest()


def resume(plan: Plan, keys: Mapping[str, str], kept: Mapping[str, Kept]) -> int:
    """Change a plan so that nodes whose results hold give these at once, and nodes that nobody needs then
    don't run; gives how many were kept.
    """
    holding = {
        node.id: kept[node.id].outputs
        for node in plan.nodes
        if node.id in kept and kept[node.id].key == keys[node.id]
    }
    needed: set[str] = set()
    for node in reversed(plan.nodes):
        targets = [edge.target.id for edges in node.outgoing.values() for edge in edges]
        is_needed = not targets or node.spec.role in SHOWING or not needed.isdisjoint(targets)
        if node.id not in holding and is_needed:
            needed.add(node.id)
    plan.nodes[:] = [node for node in plan.nodes if node.id in needed or node.id in holding]
    plan.fed = tuple(node for node in plan.fed if node.id in needed)
    for index, node in enumerate(plan.nodes):
        node.index = index
        for handle, edges in node.outgoing.items():
            node.outgoing[handle] = [edge for edge in edges if edge.target.id in needed]
        if node.id in holding:
            _give(node, holding[node.id])
    return len(holding)


def _give(node: PlanNode, outputs: Mapping[str, Any]) -> None:
    """Make a node one that has no inputs and gives what it gave."""
    node.incoming = []
    node.is_controlled = False
    node.wiring = Wiring({})
    node.gathered = frozenset()
    node.dynamic_properties = MappingProxyType({})
    if node.spec.role in SHOWING:
        node.properties = {**node.properties, "value": outputs.get(DEFAULT_HANDLE)}
        return
    given = _Given(outputs)
    node.properties = MappingProxyType({})
    node.spec = replace(
        node.spec,
        role=Role.NODE,
        shape=Shape.COROUTINE,
        bind=lambda _properties, _dynamic: given,
        plain=None,
        dynamic=True,
        reads_stream=False,
        wants_context=False,
        routes=True,
        result_checks=None,
        policy=NO_POLICY,
    )
    node.fires_once = True


class _Given:
    """A node that has run before."""

    def __init__(self, outputs: Mapping[str, Any]) -> None:
        self._outputs = outputs

    def call(self, _values: Mapping[str, Any], _context: Any, _reader: Any) -> Coroutine[Any, Any, Any]:
        return self._result()

    async def _result(self) -> dict[str, Any]:
        return dict(self._outputs)
