"""A job's status, the table of its moves, and its record: what the store keeps and front ends list.

``advance`` is the one way a record changes: pure, and closed over the table below.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from nodetool_jupyter.errors import IllegalTransition
from nodetool_jupyter.model.events import Fault, JobUpdate
from nodetool_jupyter.model.request import NO_LIMITS, Origin, ResourceLimits


class JobStatus(str, Enum):
    """The one vocabulary; in NodeTool's files ``scheduled`` is read as queued and ``error`` as failed."""

    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SUSPENDED = "suspended"

    @classmethod
    def _missing_(cls, value: object) -> JobStatus | None:
        aliases = {"scheduled": cls.QUEUED, "error": cls.FAILED}
        return aliases.get(value) if isinstance(value, str) else None

    @property
    def is_terminal(self) -> bool:
        """Whether the job has ended for good."""
        return not TRANSITIONS[self]

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing more happens by itself: the job has ended, or is suspended."""
        return self is JobStatus.SUSPENDED or self.is_terminal


TRANSITIONS: dict[JobStatus, frozenset[JobStatus]] = {
    JobStatus.QUEUED: frozenset({JobStatus.STARTING, JobStatus.FAILED, JobStatus.CANCELLED}),
    JobStatus.STARTING: frozenset({JobStatus.RUNNING, JobStatus.FAILED, JobStatus.CANCELLED}),
    JobStatus.RUNNING: frozenset(
        {JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.SUSPENDED}
    ),
    JobStatus.SUSPENDED: frozenset({JobStatus.QUEUED, JobStatus.FAILED, JobStatus.CANCELLED}),
    JobStatus.COMPLETED: frozenset(),
    JobStatus.FAILED: frozenset(),
    JobStatus.CANCELLED: frozenset(),
}
LIVE = frozenset({JobStatus.QUEUED, JobStatus.STARTING, JobStatus.RUNNING})


class JobRecord(BaseModel):
    """One job as the store keeps it. Times are seconds since the epoch, UTC; ``duration`` is monotonic
    seconds.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    id: str
    name: str = ""
    workflow_id: str = ""
    user_id: str = ""
    strategy: str = "threaded"
    status: JobStatus = JobStatus.QUEUED
    params: dict[str, Any] = Field(default_factory=dict)
    limits: ResourceLimits = NO_LIMITS
    origin: Origin | None = None
    owner: str = ""
    """The manager that looks after the job: an id whose lock file shows whether it lives."""
    attempt: int = 1
    ticket: str | None = None
    """The strategy's recovery ticket, versioned by the strategy; None while there is nothing to find again.
    """
    created_at: float
    started_at: float | None = None
    finished_at: float | None = None
    duration: float | None = None
    fault: Fault | None = None


def advance(record: JobRecord, update: JobUpdate) -> JobRecord:
    """The record after ``update``; raises IllegalTransition for a move outside of the table.

    An update that repeats the status changes nothing, so replaying a log is harmless.
    """
    status = JobStatus(update.status)
    if status is record.status:
        return record
    if status not in TRANSITIONS[record.status]:
        raise IllegalTransition(
            f"job {record.id} can't go from {record.status.value} to {status.value} (message {update.seq})",
            hint="this is a fault of nodetool_jupyter; please report it with the job's log",
        )
    changes: dict[str, Any] = {"status": status}
    if status is JobStatus.RUNNING and record.started_at is None:
        changes["started_at"] = update.timestamp
    if status.is_terminal:
        changes |= {"finished_at": update.timestamp, "duration": update.duration, "fault": update.fault}
    return record.model_copy(update=changes)
