"""Jobs in containers, against ``docker run`` of a Python that does nothing, with the same limits."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import pytest

from nodetool_jupyter.model.request import RunJobRequest
from nodetool_jupyter.session import Session
from nodetool_jupyter.settings import Settings
from nodetool_jupyter.strategies.docker.strategy import DockerStrategy
from tests.benchmarks.compare import compare, seconds
from tests.benchmarks.steps import increment, text, upper
from tests.benchmarks.test_engine import chain_of
from tests.docker import Engine, open_engine, share
from tests.support import wait_until

pytestmark = [pytest.mark.benchmark, pytest.mark.docker, pytest.mark.timeout(900)]

PAIRS = 10
JOBS = 20
DEADLINE = 120.0
LOCKED = (
    *("docker", "run", "--rm", "--network=none", "--read-only", "--cap-drop=ALL", "--init", "--ipc=private"),
    *("--security-opt=no-new-privileges", "--user=65534:65534", "--pids-limit=512", "--log-opt=max-size=1m"),
    "--tmpfs=/tmp:rw,nosuid,nodev,size=536870912,mode=1777",
)

Make = Callable[[int], Session]


@pytest.fixture
def engine(docker_image: str, home: Path) -> Iterator[Engine]:
    with open_engine(home) as engine:
        yield engine


@pytest.fixture
def make(engine: Engine, home: Path) -> Iterator[Make]:
    """Opens a session with so many containers ahead, which has run a job."""
    sessions = []

    def make(ahead: int) -> Session:
        session = Session(Settings(home=home, docker_prewarm=ahead))
        sessions.append(session)
        for function in (increment, text, upper):
            session.registry.add(function.spec)
        run(session)
        return session

    yield make
    for session in sessions:
        session.close()


@pytest.fixture
def command(docker_image: str, tmp_path: Path) -> list[str]:
    return [*LOCKED, f"--volume={share(tmp_path)}:/job", docker_image, "python3", "-c", "pass"]


def asked() -> RunJobRequest:
    return RunJobRequest(graph=chain_of(increment, text, upper), execution_strategy="docker")


def run(session: Session) -> None:
    assert session.submit_request(asked()).result(DEADLINE) == "2"


def test_cold(make: Make, command: list[str]) -> None:
    """Three chained functions: submit to result, with image check, container, order and events."""
    session = make(0)

    def floor() -> None:
        subprocess.run(command, check=True)

    compare("a job of 3 nodes in a container, to docker run", lambda: run(session), floor, 1.2, pairs=PAIRS)


def test_prewarmed(make: Make, command: list[str]) -> None:
    """The same in one of two containers that were started ahead; what the next one costs is beside it."""
    session = make(2)
    strategy = session.manager.strategies.usable("docker")
    assert isinstance(strategy, DockerStrategy)
    refills, ours, theirs = [], [], []

    def refill() -> None:
        wait_until(lambda: len(strategy.prewarmed._idle) == 2, DEADLINE)

    refill()
    for _ in range(PAIRS):
        ours.append(seconds(lambda: run(session)))
        refills.append(seconds(refill))
        theirs.append(seconds(lambda: subprocess.run(command, check=True)))
    took, floor, beside = (median(each) * 1e3 for each in (ours, theirs, refills))
    figures = f"{took:.1f} ms to {floor:.0f} ms; a refill {beside:.0f} ms"
    print(f"\nthe same prewarmed: {took / floor:.3f} of the floor's time (goal: at most 0.05); {figures}")


def test_many(make: Make, command: list[str]) -> None:
    """Twenty at once, all right, to twenty times docker run at once."""
    session = make(0)

    def jobs() -> None:
        submitted = [session.submit_request(asked()) for _ in range(JOBS)]
        assert [job.result(DEADLINE) for job in submitted] == ["2"] * JOBS

    def floor() -> None:
        processes = [subprocess.Popen(command) for _ in range(JOBS)]
        assert [process.wait(DEADLINE) for process in processes] == [0] * JOBS

    compare(f"{JOBS} jobs at once, to {JOBS} times docker run", jobs, floor, 1.5, pairs=3, each=JOBS)
