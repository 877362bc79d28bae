"""kill -9 of a kernel whose jobs run in processes of their own: they go on, and the next one has them all."""

from __future__ import annotations

import random
import threading
from pathlib import Path

import psutil
import pytest

from nodetool_jupyter.model.events import JobUpdate, LogUpdate
from nodetool_jupyter.model.job import JobStatus
from nodetool_jupyter.worker.process import COOKIE
from tests.integration.gates import Open
from tests.integration.kernels import kernel, read_id
from tests.support import wait_until
from tests.unit.engine.support import check_events

DEADLINE = 60.0
JOBS = 20
LINES = 60
COUNTS = """
@node
async def counts(number: int, lines: int) -> int:
    for line in range(lines):
        print(f"{number}:{line}")
        await asyncio.sleep(0.01)
    return number

for number in range(int(arguments[0])):
    submit(counts, number=number, lines=int(arguments[1]))
print("all", flush=True)
input()
"""


def processes_of(job_ids: set[str]) -> list[psutil.Process]:
    """What runs of these jobs, supervisors but for those that have only just begun."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(COOKIE) in job_ids:
                found.append(process)
        except psutil.Error:
            continue
    return found


def run_round(open_session: Open, home: Path, seed: int) -> None:
    """Start jobs, kill their kernel at a random moment, have another session take them over."""
    chance = random.Random(seed)
    with kernel(home, COUNTS, str(JOBS), str(LINES)) as process:
        ids = [read_id(process) for _ in range(chance.randint(1, JOBS))]
        threading.Event().wait(chance.uniform(0, 0.5))
        process.kill()
        assert process.stdout is not None
        ids += [line.strip() for line in process.stdout if line.strip() != "all"]
    session = open_session(home=home, max_workflow_threads=50)
    recorded = sorted(record.id for record in session.jobs())
    assert recorded[: len(ids)] == ids  # the last one may be on record, and its kernel not have told it
    for number, job_id in enumerate(recorded):
        job = session.find(job_id)
        assert job.wait(DEADLINE), (seed, job)
        assert job.status is JobStatus.COMPLETED, (seed, number, job.error, job.error and job.error.details)
        assert job.result() == number
        events = list(job.events())
        check_events(events)
        lines = [event.content for event in events if isinstance(event, LogUpdate)]
        assert lines == [f"{number}:{line}" for line in range(LINES)]
        assert isinstance(events[-1], JobUpdate)
    wait_until(lambda: not processes_of(set(recorded)), 10)
    assert session.manager.list_jobs() == []


@pytest.mark.parametrize("seed", range(2))
def test_jobs_outlive_their_kernel(open_session: Open, home: Path, seed: int) -> None:
    """Every message once and in order, every result right, no process left."""
    run_round(open_session, home, seed)


@pytest.mark.storm
@pytest.mark.timeout(1800)
def test_jobs_outlive_their_kernel_each_time(open_session: Open, tmp_path: Path) -> None:
    """Fifty rounds of the same."""
    for seed in range(100, 150):
        run_round(open_session, tmp_path / str(seed), seed)
