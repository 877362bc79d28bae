"""Suspended jobs whose kernel is killed, or that several take up at once."""

from __future__ import annotations

import threading
from pathlib import Path

import psutil
import pytest

from nodetool_jupyter.errors import JobFailed, NodeToolError
from nodetool_jupyter.job import Job
from nodetool_jupyter.model.events import JobUpdate
from nodetool_jupyter.model.job import JobStatus
from nodetool_jupyter.worker.folder import EXIT, SUPERVISOR, RunFolder
from tests.integration.gates import Open
from tests.integration.kernels import kernel, read_id
from tests.integration.workers import processes_of
from tests.support import wait_until

pytestmark = pytest.mark.usefixtures("one_zygote")
DEADLINE = 60.0
SUSPENDS = """
from nodetool_jupyter import ProcessingContext

@node
async def asks(path: str, context: ProcessingContext) -> Any:
    if context.resumption is None:
        context.suspend("what now?", {"path": path})
    while not Path(path).exists():
        await asyncio.sleep(0.01)
    return [context.resumption.state["path"], context.resumption.value]

job = submit(asks, path=arguments[0])
job.wait()
if arguments[1] == "resumed":
    job.resume("old")
    while job.status.value != "running":
        pass
if arguments[1] == "queued":
    session.manager._slots.next = lambda: None
    job.resume("old")
print(job.status.value, flush=True)
input()
"""


def suspend_and_die(home: Path, go: Path, how: str = "") -> str:
    """The id of a suspended job whose kernel was killed, perhaps after it had resumed it."""
    with kernel(home, SUSPENDS, str(go), how) as process:
        job_id = read_id(process)
        assert read_id(process) == {"resumed": "running", "queued": "queued"}.get(how, "suspended")
        process.kill()
    return job_id


def states_of(job: Job) -> list[str]:
    events = list(job.events())
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    return [event.status for event in events if isinstance(event, JobUpdate)]


def test_nothing_runs_of_a_suspended_job(open_session: Open, home: Path, tmp_path: Path) -> None:
    job_id = suspend_and_die(home, tmp_path / "go")
    wait_until(lambda: not processes_of(job_id), DEADLINE)
    session = open_session(home=home)
    assert session.manager.recover_jobs() == []
    assert RunFolder(session.store.run_directory(job_id)).read_record(EXIT)
    assert session.find(job_id).status is JobStatus.SUSPENDED


def test_the_next_kernel_resumes_it(open_session: Open, home: Path, tmp_path: Path) -> None:
    job = open_session(home=home).find(suspend_and_die(home, tmp_path / "go"))
    job.resume("new")
    (tmp_path / "go").touch()
    assert job.result(DEADLINE) == [str(tmp_path / "go"), "new"]
    assert states_of(job) == ["running", "suspended", "running", "completed"]


@pytest.mark.parametrize("how", ["resumed", "queued"])
def test_a_resumed_job_is_adopted(open_session: Open, home: Path, tmp_path: Path, how: str) -> None:
    """Its second attempt is followed from where it began: no message is lost, and none comes twice."""
    job = open_session(home=home).find(suspend_and_die(home, tmp_path / "go", how))
    assert job.is_live
    (tmp_path / "go").touch()
    assert job.result(DEADLINE) == [str(tmp_path / "go"), "old"]
    assert states_of(job) == ["running", "suspended", "running", "completed"]
    assert job.record.attempt == 2


def test_a_resumed_job_whose_supervisor_is_killed_has_failed(
    open_session: Open, home: Path, tmp_path: Path
) -> None:
    """What its first attempt has told is not cut from its log."""
    session = open_session(home=home)
    job = session.find(suspend_and_die(home, tmp_path / "go"))
    job.resume()
    wait_until(lambda: job.status is JobStatus.RUNNING, DEADLINE)
    folder = RunFolder(session.store.run_directory(job.id))
    psutil.Process(folder.read_record(SUPERVISOR)["pid"]).kill()
    with pytest.raises(JobFailed, match="the process that looked after the job was killed"):
        job.result(DEADLINE)
    assert states_of(job) == ["running", "suspended", "running", "failed"]


def test_of_two_kernels_one_resumes_it(open_session: Open, home: Path, tmp_path: Path) -> None:
    job_id = suspend_and_die(home, tmp_path / "go")
    (tmp_path / "go").touch()
    jobs = [open_session(home=home).find(job_id) for _ in range(4)]
    barrier = threading.Barrier(len(jobs))
    refused: list[NodeToolError] = []

    def resume(job: Job) -> None:
        barrier.wait()
        try:
            job.resume("once")
        except NodeToolError as error:
            refused.append(error)

    threads = [threading.Thread(target=resume, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    assert len(refused) == len(jobs) - 1
    for job in jobs:
        assert job.wait(DEADLINE)
        assert job.result(DEADLINE) == [str(tmp_path / "go"), "once"]
    assert states_of(jobs[0]) == ["running", "suspended", "running", "completed"]
