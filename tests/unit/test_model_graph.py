"""Graphs as data: NodeTool's JSON, and what is wrong with a graph whatever its nodes are."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from nodetool_jupyter.model.graph import Edge, Graph, Node, Workflow


def made(nodes: str, *edges: str, **fields: Any) -> Graph:
    """Nodes by the letters of their ids; edges as ``ab`` for a → b."""
    return Graph(
        nodes=tuple(Node(id=node_id, type="x", **fields) for node_id in nodes),
        edges=tuple(Edge(source=one, target=two, targetHandle=f"in_{one}") for one, two in edges),
    )


def problems(graph: Graph) -> list[str]:
    return [str(problem) for problem in graph.structural_problems()]


class TestProblems:
    """What needs no node library to be seen."""

    def test_a_sound_graph_has_none(self) -> None:
        """Diamonds and several edges between two nodes are sound."""
        graph = made("abcd", "ab", "ac", "bd", "cd")
        other = Edge(source="a", target="b", targetHandle="other")
        assert problems(Graph(nodes=graph.nodes, edges=(*graph.edges, other))) == []
        assert problems(Graph()) == []

    def test_ids(self) -> None:
        """Missing ones, doubled ones, of nodes and of edges."""
        edges = (
            Edge(id="e", source="a", target="b", targetHandle="x"),
            Edge(id="e", source="a", target="b", targetHandle="y"),
        )
        nodes = tuple(Node(id=node_id, type="x") for node_id in ("a", "a", "a", "b", ""))
        assert problems(Graph(nodes=nodes, edges=edges)) == [
            "node a: 3 nodes have this id",
            "a node has no id",
            "edge e: 2 edges have this id",
        ]

    def test_edges(self) -> None:
        """Dangling at either end, and the same connection twice."""
        graph = made("ab", "ab", "ab", "xb", "ay")
        assert problems(graph) == [
            "a.output → b.in_a: this connection is there twice",
            "x.output → b.in_x: its source node 'x' is not in the graph",
            "a.output → y.in_a: its target node 'y' is not in the graph",
        ]

    def test_groups(self) -> None:
        """A parent that isn't there."""
        assert problems(made("a", parent_id="gone")) == ["node a: its group 'gone' is not in the graph"]
        assert problems(made("a", parent_id="")) == []

    def test_groups_in_groups(self) -> None:
        """As deep as they are drawn, but never around: each such ring is told once."""
        chain = [Node(id=str(number), type="t", parent_id=str(number + 1)) for number in range(5000)]
        assert Graph(nodes=(*chain, Node(id="5000", type="t"))).structural_problems() == []
        ring = Graph(nodes=(*chain, Node(id="5000", type="t", parent_id="4000")))
        assert [str(problem) for problem in ring.structural_problems()] == [
            "node 4000: its group is inside of itself"
        ]
        own = Graph(nodes=(Node(id="g", type="t", parent_id="g"),))
        assert [str(problem) for problem in own.structural_problems()] == [
            "node g: its group is inside of itself"
        ]

    @pytest.mark.parametrize(
        ("edges", "cycle"),
        [
            (["aa"], "a → a"),
            (["ab", "ba"], "a → b → a"),
            (["ab", "bc", "cd", "db"], "b → c → d → b"),
            (["ab", "bc", "ca", "cd"], "a → b → c → a"),
        ],
    )
    def test_cycles_are_named(self, edges: list[str], cycle: str) -> None:
        """The nodes in their order, and none that only hangs on the cycle."""
        [text] = problems(made("abcd", *edges))
        start = text.partition(": ")[0].removeprefix("node ")
        names = cycle.split(" → ")[:-1]
        at = names.index(start)
        turned = [*names[at:], *names[:at], start]
        assert text == f"node {start}: the graph has a cycle: {' → '.join(turned)}"

    def test_a_long_cycle_is_shortened(self) -> None:
        """A message of ten thousand ids helps nobody."""
        count = 10_000
        nodes = tuple(Node(id=f"n{number}", type="x") for number in range(count))
        edges = tuple(
            Edge(source=f"n{number}", target=f"n{(number + 1) % count}", targetHandle="x")
            for number in range(count)
        )
        [text] = problems(Graph(nodes=nodes, edges=edges))
        assert "… 9988 more …" in text
        assert len(text) < 300

    @given(
        st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from("abcdef")), max_size=12, unique=True)
    )
    def test_a_named_cycle_is_one(self, pairs: list[tuple[str, str]]) -> None:
        """Each of its steps is an edge; and where none is named, the nodes can be put in order."""
        graph = made("abcdef", *(one + two for one, two in pairs))
        found = problems(graph)
        if not found:
            order = list(graph_order(pairs))
            assert all(order.index(one) < order.index(two) for one, two in pairs)
            return
        names = found[0].partition("cycle: ")[2].split(" → ")
        assert len(names) >= 2
        assert all(step in pairs for step in pairwise(names))


