"""Graph → Plan: every name resolved, every property and param checked, adjacency computed once.

A plan is only made of a graph without problems; all problems are found before any is reported, in linear
time.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from nodetool_jupyter.engine.annotations import Check
from nodetool_jupyter.engine.registry import Registry
from nodetool_jupyter.engine.spec import REQUIRED, NodePolicy, NodeSpec, Role, Shape
from nodetool_jupyter.errors import InvalidGraph, Problem, WorkflowError
from nodetool_jupyter.model.graph import DEFAULT_HANDLE, Edge, Graph, Node, SyncMode
from nodetool_jupyter.model.types import ANY, TypeMetadata, fits, gathers

SUGGESTED = 20
NO_POLICY = NodePolicy()


@dataclass(slots=True, eq=False)
class PlanEdge:
    """A data edge between two planned nodes. ``streams``: it may carry more than one value."""

    source: PlanNode
    source_handle: str
    target: PlanNode
    target_handle: str
    id: str
    streams: bool = False


@dataclass(slots=True, eq=False)
class PlanNode:
    """One node that will run: its checked properties and its connections."""

    id: str
    label: str
    """The name a user gave it, else its type's title."""
    spec: NodeSpec
    properties: dict[str, Any]
    dynamic_properties: dict[str, Any]
    sync_mode: SyncMode
    incoming: list[PlanEdge] = field(default_factory=list)
    outgoing: dict[str, list[PlanEdge]] = field(default_factory=dict)
    gathered: frozenset[str] = frozenset()
    """Handles whose values are collected into one list until their end."""
    checks: dict[str, Check] = field(default_factory=dict)
    """How to check what arrives at a connected handle; none for handles of type any."""
    streams: bool = False
    index: int = 0
    """Its place in the plan."""
    producers: dict[str, int] = field(default_factory=dict)
    """Connected handles, and how many edges end at each."""
    fires_once: bool = False
    """Whether it is a coroutine that fires at most once, so that it can go the short way."""


@dataclass(slots=True)
class Plan:
    """A graph that can run. Nodes stand in topological order."""

    nodes: list[PlanNode]
    outputs: dict[str, bool]
    """Names of the outputs in graph order, and whether each is a list of values: where a stream feeds it, or
    several nodes have that name.
    """


def compile_graph(graph: Graph, registry: Registry, params: Mapping[str, Any] | None = None) -> Plan:
    """Make the plan of a graph; raises InvalidGraph with all of its problems."""
    planner = _Planner(graph, registry, dict(params or {}))
    problems = planner.find_problems()
    if problems:
        raise InvalidGraph(problems)
    return planner.plan()


def find_problems(graph: Graph, registry: Registry, params: Mapping[str, Any] | None = None) -> list[Problem]:
    """Everything that would keep a graph from running."""
    return _Planner(graph, registry, dict(params or {})).find_problems()


