"""How a node is connected, and which connections are allowed: handles that exist, types that fit.

Nothing here depends on what stands elsewhere in the graph, so that nodes and edges that look alike share one
answer.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from nodetool_jupyter.engine.annotations import Check
from nodetool_jupyter.engine.spec import NO_POLICY, REQUIRED, InputSpec, NodeSpec, Role, Shape
from nodetool_jupyter.errors import Problem
from nodetool_jupyter.model.control import CONTROL
from nodetool_jupyter.model.graph import DEFAULT_HANDLE, Edge, Node
from nodetool_jupyter.model.types import ANY, TypeMetadata, fits


@dataclass(slots=True, eq=False)
class Wiring:
    """What follows from a node's type and its connected handles alone: the same for all nodes that share
    them. Not changed once it is made.
    """

    producers: dict[str, int]
    """Connected handles, and how many edges end at each."""
    checks: dict[str, Check] = field(default_factory=dict)
    """How to check what arrives at a connected handle; none for handles of type any."""
    crowded: frozenset[str] = frozenset()
    """Handles at which several edges end, but for those that a node reads itself."""
    lists: frozenset[str] = frozenset()
    """Handles of a list at which one edge ends, which may bring a list or single values."""
    is_sound: bool = True
    """Whether no handle is crowded that takes one value, and none is left that needs one."""
    is_short: bool = False
    """Whether the node fires once and the short way, unless a stream or a control edge comes to it."""


def wiring_of(spec: NodeSpec, handles: Collection[str]) -> Wiring:
    """The wiring of a node; ``handles`` has one item for each edge that ends at it."""
    wiring = Wiring({})
    count = wiring.producers
    for name in handles:
        count[name] = count.get(name, 0) + 1
    for name, number in count.items():
        handle = spec.inputs.get(name)
        if handle is None:
            wiring.is_sound &= number == 1
        else:
            _connect(wiring, handle, number)
    for name, handle in spec.inputs.items():
        if handle.default is REQUIRED and name not in count:
            wiring.is_sound = False
    wiring.is_short = takes_short_way(spec) and not (wiring.lists or wiring.crowded)
    return wiring


def takes_short_way(spec: NodeSpec) -> bool:
    """Whether nodes of a type are coroutines that need no inbox, where they fire at most once."""
    return (
        spec.role is Role.NODE
        and spec.shape is Shape.COROUTINE
        and not spec.reads_stream
        and (spec.policy is NO_POLICY or spec.policy == NO_POLICY)
    )


def _connect(wiring: Wiring, handle: InputSpec, number: int) -> None:
    kind = handle.type.type
    if kind != "any":
        wiring.checks[handle.name] = handle.check
    if handle.streamed:
        return
    if number > 1:
        wiring.crowded |= {handle.name}
        wiring.is_sound &= kind == "list"
    elif kind == "list":
        wiring.lists |= {handle.name}


def near(name: str, names: Mapping[str, object]) -> str:
    """A guess at what was meant, as the end of a sentence."""
    close = difflib.get_close_matches(name, names, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; it has {', '.join(names) or 'none'}"


def fan_in_problems(node_id: str, spec: NodeSpec, wiring: Wiring) -> Iterator[Problem]:
    """Handles at which more edges end than they take."""
    for name, number in wiring.producers.items():
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


def edge_problems(edge: Edge, source: Node, target: Node, specs: Mapping[str, NodeSpec]) -> Iterator[Problem]:
    """Why an edge can't connect these two nodes."""
    from_spec, to_spec = specs[source.id], specs[target.id]
    for node in (source, target):
        if specs[node.id].role is Role.COMMENT:
            yield Problem(f"{edge}: {node.type} doesn't run and can't be connected", node.id, edge_id=edge.id)
            return
    if edge.edge_type == "control":
        yield from control_problems(edge, source, target, specs)
        return
    if edge.targetHandle == CONTROL:
        yield Problem(f"{edge}: only an edge of edge_type control ends here", target.id, CONTROL, edge.id)
        return
    output = output_type(from_spec, edge.sourceHandle)
    handle = to_spec.inputs.get(edge.targetHandle)
    if output is None:
        yield Problem(
            f"{edge}: {from_spec.type} has no output {edge.sourceHandle!r}"
            f"{near(edge.sourceHandle, from_spec.outputs)}",
            source.id,
            edge.sourceHandle,
            edge.id,
        )
    if handle is None and not to_spec.dynamic:
        yield Problem(
            f"{edge}: {to_spec.type} has no input {edge.targetHandle!r}"
            f"{near(edge.targetHandle, to_spec.inputs)}",
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


def control_problems(
    edge: Edge, source: Node, target: Node, specs: Mapping[str, NodeSpec]
) -> Iterator[Problem]:
    """Why a control edge can't connect these two nodes."""
    from_spec, to_spec = specs[source.id], specs[target.id]
    drawn = edge.sourceHandle
    if edge.targetHandle != CONTROL:
        yield Problem(f"{edge}: a control edge ends at {CONTROL}", target.id, edge.targetHandle, edge.id)
    if drawn not in (CONTROL, DEFAULT_HANDLE) and drawn not in from_spec.outputs:
        yield Problem(
            f"{edge}: {from_spec.type} has no output {drawn!r}{near(drawn, from_spec.outputs)}",
            source.id,
            drawn,
            edge.id,
        )
    if to_spec.role is Role.INPUT and target.data.get("stream"):
        yield Problem(
            f"{edge}: an input that values are pushed to can't be controlled", target.id, edge_id=edge.id
        )


def control_handle(spec: NodeSpec, drawn: str) -> str:
    """The output whose values are the events of a control edge that is drawn from handle ``drawn``.

    A node with named outputs gives them by ``__control__``, as NodeTool's do, unless it is declared to give
    dicts or events where the edge begins.
    """
    if not spec.routes:
        return DEFAULT_HANDLE
    kind = spec.outputs.get(drawn)
    is_declared = kind is not None and (kind.type == "dict" or (kind.type_name or "").endswith("Event"))
    return drawn if is_declared else CONTROL


def output_type(spec: NodeSpec, handle: str) -> TypeMetadata | None:
    """The type of an output handle; None where there is no such handle."""
    if spec.role is Role.WORKFLOW:
        return ANY  # the workflow in it can't be read, which is problem enough
    declared = spec.outputs.get(handle)
    is_open = spec.dynamic and not (spec.outputs or spec.dynamic_outputs)
    return ANY if declared is None and is_open and handle == DEFAULT_HANDLE else declared
