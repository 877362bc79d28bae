"""Graph → Plan: every name resolved, every property and param checked, adjacency computed once.

A plan is only made of a graph without problems; all problems are found before any is reported, in linear
time.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from nodetool_jupyter.engine.annotations import Check, describe
from nodetool_jupyter.engine.registry import Registry
from nodetool_jupyter.engine.spec import REQUIRED, NodePolicy, NodeSpec, Role, Shape
from nodetool_jupyter.engine.wiring import (
    Wiring,
    edge_problems,
    fan_in_problems,
    near,
    output_type,
    wiring_of,
)
from nodetool_jupyter.errors import InvalidGraph, Problem, WorkflowError
from nodetool_jupyter.model.batch import Signature
from nodetool_jupyter.model.graph import Edge, Graph, Node, SyncMode
from nodetool_jupyter.model.types import ANY, TypeMetadata, gathers

SUGGESTED = 20
STREAM = "stream"
"""The property by which an input of any type says that values are pushed to it."""
NO_POLICY = NodePolicy()
NOTHING: Mapping[str, Any] = MappingProxyType({})


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
    signature: Signature
    sync_mode: SyncMode
    wiring: Wiring
    properties: Mapping[str, Any]
    dynamic_properties: Mapping[str, Any]
    incoming: list[PlanEdge] = field(default_factory=list)
    outgoing: dict[str, list[PlanEdge]] = field(default_factory=dict)
    gathered: frozenset[str] = frozenset()
    """Handles whose values are collected into one list until their end."""
    streams: bool = False
    index: int = 0
    """Its place in the plan."""
    fires_once: bool = False
    """Whether it is a coroutine that fires at most once, so that it can go the short way."""
    is_fed: bool = False
    """Whether it is an input that values are pushed to while the job runs."""
    first_items: tuple[Any, ...] = ()
    """What its stream begins with."""

    @property
    def param(self) -> str:
        """Of an input node: the name by which it is given values."""
        return str(self.properties.get("name", ""))

    @property
    def producers(self) -> Mapping[str, int]:
        """See Wiring."""
        return self.wiring.producers

    @property
    def checks(self) -> Mapping[str, Check]:
        """See Wiring."""
        return self.wiring.checks


@dataclass(slots=True)
class Plan:
    """A graph that can run. Nodes stand in topological order."""

    nodes: list[PlanNode]
    outputs: dict[str, bool]
    """Names of the outputs in graph order, and whether each is a list of values: where a stream feeds it, or
    several nodes have that name.
    """
    fed: tuple[PlanNode, ...] = ()
    """Inputs that values are pushed to while the job runs."""


def compile_graph(graph: Graph, registry: Registry, params: Mapping[str, Any] | None = None) -> Plan:
    """Make the plan of a graph; raises InvalidGraph with all of its problems."""
    planner = _Planner(graph, registry, dict(params or {}))
    problems = planner.find_problems()
    if problems:
        raise InvalidGraph(problems)
    plan = planner.plan()
    problems = list(_stream_problems(plan))
    if problems:
        raise InvalidGraph(problems)
    return plan


def find_problems(graph: Graph, registry: Registry, params: Mapping[str, Any] | None = None) -> list[Problem]:
    """Everything that would keep a graph from running."""
    return _Planner(graph, registry, dict(params or {})).find_problems()


class _Planner:
    def __init__(self, graph: Graph, registry: Registry, params: dict[str, Any]) -> None:
        self.graph = graph
        self.registry = registry
        self.params = params
        self.order: list[str] = []
        self.specs: dict[str, NodeSpec] = {}
        self.known: dict[str, Node] = {}
        self.sources: dict[str, list[Edge]] = {}
        self.nodes: dict[str, PlanNode] = {}
        self.inputs: list[tuple[str, PlanNode]] = []
        """Nodes that may take a param, by its name."""
        self._wirings: dict[tuple[str, ...], Wiring] = {}

    def find_problems(self) -> list[Problem]:
        structure = self.graph.structure()
        self.order = structure.order
        problems = structure.problems
        problems += self._resolve_types()
        problems += self._edge_problems()
        for node in self.known.values():
            self._plan_node(node, problems)
        if self.inputs or self.params:
            problems += self._param_problems()
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
                self.known[node.id] = node
                continue
            if node.type not in reasons:
                near = self.registry.suggest(node.type) if len(reasons) < SUGGESTED else None
                guess = self._guess(node.type, near)
                reasons[node.type] = f"node type {node.type!r} is not known here{guess}"
            yield Problem(reasons[node.type], node_id=node.id)

    def _guess(self, type_name: str, near: str | None) -> str:
        if near:
            return f"; did you mean {near}?"
        package = self.registry.package_of(type_name)
        return f"; NodeTool's package {package} has it: install that" if package else ""

    def _edge_problems(self) -> Iterator[Problem]:
        """Each way to connect two types is looked at once, however many edges go it."""
        known = self.known
        sound: set[tuple[str, str, str, str]] = set()
        for edge in self.graph.edges:
            if edge.edge_type == "data":
                self.sources.setdefault(edge.target, []).append(edge)
            source, target = known.get(edge.source), known.get(edge.target)
            if source is None or target is None:
                continue
            way = (source.type, edge.sourceHandle, target.type, edge.targetHandle)
            if way in sound and edge.edge_type == "data" and not source.dynamic_outputs:
                continue
            problems = list(edge_problems(edge, source, target, self.specs))
            yield from problems
            if not (problems or source.dynamic_outputs):
                sound.add(way)

    def _plan_node(self, node: Node, problems: list[Problem]) -> None:
        spec = self.specs[node.id]
        edges = self.sources.get(node.id, ())
        wiring = self._wiring(spec, (node.type, *[edge.targetHandle for edge in edges]))
        label = _name_of(node) or spec.title
        signature = Signature(node.id, label, spec.type)
        planned = PlanNode(node.id, label, spec, signature, node.sync_mode, wiring, NOTHING, NOTHING)
        self.nodes[node.id] = planned
        if spec.role is Role.COMMENT:
            return
        if not wiring.is_sound:
            problems += fan_in_problems(node.id, spec, wiring)
        if spec.role is Role.INPUT and STREAM in node.data and STREAM not in spec.inputs:
            node = self._plan_stream(node, planned, problems)
        if node.data or node.dynamic_properties:
            problems += _property_problems(node, planned)
        if spec.role is Role.INPUT or spec.role is Role.OUTPUT:
            self._name_param(planned)
        if not wiring.is_sound:
            problems += self._missing_values(node, planned)

    def _plan_stream(self, node: Node, planned: PlanNode, problems: list[Problem]) -> Node:
        """An input of any type is a stream where its property ``stream`` says so."""
        data = {**node.data}
        stream = data.pop(STREAM)
        if not isinstance(stream, bool):
            problems.append(Problem(f"expected true or false, found {describe(stream)}", node.id, STREAM))
        elif stream and "value" not in planned.spec.inputs:
            problems.append(
                Problem(f"{planned.spec.type} can't be a stream: it has no value", node.id, STREAM)
            )
        else:
            planned.is_fed = stream
        return node.model_copy(update={"data": data})

    def _name_param(self, planned: PlanNode) -> None:
        handle = planned.spec.inputs.get("name")
        if handle is not None and "name" not in planned.properties:
            planned.properties = {**planned.properties, "name": handle.default}
        if planned.spec.role is Role.INPUT:
            self.inputs.append((planned.param, planned))

    def _missing_values(self, node: Node, planned: PlanNode) -> Iterator[Problem]:
        given = {*planned.producers, *node.data}
        if planned.is_fed or (planned.spec.role is Role.INPUT and planned.param in self.params):
            given.add("value")
        for name, handle in planned.spec.inputs.items():
            if handle.default is REQUIRED and name not in given:
                yield Problem("has no value and no connection", node.id, name, expected=str(handle.type))

    def _wiring(self, spec: NodeSpec, key: tuple[str, ...]) -> Wiring:
        """``key`` is the node's type and the handle of each edge."""
        wiring = self._wirings.get(key)
        if wiring is None:
            wiring = self._wirings[key] = wiring_of(spec, key[1:])
        return wiring

    def _param_problems(self) -> Iterator[Problem]:
        inputs: dict[str, PlanNode] = {}
        for name, planned in self.inputs:
            if name and name in inputs:
                yield Problem(f"two input nodes have the name {name!r}", node_id=planned.id)
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
                accepted = planned.spec.accept(planned.properties, value)
                planned.properties = {**planned.properties, "value": accepted}
                if planned.is_fed and name in self.params:
                    planned.first_items = (accepted,)
        except ValueError as error:
            source = f"param {name!r}" if name in self.params else "its value"
            yield Problem(f"{source}: {error}", planned.id, "value")

    def plan(self) -> Plan:
        """Connect the planned nodes; only called where there are no problems."""
        nodes = self.nodes
        for number, edge in enumerate(self.graph.edges):
            source, target = nodes[edge.source], nodes[edge.target]
            handle = edge.sourceHandle
            planned = PlanEdge(source, handle, target, edge.targetHandle, edge.id or f"edge-{number}")
            if handle in source.outgoing:
                source.outgoing[handle].append(planned)
            else:
                source.outgoing[handle] = [planned]
            target.incoming.append(planned)
        ordered = [nodes[node_id] for node_id in self.order]
        if any(node.spec.role is Role.COMMENT for node in ordered):
            ordered = [node for node in ordered if node.spec.role is not Role.COMMENT]
        dynamic_outputs = {node.id: node.dynamic_outputs for node in self.graph.nodes if node.dynamic_outputs}
        for index, node in enumerate(ordered):
            node.index = index
            _complete(node, dynamic_outputs)
        outputs: dict[str, bool] = {}
        for node in nodes.values():
            if node.spec.role is Role.OUTPUT:
                name = str(node.properties.get("name", ""))
                outputs[name] = name in outputs or any(edge.streams for edge in node.incoming)
        return Plan(ordered, outputs, tuple(node for _, node in self.inputs if node.is_fed))


