"""Nodes of ``lib.pillow.color_grading``: what a colorist does to an image.

All computing is on arrays of height, width and 3 colors from 0 to 1; what leaves the range is cut at the end.
"""

from __future__ import annotations

import colorsys
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.nodes.fields import IMAGE
from nodetool_jupyter.nodes.pillow_images import Pixels, change_pixels
from nodetool_jupyter.values.fields import Image

DARKEST = 0.0001
"""The least base of a power, which has no value for what an offset has made negative."""

Numbers = NDArray[np.floating[Any]]


def triple(*values: float) -> Numbers:
    """A number for each of red, green and blue."""
    return np.array(values, dtype=np.float32)


def brightness(pixels: Pixels) -> Numbers:
    """The luminance of Rec. 709, as an array of height, width and 1."""
    gray: Numbers = pixels @ triple(0.2126, 0.7152, 0.0722)[:, None]
    return gray


def saturate(pixels: Pixels, factor: Any) -> Pixels:
    """Colors moved away from gray by a factor."""
    gray = brightness(pixels)
    moved: Pixels = gray + (pixels - gray) * factor
    return moved


def shadows_of(pixels: Pixels, middle: float = 0.5) -> Numbers:
    """How much of a shadow each pixel is: 1 for black, 0 from ``middle`` on."""
    share: Numbers = np.clip((middle - brightness(pixels)) * 2, 0, 1)
    return share


def highlights_of(pixels: Pixels, middle: float = 0.5) -> Numbers:
    """How much of a highlight each pixel is: 0 up to ``middle``, 1 for white."""
    share: Numbers = np.clip((brightness(pixels) - middle) * 2, 0, 1)
    return share


class GradingNode(BaseNode, prefix="lib.pillow.color_grading", abstract=True):
    """Base of the family: one image in, one out. A node only says what happens to the colors."""

    image: Image = Field(default=IMAGE, description="The image to grade.")

    def process(self, context: ProcessingContext) -> Image:
        return change_pixels(self.image, self.grade)

    def grade(self, pixels: Pixels) -> Pixels:
        """The new colors."""
        raise NotImplementedError


class LiftGammaGain(GradingNode):
    """Correct shadows (lift), midtones (gamma) and highlights (gain), by color and all together."""

    lift_r: float = Field(default=0.0, ge=-1.0, le=1.0)
    lift_g: float = Field(default=0.0, ge=-1.0, le=1.0)
    lift_b: float = Field(default=0.0, ge=-1.0, le=1.0)
    lift_master: float = Field(default=0.0, ge=-1.0, le=1.0, description="Added to all colors.")
    gamma_r: float = Field(default=1.0, ge=0.1, le=4.0)
    gamma_g: float = Field(default=1.0, ge=0.1, le=4.0)
    gamma_b: float = Field(default=1.0, ge=0.1, le=4.0)
    gamma_master: float = Field(default=1.0, ge=0.1, le=4.0, description="Above 1 lightens the midtones.")
    gain_r: float = Field(default=1.0, ge=0.0, le=4.0)
    gain_g: float = Field(default=1.0, ge=0.0, le=4.0)
    gain_b: float = Field(default=1.0, ge=0.0, le=4.0)
    gain_master: float = Field(default=1.0, ge=0.0, le=4.0, description="Multiplies all colors.")

    def grade(self, pixels: Pixels) -> Pixels:
        lift = triple(self.lift_r, self.lift_g, self.lift_b) + self.lift_master
        gain = triple(self.gain_r, self.gain_g, self.gain_b) * self.gain_master
        gamma = triple(self.gamma_r, self.gamma_g, self.gamma_b) * self.gamma_master
        corrected: Pixels = np.maximum((pixels + lift) * gain, DARKEST) ** (1 / gamma)
        return corrected


