"""Node types that only Python cells make: containers with handles in them, constants, and inputs of any type.

A container node fires once per aligned tuple of its inputs (its graph node says ``zip_all``); the order that
the user wrote is the order in the value.
"""

# ruff: noqa: ARG002 - the engine hands the context to every node

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from nodetool_jupyter.engine.annotations import annotation_of, make_check
from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.model.types import TypeMetadata, parse_type

SLOT = "item_"
AnyTuple = Annotated[tuple[Any, ...], TypeMetadata(type="tuple")]


class CellNode(BaseNode, prefix="nodetool_jupyter.authoring", abstract=True):
    """Base of the node types that Python cells make."""


class MakeList(CellNode, dynamic=True):
    """A list; what comes from other nodes arrives at ``item_<index>`` and takes that place in ``items``."""

    items: list[Any] = Field(default_factory=list)

    async def process(self, context: ProcessingContext) -> list[Any]:
        return fill(self.items, self.dynamic_properties)


class MakeTuple(CellNode, dynamic=True):
    """A tuple; what comes from other nodes arrives at ``item_<index>`` and takes that place in ``items``."""

    items: list[Any] = Field(default_factory=list)

    async def process(self, context: ProcessingContext) -> AnyTuple:
        return tuple(fill(self.items, self.dynamic_properties))


class MakeDict(CellNode, dynamic=True):
    """A dict of ``keys`` and ``items``; what comes from other nodes arrives at ``item_<index>``."""

    keys: list[Any] = Field(default_factory=list)
    items: list[Any] = Field(default_factory=list)

    async def process(self, context: ProcessingContext) -> dict[Any, Any]:
        return dict(zip(self.keys, fill(self.items, self.dynamic_properties), strict=True))


class Value(CellNode):
    """A constant that a cell names as an output."""

    value: Any = None

    async def process(self, context: ProcessingContext) -> Any:
        return self.value


class ValueInput(CellNode, role="input"):
    """A param of a type without an input node in NodeTool; ``type_name`` is the type, as ``list[int]``."""

    name: str = ""
    value: Any = None
    description: str = ""
    type_name: str = "any"

    def accept(self, value: Any) -> Any:
        """The value as the declared type; raises ValueError where it isn't."""
        metadata = parse_type(self.type_name)
        return make_check(annotation_of(metadata), metadata)(value)

    async def process(self, context: ProcessingContext) -> Any:
        return self.value


def fill(items: Sequence[Any], arrived: Mapping[str, Any]) -> list[Any]:
    """``items`` with the values that arrived, each in its place."""
    filled = list(items)
    for name, value in arrived.items():
        filled[int(name.removeprefix(SLOT))] = value
    return filled
