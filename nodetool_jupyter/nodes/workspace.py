"""nodetool.workspace: files and folders of the workspace, by paths that begin there."""

from __future__ import annotations

import base64
import binascii
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TypedDict

from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.nodes import fields, files
from nodetool_jupyter.nodes.fields import PlainDict
from nodetool_jupyter.nodes.image_files import save_image
from nodetool_jupyter.nodes.os import copy, moment, move
from nodetool_jupyter.values.fields import Image


class WorkspaceNode(BaseNode, prefix="nodetool.workspace", abstract=True):
    """Base of the family."""


class PathNode(WorkspaceNode, abstract=True):
    """Base of those that are given one path."""

    path: str = Field(default="", description="From the workspace on.")

    def _place(self, context: ProcessingContext) -> Path:
        return files.inside_workspace(context.workspace, self.path)


class GetWorkspaceDir(WorkspaceNode):
    """The path of the workspace."""

    async def process(self, context: ProcessingContext) -> str:
        return str(context.workspace.resolve())


class ListWorkspaceFiles(WorkspaceNode):
    """Give out the paths of the files in a folder, one by one, in the order of their names."""

    path: str = Field(default=".", description="The folder; . is the workspace.")
    pattern: str = Field(default="*", description="What names must match, such as *.txt")
    recursive: bool = Field(default=False, description="Whether to look into the folders in it, too.")

    class OutputType(TypedDict):
        file: str

    def gen_process(self, context: ProcessingContext) -> Iterator[OutputType]:
        folder = files.existing_folder(context.workspace, self.path)
        for path in files.files_in(folder, self.pattern, deep=self.recursive):
            yield {"file": files.named_by(context.workspace, self.path, path)}


class ReadTextFile(PathNode):
    """The text of a file."""

    encoding: str = "utf-8"

    def process(self, context: ProcessingContext) -> str:
        return files.read_text(files.existing_file(context.workspace, self.path), self.encoding)


class WriteTextFile(PathNode):
    """Write a text to a file, in place of what is there or at its end; give out the path."""

    content: str = ""
    encoding: str = "utf-8"
    append: bool = False

    def process(self, context: ProcessingContext) -> str:
        content = files.encoded(self.content, self.encoding)
        return _write(context, self.path, content, append=self.append)


class ReadBinaryFile(PathNode):
    """The content of a file in base64."""

    def process(self, context: ProcessingContext) -> str:
        content = files.read_bytes(files.existing_file(context.workspace, self.path))
        return base64.b64encode(content).decode("ascii")


class WriteBinaryFile(PathNode):
    """Write a content that is given in base64 to a file, in place of what is there; give out the path."""

    content: str = Field(default="", description="In base64.")

    def process(self, context: ProcessingContext) -> str:
        try:
            content = base64.b64decode(self.content, validate=True)
        except (binascii.Error, ValueError) as error:
            raise ValueError(f"the content isn't base64: {error}") from None
        return _write(context, self.path, content)


class DeleteWorkspaceFile(PathNode):
    """Delete a file, or a folder: one that isn't empty only if ``recursive`` says so."""

    recursive: bool = False

    def process(self, context: ProcessingContext) -> None:
        place = files.existing(context.workspace, self.path)
        if place == context.workspace.resolve():
            raise ValueError("the workspace itself can't be deleted")
        with files.told(f"{self.path!r} can't be deleted"):
            if not place.is_dir():
                place.unlink()
            elif self.recursive:
                shutil.rmtree(place)
            else:
                place.rmdir()


class CreateWorkspaceDirectory(PathNode):
    """Make a folder and those above it, unless they are there; give out the path."""

    def process(self, context: ProcessingContext) -> str:
        place = self._place(context)
        with files.told(f"the folder {self.path!r} can't be made"):
            place.mkdir(parents=True, exist_ok=True)
        return files.named_by(context.workspace, self.path, place)


class WorkspaceFileExists(PathNode):
    """Whether there is a file or folder at a path."""

    def process(self, context: ProcessingContext) -> bool:
        return self._place(context).exists()