class _Planner:
    def __init__(self, graph: Graph, registry: Registry, params: dict[str, Any]) -> None:
        self.graph = graph
        self.registry = registry
        self.params = params
        self.specs: dict[str, NodeSpec] = {}
        self.sources: dict[str, list[Edge]] = {}
        self.nodes: dict[str, PlanNode] = {}

    def find_problems(self) -> list[Problem]:
        problems = self.graph.structural_problems()
        problems += self._resolve_types()
        known = {node.id: node for node in self.graph.nodes if node.id in self.specs}
        for edge in self.graph.edges:
            self.sources.setdefault(edge.target, []).append(edge)
            if edge.source in known and edge.target in known:
                problems += _edge_problems(edge, known[edge.source], known[edge.target], self.specs)
        for node in known.values():
            problems += self._node_problems(node)
        problems += self._param_problems(known)
        return problems

    def _resolve_types(self) -> Iterator[Problem]:
        reasons: dict[str, str] = {}
        for node in self.graph.nodes:
            spec = None
            if node.type not in reasons:
                try:
                    spec = self.registry.get(node.type)
                except WorkflowError as error:
                    reasons[node.type] = f"{error.message}; {error.hint}"
            if spec is not None:
                self.specs[node.id] = spec
                continue
            if node.type not in reasons:
                near = self.registry.suggest(node.type) if len(reasons) < SUGGESTED else None
                guess = f"; did you mean {near}?" if near else ""
                reasons[node.type] = f"node type {node.type!r} is not known here{guess}"
            yield Problem(reasons[node.type], node_id=node.id)

    def _node_problems(self, node: Node) -> Iterator[Problem]:
        spec = self.specs[node.id]
        edges = [edge for edge in self.sources.get(node.id, ()) if edge.edge_type == "data"]
        connected = {edge.targetHandle for edge in edges}
        planned = PlanNode(
            node.id, _name_of(node) or spec.title, spec, {}, dict(node.dynamic_properties), node.sync_mode
        )
        self.nodes[node.id] = planned
        if spec.role is Role.COMMENT:
            return
        if len(edges) > len(connected):
            yield from _fan_in_problems(node.id, spec, edges)
        yield from _property_problems(node, planned, connected)
        if spec.role in (Role.INPUT, Role.OUTPUT) and "name" in spec.inputs:
            planned.properties.setdefault("name", spec.inputs["name"].default)
        given = {*connected, *node.data}
        if spec.role is Role.INPUT and planned.properties.get("name") in self.params:
            given.add("value")
        for name, handle in spec.inputs.items():
            if handle.default is REQUIRED and name not in given:
                yield Problem("has no value and no connection", node.id, name, expected=str(handle.type))

    def _param_problems(self, known: dict[str, Node]) -> Iterator[Problem]:
        inputs: dict[str, PlanNode] = {}
        for node_id in known:
            planned = self.nodes[node_id]
            if planned.spec.role is not Role.INPUT:
                continue
            name = str(planned.properties.get("name", ""))
            if name and name in inputs:
                yield Problem(f"two input nodes have the name {name!r}", node_id=node_id)
            inputs[name] = planned
            yield from self._accept_param(name, planned)
        for name in self.params:
            if name not in inputs:
                near = difflib.get_close_matches(name, inputs, n=1)
                known_names = (
                    f"did you mean {near[0]!r}?"
                    if near
                    else f"there are {sorted(filter(None, inputs)) or 'none'}"
                )
                yield Problem(
                    f"no input node has the name {name!r} that a param was given for; {known_names}"
                )

    def _accept_param(self, name: str, planned: PlanNode) -> Iterator[Problem]:
        """An input node's value is the param of its name, else its own; both must be acceptable."""
        value_spec = planned.spec.inputs.get("value")
        if value_spec is None or planned.spec.accept is None:
            return
        value = planned.properties.get("value", value_spec.default)
        try:
            if name in self.params:
                value = value_spec.check(self.params[name])
            if value is not REQUIRED:
                planned.properties["value"] = planned.spec.accept(planned.properties, value)
        except ValueError as error:
            source = f"param {name!r}" if name in self.params else "its value"
            yield Problem(f"{source}: {error}", planned.id, "value")

    def plan(self) -> Plan:
        """Connect the planned nodes; only called where there are no problems."""
        nodes = {node_id: node for node_id, node in self.nodes.items() if node.spec.role is not Role.COMMENT}
        for number, edge in enumerate(self.graph.edges):
            source, target = nodes.get(edge.source), nodes.get(edge.target)
            if source is None or target is None:
                continue
            planned = PlanEdge(
                source, edge.sourceHandle, target, edge.targetHandle, edge.id or f"edge-{number}"
            )
            source.outgoing.setdefault(edge.sourceHandle, []).append(planned)
            target.incoming.append(planned)
        ordered = _topological(nodes)
        dynamic_outputs = {node.id: node.dynamic_outputs for node in self.graph.nodes if node.dynamic_outputs}
        for index, node in enumerate(ordered):
            node.index = index
            _complete(node, dynamic_outputs)
        outputs: dict[str, bool] = {}
        for node in nodes.values():
            if node.spec.role is Role.OUTPUT:
                name = str(node.properties.get("name", ""))
                outputs[name] = name in outputs or any(edge.streams for edge in node.incoming)
        return Plan(ordered, outputs)


def _name_of(node: Node) -> str:
    """What the user calls the node: NodeTool keeps a changed title among the UI properties."""
    title = node.ui_properties.get("title")
    return title if isinstance(title, str) else ""


def _property_problems(node: Node, planned: PlanNode, connected: set[str]) -> Iterator[Problem]:
    spec = planned.spec
    for name, value in node.data.items():
        handle = spec.inputs.get(name)
        if handle is None:
            if spec.dynamic:
                planned.dynamic_properties.setdefault(name, value)
            else:
                yield Problem(
                    f"{spec.type} has no property {name!r}{_near(name, spec.inputs)}", node.id, name
                )
        elif name not in connected:
            try:
                planned.properties[name] = handle.check(value)
            except ValueError as error:
                yield Problem(str(error), node.id, name)
    if node.dynamic_properties and not spec.dynamic:
        names = ", ".join(sorted(node.dynamic_properties))
        yield Problem(f"{spec.type} takes no dynamic properties, found {names}", node.id)


