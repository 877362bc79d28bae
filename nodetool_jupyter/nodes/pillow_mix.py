"""Nodes of ``lib.pillow.__init__``, as NodeTool's type strings have it: two images made one."""

from __future__ import annotations

from PIL import Image as PILImage
from PIL import ImageOps
from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.nodes.fields import IMAGE
from nodetool_jupyter.nodes.pillow_images import colors, connected
from nodetool_jupyter.values.fields import Image


class MixNode(BaseNode, prefix="lib.pillow.__init__", abstract=True):
    """Base of the family: the result has the size of the first image, to which the others are fitted."""

    image1: Image = Field(default=IMAGE, description="The first image.")
    image2: Image = Field(default=IMAGE, description="The second image.")


class Blend(MixNode):
    """Fade from one image to another."""

    alpha: float = Field(default=0.5, ge=0.0, le=1.0, description="Share of the second image.")

    def process(self, context: ProcessingContext) -> Image:
        first = colors(self.image1)
        return PILImage.blend(first, fitted(colors(self.image2), first.size), self.alpha)


class Composite(MixNode):
    """Show one image where a mask is white, and another where it is black."""

    mask: Image = Field(default=IMAGE, description="Its brightness says how much of the first image is seen.")

    def process(self, context: ProcessingContext) -> Image:
        first, second = (connected(image).convert("RGBA") for image in (self.image1, self.image2))
        mask = fitted(colors(self.mask).convert("L"), first.size)
        return PILImage.composite(first, fitted(second, first.size), mask)


def fitted(image: PILImage.Image, size: tuple[int, int]) -> PILImage.Image:
    """The image in another size, cut to its proportions."""
    return image if image.size == size else ImageOps.fit(image, size)