class IsWorkspaceFile(PathNode):
    """Whether there is a file at a path."""

    def process(self, context: ProcessingContext) -> bool:
        return self._place(context).is_file()


class IsWorkspaceDirectory(PathNode):
    """Whether there is a folder at a path."""

    def process(self, context: ProcessingContext) -> bool:
        return self._place(context).is_dir()


class GetWorkspaceFileSize(PathNode):
    """How many bytes a file has."""

    def process(self, context: ProcessingContext) -> int:
        return files.existing_file(context.workspace, self.path).stat().st_size


class GetWorkspaceFileInfo(PathNode):
    """What there is at a path: name, size, kind, and times as texts."""

    def process(self, context: ProcessingContext) -> PlainDict:
        place = files.existing(context.workspace, self.path)
        status = place.stat()
        return {
            "path": self.path,
            "name": place.name,
            "size": status.st_size,
            "is_file": place.is_file(),
            "is_directory": place.is_dir(),
            "created": moment(status.st_ctime).isoformat(),
            "modified": moment(status.st_mtime).isoformat(),
            "accessed": moment(status.st_atime).isoformat(),
        }


class CopyWorkspaceFile(WorkspaceNode):
    """Copy a file or folder; give out the path of the copy. A file that is there is replaced."""

    source: str = ""
    destination: str = Field(default="", description="Where to; into it, if it is an existing folder.")

    def process(self, context: ProcessingContext) -> str:
        made = copy(context.workspace, self.source, self.destination)
        return files.named_by(context.workspace, self.destination, made)


class MoveWorkspaceFile(WorkspaceNode):
    """Move or rename a file or folder; give out its new path. A file that is there is replaced."""

    source: str = ""
    destination: str = Field(default="", description="Where to; into it, if it is an existing folder.")

    def process(self, context: ProcessingContext) -> str:
        made = move(context.workspace, self.source, self.destination)
        return files.named_by(context.workspace, self.destination, made)


class JoinWorkspacePaths(WorkspaceNode):
    """Parts of a path put together, which lead to a place in the workspace."""

    paths: list[str] = []

    def process(self, context: ProcessingContext) -> str:
        if not self.paths:
            raise ValueError("there are no paths to join")
        joined = Path(*self.paths)
        return files.named_by(context.workspace, joined, files.inside_workspace(context.workspace, joined))


class SaveImageFile(WorkspaceNode):
    """Write an image to a file, whose ending says the format, and pass the image on."""

    image: Image = fields.IMAGE
    folder: str = Field(default=".", description="An existing folder; . is the workspace.")
    filename: str = Field(default="image.png", description="May hold date codes, such as %Y-%m-%d.")
    overwrite: bool = Field(default=False, description="Else the new file is numbered where one is there.")

    def process(self, context: ProcessingContext) -> Image:
        path = files.target(context, self.folder, self.filename)
        return save_image(context, self.image, path if self.overwrite else files.free(path))


class SaveVideoFile(WorkspaceNode):
    """Write a video to a file as it is, and give out a reference to that."""

    video: fields.Video = fields.VIDEO
    folder: str = Field(default=".", description="An existing folder; . is the workspace.")
    filename: str = Field(default="video.mp4", description="May hold date codes, such as %Y-%m-%d.")
    overwrite: bool = Field(default=False, description="Else the new file is numbered where one is there.")

    def process(self, context: ProcessingContext) -> fields.Video:
        path = files.target(context, self.folder, self.filename)
        path = path if self.overwrite else files.free(path)
        files.write_bytes(path, files.content_of(context, self.video, "video"))
        context.log(f"saved {path}")
        return {**self.video, "uri": fields.file_uri(path), "asset_id": None, "data": None}


def _write(context: ProcessingContext, path: str, content: bytes, *, append: bool = False) -> str:
    place = files.inside_workspace(context.workspace, path)
    if place.is_dir():
        raise ValueError(f"{path!r} is a folder")
    with files.told(f"a folder for {path!r} can't be made"):
        place.parent.mkdir(parents=True, exist_ok=True)
    files.write_bytes(place, content, append=append)
    return files.named_by(context.workspace, path, place)
