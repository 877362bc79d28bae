"""Validation before anything runs: every problem at once, each with its place, expected and found."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.function import node
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.engine.plan import compile_graph, find_problems
from nodetool_jupyter.errors import InvalidGraph
from nodetool_jupyter.model.graph import Edge, Graph, Node
from nodetool_jupyter.model.types import TypeMetadata
from tests.unit.engine.kinds import (
    Free,
    Sort,
    first_of,
    gathered,
    give,
    increased,
    items,
    later,
    listed,
    pair,
    thread_increased,
)
from tests.unit.engine.support import Bench, Input, Note, Out, Show, graph, plan, problems, registry


@node
async def texts(n: int) -> str:
    return "x" * n


@node
async def joined(parts: list[str], by: str = "") -> str:
    return by.join(parts)


class Level(BaseNode, prefix="test", role="input"):
    """An input that demands a value, and converts it."""

    name: str
    value: int

    def accept(self, value: Any) -> Any:
        if value < 0:
            raise ValueError(f"expected a level of 0 or more, found {value}")
        return value * 10

    async def process(self, context: ProcessingContext) -> int:
        return self.value


@pytest.mark.parametrize(
    ("nodes", "edges", "problem"),
    [
        ({"a": increased}, [], "node a, handle value: has no value and no connection (expected int)"),
        ({"a": (increased, {"value": "x"})}, [], "node a, handle value: expected int, found str 'x'"),
        (
            {"a": (increased, {"value": 1, "valeu": 2})},
            [],
            "has no property 'valeu'; did you mean 'value'?",
        ),
        (
            {"a": (increased, {"value": 1}, {"dynamic_properties": {"x": 1}})},
            [],
            "takes no dynamic properties, found x",
        ),
        (
            {"a": (give, {"value": 1}), "b": increased},
            ["a.out > b.value"],
            "has no output 'out'; did you mean 'output'?",
        ),
        (
            {"a": (give, {"value": 1}), "b": (increased, {"value": 1})},
            ["a > b.valu"],
            "has no input 'valu'; did you mean 'value'?",
        ),
        (
            {"a": (texts, {"n": 1}), "b": increased},
            ["a > b.value"],
            "the types don't fit (expected int, found str)",
        ),
        (
            {"a": give, "b": give, "c": increased},
            ["a > c.value", "b > c.value"],
            "2 edges end here; only a list",
        ),
        ({"a": give, "b": give, "c": Out}, ["a > c.value", "b > c.value"], "2 edges end here; only a list"),
        ({"a": Note, "b": give}, ["a > b.value"], "test.Note doesn't run and can't be connected"),
        ({"a": Note, "b": give}, ["b > a.text"], "test.Note doesn't run and can't be connected"),
        ({"a": (Out, {"name": 5})}, [], "node a, handle name: expected str, found int 5"),
        ({"a": (Level, {"name": "x"})}, [], "node a, handle value: has no value and no connection"),
        (
            {"a": (Level, {"name": "x", "value": -1})},
            [],
            "its value: expected a level of 0 or more, found -1",
        ),
    ],
)
def test_one_problem(nodes: dict[str, Any], edges: list[str], problem: str) -> None:
    """Each mistake is one problem, which says where it is and what would be right."""
    found = problems(nodes, *edges)
    assert len(found) == 1, found
    assert problem in found[0]


def test_an_edge_is_named_by_its_ends() -> None:
    """Whoever reads the problem finds the edge in the drawing."""
    [text] = problems({"a": (texts, {"n": 1}), "b": increased}, "a > b.value")
    assert text.startswith("node b, edge a > b.value, handle value: a.output → b.value: ")


def test_all_problems_are_reported_at_once() -> None:
    """And nothing of the graph has run: the sentence says so."""
    nodes = {
        "a": (increased, {"value": "x", "other": 1}),
        "b": texts,
        "c": (increased, {"value": 1}),
        "i": (Input, {"name": "known"}),
    }
    made = graph(nodes, "b > c.value", "c.what > a.value")
    unknown = Node(id="u", type="no.such.Type")
    made = Graph(nodes=(*made.nodes, unknown), edges=made.edges)
    with pytest.raises(InvalidGraph, match="nothing has run") as caught:
        compile_graph(made, registry(nodes), {"wrong": 1})
    places = {problem.node_id for problem in caught.value.problems}
    assert places == {"a", "b", "c", "u", None}
    assert len(caught.value.problems) == 6


class TestParams:
    """The params of a job, by the names of its input nodes."""

    def test_param_takes_the_place_of_the_value(self, bench: Bench) -> None:
        """Without one, the node's own value counts."""
        nodes = {"i": (Input, {"name": "n", "value": 1}), "o": Out}
        assert bench.run(nodes, "i > o.value").result == [1]
        assert bench.run(nodes, "i > o.value", params={"n": 2}).result == [2]
        assert bench.run(nodes, "i > o.value", params={"n": None}).result == [None]

    def test_param_is_checked_and_converted_by_its_input(self, bench: Bench) -> None:
        """Also where the input has no value of its own."""
        nodes = {"i": (Level, {"name": "n"}), "o": Out}
        assert bench.run(nodes, "i > o.value", params={"n": 2.0}).result == [20]
        wrong = problems(nodes, "i > o.value", params={"n": "2"})[0]
        assert "param 'n': expected int, found str '2'" in wrong
        assert "param 'n': expected a level" in problems(nodes, "i > o.value", params={"n": -2})[0]

    def test_unknown_param(self) -> None:
        """It is not ignored; a near name is suggested, else all are named."""
        nodes = {"i": (Input, {"name": "width"}), "j": (Input, {"name": "height"})}
        [near] = problems(nodes, params={"widht": 1})
        assert "'widht' that a param was given for; did you mean 'width'?" in near
        assert "there are ['height', 'width']" in problems(nodes, params={"zzz": 1})[0]
        assert "there are none" in problems({"a": give}, params={"n": 1})[0]

    def test_two_inputs_of_one_name(self) -> None:
        """A param would reach only one of them."""
        nodes = {"i": (Input, {"name": "n"}), "j": (Input, {"name": "n"})}
        assert problems(nodes) == ["node j: two input nodes have the name 'n'"]

    def test_inputs_without_a_name_keep_their_values(self, bench: Bench) -> None:
        """Each of them is asked whether it accepts its own."""
        nodes = {
            "i": (Level, {"name": "", "value": 1}),
            "j": (Level, {"name": "", "value": 2}),
            "p": pair,
            "o": Out,
        }
        assert bench.run(nodes, "i > p.a", "j > p.b", "p > o.value").result == [[10, 20]]


