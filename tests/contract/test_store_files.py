"""What every store promises of a job's log and files: read while written, pruned with their job."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from nodetool_jupyter.errors import JobNotFound, StoreError
from nodetool_jupyter.model.job import LIVE, JobRecord, JobStatus
from nodetool_jupyter.store import Store, new_job_id
from nodetool_jupyter.store.pruning import Bounds, prune
from nodetool_jupyter.worker.event_log import NAME, LogWriter

LINES = [b'{"seq":1}', b'{"seq":2,"text":"\xc3\xa4\\n"}', b'{"seq":3}']
Add = Callable[..., JobRecord]


def test_a_log_is_read_while_it_is_written(store: Store) -> None:
    """From the start or from an offset, by any number of readers, as lines without their newlines."""
    job_id = new_job_id()
    reader, log = store.read_log(job_id), store.open_log(job_id)
    assert reader.read() == ([], 0)
    log.append(LINES[0] + b"\n" + LINES[1] + b"\n")
    lines, offset = reader.read()
    assert lines == LINES[:2]
    log.append(LINES[2] + b"\n")
    log.append(b"")
    assert reader.read(offset)[0] == LINES[2:]
    log.close()
    assert store.read_log(job_id).read()[0] == log.read()[0] == LINES


def test_a_log_is_read_in_bounded_pieces(store: Store) -> None:
    """A limit cuts at whole lines, and a line longer than it comes whole."""
    job_id = new_job_id()
    log = store.open_log(job_id)
    log.append(b"".join(line + b"\n" for line in LINES))
    log.append(b"x" * 1000 + b"\n")
    log.close()
    pieces, offset = [], 0
    while (read := log.read(offset, limit=40))[0]:
        pieces.append(read[0])
        offset = read[1]
    assert [line for piece in pieces for line in piece] == [*LINES, b"x" * 1000]
    assert len(pieces) == 3


def test_a_log_takes_whole_lines_from_its_writer_alone(store: Store) -> None:
    """Half a line would be joined with the next one; a reader, or a log that is closed, takes nothing."""
    job_id = new_job_id()
    log = store.open_log(job_id)
    with pytest.raises(ValueError, match="whole lines"):
        log.append(b"half")
    with pytest.raises(StoreError):
        store.read_log(job_id).append(b"{}\n")
    log.append(b"{}\n")
    log.close()
    log.close()
    with pytest.raises(StoreError):
        log.append(b"{}\n")
    assert log.read()[0] == [b"{}"]


def test_threads_append_whole_lines(store: Store) -> None:
    """Lines of several threads follow one another and never mix."""
    job_id = new_job_id()
    log = store.open_log(job_id)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: log.append(b"%d" % n * 500 + b"\n"), [number % 10 for number in range(400)]))
    log.close()
    lines = store.read_log(job_id).read()[0]
    assert len(lines) == 400
    assert all(len(line) == 500 and len(set(line)) == 1 for line in lines)


@pytest.mark.parametrize("job_id", ["../other", "a/b", "..", "", "/etc", "a\n", "a\0", "x" * 200])
def test_no_id_leads_out_of_the_home_folder(store: Store, job_id: str) -> None:
    """An id may come from a REST call; it never becomes a path elsewhere."""
    for method in (store.run_directory, store.open_log, store.read_log):
        with pytest.raises(JobNotFound):
            method(job_id)


def test_a_run_directory_is_made_by_who_needs_it(store: Store) -> None:
    """Asking for it costs nothing, and no two jobs share one."""
    first, second = store.run_directory("one"), store.run_directory("two")
    assert first != second
    assert not first.exists()


def test_a_log_that_a_job_writes_itself_is_read(store: Store) -> None:
    """A process of its own appends to the file in the run directory, whoever keeps the record."""
    job_id = new_job_id()
    writer = LogWriter(store.run_directory(job_id) / NAME)
    log = store.read_log(job_id)
    assert log.read() == ([], 0)
    writer.append(b"".join(line + b"\n" for line in LINES))
    writer.close()
    assert log.read()[0] == LINES


class TestPruning:
    """Jobs of the past go, with their files; those that live stay."""

    @pytest.fixture
    def jobs(self, store: Store, add: Add) -> list[str]:
        """Ten that ended, each a second later than the one before, with 100 bytes of files."""
        records = [add(status=JobStatus.FAILED, finished_at=1000.0 + number) for number in range(10)]
        for record in records:
            folder = store.run_directory(record.id)
            folder.mkdir(parents=True)
            (folder / "file").write_bytes(bytes(100))
        return [record.id for record in records]

    def left(self, store: Store) -> list[str]:
        return [record.id for record in reversed(store.page(limit=100))]

    def test_by_number(self, store: Store, jobs: list[str]) -> None:
        """The newest stay."""
        pruned = prune(store, Bounds(count=3))
        assert (sorted(pruned.job_ids), pruned.size) == (jobs[:7], 700)
        assert self.left(store) == jobs[7:]
        assert [store.run_directory(job_id).exists() for job_id in jobs] == [False] * 7 + [True] * 3

    def test_by_size(self, store: Store, jobs: list[str]) -> None:
        """Of the newest as many as there is room for."""
        assert prune(store, Bounds(size=450)).size == 600
        assert self.left(store) == jobs[6:]

    def test_by_age(self, store: Store, jobs: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
        """Counted from their end."""
        monkeypatch.setattr("time.time", lambda: 1010.0)
        prune(store, Bounds(age=5.5))
        assert self.left(store) == jobs[5:]

    def test_only_looking(self, store: Store, jobs: list[str]) -> None:
        """What would go stays where it is."""
        assert len(prune(store, Bounds(count=0), dry_run=True).job_ids) == 10
        assert self.left(store) == jobs

    @pytest.mark.parametrize("status", sorted(LIVE, key=str))
    def test_never_one_that_lives(self, store: Store, add: Add, status: JobStatus) -> None:
        """However old it is, and whoever asks."""
        record = add(status=status)
        assert prune(store, Bounds(age=0, count=0, size=0)).job_ids == ()
        assert store.remove([record.id, "unknown"]) == []
        assert store.get(record.id).status is status
