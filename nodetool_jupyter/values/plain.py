"""Codecs of the standard library's value types: text, numbers, bytes, dates, paths and containers.

A type whose value is a handful of fields stands in the table ``SIMPLE``; the others need the walker.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from fractions import Fraction
from functools import partial
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from nodetool_jupyter.values.base import JSON, Reader, Refused, Writer, marker

if TYPE_CHECKING:
    from nodetool_jupyter.values.walk import Decoder, Encoder

# Python and the JSON reader of our event lines both stop at 4,300 decimal digits, which are 14,284 bits.
MAX_INT_BITS = 14_000
MAX_FRACTION_BITS = 1 << 20
SORTABLE: list[set[type]] = [{int}, {str}]
PATHS: dict[str, type[PurePath]] = {"path": Path, "posix": PurePosixPath, "windows": PureWindowsPath}


class Simple(NamedTuple):
    """The codec of a type: NodeTool's word for it, its own, a value's fields, and the value of the fields."""

    word: str
    kind: str
    fields: Callable[[Any], dict[str, JSON]]
    value: Callable[[dict[str, Any]], Any]


def int_json(value: int) -> JSON:
    if int.bit_length(value) <= MAX_INT_BITS:
        return int.__int__(value)
    return marker("int", "int", value=hex(value))


def float_json(value: float) -> JSON:
    if math.isfinite(value):
        return float.__float__(value)
    return marker("float", "float", value=float.__repr__(value))


def int_from(json: JSON) -> int:
    return json if type(json) is int else int(json["value"], 16)


def float_from(json: JSON) -> float:
    return json if type(json) is float else float(json["value"])


def zone_of(value: datetime | time) -> str | float | None:
    """A zone's name, else its offset from UTC in seconds; None for a naive value."""
    zone = value.tzinfo
    if zone is None or (isinstance(zone, ZoneInfo) and zone.key):
        return None if zone is None else zone.key
    offset = value.utcoffset()
    if offset is None:
        hint = "use a zoneinfo.ZoneInfo or a datetime.timezone"
        raise Refused("has a time zone without name and offset", hint)
    return offset.total_seconds()


def zone_from(zone: str | float | None) -> tzinfo | None:
    if zone is None:
        return None
    if isinstance(zone, str):
        return ZoneInfo(zone)
    return timezone(timedelta(seconds=zone)) if zone else UTC


def datetime_fields(value: datetime) -> dict[str, JSON]:
    """NodeTool's fields, and ``zone`` and ``fold``, which bring the value back."""
    offset = value.utcoffset()
    return {
        **{name: getattr(value, name) for name in ("year", "month", "day")},
        **{name: getattr(value, name) for name in ("hour", "minute", "second", "microsecond")},
        "tzinfo": (value.tzname() or "UTC").encode("ascii", "replace").decode()[:64],
        "utc_offset": offset.total_seconds() if offset is not None else 0,
        "zone": zone_of(value),
        "fold": value.fold,
    }


def datetime_from(json: dict[str, Any]) -> datetime:
    clock = time(json["hour"], json["minute"], json["second"], json["microsecond"], fold=json["fold"])
    return datetime.combine(date_from(json), clock, tzinfo=zone_from(json["zone"]))


def date_fields(value: date) -> dict[str, JSON]:
    return {"year": value.year, "month": value.month, "day": value.day}


def date_from(json: dict[str, Any]) -> date:
    return date(json["year"], json["month"], json["day"])


def time_fields(value: time) -> dict[str, JSON]:
    return {"value": value.replace(tzinfo=None).isoformat(), "zone": zone_of(value), "fold": value.fold}


def time_from(json: dict[str, Any]) -> time:
    return time.fromisoformat(json["value"]).replace(tzinfo=zone_from(json["zone"]), fold=json["fold"])


def duration_fields(value: timedelta) -> dict[str, JSON]:
    return {"days": value.days, "seconds": value.seconds, "microseconds": value.microseconds}


def duration_from(json: dict[str, Any]) -> timedelta:
    return timedelta(json["days"], json["seconds"], json["microseconds"])


def fraction_fields(value: Fraction) -> dict[str, JSON]:
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > MAX_FRACTION_BITS:
        raise Refused("is a fraction of more than 300,000 digits", "return numerator and denominator")
    return {"parts": [int_json(value.numerator), int_json(value.denominator)]}


def fraction_from(json: dict[str, Any]) -> Fraction:
    """To find its lowest terms takes hours for numbers of ten million digits."""
    numerator, denominator = map(int_from, json["parts"])
    if max(numerator.bit_length(), denominator.bit_length()) > MAX_FRACTION_BITS:
        raise ValueError("a fraction of too many digits")
    return Fraction(numerator, denominator)


def range_from(json: dict[str, Any]) -> range:
    start, stop, step = map(int_from, json["parts"])
    return range(start, stop, step)


SIMPLE: dict[type, Simple] = {
    complex: Simple(
        *("complex", "complex"),
        lambda value: {"real": float_json(value.real), "imag": float_json(value.imag)},
        lambda json: complex(float_from(json["real"]), float_from(json["imag"])),
    ),
    datetime: Simple("datetime", "datetime", datetime_fields, datetime_from),
    date: Simple("date", "date", date_fields, date_from),
    time: Simple("time", "time", time_fields, time_from),
    timedelta: Simple("timedelta", "timedelta", duration_fields, duration_from),
    Decimal: Simple(
        *("decimal", "decimal"),
        lambda value: {"value": Decimal.__str__(value)},
        lambda json: Decimal(json["value"]),
    ),
    Fraction: Simple(
        *("fraction", "fraction"),
        fraction_fields,
        fraction_from,
    ),
    UUID: Simple("uuid", "uuid", lambda value: {"value": str(value)}, lambda json: UUID(json["value"])),
    range: Simple(
        *("list", "range"),
        lambda value: {"parts": [int_json(part) for part in (value.start, value.stop, value.step)]},
        range_from,
    ),
}


