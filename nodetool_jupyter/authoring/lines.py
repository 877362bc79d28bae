"""Where the nodes of a JSON or YAML text stand, so that a problem of a node can name its line.

The text is only looked through once somebody asks: most have no problem. It has been read before, within
bounds, so it is known to be well-formed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

from nodetool_jupyter.errors import Problem

TOKEN = re.compile(r'(?P<key>"(?:[^"\\]|\\.)*")(?=\s*:)|"(?:[^"\\]|\\.)*"|[\[\]{}\n]')
OPENING: dict[str, str | None] = {"[": None, "{": ""}
Path = tuple[str | None, ...]
IDS: tuple[Path, ...] = (("nodes", None, "id"), ("graph", "nodes", None, "id"))
"""Where ids of nodes stand, in a graph and in a workflow; None for a list's items."""


class NodeLines(Mapping[str, int]):
    """Node id → the line, from 1, on which the text has that id."""

    def __init__(self, text: str, kind: str) -> None:
        self._text = text
        self._kind = kind

    @cached_property
    def _lines(self) -> dict[str, int]:
        found: dict[str, int] = {}
        ids = json_ids(self._text) if self._kind == "json" else yaml_ids(self._text)
        for node_id, line in ids:
            found.setdefault(node_id, line)
        return found

    def __getitem__(self, node_id: str) -> int:
        return self._lines[node_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)


def placed(problems: Iterable[Problem], lines: Mapping[str, int], where: str) -> list[Problem]:
    """The problems, with the lines of their nodes in ``where``: a cell, or a file."""
    return [
        problem
        if (line := lines.get(problem.node_id or "")) is None
        else replace(problem, message=f"{problem.message} (line {line} of {where})")
        for problem in problems
    ]


def json_ids(text: str) -> Iterator[tuple[str, int]]:
    """(id, line) of the nodes of a JSON text, in its order."""
    line = 1
    path: list[str | None] = []
    for match in TOKEN.finditer(text):
        piece = match[0]
        if piece in OPENING:
            path.append(OPENING[piece])
        elif piece in ("]", "}"):
            path.pop()
        elif piece == "\n":
            line += 1
        elif match["key"] is not None:
            path[-1] = json.loads(match["key"])
        elif tuple(path) in IDS:
            yield json.loads(piece), line


def yaml_ids(text: str) -> Iterator[tuple[str, int]]:
    """(id, line) of the nodes of a YAML text, in its order."""
    from nodetool_jupyter.authoring.yaml_text import compose

    root = compose(text)
    graph = _value(root, "graph") or root
    nodes = _value(graph, "nodes")
    for node in nodes.value if isinstance(getattr(nodes, "value", None), list) else ():
        found = _value(node, "id")
        if found is not None and isinstance(found.value, str):
            yield found.value, found.start_mark.line + 1


def _value(mapping: Any, name: str) -> Any:
    pairs = getattr(mapping, "value", None)
    for pair in pairs if isinstance(pairs, list) else ():
        if isinstance(pair, tuple) and pair[0].value == name:
            return pair[1]
    return None
