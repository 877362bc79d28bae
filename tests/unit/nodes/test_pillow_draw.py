"""lib.pillow.draw and lib.pillow.__init__: images from nothing, text on images, two images made one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFont

from nodetool_jupyter.nodes import pillow_draw, pillow_images
from nodetool_jupyter.nodes.pillow_draw import Background, GaussianNoise, RenderText
from nodetool_jupyter.nodes.pillow_mix import Blend, Composite
from tests.unit.nodes.support import Notes, assert_refused, run_node

WHITE = (255, 255, 255)


def color(value: str) -> dict[str, str]:
    return {"type": "color", "value": value}


def font(name: str, **fields: str) -> dict[str, str]:
    return {"type": "font", "name": name, "source": "system", "url": "", "weight": "regular", **fields}


def write(context: Notes | None = None, **properties: Any) -> Image.Image:
    """Black text on white, unless the properties say otherwise."""
    given = {"image": Image.new("RGB", (120, 60), WHITE), "text": "Hi", "size": 20, **properties}
    result = run_node(RenderText, given, context=context)
    assert isinstance(result, Image.Image)
    return result


def box(image: Image.Image) -> tuple[int, int, int, int]:
    """Where an image isn't white: left, top, right, bottom."""
    found = np.argwhere(np.asarray(image.convert("L")) < 128)
    (top, left), (bottom, right) = found.min(axis=0), found.max(axis=0)
    return int(left), int(top), int(right), int(bottom)


class TestBackground:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            (color("#CCCCCC"), (204, 204, 204)),
            (color("#0af"), (0, 170, 255)),
            (color("tomato"), (255, 99, 71)),
            (color("rgb(1, 2, 3)"), (1, 2, 3)),
            ("#01020380", (1, 2, 3)),
            ((9, 8, 7), (9, 8, 7)),
        ],
    )
    def test_it_has_one_color(self, value: Any, expected: tuple[int, int, int]) -> None:
        """All forms of a color; the image is RGB."""
        image = run_node(Background, {"width": 3, "height": 2, "color": value})
        assert (image.mode, image.size) == ("RGB", (3, 2))
        assert image.getcolors() == [(6, expected)]

    def test_by_default_it_is_white(self) -> None:
        """And 512 pixels wide and high."""
        assert run_node(Background).getcolors() == [(512 * 512, WHITE)]

    @pytest.mark.parametrize(
        ("properties", "expected"),
        [
            ({"color": color("grue")}, "unknown color specifier: 'grue'"),
            ({"color": {"type": "color", "value": None}}, "no color is given; expected one such as #CCCCCC"),
            ({"width": 0}, "greater than or equal to 1"),
            ({"height": 4097}, "less than or equal to 4096"),
        ],
    )
    def test_a_wrong_property_is_told(self, properties: dict[str, Any], expected: str) -> None:
        """No default takes its place."""
        assert_refused(Background, properties, expected)


class TestNoise:
    def test_it_is_distributed_as_asked(self) -> None:
        """Mean and deviation from 0 to 1 become levels from 0 to 255."""
        image = run_node(GaussianNoise, {"mean": 0.5, "stddev": 0.1, "width": 200, "height": 100})
        pixels = np.asarray(image, dtype=float) / 255
        assert (image.mode, image.size) == ("RGB", (200, 100))
        assert pixels.mean() == pytest.approx(0.5, abs=0.02)
        assert pixels.std() == pytest.approx(0.1, abs=0.02)

    def test_without_deviation_it_is_flat(self) -> None:
        """What lies outside of the range is cut."""
        size = {"width": 4, "height": 4}
        assert run_node(GaussianNoise, {"mean": 9.0, "stddev": 0.0, **size}).getcolors() == [(16, WHITE)]

    @pytest.mark.parametrize(
        "properties", [{"stddev": -1.0}, {"mean": float("nan")}, {"stddev": float("inf")}]
    )
    def test_numbers_without_a_meaning_are_refused(self, properties: dict[str, float]) -> None:
        """Before they become an image of nothing."""
        assert_refused(GaussianNoise, properties, "mean must be a number and stddev at least 0")


