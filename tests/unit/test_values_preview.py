"""preview: a picture of any value, whatever it is, within its bounds."""

from __future__ import annotations

import base64
import dataclasses
import enum
import io
import math
import time
from collections import deque
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from PIL import Image
from pydantic import BaseModel
from pydantic_core import to_json

from nodetool_jupyter.errors import ValueCrossingError
from nodetool_jupyter.values.base import is_marker
from nodetool_jupyter.values.codec import decode
from nodetool_jupyter.values.preview import fallback, preview, safe_repr

ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=400)
    | st.binary(max_size=99)
    | st.sampled_from(["\x00" * 300, "\\" * 300, "ü" * 300, "\U0001f600" * 300, 10**400]),
    lambda inner: (
        st.lists(inner, max_size=30)
        | st.dictionaries(st.text(st.characters(), max_size=80) | st.integers(), inner, max_size=30)
        | st.tuples(inner, inner)
    ),
    max_leaves=60,
)


class Hostile:
    """An object whose every method raises."""

    def __repr__(self) -> str:
        raise SystemExit("no repr")

    def __len__(self) -> int:
        raise MemoryError

    def __eq__(self, other: object) -> bool:
        raise TypeError

    __hash__ = None  # type: ignore[assignment]


class Recursive:
    def __repr__(self) -> str:
        return repr(self)


class Liar:
    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        raise KeyError("no class")


class Size(enum.Enum):
    SMALL = 1


@dataclasses.dataclass
class Part:
    name: str
    items: Any


class Model(BaseModel):
    x: int
    rest: list[int]


@given(ANY, st.sampled_from([256, 300, 1024, 4096, 20_000]))
def test_it_keeps_to_its_limit(value: Any, limit: int) -> None:
    """As JSON in UTF-8 it is never larger, and always JSON."""
    assert len(to_json(preview(value, limit))) <= limit


def test_plain_values_are_their_own_preview() -> None:
    """Small plain values are shown as they are, containers as copies."""
    for value in (None, True, 5, -1.5, "text", [1, "a", None], {"a": 1, "b": [2.5]}, [], {}):
        assert preview(value) == value
    value = [1]
    assert preview(value) is not value


def test_what_javascript_reads_wrongly() -> None:
    """Large integers and what is no number are marked, so that no view shows another number."""
    assert preview(2**53) == 2**53
    assert preview(2**53 + 1)["value"] == "9007199254740993"
    assert preview(10**5000)["value"] == "an integer of 16,610 bits"
    assert [preview(number)["value"] for number in (math.nan, -math.inf)] == ["nan", "-inf"]


def test_long_things_say_how_long() -> None:
    """What is left out is counted."""
    assert preview("x" * 10_000).endswith("x… (10,000 characters)")
    assert preview(list(range(100)))[-1] == "… 80 more"
    assert preview(dict.fromkeys(range(100)))["…"] == "80 more"
    assert preview(b"ab" * 50) == {"type": "bytes", "python": "preview", "size": 100, "head": "6162" * 8}
    nested: list[Any] = [1, 2]
    for _ in range(10_000):
        nested = [nested]
    assert "… 1 items" in str(preview(nested))


def test_typed_values_are_named() -> None:
    """NodeTool's word for the type, and a text."""
    shown = {
        date(2024, 5, 6): ("date", "2024-05-06"),
        Decimal("1.50"): ("decimal", "1.50"),
        Path("a/b"): ("file_path", "a/b"),
        1 + 2j: ("complex", "(1+2j)"),
        Size.SMALL: ("enum", "Size.SMALL"),
        pd.Timestamp("2024"): ("datetime", "2024-01-01 00:00:00"),
    }
    for value, (word, text) in shown.items():
        assert preview(value) == {"type": word, "python": "preview", "value": text}


@pytest.mark.parametrize(
    ("value", "items"),
    [((1, 2), [1, 2]), ({3}, [3]), (frozenset([3]), [3]), (deque([4]), [4]), (range(2), [0, 1])],
)
def test_containers_show_their_items(value: Any, items: list[int]) -> None:
    assert preview(value)["items"] == items


