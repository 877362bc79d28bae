"""Workflow, Graph, Node, Edge in NodeTool's JSON, and the checks that need no node library.

Reading is bounded: size, nesting, and number of nodes and edges are checked before a model is built.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidatorFunctionWrapHandler,
    WrapSerializer,
    WrapValidator,
    model_validator,
)

from nodetool_jupyter.errors import Problem
from nodetool_jupyter.model.types import TypeMetadata

SyncMode = Literal["on_any", "zip_all"]
DEFAULT_HANDLE = "output"
POLICY_FIELDS = ("timeout", "retries", "cache", "resources")
"""Fields of a node that NodeTool doesn't have: in place of what ``@node(…)`` says for its type."""


def _keep_source(value: Any, read: ValidatorFunctionWrapHandler) -> TypeMetadata:
    kind: TypeMetadata = read(value)
    if isinstance(value, dict):
        object.__setattr__(kind, "source", value)  # it is new, and nobody else has it yet
    return kind


def _write_source(kind: TypeMetadata, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
    if kind.source is not None:
        return dict(kind.source)
    written: dict[str, Any] = write(kind)
    written.pop("source", None)  # it isn't there where defaults are left out
    return written


def _nothing() -> dict[str, Any]:
    return {}  # of dict itself, pydantic would parse the signature: a tenth of a process's start


KeptType = Annotated[TypeMetadata, WrapValidator(_keep_source), WrapSerializer(_write_source)]
"""A type that is saved as it was read, with the fields that we don't know."""


class Node(BaseModel):
    """A node: its ``type`` names a class of the library, ``data`` holds its property values."""

    model_config = ConfigDict(frozen=True, extra="allow")

    id: str
    type: str
    parent_id: str | None = None
    data: dict[str, Any] = Field(default_factory=_nothing)
    ui_properties: dict[str, Any] = Field(default_factory=_nothing)
    dynamic_properties: dict[str, Any] = Field(default_factory=_nothing)
    dynamic_outputs: dict[str, KeptType] = Field(default_factory=_nothing)
    sync_mode: SyncMode = "on_any"


class Edge(BaseModel):
    """A connection; field names are NodeTool's. ``edge_type`` ``control`` edges carry run events instead of
    values.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    source: str
    target: str
    sourceHandle: str = DEFAULT_HANDLE
    targetHandle: str
    id: str | None = None
    ui_properties: dict[str, Any] | None = None
    edge_type: Literal["data", "control"] = "data"

    def __str__(self) -> str:
        return f"{self.source}.{self.sourceHandle} → {self.target}.{self.targetHandle}"


@dataclass(frozen=True, slots=True)
class Structure:
    """What can be said of a graph whatever its nodes are."""

    problems: list[Problem]
    order: list[str]
    """The ids of a graph without problems, each behind those whose edges lead to it."""


class Graph(BaseModel):
    """Nodes and edges. Making one checks the fields only, ``structural_problems`` how they fit together."""

    model_config = ConfigDict(frozen=True, extra="allow")

    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()

    def structural_problems(self) -> list[Problem]:
        """Missing and doubled ids, dangling and doubled edges, parents that aren't there, cycles."""
        return self.structure().problems

    def structure(self) -> Structure:
        """How nodes and edges fit together, found in one pass of each."""
        known = {node.id for node in self.nodes}
        problems = [*self._id_problems(known), *self._edge_problems(known)]
        groups = {node.id: node.parent_id for node in self.nodes if node.parent_id}
        if groups:
            problems += _group_problems(groups, known)
        if problems:
            return Structure(problems, [])
        return self._ordered()

    def _id_problems(self, known: set[str]) -> Iterator[Problem]:
        if len(known) < len(self.nodes) or "" in known:
            for node_id, count in Counter(node.id for node in self.nodes).items():
                if not node_id:
                    yield Problem("a node has no id")
                elif count > 1:
                    yield Problem(f"{count} nodes have this id", node_id=node_id)
        named = [edge.id for edge in self.edges if edge.id]
        if len(named) > len(set(named)):
            for edge_id, count in Counter(named).items():
                if count > 1:
                    yield Problem(f"{count} edges have this id", edge_id=edge_id)

    def _edge_problems(self, known: set[str]) -> Iterator[Problem]:
        seen: set[tuple[str, str, str, str]] = set()
        for edge in self.edges:
            source, target = edge.source, edge.target
            if source not in known:
                yield Problem(f"{edge}: its source node {source!r} is not in the graph", edge_id=edge.id)
            if target not in known:
                yield Problem(f"{edge}: its target node {target!r} is not in the graph", edge_id=edge.id)
            key = (source, edge.sourceHandle, target, edge.targetHandle)
            if key in seen:
                yield Problem(f"{edge}: this connection is there twice", edge_id=edge.id)
            seen.add(key)

    def _ordered(self) -> Structure:
        """Kahn's algorithm; what it can't order holds a cycle, of which one is named."""
        waiting = {node.id: 0 for node in self.nodes}
        targets: dict[str, list[str]] = {}
        for edge in self.edges:
            waiting[edge.target] += 1
            if edge.source in targets:
                targets[edge.source].append(edge.target)
            else:
                targets[edge.source] = [edge.target]
        order = [node_id for node_id, count in waiting.items() if not count]
        for node_id in order:
            for target in targets.get(node_id, ()):
                waiting[target] -= 1
                if not waiting[target]:
                    order.append(target)
        if len(order) == len(waiting):
            return Structure([], order)
        cycle = _find_cycle({node_id for node_id, count in waiting.items() if count}, self.edges)
        return Structure([Problem(f"the graph has a cycle: {' → '.join(cycle)}", node_id=cycle[0])], [])


def _group_problems(groups: dict[str, str], known: set[str]) -> Iterator[Problem]:
    """``groups``: node → the group it is in. Each is followed once, up to where another has been."""
    seen: dict[str, str] = {}
    for start, group in groups.items():
        if group not in known:
            yield Problem(f"its group {group!r} is not in the graph", node_id=start)
        node_id = start
        while node_id in groups and node_id not in seen:
            seen[node_id] = start
            node_id = groups[node_id]
            if seen.get(node_id) == start:
                yield Problem("its group is inside of itself", node_id=node_id)


def _find_cycle(left: set[str], edges: tuple[Edge, ...]) -> list[str]:
    """One cycle among ``left``, every node of which still waits for another of them."""
    before = {edge.target: edge.source for edge in edges if {edge.source, edge.target} <= left}
    node_id = min(left)
    seen: dict[str, int] = {}
    path: list[str] = []
    while node_id not in seen:
        seen[node_id] = len(path)
        path.append(node_id)
        node_id = before[node_id]
    cycle = path[seen[node_id] :][::-1]
    shown = cycle if len(cycle) <= 12 else [*cycle[:6], f"… {len(cycle) - 12} more …", *cycle[-6:]]
    return [*shown, shown[0]]


class Workflow(BaseModel):
    """A workflow file. Unknown fields are kept, so that saving loses nothing; a bare graph is one too."""

    model_config = ConfigDict(frozen=True, extra="allow", defer_build=True)

    id: str = ""
    name: str = ""
    description: str = ""
    access: str = "private"
    created_at: str | None = None
    updated_at: str | None = None
    tags: tuple[str, ...] | None = None
    graph: Graph

    @model_validator(mode="before")
    @classmethod
    def _accept_bare_graph(cls, value: Any) -> Any:
        if isinstance(value, Graph):
            return {"graph": value}
        if isinstance(value, dict) and "graph" not in value and "nodes" in value:
            fields = {
                key: value[key] for key in ("id", "name", "description") if isinstance(value.get(key), str)
            }
            rest = {key: item for key, item in value.items() if key not in fields}
            return {**fields, "graph": rest}
        return value
