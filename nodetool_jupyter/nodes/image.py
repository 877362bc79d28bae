"""nodetool.image: images cut, sized and put together. No image is changed in place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypedDict

from PIL import Image as PILImage
from PIL import ImageOps
from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.model.types import TypeMetadata
from nodetool_jupyter.nodes.fields import IMAGE
from nodetool_jupyter.nodes.image_files import (
    LoadImageAssets,
    LoadImageFile,
    LoadImageFolder,
    SaveImage,
    SaveImageFile,
)
from nodetool_jupyter.nodes.pillow_images import check_size, connected, in_color
from nodetool_jupyter.values import convert
from nodetool_jupyter.values.fields import Image

__all__ = [
    "BatchToList",
    "Crop",
    "Fit",
    "GetMetadata",
    "ImagesToList",
    "LoadImageAssets",
    "LoadImageFile",
    "LoadImageFolder",
    "Paste",
    "Resize",
    "SaveImage",
    "SaveImageFile",
    "Scale",
]

LANCZOS = PILImage.Resampling.LANCZOS
Batch = Annotated[Any, TypeMetadata(type="image")]


class ImageNode(BaseNode, prefix="nodetool.image", abstract=True):
    """Base of the family."""


class OneImageNode(ImageNode, abstract=True):
    """Base of those that are given one image."""

    image: Image = IMAGE


class GetMetadata(OneImageNode):
    """What kind of image it is; the format is ``Unknown`` for an image that was made here."""

    class OutputType(TypedDict):
        format: str
        mode: str
        width: int
        height: int
        channels: int

    def process(self, context: ProcessingContext) -> OutputType:
        image = connected(self.image)
        return {
            "format": image.format or "Unknown",
            "mode": image.mode,
            "width": image.width,
            "height": image.height,
            "channels": len(image.getbands()),
        }


class Crop(OneImageNode):
    """A rectangle of an image; what lies outside of the image is black, or transparent where it can be."""

    left: int = Field(default=0, ge=0, le=4096)
    top: int = Field(default=0, ge=0, le=4096)
    right: int = Field(default=512, ge=0, le=4096)
    bottom: int = Field(default=512, ge=0, le=4096)

    def process(self, context: ProcessingContext) -> Image:
        if self.right <= self.left or self.bottom <= self.top:
            raise ValueError(
                f"right and bottom ({self.right}, {self.bottom}) must lie beyond left and top "
                f"({self.left}, {self.top})"
            )
        return in_color(self.image).crop((self.left, self.top, self.right, self.bottom))


class Resize(OneImageNode):
    """An image in a size of its own, stretched where it has to be."""

    width: int = Field(default=512, ge=0, le=4096)
    height: int = Field(default=512, ge=0, le=4096)

    def process(self, context: ProcessingContext) -> Image:
        if not (self.width and self.height):
            raise ValueError(f"an image has at least one pixel; found {self.width} by {self.height}")
        return in_color(self.image).resize((self.width, self.height), LANCZOS)


class Scale(OneImageNode):
    """An image some times as large."""

    scale: float = Field(default=1.0, ge=0, le=10, description="2 for double the width and height.")

    def process(self, context: ProcessingContext) -> Image:
        image = in_color(self.image)
        width, height = int(image.width * self.scale), int(image.height * self.scale)
        if not (width and height):
            raise ValueError(f"nothing is left of {image.width} by {image.height} pixels times {self.scale}")
        check_size(width, height)
        return image.resize((width, height), LANCZOS)


class Fit(OneImageNode):
    """An image in a size of its own, whose sides or top and bottom are cut rather than stretched."""

    width: int = Field(default=512, ge=1, le=4096)
    height: int = Field(default=512, ge=1, le=4096)

    def process(self, context: ProcessingContext) -> Image:
        return ImageOps.fit(in_color(self.image), (self.width, self.height), LANCZOS)


class Paste(OneImageNode):
    """An image on another one, its upper left corner at a point; seen through where it is transparent."""

    paste: Image = Field(default=IMAGE, description="The image to put on.")
    left: int = Field(default=0, ge=0, le=4096)
    top: int = Field(default=0, ge=0, le=4096)

    def process(self, context: ProcessingContext) -> Image:
        canvas, pasted = in_color(self.image).copy(), connected(self.paste)
        mask = pasted.convert("RGBA").getchannel("A") if pasted.has_transparency_data else None
        canvas.paste(pasted.convert(canvas.mode), (self.left, self.top), mask)
        return canvas


class BatchToList(ImageNode):
    """The images of a batch one after the other; a single image is a batch of one."""

    batch: Batch = IMAGE

    def process(self, context: ProcessingContext) -> list[Image]:
        return [connected(image) for image in images_of(self.batch)]


class ImagesToList(ImageNode, dynamic=True):
    """All images that are connected to this node as one list, in the order of its handles."""

    def process(self, context: ProcessingContext) -> list[Image]:
        return [connected(image) for value in self.dynamic_properties.values() for image in images_of(value)]


def images_of(value: Any) -> list[PILImage.Image]:
    """The images of a value that may hold several: a list, a reference with several contents, an array."""
    if isinstance(value, Mapping) and isinstance(value.get("data"), list):
        parts = value["data"]
        if parts and not isinstance(parts[0], int):
            return [convert.to_image(part) for part in parts]
    if isinstance(value, (list, tuple)) or getattr(value, "ndim", 0) == 4:
        return [convert.to_image(part) for part in value]
    return [convert.to_image(value)]
