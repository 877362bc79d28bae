"""Following jobs: those of a kernel that has gone, where nobody rings, are looked at now and then."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nodetool_jupyter.model.batch import KeptBatch
from nodetool_jupyter.model.events import JobUpdate, Notification, encode_event
from nodetool_jupyter.worker import following
from nodetool_jupyter.worker.event_log import LogReader
from nodetool_jupyter.worker.folder import RunFolder
from nodetool_jupyter.worker.following import CHECK, DOUBT, POLL, Follower
from nodetool_jupyter.worker.tail import append_end, write_exit

JOB = "0" * 26


class Notes:
    """Notes how many messages have come."""

    def __init__(self) -> None:
        self.count = 0
        self.status = ""

    def take(self, batch: KeptBatch) -> None:
        self.count += len(batch)
        self.status = next((update.status for update in batch.job_updates), self.status)

    def start_again(self) -> int | None:
        return None

    def close(self) -> None:
        pass


def test_a_job_without_a_bell_is_not_read_at_every_ring_of_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a hundred adopted jobs are all read whenever one of another kernel says a word."""
    now = [100.0]
    monkeypatch.setattr(following, "monotonic", lambda: now[0])
    folder, notes = RunFolder(tmp_path), Notes()
    lock = folder.try_lock()
    assert lock is not None
    writer = folder.writer()
    follower = Follower(folder, JOB, notes)
    for seq, expected in ((1, 1), (2, 1)):
        writer.append(line(seq))
        follower.look()
        assert notes.count == expected
    now[0] += 2 * POLL
    follower.look()
    assert notes.count == 2
    writer.close()


def test_a_job_that_says_nothing_costs_next_to_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred of them are looked at twenty times a second: no file is opened for that."""
    now, locks, reads = [100.0], [0], [0]
    monkeypatch.setattr(following, "monotonic", lambda: now[0])
    folder = RunFolder(tmp_path)
    lock = folder.try_lock()
    assert lock is not None
    folder.events.write_bytes(line(1))
    is_locked, read = RunFolder.is_locked, LogReader.read

    def counted_lock(folder: RunFolder) -> bool:
        locks[0] += 1
        return is_locked(folder)

    def counted_read(log: LogReader, *given: int, **named: int) -> tuple[list[bytes], int]:
        reads[0] += 1
        return read(log, *given, **named)

    monkeypatch.setattr(RunFolder, "is_locked", counted_lock)
    monkeypatch.setattr(LogReader, "read", counted_read)
    follower = Follower(folder, JOB, Notes())
    before = reads[0]
    for _ in range(1000):
        now[0] += POLL
        follower.look()
    assert reads[0] - before == 2
    assert locks[0] <= DOUBT / POLL + 1000 * POLL / CHECK + 2
    os.close(lock)


def test_an_end_counts_once_its_writer_has_let_go(tmp_path: Path) -> None:
    """A job that writes an end and an exit record itself is not believed while its supervisor lives."""
    folder, notes = RunFolder(tmp_path), Notes()
    folder.events.write_bytes(line(1) + end(2, "completed"))
    write_exit(folder, JobUpdate(status="completed", job_id=JOB, seq=2, timestamp=1.0))
    lock = folder.try_lock()
    assert lock is not None
    follower = Follower(folder, JOB, notes)
    follower.read()
    assert (notes.count, notes.status) == (1, "")
    write_exit(
        folder, append_end(folder, JobUpdate(status="completed", job_id=JOB, timestamp=1.0), 1, len(line(1)))
    )
    follower.read()
    assert (notes.count, notes.status) == (1, "")
    os.close(lock)
    follower.read()
    assert (notes.count, notes.status) == (2, "failed")
    assert follower.is_over


def line(seq: int) -> bytes:
    event = Notification(node_id="n", content="x", job_id=JOB, seq=seq, timestamp=1.0)
    return encode_event(event) + b"\n"


def end(seq: int, status: str) -> bytes:
    return encode_event(JobUpdate(status=status, job_id=JOB, seq=seq, timestamp=1.0)) + b"\n"
