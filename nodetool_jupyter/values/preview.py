"""A small picture of any value as JSON, for node updates and views.

It never fails, never writes, and is bounded in size and time whatever the value is: of a large value only the
parts that are shown are touched. It isn't for reading back; its markers are of the kind ``preview``.
"""

from __future__ import annotations

import base64
import dataclasses
import io
import math
import reprlib
from collections import deque
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from itertools import islice
from pathlib import PurePath
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from pydantic_core import to_json

from nodetool_jupyter.values import sounds
from nodetool_jupyter.values.base import JSON, KIND, column_type, marker, type_name
from nodetool_jupyter.values.drawing import Drawn, draw_figure, draw_itself

LIMIT = 4096
SAFE = 1 << 53  # JavaScript reads larger integers wrongly
FEW = 10
# Twenty texts and keys of these lengths, all of it to be escaped, still fit the usual limit.
MAX_ITEMS = 20
BRIEF = 64
BRIEF_KEYS = 600
_TEXT = frozenset({str})
MAX_LEVELS = 5
MAX_ROWS = 10
INNER_TEXT = 200
THUMBNAILS = (512, 256, 64)
"""Longest sides in pixels, tried in this order."""
ROOMY = 32_768
"""Characters of room from which on more than the smallest is tried: what a preview node shows."""
THUMBNAIL_PIXELS = 8_000_000
SEQUENCES: dict[type, str] = {
    list: "list",
    tuple: "tuple",
    set: "set",
    frozenset: "set",
    deque: "list",
    range: "list",
}
# Types whose str() is short, safe, and what one wants to see.
NAMED: dict[type, str] = {
    datetime: "datetime",
    date: "date",
    time: "time",
    timedelta: "timedelta",
    Decimal: "decimal",
    Fraction: "fraction",
    UUID: "uuid",
    PurePath: "file_path",
    complex: "complex",
}


def preview(value: Any, limit: int = LIMIT) -> JSON:
    """JSON of at most ``limit`` bytes (UTF-8) that shows ``value``; ``limit`` should be 256 or more."""
    if _is_brief(value, limit):
        return value.copy() if type(value) in (list, dict) else value
    try:
        shown = _Previewer(limit).show(value, 0)
        if len(to_json(shown)) <= limit:
            return shown
    except (Exception, SystemExit):  # noqa: BLE001 - a class of the user's may raise anything
        return _summary(value, limit)
    return _summary(value, limit)


def fallback(value: Any, limit: int = LIMIT) -> JSON:
    """What is kept of a value that can't cross: its type's name and its repr, cut."""
    shown = _cut(safe_repr(value), min(limit, 1000))
    return marker("unserializable", "unserializable", python_type=type_name(type(value)), repr=shown)


def safe_repr(value: Any) -> str:
    """A repr of some hundred characters; containers and fields are cut, not walked through."""
    try:
        return _Repr().repr(value)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the same
        return f"<{type_name(type(value))}, whose repr raised {type_name(type(error))}>"


