"""kill -9 of a kernel whose jobs run in containers: they go on, and the next one has them all."""

from __future__ import annotations

import random
import threading
from pathlib import Path

import pytest

from nodetool_jupyter.model.job import JobStatus
from nodetool_jupyter.strategies.docker.client import Engine
from nodetool_jupyter.strategies.docker.spec import STORE_LABEL, store_of
from tests.docker import no_containers
from tests.integration.gates import Open
from tests.integration.kernels import kernel, read_id
from tests.support import wait_until
from tests.unit.engine.support import check_events

pytestmark = pytest.mark.docker
DEADLINE = 90.0
JOBS = 5
LINES = 60
COUNTS = """
from tests.integration.contained import counts
for number in range(int(arguments[0])):
    submit(counts, lines=int(arguments[1]) + number)
print("all", flush=True)
input()
"""


def run_round(engine: Engine, open_session: Open, home: Path, seed: int) -> None:
    """Start jobs, kill their kernel at a random moment, have another session take them over."""
    chance = random.Random(seed)
    with kernel(home, COUNTS, str(JOBS), str(LINES), strategy="docker") as process:
        ids = [read_id(process) for _ in range(chance.randint(1, JOBS))]
        threading.Event().wait(chance.uniform(0, 2))
        process.kill()
        assert process.stdout is not None
        ids += [line.strip() for line in process.stdout if line.strip() != "all"]
    session = open_session(home=home, max_containers=2, max_workflow_threads=50)
    recorded = sorted(record.id for record in session.jobs())
    assert recorded[: len(ids)] == ids  # the last one may be on record, and its kernel not have told it
    for number, job_id in enumerate(recorded):
        job = session.find(job_id)
        assert job.wait(DEADLINE), (seed, job)
        assert job.status is JobStatus.COMPLETED, (seed, number, job.error, job.error and job.error.details)
        assert job.result() == LINES + number
        check_events(list(job.events()))
        assert [line.content for line in job.logs] == [str(line) for line in range(LINES + number)]
    label = f"{STORE_LABEL}={store_of(home)}"
    wait_until(lambda: not engine.containers(label), 10, state=lambda: engine.containers(label))
    assert session.manager.list_jobs() == []
    session.close()


def test_jobs_outlive_their_kernel(engine: Engine, open_session: Open, home: Path) -> None:
    """Every message once and in order, every result right, whether they ran, began or waited; no container
    is left.
    """
    run_round(engine, open_session, home, seed=0)


@pytest.mark.storm
@pytest.mark.timeout(1800)
def test_jobs_outlive_their_kernel_each_time(engine: Engine, open_session: Open, tmp_path: Path) -> None:
    """Twenty rounds of the same."""
    for seed in range(100, 120):
        home = tmp_path / str(seed)
        with no_containers(engine, home):
            run_round(engine, open_session, home, seed)


def test_a_job_can_be_cancelled_by_the_next(engine: Engine, open_session: Open, home: Path) -> None:
    """Through the socket in its run directory."""
    code = "from tests.integration.contained import hangs\nsubmit(hangs)\ninput()"
    with kernel(home, code, strategy="docker") as process:
        job_id = read_id(process)
        wait_until((home / "jobs" / job_id / "supervisor.json").exists, DEADLINE)
        process.kill()
    session = open_session()
    session.find(job_id).cancel()
    assert session.find(job_id).wait(DEADLINE)
    assert session.find(job_id).status is JobStatus.CANCELLED
    session.close()
