"""Converters and field types: NodeTool's typed values become Python values, or one sentence says why not."""

from __future__ import annotations

import base64
import io
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from pydantic import BaseModel, ValidationError

from nodetool_jupyter.model.types import TypeMetadata
from nodetool_jupyter.values import convert, fields
from nodetool_jupyter.values.codec import encode

UNSET = {"uri": "", "asset_id": None, "data": None, "metadata": None}


def png(color: str = "red") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (3, 2), color).save(buffer, "PNG")
    return buffer.getvalue()


def data_uri(content: bytes, mime: str) -> str:
    return f"data:{mime};base64,{base64.b64encode(content).decode()}"


@contextmanager
def resolver(resolve: Callable[[str], bytes]) -> Iterator[None]:
    token = convert.RESOLVE.set(resolve)
    try:
        yield
    finally:
        convert.RESOLVE.reset(token)


def rows(value: Any) -> Any:
    frame = convert.to_dataframe(value)
    return list(frame.columns), frame.to_numpy().tolist()


NODETOOL = {
    "type": "dataframe",
    "columns": [{"name": "name", "data_type": "string"}, {"name": "n", "data_type": "int"}],
    "data": [["a", 1], ["b", 2]],
}


@pytest.mark.parametrize(
    "value",
    [
        NODETOOL,
        {"type": "dataframe", "columns": ["name", "n"], "data": [["a", 1], ["b", 2]]},
        {"type": "dataframe", "uri": data_uri(b"name,n\na,1\nb,2\n", "text/csv")},
        {
            "type": "dataframe",
            "uri": "data:application/json,[{%22name%22:%22a%22,%22n%22:1},{%22name%22:%22b%22,%22n%22:2}]",
        },
        [{"name": "a", "n": 1}, {"name": "b", "n": 2}],
        {"name": ["a", "b"], "n": [1, 2]},
        pd.DataFrame({"name": ["a", "b"], "n": [1, 2]}),
        encode(pd.DataFrame({"name": ["a", "b"], "n": [1, 2]})),
    ],
    ids=["NodeTool", "bare names", "csv", "json", "records", "columns", "pandas", "encoded"],
)
def test_dataframes(value: Any) -> None:
    """Each form of a table that a workflow, a param or a node may bring."""
    assert rows(value) == (["name", "n"], [["a", 1], ["b", 2]])


@pytest.mark.parametrize(
    "value",
    [None, {"type": "dataframe", **UNSET, "columns": None}, {"type": "dataframe"}, [], pd.DataFrame()],
)
def test_an_unset_dataframe_is_empty(value: Any) -> None:
    """NodeTool's default for a table that nothing is connected to."""
    assert convert.to_dataframe(value).shape == (0, 0)