class _Repr(reprlib.Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = 400
        self.maxlist = self.maxdict = self.maxtuple = 8

    def repr_bytes(self, x: bytes | bytearray, _level: int) -> str:
        return repr(x) if len(x) <= 40 else f"<{len(x):,} {type(x).__name__}>"

    repr_bytearray = repr_bytes

    def repr_instance(self, x: Any, level: int) -> str:
        fields = _fields_of(x)
        if fields is None:
            return super().repr_instance(x, level)
        shown = [f"{name}={self.repr1(item, level - 1)}" for name, item in islice(fields.items(), 8)]
        return f"{type(x).__qualname__}({', '.join(shown)}{', …' if len(fields) > 8 else ''})"


def _is_brief(value: Any, limit: int) -> bool:
    """Whether a value is its own preview: a look at the usual small ones that costs next to nothing."""
    kind = type(value)
    if kind is int:
        return bool(-SAFE <= value <= SAFE)
    if kind is str:
        return len(value) <= min(4 * BRIEF, limit // 6) and value.isascii()
    if kind is not list and kind is not dict:
        return _are_brief((value,))
    if limit < LIMIT or len(value) > MAX_ITEMS:
        return False
    if kind is list:
        return _are_brief(value)
    return KIND not in value and _are_keys(value) and _are_brief(value.values())


def _are_brief(items: Iterable[Any]) -> bool:
    for item in items:
        kind = type(item)
        if kind is str:
            brief = len(item) <= BRIEF and item.isascii() and item.isprintable()
        elif kind is int:
            brief = -SAFE <= item <= SAFE
        elif kind is float:
            brief = item - item == 0.0
        else:
            brief = item is None or kind is bool
        if not brief:
            return False
    return True


def _are_keys(value: dict[Any, Any]) -> bool:
    if not _TEXT.issuperset(map(type, value)):
        return False
    keys = "".join(value)
    return keys.isascii() and keys.isprintable() and len(keys) <= BRIEF_KEYS


def _summary(value: Any, limit: int) -> JSON:
    shown = marker("object", "preview", python_type=type_name(type(value)))
    return shown if len(to_json(shown)) <= limit else "…"


def _cut(text: str, room: int) -> str:
    """The head of a text whose JSON takes about ``room`` bytes, without lone surrogates."""
    head = str.__getitem__(text, slice(0, max(room, 8)))
    if not (head.isascii() and head.isprintable()):
        head = head[: max(room // 6, 8)].encode("utf-8", "replace").decode()
    return head if len(head) == len(text) else f"{head}… ({len(text):,} characters)"


def _fields_of(value: Any) -> dict[str, Any] | None:
    """The fields of a dataclass or a pydantic model, without calling its code."""
    kind = type(value)
    if dataclasses.is_dataclass(kind):
        names = [field.name for field in dataclasses.fields(kind)]
        return {name: object.__getattribute__(value, name) for name in names if _has(value, name)}
    if isinstance(value, BaseModel):
        return dict(value.__dict__)
    return None


def _has(value: Any, name: str) -> bool:
    try:
        object.__getattribute__(value, name)
    except AttributeError:
        return False
    return True


class _Previewer:
    """One look at one value. ``left`` is about how many bytes may still be shown."""

    def __init__(self, limit: int) -> None:
        self.left = limit - limit // 4

    def show(self, value: Any, level: int) -> JSON:
        kind = type(value)
        shower = _SHOWERS.get(kind) or _find_shower(kind)
        return shower(self, value, level)

    def text(self, value: str, level: int) -> str:
        room = min(self.left, INNER_TEXT) if level else self.left - 64
        shown = _cut(value, room)
        self.left -= len(shown) * (1 if shown.isascii() else 4) + 3
        return shown

    def named(self, value: Any, _level: int) -> JSON:
        word = next((word for base, word in NAMED.items() if isinstance(value, base)), "object")
        return marker(word, "preview", value=self.text(str(value), 1))

    def number(self, value: float | None, _level: int) -> JSON:
        self.left -= 20
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int):
            number = int.__int__(value)
            if -SAFE <= number <= SAFE:
                return number
            bits = number.bit_length()
            text = str(number) if bits < 300 else f"an integer of {bits:,} bits"
            return marker("int", "preview", value=text)
        if math.isfinite(value):
            return float.__float__(value)
        return marker("float", "preview", value=float.__repr__(value))

    def items(self, items: Iterable[Any], length: int, level: int) -> list[JSON]:
        """The first items, and how many more there are."""
        if level > MAX_LEVELS:
            return [f"… {length:,} items"] if length else []
        shown: list[JSON] = []
        for item in islice(items, MAX_ITEMS):
            if self.left <= 0:
                break
            self.left -= 2
            shown.append(self.show(item, level + 1))
        if length > len(shown):
            shown.append(f"… {length - len(shown):,} more")
        return shown

    def sequence(self, value: Any, level: int) -> JSON:
        base: Any = next(base for base in SEQUENCES if isinstance(value, base))
        shown = self.items(base.__iter__(value), base.__len__(value), level)
        return shown if base is list else marker(SEQUENCES[base], "preview", items=shown)

    def mapping(self, value: dict[Any, Any], level: int) -> JSON:
        if level == 0 and (whole := sounds.carried(value, self.left)):
            return whole
        shown: dict[str, JSON] = {}
        length = dict.__len__(value)
        for key, item in islice(dict.items(value), 0 if level > MAX_LEVELS else MAX_ITEMS):
            if self.left <= 0:
                break
            name = key if isinstance(key, str) else safe_repr(key)
            shown[self.text(name, level + 1)] = self.show(item, level + 1)
        if length > len(shown):
            shown["…"] = f"{length - len(shown):,} more"
        if KIND in shown and "type" in shown:  # the user's dict must not pass for one of our markers
            return marker("dict", "preview", items=[[key, item] for key, item in shown.items()])
        return shown

    def binary(self, value: bytes, _level: int) -> JSON:
        self.left -= 80
        return marker("bytes", "preview", size=len(value), head=bytes(memoryview(value)[:16]).hex())

    def member(self, value: Enum, level: int) -> JSON:
        return marker("enum", "preview", value=self.text(f"{type(value).__name__}.{value.name}", level + 1))

    def fields(self, value: Any, level: int) -> JSON:
        shown = self.mapping(_fields_of(value) or {}, level)
        return marker("object", "preview", python_type=type_name(type(value)), fields=shown)

    def other(self, value: Any, level: int) -> JSON:
        name = type_name(type(value))
        self.left -= 60 + len(name)
        if level == 0 and (drawn := self.drawing(draw_itself, value)):
            return marker("image", "preview", python_type=name, **drawn)
        return marker("object", "preview", python_type=name, repr=self.text(safe_repr(value), 1))

    def array(self, value: Any, level: int) -> JSON:
        """A numpy array or scalar."""
        self.left -= 100
        if not hasattr(value, "flat") or value.shape == ():
            return (
                self.show(value.item(), level) if value.dtype.kind in "biufOSU" else self.named(value, level)
            )
        shape = [int(length) for length in value.shape]
        # numpy 2.4 can't take a part of the flat form of its variable-width texts.
        head = islice(value.flat, FEW) if value.dtype.kind == "T" else value.flat[:FEW].tolist()
        head = self.items(head, int(value.size), level + 1)
        return marker("np_array", "preview", dtype=str(value.dtype)[:80], shape=shape, head=head)

    def table(self, value: Any, _level: int) -> JSON:
        """A pandas table: all it takes are its first rows and columns."""
        rows, width = value.shape
        head = value.iloc[:MAX_ROWS, :MAX_ITEMS]
        columns = []
        for name, dtype in zip(head.columns, head.dtypes, strict=True):
            columns.append({"name": self.text(str(name), 1), "data_type": column_type(str(dtype))})
            self.left -= 40
        data: list[JSON] = []
        for row in head.itertuples(index=False, name=None):
            if self.left <= 0:
                break
            data.append([self.cell(cell) for cell in row])
        return marker("dataframe", "preview", columns=columns, data=data, rows=rows, width=width)

    def cell(self, value: Any) -> JSON:
        if isinstance(value, float) and math.isnan(value):
            return None
        return None if type(value).__name__ in ("NaTType", "NAType") else self.show(value, MAX_LEVELS)

    def series(self, value: Any, _level: int) -> JSON:
        """A pandas Series or Index."""
        self.left -= 100
        head = [self.cell(cell) for cell in getattr(value, "iloc", value)[:FEW].tolist()]
        name = self.text(str(value.name), 1) if value.name is not None else None
        dtype = str(value.dtype)[:80]
        return marker("series", "preview", dtype=dtype, length=len(value), name=name, head=head)

    def image(self, value: Any, _level: int) -> JSON:
        """A PIL image, with the largest thumbnail there is room for."""
        self.left -= 100
        shown = marker("image", "preview", mode=str(value.mode), size=[int(length) for length in value.size])
        if value.size[0] * value.size[1] > THUMBNAIL_PIXELS:
            return shown
        for side in THUMBNAILS if self.left > ROOMY else THUMBNAILS[-1:]:
            uri = _thumbnail(value, side)
            if uri and len(uri) < self.left:
                self.left -= len(uri)
                shown["uri"] = uri
                break
        return shown

    def figure(self, value: Any, _level: int) -> JSON:
        """A matplotlib figure, drawn only where there is room: drawing takes its time."""
        self.left -= 100
        inches = [float(length) for length in value.get_size_inches()]
        shown = marker("image", "preview", figure=True, inches=inches)
        return shown | self.drawing(draw_figure, value)

    def drawing(self, draw: Callable[[Any, int], Drawn | None], value: Any) -> dict[str, JSON]:
        drawn = draw(value, self.left) if self.left > ROOMY else None
        if drawn is None:
            return {}
        self.left -= len(drawn[0])
        return {"uri": drawn[0], "size": list(drawn[1])}


def _thumbnail(image: Any, side: int) -> str:
    """A data URI of a JPEG of a PIL image, at most ``side`` pixels long, empty if it can't be made."""
    width, height = image.size
    scale = side / max(width, height, side)
    buffer = io.BytesIO()
    try:
        small = image.resize((max(1, int(width * scale)), max(1, int(height * scale))), 0)
        small.convert("RGB").save(buffer, "JPEG", quality=60)
    except (OSError, ValueError, SyntaxError):
        return ""
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


Shower = Callable[[_Previewer, Any, int], JSON]
_SHOWERS: dict[type, Shower] = {
    type(None): _Previewer.number,
    str: _Previewer.text,
    bool: _Previewer.number,
    int: _Previewer.number,
    float: _Previewer.number,
    dict: _Previewer.mapping,
    bytes: _Previewer.binary,
    bytearray: _Previewer.binary,
    Enum: _Previewer.member,
    **dict.fromkeys(SEQUENCES, _Previewer.sequence),
    **dict.fromkeys(NAMED, _Previewer.named),
}
_BY_NAME: dict[str, Shower] = {
    "numpy.ndarray": _Previewer.array,
    "numpy.generic": _Previewer.array,
    "pandas.DataFrame": _Previewer.table,
    "pandas.Series": _Previewer.series,
    "pandas.Index": _Previewer.series,
    "PIL.Image.Image": _Previewer.image,
    "matplotlib.figure.Figure": _Previewer.figure,
}


def _find_shower(kind: type) -> Shower:
    """By the name of a base class, so that no library is imported to look at a value, then by the class."""
    for cls in kind.__mro__:
        if shower := _BY_NAME.get(_public_name(cls)):
            return shower
    if issubclass(kind, Enum):
        return _Previewer.member
    if dataclasses.is_dataclass(kind) or issubclass(kind, BaseModel):
        return _Previewer.fields
    return next((_SHOWERS[base] for base in _SHOWERS if issubclass(kind, base)), _Previewer.other)


def _public_name(cls: type) -> str:
    """``pandas.DataFrame`` also for pandas.core.frame.DataFrame, as older versions have it."""
    module, name = str(cls.__module__), cls.__qualname__
    root = module.partition(".")[0]
    return f"{root}.{name}" if root in ("numpy", "pandas") else f"{module}.{name}"
