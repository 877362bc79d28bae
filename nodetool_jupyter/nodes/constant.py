"""nodetool.constant: values that a workflow brings with it."""

from __future__ import annotations

import datetime
from pathlib import PurePosixPath
from typing import Any, TypedDict
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.engine.spec import Role
from nodetool_jupyter.nodes import fields
from nodetool_jupyter.nodes.fields import Number, is_set, one_of
from nodetool_jupyter.values import convert


class ConstantNode(BaseNode, prefix="nodetool.constant", abstract=True):
    """Base of the family."""


class Constant(ConstantNode, role=Role.COMMENT):
    """The base of the constants, which workflows may name by mistake: it gives nothing and does not run."""

    async def process(self, context: ProcessingContext) -> fields.Nothing:
        return {}


class Bool(ConstantNode):
    """True or false."""

    value: bool = False

    async def process(self, context: ProcessingContext) -> bool:
        return self.value


class Integer(ConstantNode):
    """A whole number."""

    value: int = 0

    async def process(self, context: ProcessingContext) -> int:
        return self.value


class Float(ConstantNode):
    """A number."""

    value: Number = 0.0

    async def process(self, context: ProcessingContext) -> Number:
        return self.value


class String(ConstantNode):
    """A text."""

    value: str = ""

    async def process(self, context: ProcessingContext) -> str:
        return self.value


class Select(ConstantNode):
    """One of several texts."""

    value: str = ""
    options: list[str] = Field(default=[], description="What there is to choose from; where empty, any text.")
    enum_type_name: str = ""

    async def process(self, context: ProcessingContext) -> str:
        return one_of(self.options, self.value)


class List(ConstantNode):
    """A list."""

    value: list[Any] = []

    async def process(self, context: ProcessingContext) -> list[Any]:
        return self.value


class TextList(ConstantNode):
    """A list of texts."""

    value: list[str] = []

    async def process(self, context: ProcessingContext) -> list[str]:
        return self.value


class Dict(ConstantNode):
    """A dictionary."""

    value: dict[str, Any] = {}

    async def process(self, context: ProcessingContext) -> dict[str, Any]:
        return self.value


class JSON(ConstantNode):
    """A reference to JSON."""

    value: fields.Json = fields.asset("json")

    async def process(self, context: ProcessingContext) -> fields.Json:
        return self.value


class Date(ConstantNode):
    """A date."""

    year: int = Field(default=1900, ge=1, le=9999)
    month: int = Field(default=1, ge=1, le=12)
    day: int = Field(default=1, ge=1, le=31)

    async def process(self, context: ProcessingContext) -> datetime.date:
        return datetime.date(self.year, self.month, self.day)


class DateTime(ConstantNode):
    """A date with a time of day."""

    year: int = Field(default=1900, ge=1, le=9999)
    month: int = Field(default=1, ge=1, le=12)
    day: int = Field(default=1, ge=1, le=31)
    hour: int = Field(default=0, ge=0, le=23)
    minute: int = Field(default=0, ge=0, le=59)
    second: int = Field(default=0, ge=0, le=59)
    millisecond: int = Field(default=0, ge=0, le=999)
    tzinfo: str = Field(default="UTC", description="A time zone, such as Europe/Berlin.")
    utc_offset: int = Field(
        default=0, ge=-720, le=840, description="Minutes; where not 0, it counts instead of tzinfo."
    )

    async def process(self, context: ProcessingContext) -> datetime.datetime:
        return datetime.datetime(
            self.year,
            self.month,
            self.day,
            self.hour,
            self.minute,
            self.second,
            self.millisecond * 1000,
            tzinfo=time_zone(self.tzinfo, self.utc_offset),
        )


class DataFrame(ConstantNode):
    """A table."""

    value: fields.DataFrame = fields.DATAFRAME

    def process(self, context: ProcessingContext) -> fields.DataFrame:
        return convert.to_dataframe(self.value)