def test_objects_show_their_fields() -> None:
    """Dataclasses and models by their fields, without calling their code."""
    assert preview(Part("a", [1]))["fields"] == {"name": "a", "items": [1]}
    assert preview(Model(x=1, rest=[2]))["fields"] == {"x": 1, "rest": [2]}
    half = object.__new__(Part)
    half.name = "only"
    assert preview(half)["fields"] == {"name": "only"}


def test_hostile_objects_are_shown() -> None:
    """Whatever their methods raise, there is something to see, and no exception."""
    for value in (
        Hostile(),
        Recursive(),
        Liar(),
        [Hostile()],
        {"a": Part("x", Recursive())},
        {Liar(): Liar()},
    ):
        assert len(to_json(preview(value))) < 4096
        assert isinstance(safe_repr(value), str)


def test_no_dict_of_the_users_passes_for_a_marker() -> None:
    """A view may trust a marker: it was made here."""
    shown = preview({"type": "image", "python": "preview", "uri": "javascript:1"})
    assert shown["type"] == "dict"
    assert shown["items"][0] == ["type", "image"]


def test_huge_values_take_no_time() -> None:
    """Only what is shown is touched: half a gigabyte of text, a thousand million numbers."""
    numbers = np.broadcast_to(np.float64(1.5), (1_000_000_000,))
    values: list[Any] = [
        "x" * 500_000_000,
        bytearray(100_000_000),
        range(10**15),
        [None] * 10_000_000,
        numbers,
        pd.Series(numbers, copy=False),
        pd.DataFrame(index=pd.RangeIndex(10**9)),
        Part("big", [0] * 10_000_000),
        Image.new("L", (20_000, 4_000)),
    ]
    start = time.process_time()
    for value in values:
        assert len(to_json(preview(value))) <= 4096
        assert len(safe_repr(value)) < 2_000
    assert time.process_time() - start < 2


def test_arrays() -> None:
    """Type, shape and the first numbers; a scalar is a number."""
    shown = preview(np.arange(12.0).reshape(3, 4))
    assert (shown["type"], shown["dtype"], shown["shape"]) == ("np_array", "float64", [3, 4])
    assert shown["head"][:3] == [0.0, 1.0, 2.0]
    assert shown["head"][-1] == "… 2 more"
    assert preview(np.float32(1.5)) == 1.5
    assert preview(np.array(7)) == 7
    assert preview(np.datetime64("2024-05-06"))["value"] == "2024-05-06"


def test_tables() -> None:
    """NodeTool's columns and the first rows; missing values are null, wide tables are cut."""
    table = pd.DataFrame({"n": range(30), "x": [np.nan, *[0.5] * 29], "t": [pd.NaT] * 30})
    shown = preview(table)
    assert [column["name"] for column in shown["columns"]] == ["n", "x", "t"]
    assert shown["data"][:2] == [[0, None, None], [1, 0.5, None]]
    assert (shown["rows"], shown["width"], len(shown["data"])) == (30, 3, 10)
    assert len(preview(pd.DataFrame([range(500)]))["columns"]) == 20
    assert preview(table["x"])["head"][:2] == [None, 0.5]
    assert preview(pd.Index([1.5], name="k")) == {
        "type": "series",
        "python": "preview",
        "dtype": "float64",
        "length": 1,
        "name": "k",
        "head": [1.5],
    }


def test_images() -> None:
    """Mode, size, and a thumbnail where it fits; a figure isn't drawn for it."""
    shown = preview(Image.new("RGB", (300, 200), "red"))
    assert (shown["mode"], shown["size"]) == ("RGB", [300, 200])
    assert shown["uri"].startswith("data:image/jpeg;base64,")
    assert "uri" not in preview(Image.new("RGB", (300, 200)), 300)
    assert "uri" not in preview(Image.new("L", (20_000, 4_000)))
    assert preview(Image.new("F", (3, 3)))["mode"] == "F"
    assert preview(Figure(figsize=(2, 1)))["inches"] == [2.0, 1.0]


ROOMY = 65_536
"""What a preview node may show."""


