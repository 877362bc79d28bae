"""nodetool.text: texts of parts, and parts of texts."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.nodes.text.base import TextNode


class Concat(TextNode):
    """Two texts, one after the other."""

    a: str = ""
    b: str = ""

    async def process(self, context: ProcessingContext) -> str:
        return self.a + self.b


class Join(TextNode):
    """The elements of a list as one text."""

    strings: list[Any] = Field(default=[], description="Elements that are no text are written as text.")
    separator: str = Field(default="", description="Stands between two elements.")

    async def process(self, context: ProcessingContext) -> str:
        return self.separator.join(map(str, self.strings))


class Split(TextNode):
    """The parts of a text between its delimiters."""

    text: str = ""
    delimiter: str = ","

    async def process(self, context: ProcessingContext) -> list[str]:
        if not self.delimiter:
            raise ValueError("delimiter must have at least one character")
        return self.text.split(self.delimiter)


class Chunk(TextNode):
    """A text cut into pieces of ``length`` words, which are joined by spaces."""

    text: str = ""
    length: int = Field(default=100, ge=1, le=1000, description="Words in a piece.")
    overlap: int = Field(default=0, description="Words that a piece repeats of the one before.")
    separator: str = Field(default=" ", description="What stands between two words.")

    async def process(self, context: ProcessingContext) -> list[str]:
        if not self.separator:
            raise ValueError("separator must have at least one character")
        if not 0 <= self.overlap < self.length:
            raise ValueError(
                f"overlap must be from 0 to {self.length - 1}, less than length, found {self.overlap}"
            )
        words = self.text.split(self.separator)
        return [
            " ".join(words[at : at + self.length]) for at in range(0, len(words), self.length - self.overlap)
        ]


class ToString(TextNode):
    """Any value as text."""

    value: Any = []
    mode: Literal["str", "repr"] = Field(default="str", description="repr shows texts in quotes.")

    async def process(self, context: ProcessingContext) -> str:
        return repr(self.value) if self.mode == "repr" else str(self.value)
