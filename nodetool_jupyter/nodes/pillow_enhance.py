"""Nodes of ``lib.pillow.enhance``: sharper, brighter and richer images."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PILImage
from PIL import ImageEnhance, ImageFilter, ImageOps
from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.nodes.fields import IMAGE
from nodetool_jupyter.nodes.pillow_images import change_colors
from nodetool_jupyter.values.fields import Image

LEVELS = 256


class EnhanceNode(BaseNode, prefix="lib.pillow.enhance", abstract=True):
    """Base of the family: one image in, one out."""

    image: Image = Field(default=IMAGE, description="The image to enhance.")


class AutoContrast(EnhanceNode):
    """Stretch an image's tones over the whole range from black to white."""

    cutoff: int = Field(
        default=0, ge=0, le=255, description="Percent of the darkest and of the lightest pixels to ignore."
    )

    def process(self, context: ProcessingContext) -> Image:
        return change_colors(self.image, partial(ImageOps.autocontrast, cutoff=self.cutoff))


class Sharpness(EnhanceNode):
    """Blur or sharpen an image by a factor."""

    factor: float = Field(default=1.0, description="1 changes nothing, 0 blurs, 2 sharpens.")

    def process(self, context: ProcessingContext) -> Image:
        return change_colors(self.image, lambda rgb: ImageEnhance.Sharpness(rgb).enhance(self.factor))


class Equalize(EnhanceNode):
    """Spread an image's tones evenly by equalizing its histogram."""

    def process(self, context: ProcessingContext) -> Image:
        return change_colors(self.image, ImageOps.equalize)


class Contrast(EnhanceNode):
    """Change the difference between light and dark by a factor."""

    factor: float = Field(default=1.0, description="1 changes nothing, 0 gives a gray image.")

    def process(self, context: ProcessingContext) -> Image:
        return change_colors(self.image, lambda rgb: ImageEnhance.Contrast(rgb).enhance(self.factor))


class EdgeEnhance(EnhanceNode):
    """Bring out the edges in an image."""

    def process(self, context: ProcessingContext) -> Image:
        return change_colors(self.image, lambda rgb: rgb.filter(ImageFilter.EDGE_ENHANCE))


class Sharpen(EnhanceNode):
    """Sharpen an image with a fixed filter."""

    def process(self, context: ProcessingContext) -> Image:
        return change_colors(self.image, lambda rgb: rgb.filter(ImageFilter.SHARPEN))


class RankFilter(EnhanceNode):
    """Replace each pixel by the one of a rank among its neighbors; the middle one removes noise."""

    size: int = Field(
        default=3, ge=1, le=512, description="Width of the neighborhood in pixels, an odd number."
    )
    rank: int = Field(default=3, ge=1, le=512, description="Rank from 0, below the square of the size.")

    def process(self, context: ProcessingContext) -> Image:
        if self.size % 2 == 0:
            raise ValueError(f"size must be odd, found {self.size}")
        if self.rank >= self.size**2:
            raise ValueError(f"rank must be below {self.size**2}, the square of size; found {self.rank}")
        return change_colors(self.image, lambda rgb: rgb.filter(ImageFilter.RankFilter(self.size, self.rank)))


class UnsharpMask(EnhanceNode):
    """Sharpen an image by what a blurred copy of it lacks."""

    radius: int = Field(default=2, ge=0, le=512, description="Of the blur, in pixels.")
    percent: int = Field(default=150, ge=0, le=1000, description="Strength.")
    threshold: int = Field(
        default=3, ge=0, le=512, description="Smallest difference in brightness to sharpen."
    )

    def process(self, context: ProcessingContext) -> Image:
        mask = ImageFilter.UnsharpMask(self.radius, self.percent, self.threshold)
        return change_colors(self.image, lambda rgb: rgb.filter(mask))


