"""nodetool.image: images cut, sized, put together, loaded and saved."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from nodetool_jupyter.nodes import image as nodes
from tests.unit.nodes.support import assert_refused, inside, run_node

RED, BLUE = (255, 0, 0), (0, 0, 255)


def halves(mode: str = "RGB") -> Image.Image:
    """8 by 4 pixels, the left half red and the right one blue."""
    image = Image.new("RGB", (8, 4), RED)
    image.paste(BLUE, (4, 0, 8, 4))
    return image.convert(mode)


def png(image: Image.Image, kind: str = "PNG") -> bytes:
    content = io.BytesIO()
    image.save(content, kind)
    return content.getvalue()


class TestSizes:
    def test_crop(self) -> None:
        """A part that reaches beyond the image is as large as was asked for."""
        found = run_node(nodes.Crop, {"image": halves(), "left": 3, "top": 1, "right": 5, "bottom": 3})
        assert (found.size, found.getpixel((0, 0)), found.getpixel((1, 0))) == ((2, 2), RED, BLUE)
        found = run_node(nodes.Crop, {"image": halves()})
        assert (found.size, found.getpixel((511, 511))) == ((512, 512), (0, 0, 0))

    def test_resize_and_scale(self) -> None:
        found = run_node(nodes.Resize, {"image": halves(), "width": 16, "height": 2})
        assert (found.size, found.getpixel((0, 0)), found.getpixel((15, 1))) == ((16, 2), RED, BLUE)
        assert run_node(nodes.Scale, {"image": halves(), "scale": 2.5}).size == (20, 10)

    def test_fit_cuts_the_sides(self) -> None:
        """The middle stays: as much red as blue."""
        found = run_node(nodes.Fit, {"image": halves(), "width": 4, "height": 4})
        assert (found.size, found.getpixel((0, 0)), found.getpixel((3, 0))) == ((4, 4), RED, BLUE)

    @pytest.mark.parametrize("node", [nodes.Crop, nodes.Resize, nodes.Scale, nodes.Fit])
    @pytest.mark.parametrize(
        ("mode", "expected"), [("L", "RGB"), ("P", "RGB"), ("LA", "RGBA"), ("RGBA", "RGBA"), ("F", "F")]
    )
    def test_color(self, node: Any, mode: str, expected: str) -> None:
        """Gray images and palettes become RGB, as in NodeTool; what is transparent stays so."""
        assert run_node(node, {"image": Image.new(mode, (2, 2))}).mode == expected

    @pytest.mark.parametrize(
        ("node", "properties", "message"),
        [
            (
                nodes.Crop,
                {"left": 5, "right": 5},
                "right and bottom (5, 512) must lie beyond left and top (5, 0)",
            ),
            (nodes.Resize, {"width": 0}, "an image has at least one pixel; found 0 by 512"),
            (nodes.Resize, {"width": 5000}, "less than or equal to 4096"),
            (nodes.Scale, {"scale": 0.1}, "nothing is left of 8 by 4 pixels times 0.1"),
            (nodes.Fit, {"width": 0}, "greater than or equal to 1"),
        ],
    )
    def test_no_size(self, node: Any, properties: dict[str, Any], message: str) -> None:
        assert_refused(node, {"image": halves(), **properties}, message)

    def test_an_image_can_become_too_large(self) -> None:
        assert_refused(nodes.Scale, {"image": Image.new("1", (2000, 2000)), "scale": 10}, "is too large")

    @pytest.mark.parametrize("node", [nodes.Crop, nodes.Resize, nodes.Scale, nodes.Fit, nodes.GetMetadata])
    def test_an_image_is_needed(self, node: Any) -> None:
        assert_refused(node, {}, "no image is connected")


class TestPaste:
    def test_on_another_image(self) -> None:
        """What hangs over is cut, and the image that was given stays as it was."""
        canvas = halves()
        found = run_node(
            nodes.Paste, {"image": canvas, "paste": Image.new("L", (9, 1), 7), "left": 2, "top": 3}
        )
        assert found.size == (8, 4)
        assert [found.getpixel(point) for point in ((2, 2), (2, 3), (7, 3))] == [RED, (7, 7, 7), (7, 7, 7)]
        assert canvas.getpixel((2, 3)) == RED

    def test_what_is_transparent_is_seen_through(self) -> None:
        clear = Image.new("RGBA", (2, 1), (0, 255, 0, 0))
        clear.putpixel((0, 0), (0, 255, 0, 255))
        found = run_node(nodes.Paste, {"image": halves(), "paste": clear})
        assert [found.getpixel((x, 0)) for x in (0, 1)] == [(0, 255, 0), RED]


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (png(halves("LA")), {"format": "PNG", "mode": "LA", "channels": 2}),
        (png(halves(), "JPEG"), {"format": "JPEG", "mode": "RGB", "channels": 3}),
        (halves("RGBA"), {"format": "Unknown", "mode": "RGBA", "channels": 4}),
    ],
    ids=["png", "jpeg", "made"],
)
def test_metadata(image: Any, expected: dict[str, Any]) -> None:
    assert run_node(nodes.GetMetadata, {"image": image}) == {"width": 8, "height": 4, **expected}


@pytest.mark.parametrize(
    ("batch", "count"),
    [
        (halves(), 1),
        ([halves(), png(halves())], 2),
        (np.zeros((3, 4, 8, 3), np.uint8), 3),
        ({"type": "image", "uri": "", "data": [png(halves()), png(halves())]}, 2),
        ({"type": "image", "uri": "", "data": [*png(halves())]}, 1),
    ],
)
def test_a_batch_as_list(batch: Any, count: int) -> None:
    assert [image.size for image in run_node(nodes.BatchToList, {"batch": batch})] == [(8, 4)] * count


def test_images_of_all_handles() -> None:
    dynamic = {"b": halves(), "a": [halves("L"), halves("RGBA")]}
    assert [image.mode for image in run_node(nodes.ImagesToList, dynamic=dynamic)] == ["RGB", "L", "RGBA"]
    with pytest.raises(ValueError, match="no image is connected"):
        run_node(nodes.ImagesToList, dynamic={"a": None})


class TestFiles:
    @pytest.mark.parametrize("name", ["a.png", "a.JPG", "a.webp", "a.gif", "a.bmp", "a.tiff"])
    def test_there_and_back(self, tmp_path: Path, name: str) -> None:
        context = inside(tmp_path)
        image = halves()
        assert run_node(nodes.SaveImage, {"image": image, "name": name}, context=context) is image
        loaded = run_node(nodes.LoadImageFile, {"path": name}, context=context)
        assert loaded.size == (8, 4)
        assert context.lines == [f"info: saved {tmp_path / name}"]

    def test_jpeg_has_no_transparency(self, tmp_path: Path) -> None:
        """The file lacks it, the log says so, and the image that is passed on has it."""
        context = inside(tmp_path)
        save = {"image": halves("RGBA"), "folder": ".", "filename": "a.jpg"}
        assert run_node(nodes.SaveImageFile, save, context=context).mode == "RGBA"
        assert context.lines[0] == "warning: JPEG has no transparency: it is lost in the file"
        run_node(nodes.SaveImageFile, save, context=context)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jpg", "a_1.jpg"]

    @pytest.mark.parametrize(
        ("image", "name", "message"),
        [
            (halves(), "a.exe", "the name 'a.exe' must end with one of .png"),
            (halves(), "a", "must end with one of"),
            (Image.new("F", (1, 1)), "a.png", "an image of mode F can't be written as PNG"),
        ],
    )
    def test_what_can_not_be_written(self, tmp_path: Path, image: Any, name: str, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            run_node(nodes.SaveImage, {"image": image, "name": name}, context=inside(tmp_path))
        assert not [*tmp_path.iterdir()]

    def test_images_of_a_folder(self, tmp_path: Path) -> None:
        """What only looks like an image is left out with a warning, or refused where it was asked for."""
        (tmp_path / "deep").mkdir()
        for name in ("b.png", "deep/a.jpg"):
            halves().save(tmp_path / name)
        (tmp_path / "c.png").write_bytes(b"no image")
        context = inside(tmp_path)
        found = run_node(
            nodes.LoadImageFolder, {"folder": ".", "include_subdirectories": True}, context=context
        )
        assert [(item["path"], item["image"].size) for item in found] == [
            ("b.png", (8, 4)),
            ("deep/a.jpg", (8, 4)),
        ]
        assert len(context.lines) == 1
        assert context.lines[0].startswith("warning: c.png is left out: 'c.png': the image can't be read")
        with pytest.raises(ValueError, match=r"'c\.png': the image can't be read"):
            run_node(nodes.LoadImageFile, {"path": "c.png"}, context=context)
        (tmp_path / "c.png").unlink()
        assert [item["name"] for item in run_node(nodes.LoadImageAssets, context=context)] == ["b.png"]
