"""What flows in a plan: which handles gather, which edges may carry more than one value, who fires once.

Each node is completed after those before it: what it gives depends on what it gets.
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter
from typing import TYPE_CHECKING

from nodetool_jupyter.engine.wiring import output_type, takes_short_way
from nodetool_jupyter.errors import Problem
from nodetool_jupyter.model.control import CONTROL
from nodetool_jupyter.model.types import ANY, gathers

if TYPE_CHECKING:
    from nodetool_jupyter.engine.plan import Plan, PlanNode

STREAMS = attrgetter("streams")


def complete(node: PlanNode) -> None:
    """What depends on the nodes before: which handles gather, which edges stream."""
    wiring = node.wiring
    if wiring.is_short and not (node.is_controlled or any(map(STREAMS, node.incoming))):
        node.fires_once = True
        return
    gathered = wiring.crowded
    if wiring.lists:
        gathered = gathered.union(_lists_of_singles(node))
    node.gathered = gathered
    streams = _may_stream(node)
    node.streams = streams
    if streams:
        for edges in node.outgoing.values():
            for edge in edges:
                edge.streams = edge.arrival.streams = True
    node.fires_once = takes_short_way(node.spec) and not (gathered or streams or node.is_controlled)


def _may_stream(node: PlanNode) -> bool:
    """Whether a node may give more than one value."""
    spec = node.spec
    if node.is_fed or (spec.shape.streams and not spec.passes):
        return True
    if node.is_controlled:
        return _fires_often(node)
    if spec.reads_stream and not spec.passes:
        return False
    return any(edge.streams and edge.target_handle not in node.gathered for edge in node.incoming)


def _fires_often(node: PlanNode) -> bool:
    """Whether a controlled node may run more than once."""
    edges = [edge for edge in node.incoming if edge.target_handle == CONTROL]
    return len(edges) > 1 or node.spec.passes or any(edge.streams for edge in edges)


def stream_problems(plan: Plan) -> Iterator[Problem]:
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
                    f"several values may come from node {edge.source_id}, and this node takes one here: "
                    "it reads another input item by item",
                    node.id,
                    edge.target_handle,
                    edge.id,
                )


def _lists_of_singles(node: PlanNode) -> Iterator[str]:
    """Handles of a list that single values arrive at."""
    for edge in node.incoming:
        name = edge.target_handle
        if name in node.wiring.lists:
            source = output_type(edge.source, edge.source_handle)
            if gathers(source or ANY, node.spec.inputs[name].type):
                yield name
