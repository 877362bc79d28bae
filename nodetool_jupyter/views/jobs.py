"""Jobs of the store as rows, facts and lines of logs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from nodetool_jupyter.errors import OptionError
from nodetool_jupyter.job import Job
from nodetool_jupyter.model.events import LogUpdate
from nodetool_jupyter.model.job import JobRecord
from nodetool_jupyter.views.markup import clean
from nodetool_jupyter.views.sheet import Grid
from nodetool_jupyter.views.snapshot import JobView
from nodetool_jupyter.views.text import duration_text, tally_text
from nodetool_jupyter.views.values import inline

PROCESS = "(process)"
"""What stands in the place of a node's id before lines that no node wrote."""


def jobs_grid(records: Iterable[JobRecord]) -> Grid:
    """A row a job."""
    head = ("id", "name", "strategy", "status", "created", "took", "error")
    return Grid([_row(record) for record in records], head)


def _row(record: JobRecord) -> tuple[str, ...]:
    error = record.fault.message if record.fault else ""
    times = _time(record.created_at), _took(record)
    return record.id, record.name, record.strategy, record.status.value, *times, error


def _took(record: JobRecord) -> str:
    return duration_text(record.duration) if record.duration is not None else ""


def _time(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def status_grid(job: Job, view: JobView) -> Grid:
    """What the store knows of a job, and how its nodes stand."""
    record = job.record
    facts = [
        ("job", record.id),
        ("name", record.name),
        ("strategy", record.strategy),
        ("status", record.status.value),
        ("created", _time(record.created_at)),
        ("started", _time(record.started_at)),
        ("ended", _time(record.finished_at)),
        ("took", _took(record)),
        ("nodes", tally_text(view)),
        *((f"param {name}", inline(value)) for name, value in job.request.params.items()),
        *((f"limit {name}", str(value)) for name, value in record.limits.named().items()),
        ("error", record.fault.message if record.fault else ""),
        ("hint", (record.fault.hint or "") if record.fault else ""),
    ]
    return Grid([fact for fact in facts if fact[1]])


def check_node(job: Job, wanted: str) -> None:
    """Raise OptionError for an id that no node of a job has."""
    from difflib import get_close_matches

    ids = [node.id for node in job.graph.nodes]
    if wanted not in ids:
        near = get_close_matches(wanted, ids, n=1)
        hint = f"did you mean {near[0]}?" if near else f"%nodetool graph {job.id} shows its nodes"
        raise OptionError(f"job {job.id} has no node {wanted!r}", hint=hint)


def log_lines(event: LogUpdate, wanted: str | None = None) -> list[str]:
    """The lines of a message, each after its node; none if another node than ``wanted`` wrote it."""
    if wanted is not None and event.node_id != wanted:
        return []
    mark = "" if event.severity == "info" else f"{event.severity}: "
    name = event.node_id or event.node_name
    return [f"{clean(name)} │ {mark}{line}" for line in clean(event.content).rstrip("\n").split("\n")]


def written_lines(job: Job) -> list[str]:
    """What no node wrote, but the job's processes."""
    text = clean(job.written).rstrip("\n")
    return [f"{PROCESS} │ {line}" for line in text.split("\n")] if text else []
