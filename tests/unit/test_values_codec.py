"""encode and decode: every value comes back as what it was, or the error says what part can't cross."""

from __future__ import annotations

import dataclasses
import enum
import math
import types
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, RootModel
from pydantic_core import from_json, to_json

from nodetool_jupyter.values.base import is_marker
from nodetool_jupyter.values.codec import decode, encode
from nodetool_jupyter.values.objects import Unserializable


def cross(value: Any) -> Any:
    """There and back, through the bytes that the event log would hold."""
    return decode(from_json(to_json(encode(value))))


def same(left: Any, right: Any) -> bool:
    """Equal in value and type, all the way down; NaN is NaN, and zero has a sign."""
    if type(left) is not type(right):
        return False
    if isinstance(left, (float, complex, Decimal, datetime)):
        return repr(left) == repr(right)
    if isinstance(left, dict):
        pairs = zip(left.items(), right.items(), strict=True) if len(left) == len(right) else [(0, 1)]
        return all(same(one, other) for one, other in pairs)
    if isinstance(left, (list, tuple, deque)):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


class Color(enum.Enum):
    RED = 1
    DEEP = types.SimpleNamespace()


class Right(enum.IntFlag):
    READ = 1
    WRITE = 2


class Point(NamedTuple):
    x: int
    y: Any


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    name: str
    parts: tuple[Any, ...] = ()
    unset: int = dataclasses.field(init=False)


@dataclasses.dataclass
class Counted:
    made: int = 0

    def __post_init__(self) -> None:
        self.made += 1


class Person(BaseModel):
    model_config = ConfigDict(extra="allow")
    name: str = Field(alias="fullName")
    born: date
    friends: list[Person] = Field(default_factory=list)
    _visits: int = PrivateAttr(default=7)


class Names(RootModel[list[str]]):
    pass


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=2**60, max_value=2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(), max_size=20)
)
KEYS = st.sampled_from(["type", "python", "value", "items", "", "a"]) | st.text(st.characters(), max_size=8)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=30)
ZONES = st.sampled_from([None, UTC, ZoneInfo("Europe/Berlin"), timezone(timedelta(hours=-3, minutes=-30))])
HASHABLE = (
    SCALARS
    | st.binary(max_size=20)
    | st.datetimes(timezones=ZONES)
    | st.dates()
    | st.times(timezones=st.sampled_from([None, UTC]))
    | st.timedeltas()
    | st.decimals(allow_nan=False)
    | st.fractions()
    | st.uuids()
    | st.sampled_from(
        [Color.RED, Right.READ | Right.WRITE, Path("a/b"), PureWindowsPath("c:\\x"), range(1, 9, 2)]
    )
)
TYPED = st.recursive(
    HASHABLE | st.floats() | st.complex_numbers() | st.binary(max_size=9).map(bytearray),
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(HASHABLE, inner, max_size=4)
        | st.frozensets(HASHABLE, max_size=4)
        | st.sets(HASHABLE, max_size=4)
        | st.builds(deque, st.lists(inner, max_size=3), st.sampled_from([None, 5]))
        | st.builds(Point, st.integers(), inner)
    ),
    max_leaves=15,
)


@given(JSON)
def test_json_passes(value: Any) -> None:
    """Every JSON value comes back, also one that looks like a marker of ours, or is no valid Unicode."""
    assert same(cross(value), value)


@given(TYPED)
def test_typed_values_cross(value: Any) -> None:
    """The types of the standard library come back, in each other and as keys."""
    assert same(cross(value), value)


@given(JSON)
def test_encoding_twice_comes_back_twice(value: Any) -> None:
    """Encoded JSON is itself a value: its markers are protected when it is encoded again."""
    once = encode(value)
    assert same(decode(encode(once)), once)


def test_nodetool_values_pass_as_they_are() -> None:
    """A reference of NodeTool's has no marker of ours, and is what a NodeTool client reads."""
    reference = {"type": "image", "uri": "asset://1", "asset_id": "1", "data": None}
    assert encode([reference]) == [reference]


