"""A job's log in memory, in the database and as a file: one log, whichever way it is kept."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from nodetool_jupyter.errors import StoreError
from nodetool_jupyter.model.job import JobRecord, JobStatus
from nodetool_jupyter.model.request import RunJobRequest
from nodetool_jupyter.store import job_log, new_job_id
from nodetool_jupyter.store.job_log import SHORT, JobLog
from nodetool_jupyter.store.sqlite import SqliteStore
from nodetool_jupyter.worker.event_log import NAME
from tests.support import wait_until


def record_of(job_id: str, status: JobStatus) -> JobRecord:
    return JobRecord(id=job_id, status=status, created_at=1.0)


def test_a_short_log_lies_with_its_row(home: Path) -> None:
    """An ended job with few messages makes no folder, and another process still finds all of its log."""
    job_id = new_job_id()
    with closing(SqliteStore(home)) as store:
        store.add(record_of(job_id, JobStatus.RUNNING), RunJobRequest.model_validate({"graph": {}}))
        log = store.open_log(job_id)
        log.append(b"{}\n[]\n")
        store.update(record_of(job_id, JobStatus.COMPLETED), log)
        log.close()
        assert not store.run_directory(job_id).exists()
    with closing(SqliteStore(home)) as store:
        lines, offset = store.read_log(job_id).read()
        assert lines == [b"{}", b"[]"]
        assert store.read_log(job_id).read(offset) == ([], offset)
        assert store.read_log(job_id).read(3) == ([b"[]"], offset)


def test_a_long_log_becomes_a_file(home: Path) -> None:
    """Readers go on at their offset, in this process and in others."""
    with closing(SqliteStore(home)) as store:
        job_id = new_job_id()
        log, reader = store.open_log(job_id), store.read_log(job_id)
        log.append(b"first\n")
        lines, offset = reader.read()
        log.append(b"x" * SHORT + b"\n")
        log.append(b"last\n")
        assert lines == [b"first"]
        assert reader.read(offset)[0] == [b"x" * SHORT, b"last"]
        assert (store.run_directory(job_id) / NAME).read_bytes().startswith(b"first\nxx")
        log.close()


def test_an_old_log_becomes_a_file(home: Path) -> None:
    """What a job that goes on has told is on the disk soon, though it tells nothing more."""
    path = home / "job" / NAME
    log = JobLog(str(path))
    log.append(b"{}\n")
    log.flush()

    def is_written() -> bool:
        log.flush()
        return path.exists()

    wait_until(is_written)
    assert path.read_bytes() == b"{}\n"
    log.close()


def test_an_object_of_the_notebook_is_kept_as_a_preview(home: Path) -> None:
    """A threaded job may be given any value; its record says which, and its history can always be listed."""
    record = record_of(new_job_id(), JobStatus.RUNNING).model_copy(update={"params": {"p": object()}})
    with closing(SqliteStore(home)) as store:
        store.add(record, RunJobRequest.model_validate({"graph": {}, "params": record.params}))
        assert store.get(record.id).params["p"]["python"] == "preview"


def test_closing_loses_nothing(home: Path) -> None:
    """A log that no row has taken along is written when it is closed."""
    path = home / "job" / NAME
    log = JobLog(str(path))
    log.append(b"{}\n")
    log.close()
    log.close()
    assert path.read_bytes() == b"{}\n"
    with pytest.raises(StoreError, match="closed"):
        log.append(b"{}\n")


def test_a_young_log_is_not_written_early(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flush before its time leaves it in memory: that is what spares short jobs their file."""
    monkeypatch.setattr(job_log, "YOUNG", 1e9)
    path = home / "job" / NAME
    log = JobLog(str(path))
    log.append(b"{}\n")
    log.flush()
    assert not path.exists()
    assert log.read() == ([b"{}"], 3)
