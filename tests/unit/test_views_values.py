"""Values as text and HTML: what the event log holds and what Python holds, bounded and never raising."""

from __future__ import annotations

import base64
import dataclasses
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from nodetool_jupyter.values.codec import encode
from nodetool_jupyter.values.preview import preview
from nodetool_jupyter.views.images import MAX_BYTES, MAX_SIDE, picture
from nodetool_jupyter.views.markup import TIMES
from nodetool_jupyter.views.values import LINE_CHARS, TEXT_CHARS, as_html, as_text, bounded, inline
from tests.unit.pages import Page


@dataclasses.dataclass
class Point:
    x: int
    label: str


class Rude:
    """Raises from whatever it is asked."""

    def __repr__(self) -> str:
        raise RuntimeError("no")

    __str__ = __repr__


FRAME = pd.DataFrame({"name": ["a", "<b>"], "score": [1.5, None]})
PICTURE = Image.new("RGB", (30, 20), "red")
WHEN = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "None"),
        (True, "True"),
        (3, "3"),
        (0.1, "0.1"),
        (float("nan"), "nan"),
        (10**400, str(10**400)[: LINE_CHARS - 1] + "…"),
        ([10**5_000], "[<a number of about 5,000 digits>]"),
        ("text\nin lines", "text in lines"),
        (b"abc", "<3 bytes>"),
        ([1, "a", {"k": None}], "[1, 'a', {'k': None}]"),
        ((1, 2), "(1, 2)"),
        ({1}, "{1}"),
        ([[[[[[[[[[1]]]]]]]]]], "[[[[[[[[[…]]]]]]]]]"),
        (WHEN, "2024-05-06 07:08:09+00:00"),
        (np.arange(6).reshape(2, 3), f"<array 2 {TIMES} 3 of int64>"),
        (np.float64(2.5), "2.5"),
        (FRAME, f"table 2 {TIMES} 2"),
        (PICTURE, f"image 30 {TIMES} 20"),
        ([FRAME, PICTURE], f"[<table 2 {TIMES} 2>, <image 30 {TIMES} 20>]"),
        (Point(1, "p"), "Point{'x': 1, 'label': 'p'}"),
    ],
)
def test_a_value_in_one_line(value: Any, shown: str) -> None:
    """The same value reads the same as Python has it and as the event log has it."""
    assert inline(value).removeprefix(f"{__name__}.") == shown


@pytest.mark.parametrize("value", [WHEN, (1, 2), {1}, b"abc", FRAME, PICTURE, [FRAME], {"a": (1,)}])
def test_encoded_values_read_like_the_values(value: Any) -> None:
    """What comes from a log, in full or as a preview, is shown as the value it stands for."""
    plain = inline(value)
    assert inline(encode(value)) == plain
    assert inline(preview(value)) == plain


def test_nothing_raises_or_shows_an_address() -> None:
    """Objects of any class are shown, and the same in each run."""
    assert "Rude" in inline(Rude())
    assert "Rude" in as_html([Rude()])
    assert " at 0x" not in inline(object()) + inline([object()]) + inline(rows)
    loop: list[Any] = []
    loop.append(loop)
    assert inline(loop).startswith("[[[")


def test_a_lie_of_a_typed_dict() -> None:
    """A typed dict that lies about itself is shown as what it is."""
    for fields in (
        {},
        {"data": 3},
        {"data": [1, None, {}], "columns": 5},
        {"data": [[1]], "columns": [{}, None]},
    ):
        for kind in ("dataframe", "image", "np_array", "datetime", "tuple", "?"):
            for python in ({}, {"python": "datetime"}, {"python": 3}, {"python": "x", "file": 3}):
                value = {"type": kind, **fields, **python}
                Page(as_html(value))
                assert len(inline(value)) <= LINE_CHARS


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text() | st.just("type"), inner) | st.tuples(inner, inner)
    ),
)


@given(json)
def test_any_value_is_bounded_and_safe(value: Any) -> None:
    """Text keeps to its limit and HTML to our own tags, whatever the value."""
    assert len(inline(value)) <= LINE_CHARS
    assert "\n" not in inline(value)
    assert len(as_text(value)) <= TEXT_CHARS
    Page(as_html(value))


