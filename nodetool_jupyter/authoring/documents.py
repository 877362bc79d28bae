"""JSON and YAML text → plain values, within bounds. Shared by workflow files, cells and params.

What Python's parsers let pass silently is found here: doubled keys, NaN, infinite and endless numbers, text
that no file can hold, nesting that would end in a RecursionError, aliases that expand without end.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from nodetool_jupyter.engine.annotations import describe
from nodetool_jupyter.values.base import is_unicode

DIGITS = 4300
LARGEST = 10**DIGITS
SHOWN_FLAWS = 1000
SHOWN_KEY = 60
MARKS = b'[]{}:,"'
OTHERS = bytes(sorted({*range(256)} - {*MARKS}))
AS_LISTS = bytes.maketrans(b"{}", b"[]")
AS_ZEROS = bytes.maketrans(b"123456789", b"0" * 9)
LONG_NUMBER = b"0" * 100
"""What may be a number that takes long to read, with all its digits made zeros."""
HALVES = (r"\ud", r"\uD")
"""What may be half of a surrogate pair."""


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """How large a document may be: ``size`` and ``yaml_size`` in bytes, ``values`` with aliases expanded."""

    size: int = 64 * 2**20
    yaml_size: int = 2**20
    depth: int = 100
    values: int = 3_000_000
    nodes: int = 50_000
    edges: int = 200_000


DEFAULT_LIMITS = ReadLimits()


class DocumentError(ValueError):
    """Text that can't be read at all; ``line`` and ``column`` count from 1."""

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column

    def __str__(self) -> str:
        return (
            f"line {self.line}, column {self.column}: {self.message}"
            if self.line is not None
            else self.message
        )


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something in a document that no workflow may hold; ``path`` leads to it from the top."""

    path: tuple[str | int, ...]
    message: str


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed text with what is wrong in it."""

    value: Any
    flaws: list[Flaw] = field(default_factory=list)


def decode(text: str | bytes, limit: int) -> str:
    """The text of a file; raises DocumentError where it is too large or no UTF-8."""
    if len(text) > limit:
        raise DocumentError(f"it is larger than {limit / 2**20:.4g} MiB")
    if isinstance(text, str):
        return text.removeprefix("\ufeff")
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DocumentError(f"it is not UTF-8 text (byte {error.start})") from None


def parse_json(text: str | bytes, limits: ReadLimits = DEFAULT_LIMITS) -> Document:
    """Read JSON; raises DocumentError for what isn't JSON, is too large or too deep."""
    text = decode(text, limits.size)
    if not text.strip():
        raise DocumentError("it is empty")
    data = text.encode("utf-8", "surrogatepass")
    marks = _marks_of(data)
    keys = marks.count(b":")
    skeleton = marks.replace(b":", b"").decode()
    if depth_of(skeleton, limits.depth) > limits.depth:
        raise DocumentError(f"it is nested more than {limits.depth} levels deep")
    if len(skeleton) > 2 * limits.values:
        raise DocumentError(f"it holds more than {limits.values:,} values")
    found = _read_plain(text, data, keys) if len(skeleton) < limits.values else None
    return found if found is not None else _read_flawed(text, limits)


def _marks_of(data: bytes) -> bytes:
    """The brackets, colons and commas that stand outside of strings; quotes in strings are escaped, as are
    backslashes.
    """
    if b"\\" in data:
        data = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    marks = data.translate(AS_LISTS, OTHERS).replace(b'""', b"")  # nearly all strings have none
    return b"".join(marks.split(b'"')[::2]) if b'"' in marks else marks


def _read_plain(text: str, data: bytes, keys: int) -> Document | None:
    """A text that can't have a flaw, as nearly all are: it is read at the speed of the json module, and only
    its keys are counted: where there are more in the text, one is there twice. None for a text that may have
    a flaw, or can't be read.
    """
    if LONG_NUMBER in data.translate(AS_ZEROS) or _may_be_torn(text):
        return None
    found = 0

    def count(made: dict[str, Any]) -> dict[str, Any]:
        nonlocal found
        found += len(made)
        return made

    try:
        value = json.loads(text, object_hook=count, parse_float=_finite, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return Document(value, []) if found == keys else None


def _may_be_torn(text: str) -> bool:
    """Whether it may hold half of a surrogate pair."""
    return ("\\" in text and any(half in text for half in HALVES)) or not is_unicode(text)


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse(text)


def _refuse(text: str) -> Any:
    raise ValueError(text)


def _read_flawed(text: str, limits: ReadLimits) -> Document:
    doubled: dict[int, list[str]] = {}

    def make_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) < len(pairs):
            doubled[id(made)] = _doubled([key for key, _ in pairs])
        return made

    try:
        value = json.loads(text, object_pairs_hook=make_object, parse_int=_parse_int)
    except json.JSONDecodeError as error:
        raise DocumentError(error.msg, error.lineno, error.colno) from None
    except RecursionError:
        raise DocumentError(f"it is nested more than {limits.depth} levels deep") from None
    return Document(value, find_flaws(value, limits, doubled))


