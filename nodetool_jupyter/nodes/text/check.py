"""nodetool.text: what is true of a text, and where and how much of it there is."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.nodes.text.base import TextNode


class StartsWith(TextNode):
    """Whether a text starts with a prefix."""

    text: str = ""
    prefix: str = ""

    async def process(self, context: ProcessingContext) -> bool:
        return self.text.startswith(self.prefix)


class EndsWith(TextNode):
    """Whether a text ends with a suffix."""

    text: str = ""
    suffix: str = ""

    async def process(self, context: ProcessingContext) -> bool:
        return self.text.endswith(self.suffix)


class Contains(TextNode):
    """Whether a text has others in it."""

    text: str = ""
    substring: str = ""
    search_values: list[str] = Field(
        default=[], description="Several texts to look for, in place of substring."
    )
    case_sensitive: bool = True
    match_mode: Literal["any", "all", "none"] = Field(
        default="any", description="How many of the texts must be found."
    )

    async def process(self, context: ProcessingContext) -> bool:
        text = cased(self.text, self.case_sensitive)
        wanted = self.search_values or [self.substring]
        found = (cased(value, self.case_sensitive) in text for value in wanted)
        if self.match_mode == "all":
            return all(found)
        return any(found) == (self.match_mode == "any")


class Equals(TextNode):
    """Whether two texts are the same."""

    text_a: str = ""
    text_b: str = ""
    case_sensitive: bool = True
    trim_whitespace: bool = Field(default=False, description="Whether white space at the ends is left out.")

    async def process(self, context: ProcessingContext) -> bool:
        first, second = (
            comparable(text, self.case_sensitive, self.trim_whitespace) for text in (self.text_a, self.text_b)
        )
        return first == second


class Compare(TextNode):
    """Whether the first of two texts comes before the second: ``less``, ``equal`` or ``greater``."""

    text_a: str = ""
    text_b: str = ""
    case_sensitive: bool = True
    trim_whitespace: bool = Field(default=False, description="Whether white space at the ends is left out.")

    async def process(self, context: ProcessingContext) -> str:
        first, second = (
            comparable(text, self.case_sensitive, self.trim_whitespace) for text in (self.text_a, self.text_b)
        )
        if first == second:
            return "equal"
        return "less" if first < second else "greater"


class IsEmpty(TextNode):
    """Whether there is nothing in a text."""

    text: str = ""
    trim_whitespace: bool = Field(default=True, description="Whether white space counts as nothing.")

    async def process(self, context: ProcessingContext) -> bool:
        return not (self.text.strip() if self.trim_whitespace else self.text)


class HasLength(TextNode):
    """Whether a text has as many characters as asked for; a bound of 0 asks for nothing."""

    text: str = ""
    min_length: int = 0
    max_length: int = 0
    exact_length: int = Field(default=0, description="Where given, the other two don't count.")

    async def process(self, context: ProcessingContext) -> bool:
        length = len(self.text)
        if self.exact_length:
            return length == self.exact_length
        return self.min_length <= length and (not self.max_length or length <= self.max_length)


class Length(TextNode):
    """How long a text is."""

    text: str = ""
    measure: Literal["characters", "words", "lines"] = Field(
        default="characters", description="What is counted."
    )
    trim_whitespace: bool = Field(
        default=False, description="Whether white space at the ends and empty lines are left out."
    )

    async def process(self, context: ProcessingContext) -> int:
        text = self.text.strip() if self.trim_whitespace else self.text
        if self.measure == "words":
            return len(text.split())
        if self.measure == "lines":
            return sum(1 for line in text.splitlines() if line or not self.trim_whitespace)
        return len(text)


class IndexOf(TextNode):
    """The position at which another text stands in a text; -1 where it doesn't."""

    text: str = ""
    substring: str = ""
    case_sensitive: bool = True
    start_index: int = Field(default=0, ge=0, description="Where the search begins.")
    end_index: int = Field(default=0, description="Where the search ends; 0 stands for the end of the text.")
    search_from_end: bool = Field(
        default=False, description="Whether the last place is wanted, not the first."
    )

    async def process(self, context: ProcessingContext) -> int:
        text, wanted = (cased(text, self.case_sensitive) for text in (self.text, self.substring))
        find = text.rfind if self.search_from_end else text.find
        return find(wanted, self.start_index, self.end_index or len(text))


def cased(text: str, case_sensitive: bool) -> str:
    """The text, in small letters where the case doesn't matter."""
    return text if case_sensitive else text.lower()


def comparable(text: str, case_sensitive: bool, trim_whitespace: bool) -> str:
    """The text as it is compared."""
    return cased(text.strip() if trim_whitespace else text, case_sensitive)
