"""Arguments of a node call, before they become properties and edges: values, wires, boxes that hold wires.

Containers are copied here, because the cell may change its own list before the graph runs.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nodetool_jupyter.authoring.handle import Handle, Wire, source_of, wire_of
from nodetool_jupyter.model.types import TypeMetadata, fits, gathers, type_of_value

DEPTH = 100
CONTAINERS: dict[type, str] = {list: "MakeList", tuple: "MakeTuple", dict: "MakeDict"}
LAZY = (types.GeneratorType, types.AsyncGeneratorType, map, filter, zip)


@dataclass(frozen=True, slots=True)
class Box:
    """A list, tuple or dict with wires in it, which a node of the graph puts together."""

    kind: type
    items: list[Any]
    keys: list[Any] | None = None

    @property
    def node_class(self) -> str:
        """The name of the node type that makes it."""
        return CONTAINERS[self.kind]

    @property
    def type(self) -> TypeMetadata:
        """Its type, with the elements' as far as they are known."""
        if self.kind is not list:
            return TypeMetadata(type=self.kind.__name__)
        found = list(dict.fromkeys(type_of_part(item) for item in self.items))
        element = found[0] if len(found) == 1 else TypeMetadata(type="union", type_args=tuple(found))
        return TypeMetadata(type="list", type_args=(element,))


def prepare(value: Any, owner: object, depth: int = 0) -> Any:
    """A Wire for a handle, a Box for a container with handles in it, else the value (containers as copies).

    ``owner`` is the builder whose handles are welcome. Raises ValueError for what can't be in a graph.
    """
    if depth > DEPTH:
        raise ValueError(f"a value is nested more than {DEPTH} levels deep (does a list hold itself?)")
    if isinstance(value, Handle):
        if source_of(value).owner is not owner:
            raise ValueError(
                f"{value!r} is of another cell; make the node in this one, or use that job's result"
            )
        return wire_of(value)
    if isinstance(value, (list, tuple)):
        return _prepare_sequence(value, owner, depth)
    if isinstance(value, dict):
        return _prepare_dict(value, owner, depth)
    _refuse_unordered(value)
    return value


def _refuse_unordered(value: Any) -> None:
    if isinstance(value, (set, frozenset)) and any(isinstance(item, Handle) for item in value):
        raise ValueError("a set of handles has no order; use a list")
    if isinstance(value, LAZY):
        raise ValueError(f"a {type(value).__name__} can be read only once; make it a list")  # noqa: TRY004
    if isinstance(value, types.CoroutineType):
        raise ValueError("a coroutine can't be kept in a graph; await it first")  # noqa: TRY004


def _prepare_sequence(value: list[Any] | tuple[Any, ...], owner: object, depth: int) -> Any:
    parts = [prepare(item, owner, depth + 1) for item in value]
    kind = list if isinstance(value, list) else tuple
    if any(map(holds_wires, parts)):
        return Box(kind, parts)
    if type(value) is list:
        return parts
    return tuple(parts) if type(value) is tuple else value


def _prepare_dict(value: dict[Any, Any], owner: object, depth: int) -> Any:
    if any(isinstance(key, Handle) for key in value):
        raise ValueError("a handle can't be the key of a dict; its value isn't known yet")
    parts = {key: prepare(item, owner, depth + 1) for key, item in value.items()}
    if any(map(holds_wires, parts.values())):
        return Box(dict, list(parts.values()), list(parts))
    return parts if type(value) is dict else value


def type_of_part(part: Any) -> TypeMetadata:
    """The type of what a part will be."""
    return part.type if isinstance(part, (Wire, Box)) else type_of_value(part)


def misfit(part: Any, target: TypeMetadata, check: Callable[[Any], Any]) -> str | None:
    """Why a part can't go into an input of type ``target``, or None."""
    if isinstance(part, (Wire, Box)):
        # A tuple or dict that was written out is one value, as it would be without handles in it.
        fit = fits(part.type, target) and not (isinstance(part, Box) and gathers(part.type, target))
        return None if fit else f"expected {target}, found a {part.type}"
    try:
        check(part)
    except (ValueError, TypeError) as error:
        return str(error)
    return None


def holds_wires(part: Any) -> bool:
    """Whether a part needs edges."""
    return isinstance(part, (Wire, Box))
