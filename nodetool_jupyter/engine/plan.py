"""Graph → Plan: every name resolved, every property and param checked, adjacency computed once.

A plan is only made of a graph without problems; all problems are found before any is reported, in linear
time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from nodetool_jupyter.engine.annotations import Check
from nodetool_jupyter.engine.depth import CONTAINERS, depth_problems, refuse_depth
from nodetool_jupyter.engine.flow import complete, stream_problems
from nodetool_jupyter.engine.nesting import nested_spec
from nodetool_jupyter.engine.node import NOTEBOOK
from nodetool_jupyter.engine.own import own_spec
from nodetool_jupyter.engine.params import STREAM, Params, plan_stream
from nodetool_jupyter.engine.registry import Registry
from nodetool_jupyter.engine.spec import NO_POLICY, REQUIRED, NodeSpec, Role
from nodetool_jupyter.engine.wiring import (
    Wiring,
    control_handle,
    edge_problems,
    fan_in_problems,
    near,
    wiring_of,
)
from nodetool_jupyter.errors import InvalidGraph, Problem, WorkflowError
from nodetool_jupyter.model.batch import Signature
from nodetool_jupyter.model.graph import Edge, Graph, Node, SyncMode
from nodetool_jupyter.model.pause import uncollected
from nodetool_jupyter.model.resources import Resources

SUGGESTED = 20
NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(slots=True, eq=False)
class Arrival:
    """An edge as its target sees it: what may come, and from where. It doesn't hold the node there, so that
    nodes are no cycles, and a plan is freed as soon as nobody needs it.
    """

    source_id: str
    source: NodeSpec
    source_handle: str
    target_handle: str
    id: str
    streams: bool = False
    """Whether more than one value may come."""


@dataclass(slots=True, eq=False)
class PlanEdge:
    """An edge as its source sees it. ``streams``: it may carry more than one value."""

    target: PlanNode
    target_handle: str
    id: str
    arrival: Arrival
    streams: bool = False


@dataclass(slots=True, eq=False)
class PlanNode:
    """One node that will run: its checked properties and its connections."""

    id: str
    spec: NodeSpec
    signature: Signature
    sync_mode: SyncMode
    wiring: Wiring
    properties: Mapping[str, Any]
    dynamic_properties: Mapping[str, Any]
    incoming: list[Arrival] = field(default_factory=list)
    outgoing: dict[str, list[PlanEdge]] = field(default_factory=dict)
    gathered: frozenset[str] = frozenset()
    """Handles whose values are collected into one list until their end."""
    streams: bool = False
    index: int = 0
    """Its place in the plan."""
    fires_once: bool = False
    """Whether it is a coroutine that fires at most once, so that it can go the short way."""
    is_controlled: bool = False
    """Whether it runs when control edges tell it to."""
    is_fed: bool = False
    """Whether it is an input that values are pushed to while the job runs."""
    first_items: tuple[Any, ...] = ()
    """What its stream begins with."""

    @property
    def label(self) -> str:
        """The name a user gave it, else its type's title."""
        return self.signature.name

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
    demanding: tuple[tuple[str, Resources], ...] = ()
    """Ids of nodes that need cores, memory or GPUs, with what they need."""

    def specs(self) -> Iterator[NodeSpec]:
        """The types of all nodes, those of the workflows that some of them run among them."""
        for node in self.nodes:
            yield node.spec
            if node.spec.nested is not None:
                yield from node.spec.nested.specs()


def compile_graph(
    graph: Graph, registry: Registry, params: Mapping[str, Any] | None = None, *, level: int = 0
) -> Plan:
    """Make the plan of a graph; raises InvalidGraph with all of its problems. ``level`` is above 0 for one
    that lies in another: what its inputs need comes when it runs.
    """
    planner = _Planner(graph, registry, dict(params or {}), level)
    with uncollected(len(graph.nodes)):
        problems = planner.find_problems()
        if problems:
            raise InvalidGraph(problems)
        plan = planner.plan()
    problems = list(stream_problems(plan))
    if problems:
        raise InvalidGraph(problems)
    return plan


def find_problems(graph: Graph, registry: Registry, params: Mapping[str, Any] | None = None) -> list[Problem]:
    """Everything that would keep a graph from running."""
    return _Planner(graph, registry, dict(params or {})).find_problems()


