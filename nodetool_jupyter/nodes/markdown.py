"""lib.markdown: what a Markdown text has in it, read as CommonMark with tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.model.types import parse_type
from nodetool_jupyter.nodes.markdown_text import Block, blocks, links_of, plain
from nodetool_jupyter.nodes.packages import need
from nodetool_jupyter.values.fields import DataFrame

Records = Annotated[Any, parse_type("list[dict[str, any]]")]
TextRecords = Annotated[Any, parse_type("list[dict[str, str]]")]


class MarkdownNode(BaseNode, prefix="lib.markdown", abstract=True):
    """Base of the family."""

    markdown: str = Field(default="", description="The text.")


class ExtractLinks(MarkdownNode):
    """The links of a Markdown text with their addresses and texts."""

    include_titles: bool = Field(
        default=True, description="Whether to give titles too; of a link that has none it is its text."
    )

    def process(self, context: ProcessingContext) -> TextRecords:
        found = [link for block in blocks(self.markdown) for link in links_of(block)]
        if self.include_titles:
            return found
        return [{name: value for name, value in link.items() if name != "title"} for link in found]


class ExtractHeaders(MarkdownNode):
    """The headings of a Markdown text with their levels, in order."""

    max_level: int = Field(default=6, ge=1, le=6, description="The lowest level to give; 1 is the highest.")

    def process(self, context: ProcessingContext) -> Records:
        found = [
            {"level": block.heading, "text": plain(block)}
            for block in blocks(self.markdown)
            if 0 < block.heading <= self.max_level
        ]
        return [{**header, "index": index} for index, header in enumerate(found)]


class ExtractBulletLists(MarkdownNode):
    """The items of the bullet lists in a Markdown text: text, depth from 0, and which list from 0."""

    def process(self, context: ProcessingContext) -> Records:
        return [
            {"text": text, "level": block.depth, "list": block.list_number}
            for block, text in _items(self.markdown, "bullet")
        ]


class ExtractNumberedLists(MarkdownNode):
    """The items of the numbered lists in a Markdown text."""

    def process(self, context: ProcessingContext) -> list[str]:
        return [text for _, text in _items(self.markdown, "ordered")]


class ExtractCodeBlocks(MarkdownNode):
    """The code blocks of a Markdown text with the languages that they name."""

    def process(self, context: ProcessingContext) -> TextRecords:
        return [
            {"language": block.language, "code": block.text.removesuffix("\n")}
            for block in blocks(self.markdown)
            if block.kind == "code"
        ]


class ExtractTables(MarkdownNode):
    """The first table of a Markdown text; an empty one where it has none."""

    def process(self, context: ProcessingContext) -> DataFrame:
        pandas = need("pandas", "pandas", "data")
        tables: dict[int, list[list[str]]] = {}
        for block in blocks(self.markdown):
            if block.kind == "cell":
                table = tables.setdefault(block.table, [])
                if block.starts_row:
                    table.append([])
                table[-1].append(plain(block))
        if len(tables) > 1:
            context.log(f"the text has {len(tables)} tables; this is the first", "warning")
        empty: list[list[str]] = [[]]
        names, *rows = next(iter(tables.values()), empty)
        return pandas.DataFrame(rows, columns=names)


def _items(markdown: str, kind: str) -> Iterator[tuple[Block, str]]:
    for block in blocks(markdown):
        if block.starts_item and block.list_kind == kind:
            yield block, plain(block)
