"""Files of a workflow's nodes: only inside of the workspace, by no symlink and no way out.

A result names a file in the form in which it was given: from the workspace on, or absolute.
"""

from __future__ import annotations

import asyncio
import fnmatch
import os
import stat
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.values import convert

Loaded = TypeVar("Loaded")
MAX_BYTES = 256 * 2**20
"""Of a file that a node reads as a whole."""
MAX_FILES = 100_000
"""That a node lists."""
MAX_DEPTH = 100


def inside_workspace(workspace: Path, given: str | Path) -> Path:
    """The path of a file or folder in the workspace, which need not exist; ValueError for any other place."""
    root = workspace.resolve()
    path = Path(given)
    if not str(given).strip() or "\0" in str(given):
        raise ValueError("no path is given")
    if path.parts[:1] == ("~",):
        raise ValueError(f"{str(given)!r} is a home folder; paths are from the workspace on, which is .")
    if path.is_absolute():
        base = next((base for base in (root, workspace.absolute()) if path.is_relative_to(base)), None)
        if base is None:
            raise ValueError(f"{str(given)!r} is outside of the workspace {workspace}")
        path = path.relative_to(base)
    if ".." in path.parts:
        raise ValueError(f"{str(given)!r} may lead out of the workspace; use a path without ..")
    place = root
    for part in path.parts:
        place /= part
        if place.is_symlink():
            raise ValueError(f"{str(given)!r} goes by a symlink, {place}, which is not followed")
    return place


def existing_file(workspace: Path, given: str | Path) -> Path:
    """Likewise; ValueError unless a file is there."""
    path = inside_workspace(workspace, given)
    if not path.is_file():
        raise ValueError(f"there is no file {str(given)!r} in the workspace {workspace}")
    return path


def existing_folder(workspace: Path, given: str | Path) -> Path:
    """Likewise; ValueError unless a folder is there."""
    path = inside_workspace(workspace, given)
    if not path.is_dir():
        raise ValueError(f"there is no folder {str(given)!r} in the workspace {workspace}")
    return path


def existing(workspace: Path, given: str | Path) -> Path:
    """Likewise; ValueError unless a file or folder is there."""
    path = inside_workspace(workspace, given)
    if not path.exists():
        raise ValueError(f"there is no file or folder {str(given)!r} in the workspace {workspace}")
    return path


def read_bytes(path: Path) -> bytes:
    """The content of a file, which must not have become a symlink or a device; ValueError if it is large."""
    with told(f"{path.name!r} can't be read"):
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise ValueError(f"{path.name!r} is no file that can be read")
            content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ValueError(f"{path.name!r} is larger than {MAX_BYTES // 2**20} MiB, the most that a node reads")
    return content


def read_text(path: Path, encoding: str = "utf-8") -> str:
    """The text of a file; ValueError where it is none in that encoding. Line ends become ``\\n``."""
    content = read_bytes(path)
    try:
        text = content.decode("utf-8-sig" if encoding.lower().replace("_", "-") == "utf-8" else encoding)
    except (LookupError, UnicodeError) as error:
        raise ValueError(f"{path.name!r} can't be read as text: {error}") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def encoded(text: str, encoding: str = "utf-8") -> bytes:
    """The text as bytes; ValueError for an unknown encoding, or one that lacks a character of it."""
    try:
        return text.encode(encoding)
    except (LookupError, UnicodeError) as error:
        raise ValueError(f"the text can't be written: {error}") from None


def write_bytes(path: Path, content: bytes, *, append: bool = False) -> None:
    """Write a file in place of what is there, or at its end."""
    with told(f"{path.name!r} can't be written"), path.open("ab" if append else "wb") as file:
        file.write(content)


@contextmanager
def told(what: str) -> Iterator[None]:
    """Turns the system's refusal into a sentence."""
    try:
        yield
    except OSError as error:
        raise ValueError(f"{what}: {error.strerror or error}") from None


