"""Files that the server gives away: large values of a job, and workflow files under the server's root.

No link is ever followed below the root or the job's folder: each folder on the way is opened by itself.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from jupyter_server.auth.decorator import authorized
from tornado import web

from nodetool_jupyter.authoring.documents import ReadLimits
from nodetool_jupyter.authoring.files import FORMATS, format_of, read_workflow
from nodetool_jupyter.errors import NodeToolError, StoreError, WorkflowError
from nodetool_jupyter.server.backend import Backend, NotThere
from nodetool_jupyter.server.base import Handler, Refused
from nodetool_jupyter.store.assets import FOLDER
from nodetool_jupyter.values.base import is_unicode
from nodetool_jupyter.values.files import REFERENCE

FLAGS = (
    os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
)
BESIDE_THE_POINT = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EISDIR, errno.ENAMETOOLONG, errno.EACCES}
MOST_ENTRIES = 1000
FILE = ReadLimits(size=16 * 2**20, values=2_000_000)
PEEK = 256 * 1024
BLOCK = 256 * 1024
KINDS = {"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "json": "application/json"}


class AssetsHandler(Handler):
    """The large values of a job."""

    @web.authenticated
    @authorized
    async def get(self, job_id: str) -> None:
        """Their names, by which its messages refer to them, and sizes."""
        self.answer(await self.run(_list_assets, self.backend, self.user_id, job_id))


class AssetHandler(Handler):
    """One large value."""

    @web.authenticated
    @authorized
    async def get(self, job_id: str, name: str) -> None:
        """Its bytes. Only images are said to be what they are: nothing here is a page to show."""
        file = await self.run(_open_asset, self.backend, self.user_id, job_id, name)
        with file:
            kind = KINDS.get(name.rpartition(".")[2], "application/octet-stream")
            self.set_header("Content-Type", kind)
            self.set_header("Content-Length", str(os.fstat(file.fileno()).st_size))
            self.set_header("Content-Disposition", f'attachment; filename="{name}"')
            while block := await self.run(file.read, BLOCK):
                self.write(block)
                await self.flush()
            self.finish(set_content_type=kind)


class WorkflowsHandler(Handler):
    """Workflow files in a folder."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Folders, and files that look like workflows."""
        folder = self.get_query_argument("folder", "")
        root = Path(self.backend.serverapp.root_dir)
        self.answer(await self.run(_list_workflows, root, _parts(folder)))


class WorkflowHandler(Handler):
    """One workflow file."""

    @web.authenticated
    @authorized
    async def get(self, path: str) -> None:
        """What it holds, read within bounds."""
        root = Path(self.backend.serverapp.root_dir)
        self.answer(await self.run(_read_workflow, root, _parts(path)))


def _parts(path: str) -> list[str]:
    """The names in a relative path; raises Refused for one that leads elsewhere or is hidden."""
    parts = [part for part in path.split("/") if part]
    for part in parts:
        if part.startswith(".") or "\0" in part or "\\" in part:
            raise Refused(NotThere(f"there is no file {path[:200]!r}"))
    return parts


@contextmanager
def opened(root: Path, parts: Sequence[str]) -> Iterator[int]:
    """A file or folder below ``root`` as a descriptor; raises NotThere for a link too."""
    if os.open not in os.supports_dir_fd:
        raise NodeToolError("this system opens no files without following links", hint="use the notebook")
    fd = -1
    try:
        fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
        for part in parts:
            above, fd = fd, os.open(part, FLAGS, dir_fd=fd)
            os.close(above)
    except OSError as error:
        if fd >= 0:
            os.close(fd)
        if error.errno in BESIDE_THE_POINT:
            raise NotThere(f"there is no file {'/'.join(parts)[:200]!r}") from error
        raise StoreError(f"{'/'.join(parts)[:200]!r} can't be read: {error.strerror}") from error
    try:
        yield fd
    finally:
        os.close(fd)


