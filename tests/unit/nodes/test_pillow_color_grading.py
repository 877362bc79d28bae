"""lib.pillow.color_grading: what comes out for colors whose result can be told by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.nodes import pillow_color_grading as grading
from tests.unit.nodes.support import assert_refused, run_node

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)
NEUTRAL: list[type[BaseNode]] = [
    grading.LiftGammaGain,
    grading.CDL,
    grading.ColorBalance,
    grading.Exposure,
    grading.SaturationVibrance,
    grading.HSLAdjust,
    grading.Curves,
]
Color = tuple[int, int, int]


def graded(node: type[BaseNode], color: Color, **properties: Any) -> Color:
    """What becomes of one color."""
    image = run_node(node, {"image": Image.new("RGB", (2, 2), color), **properties})
    assert (image.mode, image.size) == ("RGB", (2, 2))
    red, green, blue = image.getpixel((0, 0))
    return red, green, blue


def all_colors() -> Image.Image:
    """Every hue, and all strengths and levels of it."""
    steps = np.stack(np.meshgrid(*[np.arange(0, 256, 15, dtype=np.uint8)] * 3), axis=-1)
    return Image.fromarray(steps.reshape(-1, 18, 3))


@pytest.mark.parametrize("node", NEUTRAL)
def test_by_default_nothing_changes(node: type[BaseNode]) -> None:
    """Not by one level in any color, also where colors go by hue and back."""
    found = np.asarray(run_node(node, {"image": all_colors()}), dtype=int)
    assert np.abs(found - np.asarray(all_colors(), dtype=int)).max() == 0


@pytest.mark.parametrize(
    ("node", "color", "properties", "expected"),
    [
        (grading.LiftGammaGain, (51, 102, 153), {"gain_master": 0.5}, (26, 51, 76)),
        (grading.LiftGammaGain, (51, 51, 51), {"lift_r": 0.2, "lift_master": 0.2}, (153, 102, 102)),
        (grading.LiftGammaGain, (64, 64, 64), {"gamma_b": 2.0, "gamma_master": 1.0}, (64, 64, 128)),
        (grading.LiftGammaGain, (64, 64, 64), {"lift_master": -1.0}, (0, 0, 0)),
        (grading.CDL, (51, 51, 51), {"slope_r": 2.0, "offset_g": 0.4, "power_b": 2.0}, (102, 153, 10)),
        (grading.CDL, (255, 0, 0), {"saturation": 0.0}, (54, 54, 54)),
        (grading.ColorBalance, (100, 100, 100), {"temperature": 1.0}, (176, 100, 24)),
        (grading.ColorBalance, (100, 100, 100), {"tint": -1.0}, (62, 176, 62)),
        (grading.Exposure, (50, 60, 70), {"exposure": 1.0}, (100, 120, 140)),
        (grading.Exposure, (102, 102, 102), {"contrast": 1.0}, (76, 76, 76)),
        (grading.Exposure, (204, 204, 204), {"highlights": 1.0}, (128, 128, 128)),
        (grading.Exposure, (51, 51, 51), {"shadows": 1.0}, (128, 128, 128)),
        (grading.Exposure, (100, 100, 100), {"whites": 1.0}, (120, 120, 120)),
        (grading.Exposure, (0, 0, 0), {"blacks": 1.0}, (51, 51, 51)),
        (grading.SaturationVibrance, RED, {"saturation": -1.0}, (54, 54, 54)),
        (grading.SaturationVibrance, (100, 100, 100), {"saturation": 1.0, "vibrance": 1.0}, (100, 100, 100)),
        (grading.HSLAdjust, RED, {"hue_shift": 2 / 3}, GREEN),
        (grading.HSLAdjust, BLUE, {"saturation": -1.0}, (255, 255, 255)),
        (grading.HSLAdjust, (100, 50, 50), {"luminance": 1.0}, (200, 100, 100)),
        (grading.HSLAdjust, RED, {"color_range": "reds", "luminance": -1.0}, (0, 0, 0)),
        (grading.HSLAdjust, GREEN, {"color_range": "reds", "luminance": -1.0}, GREEN),
        (grading.HSLAdjust, (120, 118, 118), {"color_range": "reds", "luminance": -1.0}, (120, 118, 118)),
        (grading.Curves, (64, 128, 192), {"black_point": 0.25, "white_point": 0.75}, (0, 128, 255)),
        (grading.Curves, (128, 128, 128), {"red_midtones": -0.5}, (64, 128, 128)),
        (grading.Curves, (128, 128, 128), {"midtones": 0.5}, (161, 161, 161)),
        (grading.Curves, (128, 128, 128), {"shadows": 0.5, "highlights": -0.5}, (129, 129, 129)),
        (grading.FilmLook, (10, 200, 90), {"intensity": 0.0}, (10, 200, 90)),
        (grading.FilmLook, (128, 128, 128), {"preset": "noir"}, (128, 128, 128)),
        (grading.SplitToning, (0, 0, 0), {"shadow_hue": 0.0, "shadow_saturation": 1.0}, (128, 0, 0)),
        (grading.SplitToning, (255, 255, 255), {"highlight_hue": 240.0}, (217, 217, 255)),
        (grading.SplitToning, (128, 128, 128), {}, (128, 128, 128)),
    ],
)
def test_a_color_by_hand(
    node: type[BaseNode], color: Color, properties: dict[str, Any], expected: Color
) -> None:
    """The formula of each control, for a color where it can be computed in the head."""
    assert graded(node, color, **properties) == pytest.approx(expected, abs=1)


def test_vibrance_moves_weak_colors_most() -> None:
    """A strong color has less to gain."""
    weak = graded(grading.SaturationVibrance, (140, 120, 120), vibrance=1.0)
    strong = graded(grading.SaturationVibrance, (140, 20, 20), vibrance=1.0)
    assert weak[0] - weak[1] > 1.5 * 20
    assert strong[0] - strong[1] < 1.3 * 120


@pytest.mark.parametrize("name", grading.HUES)
def test_a_range_of_hues_is_touched_alone(name: str) -> None:
    """Of all hues only those in the range change, most in its middle."""
    hues = np.linspace(0, 1, 360, endpoint=False, dtype=np.float32)[None, :]
    ones = np.ones_like(hues)
    image = Image.fromarray(np.rint(grading.from_hsv(hues, ones, ones) * 255).astype(np.uint8))
    found = np.asarray(run_node(grading.HSLAdjust, {"image": image, "color_range": name, "luminance": -1.0}))
    loss = 255 - found.max(axis=2)[0].astype(int)
    begin, end = grading.HUES[name]
    middle = round((begin + end) / 2 * 360) % 360
    assert loss.argmax() == pytest.approx(middle, abs=2)
    assert loss[(middle + 180) % 360] == 0
    assert (loss > 0).sum() <= (end - begin) * 360 + 3


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 1, width=32), min_size=3, max_size=3))
def test_hue_and_back(color: list[float]) -> None:
    """No color is lost on the way."""
    pixels = np.array([[color]], dtype=np.float32)
    assert np.allclose(grading.from_hsv(*grading.to_hsv(pixels)), pixels, atol=1e-4)


class TestVignette:
    def shade(self, size: tuple[int, int] = (41, 41), **properties: float) -> np.ndarray[Any, Any]:
        image = run_node(grading.Vignette, {"image": Image.new("RGB", size, (200, 200, 200)), **properties})
        return np.asarray(image)[:, :, 0].astype(int)

    def test_edges_are_darkened_and_the_middle_is_not(self) -> None:
        """The corners most."""
        found = self.shade(amount=0.5, midpoint=0.2, feather=1.0)
        assert found[20, 20] == 200
        assert found[0, 0] < found[20, 0] < 200

    def test_a_negative_amount_lightens(self) -> None:
        """Nothing gets darker."""
        found = self.shade(amount=-0.2)
        assert found[0, 0] > 200
        assert found.min() == 200

    def test_roundness_gives_the_shape(self) -> None:
        """On a wide image a circle leaves the sides lighter; a rectangle follows the edges."""
        size = (80, 40)
        ellipse, circle, rectangle = (
            self.shade(size, roundness=value, midpoint=0.9) for value in (0.0, 1.0, -1.0)
        )
        assert circle[20, 2] > ellipse[20, 2]
        assert rectangle[3, 3] > ellipse[3, 3]
        assert len(set(rectangle[5:35, 0])) == 1

    def test_feather_is_the_width_of_its_edge(self) -> None:
        """0 is a hard line."""
        assert len(np.unique(self.shade(feather=0.0))) <= 3
        assert len(np.unique(self.shade(feather=1.0))) > 20


class TestLooks:
    @pytest.mark.parametrize("preset", grading.LOOKS)
    def test_every_preset_has_a_look_of_its_own(self, preset: str) -> None:
        """None gives the picture of another, and none leaves it as it was."""
        image = all_colors()
        looks = {
            name: np.asarray(run_node(grading.FilmLook, {"image": image, "preset": name})).tobytes()
            for name in grading.LOOKS
        }
        mine = looks.pop(preset)
        assert mine not in looks.values()
        assert mine != image.tobytes()

    def test_intensity_goes_beyond_one(self) -> None:
        """2 is twice as far."""
        faint, full, strong = (
            graded(grading.FilmLook, (60, 60, 60), preset="teal_orange", intensity=value)[0]
            for value in (0.5, 1.0, 2.0)
        )
        assert 60 - full == pytest.approx(2 * (60 - faint), abs=2)
        assert 60 - strong == pytest.approx(2 * (60 - full), abs=2)


@pytest.mark.parametrize(
    ("node", "properties", "expected"),
    [
        (
            grading.Curves,
            {"black_point": 0.5, "white_point": 0.5},
            "white_point 0.5 must be above black_point 0.5",
        ),
        (grading.Exposure, {"exposure": 6.0}, "less than or equal to 5"),
        (grading.FilmLook, {"preset": "sepia"}, "expected enum(teal_orange|"),
        (grading.HSLAdjust, {"color_range": "pinks"}, "expected enum(all|reds|"),
        (grading.CDL, {"image": None}, "no image is connected"),
    ],
)
def test_what_is_out_of_bounds_is_told(
    node: type[BaseNode], properties: dict[str, Any], expected: str
) -> None:
    """No default takes its place."""
    assert_refused(node, {"image": Image.new("RGB", (1, 1)), **properties}, expected)
