"""The walk through a value, which writes each part by the writer of its type, and the walk back.

The writers of the other modules are given the walker: they call it for the parts of a value and for its data.
"""

from __future__ import annotations

import base64
import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from pydantic_core import from_json, to_json

from nodetool_jupyter.errors import ValueCrossingError
from nodetool_jupyter.values import objects, pickles, plain
from nodetool_jupyter.values.base import (
    CONTAINER,
    JSON,
    KIND,
    MAX_DEPTH,
    MAX_ITEMS,
    WORD,
    Reader,
    Refused,
    Spill,
    Writer,
    is_marker,
    is_unicode,
    marker,
    segment_of,
    type_name,
)
from nodetool_jupyter.values.preview import preview

PREVIEW = 2048
# Root package of a type → the module of ours that knows it; imported when such a value comes by.
FAMILIES = {"numpy": "arrays", "pandas": "tables", "PIL": "images", "matplotlib": "images"}
# Packages whose classes their writers know; subclasses of other packages would arrive as the base class.
EXACT = frozenset({*FAMILIES, "pathlib"})
UNASKED = 1 << 28
"""Bytes that are read before the free memory is looked at."""
HINTS = {
    "generator": "return a list, or make the node itself a generator, which streams its values",
    "async_generator": "return a list, or make the node itself an async generator, which streams its values",
    "coroutine": "await it before it is returned",
    "function": "return what the function gives, not the function",
    "type": "return an object, not its class",
    "module": "return a value of the module, not the module",
}
DEFAULT_HINT = "return JSON values, bytes, dates, arrays, tables, images, dataclasses or pydantic models"


class Encoder:
    """One walk through one value. ``size`` estimates the bytes of its JSON so far."""

    __slots__ = ("_count", "_spill", "classes", "dump", "is_exact", "limit", "size")

    def __init__(
        self,
        spill: Spill | None,
        limit: int,
        dump: Callable[[Any], bytes] | None = None,
        *,
        is_exact: bool = True,
    ) -> None:
        self._spill = spill
        self.limit = limit
        self.dump = dump
        self.is_exact = dump is not None and is_exact
        """Whether a pickle is better than another form that loses something."""
        self.size = 0
        self._count = 0
        self.classes: dict[Any, dict[str, JSON]] = {}

    def whole(self, value: Any) -> JSON:
        """The JSON of ``value``, as one file where what is left inline of it is still too large."""
        json = self.value(value, 0)
        if self._spill is None or self.size <= self.limit:
            return json
        word = json["type"] if is_marker(json) else type_name(type(json))
        names = {(named["module"], named["class"]) for named in self.classes.values()}
        fields = {"classes": sorted(map(list, names))} if names else {}
        return self.file(word, "json", ".json", to_json(json), value, **fields)

    def value(self, value: Any, depth: int) -> JSON:
        kind = type(value)
        try:
            writer = _WRITERS.get(kind) or _find_writer(kind, self.is_exact)
            return writer(self, value, depth)
        except Refused as refusal:
            # What has too many levels or items is pickled as a whole, for it may contain itself.
            if self.dump is None or (depth if refusal.is_bound else refusal.segments):
                raise
            self.size = 0 if refusal.is_bound else self.size
            return pickles.write_pickle(self, value, refusal)

    def items(self, values: list[Any] | tuple[Any, ...], depth: int, owner: object) -> list[JSON]:
        """The JSON list of ``values``, ``depth`` levels deep; ``owner`` is the container they are of."""
        self.enter(len(values), depth)
        if not values:
            return []
        size = _size_of_plain(values, sys.maxsize if self._spill is None else self.limit)
        if size is not None:
            self.size += size
            return list(values)
        done: list[JSON] = []
        try:
            for value in values:  # not a comprehension: its length says which item was refused
                done.append(self.value(value, depth + 1))  # noqa: PERF401
        except Refused as refusal:
            refusal.within(f"[{len(done)}]", owner)
            raise
        return done

    def fields(self, values: dict[str, Any], depth: int, owner: object) -> dict[str, JSON]:
        """The JSON of named parts, for a marker."""
        self.enter(len(values), depth)
        done: dict[str, JSON] = {}
        for name, value in values.items():
            try:
                done[name] = self.value(value, depth + 1)
            except Refused as refusal:
                refusal.within(f".{name}", owner)
                raise
            self.size += len(name) + 4
        return done

    def is_large(self, size: int) -> bool:
        return self._spill is not None and size > self.limit

    def blob(
        self,
        word: str,
        kind: str,
        suffix: str,
        data: bytes | Callable[[BinaryIO], None],
        value: Any,
        **fields: JSON,
    ) -> JSON:
        """A marker with ``data``: as base64, or in a file if it is large or a function that writes it."""
        if not isinstance(data, bytes) or self.is_large(len(data)):
            return self.file(word, kind, suffix, data, value, **fields)
        self.size += len(data) * 4 // 3 + 80
        return marker(word, kind, **fields, data=base64.b64encode(data).decode("ascii"))

    def file(
        self,
        word: str,
        kind: str,
        suffix: str,
        data: bytes | Callable[[BinaryIO], None],
        value: Any,
        *,
        shown: JSON = None,
        **fields: JSON,
    ) -> JSON:
        """A marker whose data is in a file, with a preview for those who only show it."""
        if self._spill is None:
            raise ValueCrossingError("a value was to go to a file, and there is no place for files")
        reference = self._spill.write(word, suffix, data)
        self.size += PREVIEW + len(reference)
        if isinstance(data, bytes):
            fields.setdefault("size", len(data))
        shown = preview(value, PREVIEW) if shown is None else shown
        return marker(word, kind, **fields, file=reference, preview=shown)

    def enter(self, length: int, depth: int) -> None:
        self._count += length + CONTAINER
        self.size += length + 16
        if depth >= MAX_DEPTH:
            levels = f"is nested more than {MAX_DEPTH} levels deep"
            raise Refused(levels, "return a flatter value, or a file", is_bound=True)
        if self._count > MAX_ITEMS:
            raise Refused(f"has more than {MAX_ITEMS:,} items", "return an array or a table", is_bound=True)


