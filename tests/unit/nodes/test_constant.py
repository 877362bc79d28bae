"""nodetool.constant and nodetool.compare: values that a workflow brings with it."""

from __future__ import annotations

import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
from PIL import Image

from nodetool_jupyter.nodes import compare, constant, fields
from tests.unit.nodes.support import Node, Notes, assert_refused, cases, run_node

DAY = {"year": 2024, "month": 2, "day": 29}
BERLIN = datetime.datetime(2024, 2, 29, 13, 5, 7, 250_000, tzinfo=ZoneInfo("Europe/Berlin"))


@cases(
    (constant.Bool, {"value": True}, True),
    (constant.Integer, {"value": 2.0}, 2),
    (constant.Float, {"value": 2}, 2),
    (constant.Float, {"value": 2.5}, 2.5),
    (constant.String, {"value": "a"}, "a"),
    (constant.Select, {"value": "a", "options": ["a"]}, "a"),
    (constant.Select, {}, ""),
    (constant.List, {"value": [1, "a", [None]]}, [1, "a", [None]]),
    (constant.TextList, {"value": ["a"]}, ["a"]),
    (constant.Dict, {"value": {"a": 1}}, {"a": 1}),
    (constant.JSON, {}, fields.asset("json")),
    (constant.Date, DAY, datetime.date(2024, 2, 29)),
    (constant.DateTime, DAY, datetime.datetime(2024, 2, 29, tzinfo=datetime.UTC)),
    (
        constant.DateTime,
        {**DAY, "hour": 13, "minute": 5, "second": 7, "millisecond": 250, "tzinfo": "Europe/Berlin"},
        BERLIN,
    ),
    (
        constant.DateTime,
        {**DAY, "hour": 1, "utc_offset": 60},
        datetime.datetime(2024, 2, 29, tzinfo=datetime.UTC),
    ),
    (constant.Image, {}, fields.IMAGE),
    (constant.ImageList, {}, []),
    (constant.Audio, {}, fields.asset("audio")),
    (constant.AudioList, {}, []),
    (constant.Video, {}, fields.VIDEO),
    (constant.VideoList, {}, []),
    (constant.Document, {}, fields.asset("document")),
    (constant.Model3D, {}, fields.MODEL_3D),
    (constant.ASRModelConstant, {}, fields.ASR_MODEL),
    (constant.EmbeddingModelConstant, {}, fields.EMBEDDING_MODEL),
    (constant.ImageModelConstant, {}, fields.IMAGE_MODEL),
    (constant.LanguageModelConstant, {}, fields.LANGUAGE_MODEL),
    (constant.TTSModelConstant, {}, fields.TTS_MODEL),
    (constant.VideoModelConstant, {}, fields.VIDEO_MODEL),
)
def test_values(node: Node, properties: dict[str, Any], expected: Any) -> None:
    """A constant gives its value, of its type."""
    result = run_node(node, properties)
    assert (type(result), result) == (type(expected), expected)


def test_image_size() -> None:
    """Width and height come for themselves too."""
    size = {"type": "image_size", "width": 3, "height": 2}
    assert run_node(constant.ImageSize, {"value": size}) == {"image_size": size, "width": 3, "height": 2}


def test_model_3d_format() -> None:
    """A format that isn't given is read from the address; one that is given counts."""
    value = {**fields.MODEL_3D, "uri": "http://host/a/chair.GLB?v=1"}
    assert run_node(constant.Model3D, {"value": value})["format"] == "glb"
    assert run_node(constant.Model3D, {"value": {**value, "format": "obj"}})["format"] == "obj"


def test_tables_and_images() -> None:
    """Rows in NodeTool's form become a table; an image stays what it is."""
    rows = {"type": "dataframe", "columns": [{"name": "a"}], "data": [[1]]}
    pd.testing.assert_frame_equal(run_node(constant.DataFrame, {"value": rows}), pd.DataFrame({"a": [1]}))
    image = Image.new("L", (1, 1))
    assert run_node(constant.Image, {"value": image}) is image
    assert run_node(constant.ImageList, {"value": [image]}) == [image]


def test_compare_images() -> None:
    """Both images are shown, each under its label."""
    notes, images = Notes(), [Image.new("L", (1, 1)), Image.new("L", (2, 2))]
    properties = {"image_a": images[0], "image_b": images[1], "label_a": "before", "label_b": "after"}
    assert run_node(compare.CompareImages, properties, context=notes) is None
    assert notes.shown == [{"before": images[0], "after": images[1]}]


@cases(
    (constant.Integer, {"value": "5"}, "expected int, found str '5'"),
    (constant.Bool, {"value": 1}, "expected bool, found int 1"),
    (constant.Select, {"value": "c", "options": ["a"]}, "expected one of 'a', found 'c'"),
    (constant.Date, {"year": 2023, "month": 2, "day": 29}, "day is out of range for month"),
    (constant.Date, {"month": 13}, "less than or equal to 12"),
    (constant.DateTime, {"tzinfo": "Mars/Olympus"}, "'Mars/Olympus' is no time zone"),
    (constant.DateTime, {"tzinfo": "../../etc/passwd"}, "is no time zone"),
    (constant.Audio, {"value": {"type": "video"}}, "found a dict of type 'video'"),
)
def test_refusals(node: Node, properties: dict[str, Any], expected: str) -> None:
    """A value of another type, or a day that isn't in the calendar, is refused."""
    assert_refused(node, properties, expected)