class Image(ConstantNode):
    """An image."""

    value: fields.Image = fields.IMAGE

    def process(self, context: ProcessingContext) -> fields.Image:
        return convert.to_image(self.value) if is_set(self.value) else self.value


class ImageList(ConstantNode):
    """A list of images."""

    value: list[fields.Image] = []

    def process(self, context: ProcessingContext) -> list[fields.Image]:
        return [convert.to_image(value) for value in self.value]


class ImageSize(ConstantNode):
    """A width and a height in pixels, together and each for itself."""

    value: fields.ImageSize = fields.IMAGE_SIZE

    class OutputType(TypedDict):
        image_size: fields.ImageSize
        width: int
        height: int

    async def process(self, context: ProcessingContext) -> OutputType:
        return {
            "image_size": self.value,
            "width": self.value.get("width"),
            "height": self.value.get("height"),
        }


class Audio(ConstantNode):
    """A reference to a sound."""

    value: fields.Audio = fields.asset("audio")

    async def process(self, context: ProcessingContext) -> fields.Audio:
        return self.value


class AudioList(ConstantNode):
    """References to sounds."""

    value: list[fields.Audio] = []

    async def process(self, context: ProcessingContext) -> list[fields.Audio]:
        return self.value


class Video(ConstantNode):
    """A reference to a video."""

    value: fields.Video = fields.VIDEO

    async def process(self, context: ProcessingContext) -> fields.Video:
        return self.value


class VideoList(ConstantNode):
    """References to videos."""

    value: list[fields.Video] = []

    async def process(self, context: ProcessingContext) -> list[fields.Video]:
        return self.value


class Document(ConstantNode):
    """A reference to a document."""

    value: fields.Document = fields.asset("document")

    async def process(self, context: ProcessingContext) -> fields.Document:
        return self.value


class Model3D(ConstantNode):
    """A reference to a 3D model; a format that isn't given is the ending of its address."""

    value: fields.Model3D = fields.MODEL_3D

    async def process(self, context: ProcessingContext) -> fields.Model3D:
        ending = PurePosixPath(urlsplit(self.value.get("uri") or "").path).suffix.lstrip(".").lower()
        return {**self.value, "format": self.value.get("format") or ending or None}


class ASRModelConstant(ConstantNode):
    """A speech recognition model."""

    value: fields.ASRModel = fields.ASR_MODEL

    async def process(self, context: ProcessingContext) -> fields.ASRModel:
        return self.value


class EmbeddingModelConstant(ConstantNode):
    """An embedding model."""

    value: fields.EmbeddingModel = fields.EMBEDDING_MODEL

    async def process(self, context: ProcessingContext) -> fields.EmbeddingModel:
        return self.value


class ImageModelConstant(ConstantNode):
    """An image model."""

    value: fields.ImageModel = fields.IMAGE_MODEL

    async def process(self, context: ProcessingContext) -> fields.ImageModel:
        return self.value


class LanguageModelConstant(ConstantNode):
    """A language model."""

    value: fields.LanguageModel = fields.LANGUAGE_MODEL

    async def process(self, context: ProcessingContext) -> fields.LanguageModel:
        return self.value


class TTSModelConstant(ConstantNode):
    """A speech synthesis model."""

    value: fields.TTSModel = fields.TTS_MODEL

    async def process(self, context: ProcessingContext) -> fields.TTSModel:
        return self.value


class VideoModelConstant(ConstantNode):
    """A video model."""

    value: fields.VideoModel = fields.VIDEO_MODEL

    async def process(self, context: ProcessingContext) -> fields.VideoModel:
        return self.value


def time_zone(name: str, offset: int) -> datetime.tzinfo:
    """A fixed offset in minutes, or where it is 0 the zone of that name; ValueError for an unknown one."""
    if offset:
        return datetime.timezone(datetime.timedelta(minutes=offset))
    if name in ("", "UTC"):
        return datetime.UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f"{name[:80]!r} is no time zone that is known here; an example is Europe/Berlin"
        ) from None
