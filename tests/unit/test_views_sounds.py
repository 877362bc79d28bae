"""Audio in views: played by the bytes that a value carries, in formats that are known, within bounds."""

from __future__ import annotations

import base64
import wave
from io import BytesIO
from typing import Any

import pytest

from nodetool_jupyter.values.preview import preview
from nodetool_jupyter.values.sounds import format_of
from nodetool_jupyter.views.sounds import MAX_BYTES, sound
from nodetool_jupyter.views.values import as_html, as_text, inline
from tests.unit.pages import Page


def tone(frames: int) -> bytes:
    """A WAV file of 8,000 frames a second."""
    out = BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(8_000)
        file.writeframes(b"\x80" * frames)
    return out.getvalue()


WAV = tone(4_000)
TEXT = base64.b64encode(WAV).decode()
REFERENCES = [
    {"type": "audio", "uri": "", "asset_id": None, "data": WAV, "metadata": None},
    {"type": "audio", "uri": "", "asset_id": None, "data": TEXT, "metadata": None},
    {"type": "audio", "uri": f"data:audio/wav;base64,{TEXT}", "asset_id": None, "data": None},
]


@pytest.mark.parametrize("value", REFERENCES)
def test_a_sound_can_be_played(value: dict[str, Any]) -> None:
    """As it is, and as a preview node's message has it; nothing starts by itself."""
    for shown in (value, preview(value, 65_536)):
        (player,) = [found for tag, found in Page(as_html(shown)).elements if tag == "audio"]
        assert player["src"] == f"data:audio/wav;base64,{TEXT}"
        assert "controls" in player
        assert "autoplay" not in player
        assert inline(shown) == as_text(shown) == "audio (0.5 s, wav)"


@pytest.mark.parametrize(
    "value",
    [
        {"type": "audio", "uri": "https://example.org/a.wav"},
        {"type": "audio", "uri": "file:///a.wav"},
        {"type": "audio", "asset_id": "a.wav"},
        {"type": "audio", "data": base64.b64encode(b"<svg onload=alert(1)>").decode()},
        {"type": "audio", "uri": "data:text/html;base64,PGI+"},
        {"type": "audio", "data": "no base64!"},
        {"type": "audio", "data": b""},
        {"type": "audio", "data": tone(MAX_BYTES + 1)},
        {"type": "audio"},
        {"type": "audio", "data": 5, "uri": ["x"]},
    ],
)
def test_all_else_is_told_in_words(value: dict[str, Any]) -> None:
    """No address is fetched, nothing is passed off as audio, nothing large gets into a page."""
    assert sound(value) is None
    for shown in (value, preview(value, 65_536)):
        assert "<audio" not in as_html(shown)
        assert inline(shown)


def test_a_long_sound_is_no_part_of_a_message() -> None:
    """Half of a file can't be played: the preview says what it is, within its bound."""
    value = {"type": "audio", "data": base64.b64encode(tone(60_000)).decode()}
    shown = preview(value, 65_536)
    assert len(str(shown)) < 2_000
    assert "<audio" not in as_html(shown)
    assert "60.0" not in inline(shown)
    assert inline(value) == "audio (7.5 s, wav)"


def test_a_file_that_tells_no_length() -> None:
    """A cut or odd header is no error."""
    assert inline({"type": "audio", "data": WAV[:20]}) == "audio (wav)"
    assert inline({"type": "audio", "data": b"ID3\x04"}) == "audio (mp3)"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"RIFF\0\0\0\0WAVE", "wav"),
        (b"RIFF\0\0\0\0AVI ", None),
        (b"ID3\x04", "mp3"),
        (b"\xff\xfb\x90", "mp3"),
        (b"\xff\x00", None),
        (b"OggS", "ogg"),
        (b"fLaC", "flac"),
        (b"\0\0\0\x20ftypM4A ", "m4a"),
        (b"\x1aE\xdf\xa3", "webm"),
        (b"\x89PNG", None),
        (b"", None),
    ],
)
def test_formats_are_known_by_their_beginning(data: bytes, kind: str | None) -> None:
    assert format_of(data) == kind
