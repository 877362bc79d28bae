"""nodetool.text: texts from files of the workspace, and back to files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import TypedDict

from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.nodes import fields, files
from nodetool_jupyter.nodes.text.base import TextNode


class SaveText(TextNode):
    """Write a text to a file in a folder of the workspace, and give out a reference to it."""

    text: str = ""
    folder: fields.Folder = Field(default=fields.asset("folder"), description="Unset, it is the workspace.")
    name: str = Field(default="%Y-%m-%d-%H-%M-%S.txt", description="May hold date codes.")

    def process(self, context: ProcessingContext) -> fields.Text:
        return _saved(files.target(context, files.folder_of(context, self.folder), self.name), self.text)


class SaveTextFile(TextNode):
    """Write a text to a file in the workspace, and give out a reference to it."""

    text: str = ""
    folder: str = Field(default="", description="An existing folder; . is the workspace.")
    name: str = Field(default="%Y-%m-%d-%H-%M-%S.txt", description="May hold date codes.")

    def process(self, context: ProcessingContext) -> fields.Text:
        return _saved(files.target(context, self.folder, self.name), self.text)


class LoadTextAssets(TextNode):
    """Give out references to the text files in a folder of the workspace, one by one."""

    folder: fields.Folder = Field(default=fields.asset("folder"), description="Unset, it is the workspace.")

    class OutputType(TypedDict):
        text: fields.Text
        name: str

    async def gen_process(self, context: ProcessingContext) -> AsyncGenerator[OutputType, None]:
        folder = files.folder_of(context, self.folder)
        for path in await files.listed(folder, endings=(".txt", ".md", ".csv", ".json", ".html", ".xml")):
            text = await asyncio.to_thread(files.read_text, path)
            yield {"text": fields.text_reference(path, text), "name": path.name}


class LoadTextFolder(TextNode):
    """Give out the texts of the files in a folder of the workspace, one by one, with their paths."""

    folder: str = Field(default="", description="Its path; . is the workspace.")
    include_subdirectories: bool = False
    extensions: list[str] = Field(
        default=[".txt", ".csv", ".json", ".xml", ".md", ".html", ".pdf"],
        description="Endings of the files to load. A file that holds no text is left out, with a warning.",
    )
    pattern: str = Field(default="", description="What names must match, such as report_*; empty for all.")

    class OutputType(TypedDict):
        text: str
        path: str

    async def gen_process(self, context: ProcessingContext) -> AsyncGenerator[OutputType, None]:
        endings = tuple(self.extensions)
        async for text, path in files.loaded(
            context,
            self.folder,
            files.read_text,
            self.pattern,
            deep=self.include_subdirectories,
            endings=endings,
        ):
            yield {"text": text, "path": path}


def _saved(path: Path, text: str) -> fields.Text:
    files.write_bytes(path, files.encoded(text))
    return fields.text_reference(path, text)
