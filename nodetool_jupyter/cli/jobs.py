"""The commands that look at jobs or end them; whoever stops looking leaves the job as it is."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterable
from typing import Any

from nodetool_jupyter.cli.commands import PROGRAM
from nodetool_jupyter.cli.following import STEP
from nodetool_jupyter.cli.main import COMPLETED
from nodetool_jupyter.cli.writing import complain, harmless, tell, tell_result
from nodetool_jupyter.errors import OptionError, nearest
from nodetool_jupyter.job import Job
from nodetool_jupyter.model.events import LogUpdate
from nodetool_jupyter.model.job import JobRecord, JobStatus
from nodetool_jupyter.session import Session, get_session
from nodetool_jupyter.views.jobs import check_node, jobs_grid, log_lines, status_grid, written_lines
from nodetool_jupyter.views.snapshot import JobView
from nodetool_jupyter.views.text import end_text
from nodetool_jupyter.widgets.feed import JobReader
from nodetool_jupyter.worker.folder import RunFolder

LAST = "last"
SHOWN = 20
SHOWN_AT_MOST = 1_000
PATIENCE = 2.0
"""Seconds that are waited for what should be there at once."""


def open_session() -> Session:
    """The session. Jobs that ended while no process followed them have their end in the store afterwards."""
    session = get_session()
    for managed in session.manager.list_jobs():
        if RunFolder(session.store.run_directory(managed.record.id)).read_end():
            managed.wait(PATIENCE)
    return session


def find(given: Namespace) -> Job:
    """The job that a word means, ``last`` if there is none; raises JobNotFound."""
    return open_session().find(given.word or LAST)


def show_jobs(given: Namespace) -> int:
    """``jobs``: the newest ones, or all."""
    statuses = None if given.status is None else {_status(given.status)}
    limit = SHOWN_AT_MOST if given.all else SHOWN
    records = open_session().jobs(limit=limit + 1, statuses=statuses)
    if given.json:
        tell(harmless(json.dumps([_facts(record) for record in records[:limit]], ensure_ascii=False)))
    elif records:
        tell(jobs_grid(records[:limit]).text())
    if len(records) > limit:
        more = f"the newest; {PROGRAM} jobs --all shows more" if limit == SHOWN else f"the newest {limit:,}"
        complain(more)
    elif not records:
        complain(f"there are no jobs{f' that are {given.status}' if given.status else ''} yet")
    return COMPLETED


def _status(word: str) -> JobStatus:
    words = [status.value for status in JobStatus]
    if word in words:
        return JobStatus(word)
    near = nearest(word, words)
    guess = f"did you mean {near}? " if near else ""
    raise OptionError(f"--status can't be {word!r}", hint=f"{guess}choose {', '.join(words)}")


def _facts(record: JobRecord) -> dict[str, Any]:
    """What programs may rely on."""
    fault = record.fault
    error = None
    if fault is not None:
        about = {"message": fault.message, "hint": fault.hint, "node_id": fault.node_id}
        error = {"code": fault.code.value, **about}
    names = ("id", "name", "workflow_id", "strategy", "created_at", "started_at", "finished_at", "duration")
    return {name: getattr(record, name) for name in names} | {"status": record.status.value, "error": error}


def show_status(given: Namespace) -> int:
    """``status``: what the store knows, and how the nodes stand."""
    job = find(given)
    tell(status_grid(job, _fold(job)).text())
    return COMPLETED


def _fold(job: Job) -> JobView:
    """The job's view as it is now."""
    reader = JobReader(job)
    reader.close()
    return reader.view


def show_logs(given: Namespace) -> int:
    """``logs``: what the nodes printed, with ``--follow`` until the job ends."""
    job = find(given)
    if given.node is not None:
        check_node(job, given.node)
    if given.follow:
        events = (event for event in JobReader(job).follow(STEP) if isinstance(event, LogUpdate))
        _tell_logs(job, events, given.node)
        complain(end_text(_fold(job)).partition("\n")[0])
    elif not _tell_logs(job, job.logs, given.node):
        complain(f"job {job.id} has no log{f' of node {given.node}' if given.node else ''}")
    return COMPLETED


def _tell_logs(job: Job, events: Iterable[LogUpdate], node: str | None) -> bool:
    """Write the lines of each message, and what no node wrote; whether there were any."""
    count = 0
    for event in events:
        lines = log_lines(event, node)
        if lines:
            tell("\n".join(lines))
        count += len(lines)
    written = written_lines(job) if node is None else []
    if written:
        tell("\n".join(written))
    return count + len(written) > 0


def cancel(given: Namespace) -> int:
    """``cancel``: ends a job and says how it ended."""
    job = find(given)
    if not job.cancel():
        tell(f"job {job.id} had ended before: {job.status.value}")
        return COMPLETED
    job.wait(get_session().settings.cancel_grace + PATIENCE)
    tell(f"job {job.id}: {'is being cancelled' if job.is_live else job.status.value}")
    return COMPLETED


def give_result(given: Namespace) -> int:
    """``result``: the value; of a job that runs, when it has ended. Its error is raised."""
    tell_result(find(given).result(), as_json=given.json)
    return COMPLETED
