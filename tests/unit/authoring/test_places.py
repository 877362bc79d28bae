"""Positions for NodeTool's editor: none is changed, none is missing, none lies on another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nodetool_jupyter.authoring.files import load_workflow, save_workflow
from nodetool_jupyter.authoring.places import with_places
from nodetool_jupyter.model.graph import Edge, Graph, Node

OWN = {"position": {"x": 7.5, "y": 40}, "width": 200}


def graph_of(edges: list[tuple[int, int]], count: int, **first: Any) -> Graph:
    nodes = [Node(id=f"n{at}", type="t", **(first if not at else {})) for at in range(count)]
    pairs = {(a, b) for a, b in edges if a < b < count}
    return Graph(
        nodes=tuple(nodes),
        edges=tuple(Edge(source=f"n{a}", target=f"n{b}", targetHandle="x") for a, b in sorted(pairs)),
    )


def spots(graph: Graph) -> dict[str, tuple[float, float]]:
    positions = {node.id: node.ui_properties["position"] for node in graph.nodes}
    return {node_id: (place["x"], place["y"]) for node_id, place in positions.items()}


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9))), st.integers(0, 10), st.booleans())
def test_each_node_has_its_own_place_right_of_what_feeds_it(
    edges: list[tuple[int, int]], count: int, has_own: bool
) -> None:
    """Whatever the graph is."""
    graph = graph_of(edges, count, **({"ui_properties": OWN} if has_own else {}))
    placed = with_places(graph)
    at = spots(placed)
    assert len(set(at.values())) == count
    for edge in graph.edges:
        if not (has_own and edge.source == "n0"):
            assert at[edge.source][0] < at[edge.target][0]
    if has_own and count:
        assert placed.nodes[0] == graph.nodes[0]


def test_a_place_that_is_none_is_replaced() -> None:
    """No file of somebody else's keeps a workflow from being saved."""
    for odd in ({"x": "left"}, {"x": float("nan"), "y": 1}, "here", None):
        (node,) = with_places(graph_of([], 1, ui_properties={"position": odd, "title": "mine"})).nodes
        assert node.ui_properties == {"position": {"x": 0, "y": 0}, "title": "mine"}


def test_a_cycle_is_placed_too() -> None:
    """It can't run, and can be looked at."""
    edges = [Edge(source=a, target=b, targetHandle="x") for a, b in (("a", "b"), ("b", "a"))]
    graph = Graph(nodes=(Node(id="a", type="t"), Node(id="b", type="t")), edges=tuple(edges))
    assert len(set(spots(with_places(graph)).values())) == 2


def test_saving_places(tmp_path: Path) -> None:
    """Once: what is read again is saved as it is."""
    path = save_workflow(graph_of([(0, 1)], 2), tmp_path / "a.json")
    again = save_workflow(load_workflow(path), tmp_path / "b.json")
    assert json.loads(path.read_text("utf-8")) == json.loads(again.read_text("utf-8"))
    assert len(spots(load_workflow(path).graph)) == 2
