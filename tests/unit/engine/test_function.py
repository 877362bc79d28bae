"""Functions as node types: what @node makes of signature, annotations and kind of function."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Annotated, Any, TypedDict

import pytest
from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.function import NodeFunction, node
from nodetool_jupyter.engine.spec import BUILDING, REQUIRED, NodePolicy, Shape
from nodetool_jupyter.errors import OptionError
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


@pytest.mark.parametrize("options", [{"timeout": 0}, {"timeout": -1}, {"retries": -1}])
def test_options_out_of_range_are_refused(options: dict[str, Any]) -> None:
    """A limit that makes no sense isn't taken for none."""
    with pytest.raises(OptionError, match="timeout must be above 0 seconds and retries at least 0"):
        node(**options)


@pytest.mark.parametrize("options", [{"cache": True}, {"resources": {"gpu": 1}}])
def test_options_that_are_not_there_yet_are_refused(options: dict[str, Any]) -> None:
    """An option is never ignored."""
    with pytest.raises(OptionError, match="not available yet"):
        node(**options)
