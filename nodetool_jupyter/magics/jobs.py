"""The commands that look at jobs or end them. An interrupt ends the looking, never the job."""

from __future__ import annotations

from typing import Any

from nodetool_jupyter.job import Job
from nodetool_jupyter.magics.arguments import Arguments
from nodetool_jupyter.magics.notebook import Notebook
from nodetool_jupyter.magics.tables import put, tell
from nodetool_jupyter.magics.waiting import Interrupts, WatchedJob
from nodetool_jupyter.model.events import LogUpdate
from nodetool_jupyter.model.job import JobStatus
from nodetool_jupyter.session import Session
from nodetool_jupyter.views.drawing import drawn
from nodetool_jupyter.views.jobs import check_node, jobs_grid, log_lines, status_grid, written_lines
from nodetool_jupyter.views.sheet import Heading, Sheet, Words
from nodetool_jupyter.views.snapshot import JobView
from nodetool_jupyter.views.text import end_text
from nodetool_jupyter.widgets.feed import JobReader

LAST = "last"
SHOWN = 20
SHOWN_AT_MOST = 1_000
STEP = 0.1
"""Seconds between two looks for an interrupt."""
CANCEL_PATIENCE = 2.0
"""Seconds beyond the grace that ``cancel`` waits for a job's end."""


def find(notebook: Notebook, ref: str) -> Job:
    """The job that a word means, ``last`` if there is none; raises JobNotFound."""
    return notebook.session().find(ref or LAST)


def show_jobs(notebook: Notebook, given: Arguments) -> None:
    """``jobs``: the newest ones, or all."""
    wanted = given.values.get("--status")
    statuses = {JobStatus(wanted)} if wanted else None
    limit = SHOWN_AT_MOST if given.has("--all") else SHOWN
    session = notebook.session()
    records = session.jobs(limit=limit + 1, statuses=statuses)
    if not records:
        tell(f"there are no jobs{f' that are {wanted}' if wanted else ''} yet")
        return
    more = "the newest; %nodetool jobs --all shows more" if limit == SHOWN else f"the newest {limit:,}"
    note = Words(more) if len(records) > limit else None
    put(Sheet([jobs_grid(records[:limit]), note]))


def show_status(notebook: Notebook, given: Arguments) -> None:
    """``status``: what the store knows, and how the nodes stand."""
    job = find(notebook, given.word)
    put(Sheet([status_grid(job, fold(job))]))


def fold(job: Job) -> JobView:
    """The job's view as it is now."""
    reader = JobReader(job)
    reader.close()
    return reader.view


def show_logs(notebook: Notebook, given: Arguments) -> None:
    """``logs``: what the nodes printed, with ``--follow`` until the job ends."""
    job = find(notebook, given.word)
    wanted = given.values.get("--node")
    if wanted is not None:
        check_node(job, wanted)
    if not given.has("--follow"):
        lines = [line for event in job.logs for line in log_lines(event, wanted)]
        lines += written_lines(job) if wanted is None else []
        nothing = f"job {job.id} has no log{f' of node {wanted}' if wanted else ''}"
        tell("\n".join(lines) or nothing)
        return
    with Interrupts() as interrupts:
        for event in JobReader(WatchedJob(job, interrupts)).follow(STEP):
            lines = log_lines(event, wanted) if isinstance(event, LogUpdate) else []
            if lines:
                tell("\n".join(lines))
    if wanted is None and (written := written_lines(job)):
        tell("\n".join(written))
    tell(end_text(fold(job)).partition("\n")[0])


def attach(notebook: Notebook, given: Arguments) -> Job:
    """``attach``: the live view again; of a job that has ended, its end state. Gives the job, which a later
    kernel has from nowhere else.
    """
    from nodetool_jupyter.widgets.display import choose, show, watch

    job = find(notebook, given.word)
    session = notebook.session()
    mode = str(notebook.defaults.progress or session.settings.progress)
    mode = "auto" if mode == "none" else mode
    if job.is_live and choose(mode) == "widget":
        watch(job, mode)
        return job
    with Interrupts() as interrupts:
        show(WatchedJob(job, interrupts), mode)
    return job


def cancel(notebook: Notebook, given: Arguments) -> None:
    """``cancel``: ends a job and says how it ended."""
    job = find(notebook, given.word)
    if not job.cancel():
        tell(f"job {job.id} had ended before: {job.status.value}")
        return
    wait_a_while(job, notebook.session().settings.cancel_grace + CANCEL_PATIENCE)
    tell(f"job {job.id}: {job.status.value if not job.is_live else 'is being cancelled'}")


def wait_a_while(job: Job, seconds: float) -> bool:
    """Wait in steps short enough for an interrupt."""
    return any(job.wait(STEP) for _ in range(max(int(seconds / STEP), 1)))


def give_result(notebook: Notebook, given: Arguments) -> Any:
    """``result``: the value; of a job that runs, when it has ended."""
    job = find(notebook, given.word)
    with Interrupts() as interrupts:
        watched = WatchedJob(job, interrupts)
        while not watched.wait(STEP):
            pass
    return job.result()


def show_graph_of_job(notebook: Notebook, ref: str) -> None:
    """``graph ID``: the graph with the states that its nodes are in."""
    job = find(notebook, ref)
    view = fold(job)
    put(Sheet([Heading(job.name or job.id), drawn(job.graph, job.name, view)]))


def last_failed(session: Session) -> Job | None:
    """The newest job that failed, of any kernel."""
    records = session.jobs(limit=1, statuses={JobStatus.FAILED})
    return session.find(records[0].id) if records else None
