"""lib.grid: images in tiles."""

from __future__ import annotations

import pytest
from PIL import Image, ImageChops

from nodetool_jupyter.nodes.grid import CombineImageGrid, SliceImageGrid
from tests.unit.nodes.support import assert_refused, run_node


def gradient(width: int, height: int) -> Image.Image:
    return Image.linear_gradient("L").resize((width, height)).rotate(30)


@pytest.mark.parametrize(
    ("width", "height", "columns", "rows"), [(9, 6, 3, 2), (10, 7, 3, 2), (5, 5, 1, 5), (4, 4, 4, 4)]
)
def test_what_is_cut_can_be_put_together(width: int, height: int, columns: int, rows: int) -> None:
    """No pixel is lost, also where the sizes don't divide."""
    image = gradient(width, height)
    tiles = run_node(SliceImageGrid, {"image": image, "columns": columns, "rows": rows})
    assert len(tiles) == columns * rows
    again = run_node(CombineImageGrid, {"tiles": tiles, "columns": columns})
    assert again.size == image.size
    assert ImageChops.difference(image, again).getbbox() is None


def test_tiles_come_row_by_row() -> None:
    tiles = [Image.new("RGB", (2, 1), color) for color in ("red", "lime", "blue")]
    image = run_node(CombineImageGrid, {"tiles": tiles})
    assert (image.size, image.mode) == ((4, 2), "RGB")
    points = [image.getpixel(point) for point in ((0, 0), (2, 0), (0, 1), (2, 1))]
    assert points == [(255, 0, 0), (0, 255, 0), (0, 0, 255), (0, 0, 0)]


def test_tiles_of_several_kinds() -> None:
    """Colors stay what they are, whatever palettes the tiles have."""
    tiles = [Image.new("RGB", (1, 1), color).quantize() for color in ("red", "blue")]
    image = run_node(CombineImageGrid, {"tiles": [*tiles, Image.new("L", (3, 2), 9)], "columns": 3})
    assert (image.mode, image.size) == ("RGBA", (5, 2))
    assert [image.getpixel((x, 0)) for x in (0, 1, 2)] == [(255, 0, 0, 255), (0, 0, 255, 255), (9, 9, 9, 255)]


def test_what_can_not_be_done() -> None:
    assert_refused(
        SliceImageGrid, {"image": gradient(4, 4), "columns": 5}, "4 by 4 pixels can't be cut into 5 columns"
    )
    assert_refused(
        SliceImageGrid, {"image": gradient(200, 200), "columns": 101, "rows": 100}, "at most 10,000 tiles"
    )
    assert_refused(CombineImageGrid, {}, "there are no tiles to combine")
    assert_refused(
        CombineImageGrid,
        {"tiles": [Image.new("1", (60_000, 1)), Image.new("1", (1, 60_000))], "columns": 2},
        "is too large",
    )