class TestPlan:
    """What a run is told about the graph."""

    def test_order_and_outputs(self) -> None:
        """Sources first; every name of an output once, in the order of the graph."""
        nodes = {
            "z": (Out, {"name": "two"}),
            "y": increased,
            "x": (increased, {"value": 1}),
            "n": Note,
            "w": Out,
            "v": (Out, {"name": "two"}),
        }
        made = plan(nodes, "x > y.value", "y > z.value", "x > w.value", "x > v.value")
        assert [item.id for item in made.nodes] == ["x", "y", "w", "v", "z"]
        assert [item.index for item in made.nodes] == [0, 1, 2, 3, 4]
        assert list(made.outputs) == ["two", "result"]

    def test_edge_overrides_a_property_without_checking_it(self) -> None:
        """What a file holds for a connected handle is not used, whatever it is."""
        made = plan({"a": (give, {"value": 1}), "b": (increased, {"value": "old"})}, "a > b.value")
        assert made.nodes[1].properties == {}

    def test_labels(self) -> None:
        """The title that a user gave, else the type's."""
        titled = {"ui_properties": {"title": "My node"}}
        made = plan({"a": (give, {}, titled), "b": Sort, "c": (Note, {}, titled)}, "a > b.number")
        assert [item.label for item in made.nodes] == ["My node", "Sort"]

    def test_what_streams(self) -> None:
        """Downstream of a stream everything streams, till something gathers it."""
        nodes = {
            "items": (items, {"values": [1]}),
            "one": increased,
            "pair": pair,
            "all": gathered,
            "after": give,
            "single": give,
        }
        edges = (
            "items > one.value",
            "one > pair.a",
            "single > pair.b",
            "one > all.values",
            "all > after.value",
        )
        streams = {item.id for item in plan(nodes, *edges).nodes if item.streams}
        assert streams == {"items", "one", "pair"}

    @pytest.mark.parametrize(("kind", "streams"), [(give, False), (items, True)])
    def test_what_passes_streams_only_if_it_is_fed_by_a_stream(self, kind: Any, streams: bool) -> None:
        """A branch doesn't make a list of a single value."""
        nodes = {"a": (kind, {"values" if streams else "value": [1]}), "s": Sort, "o": Out}
        made = plan(nodes, "a > s.number", "s.odd > o.value")
        assert [item.streams for item in made.nodes] == [streams] * 3

    def test_gathered_handles(self) -> None:
        """A list takes several edges, and single values; what may be a list itself goes as it is."""
        nodes = {
            "text": (texts, {"n": 1}),
            "any": (give, {"value": []}),
            "one": joined,
            "several": joined,
            "whole": joined,
        }
        edges = ("text > one.parts", "text > several.parts", "any > several.parts", "any > whole.parts")
        made = {item.id: item.gathered for item in plan(nodes, *edges).nodes}
        assert (made["one"], made["several"], made["whole"]) == ({"parts"}, {"parts"}, set())

    def test_who_goes_the_short_way(self) -> None:
        """Only coroutines that fire at most once and need nothing of an inbox."""
        nodes = {
            "give": give,
            "items": items,
            "fed": later,
            "thread": (thread_increased, {"value": 1}),
            "list": listed,
            "first": first_of,
            "in": Input,
            "show": Show,
        }
        edges = ("give > items.values", "items > fed.value", "fed > list.values", "items > first.values")
        made = {item.id for item in plan(nodes, *edges).nodes if item.fires_once}
        assert made == {"give"}

    def test_dynamic_outputs(self, bench: Bench) -> None:
        """They are what the file declares; an undeclared one is refused."""

        class Router(BaseNode, prefix="test", dynamic=True):
            """Gives a value at each handle that it was given a name for."""

            async def gen_process(self, context: ProcessingContext) -> Any:
                yield dict(self.dynamic_properties)

        declared = {"dynamic_outputs": {"left": TypeMetadata(type="int")}}
        nodes = {"r": (Router, {"left": 1}, declared), "t": (joined, {}), "o": Out}
        assert bench.run({"r": nodes["r"], "o": Out}, "r.left > o.value").result == [1]
        assert "has no output 'right'" in problems(nodes, "r.right > t.by")[0]
        assert "the types don't fit (expected str, found int)" in problems(nodes, "r.left > t.by")[0]

    def test_a_dynamic_node_without_declared_outputs_has_one(self, bench: Bench) -> None:
        """It may give anything there."""
        ran = bench.run({"f": (Free, {"x": 1}), "o": Out}, "f > o.value")
        assert ran.result == [{"known": 0, "x": 1}]


