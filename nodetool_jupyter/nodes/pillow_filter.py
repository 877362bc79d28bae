"""Nodes of ``lib.pillow.filter``: effects, borders, edges and channels."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PILImage
from PIL import ImageFilter, ImageOps
from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.nodes.fields import IMAGE
from nodetool_jupyter.nodes.pillow_images import change_colors, check_size, colors
from nodetool_jupyter.values.fields import Image

Numbers = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]
TANGENT = 0.41421356
"""Of 22.5 degrees, where one of the four directions of an edge ends and the next begins."""


class FilterNode(BaseNode, prefix="lib.pillow.filter", abstract=True):
    """Base of the family: one image in, one out."""

    image: Image = Field(default=IMAGE, description="The image to change.")


class Invert(FilterNode):
    """Make the negative of an image."""

    def process(self, context: ProcessingContext) -> Image:
        return change_colors(self.image, ImageOps.invert)


class Solarize(FilterNode):
    """Invert the tones of an image from a threshold on."""

    threshold: int = Field(default=128, ge=0, le=255, description="The darkest tone that is inverted.")

    def process(self, context: ProcessingContext) -> Image:
        return change_colors(self.image, partial(ImageOps.solarize, threshold=self.threshold))


class Posterize(FilterNode):
    """Reduce the number of tones in an image."""

    bits: int = Field(default=4, ge=1, le=8, description="To keep of each color.")

    def process(self, context: ProcessingContext) -> Image:
        return change_colors(self.image, partial(ImageOps.posterize, bits=self.bits))


class Expand(FilterNode):
    """Put a gray border around an image."""

    border: int = Field(default=0, ge=0, le=512, description="Width on each side in pixels.")
    fill: int = Field(default=0, ge=0, le=255, description="Gray of the border; 0 is black, 255 white.")

    def process(self, context: ProcessingContext) -> Image:
        rgb = colors(self.image)
        check_size(rgb.width + 2 * self.border, rgb.height + 2 * self.border)
        return ImageOps.expand(rgb, border=self.border, fill=(self.fill, self.fill, self.fill))


class Blur(FilterNode):
    """Blur an image with a Gaussian filter."""

    radius: int = Field(default=2, ge=0, le=128, description="In pixels.")

    def process(self, context: ProcessingContext) -> Image:
        return change_colors(self.image, lambda rgb: rgb.filter(ImageFilter.GaussianBlur(self.radius)))


class Contour(FilterNode):
    """Draw the contours in an image on white."""

    def process(self, context: ProcessingContext) -> Image:
        return change_colors(self.image, lambda rgb: rgb.filter(ImageFilter.CONTOUR))


class Emboss(FilterNode):
    """Make an image look like a relief."""

    def process(self, context: ProcessingContext) -> Image:
        return change_colors(self.image, lambda rgb: rgb.filter(ImageFilter.EMBOSS))


class FindEdges(FilterNode):
    """Draw the edges in an image on black."""

    def process(self, context: ProcessingContext) -> Image:
        return change_colors(self.image, lambda rgb: rgb.filter(ImageFilter.FIND_EDGES))


class Smooth(FilterNode):
    """Smooth an image with a fixed filter."""

    def process(self, context: ProcessingContext) -> Image:
        return change_colors(self.image, lambda rgb: rgb.filter(ImageFilter.SMOOTH))


class Canny(FilterNode):
    """Find the edges in an image by Canny's method: thin white lines on black."""

    low_threshold: int = Field(default=100, ge=0, le=255, description="Weak edges below it are dropped.")
    high_threshold: int = Field(default=200, ge=0, le=255, description="Edges above it are kept in any case.")

    def process(self, context: ProcessingContext) -> Image:
        low, high = sorted((self.low_threshold, self.high_threshold))
        edges = find_edges(np.asarray(colors(self.image), dtype=np.float32), low, high)
        return PILImage.fromarray((edges * 255).astype(np.uint8)).convert("RGB")


class ConvertToGrayscale(FilterNode):
    """Make an image gray, with one channel."""

    def process(self, context: ProcessingContext) -> Image:
        return colors(self.image).convert("L")


class GetChannel(FilterNode):
    """Take one color channel of an image, as a gray image."""

    channel: Literal["R", "G", "B"] = "R"

    def process(self, context: ProcessingContext) -> Image:
        return colors(self.image).getchannel(self.channel)


def find_edges(rgb: Numbers, low: float, high: float) -> Mask:
    """Canny's edges in an array of height, width and 3: the strong ones, and weak ones joined to them."""
    across, down = _gradients(rgb)
    strength = np.abs(across) + np.abs(down)
    ridges = np.where(_is_ridge(strength, across, down), strength, 0)
    return _joined(ridges > low, ridges > high)


def _gradients(rgb: Numbers) -> tuple[Numbers, Numbers]:
    """Sobel's gradients across and down, at each place those of the channel that changes most."""
    padded = np.pad(rgb, ((1, 1), (1, 1), (0, 0)), mode="edge")
    columns = padded[:-2] + 2 * padded[1:-1] + padded[2:]
    rows = padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]
    across, down = columns[:, 2:] - columns[:, :-2], rows[2:] - rows[:-2]
    most = np.argmax(np.abs(across) + np.abs(down), axis=2)[:, :, None]
    return np.take_along_axis(across, most, 2)[:, :, 0], np.take_along_axis(down, most, 2)[:, :, 0]


def _is_ridge(strength: Numbers, across: Numbers, down: Numbers) -> Mask:
    """Where the gradient is stronger than at both neighbors in its direction."""
    height, width = strength.shape
    padded = np.pad(strength, 1)

    def neighbor(rows: int, columns: int) -> Numbers:
        return padded[1 + rows : 1 + rows + height, 1 + columns : 1 + columns + width]

    level = np.abs(down) <= np.abs(across) * TANGENT
    upright = np.abs(across) <= np.abs(down) * TANGENT
    falling = across * down > 0
    ridge = np.zeros_like(strength, dtype=bool)
    for chosen, (rows, columns) in (
        (level, (0, 1)),
        (upright & ~level, (1, 0)),
        (falling & ~level & ~upright, (1, 1)),
        (~falling & ~level & ~upright, (1, -1)),
    ):
        is_highest = (strength > neighbor(-rows, -columns)) & (strength >= neighbor(rows, columns))
        ridge |= chosen & is_highest
    return ridge


def _joined(weak: Mask, strong: Mask) -> Mask:
    """The strong places and all weak ones that can be reached from them; each is visited once."""
    width = weak.shape[1] + 2
    left = np.pad(weak, 1).ravel()
    reached = np.pad(strong, 1).ravel()
    left &= ~reached
    front = np.flatnonzero(reached)
    around = np.array([-width - 1, -width, -width + 1, -1, 1, width - 1, width, width + 1])
    while front.size:
        near = np.unique(front[:, None] + around)
        front = near[left[near]]
        left[front] = False
        reached[front] = True
    return reached.reshape(-1, width)[1:-1, 1:-1]
