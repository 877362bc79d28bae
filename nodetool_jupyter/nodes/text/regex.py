"""nodetool.text: regular expressions."""

from __future__ import annotations

import re
import sys
from typing import Any

from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.nodes.matching import compiled, shortened
from nodetool_jupyter.nodes.text.base import TextNode


class FlaggedNode(TextNode, abstract=True):
    """Base of those with flags."""

    text: str = ""
    regex: str = ""
    dotall: bool = Field(default=False, description="Whether a dot stands for a line break too.")
    ignorecase: bool = False
    multiline: bool = Field(default=False, description="Whether ^ and $ stand for the ends of each line.")

    def _expression(self) -> re.Pattern[str]:
        return compiled(self.regex, dotall=self.dotall, ignorecase=self.ignorecase, multiline=self.multiline)


class ExtractRegex(FlaggedNode):
    """What the groups of a regular expression match at its first place; nothing where there is none."""

    def process(self, context: ProcessingContext) -> list[str]:
        match = self._expression().search(self.text)
        return list(match.groups()) if match else []


class FindAllRegex(FlaggedNode):
    """All that a regular expression matches: texts, or with several groups a list of texts for each place."""

    def process(self, context: ProcessingContext) -> list[str]:
        matches = self._expression().findall(self.text)
        found: list[Any] = [list(match) if isinstance(match, tuple) else match for match in matches]
        return found


class RegexMatch(TextNode):
    """What a group of a regular expression matches, at each place."""

    text: str = ""
    pattern: str = ""
    group: int = Field(default=0, description="Which group; 0 is the whole match.")

    def process(self, context: ProcessingContext) -> list[str]:
        expression = compiled(self.pattern)
        if not 0 <= self.group <= expression.groups:
            raise ValueError(
                f"{shortened(self.pattern)} has {expression.groups} groups, and no group {self.group}"
            )
        return [match[self.group] for match in expression.finditer(self.text)]


class RegexReplace(TextNode):
    """The text with a replacement in place of what a regular expression matches."""

    text: str = ""
    pattern: str = ""
    replacement: str = Field(default="", description=r"May name groups: \1 or \g<name>.")
    count: int = Field(default=0, description="How many places at most; 0 for all.")

    def process(self, context: ProcessingContext) -> str:
        expression = compiled(self.pattern)
        try:
            return expression.sub(self.replacement, self.text, count=_at_most("count", self.count))
        except (re.error, IndexError) as error:
            raise ValueError(f"{shortened(self.replacement)} can't be the replacement: {error}") from None


class RegexSplit(TextNode):
    """The parts of a text between the matches of a regular expression, and what its groups match there."""

    text: str = ""
    pattern: str = ""
    maxsplit: int = Field(default=0, description="How many places at most; 0 for all.")

    def process(self, context: ProcessingContext) -> list[str]:
        return compiled(self.pattern).split(self.text, maxsplit=_at_most("maxsplit", self.maxsplit))


class RegexValidate(TextNode):
    """Whether a regular expression matches at the start of a text; end it with ``$`` to match all of it."""

    text: str = ""
    pattern: str = ""

    def process(self, context: ProcessingContext) -> bool:
        return bool(compiled(self.pattern).match(self.text))


def _at_most(name: str, number: int) -> int:
    if number < 0:
        raise ValueError(f"{name} must be at least 0, which stands for all, found {number}")
    return min(number, sys.maxsize)
