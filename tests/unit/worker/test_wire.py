"""Lines between launcher and supervisor: of any length, in any pieces, of the right version."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodetool_jupyter.errors import ErrorCode
from nodetool_jupyter.model.events import Fault
from nodetool_jupyter.worker import wire

FAULT = Fault(code=ErrorCode.TIMED_OUT, message="too\nlate", hint="ü\u2028")
START = wire.hello("/run", "0" * 64, {"A": "x" * 200_000})


@given(st.lists(st.integers(1, 70_000), max_size=10))
def test_messages_come_in_pieces_of_any_size(sizes: list[int]) -> None:
    """And several at once."""
    data = wire.encode_message(START) + wire.encode_message(wire.Cancel(fault=FAULT))
    data += wire.encode_message(wire.Cancel())
    lines, found = wire.Lines(), []
    for size in [*sizes, len(data)]:
        found += lines.feed(data[:size])
        data = data[size:]
    assert found == [START, wire.Cancel(fault=FAULT), wire.Cancel()]


@pytest.mark.parametrize(
    "line", [b"x\n", b"{}\n", b'{"type":"start"}\n', b"\n", b'{"type":"cancel","x":1,}\n']
)
def test_what_is_no_message(line: bytes) -> None:
    """Is an error of ours, whatever it is."""
    with pytest.raises(wire.WireError, match="not a message of ours"):
        wire.Lines().feed(line)


def test_a_message_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Is not kept for ever."""
    monkeypatch.setattr(wire, "LONGEST", 1000)
    lines = wire.Lines()
    lines.feed(b"x" * 1000)
    with pytest.raises(wire.WireError, match="more than"):
        lines.feed(b"x")


@pytest.mark.parametrize(("name", "value"), [("protocol", 99), ("package", "0.0"), ("python", "2.7")])
def test_versions(name: str, value: object) -> None:
    """Both are named where they don't match."""
    wire.check_versions(START)
    with pytest.raises(wire.Mismatch, match=f"the kernel has {name} {value}, the worker"):
        wire.check_versions(replace(START, **{name: value}))


def test_receive() -> None:
    """Nothing yet, something, the end."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        lines = wire.Lines()
        assert wire.receive(ours, lines) == []
        theirs.sendall(wire.encode_message(wire.Cancel()))
        assert wire.receive(ours, lines) == [wire.Cancel()]
        theirs.close()
        assert wire.receive(ours, lines) is None


def test_a_socket_in_a_deep_folder(tmp_path: Path) -> None:
    """Addresses are short; folders need not be."""
    path = tmp_path / ("d" * 100) / ("e" * 100) / "control"
    path.parent.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as listener, wire.short_address(path) as name:
        listener.bind(name)
    assert path.is_socket()
