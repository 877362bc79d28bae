"""Outputs that one graph node has beside those of its type, and a policy of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, TypedDict

import pytest
from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.model.graph import Graph, Node
from nodetool_jupyter.model.types import TypeMetadata
from tests.unit.engine.kinds import give, increased, items
from tests.unit.engine.support import Bench, Out, problems


class Spread(BaseNode, prefix="test", dynamic=True, dynamic_outputs=True):
    """Gives what it has under each name that the graph node declares."""

    async def process(self, context: ProcessingContext) -> dict[str, Any]:
        return {name: self.dynamic_properties[name] for name in self.dynamic_outputs}


class Streams(BaseNode, prefix="test", dynamic=True, dynamic_outputs=True):
    """Gives each item at each of its own outputs, and its number."""

    values: list[Any] = Field(default=[])

    class OutputType(TypedDict):
        number: int

    async def gen_process(self, context: ProcessingContext) -> AsyncIterator[Any]:
        for number, value in enumerate(self.values):
            yield {"number": number, **dict.fromkeys(self.dynamic_outputs, value)}


class Inner(BaseNode, prefix="test"):
    """NodeTool's way to name outputs, without an annotation."""

    class OutputType(TypedDict):
        left: int
        right: str

    async def process(self, context: ProcessingContext) -> Any:
        return {"left": 1, "right": "b"}


def declared(**kinds: str) -> dict[str, Any]:
    return {"dynamic_outputs": {name: TypeMetadata(type=kind) for name, kind in kinds.items()}}


def test_a_result_is_a_dict_by_the_declared_names(bench: Bench) -> None:
    """Each goes its own way; a node of the same type may have others."""
    nodes = {
        "s": (Spread, {"a": 1, "b": "x"}, declared(a="int", b="str")),
        "t": (Spread, {"c": 2.5}, declared(c="float")),
        "i": increased,
        "o": Out,
        "p": (Out, {"name": "text"}),
        "q": (Out, {"name": "number"}),
    }
    ran = bench.run(nodes, "s.a > i.value", "i > o.value", "s.b > p.value", "t.c > q.value")
    assert ran.outcome.outputs == {"result": [2], "text": ["x"], "number": [2.5]}


def test_they_stream(bench: Bench) -> None:
    """Beside what the type itself declares."""
    nodes = {
        "s": (Streams, {"values": [4, 5]}, declared(one="int", two="int")),
        "i": increased,
        "o": Out,
        "n": (Out, {"name": "numbers"}),
    }
    ran = bench.run(nodes, "s.two > i.value", "i > o.value", "s.number > n.value")
    assert ran.outcome.outputs == {"result": [5, 6], "numbers": [0, 1]}


def test_their_types_are_checked_before_and_while_it_runs(bench: Bench) -> None:
    """An edge that doesn't fit is a problem, a value that doesn't fit the node's error."""
    nodes = {"s": (Spread, {"a": "x"}, declared(a="str")), "i": increased}
    (problem,) = problems(nodes, "s.a > i.value")
    assert "the types don't fit (expected int, found str)" in problem
    wrong = {"s": (Spread, {"a": "x"}, declared(a="int")), "o": Out}
    ran = bench.run(wrong, "s.a > o.value")
    assert "the result has the wrong type: expected int, found str 'x'" in ran.message
    assert ran.outcome.fault is not None
    assert ran.outcome.fault.handle == "a"


def test_only_declared_ones_can_be_connected() -> None:
    """Also where another node of the same type declares them."""
    nodes = {"s": (Spread, {}, declared(a="int")), "t": (Spread, {}, declared(b="int")), "o": Out}
    assert problems(nodes, "s.a > o.value") == []
    (problem,) = problems(nodes, "t.a > o.value")
    assert "test.Spread has no output 'a'" in problem
    (problem,) = problems({"s": Spread, "o": Out}, "s > o.value")
    assert "test.Spread has no output 'output'" in problem


def test_a_type_without_them_refuses_them() -> None:
    """Rather than never giving them a value."""
    (problem,) = problems({"g": (give, {}, declared(a="int"))})
    assert "has no dynamic outputs, found a" in problem


def test_an_inner_output_type_names_the_outputs(bench: Bench) -> None:
    """Where the annotation says nothing."""
    nodes = {"n": Inner, "i": increased, "o": Out}
    assert bench.run(nodes, "n.left > i.value", "i > o.value").result == [2]
    assert "the types don't fit" in problems(nodes, "n.right > i.value")[0]


class Reads(BaseNode, prefix="test", streaming_input=True):
    """Takes two values, one by one."""

    values: Any = None

    async def process(self, context: ProcessingContext) -> list[Any]:
        found = [await self.recv("values")]
        try:
            found.append(await self.recv("values"))
        except StopAsyncIteration:
            found.append("end")
        return found


@pytest.mark.parametrize(("given", "found"), [([1, 2, 3], [1, 2]), ([1], [1, "end"])])
def test_a_node_may_receive_value_by_value(bench: Bench, given: list[int], found: list[Any]) -> None:
    """``recv`` waits for the next one, and raises StopAsyncIteration at the end."""
    nodes = {"s": (items, {"values": given}), "r": Reads, "o": Out}
    assert bench.run(nodes, "s > r.values", "r > o.value").result == [found]


def test_they_are_in_the_file_as_they_were() -> None:
    """With the fields of a type that we don't know."""
    kind = {"type": "list", "optional": True, "type_args": [{"type": "int", "new": 1}], "new": 2}
    node = {"id": "s", "type": "test.Spread", "dynamic_outputs": {"a": kind}, "retries": 2}
    read = Graph(nodes=(Node.model_validate(node),))
    (written,) = read.model_dump(exclude_defaults=True)["nodes"]
    assert written == node
    made = Node(id="s", type="test.Spread", dynamic_outputs={"a": TypeMetadata(type="int")})
    assert made.model_dump(exclude_defaults=True)["dynamic_outputs"] == {"a": {"type": "int"}}