class Brightness(EnhanceNode):
    """Change the brightness of an image by a factor."""

    factor: float | int = Field(default=1.0, description="1 changes nothing, 0 gives a black image.")

    def process(self, context: ProcessingContext) -> Image:
        return change_colors(self.image, lambda rgb: ImageEnhance.Brightness(rgb).enhance(self.factor))


class Color(EnhanceNode):
    """Change the strength of an image's colors by a factor."""

    factor: float = Field(default=1.0, description="1 changes nothing, 0 gives a gray image.")

    def process(self, context: ProcessingContext) -> Image:
        return change_colors(self.image, lambda rgb: ImageEnhance.Color(rgb).enhance(self.factor))


class Detail(EnhanceNode):
    """Bring out fine detail in an image."""

    def process(self, context: ProcessingContext) -> Image:
        return change_colors(self.image, lambda rgb: rgb.filter(ImageFilter.DETAIL))


class AdaptiveContrast(EnhanceNode):
    """Raise contrast place by place: each tile of a grid has its own histogram equalized, within a limit."""

    clip_limit: float = Field(
        default=2.0, ge=0.0, le=100.0, description="How much contrast may rise; 0 sets no limit."
    )
    grid_size: int = Field(default=8, ge=1, le=64, description="Tiles in each direction.")

    def process(self, context: ProcessingContext) -> Image:
        return change_colors(self.image, self._equalize)

    def _equalize(self, rgb: PILImage.Image) -> PILImage.Image:
        """Only brightness is equalized; the colors stay."""
        bright, blue, red = rgb.convert("YCbCr").split()
        equalized = equalize_tiles(np.asarray(bright), self.grid_size, self.clip_limit)
        return PILImage.merge("YCbCr", (PILImage.fromarray(equalized), blue, red)).convert("RGB")


def equalize_tiles(gray: NDArray[np.uint8], grid: int, clip_limit: float) -> NDArray[np.uint8]:
    """Contrast-limited adaptive histogram equalization of an array of bytes."""
    height, width = gray.shape
    rows, columns = -(-height // grid), -(-width // grid)
    padded = np.pad(gray, ((0, rows * grid - height), (0, columns * grid - width)), mode="symmetric")
    tables = np.empty((grid, grid, LEVELS), dtype=np.float32)
    for row in range(grid):
        for column in range(grid):
            tile = padded[row * rows : (row + 1) * rows, column * columns : (column + 1) * columns]
            tables[row, column] = _tone_table(tile, clip_limit)
    top, bottom, down = _neighbors(height, rows, grid)
    left, right, across = _neighbors(width, columns, grid)
    down, across = down[:, None], across[None, :]
    upper = tables[top[:, None], left, gray] * (1 - across) + tables[top[:, None], right, gray] * across
    lower = tables[bottom[:, None], left, gray] * (1 - across) + tables[bottom[:, None], right, gray] * across
    mixed: NDArray[np.uint8] = np.rint(upper * (1 - down) + lower * down).astype(np.uint8)
    return mixed


def _tone_table(tile: NDArray[np.uint8], clip_limit: float) -> NDArray[np.float32]:
    """The new brightness for each old one: the cumulated histogram, whose peaks are cut and spread."""
    counts = np.bincount(tile.ravel(), minlength=LEVELS).astype(np.float32)
    if clip_limit > 0:
        most = max(clip_limit * tile.size / LEVELS, 1.0)
        cut = np.minimum(counts, most)
        counts = cut + (counts.sum() - cut.sum()) / LEVELS
    table: NDArray[np.float32] = np.cumsum(counts) * ((LEVELS - 1) / tile.size)
    return np.minimum(table, LEVELS - 1)


def _neighbors(
    length: int, tile: int, grid: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """For each position the tiles whose middles are before and after it, and how near the one after is."""
    place = np.arange(length, dtype=np.float32) / tile - 0.5
    before = np.floor(place)
    share = (place - before).astype(np.float32)
    first = np.clip(before, 0, grid - 1).astype(np.intp)
    return first, np.clip(before + 1, 0, grid - 1).astype(np.intp), share
