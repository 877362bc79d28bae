"""Classes as node types: fields, keywords, outputs, and what an instance keeps during a run."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any, TypedDict

import pytest
from pydantic import Field, PrivateAttr

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.handles import title_of
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.engine.spec import BUILDING, REQUIRED, Role, Shape
from tests.unit.engine.kinds import Free, give, items
from tests.unit.engine.support import Bench, Input, Out


class Base(BaseNode, prefix="lib.test", timeout=5, abstract=True):
    """Base of others."""


class AddNode(Base):
    """Adds.

    Two numbers.
    """

    a: int
    b: int = Field(default=1, ge=0, lt=10, description="The second.")

    async def process(self, context: ProcessingContext) -> int:
        return self.a + self.b


class Parts(Base, retries=2):
    text: str = ""

    class OutputType(TypedDict):
        first: str
        length: int

    def process(self, context: ProcessingContext) -> OutputType:
        return {"first": self.text[:1], "length": len(self.text)}


class Count(Base):
    to: int = 0

    class OutputType(TypedDict):
        output: int

    async def gen_process(self, context: ProcessingContext) -> AsyncGenerator[OutputType, None]:
        for number in range(self.to):
            yield {"output": number}


class Memory(Base):
    """Keeps what it has seen, in an attribute and in a mutable default."""

    value: Any = None
    seen: list[Any] = []  # noqa: RUF012 - that each instance has its own is what is tested

    async def process(self, context: ProcessingContext) -> list[Any]:
        self.seen.append(self.value)
        return list(self.seen)


def test_spec_of_a_class() -> None:
    """The type string drops a trailing Node; fields are handles, with defaults and bounds."""
    spec = AddNode.spec()
    assert (spec.type, spec.title, spec.description) == ("lib.test.Add", "Add", "Adds.\n\nTwo numbers.")
    assert (spec.inputs["a"].default, spec.inputs["b"].default) == (REQUIRED, 1)
    handle = spec.inputs["b"]
    assert (handle.minimum, handle.maximum, handle.description) == (0, 10, "The second.")
    assert spec is AddNode.spec()


def test_keywords_are_inherited_but_abstract() -> None:
    """A family states once what all of its nodes are."""
    assert Parts.spec().policy.timeout == 5
    assert (Parts.spec().policy.retries, Count.spec().policy.retries) == (2, 0)
    assert (Base._abstract, Parts._abstract) == (True, False)


def test_unknown_keyword_is_refused() -> None:
    """A misspelled keyword isn't ignored."""
    with pytest.raises(TypeError, match="Wrong: unknown class keyword 'streaming'; known are"):
        type("Wrong", (BaseNode,), {}, streaming=True)


@pytest.mark.parametrize(
    ("cls", "shape", "outputs"),
    [
        (AddNode, Shape.COROUTINE, {"output": "int"}),
        (Parts, Shape.FUNCTION, {"first": "str", "length": "int"}),
        (Count, Shape.ASYNC_GENERATOR, {"output": "int"}),
    ],
)
def test_shape_and_outputs_follow_the_method(
    cls: type[BaseNode], shape: Shape, outputs: dict[str, str]
) -> None:
    """process or gen_process; an OutputType has one handle a key."""
    spec = cls.spec()
    assert spec.shape is shape
    assert {name: str(kind) for name, kind in spec.outputs.items()} == outputs


def test_roles() -> None:
    """What the engine does itself is said by the class; only inputs take params."""
    assert (Input.spec().role, Out.spec().role) == (Role.INPUT, Role.OUTPUT)
    assert Input.spec().accept is not None
    assert Out.spec().accept is None


def test_calling_a_class_makes_an_instance_unless_a_cell_builds() -> None:
    """Tests and nodes use classes as such; in a cell a call is a node of the graph."""
    assert AddNode(a=1).b == 1
    calls: list[Any] = []
    token = BUILDING.set(lambda spec, args, kwargs: calls.append((spec, kwargs)))
    try:
        AddNode(a=1)
    finally:
        BUILDING.reset(token)
    assert calls == [(AddNode.spec(), {"a": 1})]


