"""Paths into JSON data: ``users.0.name``, ``users[0].name``, or a JSONPath, which begins with ``$``."""

from __future__ import annotations

import re
from typing import Any

from nodetool_jupyter.nodes.matching import shortened
from nodetool_jupyter.nodes.packages import need

MISSING = object()
STEP = re.compile(r"\.?(?:\[(?:(-?\d{1,9})|'([^']*)'|\"([^\"]*)\")\]|([^.\[\]]+))")


def find(data: Any, path: str) -> Any:
    """What is at the path, the first of several, or MISSING; an empty path is that of the data itself."""
    path = path.strip()
    if path.startswith("$"):
        found = next(iter(json_path(path).find(data)), None)
        return MISSING if found is None else found.value
    for step in steps(path):
        data = _member(data, step)
        if data is MISSING:
            return MISSING
    return data


def steps(path: str) -> list[str | int]:
    """The keys and positions of a path; ValueError where it can't be read."""
    found: list[str | int] = []
    place = 0
    while place < len(path):
        match = STEP.match(path, place)
        if match is None:
            raise ValueError(f"{shortened(path)} can't be read as a path, from character {place + 1} on")
        index, single, double, key = match.groups()
        found.append(
            int(index)
            if index is not None
            else next(name for name in (single, double, key) if name is not None)
        )
        place = match.end()
    return found


def json_path(text: str) -> Any:
    """The JSONPath; ValueError where it is none."""
    parse = need("jsonpath_ng.parser", "jsonpath-ng", "text").parse
    from jsonpath_ng.exceptions import JSONPathError

    try:
        return parse(text)
    except (JSONPathError, RecursionError) as error:
        raise ValueError(f"{shortened(text)} is no JSONPath: {error}") from None


def _member(data: Any, step: str | int) -> Any:
    if isinstance(data, dict):
        return data.get(step, data.get(str(step), MISSING))
    if isinstance(data, (list, tuple)) and re.fullmatch(r"-?\d{1,9}", str(step)):
        index = int(step)
        return data[index] if -len(data) <= index < len(data) else MISSING
    return MISSING
