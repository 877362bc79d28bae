"""nodetool.input: params are taken, checked and passed on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from nodetool_jupyter.engine.spec import Role
from nodetool_jupyter.nodes import fields, input  # noqa: A004  # the family's name is NodeTool's
from tests.unit.nodes.support import Node, assert_refused, cases, run_node

MESSAGE = {
    "type": "message",
    "id": "m1",
    "thread_id": "t1",
    "role": "user",
    "content": [
        {"type": "text", "text": "old"},
        {"type": "text", "text": "new"},
        {"type": "image_url", "image": {"type": "image", "uri": "u"}},
        "odd",
    ],
    "provider": "ollama",
    "model": "m",
}


def accepted(node: Node, value: Any, **properties: Any) -> Any:
    """What an input node makes of a job's param."""
    spec = node.spec()
    assert spec.accept is not None
    return spec.accept(properties, spec.inputs["value"].check(value))


@cases(
    (input.IntegerInput, {"value": 7, "max": 5}, 7),
    (input.FloatInput, {"value": 7}, 7),
    (input.FloatInput, {"value": -0.5}, -0.5),
    (input.BooleanInput, {"value": True}, True),
    (input.StringInput, {"value": "a"}, "a"),
    (input.SelectInput, {"value": "a", "options": ["a", "b"]}, "a"),
    (input.StringListInput, {"value": ["a"]}, ["a"]),
    (input.TextListInput, {"value": ["a"]}, ["a"]),
    (input.FilePathInput, {"value": "a/b"}, "a/b"),
    (input.FolderPathInput, {"value": "a"}, "a"),
    (input.ColorInput, {"value": "#ff0000"}, {"type": "color", "value": "#ff0000"}),
    (input.ImageInput, {}, fields.IMAGE),
    (input.ImageListInput, {}, []),
    (input.AudioInput, {"value": b"123"}, {**fields.asset("audio"), "data": b"123"}),
    (input.AudioListInput, {"value": [fields.asset("audio")]}, [fields.asset("audio")]),
    (input.VideoInput, {}, fields.VIDEO),
    (input.VideoListInput, {}, []),
    (input.DocumentInput, {}, fields.asset("document")),
    (input.AssetFolderInput, {}, fields.asset("folder")),
    (input.Model3DInput, {}, fields.MODEL_3D),
    (input.ImageSizeInput, {"value": {"type": "image_size", "width": 2}}, {"type": "image_size", "width": 2}),
    (input.ASRModelInput, {}, fields.ASR_MODEL),
    (input.EmbeddingModelInput, {}, fields.EMBEDDING_MODEL),
    (input.HuggingFaceModelInput, {}, fields.HUGGING_FACE_MODEL),
    (input.ImageModelInput, {}, fields.IMAGE_MODEL),
    (input.LanguageModelInput, {}, fields.LANGUAGE_MODEL),
    (input.TTSModelInput, {}, fields.TTS_MODEL),
    (input.VideoModelInput, {}, fields.VIDEO_MODEL),
    (input.MessageInput, {"value": MESSAGE}, MESSAGE),
    (input.MessageListInput, {"value": [MESSAGE]}, [MESSAGE]),
    (input.DocumentFileInput, {}, {"document": fields.asset("document"), "path": ""}),
)
def test_values(node: Node, properties: dict[str, Any], expected: Any) -> None:
    """An input gives its value on; bounds are a form's matter, as in NodeTool."""
    assert run_node(node, properties) == expected
    assert node.spec().role is Role.INPUT


def test_document_file(tmp_path: Path) -> None:
    """The path is given on as it is, and as an address; nothing is read."""
    path = tmp_path / "a b.pdf"
    result = run_node(input.DocumentFileInput, {"value": str(path)})
    assert (result["path"], result["document"]["uri"]) == (str(path), path.as_uri())


def test_realtime_audio() -> None:
    """The value's data comes as one chunk, the last one."""
    chunk = {"type": "chunk", "content_type": "audio", "content": "abc", "done": True}
    value = {**fields.asset("audio"), "data": "abc"}
    assert run_node(input.RealtimeAudioInput, {"value": value}) == [{"chunk": chunk}]