def test_results_by_handle(bench: Bench) -> None:
    """Each key of the result goes out at its handle."""
    nodes = {"p": (Parts, {"text": "word"}), "o": Out, "n": (Out, {"name": "length"})}
    ran = bench.run(nodes, "p.first > o.value", "p.length > n.value")
    assert ran.outcome.outputs == {"result": ["w"], "length": [4]}


def test_an_instance_lives_for_one_run(bench: Bench) -> None:
    """It may keep state from firing to firing; the next run starts anew."""
    nodes = {"i": (items, {"values": [1, 2]}), "m": Memory, "o": Out}
    edges = ("i > m.value", "m > o.value")
    assert bench.run(nodes, *edges).result == [[1], [1, 2]]
    assert bench.run(nodes, *edges).result == [[1], [1, 2]]


def test_properties_and_edges_set_fields(bench: Bench) -> None:
    """An edge overrides the property of its handle, checked like it."""
    nodes = {"g": (give, {"value": 4.0}), "a": (AddNode, {"a": 100, "b": 2}), "o": Out}
    assert bench.run(nodes, "g > a.a", "a > o.value").result == [6]


def test_undeclared_handles_of_a_dynamic_node(bench: Bench) -> None:
    """They come from data, from dynamic_properties and from edges, the edge first."""
    nodes = {
        "g": (give, {"value": "edge"}),
        "f": (Free, {"known": 1, "a": 2}, {"dynamic_properties": {"b": 3, "c": 4}}),
        "o": Out,
    }
    ran = bench.run(nodes, "g > f.c", "f > o.value")
    assert ran.result == [{"known": 1, "a": 2, "b": 3, "c": "edge"}]


def test_reading_inputs_needs_the_keyword() -> None:
    """Otherwise nothing would ever arrive, and nobody knew why."""
    with pytest.raises(RuntimeError, match="AddNode must have streaming_input=True to read its inputs"):
        AddNode(a=1).iter_input("a")


def test_a_node_without_process_says_so(bench: Bench) -> None:
    """It is an error of that node."""

    class Empty(BaseNode, prefix="test"):
        """Nothing."""

    assert "Empty has neither process nor gen_process" in bench.run({"e": Empty}).message


@pytest.mark.parametrize(
    ("name", "title"), [("ImportCSV", "Import CSV"), ("fetch_title", "fetch title"), ("HTTPGet", "HTTP Get")]
)
def test_titles_are_words(name: str, title: str) -> None:
    """What a user sees of a type's name."""
    assert title_of(name) == title


class Stateful(BaseNode, prefix="test"):
    """Fields and state of all kinds."""

    plain: int = 1
    items: list[int] = Field(default=[1])
    made: dict[str, int] = Field(default_factory=dict)

    _count: int = 0

    async def process(self, context: ProcessingContext) -> Any:
        self._count += 1
        self.items.append(self._count)
        self.made["count"] = self._count
        return [self.plain, self.items, self.made, self.model_fields_set]


class Prepared(Stateful):
    """Does something when it is made."""

    _log: list[str] = PrivateAttr(default_factory=list)

    def model_post_init(self, context: Any) -> None:
        self._log.append("ready")

    async def process(self, context: ProcessingContext) -> Any:
        return self._log


class Quiet(Prepared):
    """As its base."""


def test_each_node_of_a_run_has_an_instance_of_its_own(bench: Bench) -> None:
    """Defaults that can be changed, and state, are new each time; what was given is known to be."""
    for _ in range(2):
        nodes = {"a": Stateful, "b": (Stateful, {"plain": 2}), "o": Out, "p": (Out, {"name": "other"})}
        found = bench.run(nodes, "a > o.value", "b > p.value").outcome.outputs
        assert found["result"] == [[1, [1, 1], {"count": 1}, set()]]
        assert found["other"] == [[2, [1, 1], {"count": 1}, {"plain"}]]


@pytest.mark.parametrize("kind", [Prepared, Quiet])
def test_a_class_may_prepare_its_instances(bench: Bench, kind: type[BaseNode]) -> None:
    """By pydantic's own method, once each."""
    for _ in range(2):
        assert bench.run({"a": kind, "o": Out}, "a > o.value").result == [["ready"]]
