"""Notes that processes leave of themselves, where something else lies in their place."""

from __future__ import annotations

from pathlib import Path

import pytest

from nodetool_jupyter.model.peers import Peer
from nodetool_jupyter.store.files import read_notes, register_owner


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"\x00\xff",
        b"[]",
        b'{"version": ""}',
        b'{"version": "<b>\\u001b[2J"}',
        b'{"version": "' + b"9" * 50 + b'"}',
        b'{"version": "1.0.0"' + b" " * 8192 + b"}",
    ],
)
def test_what_is_no_note_is_passed_over(tmp_path: Path, note: bytes) -> None:
    """What stands in it comes to a notebook: it is a version, or nothing."""
    owner, other = register_owner(tmp_path), register_owner(tmp_path)
    try:
        owner.introduce(Peer(version="1.2.3.dev4+g1"))
        (tmp_path / f"{other.id}.json").write_bytes(note)
        assert read_notes(tmp_path) == {owner.id: Peer(version="1.2.3.dev4+g1")}
    finally:
        owner.close()
        other.close()