class Decoder:
    """One walk through one piece of JSON."""

    __slots__ = ("_is_in_file", "_load", "_room", "classes", "mapped", "unpickle")

    def __init__(
        self,
        load: Callable[[str], Path] | None,
        classes: Callable[[str, str], type | None] | None,
        mapped: bool,
        unpickle: Callable[[bytes], Any] | None = None,
    ) -> None:
        self._load = load
        self.classes = classes
        self.mapped = mapped
        self.unpickle = unpickle
        self._room = UNASKED
        self._is_in_file = False

    def value(self, json: JSON) -> Any:
        if type(json) is dict:
            if KIND in json and "type" in json:
                return self._read(json)
            return {key: self.value(item) for key, item in json.items()}
        if type(json) is list:
            if _NESTED.isdisjoint(map(type, json)):
                return json.copy()
            return [self.value(item) for item in json]
        return json

    def path(self, json: dict[str, Any]) -> Path:
        """The file that a marker refers to."""
        reference = json["file"]
        if self._load is None or not isinstance(reference, str):
            raise ValueCrossingError(f"the value is in a file that can't be reached from here: {reference!r}")
        return self._load(reference)

    def blob(self, json: dict[str, Any]) -> bytes:
        """The bytes of a marker's data."""
        return self.bytes_of(json) if "file" in json else base64.b64decode(json["data"], validate=True)

    def bytes_of(self, json: dict[str, Any]) -> bytes:
        """The content of the file that a marker refers to."""
        path = self.path(json)
        self.take(path.stat().st_size)
        return path.read_bytes()

    def take(self, size: int) -> None:
        """Refuse what doesn't fit into memory: some bytes of hostile JSON may stand for any number of them.

        A file may be sparse or named many times, and an image unpacks to a thousand times its size.
        """
        self._room -= size
        if self._room >= 0:
            return
        from psutil import virtual_memory

        if size > (free := virtual_memory().available):
            message = f"a part of the value takes {size:,} bytes of memory, and {free:,} are free"
            raise ValueCrossingError(message, hint="end what else uses memory, or return a smaller value")
        self._room = UNASKED

    def json_file(self, json: dict[str, Any]) -> Any:
        """The value in a file of JSON. No such file refers to another: they could unfold without end."""
        if self._is_in_file:
            raise ValueCrossingError("a file of the value refers to another file of JSON")
        self._is_in_file = True
        value = self.value(from_json(self.bytes_of(json)))
        self._is_in_file = False
        return value

    def _read(self, json: dict[str, Any]) -> Any:
        kind = json[KIND]
        reader = _READERS.get(kind)
        family, dot, _ = kind.partition(".")
        if reader is None and dot and family in FAMILIES:
            reader = _family(family).READERS.get(kind)
        if reader is None:
            message = f"there is no reader for a stored value of kind {kind!r}"
            raise ValueCrossingError(message, hint="update nodetool-jupyter")
        return reader(self, json)


