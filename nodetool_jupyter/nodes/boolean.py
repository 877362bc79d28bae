"""nodetool.boolean: conditions and choices."""

from __future__ import annotations

import operator
from typing import Any, Literal

from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.node import BaseNode

COMPARISONS = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}


class BooleanNode(BaseNode, prefix="nodetool.boolean", abstract=True):
    """Base of the family."""


class All(BooleanNode):
    """Whether every value is true; so it is for an empty list."""

    values: list[bool] = []

    async def process(self, context: ProcessingContext) -> bool:
        return all(self.values)


class Some(BooleanNode):
    """Whether at least one value is true."""

    values: list[bool] = []

    async def process(self, context: ProcessingContext) -> bool:
        return any(self.values)


class Not(BooleanNode):
    """The opposite of a condition."""

    value: bool = False

    async def process(self, context: ProcessingContext) -> bool:
        return not self.value


class LogicalOperator(BooleanNode):
    """Two conditions made one."""

    a: bool = False
    b: bool = False
    operation: Literal["and", "or", "xor", "nand", "nor"] = "and"

    async def process(self, context: ProcessingContext) -> bool:
        both, either = self.a and self.b, self.a or self.b
        results = {"and": both, "or": either, "xor": either and not both, "nand": not both, "nor": not either}
        return results[self.operation]


class Compare(BooleanNode):
    """Whether the comparison of two numbers holds."""

    a: int | float = 0
    b: int | float = 0
    comparison: Literal["==", "!=", ">", "<", ">=", "<="] = "=="

    async def process(self, context: ProcessingContext) -> bool:
        return bool(COMPARISONS[self.comparison](self.a, self.b))


class ConditionalSwitch(BooleanNode):
    """One of two values, by a condition."""

    condition: bool = False
    if_true: Any = Field(default=[], description="The result where the condition holds.")
    if_false: Any = Field(default=[], description="The result where it doesn't.")

    async def process(self, context: ProcessingContext) -> Any:
        return self.if_true if self.condition else self.if_false


class IsNone(BooleanNode):
    """Whether there is no value."""

    value: Any = []

    async def process(self, context: ProcessingContext) -> bool:
        return self.value is None


class IsIn(BooleanNode):
    """Whether a value is among the options."""

    value: Any = []
    options: list[Any] = []

    async def process(self, context: ProcessingContext) -> bool:
        return self.value in self.options
