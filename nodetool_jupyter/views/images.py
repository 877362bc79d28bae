"""Images for a view: a PIL image or an encoded one, as a bounded raster picture.

Only bytes that the value itself carries are shown, and only as raster formats: no address from a workflow
ever gets into a page, where opening the notebook would fetch it.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

from nodetool_jupyter.views.markup import TIMES

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_SIDE = 640
MAX_BYTES = 262_144
MAX_PIXELS = 32_000_000
MAX_SOURCE = 32_000_000
_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif", "WEBP": "image/webp"}


@dataclass(frozen=True, slots=True)
class Picture:
    """A raster image of at most MAX_SIDE pixels a side and MAX_BYTES; ``original`` is the size before."""

    mime: str
    data: bytes
    width: int
    height: int
    original: tuple[int, int]

    @property
    def size(self) -> str:
        return f"{self.original[0]} {TIMES} {self.original[1]}"

    @property
    def base64(self) -> str:
        return base64.b64encode(self.data).decode("ascii")

    @property
    def uri(self) -> str:
        return f"data:{self.mime};base64,{self.base64}"


def is_image(value: Any) -> bool:
    """Whether a value is a PIL image or NodeTool's typed dict of one."""
    if isinstance(value, dict):
        return value.get("type") == "image"
    return any(cls.__module__ == "PIL.Image" and cls.__name__ == "Image" for cls in type(value).__mro__)


def original_size(value: Any) -> tuple[int, int] | None:
    """Width and height in pixels, where an image tells them."""
    if not isinstance(value, dict):
        return (value.width, value.height)
    told = value.get("size")
    if isinstance(told, (list, tuple)) and len(told) == 2 and all(isinstance(side, int) for side in told):
        return (told[0], told[1])
    return None


def picture(value: Any) -> Picture | None:
    """The picture of an image, or None if it can't be shown (no pixels in it, too large, broken, no PIL)."""
    try:
        if not isinstance(value, dict):
            return _shrunk(value, value.size)
        data = carried_bytes(value)
        return _from_bytes(data, original_size(value)) if data else None
    except Exception:  # noqa: BLE001 - a broken file raises anything; its view then says what is known of it
        return None


def carried_bytes(value: dict[str, Any]) -> bytes | None:
    """The content that a reference has brought along, None where it lies elsewhere."""
    for field in ("data", "uri"):
        content = value.get(field)
        if isinstance(content, bytes):
            return content
        if isinstance(content, str) and len(content) < MAX_SOURCE:
            if content.startswith("data:"):
                content = content.partition(",")[2]
            elif field == "uri":
                continue
            try:
                return base64.b64decode(content, validate=True)
            except (binascii.Error, ValueError):
                continue
    return None


def _from_bytes(data: bytes, told: tuple[int, int] | None) -> Picture | None:
    from PIL import Image

    with Image.open(BytesIO(data), formats=tuple(_TYPES)) as image:
        width, height = image.size
        if width * height > MAX_PIXELS:
            return None
        if len(data) <= MAX_BYTES and max(width, height) <= MAX_SIDE:
            image.load()
            return Picture(_TYPES[str(image.format)], data, width, height, told or (width, height))
        return _shrunk(image, told or (width, height))


def _shrunk(image: Image, original: tuple[int, int]) -> Picture | None:
    """The image as PNG, made smaller until it is within the bounds."""
    if image.width * image.height > MAX_PIXELS:
        return None
    if image.mode not in ("1", "L", "LA", "P", "RGB", "RGBA"):
        image = image.convert("RGB")
    side = MAX_SIDE
    while side >= 40:
        smaller = image.copy()
        smaller.thumbnail((side, side))
        buffer = BytesIO()
        smaller.save(buffer, "PNG")
        if buffer.tell() <= MAX_BYTES:
            return Picture("image/png", buffer.getvalue(), *smaller.size, original)
        side = side * 2 // 3
    return None
