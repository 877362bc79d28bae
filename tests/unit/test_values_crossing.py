"""Every kind of value goes to a second process and comes back as what it was, with pickles and without."""

from __future__ import annotations

import dataclasses
import functools
import io
import math
import types
from collections import Counter as Tally
from collections import OrderedDict, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from nodetool_jupyter.errors import ValueCrossingError
from nodetool_jupyter.values.codec import decode
from tests.unit.test_values_codec import JSON, TYPED, same
from tests.unit.test_values_libraries import COLUMNS, DTYPES, INDEXES, MODES
from tests.unit.values_child import Child
from tests.unit.values_kinds import (
    Box,
    Color,
    Counter,
    Item,
    Level,
    Locked,
    Page,
    Plain,
    Point,
    Right,
    Session,
    Slotted,
    Table,
    Text,
    Word,
)

FEW = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def child(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Child]:
    other = Child(tmp_path_factory.mktemp("values"))
    yield other
    other.close()


BOTH = pytest.mark.parametrize("pickles", [True, False], ids=["pickles", "typed"])
PLAIN: list[Any] = [
    b"\x00" * 5_000,
    bytearray(b"\xff" * 9),
    datetime(2024, 10, 27, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"), fold=1),
    time(1, 2, 3, tzinfo=UTC),
    timedelta(days=-3, microseconds=1),
    UUID(int=7),
    Decimal("1.10"),
    complex(math.nan, -0.0),
    {1, (2, "x")},
    (1, [2, (3,)]),
    [math.nan, math.inf, -math.inf, -0.0],
    {math.inf: {"type": 1, "python": 2}},
    10**5_000,
    "\ud83d \udfff" * 2_000,
    "ü" * 10_000,
    [{"row": number, "when": timedelta(number)} for number in range(500)],
]
OBJECTS: list[Any] = [
    Color.BLUE,
    Level.LOW,
    Right.READ | Right.WRITE,
    Word.YES,
    Point(1, Point(2)),
    Slotted("a", Slotted("b", {Color.RED: b"x"})),
    Box(Box([1, Point(3)])),
    Box[int](3),
    Item(name="a", tags={"x"}),
    Page[Item](items=[Item(name="b")], next=Page[Item](items=[])),
    Page[list[int]](items=[[1]]),
    Page(items=[1]),
]


@FEW
@given(JSON | TYPED)
def test_values_of_python_cross(child: Child, value: Any) -> None:
    """JSON, and the types of the standard library in one another."""
    assert same(child.there_and_back(value), value)


@BOTH
@pytest.mark.parametrize("value", PLAIN, ids=lambda value: type(value).__name__)
def test_edges_cross(child: Child, value: Any, pickles: bool) -> None:
    """What JSON has no form for, inline and by file."""
    assert same(child.there_and_back(value, pickles=pickles), value)


@BOTH
@pytest.mark.parametrize("value", OBJECTS, ids=lambda value: type(value).__name__)
def test_objects_cross(child: Child, value: Any, pickles: bool) -> None:
    """As instances of the class that the other end has: with or without a pickle it is the same class."""
    back = child.there_and_back(value, pickles=pickles)
    assert back == value
    assert type(back) is type(value)
    assert child.ask("type(value).__name__", value, pickles=pickles) == type(value).__name__


def test_what_methods_have_set_crosses(child: Child) -> None:
    """An attribute that is no field, and private ones; what can be worked out or made again is."""
    counter = Counter(1)
    counter.steps.append(2)
    with counter.lock:
        back = child.there_and_back(counter)
    assert back.steps == [1, 2]
    assert "lock" not in vars(back)
    session = Session(user="ada", more=[1])
    session._visits = 3
    back = child.there_and_back(session, pickles=False)
    assert (back.user, back.more, back._visits) == ("ada", [1], 3)
    assert back._lock is not session._lock
    assert back.model_fields_set == {"user", "more"}


@FEW
@given(st.data())
def test_arrays_cross(child: Child, data: st.DataObject) -> None:
    """Any dtype and shape, zero-size and without dimensions too, by file from 4 KiB on."""
    dtype = data.draw(DTYPES)
    shape = data.draw(st.sampled_from([(), (0,), (0, 3), (2, 3), (40, 50)]))
    array = np.zeros(shape, dtype)
    back = child.there_and_back(array)
    assert (back.dtype, back.shape) == (array.dtype, array.shape)
    assert back.tobytes() == array.tobytes()


RECORDS = np.array([(1, "a", [1.5, 2]), (2, "b", [3, 4])], dtype=[("n", ">i2"), ("t", "U3"), ("v", "f4", 2)])


@BOTH
@pytest.mark.parametrize(
    "array",
    [
        np.asfortranarray(np.arange(6_000.0).reshape(20, 300)),
        np.arange(4_000)[::-3],
        np.broadcast_to(np.int8(3), (5_000,)),
        np.array([1, None, [2, (3,)], np.float32(1)], dtype=object),
        RECORDS,
        np.array(["2024-01-01T00:00:00.000000001", "NaT"], dtype="M8[ns]"),
        np.array([1 + 2j, np.nan], dtype="c8"),
        np.longdouble(1) / np.arange(1, 4, dtype=np.longdouble),
    ],
    ids=lambda array: str(array.dtype)[:12],
)
def test_unusual_arrays_cross(child: Child, array: np.ndarray[Any, Any], pickles: bool) -> None:
    """Fortran order, views, broadcast ones, records, objects, dates."""
    back = child.there_and_back(array, pickles=pickles)
    assert type(back) is np.ndarray
    assert back.dtype == array.dtype
    assert back.flags.f_contiguous == np.ascontiguousarray(array).flags.f_contiguous or array.ndim > 1
    np.testing.assert_array_equal(back, array)


@pytest.mark.parametrize("view", [np.matrix, np.recarray])
def test_views_of_numpys_own_cross(child: Child, view: type[np.ndarray[Any, Any]]) -> None:
    """A matrix multiplies as one, a recarray has its columns as attributes."""
    array = (np.arange(4).reshape(2, 2) if view is np.matrix else RECORDS).view(view)
    back = child.there_and_back(array, pickles=False)
    assert type(back) is view
    np.testing.assert_array_equal(back, array)
    assert child.ask("type(value).__name__", array, pickles=False) == view.__name__
    assert type(child.there_and_back(array[0], pickles=False)) is type(array[0])


@BOTH
@pytest.mark.parametrize("name", COLUMNS)
def test_tables_cross(child: Child, name: str, pickles: bool) -> None:
    """Each dtype of a column, in a table that goes inline and in one that goes by file."""
    table = pd.DataFrame({name: COLUMNS[name]})
    long = pd.concat([table] * 400, ignore_index=True)
    for each in (table, long):
        pd.testing.assert_frame_equal(child.there_and_back(each, pickles=pickles), each)
    pd.testing.assert_series_equal(child.there_and_back(table[name], pickles=pickles), table[name])


@pytest.mark.parametrize("index", INDEXES, ids=lambda index: f"{type(index).__name__}-{index.dtype}")
def test_indexes_cross(child: Child, index: pd.Index[Any]) -> None:
    """With names and frequency."""
    pd.testing.assert_index_equal(child.there_and_back(index), index, exact=True)


@BOTH
@pytest.mark.parametrize("side", [7, 120], ids=["inline", "file"])
@pytest.mark.parametrize("mode", MODES)
def test_images_cross(child: Child, mode: str, side: int, pickles: bool) -> None:
    """Every mode, pixel by pixel."""
    image = Image.new(mode, (side, side))
    image.frombytes(np.random.default_rng(1).bytes(len(image.tobytes())))
    back = child.there_and_back(image, pickles=pickles)
    assert back == image
    assert type(back) is Image.Image


def test_palette_images_by_file_cross(child: Child) -> None:
    """The colors go with the pixels."""
    image = Image.effect_noise((200, 200), 50).quantize(16)
    assert child.there_and_back(image, pickles=False) == image


LAST_RESORTS: list[Any] = [
    Plain(a=1, b=[Plain(c=b"x" * 5_000)]),
    types.SimpleNamespace(a=1),
    Table(a=1, b=2),
    Tally("aab"),
    OrderedDict(b=1, a=2),
    defaultdict(list, {1: [2]}),
    pd.DataFrame({"a": pd.arrays.SparseArray([0, 0, 1])}),
    np.ma.masked_array([1, 2, 3], [False, True, False]),
    np.array(["x", "long " * 40], dtype=np.dtypes.StringDType()),
    functools.partial(int, base=2),
    slice(1, None, 2),
    math.sin,
    int,
]


@pytest.mark.parametrize("value", LAST_RESORTS, ids=lambda value: type(value).__name__)
def test_by_pickle_what_has_no_other_form(child: Child, value: Any) -> None:
    """With its class, by itself and as a part of other values."""
    for back in (child.there_and_back(value), child.there_and_back({"a": (value, 1)})["a"][0]):
        assert type(back) is type(value)
        if isinstance(value, pd.DataFrame):
            pd.testing.assert_frame_equal(back, value)
        elif isinstance(value, functools.partial):
            assert back("11") == 3
        else:
            assert np.all(back == value)


def test_classes_and_functions_of_one_function_cross(child: Child) -> None:
    """What no module holds goes by value, and comes back as the same class."""

    @dataclasses.dataclass
    class Local:
        x: int

        def double(self) -> int:
            return 2 * self.x

    back = child.ask("type(value)(value.double())", Local(4))
    assert back == Local(8)
    assert type(back) is Local
    assert child.ask("value(3)", lambda x: x + 1) == 4
    assert child.ask("lambda: 'from there'")() == "from there"


def test_cycles_cross_by_pickle(child: Child) -> None:
    """What contains itself, and what is too deep for typed JSON, is pickled as a whole."""
    loop: list[Any] = [1]
    loop.append({"k": (loop,)})
    back = child.there_and_back(loop)
    assert back[1]["k"][0] is back
    deep: list[Any] = []
    for _ in range(200):
        deep = [deep]
    assert child.there_and_back(deep) == deep


def test_subclasses_without_a_pickle(child: Child) -> None:
    """They arrive as their base class where no pickle may be made, or where theirs can't be."""
    assert same(child.there_and_back(Table(a=1), pickles=False), {"a": 1})
    assert same(child.there_and_back([Locked([1, 2])]), [[1, 2]])
    assert type(child.there_and_back(Text("abc"))) is Text


FIGURE = """
(plt := __import__("matplotlib.pyplot", fromlist=["x"])).switch_backend("agg") or (
    axes := plt.subplots(figsize=(2, 1), dpi=50)[1]
) and (axes.plot([1, 2], label="line"), axes.set_title("made there"), plt.gcf())[-1]
"""


REGISTERED = "__import__('matplotlib.pyplot').pyplot.gcf().canvas.manager is not None"


def test_a_figure_comes_back_as_itself(child: Child) -> None:
    """Made by pyplot with Agg in the other process, it can be changed here, and isn't shown twice."""
    from matplotlib import pyplot

    before = pyplot.get_fignums()
    figure = child.ask(FIGURE.strip())
    (axes,) = figure.axes
    assert axes.get_title() == "made there"
    assert axes.lines[0].get_label() == "line"
    axes.plot([3, 1])
    assert pyplot.get_fignums() == before
    assert child.ask(REGISTERED) is True, "its maker's pyplot still knows it"
    figure.savefig(io.BytesIO())
    again = child.there_and_back(figure)
    assert len(again.axes[0].lines) == 2
    assert child.ask(FIGURE.strip(), pickles=False).size == (100, 50)


def test_a_large_array_outlives_its_maker(child: Child, tmp_path: Any) -> None:
    """It is a file of the job: mapped, writable, and there when the process that made it isn't."""
    other = Child(tmp_path / "values")
    array = other.ask("__import__('numpy').arange(100_000.0)")
    other.close()
    assert isinstance(array.base, np.memmap)
    array[0] = 5
    assert array.sum() == 100_000 * 99_999 / 2 + 5


def test_a_class_that_is_not_there(child: Child) -> None:
    """The error names the class and what to do."""
    sent = {"type": "object", "python": "dataclass", "module": "__main__", "class": "Gone", "fields": {}}
    with pytest.raises(ValueCrossingError, match=r"the class __main__\.Gone, which isn't defined here"):
        decode(sent)
