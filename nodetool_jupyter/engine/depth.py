"""How deep a value may nest: what no store can keep and no other process can get is refused before a run.

Only containers are looked into, level by level and each once a level: neither depth nor a list that holds
itself, or many times another, is a danger.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from nodetool_jupyter.errors import Problem
from nodetool_jupyter.values.base import MAX_DEPTH

CONTAINERS = frozenset({list, dict, tuple})


def refuse_depth(value: Any) -> None:
    """Raises ValueError for a value that nests too deep."""
    level = [value] if type(value) in CONTAINERS else []
    for _ in range(MAX_DEPTH):
        if not level:
            return
        found = (item for container in level for item in _items(container) if type(item) in CONTAINERS)
        level = list({id(item): item for item in found}.values())
    if level:
        raise ValueError(f"is nested more than {MAX_DEPTH} levels deep (does a list hold itself?)")


def _items(container: Any) -> Any:
    return container.values() if type(container) is dict else container


def depth_problems(node_id: str, values: Mapping[str, Any]) -> Iterator[Problem]:
    """Of the dynamic properties of a node."""
    for name, value in values.items():
        try:
            refuse_depth(value)
        except ValueError as error:
            yield Problem(str(error), node_id, name)