def test_columns_without_rows_stay() -> None:
    """A table may be all header; a Series is a table of one column."""
    assert rows({**NODETOOL, "data": []}) == (["name", "n"], [])
    assert rows(pd.Series([1], name="n")) == (["n"], [[1]])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({**NODETOOL, "data": [["a", 1], ["b"]]}, "row 1 of the dataframe has 1 values for 2 columns"),
        ({**NODETOOL, "data": ["ab"]}, r"row 0 of the dataframe is no list \(found str\)"),
        ({"type": "dataframe", "uri": "data:text/plain,x"}, "neither CSV nor JSON"),
        ({"type": "dataframe", "uri": "asset://1"}, "connect a node that loads the file"),
        ({"a": [1, 2], "b": [1]}, r"must have one length \(found a: 2, b: 1\)"),
        ({"type": "image", **UNSET}, "expected a dataframe, found a dict of type 'image'"),
        ("a,b", "expected a dataframe, found str"),
        ([[1, 2]], "expected a dataframe, found list"),
    ],
)
def test_what_is_no_dataframe(value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        convert.to_dataframe(value)


IMAGES: dict[str, Any] = {
    "data uri": {"type": "image", **UNSET, "uri": data_uri(png(), "image/png")},
    "bytes": {"type": "image", **UNSET, "data": png()},
    "list": {"type": "image", **UNSET, "data": list(png())},
    "one of bytes": {"type": "image", "data": [png()]},
    "base64": {"type": "image", "data": base64.b64encode(png()).decode().rstrip("=")},
    "uri in data": {"type": "image", "data": data_uri(png(), "image/png")},
    "file": png(),
    "text": data_uri(png(), "image/png"),
    "array": np.array(Image.new("RGB", (3, 2), "red")),
    "PIL": Image.new("RGB", (3, 2), "red"),
    "encoded": encode(Image.new("RGB", (3, 2), "red")),
}


@pytest.mark.parametrize("name", IMAGES)
def test_images(name: str) -> None:
    """Each form of an image, as pixels."""
    image = convert.to_image(IMAGES[name])
    assert (image.mode, image.size) == ("RGB", (3, 2))
    assert image.getpixel((2, 1)) == (255, 0, 0)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"type": "image", **UNSET}, "^no image is connected$"),
        (None, "^no image is connected$"),
        ("", "^no image is connected$"),
        ({"type": "image", "uri": "memory://1"}, "export the workflow again"),
        ({"type": "image", "uri": "https://example.org/x.png"}, "load it with an http node"),
        ({"type": "image", "asset_id": "abc"}, "asset://abc isn't loaded here: connect a node"),
        ({"type": "image", "uri": "file:///etc/passwd"}, "from the workspace folder"),
        ({"type": "image", "uri": "gopher://x"}, "use a data: URI"),
        ({"type": "image", "uri": "data:image/png;base64"}, "without a comma"),
        ({"type": "image", "data": "***"}, "isn't base64"),
        ({"type": "image", "data": [300]}, "0 to 255"),
        ({"type": "image", "data": 5}, "expected bytes, found int"),
        (b"no image", "can't be read"),
        (png()[:50], "can't be read"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "can't be read"),
        ({"type": "audio"}, "expected an image, found a dict of type 'audio'"),
        ("red.png", "expected an image, found str"),
        (np.zeros((2, 2)), "scale and convert it"),
        (np.zeros((2, 2, 9), "u1"), r"the shape \(2, 2, 9\) is no image"),
        (Path("x.png"), "from the workspace folder"),
    ],
)
def test_what_is_no_image(value: Any, message: str) -> None:
    """Nothing is fetched or opened that the value doesn't carry itself, and each refusal has a next step."""
    with pytest.raises(ValueError, match=message):
        convert.to_image(value)