def test_large_values_are_cut_without_being_read() -> None:
    """A view keeps text in place of what is too large; a million items are not walked through."""
    large = ["x" * 1_000] * 1_000_000
    assert len(as_text(large)) <= TEXT_CHARS
    assert bounded(large) == as_text(large)
    assert bounded({"a": [1, 2]}) == {"a": [1, 2]}
    assert isinstance(bounded({"a": "x" * 2_000_000}), str)


@pytest.mark.parametrize(
    "value", [FRAME, encode(FRAME), preview(FRAME)], ids=["pandas", "encoded", "preview"]
)
def test_a_table_becomes_a_table(value: Any) -> None:
    """Columns and cells are there, escaped."""
    page = Page(as_html(value))
    assert "<b>" in page.text
    assert len(page.named("td")) >= 4
    assert as_text(value).split("\n")[-2].split()[-2:] == ["a", "1.5"]


def test_a_large_table_shows_its_beginning() -> None:
    """Ten rows and twelve columns, and how many there are."""
    frame = pd.DataFrame({f"column {number}": range(1_000) for number in range(40)})
    for value in (frame, encode(frame), preview(frame, 65_536)):
        assert f"1,000 {TIMES} 40 in all" in Page(as_html(value)).text
        assert len(as_text(value).split("\n")) == 12
    assert inline(pd.Series([1, 2], name="s")) == f"table 2 {TIMES} 1"


def rows(value: dict[str, Any]) -> str:
    return as_text({"type": "dataframe", **value})


def test_nodetools_own_dataframes_are_tables() -> None:
    """Columns as names or as definitions, rows as lists or as dicts."""
    columns = [{"name": "a", "data_type": "int"}, {"name": "b"}]
    assert rows({"columns": columns, "data": [[1, 2], [3]]}) == "a  b\n1  2\n3"
    assert rows({"columns": ["a", "b"], "data": [{"b": "x", "a": 1}]}) == "a  b\n1  x"


def png(size: tuple[int, int]) -> bytes:
    buffer = BytesIO()
    Image.effect_noise(size, 90).save(buffer, "PNG")
    return buffer.getvalue()


def typed(data: bytes, field: str = "data", before: str = "") -> dict[str, Any]:
    return {"type": "image", field: before + base64.b64encode(data).decode()}


@pytest.mark.parametrize(
    "value",
    [
        PICTURE,
        encode(PICTURE),
        typed(png((30, 20))),
        typed(png((30, 20)), before="data:image/png;base64,"),
        typed(png((30, 20)), "uri", "data:text/html;base64,"),
        {"type": "image", "data": png((30, 20))},
        Image.new("CMYK", (30, 20)),
    ],
)
def test_an_image_is_shown_by_its_own_bytes(value: Any) -> None:
    """The page gets a data URI of the type that the bytes are of, whatever the value says of itself."""
    (shown,) = Page(as_html(value)).named("img")
    assert shown["src"].startswith("data:image/png;base64,")
    assert (shown["width"], shown["height"], shown["alt"]) == ("30", "20", f"image 30 {TIMES} 20")


@pytest.mark.parametrize(
    "value",
    [
        {"type": "image", "uri": "https://tracker.example/x.png"},
        {"type": "image", "uri": "javascript:alert(1)"},
        {"type": "image", "uri": "data:image/svg+xml,<svg onload=alert(1)>"},
        typed(b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
        typed(png((30, 20))[:60]),
        typed(b"GIF89a" + b"\xff\xff\xff\xff" + b"\x00" * 9),
        {"type": "image", "size": [30_000, 20_000]},
    ],
)
def test_no_other_image_gets_into_a_page(value: Any) -> None:
    """Addresses, scripts, broken files and bombs become words."""
    page = Page(as_html(value))
    assert not page.named("img")
    assert page.text.startswith("image")


@pytest.mark.parametrize("value", [Image.effect_noise((3_000, 2_000), 90), typed(png((1_500, 1_500)))])
def test_large_images_are_made_small(value: Any) -> None:
    """A picture keeps to bounds in pixels and bytes, and tells the size it had."""
    shown = picture(value)
    assert shown is not None
    assert len(shown.data) <= MAX_BYTES
    assert max(shown.width, shown.height) <= MAX_SIDE
    assert max(shown.original) >= 1_500