class CDL(GradingNode):
    """Apply a color decision list of the ASC: slope, offset and power for each color, then saturation."""

    slope_r: float = Field(default=1.0, ge=0.0, le=4.0)
    slope_g: float = Field(default=1.0, ge=0.0, le=4.0)
    slope_b: float = Field(default=1.0, ge=0.0, le=4.0)
    offset_r: float = Field(default=0.0, ge=-1.0, le=1.0)
    offset_g: float = Field(default=0.0, ge=-1.0, le=1.0)
    offset_b: float = Field(default=0.0, ge=-1.0, le=1.0)
    power_r: float = Field(default=1.0, ge=0.1, le=4.0)
    power_g: float = Field(default=1.0, ge=0.1, le=4.0)
    power_b: float = Field(default=1.0, ge=0.1, le=4.0)
    saturation: float = Field(default=1.0, ge=0.0, le=4.0, description="1 changes nothing, 0 gives gray.")

    def grade(self, pixels: Pixels) -> Pixels:
        slope = triple(self.slope_r, self.slope_g, self.slope_b)
        offset = triple(self.offset_r, self.offset_g, self.offset_b)
        power = triple(self.power_r, self.power_g, self.power_b)
        return saturate(np.maximum(pixels * slope + offset, DARKEST) ** power, self.saturation)


class ColorBalance(GradingNode):
    """Make an image warmer or cooler, greener or more magenta."""

    temperature: float = Field(default=0.0, ge=-1.0, le=1.0, description="Above 0 warmer, below 0 cooler.")
    tint: float = Field(default=0.0, ge=-1.0, le=1.0, description="Above 0 more magenta, below 0 greener.")

    def grade(self, pixels: Pixels) -> Pixels:
        warmth, tint = 0.3 * self.temperature, 0.3 * self.tint
        return pixels + triple(warmth + tint / 2, -tint, tint / 2 - warmth)


class Exposure(GradingNode):
    """Correct the exposure of an image, as a whole and in ranges of brightness."""

    exposure: float = Field(default=0.0, ge=-5.0, le=5.0, description="In stops; 1 doubles the light.")
    contrast: float = Field(default=0.0, ge=-1.0, le=1.0)
    highlights: float = Field(default=0.0, ge=-1.0, le=1.0, description="Above 0 darkens what is light.")
    shadows: float = Field(default=0.0, ge=-1.0, le=1.0, description="Above 0 lightens what is dark.")
    whites: float = Field(default=0.0, ge=-1.0, le=1.0, description="Moves the lightest tones most.")
    blacks: float = Field(default=0.0, ge=-1.0, le=1.0, description="Moves the darkest tones most.")

    def grade(self, pixels: Pixels) -> Pixels:
        exposed = pixels * 2**self.exposure
        light, dark = highlights_of(exposed), shadows_of(exposed)
        pixels = exposed - light * (self.highlights * 0.5) + dark * (self.shadows * 0.5)
        pixels = pixels * (1 + 0.2 * self.whites)
        pixels = pixels + (1 - pixels) * (0.2 * self.blacks)
        contrasted: Pixels = 0.5 + (pixels - 0.5) * (1 + self.contrast)
        return contrasted


class SaturationVibrance(GradingNode):
    """Change the strength of colors, of all alike (saturation) or of weak ones most (vibrance)."""

    saturation: float = Field(default=0.0, ge=-1.0, le=1.0, description="-1 gives gray, 1 doubles.")
    vibrance: float = Field(default=0.0, ge=-1.0, le=1.0)

    def grade(self, pixels: Pixels) -> Pixels:
        pixels = saturate(pixels, 1 + self.saturation)
        highest, lowest = pixels.max(axis=2, keepdims=True), pixels.min(axis=2, keepdims=True)
        strength = np.where(highest > 0, (highest - lowest) / (np.abs(highest) + 0.001), 0)
        return saturate(pixels, 1 + self.vibrance * (1 - strength))


HUES = {
    "reds": (0.95, 1.05),
    "oranges": (0.02, 0.10),
    "yellows": (0.10, 0.18),
    "greens": (0.18, 0.45),
    "cyans": (0.45, 0.55),
    "blues": (0.55, 0.72),
    "purples": (0.72, 0.83),
    "magentas": (0.83, 0.95),
}
"""Where each range of hues begins and ends, in turns from red; past 1 it goes on at 0."""


class HSLAdjust(GradingNode):
    """Change hue, saturation and brightness of one range of colors."""

    color_range: Literal[
        "all", "reds", "oranges", "yellows", "greens", "cyans", "blues", "purples", "magentas"
    ] = "all"
    hue_shift: float = Field(default=0.0, ge=-1.0, le=1.0, description="In half turns of the color circle.")
    saturation: float = Field(default=0.0, ge=-1.0, le=1.0)
    luminance: float = Field(default=0.0, ge=-1.0, le=1.0)

    def grade(self, pixels: Pixels) -> Pixels:
        hue, saturation, value = to_hsv(pixels)
        share: Any = (
            1.0 if self.color_range == "all" else share_of_range(hue, saturation, HUES[self.color_range])
        )
        return from_hsv(
            (hue + self.hue_shift * 0.5 * share) % 1,
            np.clip(saturation * (1 + self.saturation * share), 0, 1),
            np.clip(value * (1 + self.luminance * share), 0, 1),
        )


