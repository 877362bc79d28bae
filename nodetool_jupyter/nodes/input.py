"""nodetool.input: where a job's params come in, by name.

``min`` and ``max`` are what a form offers; as in NodeTool, a param outside of them is taken as it is.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, TypedDict

from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.nodes import fields
from nodetool_jupyter.nodes.fields import Color, DataFrame, Image, Number, is_set, one_of
from nodetool_jupyter.values import convert


class InputNode(BaseNode, prefix="nodetool.input", role="input", abstract=True):
    """Base of the family. ``value`` is what counts where the job has no param of the input's name."""

    name: str = Field(default="", description="The name of the param.")
    description: str = Field(default="", description="What the param is for, for the workflow's users.")


class IntegerInput(InputNode):
    """A whole number."""

    value: int = 0
    min: int = Field(default=0, description="The least that a form offers.")
    max: int = Field(default=99999, description="The most that a form offers.")

    async def process(self, context: ProcessingContext) -> int:
        return self.value


class FloatInput(InputNode):
    """A number."""

    value: Number = 0.0
    min: Number = Field(default=0, description="The least that a form offers.")
    max: Number = Field(default=99999, description="The most that a form offers.")

    async def process(self, context: ProcessingContext) -> Number:
        return self.value


class BooleanInput(InputNode):
    """True or false."""

    value: bool = False

    async def process(self, context: ProcessingContext) -> bool:
        return self.value


class StringInput(InputNode):
    """A text."""

    value: str = ""
    max_length: int = Field(
        default=0, ge=0, le=100_000, description="The longest text that is taken; 0 for any."
    )
    line_mode: str = Field(
        default="single_line", description="single_line or multiline: how a form shows it."
    )

    def accept(self, value: Any) -> Any:
        if self.max_length and len(value) > self.max_length:
            raise ValueError(f"expected at most {self.max_length} characters, found {len(value)}")
        return value

    async def process(self, context: ProcessingContext) -> str:
        return self.value


class SelectInput(InputNode):
    """One of several texts."""

    value: str = ""
    options: list[str] = Field(default=[], description="What there is to choose from; where empty, any text.")
    enum_type_name: str = ""

    def accept(self, value: Any) -> Any:
        return one_of(self.options, value)

    async def process(self, context: ProcessingContext) -> str:
        return self.value


class StringListInput(InputNode):
    """A list of texts."""

    value: list[str] = []

    async def process(self, context: ProcessingContext) -> list[str]:
        return self.value


class TextListInput(StringListInput):
    """A list of texts, which a form shows as paragraphs."""


class FilePathInput(InputNode):
    """The path of a file."""

    value: str = ""

    async def process(self, context: ProcessingContext) -> str:
        return self.value


class FolderPathInput(FilePathInput):
    """The path of a folder."""


class DocumentFileInput(InputNode):
    """The path of a document, which is given on as a reference to it too; the file isn't read here."""

    value: str = Field(default="", description="The path.")

    class OutputType(TypedDict):
        document: fields.Document
        path: str

    async def process(self, context: ProcessingContext) -> OutputType:
        uri = fields.file_uri(Path(self.value)) if self.value else ""
        return {"document": {**fields.asset("document"), "uri": uri}, "path": self.value}


class ColorInput(InputNode):
    """A color."""

    value: Color = {"type": "color", "value": None}

    async def process(self, context: ProcessingContext) -> Color:
        return self.value


class DataframeInput(InputNode):
    """A table."""

    value: DataFrame = fields.DATAFRAME

    def process(self, context: ProcessingContext) -> DataFrame:
        return convert.to_dataframe(self.value)


class ImageInput(InputNode):
    """An image."""

    value: Image = fields.IMAGE

    def process(self, context: ProcessingContext) -> Image:
        return convert.to_image(self.value) if is_set(self.value) else self.value


class ImageListInput(InputNode):
    """A list of images."""

    value: list[Image] = []

    def process(self, context: ProcessingContext) -> list[Image]:
        return [convert.to_image(value) for value in self.value]


class ImageSizeInput(InputNode):
    """A width and a height in pixels."""

    value: fields.ImageSize = fields.IMAGE_SIZE

    async def process(self, context: ProcessingContext) -> fields.ImageSize:
        return self.value


class AudioInput(InputNode):
    """A reference to a sound."""

    value: fields.Audio = fields.asset("audio")

    async def process(self, context: ProcessingContext) -> fields.Audio:
        return self.value


class AudioListInput(InputNode):
    """References to sounds."""

    value: list[fields.Audio] = []

    async def process(self, context: ProcessingContext) -> list[fields.Audio]:
        return self.value


