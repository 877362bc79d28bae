"""lib.pillow.filter: effects, borders, edges and channels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.nodes import pillow_filter
from nodetool_jupyter.nodes.pillow_filter import Canny, Expand, GetChannel
from tests.unit.nodes.support import assert_refused, run_node


def filtered(node: type[BaseNode], image: Image.Image, **properties: Any) -> Image.Image:
    result = run_node(node, {"image": image, **properties})
    assert isinstance(result, Image.Image)
    return result


def square(inside: int = 255, outside: int = 0) -> Image.Image:
    """A square of 10 pixels in the middle of 30."""
    levels = np.full((30, 30), outside, dtype=np.uint8)
    levels[10:20, 10:20] = inside
    return Image.fromarray(levels)


class TestColors:
    @pytest.mark.parametrize(
        ("node", "properties", "expected"),
        [
            (pillow_filter.Invert, {}, (245, 155, 55)),
            (pillow_filter.Solarize, {}, (10, 100, 55)),
            (pillow_filter.Solarize, {"threshold": 0}, (245, 155, 55)),
            (pillow_filter.Posterize, {"bits": 1}, (0, 0, 128)),
            (pillow_filter.Posterize, {"bits": 8}, (10, 100, 200)),
            (pillow_filter.ConvertToGrayscale, {}, 84),
            (GetChannel, {}, 10),
            (GetChannel, {"channel": "G"}, 100),
            (GetChannel, {"channel": "B"}, 200),
        ],
    )
    def test_each_color_is_changed(
        self, node: type[BaseNode], properties: dict[str, Any], expected: Any
    ) -> None:
        """As its name says; the ones that give one channel give a gray image."""
        image = filtered(node, Image.new("RGB", (2, 2), (10, 100, 200)), **properties)
        assert image.getpixel((1, 1)) == expected
        assert image.mode == ("L" if isinstance(expected, int) else "RGB")

    def test_a_channel_that_is_not_there_is_told(self) -> None:
        """Before the run."""
        assert_refused(GetChannel, {"channel": "A"}, "expected enum(R|G|B), found str 'A'")


class TestShapes:
    def test_expand_adds_a_gray_border(self) -> None:
        """The number is a gray, in all three colors."""
        image = filtered(Expand, Image.new("RGB", (2, 3), "red"), border=4, fill=200)
        assert (image.mode, image.size) == ("RGB", (10, 11))
        assert image.getpixel((3, 3)) == (200, 200, 200)
        assert image.getpixel((4, 4)) == (255, 0, 0)

    def test_expand_by_nothing(self) -> None:
        """By default there is no border."""
        assert filtered(Expand, Image.new("RGB", (2, 3))).size == (2, 3)

    def test_blur_spreads(self) -> None:
        """A radius of 0 changes nothing."""
        image = square().convert("RGB")
        assert filtered(pillow_filter.Blur, image, radius=0).tobytes() == image.tobytes()
        level = filtered(pillow_filter.Blur, image, radius=3).getpixel((9, 15))
        assert isinstance(level, tuple)
        assert 0 < level[0] < 255

    @pytest.mark.parametrize(
        ("node", "flat"),
        [
            (pillow_filter.Contour, 255),
            (pillow_filter.FindEdges, 0),
            (pillow_filter.Emboss, 128),
            (pillow_filter.Smooth, 90),
        ],
    )
    def test_effects_show_where_something_changes(self, node: type[BaseNode], flat: int) -> None:
        """Flat parts get the effect's ground, an edge differs from it."""
        found = np.asarray(filtered(node, square(200, 90)))[:, :, 0]
        assert found[5, 5] == flat
        assert (found[9:12, 9:21] != flat).any()


class TestCanny:
    def edges(self, image: Image.Image, **thresholds: int) -> np.ndarray[Any, Any]:
        result = filtered(Canny, image, **thresholds)
        assert result.mode == "RGB"
        found = np.asarray(result)
        assert set(np.unique(found)) <= {0, 255}
        return found[:, :, 0] > 0

    def test_a_square_has_a_thin_outline(self) -> None:
        """One pixel wide, around, and nothing inside or outside."""
        edges = self.edges(square())
        assert not edges[:9].any()
        assert not edges[12:18, 12:18].any()
        for line in (edges[15], edges[:, 15]):
            assert line.sum() == 2
        assert 30 <= edges.sum() <= 44

    def test_color_is_enough(self) -> None:
        """An edge between two colors of the same brightness is one."""
        image = Image.new("RGB", (30, 30), (200, 0, 0))
        image.paste((0, 102, 0), (15, 0, 30, 30))
        assert self.edges(image)[15].sum() == 1

    def test_slanted_edges_are_found(self) -> None:
        """In both directions."""
        across, down = np.meshgrid(np.arange(40), np.arange(40))
        for inside in (across > down, across + down > 39):
            edges = self.edges(Image.fromarray((inside * 255).astype(np.uint8)))
            assert 38 <= edges.sum() <= 84

    def test_weak_edges_need_a_strong_one(self) -> None:
        """A fading edge is followed from its strong end; one that is weak throughout is dropped."""
        fading = np.zeros((40, 40), dtype=np.uint8)
        fading[:, 20:] = np.linspace(30, 60, 40)[:, None]
        assert self.edges(Image.fromarray(fading)).any(axis=1).all()
        assert not self.edges(square(30, 0)).any()
        assert self.edges(square(30, 0), low_threshold=50, high_threshold=100).any()

    def test_swapped_thresholds_are_put_in_order(self) -> None:
        """The lower one is the low one."""
        image = square(60, 0)
        found = [
            self.edges(image, low_threshold=low, high_threshold=high)
            for low, high in ((100, 200), (200, 100))
        ]
        assert (found[0] == found[1]).all()

    def test_one_color_has_no_edges(self) -> None:
        """Nor has a single pixel."""
        for size in ((20, 20), (1, 1)):
            assert not self.edges(Image.new("RGB", size, "white")).any()
