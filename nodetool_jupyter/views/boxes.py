"""The parts of a layout, and the distances between them, in pixels."""

from __future__ import annotations

from dataclasses import dataclass

BOX_HEIGHT = 30
COLUMN_GAP = 40
ROW_GAP = 14
PITCH = BOX_HEIGHT + ROW_GAP

Point = tuple[float, float]


@dataclass(slots=True)
class Box:
    """A node's place; ``x`` and ``y`` are its upper left corner. One without an id is where a line bends."""

    id: str
    width: float
    x: float = 0.0
    y: float = 0.0
    height: float = BOX_HEIGHT

    @property
    def middle(self) -> float:
        return self.y + self.height / 2
