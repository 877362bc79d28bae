"""Audio that a reference has brought along. Its format is told by how it begins, whatever is said of it."""

from __future__ import annotations

import base64
from typing import Any

from nodetool_jupyter.values.base import KIND

_BEGINNINGS = {b"ID3": "mp3", b"OggS": "ogg", b"fLaC": "flac", b"\x1aE\xdf\xa3": "webm"}
MPEG_SYNC = 0xE0
"""The first three bits of a frame's second byte."""


def format_of(data: bytes) -> str | None:
    """``wav``, ``mp3``, ``ogg``, ``flac``, ``m4a``, ``webm``, or None for what isn't known to be audio."""
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return "wav"
    if data[4:8] == b"ftyp":
        return "m4a"
    for beginning, kind in _BEGINNINGS.items():
        if data.startswith(beginning):
            return kind
    return "mp3" if len(data) > 1 and data[0] == 0xFF and data[1] & MPEG_SYNC == MPEG_SYNC else None


def carried(value: dict[Any, Any], room: int) -> dict[str, str] | None:
    """The reference with its content, None where that lies elsewhere or takes more than ``room``: a part of
    it could not be played.
    """
    if value.get("type") != "audio" or KIND in value:
        return None
    data, uri = value.get("data"), value.get("uri")
    if isinstance(data, bytes) and len(data) < room:
        data = base64.b64encode(data).decode("ascii")
    name, content = ("data", data) if data is not None else ("uri", uri)
    if not isinstance(content, str) or len(content) > room or not content.isascii():
        return None
    return {"type": "audio", name: content} if name == "data" or content.startswith("data:") else None
