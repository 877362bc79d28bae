"""Sounds for a view: audio as the browser plays it, bounded.

Only bytes that the value itself carries are played, and only in formats of audio that are told by their first
bytes: no address from a workflow ever gets into a page, and no other content by a false name.
"""

from __future__ import annotations

import base64
import wave
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from nodetool_jupyter.values.sounds import format_of
from nodetool_jupyter.views.images import carried_bytes

MAX_BYTES = 1_048_576
_TYPES = {"wav": "wav", "mp3": "mpeg", "ogg": "ogg", "flac": "flac", "m4a": "mp4", "webm": "webm"}


@dataclass(frozen=True, slots=True)
class Sound:
    """Audio of at most MAX_BYTES; ``seconds`` where its format tells them."""

    format: str
    data: bytes
    seconds: float | None

    @property
    def label(self) -> str:
        length = f"{self.seconds:.1f} s, " if self.seconds is not None else ""
        return f"audio ({length}{self.format})"

    @property
    def uri(self) -> str:
        return f"data:audio/{_TYPES[self.format]};base64,{base64.b64encode(self.data).decode('ascii')}"


def is_audio(value: Any) -> bool:
    """Whether a value is NodeTool's typed dict of a sound."""
    return isinstance(value, dict) and value.get("type") == "audio"


def sound(value: Any) -> Sound | None:
    """The sound of a reference, or None if it can't be played (no content in it, too large, no audio)."""
    data = carried_bytes(value)
    kind = format_of(data) if data else None
    if data is None or kind is None or len(data) > MAX_BYTES:
        return None
    return Sound(kind, data, _seconds(data) if kind == "wav" else None)


def _seconds(data: bytes) -> float | None:
    try:
        with wave.open(BytesIO(data), "rb") as file:
            return file.getnframes() / file.getframerate()
    except (wave.Error, EOFError, ZeroDivisionError, OSError):
        return None
