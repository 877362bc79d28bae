"""A job's statuses and the one table of their moves; requests and their limits."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
from pydantic import ValidationError

from nodetool_jupyter.errors import ErrorCode, IllegalTransition
from nodetool_jupyter.model.events import Fault, JobUpdate
from nodetool_jupyter.model.graph import Graph
from nodetool_jupyter.model.job import LIVE, TRANSITIONS, JobRecord, JobStatus, advance
from nodetool_jupyter.model.request import ExecutionStrategy, ResourceLimits, RunJobRequest

MOVES = {
    "queued": "starting failed cancelled",
    "starting": "running failed cancelled",
    "running": "completed failed cancelled suspended",
    "suspended": "queued failed cancelled",
    "completed": "",
    "failed": "",
    "cancelled": "",
}
FAULT = Fault(code=ErrorCode.NODE_ERROR, message="broken")


def record(status: str = "queued", **fields: Any) -> JobRecord:
    return JobRecord(id="j", created_at=1.0, status=JobStatus(status), **fields)


def update(status: str, **fields: Any) -> JobUpdate:
    return JobUpdate(status=status, timestamp=9.0, **fields)


@pytest.mark.parametrize(("before", "after"), list(itertools.permutations(MOVES, 2)))
def test_moves(before: str, after: str) -> None:
    """Those of the table, and no others; the message of a wrong one has all that is needed to report it."""
    if after in MOVES[before].split():
        assert advance(record(before), update(after)).status is JobStatus(after)
        return
    with pytest.raises(IllegalTransition, match=f"job j can't go from {before} to {after} \\(message 7\\)"):
        advance(record(before), update(after, seq=7))


@pytest.mark.parametrize("status", MOVES)
def test_a_repeated_status_changes_nothing(status: str) -> None:
    """A log may be read again: the end and its reason stay as they were first told."""
    first = record(status, started_at=2.0, finished_at=3.0, fault=FAULT)
    assert advance(first, update(status, duration=99.0)) == first


def test_what_a_move_leaves_in_the_record() -> None:
    """The times of start and end, how long it took, and why it failed; nothing of the record it came from."""
    queued = record()
    running = advance(advance(queued, update("starting")), JobUpdate(status="running", timestamp=2.0))
    assert (running.started_at, running.finished_at) == (2.0, None)
    failed = advance(running, update("failed", duration=7.0, fault=FAULT))
    assert (failed.started_at, failed.finished_at, failed.duration, failed.fault) == (2.0, 9.0, 7.0, FAULT)
    assert queued == record()


def test_a_resumed_job_keeps_its_start() -> None:
    """A job that was suspended has begun when it first ran."""
    job = record("running", started_at=2.0)
    for status in ("suspended", "queued", "starting", "running"):
        job = advance(job, update(status))
    assert job.started_at == 2.0


def test_terminal_and_live_statuses() -> None:
    """A job that has ended never changes; a suspended one is neither."""
    assert {status.value for status in JobStatus if status.is_terminal} == {
        "completed",
        "failed",
        "cancelled",
    }
    assert {status.value for status in LIVE} == {"queued", "starting", "running"}
    assert set(TRANSITIONS) == set(JobStatus)


def test_words_of_nodetool() -> None:
    """Its files have two words of their own; others are not guessed at."""
    assert (JobStatus("scheduled"), JobStatus("error")) == (JobStatus.QUEUED, JobStatus.FAILED)
    with pytest.raises(ValueError, match="'canceled' is not a valid JobStatus"):
        JobStatus("canceled")


class TestLimits:
    """What a job may use."""

    def test_those_that_are_set(self) -> None:
        """A strategy asks which it has to enforce."""
        assert ResourceLimits().named() == {}
        limits = ResourceLimits.model_validate({"memory": "512m", "cpus": 1.5, "timeout": 60})
        assert limits.named() == {"memory": 512 * 2**20, "cpus": 1.5, "timeout": 60.0}

    @pytest.mark.parametrize(
        "values",
        [
            {"memory": "much"},
            {"memory": 0},
            {"memory": -1},
            {"cpus": 0},
            {"cpus": math.inf},
            {"cpus": math.nan},
            {"timeout": 0},
            {"timeout": -5},
            {"timeout": math.inf},
            {"cpu_seconds": 1.5},
            {"processes": 0},
            {"open_files": -1},
            {"memry": "1g"},
        ],
    )
    def test_nonsense_is_refused(self, values: dict[str, Any]) -> None:
        """A limit is never taken for none, a misspelled one neither."""
        with pytest.raises(ValidationError):
            ResourceLimits.model_validate(values)


class TestRequest:
    """One run of one graph."""

    def test_strategy_by_enum_or_name(self) -> None:
        """A registered strategy of another package has a name only."""
        assert RunJobRequest(graph=Graph()).strategy == "threaded"
        docker = RunJobRequest(graph=Graph(), execution_strategy=ExecutionStrategy.DOCKER)
        assert docker.strategy == "docker"
        assert RunJobRequest(graph=Graph(), execution_strategy="dask").strategy == "dask"

    def test_it_does_not_change_and_takes_nothing_unknown(self) -> None:
        """What was recorded is what ran."""
        request = RunJobRequest(graph=Graph())
        with pytest.raises(ValidationError, match="frozen"):
            request.name = "other"
        with pytest.raises(ValidationError, match="prams"):
            RunJobRequest.model_validate({"graph": {}, "prams": {}})
