"""The store against what SQLite itself takes, in the same run: printed as ratios, asserted by a person."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from itertools import cycle
from pathlib import Path
from random import Random

import pytest

from nodetool_jupyter.model.graph import Edge, Graph, Node
from nodetool_jupyter.model.job import JobRecord, JobStatus
from nodetool_jupyter.model.request import RunJobRequest
from nodetool_jupyter.store import new_job_id
from nodetool_jupyter.store.schema import COLUMNS, INSERT_JOB, content_of, row_of
from nodetool_jupyter.store.sqlite import DATABASE, SqliteStore
from tests.benchmarks.compare import PAIRS, compare

pytestmark = pytest.mark.benchmark

JOBS = 100_000
REQUEST = RunJobRequest(
    graph=Graph(
        nodes=tuple(Node(id=f"n{number}", type="notebook.step", data={"x": number}) for number in range(3)),
        edges=tuple(
            Edge(source=f"n{number}", target=f"n{number + 1}", targetHandle="x") for number in range(2)
        ),
    ),
    params={"x": 1},
)


def new_record(number: int) -> JobRecord:
    status = JobStatus.COMPLETED if number % 10 else JobStatus.FAILED
    return JobRecord(
        id=new_job_id(),
        name=f"job {number % 100}",
        workflow_id="workflow" if number % 1000 == 0 else "",
        status=status,
        params=REQUEST.params,
        owner="owner",
        created_at=float(number),
        started_at=float(number),
        finished_at=number + 1.0,
        duration=1.0,
    )


def fill(database: sqlite3.Connection) -> list[str]:
    """A history, in one transaction; the ids of its jobs."""
    records = [new_record(number) for number in range(JOBS)]
    with database:
        database.executemany(INSERT_JOB, ((*row_of(each), *content_of(each, REQUEST)) for each in records))
        database.execute("UPDATE job SET log = zeroblob(1200)")  # about what three nodes tell
    return [each.id for each in records]


def test_a_page_of_a_long_history(home: Path) -> None:
    """The newest 50 of 100,000 jobs as records, to 50 bare rows by primary key."""
    with closing(SqliteStore(home)) as store, closing(sqlite3.connect(home / DATABASE)) as database:
        ids = fill(database)
        random = Random(1)
        get = f"SELECT {', '.join(COLUMNS)} FROM job WHERE id = ?"
        chosen = cycle([random.sample(ids, 50) for _ in range(PAIRS)])

        def gets() -> None:
            for job_id in next(chosen):
                database.execute(get, (job_id,)).fetchone()

        middle = ids[JOBS // 2]
        failed = {JobStatus.FAILED, JobStatus.CANCELLED}
        compare("newest 50 of 100,000 jobs", store.page, gets, 1.0)
        compare("50 from the middle", lambda: store.page(before=middle), gets)
        compare("newest 50 of two statuses", lambda: store.page(statuses=failed), gets)
        compare("newest 50 of one workflow", lambda: store.page(workflow_id="workflow"), gets)
        compare("the last job", lambda: store.find("last"), gets)


def test_adding_and_updating(home: Path) -> None:
    """A row for a new job and one change of it, to the bare statements on a database of the same form."""
    with closing(SqliteStore(home / "ours")) as store, closing(SqliteStore(home / "floor")):
        path = home / "floor" / DATABASE
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            database.execute("PRAGMA synchronous = NORMAL")
            rows = [(*row_of(each), *content_of(each, REQUEST)) for each in map(new_record, range(PAIRS))]
            waiting, added = iter(rows), iter(rows)
            records = [
                each.model_copy(update={"status": JobStatus.QUEUED}) for each in map(new_record, range(PAIRS))
            ]
            ours, running = iter(records), iter(records)

            def insert() -> None:
                database.execute(INSERT_JOB, next(waiting))

            def update() -> None:
                database.execute("UPDATE job SET status = 'running' WHERE id = ?", (next(added)[0],))

            def start() -> None:
                store.update(next(running).model_copy(update={"status": JobStatus.RUNNING}))

            compare("adding a job", lambda: store.add(next(ours), REQUEST), insert)
            compare("updating it", start, update)