class _Planner:
    def __init__(self, graph: Graph, registry: Registry, params: dict[str, Any], level: int = 0) -> None:
        self.graph = graph
        self.level = level
        self.registry = registry
        self.params = Params(params, are_promised=level > 0)
        self.order: list[str] = []
        self.specs: dict[str, NodeSpec] = {}
        self.own: set[str] = set()
        """Nodes whose spec isn't that of their type."""
        self.known: dict[str, Node] = {}
        self.sources: dict[str, list[Edge]] = {}
        self.nodes: dict[str, PlanNode] = {}
        self.controlled: set[str] = set()
        self.special: list[PlanNode] = []
        """Those that aren't plain, in the graph's order."""
        self.demanding: list[tuple[str, Resources]] = []
        self._wirings: dict[tuple[str, ...], Wiring] = {}

    def find_problems(self) -> list[Problem]:
        structure = self.graph.structure()
        self.order = structure.order
        problems = structure.problems
        self._resolve_types(problems)
        problems += self._edge_problems()
        for node in self.known.values():
            self._plan_node(node, problems)
        if self.params.inputs or self.params.given:
            problems += self.params.problems()
        return problems

    def _resolve_types(self, problems: list[Problem]) -> None:
        reasons: dict[str, str] = {}
        found: dict[str, NodeSpec] = {}
        for node in self.graph.nodes:
            spec = found.get(node.type)
            if spec is None and node.type not in reasons:
                try:
                    spec = self.registry.get(node.type)
                    if spec is not None:
                        found[node.type] = spec
                except WorkflowError as error:
                    reasons[node.type] = f"{error.message}; {error.hint}"
            if spec is not None:
                if node.dynamic_outputs or node.__pydantic_extra__ or spec.role is Role.WORKFLOW:
                    node, spec = self._own_spec(node, spec, problems)  # noqa: PLW2901 - as it is planned
                self.specs[node.id] = spec
                self.known[node.id] = node
                continue
            if node.type not in reasons:
                near = self.registry.suggest(node.type) if len(reasons) < SUGGESTED else None
                guess = self._guess(node.type, near)
                reasons[node.type] = f"node type {node.type!r} is not known here{guess}"
            problems.append(Problem(reasons[node.type], node_id=node.id))

    def _own_spec(self, node: Node, spec: NodeSpec, problems: list[Problem]) -> tuple[Node, NodeSpec]:
        own = spec
        if spec.role is Role.WORKFLOW:
            own = nested_spec(node, spec, self.registry, self.level, problems)
            values = {**node.dynamic_properties, **node.data}
            node = node.model_copy(update={"data": values, "dynamic_properties": {}})
        own = own_spec(node, own, problems)
        if own is not spec:
            self.own.add(node.id)
        return node, own

    def _guess(self, type_name: str, near: str | None) -> str:
        if near:
            return f"; did you mean {near}?"
        if type_name.startswith(f"{NOTEBOOK}."):
            return "; run the cell that defines it first"
        package = self.registry.package_of(type_name)
        return f"; NodeTool's package {package} has it: install that" if package else ""

    def _edge_problems(self) -> Iterator[Problem]:
        """Each way to connect two types is looked at once, however many edges go it."""
        known, own = self.known, self.own
        sound: set[tuple[str, str, str, str]] = set()
        for edge in self.graph.edges:
            if edge.edge_type == "data":
                self.sources.setdefault(edge.target, []).append(edge)
            else:
                self.controlled.add(edge.target)
            source, target = known.get(edge.source), known.get(edge.target)
            if source is None or target is None:
                continue
            way = (source.type, edge.sourceHandle, target.type, edge.targetHandle)
            is_common = edge.edge_type == "data" and not (own and (source.id in own or target.id in own))
            if is_common and way in sound:
                continue
            problems = list(edge_problems(edge, source, target, self.specs))
            yield from problems
            if is_common and not problems:
                sound.add(way)

    def _plan_node(self, node: Node, problems: list[Problem]) -> None:
        spec = self.specs[node.id]
        edges = self.sources.get(node.id, ())
        handles = [edge.targetHandle for edge in edges]
        wiring = (
            wiring_of(spec, handles) if node.id in self.own else self._wiring(spec, (node.type, *handles))
        )
        label = _name_of(node) or spec.title
        signature = Signature(node.id, label, spec.type)
        planned = PlanNode(node.id, spec, signature, node.sync_mode, wiring, NOTHING, NOTHING)
        self.nodes[node.id] = planned
        if wiring.is_plain:
            if node.data or node.dynamic_properties:
                _check_properties(node, planned, problems)
            planned.is_controlled = node.id in self.controlled
            return
        self.special.append(planned)
        if spec.role is not Role.COMMENT:
            self._plan_special(node, planned, problems)

    def _plan_special(self, node: Node, planned: PlanNode, problems: list[Problem]) -> None:
        """A node that is more than its properties: an input, say, or one that a value is missing for."""
        spec, wiring = planned.spec, planned.wiring
        if not wiring.is_sound:
            problems += fan_in_problems(node.id, spec, wiring)
        if spec.role is Role.INPUT and STREAM in node.data and STREAM not in spec.inputs:
            node = plan_stream(node, planned, problems)
        if node.data or node.dynamic_properties:
            _check_properties(node, planned, problems)
        if spec.role is Role.INPUT or spec.role is Role.OUTPUT:
            self.params.name(planned)
        if spec.policy is not NO_POLICY or spec.nested is not None:
            self._note_demand(node.id, spec)
        planned.is_controlled = node.id in self.controlled
        if not (wiring.is_sound or planned.is_controlled):
            problems += self._missing_values(node, planned)

    def _note_demand(self, node_id: str, spec: NodeSpec) -> None:
        if spec.policy.resources is not None:
            self.demanding.append((node_id, spec.policy.resources))
        if spec.nested is not None:
            self.demanding += ((node_id, needed) for _, needed in spec.nested.demanding)

    def _missing_values(self, node: Node, planned: PlanNode) -> Iterator[Problem]:
        given = {*planned.producers, *node.data}
        if self.params.gives(planned):
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

    def plan(self) -> Plan:
        """Connect the planned nodes; only called where there are no problems."""
        nodes = self.nodes
        for number, edge in enumerate(self.graph.edges):
            source, target = nodes[edge.source], nodes[edge.target]
            handle = edge.sourceHandle
            if edge.edge_type == "control":
                handle = control_handle(source.spec, handle)
            edge_id = edge.id or f"edge-{number}"
            arrival = Arrival(source.id, source.spec, handle, edge.targetHandle, edge_id)
            planned = PlanEdge(target, edge.targetHandle, edge_id, arrival)
            if handle in source.outgoing:
                source.outgoing[handle].append(planned)
            else:
                source.outgoing[handle] = [planned]
            target.incoming.append(arrival)
        ordered = [nodes[node_id] for node_id in self.order]
        if any(node.spec.role is Role.COMMENT for node in self.special):
            ordered = [node for node in ordered if node.spec.role is not Role.COMMENT]
        for index, node in enumerate(ordered):
            node.index = index
            complete(node)
        outputs: dict[str, bool] = {}
        for node in self.special:
            if node.spec.role is Role.OUTPUT:
                name = str(node.properties.get("name", ""))
                outputs[name] = name in outputs or node.streams
        fed = tuple(node for _, node in self.params.inputs if node.is_fed)
        return Plan(ordered, outputs, fed, tuple(self.demanding))


