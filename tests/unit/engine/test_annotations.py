"""Python annotations as NodeTool types, and the check of values: nothing is coerced silently."""

from __future__ import annotations

import datetime
import enum
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Optional, TypedDict

import numpy as np
import pytest
from pydantic import BaseModel, BeforeValidator, Field
from pydantic.fields import FieldInfo

from nodetool_jupyter.engine.annotations import describe, make_check, stream_item, type_of
from nodetool_jupyter.model.types import TypeMetadata


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Size(TypedDict):
    width: int


@dataclass
class Point:
    x: int


class Person(BaseModel):
    name: str


def checked(annotation: Any, value: Any, field: FieldInfo | None = None) -> Any:
    return make_check(annotation, type_of(annotation), field)(value)


def refusal(annotation: Any, value: Any, field: FieldInfo | None = None) -> str:
    """The sentence with which a value is refused."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - whoever calls this compares the sentence
        checked(annotation, value, field)
    return str(caught.value)


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (Any, "any"),
        (object, "any"),
        (None, "none"),
        (bool, "bool"),
        (int, "int"),
        (float, "float"),
        (str, "str"),
        (bytes, "bytes"),
        (list, "list"),
        (list[int], "list[int]"),
        (list[list[str]], "list[list[str]]"),
        (dict[str, float], "dict[str, float]"),
        (tuple[int, str], "tuple[int, str]"),
        (tuple[int, ...], "tuple[int]"),
        (int | None, "int | none"),
        (Optional[str], "str | none"),  # noqa: UP045 - people write it
        (int | str, "union[int, str]"),
        (int | str | None, "union[int, str] | none"),
        (Literal["a", "b"], "enum(a|b)"),
        (Color, "enum(red|blue)"),
        (datetime.date, "date"),
        (datetime.datetime, "datetime"),
        (Size, "dict"),
        (np.ndarray, "np_array"),
        (Annotated[int, "said"], "int"),
        (Annotated[Any, TypeMetadata(type="image")], "image"),
        (Point, "object"),
    ],
)
def test_annotations_have_a_type(annotation: Any, text: str) -> None:
    """What a node declares is what its handles are checked and drawn by."""
    assert str(type_of(annotation)) == text


def test_foreign_classes_are_known_without_their_package() -> None:
    """The name is enough: no heavy package is imported to say what a handle takes."""

    class DataFrame: ...

    DataFrame.__module__, DataFrame.__qualname__ = "pandas.core.frame", "DataFrame"
    assert type_of(DataFrame) == TypeMetadata(type="dataframe")
    assert type_of(Point).type_name == f"{__name__}.Point"


@pytest.mark.parametrize("stream", [AsyncIterator[int], Iterator[int], Iterable[int]])
def test_items_of_a_stream(stream: Any) -> None:
    """A stream's handle has the type of its items."""
    assert stream_item(stream) is int


def test_what_is_no_stream() -> None:
    """A list is a value; a bare stream has items of any type."""
    assert stream_item(list[int]) is None
    assert stream_item(AsyncIterator) is Any


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (int, 5),
        (int, 10**30),
        (float, 2.5),
        (str, ""),
        (bool, False),
        (Any, object),
        (int | None, None),
        (list[int], [1, 2]),
        (dict[str, list[int]], {"a": [1]}),
        (tuple[int, str], (1, "a")),
        (int | str, "a"),
        (Literal["a", 1], 1),
        (Color, Color.RED),
        (Point, Point(1)),
        (Person, Person(name="Ada")),
        (Size, {"width": 1}),
        (datetime.date, datetime.date(2026, 1, 2)),
    ],
)
def test_values_of_the_type_pass(annotation: Any, value: Any) -> None:
    """They arrive as they were."""
    result = checked(annotation, value)
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    ("annotation", "value", "result"),
    [
        (int, 2.0, 2),
        (float, 2, 2.0),
        (Color, "blue", Color.BLUE),
        (Point, {"x": 1}, Point(1)),
        (Person, {"name": "Ada"}, Person(name="Ada")),
        (datetime.date, "2026-01-02", datetime.date(2026, 1, 2)),
        (Annotated[int, BeforeValidator(len)], "four", 4),
    ],
)
def test_what_json_says_otherwise_is_converted(annotation: Any, value: Any, result: Any) -> None:
    """Numbers without a fraction, and what has no JSON of its own."""
    found = checked(annotation, value)
    assert (found, type(found)) == (result, type(result))


@pytest.mark.parametrize(
    ("annotation", "value", "sentence"),
    [
        (int, "5", "expected int, found str '5'"),
        (int, True, "expected int, found bool True"),
        (int, 2.5, "expected int, found float 2.5"),
        (int, None, "expected int, found None"),
        (float, "nan", "expected float, found str 'nan'"),
        (float, True, "expected float, found bool True"),
        (bool, 1, "expected bool, found int 1"),
        (str, 5, "expected str, found int 5"),
        (list[int], "12", "expected list[int], found str '12'"),
        (list[int], [1, "2"], "expected list[int], found str '2' at [1]"),
        (list[list[int]], [[1], [2, None]], "expected list[list[int]], found None at [1][1]"),
        (int | str, 2.5, "expected union[int, str], found float 2.5"),
        (Literal["a", "b"], "c", "expected enum(a|b), found str 'c'"),
        (Color, "green", "expected enum(red|blue), found str 'green'"),
        (np.ndarray, [1], "expected np_array, found list"),
        (Size, [1], "expected dict, found list"),
        (list[Size], 1, "expected list[dict], found int 1"),
    ],
)
def test_other_values_are_refused(annotation: Any, value: Any, sentence: str) -> None:
    """Expected and found are both named; nothing falls back to a default."""
    assert refusal(annotation, value).startswith(sentence)


def test_bounds_are_checked() -> None:
    """The reason is in the sentence."""
    text = refusal(int, 11, Field(ge=0, le=10))
    assert "found int 11" in text
    assert "less than or equal to 10" in text


def test_own_validators_speak_for_themselves() -> None:
    """A ValueError of a validator is shown as it is written."""

    def even(value: int) -> int:
        if value % 2:
            raise ValueError("expected an even number")
        return value

    assert refusal(Annotated[int, BeforeValidator(even)], 3) == "expected an even number"


def test_messages_are_bounded() -> None:
    """A large value doesn't fill the notebook."""
    assert len(refusal(int, "x" * 100_000)) < 200
    assert describe([1] * 100_000) == "list"
    assert describe(10**100) == "int"
    assert describe(10**10_000) == "int"
