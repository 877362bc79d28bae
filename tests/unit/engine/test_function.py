"""Functions as node types: what @node makes of signature, annotations and kind of function."""

from __future__ import annotations

import re
import threading
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Annotated, Any, TypedDict

import pytest
from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.function import NodeFunction, node
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.engine.spec import BUILDING, REQUIRED, NodePolicy, Shape
from nodetool_jupyter.errors import OptionError
from nodetool_jupyter.nodes.input import StringListInput as ListInput
from tests.unit.engine.support import Bench, Out


class Parts(TypedDict):
    head: str
    rest: list[str]


@node
async def shout(text: str, times: int = 1) -> str:
    """Say it loudly.

    And often.
    """
    return text.upper() * times


@node
def plain(text: str) -> str:
    return text


@node
async def stream(n: int) -> AsyncIterator[int]:
    for number in range(n):
        yield number


@node
def thread_stream(n: int) -> Iterator[int]:
    yield from range(n)


@node
async def split(words: list[str]) -> Parts:
    return {"head": words[0], "rest": words[1:]}


@node
async def total(numbers: AsyncIterator[int], factor: float = 1) -> float:
    return sum([number async for number in numbers]) * factor


@node(timeout=2, retries=3, name="Renamed")
async def named(anything, context: ProcessingContext): ...  # type: ignore[no-untyped-def]


def test_spec_of_a_function() -> None:
    """Name, description, handles and defaults are the function's own."""
    spec = shout.spec
    assert (spec.title, spec.description) == ("shout", "Say it loudly.\n\nAnd often.")
    assert {name: str(handle.type) for name, handle in spec.inputs.items()} == {"text": "str", "times": "int"}
    assert (spec.inputs["text"].default, spec.inputs["times"].default) == (REQUIRED, 1)
    assert {name: str(kind) for name, kind in spec.outputs.items()} == {"output": "str"}
    assert spec.type == f"{__name__}.shout"


def test_functions_of_a_notebook_have_its_prefix() -> None:
    """What is defined in a cell is found as notebook.<function>, whatever the kernel calls its module."""
    namespace: dict[str, Any] = {"node": node, "__name__": "__main__"}
    exec("@node\ndef cell(x: int) -> int: return x", namespace)
    assert namespace["cell"].spec.type == "notebook.cell"


@pytest.mark.parametrize(
    ("function", "shape"),
    [
        (shout, Shape.COROUTINE),
        (plain, Shape.FUNCTION),
        (stream, Shape.ASYNC_GENERATOR),
        (thread_stream, Shape.GENERATOR),
    ],
)
def test_shape_follows_the_kind_of_function(function: NodeFunction[..., Any], shape: Shape) -> None:
    """def runs in a thread, async def on the loop, generators stream."""
    assert function.spec.shape is shape
    assert function.spec.shape.streams == ("stream" in function.__name__)


def test_a_stream_has_the_type_of_its_items() -> None:
    """Edges carry items, one by one."""
    assert {str(stream.spec.outputs["output"]), str(thread_stream.spec.outputs["output"])} == {"int"}


def test_a_typed_dict_has_a_handle_a_key() -> None:
    """Its keys can be connected each by itself."""
    assert {name: str(kind) for name, kind in split.spec.outputs.items()} == {
        "head": "str",
        "rest": "list[str]",
    }


def test_an_async_iterator_is_read_by_the_node() -> None:
    """It gets the items as they arrive, and the other parameters as values."""
    assert total.spec.reads_stream
    assert (total.spec.inputs["numbers"].streamed, total.spec.inputs["factor"].streamed) == (True, False)
    assert str(total.spec.inputs["numbers"].type) == "int"


def test_options_and_unannotated_parameters() -> None:
    """What isn't annotated takes anything; the context is no handle."""
    spec = named.spec
    assert (spec.type.rpartition(".")[2], spec.policy) == ("Renamed", NodePolicy(2, 3))
    assert {name: str(handle.type) for name, handle in spec.inputs.items()} == {"anything": "any"}


async def test_a_node_function_stays_a_function() -> None:
    """It can be called and tested without any graph."""
    assert plain("a") == "a"
    assert await shout("a", times=2) == "AA"
    assert shout.__doc__ is not None
    assert shout.__name__ == "shout"


def test_calling_it_while_a_cell_builds_makes_a_node() -> None:
    """The builder is asked, and the function doesn't run."""
    calls: list[Any] = []
    token = BUILDING.set(lambda spec, args, kwargs: calls.append((spec, args, kwargs)))
    try:
        plain("a")
    finally:
        BUILDING.reset(token)
    assert calls == [(plain.spec, ("a",), {})]


def test_a_field_as_default(bench: Bench) -> None:
    """Bounds and description come from it, and the function gets its default rather than the Field."""

    @node
    async def bounded(level: int = Field(default=3, ge=0, le=9, description="How much.")) -> int:
        return level

    handle = bounded.spec.inputs["level"]
    assert (handle.minimum, handle.maximum, handle.description) == (0, 9, "How much.")
    assert bench.run({"a": bounded, "o": Out}, "a > o.value").result == [3]
    assert bench.run({"a": (bounded, {"level": 4}), "o": Out}, "a > o.value").result == [4]


def test_bounds_in_the_annotation_are_checked() -> None:
    """Annotated is the other way to write them."""

    @node
    async def bounded(level: Annotated[int, Field(ge=0)]) -> int:
        return level

    with pytest.raises(ValueError, match="greater than or equal to 0"):
        bounded.spec.inputs["level"].check(-1)


def takes_any_number(*values: int) -> None: ...


def takes_any_name(**values: int) -> None: ...


def takes_by_position(value: int, /) -> None: ...


