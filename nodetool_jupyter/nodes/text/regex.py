"""nodetool.text: regular expressions."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.model.types import parse_type
from nodetool_jupyter.nodes.matching import compiled, in_time, shortened
from nodetool_jupyter.nodes.text.base import TextNode

if TYPE_CHECKING:
    from regex import Pattern

Groups = Annotated[list[str | None], parse_type("list[str]")]
"""What groups match; None for one that takes no part. NodeTool calls it a list of texts."""
Places = Annotated[list[str] | list[list[str]], parse_type("list[str]")]


class FlaggedNode(TextNode, abstract=True):
    """Base of those with flags."""

    text: str = ""
    regex: str = ""
    dotall: bool = Field(default=False, description="Whether a dot stands for a line break too.")
    ignorecase: bool = False
    multiline: bool = Field(default=False, description="Whether ^ and $ stand for the ends of each line.")

    def _expression(self) -> Pattern[str]:
        flags = re.DOTALL * self.dotall | re.IGNORECASE * self.ignorecase | re.MULTILINE * self.multiline
        return compiled(self.regex, int(flags))


class ExtractRegex(FlaggedNode):
    """What the groups of a regular expression match at its first place; nothing where there is none."""

    def process(self, context: ProcessingContext) -> Groups:
        expression = self._expression()
        match = in_time(self.text, lambda limit: expression.search(self.text, timeout=limit))
        return list(match.groups()) if match else []


class FindAllRegex(FlaggedNode):
    """All that a regular expression matches: texts, or with several groups a list of texts for each place."""

    def process(self, context: ProcessingContext) -> Places:
        expression = self._expression()
        matches = in_time(self.text, lambda limit: expression.findall(self.text, timeout=limit))
        found: list[Any] = [list(match) if isinstance(match, tuple) else match for match in matches]
        return found


class RegexMatch(TextNode):
    """What a group of a regular expression matches, at each place."""

    text: str = ""
    pattern: str = ""
    group: int = Field(default=0, description="Which group; 0 is the whole match.")

    def process(self, context: ProcessingContext) -> Groups:
        expression = compiled(self.pattern)
        if not 0 <= self.group <= expression.groups:
            raise ValueError(
                f"{shortened(self.pattern)} has {expression.groups} groups, and no group {self.group}"
            )
        return in_time(
            self.text,
            lambda limit: [match[self.group] for match in expression.finditer(self.text, timeout=limit)],
        )


class RegexReplace(TextNode):
    """The text with a replacement in place of what a regular expression matches."""

    text: str = ""
    pattern: str = ""
    replacement: str = Field(default="", description=r"May name groups: \1 or \g<name>.")
    count: int = Field(default=0, description="How many places at most; 0 for all.")

    def process(self, context: ProcessingContext) -> str:
        expression = compiled(self.pattern)
        count = _at_most("count", self.count)
        try:
            re.sub(self.pattern, self.replacement, "")  # Python says what is wrong with it
        except (re.error, IndexError) as error:
            raise ValueError(f"{shortened(self.replacement)} can't be the replacement: {error}") from None
        return in_time(
            self.text,
            lambda limit: expression.sub(self.replacement, self.text, count=count, timeout=limit),
        )


class RegexSplit(TextNode):
    """The parts of a text between the matches of a regular expression, and what its groups match there."""

    text: str = ""
    pattern: str = ""
    maxsplit: int = Field(default=0, description="How many places at most; 0 for all.")

    def process(self, context: ProcessingContext) -> Groups:
        expression = compiled(self.pattern)
        count = _at_most("maxsplit", self.maxsplit)
        return in_time(self.text, lambda limit: expression.split(self.text, maxsplit=count, timeout=limit))


class RegexValidate(TextNode):
    """Whether a regular expression matches at the start of a text; end it with ``$`` to match all of it."""

    text: str = ""
    pattern: str = ""

    def process(self, context: ProcessingContext) -> bool:
        expression = compiled(self.pattern)
        return in_time(self.text, lambda limit: expression.match(self.text, timeout=limit)) is not None


def _at_most(name: str, number: int) -> int:
    if number < 0:
        raise ValueError(f"{name} must be at least 0, which stands for all, found {number}")
    return min(number, sys.maxsize)
