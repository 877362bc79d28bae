"""Whose container is it that was started ahead."""

from __future__ import annotations

from pathlib import Path

from nodetool_jupyter.strategies.docker.prewarmed import PREFIX, name_ahead


def test_the_container_that_a_job_has_taken(tmp_path: Path) -> None:
    """It is told by its folder's old name, as long as the job's own is not given to it."""
    job, other = tmp_path / "job", tmp_path / "other"
    job.mkdir()
    (tmp_path / f"{PREFIX}waits").mkdir()
    assert name_ahead(job) is None
    (tmp_path / f"{PREFIX}theirs").symlink_to(other)
    (tmp_path / f"{PREFIX}taken").symlink_to(job)
    assert name_ahead(job) == "nodetool-ahead-taken"
    assert name_ahead(other) == "nodetool-ahead-theirs"
