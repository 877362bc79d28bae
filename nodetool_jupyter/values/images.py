"""Codecs of PIL images, as PNG or as their raw pixels, and of matplotlib figures, as pickles or as images.

An inline image is a data URI, which a browser and NodeTool can show.
"""

from __future__ import annotations

import base64
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from nodetool_jupyter.values.base import JSON, Reader, Refused, Writer, marker
from nodetool_jupyter.values.pickles import write_pickle
from nodetool_jupyter.values.preview import preview

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL.Image import Image

    from nodetool_jupyter.values.walk import Decoder, Encoder

# Modes that PNG gives back as they were; I, F, CMYK and others it would change, and P loses unused colors.
PNG_MODES = frozenset({"1", "L", "LA", "RGB", "RGBA", "I;16"})
PNG_PIXELS = 4_000_000  # of larger ones it takes seconds to make, and 20 times as long as the pixels
MAX_PNG_PIXELS = 80_000_000  # PIL warns of larger ones as bombs when they are opened
MAX_SIDE = 100_000  # of an image without pixels: PIL makes room for its rows
URI = "data:image/png;base64,"
MAX_INFO = 16_384
SHOWN_FIGURE = 32_768


def find_writer(kind: type) -> Writer | None:
    if _derives(kind, "PIL.Image", "Image"):
        return write_image
    if _derives(kind, "matplotlib.figure", "Figure"):
        return write_figure
    return write_axes if _derives(kind, "matplotlib.axes", "Axes") else None


def _derives(kind: type, module: str, name: str) -> bool:
    cls = getattr(sys.modules.get(module), name, None)
    return isinstance(cls, type) and issubclass(kind, cls)


def write_image(encoder: Encoder, value: Image, depth: int) -> JSON:
    mode, size = value.mode, list(value.size)
    info = _write_info(encoder, value, depth + 1)
    if mode not in PNG_MODES or size[0] * size[1] > PNG_PIXELS or 0 in size:
        palette = value.getpalette(value.palette.mode) if value.palette is not None else None
        rest = {"mode": mode, "size": size, "info": info, "palette": palette}
        if value.palette is not None:
            rest["palette_mode"] = value.palette.mode
        # Not compressed, so that no stored image can unpack to more than its own size.
        return encoder.blob("image", "PIL.pixels", ".bin", value.tobytes(), value, **rest)
    buffer = io.BytesIO()
    value.save(buffer, "PNG", compress_level=1)
    return _write_png(encoder, "PIL.Image", buffer.getvalue(), value, mode=mode, size=size, info=info)


def _write_png(encoder: Encoder, kind: str, data: bytes, value: Any, **fields: JSON) -> JSON:
    if encoder.is_large(len(data)):
        return encoder.file("image", kind, ".png", data, value, **fields)
    encoder.size += len(data) * 4 // 3 + 100
    return marker("image", kind, **fields, uri=URI + base64.b64encode(data).decode("ascii"))


def _write_info(encoder: Encoder, image: Image, depth: int) -> JSON:
    """What the file said about the image (resolution, transparency, …), as far as it is small and plain."""
    plain = (str, int, float, bytes, tuple)
    info = {key: item for key, item in image.info.items() if isinstance(key, str) and isinstance(item, plain)}
    small = {key: item for key, item in info.items() if len(repr(item)) <= MAX_INFO}
    try:
        return encoder.value(small, depth)
    except Refused:  # a tuple of library objects
        return {}


def read_image(decoder: Decoder, json: dict[str, Any]) -> Image:
    from PIL import Image

    data = decoder.bytes_of(json) if "file" in json else _from_uri(json["uri"])
    with Image.open(io.BytesIO(data), formats=["PNG"]) as opened:
        pixels = opened.width * opened.height
        if pixels > MAX_PNG_PIXELS:
            raise ValueError(f"an image of {opened.width} by {opened.height} pixels is none of ours")
        decoder.take(4 * pixels)
        image = opened.copy()
    image.info = decoder.value(json.get("info", {}))
    return image


def _from_uri(uri: str) -> bytes:
    return base64.b64decode(uri.removeprefix(URI), validate=True)


def read_pixels(decoder: Decoder, json: dict[str, Any]) -> Image:
    from PIL import Image

    width, height = json["size"]
    pixels = decoder.blob(json)
    if width * height > 8 * len(pixels) or max(width, height) > MAX_SIDE + 8 * len(pixels):
        raise ValueError(f"{len(pixels)} bytes are no image of {width} by {height}")
    image = Image.frombytes(json["mode"], (width, height), pixels)
    if json.get("palette") is not None:
        image.putpalette(json["palette"], json["palette_mode"])
    image.info = decoder.value(json["info"])
    return image


def write_figure(encoder: Encoder, value: Figure, _depth: int) -> JSON:
    """As itself where pickles are wanted, else as an image."""
    buffer = io.BytesIO()
    value.savefig(buffer, format="png")
    data = buffer.getvalue()
    if encoder.is_exact:
        try:
            with _out_of_pyplot(value):
                return write_pickle(encoder, value, Refused("can't be pickled"), _shown(data))
        except Refused:  # for example for a callback on it
            pass
    return _write_png(encoder, "matplotlib.Figure", data, value, figure=True)


@contextmanager
def _out_of_pyplot(figure: Figure) -> Iterator[None]:
    """Where a figure is read that pyplot has listed, pyplot would list it too, and show it a second time."""
    canvas = figure.canvas
    manager, canvas.manager = canvas.manager, None
    try:
        yield
    finally:
        canvas.manager = manager


def _shown(png: bytes) -> JSON:
    """What is shown of a figure: its image, or a smaller one."""
    from PIL import Image

    with Image.open(io.BytesIO(png)) as image:
        if len(png) <= SHOWN_FIGURE:
            uri = URI + base64.b64encode(png).decode("ascii")
            return marker("image", "preview", figure=True, size=list(image.size), uri=uri)
        return {**preview(image, 2 * SHOWN_FIGURE), "figure": True}


def write_axes(_encoder: Encoder, _value: Any, _depth: int) -> JSON:
    raise Refused("is matplotlib Axes, which can't leave its figure", "return the figure: ax.figure")


READERS: dict[str, Reader] = {
    "PIL.Image": read_image,
    "PIL.pixels": read_pixels,
    "matplotlib.Figure": read_image,
}
