"""lib.os: paths as texts. Nothing here looks at files, so any path will do."""

from __future__ import annotations

import fnmatch
import os
from typing import Any

from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.nodes.fields import PlainDict


class PathTextNode(BaseNode, prefix="lib.os", abstract=True):
    """Base of the nodes here."""


class OnePathNode(PathTextNode, abstract=True):
    """Base of those that are given one path."""

    path: str = ""


class Basename(OnePathNode):
    """The last part of a path."""

    remove_extension: bool = Field(default=False, description="Whether to leave out the ending, such as .txt")

    async def process(self, context: ProcessingContext) -> str:
        name = os.path.basename(self.path)
        return os.path.splitext(name)[0] if self.remove_extension else name


class FileName(OnePathNode):
    """The name of the file that a path leads to."""

    async def process(self, context: ProcessingContext) -> str:
        return os.path.basename(self.path)


class Dirname(OnePathNode):
    """A path without its last part."""

    async def process(self, context: ProcessingContext) -> str:
        return os.path.dirname(self.path)


class GetDirectory(OnePathNode):
    """The folder of the file that a path leads to."""

    async def process(self, context: ProcessingContext) -> str:
        return os.path.dirname(self.path)


class FileExtension(OnePathNode):
    """The ending of a path's file name with its dot, such as ``.txt``; empty where it has none."""

    async def process(self, context: ProcessingContext) -> str:
        return os.path.splitext(self.path)[1]


class SplitPath(OnePathNode):
    """The folder and the name in a path."""

    async def process(self, context: ProcessingContext) -> PlainDict:
        return split(self.path)


class SplitExtension(OnePathNode):
    """A path without the ending of its file name, and that ending."""

    async def process(self, context: ProcessingContext) -> PlainDict:
        root, extension = os.path.splitext(self.path)
        return {"root": root, "extension": extension}


class NormalizePath(OnePathNode):
    """A path without doubled separators and detours."""

    def process(self, context: ProcessingContext) -> str:
        return os.path.normpath(_given(self.path))


class PathToString(PathTextNode):
    """A path as text."""

    file_path: str = ""

    async def process(self, context: ProcessingContext) -> str:
        return _given(self.file_path)


class JoinPaths(PathTextNode):
    """Parts of a path put together; one that is absolute takes the place of those before it."""

    paths: list[str] = []

    async def process(self, context: ProcessingContext) -> str:
        if not self.paths:
            raise ValueError("there are no paths to join")
        return os.path.join(*self.paths)


class RelativePath(PathTextNode):
    """The path that leads from one place to another; both are seen from the workspace."""

    target_path: str = ""
    start_path: str = "."

    def process(self, context: ProcessingContext) -> str:
        base = context.workspace.resolve()
        return os.path.relpath(base / _given(self.target_path), base / self.start_path)


class FileNameMatch(PathTextNode):
    """Whether a file name matches a pattern: ``*`` is any text, ``?`` any letter, ``[ab]`` one of these."""

    filename: str = ""
    pattern: str = "*"
    case_sensitive: bool = True

    async def process(self, context: ProcessingContext) -> bool:
        return matches(self.filename, self.pattern, self.case_sensitive)


class FilterFileNames(PathTextNode):
    """The file names that match a pattern: ``*`` is any text, ``?`` any letter, ``[ab]`` one of these."""

    filenames: list[str] = []
    pattern: str = "*"
    case_sensitive: bool = True

    def process(self, context: ProcessingContext) -> list[str]:
        return [name for name in self.filenames if matches(name, self.pattern, self.case_sensitive)]


def split(path: str) -> dict[str, Any]:
    """The folder and the name in a path."""
    folder, name = os.path.split(path)
    return {"dirname": folder, "basename": name}


def matches(name: str, pattern: str, case_sensitive: bool) -> bool:
    """Whether a name matches, the same on every system."""
    if not case_sensitive:
        name, pattern = name.lower(), pattern.lower()
    return fnmatch.fnmatchcase(name, pattern)


def _given(path: str) -> str:
    if not path:
        raise ValueError("no path is given")
    return path
