"""Limits hold, and who meets one is told its name, its value and what was used."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from nodetool_jupyter.errors import UnsupportedLimit
from nodetool_jupyter.worker.cgroup import can_limit
from tests.integration.workers import Workers
from tests.programs import limits, processes

pytestmark = pytest.mark.only_on("linux")


def test_memory_of_one_process(workers: Workers) -> None:
    """The node gets a MemoryError, which is told as what it is."""
    job = workers.run(limits.takes_memory, size=400_000_000, limits={"memory": "256m"})
    assert job.fault.code.value == "memory_limit"
    assert "needed more than the limit memory of 256 MiB" in job.fault.message
    assert "in use at most)" in job.fault.message
    assert "--memory" in (job.fault.hint or "")


def test_memory_of_all_together(workers: Workers) -> None:
    """Where control groups can be made; elsewhere each child is bounded alone."""
    job = workers.run(limits.children_take_memory, size=120_000_000, count=4, limits={"memory": "256m"})
    if can_limit("memory"):
        assert job.fault.code.value == "memory_limit"
        assert "killed at the limit memory of 256 MiB (256 MiB were in use at most)" in job.fault.message
    else:
        assert job.status == "completed"


@pytest.mark.parametrize(("kind", "size"), [(limits.uses_pandas, 10_000), (limits.multiplies, 300)])
def test_a_small_limit_is_enough_for_an_ordinary_node(workers: Workers, kind: Any, size: int) -> None:
    """Libraries map more than they use."""
    assert workers.run(kind, size=size, limits={"memory": "256m"}).status == "completed"


@pytest.mark.parametrize("kind", [limits.takes_time, limits.ignores_the_time_limit])
def test_cpu_seconds(workers: Workers, kind: Any) -> None:
    """Also for one that ignores the warning."""
    job = workers.run(kind, limits={"cpu_seconds": 1})
    assert job.fault.code.value == "cpu_limit"
    assert "more than its limit cpu_seconds of 1 (" in job.fault.message
    assert "were used)" in job.fault.message


def test_timeout(workers: Workers, tmp_path: Path) -> None:
    """Ends all that runs, however it resists; what was told before is kept."""
    job = workers.run(processes.resists, path=str(tmp_path / "p"), count=2, limits={"timeout": 0.4})
    assert job.said == ("timed_out", "the job took longer than its timeout of 0.4 s")


@pytest.mark.parametrize("kind", [limits.starts_processes, limits.starts_threads])
def test_processes(workers: Workers, kind: Any) -> None:
    """Threads count as well."""
    job = workers.run(kind, count=60, limits={"processes": 20})
    assert job.fault.code.value == "resource_limit"
    assert "limit processes of 20" in job.fault.message


def test_enough_processes(workers: Workers) -> None:
    """The limit is the job's own, whatever else this user runs."""
    assert workers.run(limits.starts_processes, count=5, limits={"processes": 20}).result == 5


def test_a_fork_bomb(workers: Workers, tmp_path: Path) -> None:
    """Is held at its limit, and no process of it is left."""
    path = tmp_path / "pids"
    given = {"processes": 40, "timeout": 2.0}
    assert workers.run(processes.forks_a_bomb, path=str(path), most=2000, limits=given).status == "failed"
    assert len(set(path.read_text().split())) <= 40


def test_a_fork_bomb_without_a_limit(workers: Workers, tmp_path: Path) -> None:
    """Ends with its job, too, while it still grows."""
    job = workers.run(processes.forks_a_bomb, path=str(tmp_path / "pids"), most=200, limits={"timeout": 0.5})
    assert job.fault.code.value == "timed_out"


def test_open_files(workers: Workers) -> None:
    """Named as the limit is."""
    job = workers.run(limits.opens_files, count=60, limits={"open_files": 40})
    assert job.fault.code.value == "resource_limit"
    assert "more files open than the limit open_files of 40" in job.fault.message


def test_file_size(workers: Workers, tmp_path: Path) -> None:
    """For files of a node's own, for the values that it returns and for the job's log."""
    given = {"file_size": 1_000_000}
    jobs = [
        workers.run(limits.writes_a_file, path=str(tmp_path / "f"), size=2_000_000, limits=given),
        workers.run(processes.large, size=5_000_000, limits=given),
        workers.run(limits.prints_lines, count=9_000, length=200, limits=given),
    ]
    assert [job.fault.code.value for job in jobs] == ["resource_limit"] * 3
    assert all("limit file_size of 976.6 KiB" in job.fault.message for job in jobs)
    assert (tmp_path / "f").stat().st_size <= 1_000_000


def test_what_cannot_be_kept_is_refused(monkeypatch: pytest.MonkeyPatch, workers: Workers) -> None:
    """The root user without control groups can't bound processes: nothing runs, and a sentence says why."""
    monkeypatch.setattr("nodetool_jupyter.worker.cgroup.OWN", Path(os.devnull))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(UnsupportedLimit, match="can't keep that limit here: the system doesn't count"):
        workers.start(processes.sees, name="HOME", limits={"processes": 20})
    with pytest.raises(UnsupportedLimit, match="open_files must be at least 32"):
        workers.start(processes.sees, name="HOME", limits={"open_files": 3})