def _name_of(node: Node) -> str:
    """What the user calls the node: NodeTool keeps a changed title among the UI properties."""
    title = node.ui_properties.get("title")
    return title if isinstance(title, str) else ""


def _check_properties(node: Node, planned: PlanNode, problems: list[Problem]) -> None:
    spec, producers = planned.spec, planned.wiring.producers
    properties: dict[str, Any] = {}
    others: dict[str, Any] = {}
    for name, value in node.data.items():
        handle = spec.inputs.get(name)
        if handle is None:
            others[name] = value
        elif name not in producers:
            try:
                properties[name] = handle.check(value)
                if type(value) in CONTAINERS:
                    refuse_depth(value)
            except ValueError as error:
                problems.append(Problem(str(error), node.id, name))
    planned.properties = properties
    if others or node.dynamic_properties:
        problems += _check_others(node, planned, others)


def _check_others(node: Node, planned: PlanNode, others: dict[str, Any]) -> Iterator[Problem]:
    """The properties that its type doesn't declare."""
    spec = planned.spec
    if spec.dynamic:
        planned.dynamic_properties = {**others, **node.dynamic_properties}
        yield from depth_problems(node.id, planned.dynamic_properties)
        return
    for name in others:
        yield Problem(f"{spec.type} has no property {name!r}{near(name, spec.inputs)}", node.id, name)
    if node.dynamic_properties:
        names = ", ".join(sorted(node.dynamic_properties))
        yield Problem(f"{spec.type} takes no dynamic properties, found {names}", node.id)
