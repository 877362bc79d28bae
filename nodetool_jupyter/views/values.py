"""A value, as Python has it or as the event log has it, as bounded text or safe HTML.

Values come from workflows: their ``repr`` may raise, be endless or hold an address, their text may be markup.
Nothing here raises, writes or fetches, and what it gives is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from nodetool_jupyter.values.base import KIND
from nodetool_jupyter.values.codec import decode
from nodetool_jupyter.values.plain import READERS
from nodetool_jupyter.values.preview import preview
from nodetool_jupyter.views.images import Picture, is_image, original_size, picture
from nodetool_jupyter.views.markup import TIMES, Html, clean, cut, el, one_line
from nodetool_jupyter.views.sounds import Sound, is_audio, sound
from nodetool_jupyter.views.tables import is_table, table, table_html, table_text

TEXT_CHARS = 4_096
LINE_CHARS = 120
KEPT_CHARS = 1_000_000
MAX_DEPTH = 8
MAX_DIGITS = 1_000
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]{4,}")
_SCALARS = frozenset(READERS) - {"tuple", "set", "frozenset", "deque"}
_PLAIN = frozenset({type(None), bool, int, float, str, bytes})
_ITEMS = {"tuple": "()", "set": "{}"}
_BRACKETS: dict[type, str] = {list: "[]", tuple: "()", set: "{}", frozenset: "{}"}


def inline(value: Any, limit: int = LINE_CHARS) -> str:
    """One line about a value; text is shown without quotes, a table or an image by its size."""
    value = _at_hand(value)
    try:
        if isinstance(value, str):
            return one_line(value, limit)
        if is_table(value):
            return f"table {table(value).size}"
        if is_image(value):
            size = original_size(value)
            return f"image {size[0]} {TIMES} {size[1]}" if size else "image"
        if is_audio(value) and (heard := sound(value)) is not None:
            return heard.label
        return one_line(_written(value, limit), limit)
    except Exception:  # noqa: BLE001 - a value may be of any class, and its methods raise anything
        return cut(f"<{type(value).__name__}>", limit)


def as_text(value: Any, limit: int = TEXT_CHARS) -> str:
    """A value in one or more lines."""
    value = _at_hand(value)
    if isinstance(value, str):
        return clean(value, limit)
    try:
        if is_table(value):
            return cut(table_text(table(value)), limit)
    except Exception:  # noqa: BLE001 - the same
        return inline(value, limit)
    return inline(value, limit)


def as_html(value: Any, limit: int = TEXT_CHARS) -> Html:
    """A value as a fragment of a page: a table, a picture, a player, or text."""
    value = _at_hand(value)
    try:
        if is_table(value):
            return table_html(table(value))
        if is_audio(value) and (heard := sound(value)) is not None:
            return sound_html(heard)
        shown = picture(value) if is_image(value) else None
    except Exception:  # noqa: BLE001 - the same
        shown = None
    if shown is not None:
        return picture_html(shown)
    text = as_text(value, limit)
    return el("pre", text, class_="ntj-pre") if "\n" in text or len(text) > LINE_CHARS else el("bdi", text)


def picture_html(shown: Picture) -> Html:
    """An image, by its own bytes."""
    label = f"image {shown.size}"
    size = {"width": shown.width, "height": shown.height}
    return el("img", src=shown.uri, alt=label, title=label, class_="ntj-image", **size)


def sound_html(heard: Sound) -> Html:
    """A player of a sound, by its own bytes; nothing is heard until the user starts it."""
    player = el("audio", controls=True, preload="metadata", src=heard.uri, title=heard.label)
    return el("div", player, class_="ntj-audio")


def bounded(value: Any) -> Any:
    """The value, or its text where it is too large to be kept in a view."""
    left = KEPT_CHARS
    waiting: list[Any] = [value]
    while waiting and left > 0:
        item = waiting.pop()
        left -= 8 + (len(item) if isinstance(item, (str, bytes)) else 0)
        if isinstance(item, (dict, list)):
            left -= 8 * len(item)
            waiting.extend((item.values() if isinstance(item, dict) else item) if left > 0 else ())
    return value if left > 0 else as_text(value)


def _at_hand(value: Any) -> Any:
    """The preview of a value that is in a file."""
    if isinstance(value, dict) and KIND in value and "file" in value:
        return value.get("preview", f"<{value.get('type')} in a file>")
    return value


def _written(value: Any, limit: int) -> str:
    parts: list[str] = []
    left = limit + 1
    for part in _parts(value, limit, MAX_DEPTH):
        parts.append(part)
        left -= len(part)
        if left <= 0:
            break
    return "".join(parts)


def _parts(value: Any, limit: int, depth: int) -> Iterator[str]:
    """The pieces of a value's text, one by one: no more of a large value is read than is shown."""
    if isinstance(value, dict):
        yield from _dict_parts(value, limit, depth)
    elif type(value) in _BRACKETS:
        yield from _list_parts(value, _BRACKETS[type(value)], limit, depth)
    elif type(value) in _PLAIN:
        yield _scalar(value, limit)
    elif is_table(value) or is_image(value):
        yield f"<{inline(value, limit)}>"
    else:
        yield from _object_parts(value, limit, depth)