def share_of_range(hue: Numbers, saturation: Numbers, bounds: tuple[float, float]) -> Numbers:
    """How much a pixel belongs to a range of hues: 1 in its middle, less towards its ends, 0 for grays."""
    begin, end = bounds
    middle = (begin + end) / 2
    distance = np.abs((hue - middle + 0.5) % 1 - 0.5)
    inside = (distance <= (end - begin) / 2) & (saturation > 0.1)
    return np.where(inside, 1 - distance / ((end - begin) / 2 + 0.01), 0).astype(np.float32)


def to_hsv(pixels: Pixels) -> tuple[Numbers, Numbers, Numbers]:
    """Hue in turns from red, saturation and value, each an array of height and width."""
    red, green, blue = np.moveaxis(pixels, 2, 0)
    value, lowest = pixels.max(axis=2), pixels.min(axis=2)
    span = value - lowest
    safe = np.where(span > 0, span, 1)
    sector = np.select(
        [span == 0, value == red, value == green],
        [0, (green - blue) / safe, 2 + (blue - red) / safe],
        4 + (red - green) / safe,
    )
    saturation = np.where(value > 0, span / np.where(value > 0, value, 1), 0)
    return (sector / 6 % 1).astype(np.float32), saturation.astype(np.float32), value


def from_hsv(hue: Numbers, saturation: Numbers, value: Numbers) -> Pixels:
    """The colors of hue in turns, saturation and value."""
    sector = (np.array([5, 3, 1], dtype=np.float32) + hue[:, :, None] * 6) % 6
    fall = np.clip(np.minimum(sector, 4 - sector), 0, 1)
    pixels: Pixels = value[:, :, None] * (1 - saturation[:, :, None] * fall)
    return pixels


class Curves(GradingNode):
    """Bend the tone curve of an image: its ends, its ranges, and the midtones of each color."""

    black_point: float = Field(default=0.0, ge=0.0, le=0.5, description="What becomes black.")
    white_point: float = Field(default=1.0, ge=0.5, le=1.0, description="What becomes white.")
    shadows: float = Field(default=0.0, ge=-0.5, le=0.5)
    midtones: float = Field(default=0.0, ge=-0.5, le=0.5)
    highlights: float = Field(default=0.0, ge=-0.5, le=0.5)
    red_midtones: float = Field(default=0.0, ge=-0.5, le=0.5)
    green_midtones: float = Field(default=0.0, ge=-0.5, le=0.5)
    blue_midtones: float = Field(default=0.0, ge=-0.5, le=0.5)

    def grade(self, pixels: Pixels) -> Pixels:
        if self.white_point <= self.black_point:
            raise ValueError(f"white_point {self.white_point} must be above black_point {self.black_point}")
        pixels = np.clip((pixels - self.black_point) / (self.white_point - self.black_point), 0, 1)
        pixels = pixels + self.shadows * (1 - pixels) * pixels
        pixels = pixels ** (1 / (1 + self.midtones))
        pixels = pixels + self.highlights * pixels * (1 - pixels)
        midtones = triple(self.red_midtones, self.green_midtones, self.blue_midtones)
        bent: Pixels = np.clip(pixels, DARKEST * (midtones != 0), 1) ** (1 / (1 + midtones))
        return bent


class Vignette(GradingNode):
    """Darken, or lighten, an image towards its edges."""

    amount: float = Field(default=0.5, ge=-1.0, le=1.0, description="Above 0 darkens, below 0 lightens.")
    midpoint: float = Field(
        default=0.5, ge=0.0, le=1.0, description="Where it begins: 0 at the middle, 1 at the edges."
    )
    roundness: float = Field(
        default=0.0, ge=-1.0, le=1.0, description="1 is a circle, 0 an ellipse, -1 a rectangle."
    )
    feather: float = Field(default=0.5, ge=0.0, le=1.0, description="Softness of its edge.")

    def grade(self, pixels: Pixels) -> Pixels:
        height, width = pixels.shape[:2]
        across = np.arange(width, dtype=np.float32)[None, :] * (2 / width) - 1
        down = np.arange(height, dtype=np.float32)[:, None] * (2 / height) - 1
        across = across * (1 + (height / width - 1) * max(self.roundness, 0))
        corner = max(-self.roundness, 0)
        distance = np.hypot(across, down) * (1 - corner) + np.maximum(np.abs(across), np.abs(down)) * corner
        share = np.clip((distance - self.midpoint) / max(self.feather, 0.01), 0, 1)
        darkened: Pixels = pixels * (1 - share * self.amount)[:, :, None]
        return darkened


