"""Where nodes stand in NodeTool's editor, for a graph that doesn't say: each right of what feeds it."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from nodetool_jupyter.model.graph import Graph, Node

COLUMN = 320
ROW = 180
"""Pixels of the editor from one node to the next: a node with a few fields takes that much."""


def with_places(graph: Graph) -> Graph:
    """The graph with a position for each node; those that have one keep it, the others stand below them."""
    if all(map(_place_of, graph.nodes)):
        return graph
    columns = _columns(graph)
    used: Counter[tuple[str | None, int]] = Counter()
    bottom: dict[str | None, float] = {}
    for node in graph.nodes:
        if (place := _place_of(node)) is not None:
            bottom[node.parent_id] = max(bottom.get(node.parent_id, -math.inf), place[1])
    nodes = []
    for node in graph.nodes:
        if _place_of(node) is None:
            column = columns.get(node.id, 0)
            top = bottom[node.parent_id] + ROW if node.parent_id in bottom else 0.0
            row = used[node.parent_id, column]
            used[node.parent_id, column] += 1
            node = _at(node, column * COLUMN, top + row * ROW)  # noqa: PLW2901 - the same one, placed
        nodes.append(node)
    return graph.model_copy(update={"nodes": tuple(nodes)})


def _place_of(node: Node) -> tuple[float, float] | None:
    position = node.ui_properties.get("position")
    if not isinstance(position, dict):
        return None
    x, y = position.get("x"), position.get("y")
    if not (isinstance(x, int | float) and isinstance(y, int | float)):
        return None
    return (x, y) if math.isfinite(x) and math.isfinite(y) else None


def _columns(graph: Graph) -> dict[str, int]:
    """How many nodes lie on the longest way to each; 0 for all of a graph that can't be ordered."""
    incoming: dict[str, list[str]] = {}
    for edge in graph.edges:
        incoming.setdefault(edge.target, []).append(edge.source)
    columns: dict[str, int] = {}
    for node_id in graph.structure().order:
        columns[node_id] = max((columns[source] + 1 for source in incoming.get(node_id, ())), default=0)
    return columns


def _at(node: Node, x: float, y: float) -> Node:
    shown: dict[str, Any] = {**node.ui_properties, "position": {"x": x, "y": y}}
    return node.model_copy(update={"ui_properties": shown})
