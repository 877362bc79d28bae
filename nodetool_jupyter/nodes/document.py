"""nodetool.document: documents of the workspace, and their texts in pieces."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, TypedDict

from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.model.types import parse_type
from nodetool_jupyter.nodes import document_split as split
from nodetool_jupyter.nodes import fields, files

NO_DOCUMENT = fields.asset("document")
Levels = Annotated[Any, parse_type("list[tuple[str, str]]")]


class DocumentNode(BaseNode, prefix="nodetool.document", abstract=True):
    """Base of the family."""


class Piece(TypedDict):
    """A piece of a document: its text, whose it is, and where it begins there."""

    text: str
    source_id: str
    start_index: int


class SplitNode(DocumentNode, abstract=True):
    """Base of those that take a document apart."""

    document: fields.Document = Field(default=NO_DOCUMENT, description="A document of text.")

    def _text(self, context: ProcessingContext) -> str:
        content = files.content_of(context, self.document, "document")
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise ValueError("the document is no text in UTF-8") from None

    def _pieces(self, found: Iterator[split.Piece]) -> Iterator[Piece]:
        source = str(self.document.get("uri") or self.document.get("asset_id") or "")
        for text, start in found:
            yield {"text": text, "source_id": source, "start_index": start}


class LoadDocumentFile(DocumentNode):
    """The document in a file of the workspace: a reference that brings its content along."""

    path: str = Field(default="", description="Its path, absolute or from the workspace.")

    def process(self, context: ProcessingContext) -> fields.Document:
        path = files.existing_file(context.workspace, self.path)
        return {**NO_DOCUMENT, "uri": fields.file_uri(path), "data": files.read_bytes(path)}


class ListDocuments(DocumentNode):
    """Give out references to the files in a folder of the workspace, one by one."""

    folder: str = Field(default="~", description="Its path; . is the workspace.")
    pattern: str = Field(default="*", description="What names must match, such as *.md")
    recursive: bool = Field(default=False, description="Whether to look into the folders in it, too.")

    class OutputType(TypedDict):
        document: fields.Document

    def gen_process(self, context: ProcessingContext) -> Iterator[OutputType]:
        folder = files.existing_folder(context.workspace, self.folder)
        for path in files.files_in(folder, self.pattern, deep=self.recursive):
            yield {"document": {**NO_DOCUMENT, "uri": fields.file_uri(path)}}


class SaveDocumentFile(DocumentNode):
    """Write a document to a file in the workspace, as it is."""

    document: fields.Document = NO_DOCUMENT
    folder: str = Field(default="", description="An existing folder; . is the workspace.")
    filename: str = Field(default="", description="May hold date codes, such as %Y-%m-%d.")

    def process(self, context: ProcessingContext) -> fields.Nothing:
        path = files.target(context, self.folder, self.filename)
        files.write_bytes(path, files.content_of(context, self.document, "document"))
        context.log(f"saved {path}")
        return {}


class SplitRecursively(SplitNode):
    """Give out a text in pieces, cut at the best separator that makes them fit."""

    chunk_size: int = Field(default=1000, description="Characters of a piece at most.")
    chunk_overlap: int = Field(
        default=200, description="Characters that a piece may repeat of the one before."
    )
    separators: list[str] = Field(
        default=["\n\n", "\n", "."], description="Where to cut, the best ones first."
    )

    def gen_process(self, context: ProcessingContext) -> Iterator[Piece]:
        sizes = split.Sizes(self.chunk_size, self.chunk_overlap, tuple(self.separators))
        yield from self._pieces(split.recursively(self._text(context), sizes))


class SplitMarkdown(SplitNode):
    """Give out the sections of a Markdown text, and long ones in pieces."""

    headers_to_split_on: Levels = Field(
        default=[["#", "Header 1"], ["##", "Header 2"], ["###", "Header 3"]],
        description="The marks of the headings at which a section begins, with a name for each.",
    )
    strip_headers: bool = Field(default=True, description="Whether to leave the headings out.")
    return_each_line: bool = Field(default=False, description="Whether each line is a piece.")
    chunk_size: int = Field(default=1000, description="Characters of a piece at most.")
    chunk_overlap: int = Field(
        default=30, description="Characters that a piece may repeat of the one before."
    )

    def gen_process(self, context: ProcessingContext) -> Iterator[Piece]:
        sizes = split.Sizes(self.chunk_size, self.chunk_overlap, ("\n\n", "\n", " "))
        levels = {len(mark) for mark, _ in map(split.heading_mark, self.headers_to_split_on)}
        text = self._text(context)
        for section, start in split.sections(text, levels, keep_headings=not self.strip_headers):
            lines = split.lines(section) if self.return_each_line else iter([(section, 0)])
            for line, offset in lines:
                found = ((part, start + offset + at) for part, at in split.recursively(line, sizes))
                yield from self._pieces(found)


class SplitHTML(SplitNode):
    """Give out the texts of a page's headings, paragraphs, list items and cells, one by one."""

    def gen_process(self, context: ProcessingContext) -> Iterator[Piece]:
        yield from self._pieces(split.html_blocks(self._text(context)))


class SplitJSON(SplitNode):
    """Give out the items of a JSON list, or other JSON as a whole, as lines of paths and values."""

    include_metadata: bool = Field(default=True, description="For NodeTool's files; it changes nothing here.")
    include_prev_next_rel: bool = Field(default=True, description="Likewise.")

    def gen_process(self, context: ProcessingContext) -> Iterator[Piece]:
        yield from self._pieces(split.json_parts(self._text(context)))