def _name_of(node: Node) -> str:
    """What the user calls the node: NodeTool keeps a changed title among the UI properties."""
    title = node.ui_properties.get("title")
    return title if isinstance(title, str) else ""


def _property_problems(node: Node, planned: PlanNode) -> Iterator[Problem]:
    spec = planned.spec
    properties: dict[str, Any] = {}
    dynamic = dict(node.dynamic_properties)
    for name, value in node.data.items():
        handle = spec.inputs.get(name)
        if handle is None:
            if spec.dynamic:
                dynamic.setdefault(name, value)
            else:
                yield Problem(f"{spec.type} has no property {name!r}{near(name, spec.inputs)}", node.id, name)
        elif name not in planned.producers:
            try:
                properties[name] = handle.check(value)
            except ValueError as error:
                yield Problem(str(error), node.id, name)
    if node.dynamic_properties and not spec.dynamic:
        names = ", ".join(sorted(node.dynamic_properties))
        yield Problem(f"{spec.type} takes no dynamic properties, found {names}", node.id)
    planned.properties, planned.dynamic_properties = properties, dynamic


def _complete(node: PlanNode, dynamic_outputs: Mapping[str, Mapping[str, TypeMetadata]]) -> None:
    """What depends on the nodes before: which handles gather, which edges stream."""
    spec = node.spec
    wiring = node.wiring
    gathered = wiring.crowded
    if wiring.lists:
        gathered = gathered.union(_lists_of_singles(node, dynamic_outputs))
    node.gathered = gathered
    streams = node.is_fed or (spec.shape.streams and not spec.passes)
    if not streams and (spec.passes or not spec.reads_stream):
        for edge in node.incoming:
            if edge.streams and edge.target_handle not in gathered:
                streams = True
    node.streams = streams
    if streams:
        for edges in node.outgoing.values():
            for edge in edges:
                edge.streams = True
    plain = spec.role is Role.NODE and spec.shape is Shape.COROUTINE and not (gathered or streams)
    node.fires_once = (
        plain and not spec.reads_stream and (spec.policy is NO_POLICY or spec.policy == NO_POLICY)
    )


def _stream_problems(plan: Plan) -> Iterator[Problem]:
    """A node that reads one input item by item has but one value of each other: a stream of them would lose
    all but the one that happens to come first or last.
    """
    for node in plan.nodes:
        if not node.spec.reads_stream:
            continue
        for edge in node.incoming:
            handle = node.spec.inputs.get(edge.target_handle)
            if edge.streams and handle is not None and not handle.streamed:
                if edge.target_handle in node.gathered:
                    continue
                yield Problem(
                    f"several values may come from node {edge.source.id}, and this node takes one here: "
                    "it reads another input item by item",
                    node.id,
                    edge.target_handle,
                    edge.id,
                )


def _lists_of_singles(
    node: PlanNode, dynamic_outputs: Mapping[str, Mapping[str, TypeMetadata]]
) -> Iterator[str]:
    """Handles of a list that single values arrive at."""
    for edge in node.incoming:
        name = edge.target_handle
        if name in node.wiring.lists:
            source = output_type(
                edge.source.spec, dynamic_outputs.get(edge.source.id, {}), edge.source_handle
            )
            if gathers(source or ANY, node.spec.inputs[name].type):
                yield name
