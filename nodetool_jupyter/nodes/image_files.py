"""nodetool.image: images from files of the workspace, and back to files."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, TypedDict

from PIL import Image as PILImage
from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.nodes import fields, files
from nodetool_jupyter.nodes.pillow_images import connected
from nodetool_jupyter.values import convert
from nodetool_jupyter.values.fields import Image

FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".gif": "GIF",
    ".bmp": "BMP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}


class ImageFileNode(BaseNode, prefix="nodetool.image", abstract=True):
    """Base of the nodes here."""


class LoadImageFile(ImageFileNode):
    """The image in a file of the workspace."""

    path: str = Field(default="", description="Its path, absolute or from the workspace.")

    def process(self, context: ProcessingContext) -> Image:
        return load_image(files.existing_file(context.workspace, self.path))


class LoadImageAssets(ImageFileNode):
    """Give out the images in a folder of the workspace, one by one, with their names."""

    folder: fields.Folder = Field(default=fields.asset("folder"), description="Unset, it is the workspace.")

    class OutputType(TypedDict):
        image: Image
        name: str

    async def gen_process(self, context: ProcessingContext) -> AsyncGenerator[OutputType, None]:
        folder = files.folder_of(context, self.folder)
        for path in await files.listed(folder, endings=tuple(FORMATS)):
            yield {"image": await asyncio.to_thread(load_image, path), "name": path.name}


class LoadImageFolder(ImageFileNode):
    """Give out the images in a folder of the workspace, one by one, with their paths."""

    folder: str = Field(default="", description="Its path; . is the workspace.")
    include_subdirectories: bool = False
    extensions: list[str] = Field(
        default=[".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tiff"],
        description="Endings of the files to load. A file that holds no image is left out, with a warning.",
    )
    pattern: str = Field(default="", description="What names must match, such as photo_*; empty for all.")

    class OutputType(TypedDict):
        image: Image
        path: str

    async def gen_process(self, context: ProcessingContext) -> AsyncGenerator[OutputType, None]:
        endings = tuple(self.extensions)
        async for image, path in files.loaded(
            context, self.folder, load_image, self.pattern, deep=self.include_subdirectories, endings=endings
        ):
            yield {"image": image, "path": path}


class SaveImage(ImageFileNode):
    """Write an image to a file in a folder of the workspace, and pass the image on."""

    image: Image = fields.IMAGE
    folder: fields.Folder = Field(default=fields.asset("folder"), description="Unset, it is the workspace.")
    name: str = Field(
        default="%Y-%m-%d_%H-%M-%S.png", description="Its ending says the format; may hold date codes."
    )

    def process(self, context: ProcessingContext) -> Image:
        path = files.target(context, files.folder_of(context, self.folder), self.name)
        return save_image(context, self.image, path)


class SaveImageFile(ImageFileNode):
    """Write an image to a file in the workspace, and pass the image on."""

    image: Image = fields.IMAGE
    folder: str = Field(default="", description="An existing folder; . is the workspace.")
    filename: str = Field(default="", description="Its ending says the format; may hold date codes.")
    overwrite: bool = Field(default=False, description="Else the new file is numbered where one is there.")

    def process(self, context: ProcessingContext) -> Image:
        path = files.target(context, self.folder, self.filename)
        return save_image(context, self.image, path if self.overwrite else files.free(path))


def load_image(path: Path) -> PILImage.Image:
    """The image in a file; ValueError that names the file where there is none."""
    try:
        return connected(convert.to_image(files.read_bytes(path)))
    except ValueError as error:
        raise ValueError(f"{path.name!r}: {error}") from None


def save_image(context: ProcessingContext, given: Any, path: Path) -> PILImage.Image:
    """Write an image in the format that the name's ending says."""
    image = connected(given)
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        raise ValueError(f"the name {path.name!r} must end with one of {', '.join(FORMATS)}")
    written = image
    if kind == "JPEG" and image.mode not in ("RGB", "L", "CMYK"):
        if image.has_transparency_data:
            context.log("JPEG has no transparency: it is lost in the file", "warning")
        written = image.convert("RGB")
    content = io.BytesIO()
    try:
        written.save(content, kind)
    except (OSError, ValueError) as error:
        raise ValueError(f"an image of mode {image.mode} can't be written as {kind}: {error}") from None
    files.write_bytes(path, content.getvalue())
    context.log(f"saved {path}")
    return image
