"""Entries: what stands in a field of a form, as it is typed or chosen, and the values that it stands for."""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from nodetool_jupyter.nodes.fields import file_uri

JSON_CHARS = 200_000
"""Text up to which a value can be edited as JSON; a larger one stays the workflow's own."""
ADDRESSES = ("data:", "/api/storage/")
"""What begins an address that has no host."""
SHOWN = 200


class Kind(str, Enum):
    """What a field is, and so what its entry is: a text, but where another type is named."""

    TEXT = "text"
    PARAGRAPH = "paragraph"
    NUMBER = "number"
    SLIDER = "slider"
    """Its entry is a number."""
    SWITCH = "switch"
    """Its entry is a bool."""
    CHOICE = "choice"
    """Its entry is one of ``choices``, or None."""
    DATE = "date"
    """Its entry is a date, or None."""
    PATH = "path"
    ASSET = "asset"
    """Its entry is a path or an address, or an Upload."""
    LINES = "lines"
    """A text an item, or JSON."""
    JSON = "json"


class _Unset:
    def __repr__(self) -> str:
        return "the workflow's own value"


UNSET: Any = _Unset()
"""What a field gives that leaves the workflow its own value."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came through the page."""

    name: str
    data: bytes


def is_number(value: Any) -> bool:
    """Whether a value is a finite number, and no larger than a float can be."""
    try:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:
        return False


def entry_of(kind: Kind, value: Any) -> Any:
    """A value as an entry of a kind; raises ValueError where there is none."""
    if value is None and kind in (Kind.SLIDER, Kind.SWITCH):
        raise ValueError("it can't be left open")
    if value is None and kind is not Kind.JSON:
        return None if kind in (Kind.DATE, Kind.CHOICE) else ""
    if kind in (Kind.SLIDER, Kind.NUMBER, Kind.SWITCH):
        return _scalar(kind, value)
    if kind is Kind.DATE and not isinstance(value, datetime.date):
        return datetime.date.fromisoformat(str(value))
    if kind in (Kind.CHOICE, Kind.DATE):
        return value
    if kind is Kind.ASSET:
        return _asset_entry(value)
    if kind in (Kind.LINES, Kind.JSON):
        return "\n".join(value) if kind is Kind.LINES and _is_lines(value) else _json(value)
    return value.isoformat() if isinstance(value, datetime.date) else str(value)


def _scalar(kind: Kind, value: Any) -> Any:
    if not (isinstance(value, bool) if kind is Kind.SWITCH else is_number(value)):
        raise ValueError(f"it is a {type(value).__name__}")
    return str(value) if kind is Kind.NUMBER else value


def _is_lines(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(
        isinstance(item, str) and item.strip() and "\n" not in item and not item.lstrip().startswith("[")
        for item in value
    )


def _json(value: Any) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        raise ValueError(f"it is a {type(value).__name__} that can't be written as JSON") from None
    if len(text) > JSON_CHARS:
        raise ValueError("it is too large to be edited")
    return text


def reference(entry: Any, kind: str) -> Any:
    """A reference to a file as NodeTool has it."""
    if isinstance(entry, Upload):
        return {"type": kind, "uri": "", "data": entry.data, "metadata": {"name": entry.name}}
    uri = entry.strip()
    if "://" not in uri and not uri.startswith(ADDRESSES):
        try:
            path = Path(uri).expanduser()
            is_there = path.is_file()
        except (OSError, RuntimeError, ValueError):  # too long for a name, or of a user who isn't there
            is_there = False
        if not is_there:
            raise ValueError(f"there is no file {uri[:SHOWN]}")
        uri = file_uri(path)
    return {"type": kind, "uri": uri}


def _asset_entry(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    found = value if isinstance(value, Mapping) else {"data": value}
    data = found.get("data")
    if isinstance(data, bytes):
        about = found.get("metadata")
        name = about.get("name") if isinstance(about, Mapping) else None
        return Upload(str(name or "as before"), data)
    if data is not None:
        raise ValueError(f"it is a {type(value).__name__}, not a file")
    return str(found.get("uri") or "")
