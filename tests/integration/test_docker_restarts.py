"""The Docker daemon ends, or is killed, and comes back, while jobs run. A daemon of the tests' own."""

from __future__ import annotations

import gc
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from nodetool_jupyter.errors import ErrorCode, JobFailed, StrategyUnavailable
from nodetool_jupyter.job import Job
from nodetool_jupyter.model.job import JobStatus
from nodetool_jupyter.session import Session
from tests.integration.contained import counts_on, hangs, looks, submit
from tests.integration.gates import Open
from tests.integration.kernels import kernel, read_id
from tests.private_dockerd import PrivateDockerd, private_dockerd
from tests.support import wait_until
from tests.unit.engine.support import check_events

UNRAISABLE = "pytest.PytestUnraisableExceptionWarning"
pytestmark = [
    pytest.mark.docker,
    pytest.mark.only_on("linux"),
    # docker-py leaves a socket open with which it could not connect.
    pytest.mark.filterwarnings(
        "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"
    ),
]
DEADLINE = 60.0
LIVE = "--live-restore"
STOPPED = pytest.param(signal.SIGTERM, id="stopped")
KILLED = pytest.param(signal.SIGKILL, id="killed")
OFTEN = pytest.mark.storm


@pytest.fixture(scope="module")
def loaded(docker_image: str) -> Iterator[PrivateDockerd]:
    """With the image."""
    with private_dockerd(docker_image) as dockerd:
        dockerd.stop()
        yield dockerd


@pytest.fixture
def dockerd(loaded: PrivateDockerd, monkeypatch: pytest.MonkeyPatch) -> Iterator[PrivateDockerd]:
    """The engine for what is made in a test, which starts it; a test leaves no container there."""
    with monkeypatch.context() as patch:
        patch.setenv("DOCKER_HOST", loaded.address)
        yield loaded
    loaded.start()
    left = loaded.remove_containers()
    loaded.stop()
    gc.collect()  # while the warnings that this brings are ignored
    assert left == []


@pytest.fixture
def session(dockerd: PrivateDockerd, open_session: Open) -> Iterator[Session]:
    session = open_session(max_containers=3)
    yield session
    session.close()


def lines_of(job: Job) -> list[str]:
    return [line.content for line in job.logs]


def wait_until_it_counts(job: Job) -> None:
    told = len(lines_of(job))
    wait_until(lambda: len(lines_of(job)) > told, DEADLINE)


def wait_until_it_runs(session: Session, job: Job) -> None:
    wait_until((session.store.run_directory(job.id) / "supervisor.json").exists, DEADLINE)


def end_count(session: Session, job: Job) -> None:
    """It counts still; its end is as it should be, and each number has been told once."""
    wait_until_it_counts(job)
    (session.store.run_directory(job.id) / "enough").touch()
    assert job.wait(DEADLINE)
    assert (job.status, job.error) == (JobStatus.COMPLETED, None)
    check_events(list(job.events()))
    assert lines_of(job) == [str(number) for number in range(job.result())]


@pytest.mark.parametrize("number", [STOPPED, pytest.param(signal.SIGKILL, id="killed", marks=OFTEN)])
def test_live_restore(dockerd: PrivateDockerd, session: Session, number: int) -> None:
    """A job goes on while the daemon is away and after it has come back; so does the engine's use."""
    dockerd.start(LIVE)
    job = submit(session, counts_on)
    wait_until_it_counts(job)
    dockerd.stop(number)
    wait_until_it_counts(job)
    dockerd.start(LIVE)
    assert submit(session, looks).result(DEADLINE)
    end_count(session, job)


@pytest.mark.parametrize("number", [KILLED, pytest.param(signal.SIGTERM, id="stopped", marks=OFTEN)])
def test_live_restore_and_another_kernel(
    dockerd: PrivateDockerd, open_session: Open, home: Path, number: int
) -> None:
    """The kernel is killed while the daemon is away: the next one has the job, and its container goes."""
    dockerd.start(LIVE)
    code = "from tests.integration.contained import counts_on\nsubmit(counts_on)\ninput()"
    with kernel(home, code, strategy="docker") as process:
        job_id = read_id(process)
        wait_until((home / "jobs" / job_id / "supervisor.json").exists, DEADLINE)
        dockerd.stop(number)
        process.kill()
    session = open_session()
    dockerd.start(LIVE)
    end_count(session, session.find(job_id))
    session.close()


@pytest.mark.parametrize("number", [STOPPED, pytest.param(signal.SIGKILL, id="killed", marks=OFTEN)])
def test_without_live_restore(dockerd: PrivateDockerd, session: Session, number: int) -> None:
    """The daemon ends its containers, or as it comes back those that it had left alone: the job says so."""
    dockerd.start()
    job = submit(session, hangs)
    wait_until_it_runs(session, job)
    dockerd.stop(number)
    dockerd.start()
    assert job.wait(DEADLINE)
    assert isinstance(job.error, JobFailed)
    assert job.error.code is ErrorCode.CONTAINER_STOPPED
    assert "Docker's daemon was restarted" in job.error.message
    assert "live-restore" in (job.error.hint or "")
    check_events(list(job.events()))
    assert submit(session, looks).result(DEADLINE)


def test_a_daemon_that_stays_away(dockerd: PrivateDockerd, session: Session) -> None:
    """What runs ends well or can be cancelled, what would start is refused with the way out, and once the
    daemon is back what the jobs have left goes.
    """
    dockerd.start()
    job, endless = submit(session, counts_on), submit(session, hangs)
    wait_until_it_runs(session, job)
    wait_until_it_runs(session, endless)
    dockerd.stop(signal.SIGKILL)
    endless.cancel()
    assert endless.wait(DEADLINE)
    assert endless.status is JobStatus.CANCELLED
    with pytest.raises(StrategyUnavailable, match=r"the Docker Engine doesn't answer: .*; start Docker"):
        submit(session, hangs)
    end_count(session, job)
    dockerd.start()
    assert submit(session, looks).result(DEADLINE)
