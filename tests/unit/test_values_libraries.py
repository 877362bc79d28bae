"""Arrays, tables, images and figures come back exactly; the libraries are loaded only where they are used."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from datetime import timedelta, timezone
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hn
from matplotlib.figure import Figure
from PIL import Image
from pydantic_core import from_json, to_json

from nodetool_jupyter.errors import ValueCrossingError
from nodetool_jupyter.values.codec import decode, encode


def cross(value: Any) -> Any:
    return decode(from_json(to_json(encode(value))))


def test_nothing_heavy_is_loaded_for_plain_values() -> None:
    """Importing the codecs, and using them on plain values, loads no library."""
    code = """
import sys
from nodetool_jupyter.values import codec, convert, fields, preview
codec.decode(codec.encode({"a": [(1, b"x")], "type": 1}))
preview.preview({"a": [object()]})
convert.to_color("red"), convert.to_bytes("data:,x")
heavy = {"numpy", "pandas", "PIL", "matplotlib", "pyarrow"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


DTYPES = (
    hn.scalar_dtypes()
    | hn.unicode_string_dtypes(max_len=5)
    | hn.byte_string_dtypes(max_len=5)
    | hn.array_dtypes(hn.integer_dtypes() | hn.unicode_string_dtypes(max_len=3), max_size=3)
)


@given(DTYPES.flatmap(lambda dtype: hn.arrays(dtype, hn.array_shapes(min_dims=0, min_side=0, max_side=4))))
def test_arrays_cross(array: np.ndarray[Any, Any]) -> None:
    """Any dtype without objects, byte orders and records too, any shape, every bit."""
    back = cross(array)
    assert type(back) is np.ndarray
    assert back.dtype == array.dtype
    assert back.shape == array.shape
    assert back.tobytes() == array.tobytes()
    assert back.flags.writeable


@given(hn.scalar_dtypes().flatmap(lambda dtype: hn.arrays(dtype, (1,))))
def test_scalars_cross(array: np.ndarray[Any, Any]) -> None:
    """A numpy scalar stays one, of its own type."""
    back = cross(array[0])
    assert type(back) is type(array[0])
    assert back.dtype == array[0].dtype
    assert back.tobytes() == array[0].tobytes()


@pytest.mark.parametrize(
    "array",
    [
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(20)[::3],
        np.array([1, None, [2, (3,)], "x"], dtype=object),
        np.array([[{}], [b"x"]], dtype=object),
    ],
)
def test_unusual_arrays_cross(array: np.ndarray[Any, Any]) -> None:
    """Views and Fortran order; arrays of objects go element by element, and are typed like any value."""
    back = cross(array)
    assert type(back) is np.ndarray
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)


def test_a_number_can_be_read_by_others() -> None:
    """A float of numpy's has its value in the JSON, for whoever shows it."""
    json = encode(np.float32(1.5))
    assert (json["type"], json["value"]) == ("float", 1.5)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": np.ma.masked_array([1, 2], [True, False])}, r'value\["a"\] is a numpy\.ma\.MaskedArray'),
        (np.zeros(2, dtype=[("a", object)]), "an array of dtype"),
        (np.array(["x"], dtype=np.dtypes.StringDType()), "an array of dtype"),
        (np.array([1, object()], dtype=object), r"value\[1\] is an object"),
        (pd.DataFrame({"a": [1], "b": [iter([1])]}), r'value\["b"\]\[0\] is a list_iterator'),
        (pd.DataFrame({"a": pd.arrays.SparseArray([0, 1])}), r'value\["a"\] has the dtype Sparse'),
        (pd.DataFrame({"a": [1]}).groupby("a"), "DataFrameGroupBy"),
        (Figure().subplots(), "return the figure: ax.figure"),
        (
            pd.Series(pd.to_datetime(["2024"]).tz_localize(timezone(timedelta(hours=1), "Mine"))),
            "time zone 'Mine'",
        ),
    ],
)
def test_what_has_no_exact_form_is_refused(value: Any, message: str) -> None:
    """Nothing is changed silently: masks, sparse columns and nameless zones are errors with a way out."""
    with pytest.raises(ValueCrossingError, match=message) as caught:
        encode(value)
    assert caught.value.hint