def test_what_a_nodetool_client_can_read() -> None:
    """A datetime has NodeTool's fields beside ours, a path too."""
    shown = encode(datetime(2024, 5, 6, 7, 8, 9, 10, tzinfo=timezone(timedelta(hours=2))))
    assert shown["type"] == "datetime"
    assert (shown["year"], shown["microsecond"], shown["utc_offset"]) == (2024, 10, 7200)
    assert encode(Path("a"))["type"] == "file_path"


@pytest.mark.parametrize(
    "value",
    [
        10**5000,
        -(10**5000),
        range(10**5000, 10**5001),
        Fraction(1, 10**5000),
        Decimal("sNaN12"),
        math.nan,
        -math.inf,
        {math.inf: [math.nan]},
        complex(math.nan, -0.0),
        "\ud83d\ude00 apart",
        {"\udfff": 1},
        datetime(2024, 10, 27, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"), fold=1),
        time(1, 2, tzinfo=ZoneInfo("Asia/Tokyo")),
        datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        PurePosixPath("x"),
        Path("bad\udcff"),
        bytearray(b"\x00\xff"),
        UUID(int=5),
        deque([1], maxlen=1),
        frozenset(),
        (),
        {},
        {(1, "a"): {None: 1}},
        {1: "int", "1": "str"},
        Unserializable("a.B", "<B>"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_edges_cross(value: Any) -> None:
    """What JSON has no form for, or another meaning."""
    assert same(cross(value), value)


def test_what_is_given_is_a_copy() -> None:
    """A node that goes on changing its list doesn't change what was already reported."""
    for value in ([1, 2], {"a": 1}, [[1], 2], list(range(100)), {"a": [1]}):
        before = repr(value)
        encoded = encode(value)
        value.clear()
        assert repr(decode(encoded)) == before
    encoded = encode([1, 2])
    decode(encoded).append(3)
    assert encoded == [1, 2]


@pytest.mark.parametrize(
    "items", [[1.5, None, True, 3], [math.inf, -math.inf], [10**30, 1.5], [10**400, 1.5]]
)
def test_long_lists_of_numbers(items: list[Any]) -> None:
    """The short way through long lists of numbers sees the one that isn't plain."""
    assert same(cross(items * 50), items * 50)


def test_objects_come_back_as_their_class() -> None:
    """Enums, flags, dataclasses, models and named tuples; no __init__ or validator runs again."""
    assert cross(Color.DEEP) is Color.DEEP
    back = cross(Frozen("a", (1, {2})))
    assert not hasattr(back, "unset")
    assert (back.name, back.parts) == ("a", (1, {2}))
    assert cross(Counted()).made == 1
    person = Person(
        fullName="Ada", born=date(1815, 12, 10), friends=[Person(fullName="C", born=date.min)], x=1
    )
    person._visits = 9
    back = cross(person)
    assert (back.name, back.born, back.friends[0].name, back.x) == ("Ada", date(1815, 12, 10), "C", 1)
    assert back.model_fields_set == person.model_fields_set
    assert back._visits == 9
    assert cross(Names(["a"])) == Names(["a"])
    assert same(cross(Point(1, [2])), Point(1, [2]))


def test_subclasses_arrive_as_their_base() -> None:
    """A Counter or a str of a library's own class loses its class, never its content."""

    class Text(str):
        __slots__ = ()

        def __str__(self) -> str:
            return "lies"

    class Numbers(list[int]):
        def __iter__(self) -> Iterator[int]:
            raise AssertionError("not to be asked")

    assert same(cross(Counter("aab")), {"a": 2, "b": 1})
    assert same(cross(OrderedDict(b=1, a=2)), {"b": 1, "a": 2})
    assert same(cross(defaultdict(list, {1: [2]})), {1: [2]})
    assert same(cross([Text("abc")]), ["abc"])
    assert same(cross(Numbers([1, 2])), [1, 2])


def test_a_marker_is_told_from_a_dict() -> None:
    """In what encode gives, exactly the dicts that aren't the user's are markers."""
    lookalike = {"type": "bytes", "python": "bytes", "data": ""}
    assert is_marker(encode(b"x"))
    assert encode(lookalike)["python"] == "dict"
    assert not is_marker({"type": "bytes"})
    assert not is_marker([1])