def test_an_image_in_each_form(tmp_path: Path) -> None:
    """A PIL image and its file's bytes are images; a path is followed when a node needs the image."""
    image = Image.new("RGB", (3, 2))
    path = tmp_path / "i.png"
    image.save(path)
    assert run_node(input.ImageInput, {"value": image}) is image
    assert run_node(input.ImageInput, {"value": path.read_bytes()}).size == (3, 2)
    assert run_node(input.ImageListInput, {"value": [image, path.read_bytes()]})[1].mode == "RGB"
    assert accepted(input.ImageInput, path)["uri"] == path.as_uri()


def test_a_table_in_each_form() -> None:
    """NodeTool's rows and a list of dicts become a DataFrame; nothing becomes an empty one."""
    rows = {"type": "dataframe", "columns": [{"name": "a"}], "data": [[1], [2]]}
    for value in (rows, [{"a": 1}, {"a": 2}]):
        assert run_node(input.DataframeInput, {"value": value}).to_dict("list") == {"a": [1, 2]}
    assert run_node(input.DataframeInput).empty


def test_message_deconstructor() -> None:
    """The last text and image of a message, and which model it names."""
    assert run_node(input.MessageDeconstructor, {"value": MESSAGE}) == {
        "id": "m1",
        "thread_id": "t1",
        "role": "user",
        "text": "new",
        "image": {"type": "image", "uri": "u"},
        "audio": None,
        "model": {**fields.LANGUAGE_MODEL, "provider": "ollama", "id": "m"},
    }
    plain = run_node(input.MessageDeconstructor, {"value": {**MESSAGE, "content": "hi", "model": None}})
    assert (plain["text"], plain["image"], plain["model"]) == ("hi", None, None)
    assert run_node(input.MessageDeconstructor)["text"] == ""


@pytest.mark.parametrize(
    ("node", "value", "properties"),
    [
        (input.StringInput, "abc", {"max_length": 3}),
        (input.StringInput, "abc", {"max_length": 0}),
        (input.SelectInput, "b", {"options": ["a", "b"]}),
        (input.SelectInput, "anything", {"options": []}),
        (input.SelectInput, "", {"options": ["a"]}),
        (input.IntegerInput, -5, {"min": 0}),
    ],
)
def test_params_that_are_taken(node: Node, value: Any, properties: dict[str, Any]) -> None:
    """A param within what the input allows is the value."""
    assert accepted(node, value, **properties) == value


@pytest.mark.parametrize(
    ("node", "value", "properties", "expected"),
    [
        (input.StringInput, "abcd", {"max_length": 3}, "expected at most 3 characters, found 4"),
        (input.SelectInput, "c", {"options": ["a", "b"]}, "expected one of 'a', 'b', found 'c'"),
        (input.IntegerInput, 2.5, {}, "expected int, found float 2.5"),
        (input.IntegerInput, "5", {}, "expected int, found str '5'"),
        (input.FloatInput, True, {}, "expected float, found bool True"),
        (input.BooleanInput, 1, {}, "expected bool, found int 1"),
        (input.StringListInput, "a", {}, "expected list[str], found str 'a'"),
        (
            input.AudioInput,
            "a.mp3",
            {},
            'a dict with "type": "audio", found str \'a.mp3\'; a Path or bytes will do',
        ),
        (input.VideoInput, {"type": "audio"}, {}, "found a dict of type 'audio'"),
        (input.LanguageModelInput, {}, {}, "found a dict without a type"),
        (input.ImageInput, 5, {}, "expected an image, found int"),
        (input.DataframeInput, 5, {}, "expected a dataframe, found int"),
        (input.ColorInput, 5, {}, "expected a color, found int"),
    ],
)
def test_params_that_are_refused(node: Node, value: Any, properties: dict[str, Any], expected: str) -> None:
    """A param of another type, or beyond a limit, is refused; nothing is cut or converted."""
    with pytest.raises(ValueError) as raised:  # noqa: PT011  # the sentence is compared below
        accepted(node, value, **properties)
    assert expected in str(raised.value)


def test_an_image_that_is_none() -> None:
    """Bytes that are no image are refused as soon as they are given."""
    assert_refused(input.ImageInput, {"value": b"no image"}, "the image can't be read")