def takes_an_iterable(values: Iterable[int]) -> None: ...


def reads_in_a_thread(values: AsyncIterator[int]) -> None: ...


async def iterates_on_the_loop(values: Iterator[int]) -> None: ...


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (takes_any_number, r"takes_any_number: parameter \*values.* can't be an input handle"),
        (takes_any_name, r"parameter \*\*values.* can't be"),
        (takes_by_position, "parameter value.* can't be"),
        (takes_an_iterable, r"parameter values.*Iterable\[int\].* can't be .*\n.* take a list"),
        (iterates_on_the_loop, "AsyncIterator"),
        (reads_in_a_thread, r"can only be read item by item in an async def"),
    ],
)
def test_what_cannot_be_a_handle_is_refused_at_once(function: Any, sentence: str) -> None:
    """The cell that defines the function fails, not the job that uses it hours later."""
    with pytest.raises(OptionError, match=sentence):
        node(function)


def test_a_stream_cannot_be_cached() -> None:
    """It is refused where it is written."""
    with pytest.raises(OptionError, match="can't have cache=True"):

        @node(cache=True)
        def stream(count: int) -> Iterator[int]:
            yield count


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"timeout": "5"}, "a node's timeout is a number of seconds above 0, or None; found str '5'"),
        ({"timeout": 0}, "a node's timeout is a number of seconds above 0, or None; found int 0"),
        ({"timeout": float("nan")}, "found float nan"),
        ({"timeout": float("inf")}, "found float inf"),
        ({"timeout": True}, "found bool True"),
        ({"retries": 1.5}, "a node's retries are a whole number from 0 on; found float 1.5"),
        ({"retries": -1}, "found int -1"),
        ({"retries": None}, "found None"),
    ],
)
def test_policies_are_checked(options: dict[str, Any], sentence: str) -> None:
    """Functions and classes alike name argument, what is accepted and what was found, where it is written."""
    with pytest.raises(OptionError, match=re.escape(sentence)):
        node(**options)
    with pytest.raises(OptionError, match=re.escape(sentence)):
        type(BaseNode)("Late", (BaseNode,), {"__module__": __name__}, **options)


@pytest.mark.parametrize("name", ["a b", "", "1st", "class", 5, "a.b", True])
def test_names_are_checked(name: Any) -> None:
    """A node's name is a word of Python: cells call it, and types end in it."""
    with pytest.raises(
        OptionError, match="name is what a function may be called, such as fetch_title; found"
    ):
        node(name=name)


def test_options_have_names() -> None:
    """@node("name") is no function."""
    with pytest.raises(OptionError, match="is put on a function, found str 'name'"):
        node("name")  # type: ignore[call-overload]


class Keeper(BaseNode, prefix="test"):
    """Changes the default of its field."""

    seen: list[Any] = []  # noqa: RUF012 - it is under test
    value: Any = None

    async def process(self, context: ProcessingContext) -> list[Any]:
        self.seen.append(self.value)
        return list(self.seen)


@node
async def remembers(value: Any, seen: list[Any] = []) -> list[Any]:  # noqa: B006 - likewise
    seen.append(value)
    return list(seen)


@node
def nests(value: Any, seen: Any = {"deep": []}) -> list[Any]:  # noqa: B006 - likewise
    seen["deep"].append(value)
    return list(seen["deep"])


@node
async def written(value: Any, seen: list[Any] = Field(default=[])) -> list[Any]:  # noqa: B008 - Field may stand in a signature
    seen.append(value)
    return list(seen)


@node
async def made(value: Any, seen: list[Any] = Field(default_factory=lambda: ["made"])) -> list[Any]:  # noqa: B008 - likewise
    seen.append(value)
    return seen[-2:]


@pytest.mark.parametrize("kind", [remembers, nests, written, made, Keeper])
def test_a_default_is_not_shared_by_jobs(bench: Bench, kind: Any) -> None:
    """What a node does to it is gone with its firing."""
    first = ["made"] if kind is made else []
    for value in (1, 2):
        ran = bench.run({"a": (kind, {"value": value}), "out": Out}, "a > out.value")
        assert ran.result == [[*first, value]]


def test_a_default_is_not_shared_by_firings(bench: Bench) -> None:
    """A function keeps nothing from item to item of a stream."""
    ran = bench.run({"s": (stream, {"n": 3}), "a": remembers, "out": Out}, "s > a.value", "a > out.value")
    assert ran.result == [[0], [1], [2]]


def test_only_what_can_change_is_copied() -> None:
    """The other nodes keep the short way, in which the function itself is called."""
    assert shout.spec.plain is shout.function
    assert remembers.spec.plain is None


def test_a_default_that_cannot_be_copied() -> None:
    """It is refused where it is written, not in the middle of a run."""

    def locks(held: list[Any] = [threading.Lock()]) -> None: ...  # noqa: B006, B008 - likewise

    with pytest.raises(OptionError, match="@node locks: the default of held can't be made anew"):
        node(locks)


def test_other_defaults_are_passed_as_they_are(bench: Bench) -> None:
    """An object that can't be copied is one that firings are to share."""
    lock = threading.Lock()

    @node
    async def shares(held: Any = lock) -> Any:
        return held is lock

    assert bench.run({"a": shares, "out": Out}, "a > out.value").result == [True]


def test_an_input_nodes_default_is_not_shared_by_jobs(bench: Bench) -> None:
    """What follows it may change the list that it gives."""

    @node
    async def appends(value: Any) -> int:
        value.append(1)
        return len(value)

    nodes = {"in": (ListInput, {"name": "xs"}), "a": appends, "out": Out}
    assert [bench.run(nodes, "in > a.value", "a > out.value").result for _ in range(2)] == [[1], [1]]
