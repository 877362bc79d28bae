"""A computed layout is brought into the shape of a page: tall layers in columns, long rows in bands.

Bands are to a graph what lines are to a text: a line that goes on in the next one runs back between the two.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from nodetool_jupyter.views.boxes import COLUMN_GAP, PITCH, Box, Point

TALL = 24
"""Boxes in a layer above which it is set in columns of at most so many."""
LONG = 1_600
"""Pixels of width above which a layout may be set in bands."""
NARROWEST = 1_000
FLAT = 4.0
"""Only what is so many times as wide as it is high: bands of what is high would not be read as rows."""
SHAPE = 2.0
"""Width to height of the whole, about."""
BAND_GAP = 34
TURN = 10
LANES = 6
"""Lines side by side between two bands; more share them."""


def in_columns(layer: Sequence[Box]) -> float:
    """Set the boxes of a tall layer in columns around its middle, in their order; gives its width then, and
    0 for one that is not tall.
    """
    boxes = [box for box in layer if box.id]
    if len(boxes) <= TALL:
        return 0.0
    count = math.ceil(len(boxes) / TALL)
    rows = math.ceil(len(boxes) / count)
    top = sum(box.middle for box in boxes) / len(boxes) - rows * PITCH / 2
    width = max(box.width for box in boxes) + COLUMN_GAP / 2
    for number, box in enumerate(boxes):
        box.x, box.y = box.x + number // rows * width, top + number % rows * PITCH
    for number, bend in enumerate(box for box in layer if not box.id):
        bend.y = top + rows * PITCH + number * PITCH / 2
        bend.width = count * width
    return count * width - COLUMN_GAP / 2


@dataclass(slots=True)
class Bands:
    """Where rows were broken: the band of each box, by its identity, and the room between two bands."""

    band_of: dict[int, int]
    pitch: float
    ends: dict[int, float]
    """Where the boxes of each band end at the right."""
    left: float = -TURN
    top: float = 0.0
    _lanes: dict[int, int] = field(default_factory=dict)

    def way(self, source: Box, target: Box) -> list[Point]:
        """The two points through which a line goes to another band; none within one."""
        band = self.band_of[id(target)]
        if self.band_of[id(source)] >= band:
            return []
        lane = self._lanes[band] = self._lanes.get(band, -1) + 1
        y = self.top + band * self.pitch - BAND_GAP / 2 + (lane % LANES - (LANES - 1) / 2) * 3
        return [(self.ends[self.band_of[id(source)]] + TURN, y), (self.left, y)]

    def move(self, right: float, down: float) -> None:
        """As all boxes are moved."""
        self.left, self.top = self.left + right, self.top + down
        self.ends = {band: end + right for band, end in self.ends.items()}


def in_bands(layers: Sequence[Sequence[Box]]) -> Bands | None:
    """Break rows that are too long for a page; None where they aren't."""
    boxes = [box for layer in layers for box in layer]
    starts = [min(box.x for box in layer) for layer in layers if layer]
    width = max(box.x + box.width for box in boxes) if boxes else 0.0
    top = min((box.y for box in boxes), default=0.0)
    height = max((box.y + box.height for box in boxes), default=0.0) - top
    if width <= max(LONG, FLAT * height):
        return None
    pitch = height + BAND_GAP
    room = max(math.sqrt(SHAPE * width * pitch), NARROWEST)
    firsts = _breaks(starts, width, room)
    band_of = {}
    ends: dict[int, float] = {}
    for box in boxes:
        band = band_of[id(box)] = bisect_right(firsts, box.x) - 1
        box.x, box.y = box.x - firsts[band], box.y - top + band * pitch
        ends[band] = max(ends.get(band, 0.0), box.x + box.width)
    return Bands(band_of, pitch, ends)


def _breaks(starts: Iterable[float], width: float, room: float) -> list[float]:
    """Where bands begin: at a layer, and all of about the same length."""
    room = width / math.ceil(width / room)
    firsts = [0.0]
    for start in sorted(starts):
        if start - firsts[-1] >= room - COLUMN_GAP:
            firsts.append(start)
    return firsts
