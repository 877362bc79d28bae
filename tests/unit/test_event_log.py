"""The event log's file: what is on the disk, and what becomes of a line that was torn."""

from __future__ import annotations

import errno
import os
import resource
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from nodetool_jupyter.errors import ErrorCode, StoreError
from nodetool_jupyter.store.base import fault_code
from nodetool_jupyter.worker.event_log import BLOCK, LogReader, LogWriter


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The log of a job in a home that is there."""
    (tmp_path / "jobs").mkdir()
    return tmp_path / "jobs" / "a-job" / "events.jsonl"


@pytest.fixture
def log(path: Path) -> Iterator[LogWriter]:
    log = LogWriter(path)
    yield log
    log.close()


def open_files(pid: int | None = None) -> set[str]:
    """The files that a process has open, by default this one."""
    return {file.path for file in psutil.Process(pid).open_files()}


@pytest.fixture
def size_limit() -> Iterator[int]:
    """No file of this process may grow beyond this many bytes: what a full disk is to one log."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    yield 100_000
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_nothing_is_made_before_the_first_line(path: Path, log: LogWriter) -> None:
    """A job that ends before it begins leaves no folder; neither does reading."""
    assert LogReader(path).read() == ([], 0)
    assert not path.parent.exists()
    log.append(b"{}\n")
    assert path.read_bytes() == b"{}\n"


def test_log_and_folders_are_private(tmp_path: Path) -> None:
    """What a job printed is its user's alone, whatever the umask, also where the home had to be made."""
    path = tmp_path / "home" / "jobs" / "a-job" / "events.jsonl"
    before = os.umask(0)
    try:
        log = LogWriter(path)
        log.append(b"{}\n")
        log.close()
    finally:
        os.umask(before)
    modes = [stat.S_IMODE(part.stat().st_mode) for part in (path, *list(path.parents)[:3])]
    assert modes == [0o600, 0o700, 0o700, 0o700]


def test_a_finished_job_keeps_no_file_open(path: Path, log: LogWriter) -> None:
    """The writer has one descriptor until it is closed, a reader none between reads."""
    log.append(b"{}\n")
    LogReader(path).read()
    assert str(path) in open_files()
    log.close()
    assert str(path) not in open_files()


def test_programs_that_a_node_starts_do_not_get_the_log(path: Path, log: LogWriter) -> None:
    """A program that runs on would otherwise hold the log of a job that has ended."""
    log.append(b"{}\n")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False) as child:
        assert str(path) not in open_files(child.pid)
        child.communicate(b"\n")


def test_a_torn_line_is_not_read(path: Path, log: LogWriter) -> None:
    """The offset stays before it, so that it is read once it is whole."""
    log.append(b"one\n")
    with path.open("ab") as file:
        file.write(b"tw")
    assert LogReader(path).read() == ([b"one"], 4)
    with path.open("ab") as file:
        file.write(b"o\n")
    assert LogReader(path).read(4) == ([b"two"], 8)


@pytest.mark.parametrize("whole", [b"", b"one\n", b"one\n" + b"x" * (BLOCK - 4) + b"\n"])
@pytest.mark.parametrize("torn", [b"", b"tor", b"y" * (2 * BLOCK + 1)])
def test_the_next_writer_cuts_a_torn_line(path: Path, log: LogWriter, whole: bytes, torn: bytes) -> None:
    """Its first line would otherwise be joined to what a dying writer left; whole lines stay."""
    path.parent.mkdir()
    path.write_bytes(whole + torn)
    log.append(b"next\n")
    assert path.read_bytes() == whole + b"next\n"


def test_a_full_disk_leaves_all_of_a_batch_or_nothing(path: Path, log: LogWriter, size_limit: int) -> None:
    """So no torn line is left and no line comes twice, and a batch that fits is taken later."""
    log.append(b"x" * (size_limit - 10) + b"\n")
    with pytest.raises(StoreError, match="can't be written: the file is at its size limit") as caught:
        log.append(b"three\nlines\nmore\n")
    assert fault_code(caught.value) is ErrorCode.DISK_FULL
    assert path.stat().st_size == size_limit - 9
    log.append(b"fits\n")
    assert log.read(size_limit - 9)[0] == [b"fits"]


@pytest.mark.only_on("linux")
def test_a_full_disk_is_named(path: Path, log: LogWriter) -> None:
    """The kernel's own device that is always full gives the error of a disk."""
    log.open()
    full = os.open("/dev/full", os.O_RDWR)
    assert log._fd is not None
    os.dup2(full, log._fd)
    os.close(full)
    with pytest.raises(StoreError, match="the disk is full\n  → free some space") as caught:
        log.append(b"{}\n")
    assert fault_code(caught.value) is ErrorCode.DISK_FULL


def test_a_log_that_cannot_be_made_is_explained(path: Path, log: LogWriter) -> None:
    """A file in the place of the folder: the message names the log, the code is not that of a full disk."""
    path.parent.write_text("in the way")
    with pytest.raises(StoreError, match=r"events\.jsonl can't be written") as caught:
        log.append(b"{}\n")
    assert fault_code(caught.value) is ErrorCode.STORE_FAILED
    with pytest.raises(StoreError, match="can't be read"):
        log.read()


def test_any_full_disk_has_its_code() -> None:
    """Quotas count too; an error without a cause is the store's."""
    for number in (errno.ENOSPC, errno.EDQUOT):
        error = StoreError("full")
        error.__cause__ = OSError(number, "full")
        assert fault_code(error) is ErrorCode.DISK_FULL
    assert fault_code(StoreError("other")) is ErrorCode.STORE_FAILED


@pytest.mark.only_on("linux")
@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_only_a_regular_file_is_a_log(path: Path, log: LogWriter, tmp_path: Path, kind: str) -> None:
    """A job that owns its folder can lead nobody to another file, nor have its readers wait for ever."""
    other = tmp_path / "other"
    other.write_bytes(b"a line\nand a torn one")
    path.parent.mkdir()
    path.symlink_to(other) if kind == "link" else os.mkfifo(path)
    with pytest.raises(StoreError):
        log.append(b"{}\n")
    with pytest.raises(StoreError):
        LogReader(path).read()
    assert other.read_bytes() == b"a line\nand a torn one"
