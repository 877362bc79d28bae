"""Nodes of ``lib.pillow.draw``: images from nothing, and text on images."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image as PILImage
from PIL import ImageDraw, ImageFont
from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.nodes.fields import IMAGE
from nodetool_jupyter.nodes.pillow_images import check_size, connected, rgb_of
from nodetool_jupyter.values.fields import Color, Font, Image

DEFAULT_FONT = {"type": "font", "name": "DejaVuSans", "source": "system", "url": "", "weight": "regular"}
FONT_FILES = ("ttf", "otf", "ttc")
FAR = 100_000


class DrawNode(BaseNode, prefix="lib.pillow.draw", abstract=True):
    """Base of the family."""


class Background(DrawNode):
    """Make an image of one color."""

    width: int = Field(default=512, ge=1, le=4096)
    height: int = Field(default=512, ge=1, le=4096)
    color: Color = Field(default={"type": "color", "value": "#FFFFFF"})

    def process(self, context: ProcessingContext) -> Image:
        return PILImage.new("RGB", (self.width, self.height), rgb_of(self.color))


class GaussianNoise(DrawNode):
    """Make an image of random colors with a normal distribution; 0 is black and 1 is full color."""

    mean: float = Field(default=0.0)
    stddev: float = Field(default=1.0, description="Standard deviation, 0 or more.")
    width: int = Field(default=512, ge=1, le=1024)
    height: int = Field(default=512, ge=1, le=1024)

    def process(self, context: ProcessingContext) -> Image:
        if not (math.isfinite(self.mean) and 0 <= self.stddev < math.inf):
            raise ValueError(
                f"mean must be a number and stddev at least 0; found {self.mean} and {self.stddev}"
            )
        noise = np.random.default_rng().normal(self.mean, self.stddev, (self.height, self.width, 3))
        return PILImage.fromarray((np.clip(noise, 0, 1) * 255).astype(np.uint8))


class RenderText(DrawNode):
    """Write a text on an image, from the point (x, y) down and to the right."""

    text: str = Field(default="", description="May have several lines.")
    font: Font = Field(default=DEFAULT_FONT, description="A font that is installed here, by its file's name.")
    x: int = Field(default=0)
    y: int = Field(default=0)
    size: int = Field(default=12, ge=1, le=512, description="Of the font, in pixels.")
    color: Color = Field(default={"type": "color", "value": "#000000"})
    align: Literal["left", "center", "right"] = Field(
        default="left", description="Of lines with one another."
    )
    image: Image = Field(default=IMAGE, description="The image to write on.")

    def process(self, context: ProcessingContext) -> Image:
        image = connected(self.image)
        canvas = image.convert("RGBA" if image.has_transparency_data else "RGB")
        draw = ImageDraw.Draw(canvas)
        font = find_font(self.font, self.size, context)
        place = (_near(self.x), _near(self.y))
        left, top, right, bottom = draw.textbbox(place, self.text, font=font, align=self.align)
        check_size(math.ceil(right - left), math.ceil(bottom - top))
        draw.text(place, self.text, font=font, fill=rgb_of(self.color), align=self.align)
        return canvas


def _near(coordinate: int) -> int:
    """Far outside of any image is far enough."""
    return max(-FAR, min(FAR, coordinate))


def find_font(font: Mapping[str, Any], size: int, context: ProcessingContext) -> Any:
    """The installed font of that name; if the default one is missing, Pillow's own and a warning."""
    name, weight = str(font.get("name") or DEFAULT_FONT["name"]), str(font.get("weight") or "regular")
    source = font.get("source", "system")
    if source != "system" or Path(name).name != name:
        raise ValueError(f"font {name!r} from {source!r} can't be loaded: name one that is installed here")
    stem = name if weight == "regular" else f"{name}-{weight.title()}"
    for file_name in (stem, *(f"{stem}.{suffix}" for suffix in FONT_FILES)):
        try:
            return ImageFont.truetype(file_name, size)
        except OSError:
            continue
    if stem != DEFAULT_FONT["name"]:
        raise ValueError(f"no font {stem!r} is installed here")
    context.log(f"font {stem!r} is not installed here; the text is written in Pillow's own", "warning")
    return ImageFont.load_default(size)
