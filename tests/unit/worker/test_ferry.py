"""What comes over from a container without our files: whole, in order, and nothing that belongs nowhere."""

from __future__ import annotations

import os
import signal
import socket
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodetool_jupyter.errors import WorkflowError
from nodetool_jupyter.worker import ferry
from nodetool_jupyter.worker.ferry import FarEnd, Files, Piece, Pieces, put, sizes_in

LOG = "events.jsonl"


@pytest.fixture
def near(tmp_path: Path) -> Path:
    near = tmp_path / "near"
    near.mkdir()
    return near


@pytest.fixture
def far(tmp_path: Path) -> Path:
    far = tmp_path / "far"
    far.mkdir()
    return far


def carry(files: Files, near: Path, *, is_over: bool = False) -> list[str]:
    """Bring all that is new over; gives the names in their order."""
    names = []
    while (piece := files.news(is_over=is_over)) is not None:
        (copy,) = Pieces().feed(piece.to_bytes())
        put(near, copy)
        names.append(copy.about["file"])
    return names


@given(st.lists(st.integers(1, 70_000), max_size=10))
def test_pieces_come_in_parts_of_any_size(sizes: list[int]) -> None:
    """And several at once."""
    sent = [Piece({"file": "a", "at": 0}, b"x\n" * 50_000), Piece({"next": True}), Piece({"file": "b"}, b"{")]
    data = b"".join(piece.to_bytes() for piece in sent)
    pieces, found = Pieces(), []
    for size in [*sizes, len(data)]:
        found += pieces.feed(data[:size])
        data = data[size:]
    assert found == sent


@pytest.mark.parametrize(
    "data", [b"x\n", b"[]\n", b"{}\n", b'{"size":-1}\n', b'{"size":"a"}\n', b'{"size":99999999999}\n']
)
def test_what_is_no_piece(data: bytes) -> None:
    """Is an error of ours, whatever it is."""
    with pytest.raises(WorkflowError, match="what came from the job's container"):
        list(Pieces().feed(data))


def test_a_piece_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Is not kept for ever."""
    monkeypatch.setattr(ferry, "LONGEST", 1000)
    with pytest.raises(WorkflowError, match="more than"):
        list(Pieces().feed(b"x" * 1001))


def test_what_is_new(far: Path, near: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Values before the messages that name them, the exit record last and only at the end, all else once."""
    monkeypatch.setattr(ferry, "PIECE", 4)
    files = Files(far)
    (far / "values").mkdir()
    (far / "values" / "v.npy").write_bytes(b"12345")
    (far / LOG).write_bytes(b"one\n")
    (far / "exit.json").write_bytes(b"{}")
    (far / "tmp").mkdir()
    (far / "tmp" / "t").write_bytes(b"t")
    (far / "order.json").write_bytes(b"o")
    assert carry(files, near) == ["values/v.npy", "values/v.npy", LOG]
    assert carry(files, near) == []
    with (far / LOG).open("ab") as log:
        log.write(b"two\n")
    assert carry(files, near) == [LOG]
    assert carry(files, near, is_over=True) == ["exit.json"]
    assert sizes_in(near) == {"values/v.npy": 5, LOG: 8, "exit.json": 2}
    assert (near / LOG).read_bytes() == b"one\ntwo\n"


def test_a_file_that_took_the_place_of_another(far: Path, near: Path) -> None:
    """It comes whole, also where it is shorter."""
    files = Files(far)
    for content in (b"long record", b"short", b""):
        fresh = far / ".fresh"
        fresh.write_bytes(content)
        fresh.replace(far / "supervisor.json")
        assert carry(files, near) == ["supervisor.json"]
        assert (near / "supervisor.json").read_bytes() == content


def test_the_next_near_end_says_what_it_has(far: Path, near: Path) -> None:
    """It gets what it lacks, and nothing twice."""
    (far / LOG).write_bytes(b"one\ntwo\n")
    (near / LOG).write_bytes(b"one\n")
    files = Files(far)
    carry(files, far.parent / "near")
    files.know({LOG: 4})
    assert carry(files, near) == [LOG]
    assert (near / LOG).read_bytes() == b"one\ntwo\n"


@pytest.mark.parametrize(
    "name",
    [
        "../a",
        "/etc/a",
        "a/../../b",
        "values/../a",
        ".hidden",
        "a/b/c",
        "",
        "a\0b",
        "lock",
        "order.json",
        "far.json",
        7,
    ],
)
def test_names_that_no_file_has(name: object, near: Path, tmp_path: Path) -> None:
    """Nothing is written anywhere."""
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(WorkflowError, match="of a name that none has"):
        put(near, Piece({"file": name, "at": 0}, b"x"))
    assert sorted(tmp_path.rglob("*")) == before


def test_a_link_is_not_followed(near: Path, tmp_path: Path) -> None:
    """Whoever made it there."""
    (near / LOG).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        put(near, Piece({"file": LOG, "at": 0}, b"x"))
    with pytest.raises(WorkflowError, match="not where"):
        put(near, Piece({"file": "other", "at": -1}, b"x"))


def test_the_far_end(far: Path, near: Path) -> None:
    """It sends nothing before it is asked, then piece by piece, and ends as its supervisor has."""
    child = os.fork()
    if child == 0:
        signal.pause()
    ours, theirs = socket.socketpair()
    bell, rings = os.pipe()
    connection, told = socket.socketpair()
    end = FarEnd(far, child, connection, bell, theirs.fileno())
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(end.run(theirs.fileno())))
    thread.start()
    pieces = Pieces()

    def ask(piece: Piece) -> Piece:
        ours.sendall(piece.to_bytes())
        while True:
            for answer in pieces.feed(ours.recv(65536)):
                return answer

    (far / LOG).write_bytes(b"one\n")
    assert ask(Piece({"have": {}})).about == {"here": True}
    ours.sendall(Piece({"say": True}, b"hello").to_bytes())
    assert told.recv(10) == b"hello"
    put(near, ask(Piece({"next": True})))
    assert (near / LOG).read_bytes() == b"one\n"
    (far / "exit.json").write_bytes(b"{}")
    os.kill(child, signal.SIGKILL)
    os.close(rings)
    assert ask(Piece({"next": True})).about == {"file": "exit.json", "at": 0}
    assert ask(Piece({"next": True})).about == {"over": True}
    thread.join(5)
    assert codes == [128 + signal.SIGKILL]
    os.close(bell)
    for each in (ours, theirs, connection, told):
        each.close()