def graph_order(pairs: list[tuple[str, str]]) -> list[str]:
    order: list[str] = []
    while len(order) < 6:
        free = [
            node
            for node in "abcdef"
            if node not in order and all(one in order for one, two in pairs if two == node)
        ]
        assert free, "a cycle was not seen"
        order += free[:1]
    return order


class TestJson:
    """NodeTool's files, old ones too."""

    def test_defaults_of_old_files(self) -> None:
        """What they lack is as it was then."""
        node = Node.model_validate({"id": "a", "type": "x"})
        assert (node.data, node.sync_mode, node.dynamic_outputs, node.parent_id) == ({}, "on_any", {}, None)
        edge = Edge.model_validate({"source": "a", "target": "b", "targetHandle": "x"})
        assert (edge.sourceHandle, edge.edge_type, edge.id) == ("output", "data", None)

    def test_unknown_fields_are_kept(self) -> None:
        """Saving a workflow loses nothing of it."""
        data = {
            "id": "w",
            "name": "n",
            "run_mode": "app",
            "graph": {
                "nodes": [{"id": "a", "type": "x", "color": "red"}],
                "edges": [],
                "viewport": {"x": 1},
            },
        }
        dumped = Workflow.model_validate(data).model_dump()
        assert dumped["run_mode"] == "app"
        assert dumped["graph"]["viewport"] == {"x": 1}
        assert dumped["graph"]["nodes"][0]["color"] == "red"

    def test_a_bare_graph_is_a_workflow(self) -> None:
        """With a name, where it has one; as a Graph too."""
        workflow = Workflow.model_validate({"nodes": [{"id": "a", "type": "x"}], "edges": [], "name": "n"})
        assert (workflow.name, workflow.graph.nodes[0].id) == ("n", "a")
        assert Workflow.model_validate(workflow.graph).graph == workflow.graph

    @pytest.mark.parametrize(
        "data",
        [
            {"nodes": [{"id": "a"}]},
            {"nodes": [{"id": 5, "type": "x"}]},
            {"nodes": [{"id": "a", "type": "x", "sync_mode": "sometimes"}]},
            {"nodes": [], "edges": [{"source": "a", "target": "b"}]},
            {"nodes": [], "edges": [{"source": "a", "target": "b", "targetHandle": "x", "edge_type": "odd"}]},
            {"nodes": "abc"},
            {"graph": None},
        ],
    )
    def test_what_is_no_graph(self, data: Any) -> None:
        """A field of the wrong kind is refused."""
        with pytest.raises(ValidationError):
            Workflow.model_validate(data)

    def test_graphs_do_not_change(self) -> None:
        """What was checked is what runs."""
        graph = made("a")
        with pytest.raises(ValidationError, match="frozen"):
            graph.nodes = ()
        with pytest.raises(ValidationError, match="frozen"):
            graph.nodes[0].id = "b"