def _list_parts(items: Iterable[Any], brackets: str, limit: int, depth: int) -> Iterator[str]:
    if depth <= 0:
        yield "…".join(brackets)
        return
    yield brackets[0]
    for number, item in enumerate(items):
        if number:
            yield ", "
        yield from _parts(item, limit, depth - 1)
    yield brackets[1]


def _dict_parts(value: dict[Any, Any], limit: int, depth: int) -> Iterator[str]:
    if is_table(value) or is_image(value):
        yield f"<{inline(value, limit)}>"
    elif KIND in value and isinstance(value.get("type"), str):
        yield from _marker_parts(value, limit, depth)
    elif depth <= 0:
        yield "{…}"
    else:
        yield "{"
        for number, (key, item) in enumerate(value.items()):
            yield (", " if number else "") + _scalar(key, limit) + ": "
            yield from _parts(item, limit, depth - 1)
        yield "}"


def _marker_parts(value: dict[str, Any], limit: int, depth: int) -> Iterator[str]:
    """A value of the event log that isn't plain JSON; one that is in a file is shown by its preview."""
    if "file" in value:
        yield from _parts(_at_hand(value), limit, depth - 1)
    elif isinstance(value.get("items"), list):
        yield from _list_parts(value["items"], _ITEMS.get(value["type"], "[]"), limit, depth)
    elif value[KIND] in _SCALARS:
        yield _plain(decode(value), limit)
    elif isinstance(text := value.get("repr", value.get("value")), str):
        yield _ADDRESS.sub("", text)
    elif value["type"] == "bytes":
        yield f"<{value.get('size')} bytes>"
    elif isinstance(value.get("shape"), list):
        shape = f" {TIMES} ".join(map(str, value["shape"]))
        yield f"<array {shape} of {value.get('dtype')}>"
    else:
        rest = {key: item for key, item in value.items() if key not in (KIND, "type", "python_type")}
        yield str(value.get("python_type", value["type"]))
        yield from _dict_parts(rest.get("fields", rest), limit, depth - 1)


def _object_parts(value: Any, limit: int, depth: int) -> Iterator[str]:
    """An object of any class, by the preview of it."""
    shown = preview(value, max(4 * limit, 1024))
    if isinstance(shown, dict) and KIND in shown:
        yield from _marker_parts(shown, limit, depth)
    else:
        yield _plain(shown, limit)


def _plain(value: Any, limit: int) -> str:
    return _scalar(value, limit) if type(value) in _PLAIN else _ADDRESS.sub("", str(value))


def _scalar(value: Any, limit: int) -> str:
    if isinstance(value, str):
        return repr(value[: limit + 1])
    if isinstance(value, bytes):
        return f"<{len(value):,} bytes>"
    if isinstance(value, int) and value.bit_length() > 3 * MAX_DIGITS:
        return f"<a number of about {value.bit_length() * 30103 // 100_000:,} digits>"
    return _ADDRESS.sub("", repr(value))
