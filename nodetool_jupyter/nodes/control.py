"""nodetool.control: branches and loops."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, TypedDict

from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.node import BaseNode

_END = object()


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
        async for value, condition in self._pairs(context):
            yield {"if_true": value} if condition else {"if_false": value}

    async def _pairs(self, context: ProcessingContext) -> AsyncIterator[tuple[Any, bool]]:
        has_condition = self.is_connected("condition")
        if not self.is_connected("value"):
            conditions = self.iter_input("condition") if has_condition else _once(self.condition)
            async for condition in conditions:
                yield self.value, condition
        elif not has_condition:
            async for value in self.iter_input("value"):
                yield value, self.condition
        else:
            async for pair in self._paired(context):
                yield pair

    async def _paired(self, context: ProcessingContext) -> AsyncIterator[tuple[Any, bool]]:
        conditions = aiter(self.iter_input("condition"))
        condition: Any = _END
        value: Any = None
        count = 0
        async for value in self.iter_input("value"):
            following = await anext(conditions, _END)
            condition = condition if following is _END else following
            if condition is _END:
                context.log("no condition has arrived: the value was dropped", "warning")
                return
            count += 1
            yield value, condition
        async for further in conditions:
            if count != 1:
                context.log(
                    f"{count} values were routed, the conditions that followed were dropped", "warning"
                )
                return
            yield value, further


async def _once(value: Any) -> AsyncIterator[Any]:
    yield value


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