def _size_of_plain(values: list[Any] | tuple[Any, ...], longest: int) -> int | None:
    """The size of items that are their own JSON, None if any isn't: a few passes in C, for long lists."""
    kinds = set(map(type, values))
    if kinds == {str}:
        size = sum(map(len, values)) + 3 * len(values)
        return size if max(map(len, values)) <= longest and "".join(values).isascii() else None
    if not kinds <= _NUMBERS:
        return None
    numbers = [value for value in values if value is not None] if type(None) in kinds else values
    try:
        # The sum isn't finite if any number isn't; after that, min and max can be trusted.
        if not numbers or (sum(numbers) * 0.0 == 0.0 and min(numbers) > -WORD and max(numbers) < WORD):
            return 20 * len(values)
    except OverflowError:
        return None
    return None


def _write_list(encoder: Encoder, value: list[Any], depth: int) -> JSON:
    return encoder.items(value if type(value) is list else list.copy(value), depth, value)


def _write_dict(encoder: Encoder, value: dict[Any, Any], depth: int) -> JSON:
    value_of = dict(dict.items(value)) if type(value) is not dict else value
    if is_marker(value_of) or not all(type(key) is str and is_unicode(key) for key in value_of):
        return _write_pairs(encoder, value_of, depth, value)
    encoder.enter(len(value_of), depth)
    done: dict[str, JSON] = {}
    for key, item in value_of.items():
        try:
            done[key] = encoder.value(item, depth + 1)
        except Refused as refusal:
            refusal.within(segment_of(key), value)
            raise
        encoder.size += len(key) + 4
    return done


def _write_pairs(encoder: Encoder, value: dict[Any, Any], depth: int, owner: object) -> JSON:
    """A dict that isn't a JSON object, or that would be mistaken for a marker."""
    encoder.enter(len(value), depth + 2)
    pairs: list[JSON] = []
    for key, item in value.items():
        try:
            pairs.append([encoder.value(key, depth + 3), encoder.value(item, depth + 3)])
        except Refused as refusal:
            refusal.within(segment_of(key), owner)
            raise
    return marker("dict", "dict", items=pairs)


def _read_pairs(decoder: Decoder, json: dict[str, Any]) -> dict[Any, Any]:
    return {decoder.value(key): decoder.value(item) for key, item in json["items"]}


def _find_writer(kind: type, keeps_class: bool) -> Writer:
    """The writer of a type that has none by itself: of its kind of class, its package, or its base class."""
    writer = objects.find_writer(kind)
    if writer is not None:
        return writer
    for cls in kind.__mro__:
        if (root := _root(cls)) in FAMILIES:
            writer = _family(root).find_writer(kind)
            break
    writer = writer or next((_WRITERS[base] for base in _WRITERS if issubclass(kind, base)), None)
    if writer is None:
        name = type_name(kind)
        article = "an" if name[:1] in "aeiouAEIOU" else "a"
        hint = HINTS.get(kind.__name__, DEFAULT_HINT)
        raise Refused(f"is {article} {name}, which can't be kept or sent to another process", hint)
    return pickles.keep_class(writer) if keeps_class and _root(kind) not in EXACT else writer


def _root(kind: type) -> str:
    return str(kind.__module__).partition(".")[0]


def _family(root: str) -> Any:
    return importlib.import_module(f"nodetool_jupyter.values.{FAMILIES[root]}")


_NESTED = frozenset({list, dict})
_NUMBERS = frozenset({int, float, bool, type(None)})
_WRITERS: dict[type, Writer] = {list: _write_list, dict: _write_dict, **plain.WRITERS}
_READERS: dict[str, Reader] = {
    "dict": _read_pairs,
    "json": Decoder.json_file,
    "pickle": pickles.read_pickle,
    **plain.READERS,
    **objects.READERS,
}