class RealtimeAudioInput(InputNode):
    """A sound as a stream of chunks: one chunk with the data that the value holds."""

    value: fields.Audio = fields.asset("audio")

    class OutputType(TypedDict):
        chunk: fields.Chunk

    async def gen_process(self, context: ProcessingContext) -> AsyncGenerator[OutputType, None]:
        content = self.value.get("data") or ""
        yield {"chunk": {"type": "chunk", "content_type": "audio", "content": content, "done": True}}


class VideoInput(InputNode):
    """A reference to a video."""

    value: fields.Video = fields.VIDEO

    async def process(self, context: ProcessingContext) -> fields.Video:
        return self.value


class VideoListInput(InputNode):
    """References to videos."""

    value: list[fields.Video] = []

    async def process(self, context: ProcessingContext) -> list[fields.Video]:
        return self.value


class DocumentInput(InputNode):
    """A reference to a document."""

    value: fields.Document = fields.asset("document")

    async def process(self, context: ProcessingContext) -> fields.Document:
        return self.value


class AssetFolderInput(InputNode):
    """A reference to a folder of assets."""

    value: fields.Folder = fields.asset("folder")

    async def process(self, context: ProcessingContext) -> fields.Folder:
        return self.value


class Model3DInput(InputNode):
    """A reference to a 3D model."""

    value: fields.Model3D = fields.MODEL_3D

    async def process(self, context: ProcessingContext) -> fields.Model3D:
        return self.value


class ASRModelInput(InputNode):
    """Which speech recognition model to use."""

    value: fields.ASRModel = fields.ASR_MODEL

    async def process(self, context: ProcessingContext) -> fields.ASRModel:
        return self.value


class EmbeddingModelInput(InputNode):
    """Which embedding model to use."""

    value: fields.EmbeddingModel = fields.EMBEDDING_MODEL

    async def process(self, context: ProcessingContext) -> fields.EmbeddingModel:
        return self.value


class HuggingFaceModelInput(InputNode):
    """Which model of Hugging Face to use."""

    value: fields.HuggingFaceModel = fields.HUGGING_FACE_MODEL

    async def process(self, context: ProcessingContext) -> fields.HuggingFaceModel:
        return self.value


class ImageModelInput(InputNode):
    """Which image model to use."""

    value: fields.ImageModel = fields.IMAGE_MODEL

    async def process(self, context: ProcessingContext) -> fields.ImageModel:
        return self.value


class LanguageModelInput(InputNode):
    """Which language model to use."""

    value: fields.LanguageModel = fields.LANGUAGE_MODEL

    async def process(self, context: ProcessingContext) -> fields.LanguageModel:
        return self.value


class TTSModelInput(InputNode):
    """Which speech synthesis model to use."""

    value: fields.TTSModel = fields.TTS_MODEL

    async def process(self, context: ProcessingContext) -> fields.TTSModel:
        return self.value


class VideoModelInput(InputNode):
    """Which video model to use."""

    value: fields.VideoModel = fields.VIDEO_MODEL

    async def process(self, context: ProcessingContext) -> fields.VideoModel:
        return self.value


class MessageInput(InputNode):
    """A chat message."""

    value: fields.Message = fields.MESSAGE

    async def process(self, context: ProcessingContext) -> fields.Message:
        return self.value


class MessageListInput(InputNode):
    """The messages of a chat."""

    value: list[fields.Message] = []

    async def process(self, context: ProcessingContext) -> list[fields.Message]:
        return self.value


class MessageDeconstructor(BaseNode, prefix="nodetool.input"):
    """The parts of a chat message; of several texts, images or sounds in it the last one."""

    value: fields.Message = fields.MESSAGE

    class OutputType(TypedDict):
        id: str
        thread_id: str
        role: str
        text: str
        image: Image
        audio: fields.Audio
        model: fields.LanguageModel

    async def process(self, context: ProcessingContext) -> OutputType:
        message = self.value
        parts = message_parts(message.get("content"))
        model = None
        if message.get("provider") and message.get("model"):
            model = {**fields.LANGUAGE_MODEL, "provider": message["provider"], "id": message["model"]}
        return {
            "id": message.get("id"),
            "thread_id": message.get("thread_id"),
            "role": message.get("role") or "",
            "text": parts.get("text", ""),
            "image": parts.get("image"),
            "audio": parts.get("audio"),
            "model": model,
        }


def message_parts(content: Any) -> dict[str, Any]:
    """The last text, image and sound of a message's content, as far as it has any."""
    if isinstance(content, str):
        return {"text": content}
    parts = {}
    for item in content if isinstance(content, list) else ():
        name = CONTENT.get(str(item.get("type"))) if isinstance(item, dict) else None
        if name is not None:
            parts[name] = item.get(name)
    return parts


CONTENT = {"text": "text", "image_url": "image", "audio": "audio"}
"""Kind of a message's part → the field that holds it."""
