"""lib.pillow.enhance: each node does to the colors what its name says, and leaves its input alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.nodes import pillow_color_grading, pillow_enhance, pillow_filter, pillow_images
from tests.unit.nodes.support import assert_refused, run_node

enhance = pillow_enhance
PLAIN_NODES: list[type[BaseNode]] = [
    enhance.AutoContrast,
    enhance.Sharpness,
    enhance.Equalize,
    enhance.Contrast,
    enhance.EdgeEnhance,
    enhance.Sharpen,
    enhance.RankFilter,
    enhance.UnsharpMask,
    enhance.Brightness,
    enhance.Color,
    enhance.Detail,
    enhance.AdaptiveContrast,
    pillow_filter.Invert,
    pillow_filter.Blur,
    pillow_filter.FindEdges,
    pillow_color_grading.Exposure,
    pillow_color_grading.FilmLook,
]


def picture(mode: str = "RGB", size: tuple[int, int] = (24, 16)) -> Image.Image:
    """Random pixels, the same at each call."""
    noise = np.random.default_rng(7).integers(0, 256, (size[1], size[0], 4), dtype=np.uint8)
    return Image.fromarray(noise).convert(mode)


def gray(*levels: int) -> Image.Image:
    """A row of gray pixels."""
    return Image.fromarray(np.array([levels], dtype=np.uint8)).convert("RGB")


def levels(image: Image.Image) -> list[int]:
    """The red channel of the first row."""
    return [int(level) for level in np.asarray(image.convert("RGB"))[0, :, 0]]


def apply(node: type[BaseNode], image: Any, **properties: Any) -> Image.Image:
    result = run_node(node, {"image": image, **properties})
    assert isinstance(result, Image.Image)
    return result


class TestEveryNode:
    @pytest.mark.parametrize("node", PLAIN_NODES)
    @pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "CMYK"])
    def test_it_takes_any_image(self, node: type[BaseNode], mode: str) -> None:
        """The size stays; colors come out as RGB."""
        image = picture("RGB").convert(mode)
        before = image.tobytes()
        result = apply(node, image)
        assert result.size == image.size
        assert result.mode == "RGB"
        assert image.tobytes() == before
        assert result is not image

    @pytest.mark.parametrize("node", PLAIN_NODES)
    def test_transparency_stays(self, node: type[BaseNode]) -> None:
        """Only colors are worked on."""
        image = picture("RGBA")
        result = apply(node, image)
        assert result.mode == "RGBA"
        assert result.getchannel("A").tobytes() == image.getchannel("A").tobytes()

    @pytest.mark.parametrize("node", PLAIN_NODES)
    def test_one_pixel_is_enough(self, node: type[BaseNode]) -> None:
        """The smallest image there is."""
        assert apply(node, picture(size=(1, 1))).size == (1, 1)

    @pytest.mark.parametrize("node", PLAIN_NODES)
    def test_without_an_image_it_says_so(self, node: type[BaseNode]) -> None:
        """Nothing stands in for a connection that is missing."""
        assert_refused(node, {}, "no image is connected")

    @pytest.mark.parametrize("node", PLAIN_NODES)
    def test_it_works_beside_the_loop(self, node: type[BaseNode]) -> None:
        """A large image doesn't hold up the other nodes of its job."""
        assert node.spec().shape.blocks

    def test_an_image_that_is_too_large_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Before any copy of it is made."""
        monkeypatch.setattr(pillow_images, "MAX_PIXELS", 100)
        expected = "an image of 24 by 16 pixels is too large; at most 100 are allowed"
        assert_refused(enhance.Equalize, {"image": picture()}, expected)


class TestFactors:
    @pytest.mark.parametrize("node", [enhance.Brightness, enhance.Contrast, enhance.Color, enhance.Sharpness])
    def test_one_changes_nothing(self, node: type[BaseNode]) -> None:
        """It is the default too."""
        image = picture()
        assert apply(node, image, factor=1.0).tobytes() == apply(node, image).tobytes() == image.tobytes()

    def test_brightness_multiplies(self) -> None:
        """0 is black; a factor may be a whole number; white is the end."""
        assert levels(apply(enhance.Brightness, gray(10, 100, 200), factor=2)) == [20, 200, 255]
        assert levels(apply(enhance.Brightness, gray(10, 100), factor=0.5)) == [5, 50]
        assert apply(enhance.Brightness, picture(), factor=0).getcolors() == [(24 * 16, (0, 0, 0))]

    def test_contrast_moves_from_the_mean(self) -> None:
        """0 leaves one gray."""
        assert levels(apply(enhance.Contrast, gray(50, 150), factor=2.0)) == [0, 200]
        assert levels(apply(enhance.Contrast, gray(50, 150), factor=0.0)) == [100, 100]

    def test_color_moves_from_gray(self) -> None:
        """0 leaves grays."""
        pixels = np.asarray(apply(enhance.Color, picture(), factor=0.0))
        assert (pixels[:, :, 0] == pixels[:, :, 1]).all()
        assert (pixels[:, :, 1] == pixels[:, :, 2]).all()
        strong = np.asarray(apply(enhance.Color, Image.new("RGB", (1, 1), (120, 100, 100)), factor=3.0))
        assert strong[0, 0, 0] > 140

    def test_sharpness_smooths_and_sharpens(self) -> None:
        """0 takes from the differences between neighbors, 2 adds to them."""
        spread = {
            factor: roughness(apply(enhance.Sharpness, picture(), factor=factor))
            for factor in (0.0, 1.0, 2.0)
        }
        assert spread[0.0] < spread[1.0] < spread[2.0]


def roughness(image: Image.Image) -> float:
    """The mean difference between neighbors."""
    return float(np.abs(np.diff(np.asarray(image, dtype=np.int16), axis=1)).mean())


class TestTones:
    def test_auto_contrast_uses_the_whole_range(self) -> None:
        """From the darkest to the lightest."""
        assert levels(apply(enhance.AutoContrast, gray(50, 100, 150))) == [0, 127, 255]

    def test_auto_contrast_may_ignore_the_ends(self) -> None:
        """A cutoff in percent of the pixels."""
        found = levels(apply(enhance.AutoContrast, gray(0, *[100, 150] * 49, 255), cutoff=2))
        assert (found[0], found[1], found[2], found[-1]) == (0, 0, 255, 255)

    def test_auto_contrast_leaves_one_color(self) -> None:
        """There is nothing to stretch."""
        assert levels(apply(enhance.AutoContrast, gray(204, 204), cutoff=5)) == [204, 204]

    def test_equalize_spreads_tones(self) -> None:
        """What was close together is apart."""
        found = levels(apply(enhance.Equalize, gray(*range(100, 116)).resize((16, 64))))
        assert max(found) - min(found) > 200

    def test_adaptive_contrast_works_place_by_place(self) -> None:
        """Weak structure shows on a dark side as well as on a light one."""
        stripes = np.tile(np.array([0, 6], dtype=np.uint8), (64, 32))
        stripes = stripes + np.where(np.arange(64) < 32, 40, 200).astype(np.uint8)
        found = np.asarray(apply(enhance.AdaptiveContrast, Image.fromarray(stripes), clip_limit=40.0))[
            :, :, 0
        ]
        for side in (found[:, 4:28], found[:, 36:60]):
            assert roughness(Image.fromarray(side)) > 20

    def test_adaptive_contrast_is_limited(self) -> None:
        """The lower the limit, the less noise comes up; 0 is no limit."""
        rng = np.random.default_rng(3)
        faint = Image.fromarray(rng.integers(100, 110, (64, 64), dtype=np.uint8))
        found = [
            roughness(apply(enhance.AdaptiveContrast, faint, clip_limit=limit, grid_size=2))
            for limit in (1.0, 4.0, 20.0, 0.0)
        ]
        assert roughness(faint) < found[0] < found[1] < found[2] < found[3]

    @pytest.mark.parametrize(("size", "grid"), [((5, 3), 8), ((64, 64), 1), ((100, 7), 64), ((33, 65), 10)])
    def test_adaptive_contrast_takes_any_grid(self, size: tuple[int, int], grid: int) -> None:
        """Tiles may be wider than the image or not go into it."""
        assert apply(enhance.AdaptiveContrast, picture(size=size), grid_size=grid).size == size


class TestFilters:
    @pytest.mark.parametrize(
        "node", [enhance.EdgeEnhance, enhance.Sharpen, enhance.Detail, enhance.UnsharpMask]
    )
    def test_edges_become_stronger(self, node: type[BaseNode]) -> None:
        """A flat image stays as it is, an edge gets darker and lighter sides."""
        flat = Image.new("RGB", (9, 9), (80, 90, 100))
        assert apply(node, flat).tobytes() == flat.tobytes()
        edge = np.full((9, 9), 100, dtype=np.uint8)
        edge[:, 5:] = 150
        found = np.asarray(apply(node, Image.fromarray(edge)))
        assert found.min() < 100
        assert found.max() > 150

    def test_unsharp_mask_has_a_threshold(self) -> None:
        """Small differences are left alone."""
        image = gray(*[100, 102] * 8)
        assert levels(apply(enhance.UnsharpMask, image, threshold=10)) == levels(image)
        assert levels(apply(enhance.UnsharpMask, image, threshold=0)) != levels(image)

    def test_the_middle_rank_removes_noise(self) -> None:
        """One white pixel among black ones goes."""
        image = Image.new("RGB", (9, 9))
        image.putpixel((4, 4), (255, 255, 255))
        assert apply(enhance.RankFilter, image, size=3, rank=4).getcolors() == [(81, (0, 0, 0))]
        assert apply(enhance.RankFilter, image, size=3, rank=8).getpixel((3, 3)) == (255, 255, 255)

    @pytest.mark.parametrize(
        ("properties", "expected"),
        [
            ({"size": 4}, "size must be odd, found 4"),
            ({"size": 3, "rank": 9}, "rank must be below 9, the square of size; found 9"),
            ({"size": 1, "rank": 1}, "rank must be below 1"),
            ({"size": 0}, "greater than or equal to 1"),
            ({"rank": 513}, "less than or equal to 512"),
        ],
    )
    def test_rank_and_size_must_fit(self, properties: dict[str, int], expected: str) -> None:
        """Bounds are checked before the run, what depends on both when it runs."""
        assert_refused(enhance.RankFilter, {"image": picture(), **properties}, expected)