def write_simple(simple: Simple, encoder: Encoder, value: Any, _depth: int) -> JSON:
    fields = simple.fields(value)
    encoder.size += 60 + sum(20 + (len(field) if isinstance(field, str) else 10) for field in fields.values())
    return marker(simple.word, simple.kind, **fields)


def read_simple(simple: Simple, _decoder: Decoder, json: dict[str, Any]) -> Any:
    return simple.value(json)


def write_itself(encoder: Encoder, value: bool | None, _depth: int) -> JSON:
    encoder.size += 5
    return value


def write_int(encoder: Encoder, value: int, _depth: int) -> JSON:
    encoder.size += 2 + int.bit_length(value) // 3
    return int_json(value)


def write_float(encoder: Encoder, value: float, _depth: int) -> JSON:
    encoder.size += 20
    return float_json(value)


def write_str(encoder: Encoder, value: str, _depth: int) -> JSON:
    value = str.__str__(value)
    size = len(value)
    if not value.isascii():
        try:
            size = len(value.encode())
        except UnicodeEncodeError:
            return _write_surrogates(encoder, value)
    if encoder.is_large(size):
        return encoder.file("str", "str", ".txt", value.encode(), value)
    encoder.size += size + 3
    return value


def _write_surrogates(encoder: Encoder, value: str) -> JSON:
    """JSON has no lone surrogates, so that they travel as Python escapes."""
    data = value.encode("unicode_escape")
    if encoder.is_large(len(data)):
        return encoder.file("str", "str", ".txt", value.encode("utf-8", "surrogatepass"), value)
    encoder.size += len(data) + 50
    return marker("str", "str", escaped=data.decode("ascii"))


def read_str(decoder: Decoder, json: dict[str, Any]) -> str:
    if "file" in json:
        return decoder.bytes_of(json).decode("utf-8", "surrogatepass")
    text: str = json["escaped"]
    return text.encode("ascii").decode("unicode_escape")


def write_bytes(encoder: Encoder, value: bytes | bytearray, _depth: int) -> JSON:
    kind = "bytearray" if isinstance(value, bytearray) else "bytes"
    data = value if type(value) is bytes else bytes(memoryview(value))
    return encoder.blob("bytes", kind, ".bin", data, value)


def write_path(encoder: Encoder, value: PurePath, depth: int) -> JSON:
    pure = "windows" if isinstance(value, PureWindowsPath) else "posix"
    flavor = "path" if isinstance(value, Path) else pure
    encoder.size += 60
    return marker("file_path", "path", path=encoder.value(str(value), depth + 1), flavor=flavor)


def read_path(decoder: Decoder, json: dict[str, Any]) -> PurePath:
    return PATHS[json["flavor"]](decoder.value(json["path"]))


def write_tuple(encoder: Encoder, value: tuple[Any, ...], depth: int) -> JSON:
    items = tuple.__getitem__(value, slice(None))
    return marker("tuple", "tuple", items=encoder.items(items, depth + 1, value))


def write_set(encoder: Encoder, value: set[Any] | frozenset[Any], depth: int) -> JSON:
    """Sorted where the items can be, so that one value has one JSON."""
    base: Any = frozenset if isinstance(value, frozenset) else set
    items = list(base.__iter__(value))
    if set(map(type, items)) in SORTABLE:
        items.sort()
    return marker("set", base.__name__, items=encoder.items(items, depth + 1, value))


def write_deque(encoder: Encoder, value: deque[Any], depth: int) -> JSON:
    items = list(deque.__iter__(value))
    return marker("list", "deque", maxlen=value.maxlen, items=encoder.items(items, depth + 1, value))


def read_deque(decoder: Decoder, json: dict[str, Any]) -> deque[Any]:
    return deque(decoder.value(json["items"]), json["maxlen"])


WRITERS: dict[type, Writer] = {
    type(None): write_itself,
    bool: write_itself,
    int: write_int,
    float: write_float,
    str: write_str,
    bytes: write_bytes,
    bytearray: write_bytes,
    PurePath: write_path,
    tuple: write_tuple,
    set: write_set,
    frozenset: write_set,
    deque: write_deque,
    **{cls: partial(write_simple, simple) for cls, simple in SIMPLE.items()},
}
READERS: dict[str, Reader] = {
    "int": lambda _decoder, json: int_from(json),
    "float": lambda _decoder, json: float_from(json),
    "str": read_str,
    "bytes": lambda decoder, json: decoder.blob(json),
    "bytearray": lambda decoder, json: bytearray(decoder.blob(json)),
    "path": read_path,
    "tuple": lambda decoder, json: tuple(decoder.value(json["items"])),
    "set": lambda decoder, json: set(decoder.value(json["items"])),
    "frozenset": lambda decoder, json: frozenset(decoder.value(json["items"])),
    "deque": read_deque,
    **{simple.kind: partial(read_simple, simple) for simple in SIMPLE.values()},
}
