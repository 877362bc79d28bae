"""nodetool.numbers: filters for streams of numbers. What doesn't match gives no output."""

from __future__ import annotations

import operator
from collections.abc import AsyncGenerator, Callable
from typing import Literal, TypedDict

from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.nodes.fields import Number
from nodetool_jupyter.nodes.pairing import in_step

NumberFilter = Literal["greater_than", "less_than", "equal_to", "even", "odd", "positive", "negative"]

TESTS: dict[str, Callable[[float, float], bool]] = {
    "greater_than": operator.gt,
    "less_than": operator.lt,
    "equal_to": operator.eq,
    "even": lambda number, _: number % 2 == 0,
    "odd": lambda number, _: number % 2 == 1,
    "positive": lambda number, _: number > 0,
    "negative": lambda number, _: number < 0,
}


class Passed(TypedDict):
    output: Number


class FilterNumber(BaseNode, prefix="nodetool.numbers", streaming_input=True, passes=True):
    """Lets a number pass if it has a property, or compares so with ``compare_value``."""

    value: Number = 0.0
    filter_type: NumberFilter = "greater_than"
    compare_value: Number = Field(default=0, description="Used by greater_than, less_than and equal_to.")

    async def gen_process(self, context: ProcessingContext) -> AsyncGenerator[Passed, None]:
        async for _ in in_step(self, "value", context):
            if TESTS[self.filter_type](self.value, self.compare_value):
                yield {"output": self.value}


class FilterNumberRange(BaseNode, prefix="nodetool.numbers", streaming_input=True, passes=True):
    """Lets a number pass if it lies between two bounds."""

    value: Number = 0.0
    min_value: Number = 0
    max_value: Number = 0
    inclusive: bool = Field(default=True, description="Whether the bounds themselves pass.")

    async def gen_process(self, context: ProcessingContext) -> AsyncGenerator[Passed, None]:
        async for _ in in_step(self, "value", context):
            if is_between(self.value, self.min_value, self.max_value, self.inclusive):
                yield {"output": self.value}


def is_between(number: float, low: float, high: float, inclusive: bool) -> bool:
    """Whether a number lies between two bounds."""
    return low <= number <= high if inclusive else low < number < high