class Look(NamedTuple):
    """A preset: colors of shadows and highlights, factors of contrast and saturation, fading of black."""

    shadow: tuple[float, float, float]
    highlight: tuple[float, float, float]
    contrast: float
    saturation: float
    fade: float = 0.0


LOOKS = {
    "teal_orange": Look((0.0, 0.5, 0.55), (1.0, 0.78, 0.6), 1.1, 1.1),
    "blockbuster": Look((0.12, 0.24, 0.35), (1.0, 0.9, 0.78), 1.2, 1.0),
    "noir": Look((0.2, 0.2, 0.24), (0.86, 0.86, 0.9), 1.4, 0.3),
    "vintage": Look((0.4, 0.32, 0.24), (1.0, 0.94, 0.78), 0.9, 0.8, 0.15),
    "cold_blue": Look((0.16, 0.24, 0.4), (0.78, 0.86, 1.0), 1.1, 0.9),
    "warm_sunset": Look((0.47, 0.24, 0.16), (1.0, 0.86, 0.7), 1.0, 1.3),
    "matrix": Look((0.0, 0.16, 0.0), (0.6, 1.0, 0.6), 1.3, 0.7),
    "bleach_bypass": Look((0.24, 0.24, 0.27), (0.94, 0.94, 0.98), 1.5, 0.5, 0.05),
    "cross_process": Look((0.0, 0.2, 0.3), (1.0, 0.9, 0.5), 1.2, 1.2),
    "faded_film": Look((0.3, 0.28, 0.26), (0.95, 0.92, 0.88), 0.85, 0.7, 0.2),
}


class FilmLook(GradingNode):
    """Give an image the look of a kind of film."""

    preset: Literal[
        "teal_orange",
        "blockbuster",
        "noir",
        "vintage",
        "cold_blue",
        "warm_sunset",
        "matrix",
        "bleach_bypass",
        "cross_process",
        "faded_film",
    ] = "teal_orange"
    intensity: float = Field(default=1.0, ge=0.0, le=2.0, description="0 changes nothing, 1 is the preset.")

    def grade(self, pixels: Pixels) -> Pixels:
        look = LOOKS[self.preset]
        dark, light = shadows_of(pixels), highlights_of(pixels)
        toned: Pixels = pixels + 0.3 * (
            dark * (triple(*look.shadow) - 0.5) + light * (triple(*look.highlight) - 0.5)
        )
        toned = saturate((toned - 0.5) * look.contrast + 0.5, look.saturation)
        toned = toned * (1 - look.fade) + look.fade * 0.15
        return pixels + (toned - pixels) * self.intensity


class SplitToning(GradingNode):
    """Tint shadows and highlights with a color each."""

    shadow_hue: float = Field(default=200.0, ge=0.0, le=360.0, description="In degrees; 0 red, 120 green.")
    shadow_saturation: float = Field(default=0.3, ge=0.0, le=1.0)
    highlight_hue: float = Field(default=40.0, ge=0.0, le=360.0, description="In degrees.")
    highlight_saturation: float = Field(default=0.3, ge=0.0, le=1.0)
    balance: float = Field(default=0.0, ge=-1.0, le=1.0, description="Above 0 widens both ranges.")

    def grade(self, pixels: Pixels) -> Pixels:
        shift = self.balance * 0.25
        dark, light = shadows_of(pixels, 0.5 + shift), highlights_of(pixels, 0.5 - shift)
        shadow, highlight = (
            (triple(*colorsys.hsv_to_rgb(hue / 360, 1, 1)) - 0.5) * strength
            for hue, strength in (
                (self.shadow_hue, self.shadow_saturation),
                (self.highlight_hue, self.highlight_saturation),
            )
        )
        return pixels + dark * shadow + light * highlight
