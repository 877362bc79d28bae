"""Containers that are started ahead: one job each, of just their kind, locked in like any other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nodetool_jupyter.job import Job
from nodetool_jupyter.model.job import JobStatus
from nodetool_jupyter.session import Session
from nodetool_jupyter.strategies.docker.client import Engine
from nodetool_jupyter.strategies.docker.facts import Container
from nodetool_jupyter.strategies.docker.prewarmed import name_ahead
from nodetool_jupyter.strategies.docker.spec import STORE_LABEL, name_of, store_of
from nodetool_jupyter.strategies.docker.strategy import DockerStrategy
from tests.integration.contained import hangs, looks, submit
from tests.integration.gates import Open
from tests.integration.kernels import kernel, read_id
from tests.support import wait_until
from tests.unit.engine.support import check_events

pytestmark = pytest.mark.docker
DEADLINE = 60.0
COUNT = 2

Find = Callable[[], list[Container]]


@pytest.fixture
def session(engine: Engine, open_session: Open) -> Iterator[Session]:
    """A session that starts containers ahead, once a job has told of which kind; it has."""
    session = open_session(max_containers=2, docker_prewarm=COUNT)
    assert submit(session, looks).result(DEADLINE)
    yield session
    session.close()


@pytest.fixture
def ahead(engine: Engine, home: Path) -> Find:
    """The containers that wait for a job, once all do."""

    def find() -> list[Container]:
        found = engine.containers(f"{STORE_LABEL}={store_of(home)}")
        return [each for each in found if each.name.startswith(name_of("ahead-"))]

    return find


def idle(session: Session) -> list[Any]:
    strategy = session.manager.strategies.usable("docker")
    assert isinstance(strategy, DockerStrategy)
    return strategy.prewarmed._idle


def wait_for_pool(session: Session) -> list[str]:
    wait_until(lambda: len(idle(session)) == COUNT, DEADLINE)
    return [each.container for each in idle(session)]


def folders(home: Path) -> list[str]:
    return [path.name for path in (home / "jobs").iterdir() if path.name.startswith(".")]


def test_each_serves_one_job(session: Session, engine: Engine, ahead: Find, home: Path) -> None:
    """The one that waits longest, and then it is gone, with all that was made for it; another comes."""
    waiting = wait_for_pool(session)
    job = submit(session, hangs)
    wait_until(lambda: job.status is JobStatus.RUNNING and engine.inspect(name_of(job.id)), DEADLINE)
    assert engine.inspect_raw(name_of(job.id))["Id"] == waiting[0]
    job.cancel()
    assert job.wait(DEADLINE)
    check_events(list(job.events()))
    wait_until(lambda: engine.inspect(waiting[0]) is None, DEADLINE)
    assert waiting[0] not in wait_for_pool(session)
    assert submit(session, looks).result(DEADLINE)
    session.close()
    assert ahead() == []
    assert folders(home) == []


def test_they_are_locked_in_alike(session: Session, engine: Engine) -> None:
    """What differs is the job's own: its folder and its name."""
    waiting = engine.inspect_raw(wait_for_pool(session)[1])["HostConfig"]
    for each in idle(session):
        each.discard(engine)
    job = submit(session, hangs)
    cold = wait_until(lambda: made(engine, job), DEADLINE)["HostConfig"]
    for config in (waiting, cold):
        assert len(config.pop("Mounts")) == 1
    assert waiting == cold
    job.cancel()
    assert job.wait(DEADLINE)


def made(engine: Engine, job: Job) -> dict[str, Any] | None:
    return engine.inspect_raw(name_of(job.id)) if engine.inspect(name_of(job.id)) is not None else None


def test_a_job_of_another_kind(session: Session, engine: Engine) -> None:
    """It has its own limits, and the next ones are made like it."""
    waiting = wait_for_pool(session)
    found = submit(session, looks, memory="96m", sandbox="untrusted").result(DEADLINE)
    assert (found["memory"], found["pids"]) == (str(96 * 2**20), "64")
    wait_until(lambda: all(engine.inspect(each) is None for each in waiting), DEADLINE)


AHEAD = """
import threading
from tests.integration.contained import hangs, looks
session.close()
session = Session(Settings(home=home, cancel_grace=0.5, docker_prewarm=2))
submit(looks).result()
pool = session.manager.strategies.get("docker").prewarmed
while len(pool._idle) < 2:
    threading.Event().wait(0.05)
submit(hangs)
submit(hangs)
input()
"""


def test_a_kernel_that_is_killed(engine: Engine, ahead: Find, open_session: Open, home: Path) -> None:
    """What waits ends by itself; the job that had taken one goes on, and is the next kernel's."""
    with kernel(home, AHEAD, strategy="docker") as process:
        read_id(process)
        ids = read_id(process), read_id(process)
        for job_id in ids:
            wait_until((home / "jobs" / job_id / "supervisor.json").exists, DEADLINE)
        process.kill()
    session = open_session()
    cancelled, killed = map(session.find, ids)
    assert cancelled.is_live
    assert killed.is_live
    cancelled.cancel()
    assert cancelled.wait(DEADLINE)
    assert cancelled.status is JobStatus.CANCELLED
    engine.kill(name_ahead(home / "jobs" / killed.id) or "")  # too early for the job's own name
    assert killed.wait(DEADLINE)
    assert "SIGKILL" in str(killed.error)
    strategy = session.manager.strategies.usable("docker")
    assert isinstance(strategy, DockerStrategy)
    wait_until(lambda: all(not each.is_alive for each in ahead()), DEADLINE, state=ahead)
    strategy.prune(grace=0)
    assert ahead() == []
    session.close()
    assert folders(home) == []
