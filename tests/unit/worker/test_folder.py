"""The run directory: whole records, a lock that proves life, a reserve for the end."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from nodetool_jupyter.worker.folder import CANCEL, LOCK, RESERVE, RESERVED, RunFolder

HOLD = """
import sys
from pathlib import Path
from nodetool_jupyter.worker.folder import RunFolder
lock = RunFolder(Path(sys.argv[1])).try_lock()
print("held", flush=True)
input()
"""


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    folder = RunFolder(tmp_path / "job")
    folder.make()
    return folder


def test_it_is_private(folder: RunFolder) -> None:
    """With all that is written to it."""
    folder.write_record("r.json", {"a": 1})
    assert folder.path.stat().st_mode & 0o777 == 0o700
    assert (folder.path / "r.json").stat().st_mode & 0o777 == 0o600


def test_records_are_whole_or_not_there(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that can't be written leaves what was there before, and no other file."""
    folder.write_record("r.json", {"a": 1})

    def refuse(*_: object) -> None:
        raise OSError("no")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", refuse)
        with pytest.raises(OSError, match="no"):
            folder.write_record("r.json", {"a": 2})
    assert folder.read_record("r.json") == {"a": 1}
    assert [path.name for path in folder.path.iterdir()] == ["r.json"]


@pytest.mark.parametrize("data", [b"", b"{", b"[1]", b"\xff"])
def test_what_is_no_record_is_none(folder: RunFolder, data: bytes) -> None:
    """It is as if there were none."""
    (folder.path / "r.json").write_bytes(data)
    assert folder.read_record("r.json") == folder.read_record("none.json") == {}


def test_the_lock_lives_as_long_as_its_process(folder: RunFolder) -> None:
    """However that ends; a zombie holds none."""
    assert not folder.is_locked()
    command = [sys.executable, "-c", HOLD, str(folder.path)]
    with subprocess.Popen(
        command, cwd=Path(__file__).parents[3], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert folder.is_locked()
        assert folder.try_lock() is None
        holder.kill()
        os.waitid(os.P_PID, holder.pid, os.WEXITED | os.WNOWAIT)
        assert not folder.is_locked()
    lock = folder.try_lock()
    assert lock is not None
    os.close(lock)


def test_the_reserve_takes_room_until_it_is_used(folder: RunFolder) -> None:
    """It is made of blocks, not of a hole."""
    folder.make_reserve()
    assert (folder.path / RESERVE).stat().st_blocks * 512 >= RESERVED
    folder.use_reserve()
    folder.use_reserve()
    assert not (folder.path / RESERVE).exists()


def test_word_for_a_supervisor(folder: RunFolder) -> None:
    """Is found, if any was left."""
    assert folder.left_word() == b""
    folder.write(CANCEL, b"word")
    assert folder.left_word() == b"word"


def test_the_temporary_folder_goes_with_all_that_is_in_it(folder: RunFolder) -> None:
    """Or was never there."""
    folder.remove_temporary()
    (folder.temporary / "deep").mkdir(parents=True)
    folder.remove_temporary()
    assert not folder.temporary.exists()


def test_who_only_looks_keeps_nobody_from_the_lock(folder: RunFolder) -> None:
    """It is held for a moment then; who wants it waits for that long, if it has the patience."""
    looking = os.open(folder.path / LOCK, os.O_RDWR | os.O_CREAT)
    fcntl.flock(looking, fcntl.LOCK_SH)
    assert folder.try_lock() is None
    assert folder.try_lock(0.01) is None
    soon = threading.Timer(0.05, os.close, (looking,))
    soon.start()
    lock = folder.try_lock(10)
    soon.join()
    assert lock is not None
    os.close(lock)