def test_references_are_read_by_the_jobs_resolver() -> None:
    """Only the owner of the job can say what files and addresses its nodes may read."""
    asked: list[str] = []

    def resolve(uri: str) -> bytes:
        asked.append(uri)
        return png("blue")

    with resolver(resolve):
        assert convert.to_image({"type": "image", "uri": "asset://7"}).getpixel((0, 0)) == (0, 0, 255)
        assert convert.to_image({"type": "image", "asset_id": "8"}).size == (3, 2)
        assert convert.to_image("https://x/y.png").size == (3, 2)
        assert convert.to_bytes(Path("/a/b.png")) == png("blue")
    assert asked == ["asset://7", "asset://8", "https://x/y.png", "file:///a/b.png"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"type": "np_array", "value": np.arange(3).tobytes(), "dtype": "<i8", "shape": [3]}, [0, 1, 2]),
        ({"type": "np_array", "value": list(b"\x01\x02"), "dtype": "|u1", "shape": (2, 1)}, [[1], [2]]),
        ({"type": "np_array", "value": "AQI=", "dtype": "|u1"}, [1, 2]),
        ([1, [2][0]], [1, 2]),
        (5, 5),
        ((1.5, 2), [1.5, 2.0]),
        (encode(np.array([1])), [1]),
        (np.array([True]), [True]),
    ],
)
def test_arrays(value: Any, expected: Any) -> None:
    """NodeTool's raw bytes, numbers and lists; what comes is writable."""
    array = convert.to_array(value)
    assert array.tolist() == expected
    assert array.flags.writeable


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"type": "np_array", "value": None, "dtype": "<i8", "shape": [1]}, "^no array is connected$"),
        (None, "^no array is connected$"),
        ({"type": "np_array", "value": b"abc", "dtype": "<i8"}, "the array can't be read"),
        ({"type": "np_array", "value": b"12345678", "dtype": "O"}, "the array can't be read"),
        ({"type": "np_array", "value": b"x", "dtype": "odd"}, "the array can't be read"),
        ([[1], [2, 3]], "no array can be made of the list"),
        ([object()], "expected an array, found list"),
        ("text", "expected an array, found str"),
    ],
)
def test_what_is_no_array(value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        convert.to_array(value)


def test_numbers_stay_numbers() -> None:
    """A handle for numbers and arrays doesn't make an array of a number."""
    assert convert.to_number_or_array(1.5) == 1.5
    assert convert.to_number_or_array([1]).tolist() == [1]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"type": "color", "value": "#CCCCCC"}, "#CCCCCC"),
        ({"type": "color", "value": None}, ""),
        (None, ""),
        ("red", "red"),
        ((255, 0, 16), "#ff0010"),
        ([0, 0, 0, 128], "#00000080"),
    ],
)
def test_colors(value: Any, expected: str) -> None:
    assert convert.to_color(value) == expected


@pytest.mark.parametrize("value", [5, (1, 2), (256, 0, 0), {"type": "image"}, ("r", "g", "b")])
def test_what_is_no_color(value: Any) -> None:
    with pytest.raises(ValueError, match="expected a color"):
        convert.to_color(value)


MOMENT = {
    "type": "datetime",
    "year": 2024,
    "month": 5,
    "day": 6,
    "hour": 7,
    "minute": 8,
    "second": 9,
    "microsecond": 10,
}
EAST = timezone(timedelta(hours=2))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({**MOMENT, "tzinfo": "UTC", "utc_offset": 0}, datetime(2024, 5, 6, 7, 8, 9, 10, tzinfo=UTC)),
        ({**MOMENT, "tzinfo": "CEST", "utc_offset": 7200.0}, datetime(2024, 5, 6, 7, 8, 9, 10, tzinfo=EAST)),
        ({"type": "date", "year": 2024, "month": 5, "day": 6}, datetime(2024, 5, 6, tzinfo=UTC)),
        ("2024-05-06T07:08:00Z", datetime(2024, 5, 6, 7, 8, tzinfo=UTC)),
        (date(2024, 5, 6), datetime(2024, 5, 6, tzinfo=UTC)),
        (encode(datetime(2024, 5, 6, tzinfo=EAST)), datetime(2024, 5, 6, tzinfo=EAST)),
        (pd.Timestamp("2024-05-06", tz="UTC"), datetime(2024, 5, 6, tzinfo=UTC)),
    ],
)
def test_datetimes(value: Any, expected: datetime) -> None:
    """NodeTool's fields with their offset, ISO texts, dates; and each of them as a date."""
    moment = convert.to_datetime(value)
    assert moment == expected
    assert moment.utcoffset() == expected.utcoffset()
    assert convert.to_date(value) == date(2024, 5, 6)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"type": "datetime", "year": 0, "month": 0, "day": 0}, "^no date is given$"),
        ({"type": "date", "year": 2024, "month": 13, "day": 1}, r"month must be in 1\.\.12"),
        ("yesterday", "Invalid isoformat"),
        (5, "expected a date, found int"),
    ],
)
def test_what_is_no_date(value: Any, message: str) -> None:
    for to_one in (convert.to_date, convert.to_datetime):
        with pytest.raises(ValueError, match=message):
            to_one(value)


