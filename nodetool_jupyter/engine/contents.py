"""References among the inputs of a node whose results are kept: two are the same if what they refer to is.

An address alone says nothing of that: the file behind it may have changed, or lie at another one, too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.reading import STORAGE, is_elsewhere
from nodetool_jupyter.errors import NodeToolError

LOCAL = ("asset://", "file://", STORAGE)
ADDRESS = ("uri", "asset_id")


class Unread(ValueError):
    """Why what an input refers to can't be compared."""


def compared_by_content(values: Mapping[str, Any], context: ProcessingContext) -> dict[str, Any]:
    """The values with a digest of content in place of each reference's address. A text that is an address
    stays, with the digest behind it: a node may use it as a text. Raises Unread.
    """
    contents = _Contents(context)
    return {name: contents.of(value) for name, value in values.items()}


class _Contents:
    def __init__(self, context: ProcessingContext) -> None:
        self._context = context

    def of(self, value: Any) -> Any:
        kind = type(value)
        if kind is str:
            return f"{value} {self._at(value)}" if value.startswith(LOCAL) else value
        if kind is dict:
            return self._of_dict(value)
        if kind in (list, tuple):
            return kind([self.of(item) for item in value])
        return f"{value} {self._in_file(value)}" if isinstance(value, Path) else value

    def _of_dict(self, value: dict[str, Any]) -> Any:
        if value.get("type") == "file_path" and isinstance(value.get("path"), str):
            return {**value, "content": self._in_file(self._context.workspace / value["path"])}
        address = value.get("uri") or f"asset://{value.get('asset_id')}"
        if not (is_elsewhere(value) and isinstance(address, str | Path)):
            return {name: self.of(item) for name, item in value.items()}
        rest = {name: self.of(item) for name, item in value.items() if name not in ADDRESS}
        return {**rest, "uri": self._in_file(address) if isinstance(address, Path) else self._at(address)}

    def _at(self, address: str) -> str:
        return self._digest(address, lambda: self._context.read_uri(address))

    def _in_file(self, path: Path) -> str:
        return self._digest(str(path), path.read_bytes) if path.is_file() else ""

    def _digest(self, name: str, read: Callable[[], bytes]) -> str:
        try:
            return f"sha256:{hashlib.sha256(read()).hexdigest()}"
        except (ValueError, OSError, NodeToolError) as error:
            reason = error.message if isinstance(error, NodeToolError) else error
            raise Unread(f"what {name[:80]} refers to can't be compared: {reason}") from error
