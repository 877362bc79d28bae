"""What the nodes of ``lib.pillow`` share: they work on colors, and no image is changed in place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor

MAX_PIXELS = 100_000_000
"""Of an image that is worked on; beyond it, a small file may well be made to fill the memory."""
DEEP = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")
"""Modes whose tones RGB can't hold."""

Pixels = NDArray[np.floating[Any]]


def check_size(width: int, height: int) -> None:
    """Refuse an image of more than MAX_PIXELS."""
    if width * height > MAX_PIXELS:
        raise ValueError(
            f"an image of {width} by {height} pixels is too large; at most {MAX_PIXELS:,} are allowed"
        )


def connected(image: Any) -> Image.Image:
    """The image at an input; an unset one and one that is too large are refused."""
    if isinstance(image, Image.Image):
        check_size(*image.size)
        return image
    raise ValueError("no image is connected")


def in_color(image: Any) -> Image.Image:
    """The image at an input in RGB, or in RGBA where it is transparent; one with more than 8 bits stays."""
    found: Image.Image = connected(image)
    if found.mode in DEEP:
        return found
    return found.convert("RGBA" if found.has_transparency_data else "RGB")


def colors(image: Any) -> Image.Image:
    """A copy of the image at an input, in RGB, without its transparency."""
    return connected(image).convert("RGB")


def change_colors(image: Any, change: Callable[[Image.Image], Image.Image]) -> Image.Image:
    """The image with ``change`` applied to its RGB colors; what is transparent stays so."""
    changed = change(colors(image))
    if image.has_transparency_data:
        changed.putalpha(image.convert("RGBA").getchannel("A"))
    return changed


def change_pixels(image: Any, change: Callable[[Pixels], Pixels]) -> Image.Image:
    """The image with ``change`` applied to its colors as an array of height, width and 3, from 0 to 1."""

    def on_array(rgb: Image.Image) -> Image.Image:
        pixels = change(np.asarray(rgb, dtype=np.float32) / 255)
        return Image.fromarray(np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8))

    return change_colors(image, on_array)


def rgb_of(color: Any) -> tuple[int, int, int]:
    """Red, green and blue of ``#CCCCCC``, ``red``, ``rgb(1, 2, 3)`` and the other forms of CSS."""
    text = color.get("value") if isinstance(color, Mapping) else color
    if not isinstance(text, str) or not text:
        raise ValueError("no color is given; expected one such as #CCCCCC")
    red, green, blue = ImageColor.getrgb(text)[:3]
    return red, green, blue
