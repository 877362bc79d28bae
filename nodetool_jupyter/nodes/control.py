"""nodetool.control: branches and loops."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any, TypedDict

from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.nodes.pairing import in_step


class ControlNode(BaseNode, prefix="nodetool.control", abstract=True):
    """Base of the family."""


class Branches(TypedDict, total=False):
    if_true: Any
    if_false: Any


class If(ControlNode, streaming_input=True, passes=True):
    """Sends a value down one of two branches; the other one gets nothing.

    Streams are paired in order: the first value with the first condition, and so on. When the conditions have
    ended, the last one holds for the values that are left; a single value is sent again for each condition.
    """

    condition: bool = False
    value: Any = Field(default=[], description="What is sent on.")

    async def gen_process(self, context: ProcessingContext) -> AsyncGenerator[Branches, None]:
        async for _ in in_step(self, "value", context):
            yield {"if_true": self.value} if self.condition else {"if_false": self.value}


class ForEach(ControlNode):
    """Sends on the items of a list, one after the other, each with its index."""

    input_list: list[Any] = Field(default=[], description="The list to go through.")

    class OutputType(TypedDict):
        output: Any
        index: int

    async def gen_process(self, context: ProcessingContext) -> AsyncGenerator[OutputType, None]:
        for index, item in enumerate(self.input_list):
            yield {"output": item, "index": index}


class Collect(ControlNode, streaming_input=True):
    """Gathers all items of a stream into one list."""

    input_item: Any = Field(default=[], description="The items, as they arrive.")

    async def process(self, context: ProcessingContext) -> list[Any]:
        if not self.is_connected("input_item"):
            return []
        return [item async for item in self.iter_input("input_item")]


class Reroute(ControlNode):
    """Passes each value on as it is; it keeps a drawing tidy."""

    input_value: Any = []

    async def process(self, context: ProcessingContext) -> Any:
        return self.input_value