def test_bytes_and_texts() -> None:
    """Content in each of its forms; what a text reference holds is text, not base64."""
    assert convert.to_bytes(bytearray(b"x")) == b"x"
    assert convert.to_bytes("data:,a%20b") == b"a b"
    assert convert.to_bytes("ü") == "ü".encode()
    assert convert.to_bytes({"type": "audio", "data": "AAE="}) == b"\x00\x01"
    assert convert.to_bytes(encode(b"\x00")) == b"\x00"
    assert convert.to_text({"type": "text", "data": "plain"}) == "plain"
    assert convert.to_text({"type": "text", "uri": "data:text/plain,hi"}) == "hi"
    assert convert.to_text("as it is") == "as it is"
    assert convert.to_text(b"\xff") == "\ufffd"
    for unset in (None, "", {"type": "audio", **UNSET}, {}):
        with pytest.raises(ValueError, match=r"^no audio is connected$"):
            convert.to_bytes(unset, "audio")
    with pytest.raises(ValueError, match="expected audio, found int"):
        convert.to_bytes(5, "audio")


def test_paths() -> None:
    """NodeTool's three types of a path, a file: URI and text; whether it may be used is not asked here."""
    for value in (
        {"type": "file_path", "path": "/a b"},
        {"type": "folder", "uri": "file:///a%20b"},
        {"type": "folder_path", "path": "/a b"},
        "/a b",
        Path("/a b"),
        encode(Path("/a b")),
    ):
        assert convert.to_path(value) == Path("/a b")
    with pytest.raises(ValueError, match="no file or folder is chosen"):
        convert.to_path({"type": "folder", **UNSET})
    with pytest.raises(ValueError, match="expected a path, found int"):
        convert.to_path(5)


class Blend(BaseModel):
    image: fields.Image
    table: fields.DataFrame = None
    color: fields.Color = "black"
    when: fields.Date = None
    sound: fields.Audio = None


def test_fields_convert_before_the_node_sees_them() -> None:
    """A field annotated with one of our types holds the Python value."""
    made = Blend(
        image=IMAGES["data uri"], table=NODETOOL, color={"type": "color", "value": "red"}, when="2024-05-06"
    )
    assert isinstance(made.image, Image.Image)
    assert made.table.shape == (2, 2)
    assert (made.color, made.when) == ("red", date(2024, 5, 6))
    with pytest.raises(ValidationError, match="no image is connected"):
        Blend(image={"type": "image", **UNSET})
    with pytest.raises(ValidationError, match="no audio is connected"):
        Blend(image=png(), sound={"type": "audio", **UNSET})


def test_fields_carry_nodetools_types() -> None:
    """What graph checks compare: each type once, by NodeTool's word for it."""
    types = {
        name: str(next(part for part in get_args(field) if isinstance(part, TypeMetadata)))
        for name, field in vars(fields).items()
        if name[0].isupper() and isinstance(get_args(field), tuple) and get_args(field)
    }
    assert types["DataFrame"] == "dataframe"
    assert types["NumberOrArray"] == "union[int, float, np_array]"
    assert len(set(types.values())) == len(types) >= 18


def test_a_missing_library_is_a_sentence() -> None:
    """Without pandas a table can't be made, and the message says what to install."""
    code = """
import sys
sys.modules["pandas"] = None
from nodetool_jupyter.values.convert import to_dataframe
try:
    to_dataframe([{"a": 1}])
except ValueError as error:
    assert str(error) == "this needs pandas, which isn't installed: pip install pandas", error
else:
    raise SystemExit("no error")
from nodetool_jupyter.values.codec import decode
from nodetool_jupyter.errors import ValueCrossingError
try:
    decode({"type": "dataframe", "python": "pandas.DataFrame"})
except ValueCrossingError as error:
    assert error.hint == "pip install pandas", error
else:
    raise SystemExit("no error")
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