COLUMNS: dict[str, Any] = {
    "int": [1, 2, 3],
    "float": [1.5, np.nan, np.inf],
    "text": ["a", None, "ü"],
    "object": pd.Series([1, ("x", "\ud800"), np.nan], dtype=object),
    "bool": [True, False, True],
    "date": pd.to_datetime(["2024-01-01", None, "2024-03-01"]),
    "seconds": pd.Series(pd.to_datetime(["2024-01-01", None, "2024-03-01"])).dt.as_unit("s"),
    "zoned": pd.to_datetime(["2024-01-01 00:00", None, "2024-10-27 00:30"])
    .tz_localize("UTC")
    .tz_convert("Europe/Berlin"),
    "offset": pd.to_datetime(["2024-01-01", None, "2024-07-01"]).tz_localize(timezone(timedelta(hours=-3.5))),
    "delta": pd.to_timedelta([1, 2, None], unit="s"),
    "category": pd.Categorical(["x", None, "y"], categories=["y", "x", "z"], ordered=True),
    "Int64": pd.array([2**62 + 1, None, 3], dtype="Int64"),
    "UInt8": pd.array([1, None, 3], dtype="UInt8"),
    "boolean": pd.array([True, None, False], dtype="boolean"),
    "Float32": pd.array([1.5, None, 2], dtype="Float32"),
    "period": pd.PeriodIndex(["2024-01", None, "2024-03"], freq="M"),
    "interval": pd.arrays.IntervalArray.from_tuples([(0, 1), (1, 2), np.nan], closed="both"),
    "string": pd.array(["a", None, "b"], dtype="string"),
    "float32": np.array([1, 2, 3], "f4"),
    "complex": [1j, 2, 3],
}


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_cross(name: str) -> None:
    """Each dtype comes back with its values, its missing values, and as the same kind of missing."""
    table = pd.DataFrame({name: COLUMNS[name]})
    back = cross(table)
    pd.testing.assert_frame_equal(back, table)
    assert back[name].dtype == table[name].dtype
    column = cross(table[name])
    pd.testing.assert_series_equal(column, table[name])


INDEXES: list[Any] = [
    pd.date_range("2024", periods=3, freq="2D", name="when"),
    pd.timedelta_range("1s", periods=3, freq="2s"),
    pd.period_range("2024", periods=3, freq="Q"),
    pd.MultiIndex.from_product([["a"], [1, 2, 3]], names=["x", None]),
    pd.Index(["a", "b", None], dtype=object),
    pd.Index(["a", "b", "c"]),
    pd.RangeIndex(0, 6, 2, name=("a", 1)),
    pd.Index([1.5, 2, np.nan]),
    pd.CategoricalIndex(["a", "b", "a"]),
    pd.IntervalIndex.from_breaks([0, 1, 2, 3]),
]


@pytest.mark.parametrize("index", INDEXES, ids=lambda index: f"{type(index).__name__}-{index.dtype}")
def test_indexes_cross(index: pd.Index[Any]) -> None:
    """By themselves, as rows and as columns of a table; with names and frequency."""
    back = cross(index)
    pd.testing.assert_index_equal(back, index, exact=True)
    assert getattr(back, "freq", None) == getattr(index, "freq", None)
    table = pd.DataFrame({"a": [1, 2, 3]}, index=index)
    pd.testing.assert_frame_equal(cross(table), table, check_freq=True)
    wide = pd.DataFrame([[1, "x", 2.5]], columns=index)
    pd.testing.assert_frame_equal(cross(wide), wide)


def test_a_frequency_with_holidays_is_dropped() -> None:
    """Its name doesn't say all of it: rather none than another one."""
    index = pd.bdate_range("2024-01-01", periods=3, freq="C", holidays=["2024-01-02"])
    back = cross(index)
    assert back.tolist() == index.tolist()
    assert back.freq is None


@pytest.mark.parametrize(
    "table",
    [
        pd.DataFrame(),
        pd.DataFrame(columns=["a", "b"]),
        pd.DataFrame(index=[1, 2]),
        pd.DataFrame([[1, 2]], columns=["a", "a"]),
        pd.DataFrame({("a", 1): [1], ("b", 2): [2]}),
        pd.DataFrame({1: [1], "x": [2]}),
        pd.DataFrame({f"c{number}": [number] for number in range(1_100)}),
    ],
    ids=["empty", "no rows", "no columns", "doubled names", "two levels", "mixed names", "wide"],
)
def test_odd_tables_cross(table: pd.DataFrame) -> None:
    """The shapes that a format of rows would lose."""
    pd.testing.assert_frame_equal(cross(table), table)


@given(st.dictionaries(st.text(max_size=5), st.sampled_from(sorted(COLUMNS)), max_size=4))
def test_tables_cross(names: dict[str, str]) -> None:
    """Any columns together, by any names."""
    table = pd.DataFrame({name: COLUMNS[column] for name, column in names.items()})
    table.attrs["source"] = (1, b"x")
    back = cross(table)
    pd.testing.assert_frame_equal(back, table)
    assert back.attrs == table.attrs


