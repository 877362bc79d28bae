"""What all codecs share: the marker form, the bounds, the file protocol and the refusal that knows its path.

A value that isn't plain JSON becomes a *marker*: a dict whose ``type`` is NodeTool's word for it, for those
who only show it, and whose ``python`` names the codec that reads it back. A plain dict that has both keys is
itself written as a marker, so that in encoded JSON a dict is a marker if and only if it has both. NodeTool's
own typed dicts have no ``python`` and pass as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, TypeAlias

from nodetool_jupyter.errors import ValueCrossingError

if TYPE_CHECKING:
    from nodetool_jupyter.values.walk import Decoder, Encoder

JSON: TypeAlias = Any
Writer: TypeAlias = "Callable[[Encoder, Any, int], JSON]"
Reader: TypeAlias = "Callable[[Decoder, dict[str, Any]], Any]"

KIND = "python"
LIMIT = 65_536
SHORT = 256
WORD = 1 << 64
# The reader of our event lines takes 200 levels, and an event or a REST answer adds a few of its own.
MAX_DEPTH = 150
MAX_ITEMS = 10_000_000
CONTAINER = 4  # a container counts as that many items more, for what it costs
SHOWN_SEGMENTS = 6


class Spill(Protocol):
    """Where large values go. Whoever owns the run directory supplies it."""

    def write(self, name_hint: str, suffix: str, data: bytes | Callable[[BinaryIO], None]) -> str:
        """Write a new file, from bytes or by a function that is given the open file; gives its reference."""
        ...


class Refused(Exception):
    """A part of a value can't be written. Each container that it passes through adds its part of the path.

    ``is_bound`` says that it isn't the part: there are too many of them, or too many levels.
    """

    def __init__(self, reason: str, hint: str | None = None, *, is_bound: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint
        self.is_bound = is_bound
        self.segments: list[str] = []
        self.containers: list[int] = []

    def within(self, segment: str, container: object) -> None:
        self.segments.append(segment)
        self.containers.append(id(container))

    def error(self, name: str) -> ValueCrossingError:
        """The error the user sees; ``name`` is what the whole value is called."""
        path, reason, hint = self.segments[::-1], self.reason, self.hint
        seen: set[int] = set()
        for level, container in enumerate(self.containers[::-1]):
            if container in seen:
                path, reason, hint = path[:level], "contains itself", "return a copy without the cycle"
                break
            seen.add(container)
        if len(path) > SHOWN_SEGMENTS:
            path = [*path[: SHOWN_SEGMENTS - 1], "…", path[-1]]
        return ValueCrossingError(f"{name}{''.join(path)} {reason}", hint=hint)


def marker(type_name: str, kind: str, **fields: JSON) -> dict[str, JSON]:
    """The JSON of a value that isn't plain."""
    return {"type": type_name, KIND: kind, **fields}


class Content:
    """Marks an annotation whose values are made of what a reference refers to, such as the bytes of an
    image.
    """


def is_marker(value: JSON) -> bool:
    """Whether a piece of JSON was written by a codec, or else is a dict of the user's."""
    return type(value) is dict and KIND in value and "type" in value


def type_name(kind: type) -> str:
    """A class's name for messages: ``int``, ``pandas.DataFrame``."""
    module, name = getattr(kind, "__module__", None), getattr(kind, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(name, str):
        return "object"
    return name[:200] if module in ("builtins", "__main__") else f"{module}.{name}"[:200]


def segment_of(key: object) -> str:
    """The path segment of a dict key."""
    if type(key) is str:
        head = key[:40] if key[:40].isprintable() else ascii(key[:40])[1:-1]
        return f'["{head}{"…" if len(key) > 40 else ""}"]'
    if type(key) in (int, float, bool, type(None)):
        return f"[{repr(key)[:40]}]"
    return f"[<{type_name(type(key))}>]"


def column_type(dtype: str) -> str:
    """NodeTool's word for the type of a table's column."""
    name = dtype.lower()
    for word, starts in (("int", ("int", "uint")), ("float", ("float",)), ("datetime", ("datetime",))):
        if name.startswith(starts):
            return word
    return "string" if name.startswith("str") else "object"


def is_unicode(text: str) -> bool:
    """Whether a text has no lone surrogates, which JSON can't hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
