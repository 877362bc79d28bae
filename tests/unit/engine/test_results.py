"""What a node returns is checked against its return annotation, as what arrives is against its parameters."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator
from typing import Any, NoReturn, NotRequired, Protocol, TypedDict

import numpy as np
import pytest

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.function import node
from nodetool_jupyter.engine.node import BaseNode
from tests.unit.engine.kinds import give
from tests.unit.engine.support import Bench, Out


class Parts(TypedDict):
    head: str
    rest: NotRequired[list[int]]


class Shape(Protocol):
    def area(self) -> float: ...


class Counted(BaseNode, prefix="test"):
    value: Any = None

    async def process(self, context: ProcessingContext) -> int:
        return self.value  # type: ignore[no-any-return]


class Streamed(BaseNode, prefix="test"):
    value: Any = None

    async def gen_process(self, context: ProcessingContext) -> AsyncGenerator[Parts, None]:
        yield {"head": "fits"}
        yield {"head": self.value}


class Loose(BaseNode, prefix="test"):
    value: Any = None

    async def gen_process(self, context: ProcessingContext) -> AsyncGenerator[dict[str, Any], None]:
        yield {"output": self.value}


@node
async def coroutine(value: Any) -> int:
    return value  # type: ignore[no-any-return]


@node
def function(value: Any) -> int:
    return value  # type: ignore[no-any-return]


@node(retries=1)
async def tried(value: Any) -> int:
    return value  # type: ignore[no-any-return]


@node
async def generator(value: Any) -> AsyncIterator[int]:
    yield 1
    yield value


@node
def thread_generator(value: Any) -> Iterator[int]:
    yield value


@node
async def parts(value: Any) -> Parts:
    return value  # type: ignore[no-any-return]


def returning(annotation: Any) -> Any:
    """A node that returns its value under this annotation."""

    async def returns(value: Any) -> Any:
        return value

    returns.__annotations__["return"] = annotation
    return node(returns)


@pytest.mark.parametrize("kind", [coroutine, function, tried, generator, thread_generator, Counted])
def test_a_result_of_the_wrong_type_fails_its_node(bench: Bench, kind: Any) -> None:
    """The sentence names node, handle, what was expected and what was found."""
    ran = bench.run({"a": (kind, {"value": "x"}), "out": Out}, "a > out.value")
    assert ran.message.startswith("node a (")
    assert ran.message.endswith(
        ", handle output): the result has the wrong type: expected int, found str 'x'"
    )
    assert ran.outcome.fault is not None
    assert (ran.outcome.fault.node_id, ran.outcome.fault.handle) == ("a", "output")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"head": 5}, "handle head): the result has the wrong type: expected str, found int 5"),
        ({"head": "a", "rest": ["b"]}, "handle rest): the result has the wrong type: expected list[int], "),
        ([1], "returned list, expected a dict with head, rest"),
    ],
)
def test_named_outputs_are_checked_each(bench: Bench, value: Any, message: str) -> None:
    """Also those that may be left out; a generator's dicts likewise."""
    assert message in bench.run({"a": (parts, {"value": value})}).message
    if isinstance(value, dict) and "rest" not in value:
        assert message in bench.run({"a": (Streamed, {"value": value["head"]})}).message


def test_an_output_may_be_left_out(bench: Bench) -> None:
    """Its edges get nothing: that is how nodes route."""
    ran = bench.run({"a": (parts, {"value": {"rest": [1]}}), "out": Out}, "a.rest > out.value")
    assert ran.result == [[1]]


@pytest.mark.parametrize(
    ("annotation", "value", "result"),
    [
        (float, 2, 2.0),
        (int, 2.0, 2),
        (int, np.int64(3), 3),
        (bool, np.bool_(True), True),
        (float, np.float32(0.5), 0.5),
        (list[float], [1, 2.5], [1.0, 2.5]),
        (int | None, None, None),
        (None, None, None),
        (NoReturn, "x", "x"),
        (Shape, "x", "x"),
    ],
)
def test_what_fits_is_passed_on(bench: Bench, annotation: Any, value: Any, result: Any) -> None:
    """Numbers are converted as at inputs; what can't be checked is not."""
    ran = bench.run({"a": (returning(annotation), {"value": value}), "out": Out}, "a > out.value")
    assert ran.result == [result]
    assert type(ran.result[0]) is type(result)


def test_the_declared_class_itself_is_not_touched(bench: Bench) -> None:
    """No copy is made of a large list, and an iterator is not begun."""
    numbers, rest = list(range(3)), iter(range(3))
    for annotation, value in ((list, numbers), (Iterable[int], numbers), (Iterator[int], rest)):
        ran = bench.run({"a": (returning(annotation), {"value": value}), "out": Out}, "a > out.value")
        assert ran.result[0] is value
    assert list(rest) == [0, 1, 2]
    message = bench.run({"a": (returning(Iterable[int]), {"value": 5})}).message
    assert message.endswith("expected Iterable, found int 5")


def test_none_is_no_value_of_another_type(bench: Bench) -> None:
    """A forgotten return is found at the node that forgot it."""
    assert bench.run({"a": (returning(str), {"value": None})}).message.endswith("expected str, found None")
    assert bench.run({"a": (returning(None), {"value": 1})}).message.endswith(
        "expected none, found int 1: Input should be None"
    )


def test_without_annotation_there_is_nothing_to_check(bench: Bench) -> None:
    """Such nodes pay nothing; a generator class whose dicts have no type is one of them."""
    assert give.spec.result_checks is None
    assert returning(object).spec.result_checks is None
    assert Loose.spec().result_checks is None
    assert bench.run({"a": (Loose, {"value": "x"}), "out": Out}, "a > out.value").result == ["x"]
