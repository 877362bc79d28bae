"""How deep a value may nest, and how often hold the same: what no store can keep and no other process can get
is refused before a run.

Only containers are looked into, level by level and each once a level: neither depth nor a list that holds
itself, or many times another, is a danger here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from nodetool_jupyter.errors import Problem
from nodetool_jupyter.values.base import MAX_DEPTH

CONTAINERS = frozenset({list, dict, tuple})
MOST_REPEATED = 10_000_000
"""Values that are written out more than once."""


def refuse_depth(value: Any) -> None:
    """Raises ValueError for a value that nests too deep, or is small in memory alone: lists that hold each
    other twice at every level are written out as more than any disk holds.
    """
    level = {id(value): (value, 1)} if type(value) in CONTAINERS else {}
    repeated = 0
    for _ in range(MAX_DEPTH):
        if not level:
            return
        found: dict[int, tuple[Any, int]] = {}
        for container, times in level.values():
            repeated += (times - 1) * len(container)
            for item in _items(container):
                if type(item) in CONTAINERS:
                    found[id(item)] = (item, times + found.get(id(item), (item, 0))[1])
        if repeated > MOST_REPEATED:
            raise ValueError(f"holds the same values again and again, more than {MOST_REPEATED:,} in all")
        level = found
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
