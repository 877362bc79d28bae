"""Following jobs: those of a kernel that has gone, where nobody rings, are looked at now and then."""

from __future__ import annotations

from pathlib import Path

import pytest

from nodetool_jupyter.model.batch import KeptBatch
from nodetool_jupyter.model.events import Notification, encode_event
from nodetool_jupyter.worker import following
from nodetool_jupyter.worker.folder import RunFolder
from nodetool_jupyter.worker.following import POLL, Follower

JOB = "0" * 26


class Notes:
    """Notes how many messages have come."""

    def __init__(self) -> None:
        self.count = 0

    def take(self, batch: KeptBatch) -> None:
        self.count += len(batch)

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
        event = Notification(node_id="n", content="x", job_id=JOB, seq=seq, timestamp=1.0)
        writer.append(encode_event(event) + b"\n")
        follower.look()
        assert notes.count == expected
    now[0] += 2 * POLL
    follower.look()
    assert notes.count == 2
    writer.close()
