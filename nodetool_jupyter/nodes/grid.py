"""lib.grid: images cut into tiles, and put together again."""

from __future__ import annotations

from itertools import accumulate, pairwise

from PIL import Image as PILImage
from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.nodes.fields import IMAGE
from nodetool_jupyter.nodes.pillow_images import check_size, connected
from nodetool_jupyter.values.fields import Image

MAX_TILES = 10_000


class GridNode(BaseNode, prefix="lib.grid", abstract=True):
    """Base of the family."""


class SliceImageGrid(GridNode):
    """Cut an image into tiles, which come row by row; all pixels are kept, so some may be a pixel larger."""

    image: Image = IMAGE
    columns: int = Field(default=0, ge=0, description="0 stands for one.")
    rows: int = Field(default=0, ge=0, description="0 stands for one.")

    def process(self, context: ProcessingContext) -> list[Image]:
        image = connected(self.image)
        columns, rows = max(self.columns, 1), max(self.rows, 1)
        if columns > image.width or rows > image.height or columns * rows > MAX_TILES:
            raise ValueError(
                f"an image of {image.width} by {image.height} pixels can't be cut into {columns} columns and "
                f"{rows} rows; at most {MAX_TILES:,} tiles are allowed"
            )
        across = [image.width * number // columns for number in range(columns + 1)]
        down = [image.height * number // rows for number in range(rows + 1)]
        return [
            image.crop((left, top, right, bottom))
            for top, bottom in pairwise(down)
            for left, right in pairwise(across)
        ]


class CombineImageGrid(GridNode):
    """Put tiles together to one image, row by row; a column is as wide as its widest tile, likewise rows."""

    tiles: list[Image] = []
    columns: int = Field(default=0, ge=0, description="0 makes as many as give a square.")

    def process(self, context: ProcessingContext) -> Image:
        tiles = [connected(tile) for tile in self.tiles]
        if not tiles:
            raise ValueError("there are no tiles to combine")
        columns = min(self.columns or _square(len(tiles)), len(tiles))
        rows = [tiles[at : at + columns] for at in range(0, len(tiles), columns)]
        widths = [max(row[number].width for row in rows if number < len(row)) for number in range(columns)]
        heights = [max(tile.height for tile in row) for row in rows]
        across, down = ([0, *accumulate(sizes)] for sizes in (widths, heights))
        check_size(across[-1], down[-1])
        modes = {tile.mode for tile in tiles}
        mode = modes.pop() if len(modes) == 1 and "P" not in modes else "RGBA"
        combined = PILImage.new(mode, (across[-1], down[-1]))
        for number, tile in enumerate(tiles):
            row, column = divmod(number, columns)
            combined.paste(tile.convert(mode), (across[column], down[row]))
        return combined


def _square(count: int) -> int:
    """How many columns ``count`` tiles have in the smallest square that holds them."""
    return next(columns for columns in range(1, count + 1) if columns * columns >= count)