def opened_file(root: Path, parts: Sequence[str]) -> BinaryIO:
    """Likewise a plain file, which has no other name: a hard link may lead anywhere, too."""
    with opened(root, parts) as fd:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise NotThere(f"{'/'.join(parts)[:200]!r} is no file")
        return os.fdopen(os.dup(fd), "rb")


def _list_assets(backend: Backend, user_id: str, job_id: str) -> dict[str, Any]:
    backend.record(user_id, job_id)
    folder = backend.store.run_directory(job_id)
    try:
        with opened(folder.parent, (folder.name, FOLDER)) as fd, os.scandir(fd) as entries:
            files = [
                {"name": entry.name, "size": entry.stat(follow_symlinks=False).st_size}
                for entry in entries
                if REFERENCE.fullmatch(entry.name) and entry.is_file(follow_symlinks=False)
            ]
    except (NotThere, NotADirectoryError):
        files = []
    files.sort(key=lambda file: str(file["name"]))
    return {"assets": files[:MOST_ENTRIES], "is_cut": len(files) > MOST_ENTRIES}


def _open_asset(backend: Backend, user_id: str, job_id: str, name: str) -> BinaryIO:
    backend.record(user_id, job_id)
    if not REFERENCE.fullmatch(name):
        raise NotThere(f"job {job_id} has no value {name[:80]!r}")
    folder = backend.store.run_directory(job_id)
    file = opened_file(folder.parent, (folder.name, FOLDER, name))
    if os.fstat(file.fileno()).st_nlink != 1:  # the job's process could have linked another file to its own
        file.close()
        raise NotThere(f"job {job_id} has no value {name[:80]!r}")
    return file


def _list_workflows(root: Path, parts: list[str]) -> dict[str, Any]:
    found = []
    with opened(root, parts) as fd:
        try:
            names = sorted(os.listdir(fd))  # noqa: PTH208 - of a descriptor
        except NotADirectoryError:
            raise NotThere(f"{'/'.join(parts)!r} is no folder") from None
        for name in names:
            # A name of another system's bytes can't be told.
            is_shown = is_unicode(name) and not name.startswith(".")
            entry = _entry(root, [*parts, name]) if is_shown else None
            if entry is not None:
                found.append(entry)
    return {"entries": found[:MOST_ENTRIES], "is_cut": len(found) > MOST_ENTRIES}


def _entry(root: Path, parts: list[str]) -> dict[str, Any] | None:
    """A folder, or a file that looks like a workflow; None for all else."""
    shown = {"name": parts[-1], "path": "/".join(parts)}
    try:
        with opened(root, parts) as fd:
            status = os.fstat(fd)
            shown["kind"] = "folder" if stat.S_ISDIR(status.st_mode) else "workflow"
            if shown["kind"] == "workflow" and not _is_workflow(fd, parts[-1], status):
                return None
    except (NotThere, StoreError):
        return None
    return {**shown, "size": status.st_size, "modified": status.st_mtime}


def _is_workflow(fd: int, name: str, status: os.stat_result) -> bool:
    """By name and first bytes; whether it can be read is known when it is."""
    if not stat.S_ISREG(status.st_mode) or FORMATS.get(Path(name).suffix.lower()) not in ("json", "yaml"):
        return False
    head = os.read(fd, PEEK)
    return b"nodes" in head and (b"edges" in head or b"type" in head)


def _read_workflow(root: Path, parts: list[str]) -> dict[str, Any]:
    if FORMATS.get(Path(parts[-1] if parts else "").suffix.lower()) not in ("json", "yaml"):
        raise NotThere(
            f"{'/'.join(parts)[:200]!r} is no workflow file", hint="those are .json, .yaml or .yml"
        )
    with opened_file(root, parts) as file:
        text = file.read(FILE.size + 1)
    try:
        workflow = read_workflow(text, format_of(Path(parts[-1])), FILE)
    except WorkflowError as error:
        error.hint = error.hint or f"the file is {'/'.join(parts)}"
        raise
    return {"path": "/".join(parts), "workflow": workflow.model_dump()}
