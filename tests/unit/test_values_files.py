"""The folder of large values: private, with names of ours, and nothing half written is ever referred to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from nodetool_jupyter.errors import StoreError
from nodetool_jupyter.values.files import REFERENCE, ValueFolder
from tests.support import wait_until


@pytest.mark.parametrize("data", [b"abc", lambda file: file.write(b"abc")], ids=["bytes", "function"])
def test_a_value_is_written_and_found(data: Any, tmp_path: Path) -> None:
    """In a private file of a private folder, which is made with the folders above it."""
    folder = ValueFolder(tmp_path / "run" / "values")
    reference = folder.write("My Table/../x", ".npy", data)
    path = folder.find(reference)
    assert path.read_bytes() == b"abc"
    assert REFERENCE.fullmatch(reference)
    assert reference.startswith("my-table-x-")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert path.parent.parent.stat().st_mode & 0o777 == 0o700
    assert folder.write("x" * 500, "bin", data) != folder.write("", "bin", data)


@pytest.mark.parametrize("reference", ["../x.bin", "/etc/passwd", "x", "a/b.bin", "", ".bin", "x.bin\n"])
def test_no_reference_leads_out_of_the_folder(reference: str, tmp_path: Path) -> None:
    """A reference is a name that could be ours; it says whose value it isn't."""
    with pytest.raises(StoreError, match="no reference to a value of job 7"):
        ValueFolder(tmp_path, "job 7").find(reference)


def test_links_are_not_followed(tmp_path: Path) -> None:
    """Neither a file nor the folder may lead elsewhere, and what isn't a file is gone."""
    secret = tmp_path / "secret.txt"
    secret.write_text("mine")
    inside = tmp_path / "values"
    inside.mkdir()
    (inside / "a.txt").symlink_to(secret)
    os.mkfifo(inside / "b.txt")
    (inside / "c.txt").write_text("x")
    (tmp_path / "link").symlink_to(inside)
    folder, linked = ValueFolder(inside), ValueFolder(tmp_path / "link")
    for finder, reference in ((folder, "a.txt"), (folder, "b.txt"), (folder, "d.txt"), (linked, "c.txt")):
        with pytest.raises(StoreError, match="no longer there"):
            finder.find(reference)
    with pytest.raises(StoreError, match=r"can't be written: .* is a symbolic link"):
        linked.write("x", "bin", b"")
    assert len(list(inside.iterdir())) == 3


def test_what_fails_leaves_no_file(tmp_path: Path) -> None:
    """A full disk isn't kept full by half a value; the error of the value's own code stays what it is."""

    def full(file: BinaryIO) -> None:
        file.write(b"x" * 100_000)
        raise OSError(28, "No space left on device")

    def broken(file: BinaryIO) -> None:
        file.write(b"x")
        raise KeyError("mine")

    folder = ValueFolder(tmp_path / "values", "job 7")
    with pytest.raises(StoreError, match="large value of job 7 can't be written: No space left") as caught:
        folder.write("x", "bin", full)
    assert "make room" in str(caught.value.hint)
    with pytest.raises(KeyError):
        folder.write("x", "bin", broken)
    assert list((tmp_path / "values").iterdir()) == []


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """A file stands where it should be."""
    (tmp_path / "values").write_text("")
    with pytest.raises(StoreError, match="can't be written"):
        ValueFolder(tmp_path / "values").write("x", "bin", b"")


PROGRAM = """
import sys
from pathlib import Path
from nodetool_jupyter.values.files import ValueFolder

def endless(file):
    while True:
        file.write(b"x" * 100_000)
        file.flush()
        sys.stdin.read(1)

print(ValueFolder(Path(sys.argv[1])).write("x", "bin", endless))
"""


def test_a_writer_that_is_killed_gives_no_reference(tmp_path: Path) -> None:
    """Half a file may stay; nothing that was sent names it."""
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "values")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        wait_until(lambda: [path for path in tmp_path.glob("values/*") if path.stat().st_size], 30)
        writer.send_signal(signal.SIGKILL)
        told, _ = writer.communicate(timeout=30)
    assert told == b""