def test_a_large_graph_is_planned_in_proportion() -> None:
    """A long chain needs no recursion, and no search for what is connected to what."""
    count = 20_000
    nodes = tuple(Node(id=str(number), type=give.spec.type) for number in range(count))
    edges = tuple(
        Edge(source=str(one), target=str(two), targetHandle="value")
        for one, two in itertools.pairwise(range(count))
    )
    made = compile_graph(Graph(nodes=nodes, edges=edges), registry({"a": give}))
    assert [made.nodes[0].id, made.nodes[-1].id, len(made.nodes)] == ["0", str(count - 1), count]


def test_many_wrong_nodes_are_refused_in_proportion() -> None:
    """Of 10,000 unknown types a few get a guess; all are reported."""
    nodes = tuple(Node(id=str(number), type=f"no.such.Type{number}") for number in range(10_000))
    assert len(find_problems(Graph(nodes=nodes), registry({"a": give}))) == 10_000


def test_each_of_many_alike_is_judged_by_itself() -> None:
    """Nodes and edges that look alike share what follows from that; each problem names its own."""
    nodes: dict[str, Any] = {
        "valued": (increased, {"value": 1}),
        "bare": increased,
        "wrong": (increased, {"value": "x"}),
        "text": (texts, {"n": 1}),
        "fed1": increased,
        "fed2": increased,
    }
    found = problems(nodes, "text > fed1.value", "text > fed2.value")
    assert [text.partition(": ")[0] for text in found] == [
        "node fed1, edge text > fed1.value, handle value",
        "node fed2, edge text > fed2.value, handle value",
        "node bare, handle value",
        "node wrong, handle value",
    ]
