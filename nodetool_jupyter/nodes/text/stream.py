"""nodetool.text: streams of texts. A filter gives no output for what doesn't match."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Literal, TypedDict

from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.nodes.matching import has_match, length_test
from nodetool_jupyter.nodes.pairing import in_step
from nodetool_jupyter.nodes.text.base import TextNode

TESTS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda text, criteria: criteria in text,
    "starts_with": str.startswith,
    "ends_with": str.endswith,
}


class Passed(TypedDict):
    output: str


class Collect(TextNode, streaming_input=True):
    """Gathers all texts of a stream into one."""

    input_item: str = Field(default="", description="The texts, as they arrive.")
    separator: str = Field(default="", description="Stands between two texts.")

    async def process(self, context: ProcessingContext) -> str:
        if not self.is_connected("input_item"):
            return ""
        items = [item async for item in self.iter_input("input_item")]
        if self.is_connected("separator"):
            async for separator in self.iter_input("separator"):
                self.separator = separator
        return self.separator.join(items)


class FilterString(TextNode, streaming_input=True, passes=True):
    """Lets a text pass by what it contains or how long it is."""

    value: str = ""
    filter_type: Literal[
        "contains", "starts_with", "ends_with", "length_greater", "length_less", "exact_length"
    ] = "contains"
    criteria: str = Field(default="", description="A text, or a length.")

    async def gen_process(self, context: ProcessingContext) -> AsyncGenerator[Passed, None]:
        async for _ in in_step(self, "value", context):
            if self._matches():
                yield {"output": self.value}

    def _matches(self) -> bool:
        test = TESTS.get(self.filter_type)
        if test is None:
            return length_test(self.filter_type, len(self.value), self.criteria)
        return test(self.value, self.criteria)


class FilterRegexString(TextNode, streaming_input=True, passes=True):
    """Lets a text pass if it matches a regular expression."""

    value: str = ""
    pattern: str = ""
    full_match: bool = Field(default=False, description="Whether the whole text must match, not only a part.")

    async def gen_process(self, context: ProcessingContext) -> AsyncGenerator[Passed, None]:
        async for _ in in_step(self, "value", context):
            if has_match(self.pattern, self.value, self.full_match):
                yield {"output": self.value}