def target(context: ProcessingContext, folder: str | Path, name: str) -> Path:
    """Where to write a file: in an existing folder, by a name that may hold date codes such as ``%Y``."""
    if not (str(folder) and name):
        raise ValueError("folder and filename must be given")
    return inside_workspace(context.workspace, existing_folder(context.workspace, folder) / dated(name))


def dated(name: str) -> str:
    """The name with its date codes filled in, in local time."""
    return datetime.now().astimezone().strftime(name)


def free(path: Path) -> Path:
    """The path, or where it is taken the first of ``name_1.png``, ``name_2.png``, … that isn't."""
    if not path.exists():
        return path
    numbered = (path.with_stem(f"{path.stem}_{number}") for number in range(1, MAX_FILES))
    found = next((place for place in numbered if not place.exists() and not place.is_symlink()), None)
    if found is None:
        raise ValueError(f"all names like {path.name!r} are taken")
    return found


def named_by(workspace: Path, given: str | Path, path: Path) -> str:
    """How a result calls a path in the workspace: absolute where ``given`` was so, else from there on."""
    if Path(given).is_absolute():
        return str(path)
    return str(path.relative_to(workspace.resolve()))


def folder_of(context: ProcessingContext, reference: Any) -> Path:
    """The folder of the workspace that a folder reference names; an unset one is the workspace itself."""
    if isinstance(reference, Mapping):
        if reference.get("asset_id"):
            raise ValueError("a folder of assets can't be reached from here; choose one of the workspace")
        if not reference.get("uri"):
            return context.workspace.resolve()
    return existing_folder(context.workspace, convert.to_path(reference))


def files_in(
    folder: Path, pattern: str = "*", *, deep: bool = False, endings: tuple[str, ...] = ()
) -> Iterator[Path]:
    """Files of a folder, and with ``deep`` of those in it, whose names match; sorted, symlinks left out."""
    wanted = tuple(ending.lower() for ending in endings)
    for count, path in enumerate(_walk(folder, MAX_DEPTH if deep else 0)):
        if count == MAX_FILES:
            raise ValueError(f"{folder.name!r} holds more than {MAX_FILES:,} files; choose a smaller folder")
        matches = fnmatch.fnmatch(path.name, pattern or "*")
        if matches and (not wanted or path.name.lower().endswith(wanted)):
            yield path


async def listed(
    folder: Path, pattern: str = "*", *, deep: bool = False, endings: tuple[str, ...] = ()
) -> list[Path]:
    """Likewise, for nodes that load one after the other: a generator of the pool would load many ahead."""
    return await asyncio.to_thread(list, files_in(folder, pattern, deep=deep, endings=endings))


async def loaded(
    context: ProcessingContext,
    given: str,
    load: Callable[[Path], Loaded],
    pattern: str,
    *,
    deep: bool,
    endings: tuple[str, ...],
) -> AsyncIterator[tuple[Loaded, str]]:
    """(what ``load`` makes of it, name) of the files in a folder; with a warning for what it refuses."""
    folder = existing_folder(context.workspace, given)
    for path in await listed(folder, pattern, deep=deep, endings=endings):
        name = named_by(context.workspace, given, path)
        try:
            content = await asyncio.to_thread(load, path)
        except ValueError as error:
            context.log(f"{name} is left out: {error}", "warning")
        else:
            yield content, name


def _walk(folder: Path, depth: int) -> Iterator[Path]:
    with told(f"the folder {folder.name!r} can't be read"):
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    for entry in entries:
        if entry.is_file(follow_symlinks=False):
            yield Path(entry.path)
        elif depth and entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), depth - 1)


def content_of(context: ProcessingContext, reference: Any, word: str) -> bytes:
    """What a reference brings along or points to: data, or a file of the workspace."""
    if isinstance(reference, Mapping) and reference.get("data") is None:
        uri = str(reference.get("uri") or "")
        if uri.startswith("file://"):
            return read_bytes(existing_file(context.workspace, convert.to_path(uri)))
    return convert.to_bytes(reference, word)