def test_a_table_has_nodetools_form() -> None:
    """A NodeTool client reads columns and rows; missing values are null, dates are ISO texts."""
    text, dates = pd.array(["a", None], dtype="string"), pd.to_datetime(["2024-05-06", None])
    table = pd.DataFrame({"n": [1, 2], "x": [0.5, np.nan], "d": dates, "s": text})
    json = encode(table)
    assert json["type"] == "dataframe"
    assert [tuple(column.values()) for column in json["columns"]] == [
        ("n", "int"),
        ("x", "float"),
        ("d", "datetime"),
        ("s", "string"),
    ]
    assert json["data"] == [[1, 0.5, "2024-05-06T00:00:00", "a"], [2, None, None, None]]
    long = encode(pd.DataFrame({"n": range(5_000)}))
    assert (len(long["data"]), long["rows"]) == (1_000, 5_000)


@pytest.mark.parametrize(
    "value",
    [
        pd.Timestamp("2024-01-01 12:00:00.123456789", tz="Europe/Berlin"),
        pd.Timestamp("2024").as_unit("s"),
        pd.Timedelta("1s 5ns"),
        pd.Period("2024-01"),
        pd.Interval(0, 1),
        pd.Interval(pd.Timestamp("2024"), pd.Timestamp("2025"), closed="both"),
        pd.NaT,
        pd.NA,
    ],
)
def test_pandas_scalars_cross(value: Any) -> None:
    """Nanoseconds and units too; the missing values stay the objects that they are."""
    back = cross([value])[0]
    assert type(back) is type(value)
    assert repr(back) == repr(value)
    assert getattr(back, "unit", None) == getattr(value, "unit", None)


MODES = (
    "1",
    "L",
    "LA",
    "P",
    "PA",
    "RGB",
    "RGBA",
    "CMYK",
    "YCbCr",
    "LAB",
    "HSV",
    "I",
    "F",
    "I;16",
    "RGBX",
    "La",
    "RGBa",
)


@pytest.mark.parametrize("mode", MODES)
def test_images_cross(mode: str) -> None:
    """Every mode pixel by pixel, with what the file said of the image."""
    image = Image.new(mode, (7, 5))
    image.frombytes(os.urandom(len(image.tobytes())))
    image.info = {"dpi": (72, 72), "comment": b"x", "loader": object()}
    back = cross(image)
    image.info.pop("loader")
    assert back == image
    assert type(back) is Image.Image


def test_palettes_and_empty_images_cross() -> None:
    """Colors of a palette, used or not; an image without pixels."""
    image = Image.new("P", (2, 2), 1)
    image.putpalette([0, 0, 0, 255, 0, 0, 9, 9, 9])
    image.info["transparency"] = 1
    assert cross(image) == image
    assert cross(Image.new("RGB", (0, 3))) == Image.new("RGB", (0, 3))


def test_an_inline_image_is_a_data_uri() -> None:
    """What a browser and NodeTool can show as it is."""
    assert encode(Image.new("RGB", (2, 2)))["uri"].startswith("data:image/png;base64,iVBOR")


def test_a_figure_for_a_reader_who_refuses_pickles() -> None:
    """It is an image then, though a pickle could be made."""
    shown = encode(Figure(), pickle=pickle.dumps)
    image = encode(Figure(), pickle=pickle.dumps, is_exact=False)
    assert isinstance(shown, dict)
    assert "pickle" in shown
    assert isinstance(decode(image), Image.Image)


def test_a_figure_arrives_as_its_image() -> None:
    """It can't come back as itself without a pickle, and the JSON says that it was a figure."""
    figure = Figure(figsize=(2, 1), dpi=50)
    figure.subplots().plot([1, 2])
    json = encode(figure)
    assert json["figure"] is True
    assert decode(json).size == (100, 50)


@pytest.mark.parametrize(
    "json",
    [
        {
            "type": "image",
            "python": "PIL.pixels",
            "mode": "L",
            "size": [90_000, 90_000],
            "data": "AAAA",
            "info": {},
        },
        {"type": "image", "python": "PIL.Image", "uri": "data:image/png;base64,AAAA", "info": {}},
        {"type": "image", "python": "PIL.Image", "uri": "https://example.org/x.png"},
        {"type": "float", "python": "numpy.number", "dtype": "O", "value": 1},
        {"type": "np_array", "python": "numpy.objects", "shape": [10**9], "items": []},
        {"type": "list", "python": "pandas.categories", "codes": [5], "categories": {}, "ordered": True},
        {"type": "list", "python": "pandas.masked", "data": [1], "mask": [0]},
    ],
    ids=lambda json: json["python"],
)
def test_hostile_parts_are_refused(json: Any) -> None:
    """A claim that the data doesn't keep is an error, before any memory is taken for it."""
    with pytest.raises(ValueCrossingError):
        decode(json)
