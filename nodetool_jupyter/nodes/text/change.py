"""nodetool.text: one text made into another."""

from __future__ import annotations

import re
import string
import unicodedata
from typing import Literal

from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.nodes.list import part
from nodetool_jupyter.nodes.text.base import MAX_LENGTH, TextNode


class ToUppercase(TextNode):
    """The text in capital letters."""

    text: str = ""

    async def process(self, context: ProcessingContext) -> str:
        return self.text.upper()


class ToLowercase(TextNode):
    """The text in small letters."""

    text: str = ""

    async def process(self, context: ProcessingContext) -> str:
        return self.text.lower()


class ToTitlecase(TextNode):
    """The text with each word capitalized."""

    text: str = ""

    async def process(self, context: ProcessingContext) -> str:
        return self.text.title()


class CapitalizeText(TextNode):
    """The text with a capital first letter and all others small."""

    text: str = ""

    async def process(self, context: ProcessingContext) -> str:
        return self.text.capitalize()


class Slice(TextNode):
    """A part of a text, by positions as in Python."""

    text: str = ""
    start: int = Field(default=0, description="The first position; below 0 counts from the end.")
    stop: int = Field(default=0, description="The position after the last; 0 stands for the end of the text.")
    step: int = Field(default=1, description="Every how many characters; below 0 goes backwards.")

    async def process(self, context: ProcessingContext) -> str:
        return self.text[part(self.start, self.stop, self.step)]


class Extract(TextNode):
    """The text from one position to another."""

    text: str = ""
    start: int = Field(default=0, description="The first position; below 0 counts from the end.")
    end: int = Field(default=0, description="The position after the last; 0 stands for the end of the text.")

    async def process(self, context: ProcessingContext) -> str:
        return self.text[part(self.start, self.end, 1)]


class Replace(TextNode):
    """The text with one text put in place of another, wherever it stands."""

    text: str = ""
    old: str = ""
    new: str = ""

    async def process(self, context: ProcessingContext) -> str:
        return self.text.replace(self.old, self.new)


class TrimWhitespace(TextNode):
    """The text without white space at its ends."""

    text: str = ""
    trim_start: bool = True
    trim_end: bool = True

    async def process(self, context: ProcessingContext) -> str:
        text = self.text.lstrip() if self.trim_start else self.text
        return text.rstrip() if self.trim_end else text


class CollapseWhitespace(TextNode):
    """The text with each run of white space made one replacement."""

    text: str = ""
    preserve_newlines: bool = Field(default=False, description="Whether line breaks stay as they are.")
    replacement: str = " "
    trim_edges: bool = Field(default=True, description="Whether white space at the ends is taken away first.")

    async def process(self, context: ProcessingContext) -> str:
        text = self.text.strip() if self.trim_edges else self.text
        return re.sub(r"[^\S\r\n]+" if self.preserve_newlines else r"\s+", lambda _: self.replacement, text)


class RemovePunctuation(TextNode):
    """The text without punctuation."""

    text: str = ""
    replacement: str = Field(default="", description="Put in place of each character that goes.")
    punctuation: str = Field(default=string.punctuation, description="The characters that go.")

    async def process(self, context: ProcessingContext) -> str:
        return self.text.translate(dict.fromkeys(map(ord, self.punctuation), self.replacement))


class StripAccents(TextNode):
    """The text with letters in place of accented letters."""

    text: str = ""
    preserve_non_ascii: bool = Field(
        default=True, description="Whether other characters outside of ASCII stay."
    )

    async def process(self, context: ProcessingContext) -> str:
        decomposed = unicodedata.normalize("NFKD", self.text)
        text = "".join(character for character in decomposed if not unicodedata.combining(character))
        return text if self.preserve_non_ascii else ascii_only(text)


class Slugify(TextNode):
    """The text as it can stand in an address: words of letters and digits, with separators between them."""

    text: str = ""
    separator: str = "-"
    lowercase: bool = True
    allow_unicode: bool = Field(
        default=False, description="Whether letters outside of ASCII stay; accents go in any case."
    )

    async def process(self, context: ProcessingContext) -> str:
        decomposed = unicodedata.normalize("NFKD", self.text)
        text = decomposed if self.allow_unicode else ascii_only(decomposed)
        words = unicodedata.normalize("NFC", re.sub(r"[^\w\s-]", "", text))
        slug = re.sub(r"[\s_-]+", lambda _: self.separator, words).strip(self.separator)
        return slug.lower() if self.lowercase else slug


class TruncateText(TextNode):
    """The text cut to a length, in which the ellipsis is counted."""

    text: str = ""
    max_length: int = Field(default=100, ge=0)
    ellipsis: str = Field(
        default="", description="Put at the end of a text that was cut, where there is room for it."
    )

    async def process(self, context: ProcessingContext) -> str:
        if self.max_length == 0:
            return self.ellipsis
        if len(self.text) <= self.max_length:
            return self.text
        ending = self.ellipsis if len(self.ellipsis) < self.max_length else ""
        return self.text[: self.max_length - len(ending)] + ending


class PadText(TextNode):
    """The text filled up to a length."""

    text: str = ""
    length: int = Field(default=0, ge=0)
    pad_character: str = " "
    direction: Literal["left", "right", "both"] = Field(default="right", description="Where it is filled up.")

    async def process(self, context: ProcessingContext) -> str:
        if len(self.pad_character) != 1:
            raise ValueError(f"pad_character must be one character, found {self.pad_character[:20]!r}")
        if self.length > MAX_LENGTH:
            raise ValueError(f"length may be up to {MAX_LENGTH:,}, found {self.length:,}")
        missing = max(0, self.length - len(self.text))
        left = {"left": missing, "right": 0, "both": missing // 2}[self.direction]
        return self.pad_character * left + self.text + self.pad_character * (missing - left)


class SurroundWith(TextNode):
    """The text between a prefix and a suffix."""

    text: str = ""
    prefix: str = ""
    suffix: str = ""
    skip_if_wrapped: bool = Field(
        default=True, description="Whether a text stays as it is that has both already."
    )

    async def process(self, context: ProcessingContext) -> str:
        has_room = len(self.text) >= len(self.prefix) + len(self.suffix)
        is_wrapped = has_room and self.text.startswith(self.prefix) and self.text.endswith(self.suffix)
        return self.text if self.skip_if_wrapped and is_wrapped else f"{self.prefix}{self.text}{self.suffix}"


def ascii_only(text: str) -> str:
    """The text without characters outside of ASCII."""
    return text.encode("ascii", "ignore").decode("ascii")
