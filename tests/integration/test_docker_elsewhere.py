"""An engine that sees none of this machine's files: a volume takes the place of the run directory, and what
is written there comes over by a stream. Jobs, their ends and their kernels' are as ever.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nodetool_jupyter.errors import ErrorCode, JobFailed, NodeError, OptionError
from nodetool_jupyter.job import Job
from nodetool_jupyter.model.job import JobStatus
from nodetool_jupyter.session import Session
from nodetool_jupyter.strategies.docker.client import Engine
from nodetool_jupyter.strategies.docker.reaper import reap
from nodetool_jupyter.strategies.docker.spec import STORE_LABEL, name_of, store_of
from tests.integration.contained import counts, hangs, looks, submit
from tests.integration.gates import Open
from tests.integration.kernels import kernel, read_id
from tests.integration.test_docker_ends import make_image
from tests.integration.test_docker_kernels import COUNTS
from tests.integration.test_docker_resumed import SIZE, asked
from tests.private_dockerd import PrivateDockerd, private_dockerd
from tests.support import wait_until
from tests.unit.engine.support import check_events

pytestmark = [pytest.mark.docker, pytest.mark.only_on("linux")]
DEADLINE = 60.0
LIVE = "--live-restore"
IMAGE = "nodetool-test-odd:elsewhere"


@pytest.fixture(scope="module")
def loaded(docker_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateDockerd]:
    """With the image, and without any file of the tests'."""
    with private_dockerd(docker_image, hidden=tmp_path_factory.getbasetemp()) as dockerd:
        dockerd.stop()
        yield dockerd


@pytest.fixture
def far(loaded: PrivateDockerd, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """The engine for what is made in a test, which leaves neither container nor volume there."""
    monkeypatch.setenv("DOCKER_HOST", loaded.address)
    loaded.start(LIVE)
    with loaded.engine() as engine:
        yield engine
        wait_until(
            lambda: not engine.containers(STORE_LABEL), 10, state=lambda: engine.containers(STORE_LABEL)
        )
        wait_until(lambda: not engine.volumes(STORE_LABEL), 10, state=lambda: engine.volumes(STORE_LABEL))
    loaded.stop()


@pytest.fixture
def session(far: Engine, open_session: Open) -> Iterator[Session]:
    session = open_session(max_containers=2)
    yield session
    session.close()


def wait_for_lines(job: Job, count: int) -> None:
    wait_until(lambda: len(list(job.logs)) >= count, DEADLINE)


def test_a_job(session: Session) -> None:
    """It is as isolated as any, and all that it tells comes over, in order."""
    found = submit(session, looks, memory="96m").result(DEADLINE)
    assert found["files"] == ["run"]
    assert 0 not in found["ids"]
    assert int(found["status"]["CapEff"], 16) == 0
    assert (found["interfaces"], found["memory"]) == (["lo"], str(96 * 2**20))
    job = submit(session, counts, {"lines": 200})
    assert job.result(DEADLINE) == 200
    check_events(list(job.events()))
    assert [line.content for line in job.logs] == [str(number) for number in range(200)]


def test_large_values_and_resume(session: Session) -> None:
    """Values that go by file come over, and go along with the job that goes on from them."""
    failed = asked(session, 0)
    with pytest.raises(NodeError, match="not yet"):
        failed.result(DEADLINE)
    found = asked(session, 1, resume=failed.id).result(DEADLINE)
    assert len(found["data"]) == SIZE
    assert found["result"] == hashlib.sha256(found["data"]).hexdigest()
    assert asked(session, 2, resume=failed.id).result(DEADLINE)["data"] == found["data"]


def test_cancel(session: Session, far: Engine) -> None:
    """While it runs, and before: one end each."""
    runs, begins = submit(session, hangs), submit(session, hangs)
    begins.cancel()
    wait_until(lambda: runs.status is JobStatus.RUNNING, DEADLINE)
    with pytest.raises(OptionError, match="no streaming inputs yet"):
        session.manager.get_job(runs.id).execution.push_input("x", 1, None)
    runs.cancel()
    for job in (runs, begins):
        assert job.wait(DEADLINE)
        assert job.status is JobStatus.CANCELLED
        check_events(list(job.events()))


def test_removed_by_hand(session: Session, far: Engine) -> None:
    """The job has failed for that reason."""
    job = submit(session, hangs)
    wait_until(lambda: job.status is JobStatus.RUNNING, DEADLINE)
    far.remove(name_of(job.id))
    assert job.wait(DEADLINE)
    assert isinstance(job.error, JobFailed)
    assert job.error.code is ErrorCode.CONTAINER_REMOVED


def test_an_image_that_can_not_run_it(session: Session, far: Engine) -> None:
    """What it said is told."""
    make_image(far, IMAGE, {"usr/bin/python3": b"#!/bin/sh\necho no worker here >&2; exit 3\n"})
    try:
        job = submit(session, looks, image=IMAGE)
        assert job.wait(DEADLINE)
        assert isinstance(job.error, JobFailed)
        assert job.error.code is ErrorCode.IMAGE_INVALID
    finally:
        far.remove_image(IMAGE)


@pytest.mark.parametrize("lines", [30, 400])
def test_a_kernel_that_is_killed(far: Engine, open_session: Open, home: Path, lines: int) -> None:
    """The job goes on, and ends if it must; the next kernel has all of it, once."""
    with kernel(home, COUNTS, "1", str(lines), strategy="docker") as process:
        job_id = read_id(process)
        log = home / "jobs" / job_id / "events.jsonl"
        wait_until(lambda: log.exists() and log.read_bytes().count(b"\n") > 10, DEADLINE)
        process.kill()
    if lines < 100:  # it ends while nobody listens
        threading.Event().wait(1.0)
    session = open_session()
    job = session.find(job_id)
    assert job.result(DEADLINE) == lines
    check_events(list(job.events()))
    assert [line.content for line in job.logs] == [str(number) for number in range(lines)]
    session.close()


def test_what_a_kernel_has_left(session: Session, far: Engine, home: Path) -> None:
    """A volume whose container was never made goes, once it is old enough."""
    store = store_of(home)
    far.make_volume("nodetool-of-a-test", {STORE_LABEL: store})
    assert reap(far, store, time.time(), grace=60) == []
    (found,) = reap(far, store, time.time() + 61, grace=60)
    assert (found.name, found.status) == ("nodetool-of-a-test", "its volume alone")
    assert far.volumes(STORE_LABEL) == []


def test_the_engine_goes_on(loaded: PrivateDockerd, open_session: Open, far: Engine) -> None:
    """A daemon that comes back finds the job, and the job its kernel."""
    session = open_session()
    job = submit(session, counts, {"lines": 600})
    wait_for_lines(job, 20)
    loaded.stop()
    loaded.start(LIVE)
    assert job.result(DEADLINE) == 600
    check_events(list(job.events()))
    assert [line.content for line in job.logs] == [str(number) for number in range(600)]
    session.close()
