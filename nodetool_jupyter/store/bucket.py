"""Assets: content that jobs keep for later ones, by id. Each user has their own, and sees no other's.

They lie in a private folder of the store, or where ``NODETOOL_ASSET_URL`` says: any place that fsspec
reaches. An asset is a file ``ID`` or ``ID.ending``, as in NodeTool's own folder of assets, so that such a
folder can be used as it is.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from nodetool_jupyter.errors import AssetNotFound, StoreError
from nodetool_jupyter.values.files import make_private, read_plain, write_private

NAME = re.compile(r"(?P<id>[A-Za-z0-9_-]{1,80})(?P<suffix>(\.[A-Za-z0-9]{1,10})?)")
"""An asset's id, and the ending of its file's name where that is known."""
LONGEST = 256 * 2**20
"""Bytes of an asset that can be read."""


class Place(Protocol):
    """Where the files of one user lie. Names are checked before. Raises OSError, or what fsspec does."""

    def names(self, asset_id: str) -> list[str]:
        """Files whose names begin with an id and a dot."""

    def read(self, name: str, longest: int) -> bytes:
        """Up to so many bytes of a file; raises FileNotFoundError."""

    def write(self, name: str, content: bytes) -> None:
        """Write a new file, whole or not at all."""

    def address(self, name: str, seconds: int) -> str | None:
        """A URL that gives the file to whoever has it, for a time; None where there is no such thing."""


class UserAssets:
    """The assets of one user; ``where`` says in words where they lie."""

    def __init__(self, place: Place, where: str) -> None:
        self._place = place
        self._where = where

    def read(self, asset_id: str) -> bytes:
        """The content of an asset, whose id may have its ending. Raises AssetNotFound, StoreError."""
        content = self._read(self.find(asset_id))
        if len(content) > LONGEST:
            raise StoreError(
                f"the asset {asset_id} is larger than {LONGEST // 2**20} MiB", hint="read it in smaller parts"
            )
        return content

    def find(self, asset_id: str) -> str:
        """The name of an asset's file, with its ending; whether it is there is not known yet."""
        match = NAME.fullmatch(asset_id)
        if match is None:
            raise AssetNotFound(f"{asset_id[:80]!r} is no id of an asset", hint="ids are letters and digits")
        if match["suffix"]:
            return asset_id
        with self._told(f"assets can't be listed in {self._where}"):
            names = self._place.names(match["id"])
        return min(names, default=asset_id)

    def _read(self, name: str) -> bytes:
        with self._told(f"the asset {name} can't be read from {self._where}"):
            try:
                return self._place.read(name, LONGEST + 1)
            except FileNotFoundError:
                pass
        raise AssetNotFound(
            f"there is no asset {name} in {self._where}",
            hint="set NODETOOL_ASSET_URL to the folder or bucket that has it, or put the content in as data:",
        )

    def save(self, content: bytes, suffix: str) -> str:
        """Keep new content; gives its id. Raises StoreError."""
        asset_id = uuid.uuid4().hex
        if NAME.fullmatch(asset_id + suffix) is None:
            raise StoreError(f"{suffix[:40]!r} is no ending of a file's name", hint="write it like .png")
        with self._told(f"an asset can't be written to {self._where}"):
            self._place.write(asset_id + suffix, content)
        return asset_id

    def address(self, name: str, seconds: int) -> str | None:
        """A URL of the bucket itself that is good for so long; None where the bucket makes none."""
        with self._told(f"no address of {name} can be had from {self._where}"):
            return self._place.address(name, seconds)

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """Whatever a bucket's library raises becomes a sentence."""
        try:
            yield
        except Exception as error:
            raise StoreError(
                f"{what}: {getattr(error, 'strerror', None) or str(error) or type(error).__name__}",
                hint="make room, or set NODETOOL_ASSET_URL to another place",
            ) from error


class AssetStore:
    """All users' assets; ``url`` as in the settings, ``folder`` gives where they are without one."""

    def __init__(self, url: str | None, folder: Callable[[], Path]) -> None:
        self._url = url
        self._folder = folder

    def of(self, user_id: str) -> UserAssets:
        """One user's; the user without a name has what lies in the place itself."""
        below = f"users/{hashlib.sha256(user_id.encode()).hexdigest()[:32]}" if user_id else ""
        address = urlsplit(self._url or "")
        if self._url is None or address.scheme == "file":
            root = self._folder() if self._url is None else Path(unquote(address.path))
            return UserAssets(Folder(root / below), f"the folder {root}")
        shown = f"{address.scheme}://{address.netloc.rpartition('@')[2]}{address.path}"
        return UserAssets(Bucket(self._url, below), f"the bucket {shown}")


class Folder:
    """A folder for this user of the machine alone. No link in it is followed."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self, asset_id: str) -> list[str]:
        """See Place.names."""
        return [path.name for path in self._path.glob(f"{asset_id}.*") if NAME.fullmatch(path.name)]

    def read(self, name: str, longest: int) -> bytes:
        """See Place.read."""
        return read_plain(self._path / name, longest)

    def write(self, name: str, content: bytes) -> None:
        """See Place.write."""
        make_private(self._path)
        write_private(self._path / name, content)

    def address(self, name: str, seconds: int) -> None:
        """See Place.address: a folder is reached by the server alone."""


class Bucket:
    """A place that fsspec reaches, at its first use."""

    def __init__(self, url: str, below: str) -> None:
        self._url = url
        self._below = below

    @cached_property
    def _root(self) -> tuple[Any, str]:
        try:
            from fsspec.core import url_to_fs
        except ImportError:
            raise ImportError(
                "this needs fsspec, which isn't installed: pip install 'nodetool-jupyter[assets]'"
            ) from None
        files, path = url_to_fs(self._url)
        return files, "/".join(filter(None, (path.rstrip("/"), self._below)))

    def names(self, asset_id: str) -> list[str]:
        """See Place.names."""
        files, root = self._root
        files.invalidate_cache(root)  # another process may have written
        names = [str(path).rpartition("/")[2] for path in files.glob(f"{root}/{asset_id}.*")]
        return [name for name in names if NAME.fullmatch(name)]

    def read(self, name: str, longest: int) -> bytes:
        """See Place.read."""
        files, root = self._root
        with files.open(f"{root}/{name}", "rb") as file:
            content: bytes = file.read(longest)
            return content

    def write(self, name: str, content: bytes) -> None:
        """See Place.write."""
        files, root = self._root
        files.makedirs(root, exist_ok=True)
        files.pipe_file(f"{root}/{name}", content)

    def address(self, name: str, seconds: int) -> str | None:
        """See Place.address."""
        files, root = self._root
        try:
            address: str = files.sign(f"{root}/{name}", expiration=seconds)
        except NotImplementedError:
            return None
        return address