class Plotted:
    """An object that draws itself, as those of plotly, altair and graphviz do."""

    def __init__(self, shown: Any) -> None:
        self.shown = shown

    def _repr_mimebundle_(self, include: Any = None, **_: Any) -> Any:
        if isinstance(self.shown, Exception):
            raise self.shown
        return self.shown


def png(width: int, height: int, *, noise: bool = False) -> bytes:
    image = Image.effect_noise((width, height), 99) if noise else Image.new("RGBA", (width, height), "red")
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def picture_in(shown: Any) -> Image.Image:
    head, _, data = shown["uri"].partition(",")
    assert head == "data:image/png;base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))


def test_a_figure_is_drawn_where_there_is_room() -> None:
    """A preview node shows the plot, at most 640 pixels long, and leaves the figure as it was."""
    figure = Figure(figsize=(12, 6), dpi=100)
    figure.subplots().plot(range(9))
    shown = preview(figure, ROOMY)
    assert shown["figure"] is True
    assert shown["size"] == [640, 320]
    assert picture_in(shown).size == (640, 320)
    assert (figure.dpi, tuple(figure.get_size_inches())) == (100, (12, 6))
    assert preview(Figure(figsize=(2, 1), dpi=50), ROOMY)["size"] == [100, 50]


@pytest.mark.parametrize(
    "data", [{"image/png": png(900, 300)}, ({"image/png": base64.b64encode(png(900, 300)).decode()}, {})]
)
def test_an_object_that_draws_itself_is_shown(data: Any) -> None:
    """By IPython's protocol, with bytes or their base64, and smaller where it is too large."""
    shown = preview(Plotted(data), ROOMY)
    assert shown["size"] == [900, 300]
    assert picture_in(shown).size == (640, 213)
    assert "uri" not in preview(Plotted(data))
    assert "uri" not in preview([Plotted(data)], ROOMY)[0]


@pytest.mark.parametrize(
    "shown", [RuntimeError("no browser"), {}, None, {"image/png": b"no image"}, {"image/png": 5}]
)
def test_an_object_that_can_t_draw_itself_is_told(shown: Any) -> None:
    """As any other object."""
    assert "Plotted" in preview(Plotted(shown), ROOMY)["repr"]


def test_a_drawing_keeps_within_the_bounds() -> None:
    """What can't be made small has fewer pixels, or none."""
    shown = preview(Plotted({"image/png": png(640, 640, noise=True)}), ROOMY)
    assert len(to_json(shown)) <= ROOMY
    assert picture_in(shown).width < 640
    assert "uri" not in preview(Plotted({"image/png": png(4_000, 3_000)}), ROOMY)


def test_a_preview_is_not_read_back() -> None:
    """Reading one by mistake is an error, never a value that is only part of the real one."""
    with pytest.raises(ValueCrossingError, match="no reader"):
        decode(preview((1, 2)))


def test_reprs_are_cut() -> None:
    """A repr walks through no large value, and an object's own is cut."""

    class Long:
        def __repr__(self) -> str:
            return "y" * 10_000

    assert len(safe_repr(Long())) < 500
    assert safe_repr([1, {"a": (None,)}]) == "[1, {'a': (None,)}]"
    assert safe_repr(Part("a", 1)) == "Part(name='a', items=1)"
    assert "repr raised SystemExit" in safe_repr(Hostile())


def test_the_fallback_crosses() -> None:
    """What stays of a value that can't cross: its type's name and a bounded text."""

    def generator() -> Iterator[int]:
        yield 1

    json = fallback(generator())
    assert (json["type"], json["python_type"]) == ("unserializable", "generator")
    assert is_marker(json)
    back = decode(json)
    assert back.python_type == "generator"
    assert back.repr.startswith("<generator object")
    assert len(to_json(fallback({"\ud800" * 99: Hostile()}, 500))) < 3_000


def test_a_roomy_preview_of_an_image_can_be_looked_at() -> None:
    """What a preview node shows is larger than the thumbnail of a node's result, and bounded all the same."""
    image = Image.effect_noise((900, 600), 40)
    small, large = (preview([image], limit=limit)[0].get("uri", "") for limit in (4096, 65_536))
    assert len(small) < 4096 < len(large) < 65_536
