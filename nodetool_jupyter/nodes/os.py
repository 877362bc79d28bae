"""lib.os: files and folders of the workspace. Nothing outside of it is seen or changed, nor any symlink."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict

from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.nodes import files
from nodetool_jupyter.nodes.fields import Nothing, PlainDict
from nodetool_jupyter.nodes.os_paths import (
    Basename,
    Dirname,
    FileExtension,
    FileName,
    FileNameMatch,
    FilterFileNames,
    GetDirectory,
    JoinPaths,
    NormalizePath,
    PathToString,
    RelativePath,
    SplitExtension,
    SplitPath,
    split,
)
from nodetool_jupyter.values.fields import Datetime

__all__ = [
    "AbsolutePath",
    "AccessedTime",
    "Basename",
    "CopyFile",
    "CreateDirectory",
    "CreatedTime",
    "Dirname",
    "FileExists",
    "FileExtension",
    "FileName",
    "FileNameMatch",
    "FilterFileNames",
    "GetDirectory",
    "GetFileSize",
    "GetPathInfo",
    "IsDirectory",
    "IsFile",
    "JoinPaths",
    "ListFiles",
    "ModifiedTime",
    "MoveFile",
    "NormalizePath",
    "OpenWorkspaceDirectory",
    "PathToString",
    "RelativePath",
    "ShowNotification",
    "SplitExtension",
    "SplitPath",
    "WorkspaceDirectory",
]


class OSNode(BaseNode, prefix="lib.os", abstract=True):
    """Base of the family."""


class PathNode(OSNode, abstract=True):
    """Base of those that ask about one path."""

    path: str = Field(default="", description="From the workspace on, or absolute and inside of it.")

    def _place(self, context: ProcessingContext) -> Path:
        return files.inside_workspace(context.workspace, self.path)

    def _status(self, context: ProcessingContext) -> os.stat_result:
        return files.existing(context.workspace, self.path).stat()


class WorkspaceDirectory(OSNode):
    """The path of the workspace."""

    async def process(self, context: ProcessingContext) -> str:
        return str(context.workspace.resolve())


class OpenWorkspaceDirectory(OSNode):
    """Tell where the workspace is; a notebook's kernel can't open a window to show it."""

    async def process(self, context: ProcessingContext) -> None:
        context.notify(f"the workspace is {context.workspace.resolve()}")


class ShowNotification(OSNode):
    """Tell the user something, beside the job's progress."""

    title: str = ""
    message: str = ""
    timeout: int = Field(default=10, description="Seconds to show it, where that can be chosen.")

    async def process(self, context: ProcessingContext) -> None:
        text = ": ".join(filter(None, (self.title, self.message)))
        if not text:
            raise ValueError("a notification needs a title or a message")
        context.notify(text)


class AbsolutePath(PathNode):
    """The absolute path of a file or folder in the workspace, which need not exist."""

    def process(self, context: ProcessingContext) -> str:
        return str(self._place(context))


class FileExists(PathNode):
    """Whether there is a file or folder at a path in the workspace."""

    def process(self, context: ProcessingContext) -> bool:
        return self._place(context).exists()


class IsFile(PathNode):
    """Whether there is a file at a path in the workspace."""

    def process(self, context: ProcessingContext) -> bool:
        return self._place(context).is_file()


class IsDirectory(PathNode):
    """Whether there is a folder at a path in the workspace."""

    def process(self, context: ProcessingContext) -> bool:
        return self._place(context).is_dir()


class GetFileSize(PathNode):
    """How many bytes a file in the workspace has."""

    def process(self, context: ProcessingContext) -> int:
        return files.existing_file(context.workspace, self.path).stat().st_size


class CreatedTime(PathNode):
    """When a file or folder in the workspace was made, or last changed where that is not known."""

    def process(self, context: ProcessingContext) -> Datetime:
        status = self._status(context)
        return moment(getattr(status, "st_birthtime", status.st_ctime))


class ModifiedTime(PathNode):
    """When the content of a file or folder in the workspace last changed."""

    def process(self, context: ProcessingContext) -> Datetime:
        return moment(self._status(context).st_mtime)


