"""Pictures of values that can draw themselves, for preview nodes: figures, and IPython's protocol.

It never fails: what can't be drawn, or is too large at its smallest, has no picture.
"""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIDES = (640, 480, 320, 160)
"""Longest sides in pixels, tried in this order."""
COLORS = 128
MAX_PIXELS = 8_000_000
MIMES = ("image/png", "image/jpeg")

Drawn = tuple[str, list[int]]
"""A data URI, and width and height in pixels as they were drawn."""


def draw_figure(figure: Figure, room: int) -> Drawn | None:
    """A matplotlib figure at its own resolution, or coarser, in at most ``room`` characters."""
    try:
        buffer = io.BytesIO()
        longest = max(*figure.get_size_inches(), 0.01)
        figure.savefig(buffer, format="png", dpi=min(figure.dpi, SIDES[0] / longest))
        return _fitted(buffer.getvalue(), room)
    except Exception:  # noqa: BLE001 - artists of a figure may be of any class
        return None


def draw_itself(value: Any, room: int) -> Drawn | None:
    """What an object shows of itself in a notebook, where that is an image (plotly, altair, graphviz, …)."""
    try:
        data = _offered(value)
        return _fitted(data, room) if data else None
    except Exception:  # noqa: BLE001 - the methods are those of any class
        return None


def _offered(value: Any) -> bytes | None:
    kind = type(value)
    if hasattr(kind, "_repr_png_"):
        offered = value._repr_png_()
    elif hasattr(kind, "_repr_mimebundle_"):
        offered = value._repr_mimebundle_(include=MIMES)
    else:
        return None
    if isinstance(offered, tuple):
        offered = offered[0]
    if isinstance(offered, dict):
        offered = next((offered[mime] for mime in MIMES if mime in offered), None)
    return base64.b64decode(offered) if isinstance(offered, str) else offered


def _fitted(data: bytes, room: int) -> Drawn | None:
    """The image with as many pixels as there is room for, of few colors, as plots have."""
    from PIL import Image

    with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as image:
        size = list(image.size)
        if size[0] * size[1] > MAX_PIXELS:
            return None
        flat = Image.new("RGB", image.size, "white")
        whole = image.convert("RGBA")
        flat.paste(whole, mask=whole.getchannel("A"))
    for side in SIDES:
        smaller = flat.copy()
        smaller.thumbnail((side, side))
        buffer = io.BytesIO()
        smaller.quantize(COLORS).save(buffer, "PNG", optimize=True)
        uri = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
        if len(uri) <= room:
            return uri, size
    return None