class TestText:
    def test_it_stands_where_it_should(self) -> None:
        """x and y are the corner on the left and above; the color is black by default."""
        left, top, right, bottom = box(write(x=30, y=10))
        assert 30 <= left <= 34
        assert 10 <= top <= 20
        assert right < 60
        assert bottom < 35

    def test_it_grows_with_the_size(self) -> None:
        """In proportion."""
        small, large = box(write(size=10)), box(write(size=40))
        assert large[2] - large[0] > 3 * (small[2] - small[0])

    def test_its_color_is_used(self) -> None:
        """A pixel in the middle of a letter has it in full."""
        image = write(text="█", color=color("#FF0000"))
        assert (255, 0, 0) in {pixel for _, pixel in image.getcolors(100_000) or []}

    def test_lines_are_aligned(self) -> None:
        """A short second line begins on the left, in the middle or ends on the right."""
        starts = {
            align: box(write(text="wide line\ni", align=align).crop((0, 26, 120, 60)))[0]
            for align in ("left", "center", "right")
        }
        assert starts["left"] < starts["center"] < starts["right"]

    def test_the_image_given_stays_clean(self) -> None:
        """The text is on a copy."""
        image = Image.new("RGB", (50, 50), WHITE)
        write(image=image)
        assert image.getcolors() == [(2500, WHITE)]

    def test_no_text_changes_nothing(self) -> None:
        """Nor does one far outside."""
        for properties in ({"text": ""}, {"x": 10**12, "y": -(10**12)}):
            assert write(**properties).getcolors() == [(120 * 60, WHITE)]

    def test_it_can_be_seen_on_a_transparent_image(self) -> None:
        """What is written on is no longer transparent there."""
        image = write(image=Image.new("RGBA", (60, 40), (0, 0, 0, 0)), color=color("white"))
        assert image.mode == "RGBA"
        assert image.getchannel("A").getextrema() == (0, 255)

    @pytest.mark.parametrize(
        ("properties", "expected"),
        [
            ({"font": font("NoSuchFont")}, "no font 'NoSuchFont' is installed here"),
            ({"font": font("NoSuchFont", weight="bold")}, "no font 'NoSuchFont-Bold' is installed here"),
            ({"font": font("../DejaVuSans.ttf")}, "font '../DejaVuSans.ttf' from 'system' can't be loaded"),
            ({"font": font("/etc/hostname")}, "name one that is installed here"),
            ({"font": font("DejaVuSans", source="url")}, "from 'url' can't be loaded"),
            ({"align": "justify"}, "expected enum(left|center|right)"),
            ({"color": color("grue")}, "unknown color specifier"),
        ],
    )
    def test_a_wrong_property_is_told(self, properties: dict[str, Any], expected: str) -> None:
        """A font is a name and never a path or an address."""
        assert_refused(RenderText, {"image": Image.new("RGB", (9, 9)), "text": "x", **properties}, expected)

    def test_without_an_image_it_says_so(self) -> None:
        """There is nothing to write on."""
        assert_refused(RenderText, {"text": "x"}, "no image is connected")

    def test_a_text_without_end_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Before its pixels are made."""
        monkeypatch.setattr(pillow_images, "MAX_PIXELS", 200_000)
        expected = "pixels is too large; at most 200,000 are allowed"
        given = {"image": Image.new("RGB", (9, 9)), "text": "x" * 500, "size": 500}
        assert_refused(RenderText, given, expected)

    def test_pillow_stands_in_for_a_missing_default(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Not in silence: the node's log says so."""
        monkeypatch.setattr(pillow_draw, "DEFAULT_FONT", font("NoSuchFont"))
        context = Notes()
        assert box(write(context, font=font("NoSuchFont")))
        assert context.lines == [
            "warning: font 'NoSuchFont' is not installed here; the text is written in Pillow's own"
        ]

    def test_a_weight_is_looked_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """As font files are named."""
        asked: list[str] = []
        plain = ImageFont.load_default(20)

        def truetype(name: str, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
            asked.append(name)
            if name != "DejaVuSans-Bold.ttf":
                raise OSError(name)
            return plain

        monkeypatch.setattr(ImageFont, "truetype", truetype)
        write(font=font("DejaVuSans", weight="bold"))
        assert asked == ["DejaVuSans-Bold", "DejaVuSans-Bold.ttf"]


class TestMixing:
    def test_blend_fades(self) -> None:
        """alpha is the share of the second image."""
        first, second = Image.new("RGB", (2, 2), (0, 100, 200)), Image.new("RGB", (2, 2), (100, 100, 100))
        for alpha, expected in ((0.0, (0, 100, 200)), (0.5, (50, 100, 150)), (1.0, (100, 100, 100))):
            image = run_node(Blend, {"image1": first, "image2": second, "alpha": alpha})
            assert image.getcolors() == [(4, expected)]

    def test_blend_fits_the_second_image(self) -> None:
        """The first one gives the size."""
        image = run_node(Blend, {"image1": Image.new("RGB", (8, 4)), "image2": Image.new("L", (30, 30), 255)})
        assert (image.mode, image.size) == ("RGB", (8, 4))

    def test_composite_follows_the_mask(self) -> None:
        """White shows the first image, black the second."""
        mask = Image.new("L", (2, 1))
        mask.putpixel((0, 0), 255)
        given = {
            "image1": Image.new("RGB", (2, 1), "red"),
            "image2": Image.new("RGB", (5, 5), "blue"),
            "mask": mask,
        }
        image = run_node(Composite, given)
        assert [image.getpixel((x, 0)) for x in (0, 1)] == [(255, 0, 0, 255), (0, 0, 255, 255)]

    def test_a_missing_image_is_told(self) -> None:
        """Each of them is needed."""
        for node in (Blend, Composite):
            assert_refused(node, {"image1": Image.new("RGB", (2, 1))}, "no image is connected")