def _near(name: str, names: Mapping[str, object]) -> str:
    near = difflib.get_close_matches(name, names, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; it has {', '.join(names) or 'none'}"


def _fan_in_problems(node_id: str, spec: NodeSpec, edges: list[Edge]) -> Iterator[Problem]:
    count: dict[str, int] = {}
    for edge in edges:
        count[edge.targetHandle] = count.get(edge.targetHandle, 0) + 1
    for name, number in count.items():
        handle = spec.inputs.get(name)
        kind = handle.type if handle else ANY
        if number > 1 and kind.type != "list" and not (handle and handle.streamed):
            yield Problem(
                f"{number} edges end here; only a list takes several",
                node_id,
                name,
                found=str(kind),
                expected="list",
            )


def _edge_problems(
    edge: Edge, source: Node, target: Node, specs: Mapping[str, NodeSpec]
) -> Iterator[Problem]:
    if edge.edge_type == "control":
        yield Problem(f"{edge}: control edges can't be run yet", edge_id=edge.id)
        return
    from_spec, to_spec = specs[source.id], specs[target.id]
    for node in (source, target):
        if specs[node.id].role is Role.COMMENT:
            yield Problem(f"{edge}: {node.type} doesn't run and can't be connected", node.id, edge_id=edge.id)
            return
    output = output_type(from_spec, source.dynamic_outputs, edge.sourceHandle)
    handle = to_spec.inputs.get(edge.targetHandle)
    if output is None:
        names = {**from_spec.outputs, **source.dynamic_outputs}
        yield Problem(
            f"{edge}: {from_spec.type} has no output {edge.sourceHandle!r}{_near(edge.sourceHandle, names)}",
            source.id,
            edge.sourceHandle,
            edge.id,
        )
    if handle is None and not to_spec.dynamic:
        yield Problem(
            f"{edge}: {to_spec.type} has no input {edge.targetHandle!r}"
            f"{_near(edge.targetHandle, to_spec.inputs)}",
            target.id,
            edge.targetHandle,
            edge.id,
        )
    if output is not None and handle is not None and not fits(output, handle.type):
        yield Problem(
            f"{edge}: the types don't fit",
            target.id,
            edge.targetHandle,
            edge.id,
            str(handle.type),
            str(output),
        )


def output_type(spec: NodeSpec, dynamic: Mapping[str, TypeMetadata], handle: str) -> TypeMetadata | None:
    """The type of an output handle; None where there is no such handle."""
    declared = spec.outputs.get(handle) or dynamic.get(handle)
    if declared is None and spec.dynamic and not spec.outputs and handle == DEFAULT_HANDLE:
        return ANY
    return declared


def _topological(nodes: Mapping[str, PlanNode]) -> list[PlanNode]:
    waiting = {node.id: len(node.incoming) for node in nodes.values()}
    ordered = [node for node in nodes.values() if not waiting[node.id]]
    for node in ordered:
        for edges in node.outgoing.values():
            for edge in edges:
                waiting[edge.target.id] -= 1
                if not waiting[edge.target.id]:
                    ordered.append(edge.target)
    return ordered


def _complete(node: PlanNode, dynamic_outputs: Mapping[str, Mapping[str, TypeMetadata]]) -> None:
    """What depends on the nodes before: which handles gather, which edges stream."""
    spec = node.spec
    gathered = set()
    count = node.producers
    for edge in node.incoming:
        name = edge.target_handle
        count[name] = count.get(name, 0) + 1
        handle = spec.inputs.get(name)
        if handle is not None and handle.type.type != "any":
            node.checks[name] = handle.check
        if handle is None or handle.streamed:
            continue
        source = output_type(edge.source.spec, dynamic_outputs.get(edge.source.id, {}), edge.source_handle)
        if count[name] > 1 or gathers(source or ANY, handle.type):
            gathered.add(name)
    node.gathered = frozenset(gathered)
    is_fed = any(edge.streams and edge.target_handle not in gathered for edge in node.incoming)
    node.streams = is_fed if spec.passes or not spec.reads_stream else False
    node.streams = node.streams or (spec.shape.streams and not spec.passes)
    for edges in node.outgoing.values():
        for edge in edges:
            edge.streams = node.streams
    plain = spec.role is Role.NODE and spec.shape is Shape.COROUTINE and spec.policy == NO_POLICY
    node.fires_once = plain and not (gathered or spec.reads_stream or node.streams)