class AccessedTime(PathNode):
    """When a file or folder in the workspace was last read."""

    def process(self, context: ProcessingContext) -> Datetime:
        return moment(self._status(context).st_atime)


class GetPathInfo(PathNode):
    """The parts of a path in the workspace, and what is there."""

    def process(self, context: ProcessingContext) -> PlainDict:
        place = self._place(context)
        return {
            **split(self.path),
            "extension": place.suffix,
            "absolute": str(place),
            "exists": place.exists(),
            "is_file": place.is_file(),
            "is_dir": place.is_dir(),
            "is_symlink": False,
        }


class ListFiles(OSNode):
    """Give out the paths of the files in a folder of the workspace, in the order of their names."""

    folder: str = Field(default="~", description="Its path; . is the workspace.")
    pattern: str = Field(default="*", description="What names must match, such as *.txt")
    include_subdirectories: bool = False

    class OutputType(TypedDict):
        file: str

    def gen_process(self, context: ProcessingContext) -> Iterator[OutputType]:
        folder = files.existing_folder(context.workspace, self.folder)
        for path in files.files_in(folder, self.pattern, deep=self.include_subdirectories):
            yield {"file": files.named_by(context.workspace, self.folder, path)}


class CreateDirectory(OSNode):
    """Make a folder in the workspace, and those above it."""

    path: str = Field(default="", description="From the workspace on, or absolute and inside of it.")
    exist_ok: bool = Field(default=True, description="Whether it may be there already.")

    def process(self, context: ProcessingContext) -> Nothing:
        place = files.inside_workspace(context.workspace, self.path)
        with files.told(f"the folder {self.path!r} can't be made"):
            place.mkdir(parents=True, exist_ok=self.exist_ok)
        return {}


class TwoPathsNode(OSNode, abstract=True):
    """Base of those that go from one path to another."""

    source_path: str = Field(default="", description="A file or folder of the workspace.")
    destination_path: str = Field(
        default="", description="Where to; into it, if it is an existing folder. A file there is replaced."
    )


class CopyFile(TwoPathsNode):
    """Copy a file or folder in the workspace, and give out the path of the copy."""

    def process(self, context: ProcessingContext) -> str:
        made = copy(context.workspace, self.source_path, self.destination_path)
        return files.named_by(context.workspace, self.destination_path, made)


class MoveFile(TwoPathsNode):
    """Move or rename a file or folder in the workspace."""

    def process(self, context: ProcessingContext) -> Nothing:
        move(context.workspace, self.source_path, self.destination_path)
        return {}


def moment(seconds: float) -> datetime:
    """A time of the file system."""
    return datetime.fromtimestamp(seconds, UTC)


def copy(workspace: Path, source: str, destination: str) -> Path:
    """Copy a file or a whole folder; symlinks in it are left out. The path of what was made."""
    start, end = _ends(workspace, source, destination)
    with files.told(f"{source!r} can't be copied to {destination!r}"):
        if start.is_dir():
            shutil.copytree(start, end, ignore=_symlinks)
        else:
            shutil.copy2(start, end, follow_symlinks=False)
    return end


def move(workspace: Path, source: str, destination: str) -> Path:
    """Move a file or folder. Its new path."""
    start, end = _ends(workspace, source, destination)
    if start == workspace.resolve():
        raise ValueError("the workspace itself can't be moved")
    with files.told(f"{source!r} can't be moved to {destination!r}"):
        start.replace(end)
    return end


def _ends(workspace: Path, source: str, destination: str) -> tuple[Path, Path]:
    start = files.existing(workspace, source)
    end = files.inside_workspace(workspace, destination)
    if end.is_dir() and end != start:
        end = files.inside_workspace(workspace, end / start.name)
    if end == start:
        raise ValueError(f"{source!r} and {destination!r} are the same place")
    if end.is_relative_to(start):
        raise ValueError(f"{destination!r} lies in {source!r}")
    return start, end


def _symlinks(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if Path(folder, name).is_symlink()]
