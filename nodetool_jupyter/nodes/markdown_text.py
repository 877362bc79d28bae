"""Markdown as a flat list of blocks that know where they stand; markdown-it reads it.

What is between the marks of a block is only read where a node asks for it, and only up to a length: the time
for it grows with the square.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from nodetool_jupyter.nodes.packages import need

MAX_LENGTH = 2_000_000
MAX_BLOCK = 50_000


@dataclass(slots=True)
class Block:
    """A paragraph, heading, cell or code block."""

    kind: str
    text: str
    line: int = 0
    """Where it begins, from 0."""
    heading: int = 0
    language: str = ""
    list_kind: str = ""
    """``bullet`` or ``ordered`` of the innermost list around it."""
    list_number: int = 0
    depth: int = 0
    starts_item: bool = False
    table: int = 0
    starts_row: bool = False
    inline: list[Any] | None = None
    _parse: Any = field(default=None, repr=False)

    def parts(self) -> list[Any]:
        """Its texts, emphases, links, …; ValueError if it is very long."""
        if self.inline is None:
            if len(self.text) > MAX_BLOCK:
                raise ValueError(
                    f"line {self.line + 1} begins a paragraph of more than {MAX_BLOCK:,} characters"
                )
            self.inline = self._parse(self.text)[0].children or []
        return self.inline


@dataclass(slots=True)
class _Place:
    """Where the reader is: in which lists, items, tables and rows."""

    lists: list[tuple[str, int]] = field(default_factory=list)
    count: int = 0
    tables: int = 0
    heading: int = 0
    at_item: bool = False
    at_row: bool = False
    in_cell: bool = False

    def move(self, token: Any) -> None:
        if token.type in ("bullet_list_open", "ordered_list_open"):
            if not self.lists:
                self.count += 1
            self.lists.append((token.type.partition("_")[0], self.count - 1))
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            self.lists.pop()
        elif token.type in ("heading_open", "heading_close"):
            self.heading = int(token.tag[1:]) if token.nesting == 1 else 0
        elif token.type == "table_open":
            self.tables += 1
        else:
            self.at_item = self.at_item or token.type == "list_item_open"
            self.at_row = self.at_row or token.type == "tr_open"
            self.in_cell = token.type in ("th_open", "td_open") or (self.in_cell and token.nesting != -1)


def blocks(markdown: str) -> Iterator[Block]:
    """The blocks of a text in order; ValueError if it is very long."""
    if len(markdown) > MAX_LENGTH:
        raise ValueError(f"the Markdown has more than {MAX_LENGTH:,} characters")
    reader = need("markdown_it", "markdown-it-py", "text").MarkdownIt("commonmark").enable("table")
    reader.core.ruler.disable(["inline", "text_join"])
    environment: dict[str, Any] = {}
    tokens = reader.parse(markdown, environment)
    reader.core.ruler.enable(["inline", "text_join"])
    place = _Place()
    for token in tokens:
        if token.type in ("inline", "fence", "code_block"):
            yield _block(token, place, lambda text: reader.parseInline(text, environment))
        else:
            place.move(token)


def _block(token: Any, place: _Place, parse: Any) -> Block:
    line = token.map[0] if token.map else 0
    if token.type != "inline":
        return Block(
            "code",
            token.content,
            line,
            language=token.info.split(maxsplit=1)[0] if token.info.split() else "",
        )
    block = Block(
        "cell" if place.in_cell else "text",
        token.content,
        line,
        heading=place.heading,
        depth=max(len(place.lists) - 1, 0),
        starts_item=place.at_item,
        table=place.tables,
        starts_row=place.at_row,
        _parse=parse,
    )
    if place.lists:
        block.list_kind, block.list_number = place.lists[-1]
    place.at_item = place.at_row = False
    return block


def plain(block: Block) -> str:
    """The text of a block without its marks; a line break in it is a blank."""
    return _text(block.parts()).strip()


def links_of(block: Block) -> list[dict[str, str]]:
    """url, text and title of the links in a block."""
    found: list[dict[str, str]] = []
    if block.kind == "code":
        return found
    parts = block.parts()
    starts: list[int] = []
    for number, part in enumerate(parts):
        if part.type == "link_open":
            starts.append(number)
        elif part.type == "link_close" and starts:
            start = starts.pop()
            text = _text(parts[start + 1 : number])
            attributes = parts[start].attrs
            found.append({"url": attributes["href"], "text": text, "title": attributes.get("title") or text})
    return found


def _text(parts: list[Any]) -> str:
    words = []
    for part in parts:
        if part.type in ("softbreak", "hardbreak"):
            words.append(" ")
        elif part.type in ("text", "code_inline", "image", "text_special"):
            words.append(part.content)
    return "".join(words)