def depth_of(skeleton: str, limit: int) -> int:
    """How deep brackets nest, counted to just above ``limit``.

    Each pass takes the innermost pairs away, at the speed of ``str.replace``; no text makes it recurse.
    """
    brackets = skeleton.replace(",", "")
    for depth in range(limit + 1):
        shorter = brackets.replace("[]", "")
        if len(shorter) == len(brackets):
            return depth + brackets.count("[")  # of balanced text, none is left
        brackets = shorter
    return limit + 1


def _parse_int(text: str) -> Any:
    """An int, or for one too long to convert a marker that the search for flaws reports."""
    return int(text) if len(text) <= DIGITS else _LongNumber(len(text))


@dataclass(frozen=True, slots=True)
class _LongNumber:
    digits: int


def _doubled(keys: list[str]) -> list[str]:
    seen: set[str] = set()
    return [key for key in keys if key in seen or seen.add(key)]  # type: ignore[func-returns-value]


NESTED = frozenset({dict, list})
HARMLESS = frozenset({bool, int, type(None)}) | NESTED
Link = tuple[Any, str | int] | None
"""The way to a value, from its end: (link of the parent, key)."""


def find_flaws(
    root: Any,
    limits: ReadLimits,
    doubled: Mapping[int, Sequence[str]] | None = None,
    *,
    aliases: bool = False,
) -> list[Flaw]:
    """The first SHOWN_FLAWS flaws; raises DocumentError where values nest too deep or are too many.

    ``doubled``: id of a dict → keys that its text had twice. ``aliases``: whether a value may be there again.
    """
    return list(islice(_walk(root, limits, doubled or {}, aliases), SHOWN_FLAWS))


def _walk(
    root: Any, limits: ReadLimits, doubled: Mapping[int, Sequence[str]], aliases: bool
) -> Iterator[Flaw]:
    stack: list[tuple[Any, Link, int]] = [([root], None, 0)]
    seen = 0
    while stack:
        container, link, depth = stack.pop()
        seen += len(container) + (_text_size(container) >> 6 if aliases else 0)
        if depth > limits.depth:
            raise DocumentError(f"it is nested more than {limits.depth} levels deep")
        if seen > limits.values:
            raise DocumentError("it holds too many values" + (", its aliases expanded" if aliases else ""))
        for again in doubled.get(id(container), ()):
            yield Flaw(_path(link), f"holds key {shorten(again)} twice")
        is_dict = type(container) is dict
        for key, value in container.items() if is_dict else enumerate(container):
            child = (link, key) if depth else None
            message = (_key_flaw(key) if is_dict else None) or _value_flaw(value)
            if message:
                yield Flaw(_path(child), message)
            elif type(value) in NESTED:
                stack.append((value, child, depth + 1))


def _text_size(container: Any) -> int:
    values = container.values() if type(container) is dict else container
    return sum(len(value) for value in values if type(value) is str)


def shorten(key: object) -> str:
    """A key as a message shows it."""
    text = repr(key)
    return text if len(text) <= SHOWN_KEY else f"{text[:SHOWN_KEY]}…"


def _path(link: Link) -> tuple[str | int, ...]:
    path: list[str | int] = []
    while link is not None:
        link, key = link
        path.append(key)
    return tuple(reversed(path))


def _key_flaw(key: Any) -> str | None:
    if not isinstance(key, str):
        return f"holds key {shorten(key)}, which is no text"
    return (
        None
        if key.isascii() or is_unicode(key)
        else f"holds key {shorten(key)} with half of a surrogate pair"
    )


def _value_flaw(value: Any) -> str | None:
    kind = type(value)
    if kind is str:
        return (
            None
            if value.isascii() or is_unicode(value)
            else "holds text with half of a surrogate pair, which no file can hold"
        )
    if kind is int and not -LARGEST < value < LARGEST:
        return f"holds a whole number of more than {DIGITS} digits"
    if kind in HARMLESS:
        return None
    if kind is float:
        return (
            None
            if math.isfinite(value)
            else f"holds {value!r}, which is no JSON number (or too large for one)"
        )
    if kind is _LongNumber:
        return f"holds a whole number of {value.digits} digits; at most {DIGITS} are accepted"
    return f"holds {describe(value)}, which JSON can't"
