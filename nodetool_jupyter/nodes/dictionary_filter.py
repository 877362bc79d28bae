"""nodetool.dictionary.Filter…: filters for streams of dictionaries. What doesn't match gives no output.

A dictionary without the key doesn't match.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Any, Literal, TypedDict, TypeGuard

from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.nodes.fields import Number, PlainDict
from nodetool_jupyter.nodes.matching import has_match, length_test
from nodetool_jupyter.nodes.numbers import TESTS, NumberFilter, is_between
from nodetool_jupyter.nodes.pairing import in_step

TextTest = Callable[[Any, str], bool]

TEXT_TESTS: dict[str, TextTest] = {
    "contains": lambda value, criteria: criteria in str(value),
    "starts_with": lambda value, criteria: str(value).startswith(criteria),
    "ends_with": lambda value, criteria: str(value).endswith(criteria),
    "equals": lambda value, criteria: str(value) == criteria,
    "type_is": lambda value, criteria: type(value).__name__ == criteria,
}


class Passed(TypedDict):
    output: PlainDict


class FilterNode(BaseNode, prefix="nodetool.dictionary", streaming_input=True, passes=True, abstract=True):
    """Base of the filters."""

    value: PlainDict = {}

    async def gen_process(self, context: ProcessingContext) -> AsyncGenerator[Passed, None]:
        async for _ in in_step(self, "value", context):
            if self.matches():
                yield {"output": self.value}

    def matches(self) -> bool:
        """Whether the dictionary passes."""
        raise NotImplementedError


class FilterDictByValue(FilterNode):
    """Lets a dictionary pass by the text, type or length of one of its values."""

    key: str = ""
    filter_type: Literal[
        "contains", "starts_with", "ends_with", "equals", "type_is",
        "length_greater", "length_less", "exact_length",
    ] = "contains"  # fmt: skip
    criteria: str = Field(default="", description="A text, the name of a Python type, or a length.")

    def matches(self) -> bool:
        if self.key not in self.value:
            return False
        value = self.value[self.key]
        if self.filter_type in TEXT_TESTS:
            return TEXT_TESTS[self.filter_type](value, self.criteria)
        return hasattr(value, "__len__") and length_test(self.filter_type, len(value), self.criteria)


class FilterDictByNumber(FilterNode):
    """Lets a dictionary pass if one of its numbers has a property, or compares so with ``compare_value``."""

    key: str = ""
    filter_type: NumberFilter = "greater_than"
    compare_value: Number = Field(default=0, description="Used by greater_than, less_than and equal_to.")

    def matches(self) -> bool:
        number = self.value.get(self.key)
        return is_number(number) and TESTS[self.filter_type](number, self.compare_value)


class FilterDictByRange(FilterNode):
    """Lets a dictionary pass if one of its numbers lies between two bounds."""

    key: str = ""
    min_value: Number = 0
    max_value: Number = 0
    inclusive: bool = Field(default=True, description="Whether the bounds themselves pass.")

    def matches(self) -> bool:
        number = self.value.get(self.key)
        return is_number(number) and is_between(number, self.min_value, self.max_value, self.inclusive)


class FilterDictRegex(FilterNode):
    """Lets a dictionary pass if one of its values, as text, matches a regular expression."""

    key: str = ""
    pattern: str = ""
    full_match: bool = Field(default=False, description="Whether the whole text must match, not only a part.")

    def matches(self) -> bool:
        return self.key in self.value and has_match(self.pattern, str(self.value[self.key]), self.full_match)


class FilterDictByQuery(FilterNode):
    """Lets a dictionary pass if a condition on its values holds, such as ``age > 30 and city == 'Rome'``."""

    condition: str = Field(default="", description="Where empty, every dictionary passes.")

    def matches(self) -> bool:
        if not self.condition.strip():
            return True
        import pandas as pd

        from nodetool_jupyter.nodes.data_condition import matching_rows

        return bool(matching_rows(pd.DataFrame([self.value]), self.condition).iloc[0])


def is_number(value: Any) -> TypeGuard[float]:
    """Whether it is an int or float; bool is neither."""
    return isinstance(value, int | float) and not isinstance(value, bool)
