"""Types of the library's fields that have no Python type of their own.

NodeTool's typed objects are dicts with a known ``type``; here they are checked to be that, and passed on as
they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypedDict

from pydantic import BeforeValidator

from nodetool_jupyter.engine.annotations import describe
from nodetool_jupyter.model.types import TypeMetadata
from nodetool_jupyter.values import convert

_FLOAT = TypeMetadata(type="float")

Number = Annotated[int | float, _FLOAT]
"""A float handle that leaves an int an int, so that 5 is not shown as 5.0."""
Numbers = Annotated[list[int | float], TypeMetadata(type="list", type_args=(_FLOAT,))]
PlainDict = Annotated[dict[str, Any], TypeMetadata(type="dict")]


class Nothing(TypedDict):
    """What a node returns that has no output: an empty dict."""


def typed_object(kind: str) -> BeforeValidator:
    """Checks for a dict whose ``type`` is ``kind``."""

    def check(value: Any) -> Any:
        if _is_typed(value, kind):
            return value
        raise ValueError(_expected(kind, value))

    return BeforeValidator(check)


def asset_object(kind: str) -> BeforeValidator:
    """Likewise; a Path or bytes are made a reference to that file or data."""

    def check(value: Any) -> Any:
        if isinstance(value, Path):
            return {**asset(kind), "uri": file_uri(value)}
        if isinstance(value, bytes):
            return {**asset(kind), "data": value}
        if _is_typed(value, kind):
            return value
        raise ValueError(f"{_expected(kind, value)}; a Path or bytes will do too")

    return BeforeValidator(check)


def _image(value: Any) -> Any:
    if isinstance(value, Path):
        return {**IMAGE, "uri": file_uri(value)}
    return value if _is_typed(value, "image") else convert.to_image(value)


def _dataframe(value: Any) -> Any:
    return value if _is_typed(value, "dataframe") else convert.to_dataframe(value)


def _color(value: Any) -> Any:
    return value if _is_typed(value, "color") else {"type": "color", "value": convert.to_color(value) or None}


def _is_typed(value: Any, kind: str) -> bool:
    return isinstance(value, Mapping) and value.get("type") == kind


def is_set(reference: Any) -> bool:
    """Whether a value is content itself, or a reference that points to some."""
    if not isinstance(reference, Mapping):
        return reference is not None
    return any(reference.get(name) not in (None, "") for name in ("uri", "asset_id", "data", "columns"))


def _expected(kind: str, value: Any) -> str:
    found = describe(value)
    if isinstance(value, Mapping):
        found = (
            f"a dict of type {value['type']!r}"
            if isinstance(value.get("type"), str)
            else "a dict without a type"
        )
    return f'expected {kind}, a dict with "type": "{kind}", found {found}'


def file_uri(path: Path) -> str:
    """The address of a local file, which need not be there."""
    return path.expanduser().absolute().as_uri()


def asset(kind: str, **extra: Any) -> dict[str, Any]:
    """A reference to an asset that points nowhere yet."""
    return {"type": kind, "uri": "", "asset_id": None, "data": None, "metadata": None, **extra}


def text_reference(path: Path, text: str) -> dict[str, Any]:
    """A reference to a text file, which brings the text along."""
    return {**asset("text"), "uri": file_uri(path), "data": text}


def model(kind: str, **extra: Any) -> dict[str, Any]:
    """A reference to no model yet."""
    return {"type": kind, "provider": "empty", "id": "", "name": "", **extra}


def one_of(options: list[str], value: str) -> str:
    """``value``, if it is among the options; an empty one and an empty list of options choose nothing."""
    if value and options and value not in options:
        raise ValueError(f"expected one of {', '.join(map(repr, options[:20]))}, found {value!r}")
    return value


# What a workflow brings along is passed on as it is, and made an image or a table when a node needs one: a
# reference can only be followed while the job runs.
Color = Annotated[Any, TypeMetadata(type="color"), BeforeValidator(_color)]
DataFrame = Annotated[Any, TypeMetadata(type="dataframe"), BeforeValidator(_dataframe)]
Image = Annotated[Any, TypeMetadata(type="image"), BeforeValidator(_image)]

Audio = Annotated[Any, TypeMetadata(type="audio"), asset_object("audio")]
Document = Annotated[Any, TypeMetadata(type="document"), asset_object("document")]
Folder = Annotated[Any, TypeMetadata(type="folder"), asset_object("folder")]
Model3D = Annotated[Any, TypeMetadata(type="model_3d"), asset_object("model_3d")]
Text = Annotated[Any, TypeMetadata(type="text"), asset_object("text")]
Video = Annotated[Any, TypeMetadata(type="video"), asset_object("video")]

ASRModel = Annotated[Any, TypeMetadata(type="asr_model"), typed_object("asr_model")]
EmbeddingModel = Annotated[Any, TypeMetadata(type="embedding_model"), typed_object("embedding_model")]
HuggingFaceModel = Annotated[Any, TypeMetadata(type="hf.model"), typed_object("hf.model")]
ImageModel = Annotated[Any, TypeMetadata(type="image_model"), typed_object("image_model")]
LanguageModel = Annotated[Any, TypeMetadata(type="language_model"), typed_object("language_model")]
TTSModel = Annotated[Any, TypeMetadata(type="tts_model"), typed_object("tts_model")]
VideoModel = Annotated[Any, TypeMetadata(type="video_model"), typed_object("video_model")]

Chunk = Annotated[Any, TypeMetadata(type="chunk"), typed_object("chunk")]
ImageSize = Annotated[Any, TypeMetadata(type="image_size"), typed_object("image_size")]
Json = Annotated[Any, TypeMetadata(type="json"), typed_object("json")]
Message = Annotated[Any, TypeMetadata(type="message"), typed_object("message")]

ASR_MODEL = model("asr_model", path=None)
EMBEDDING_MODEL = model("embedding_model", dimensions=0)
HUGGING_FACE_MODEL = {
    "type": "hf.model",
    "repo_id": "",
    "path": None,
    "variant": None,
    "allow_patterns": None,
    "ignore_patterns": None,
}
IMAGE_MODEL = model("image_model", path=None, supported_tasks=[])
LANGUAGE_MODEL = model("language_model", path=None, supported_tasks=[])
TTS_MODEL = model("tts_model", path=None, voices=[], selected_voice="")
VIDEO_MODEL = model("video_model", path=None, supported_tasks=[])

DATAFRAME = asset("dataframe", columns=None)
IMAGE = asset("image")
MODEL_3D = asset("model_3d", format=None, material_file=None, texture_files=[])
VIDEO = asset("video", duration=None, format=None)
IMAGE_SIZE = {"type": "image_size", "preset": "custom", "width": 1024, "height": 1024}

MESSAGE: dict[str, Any] = {
    "type": "message",
    **dict.fromkeys(("id", "workflow_id", "graph", "thread_id", "tools", "tool_call_id")),
    "role": "",
    **dict.fromkeys(
        (
            "name",
            "content",
            "tool_calls",
            "collections",
            "input_files",
            "created_at",
            "provider",
            "model",
            "agent_mode",
            "help_mode",
            "agent_execution_id",
            "execution_event_type",
            "workflow_target",
            "workflow_message_input_name",
            "workflow_messages_input_name",
        )
    ),
}
