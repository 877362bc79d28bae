"""A hostile job: each of its attempts fails, it ends with its container, and the machine is as it was."""

from __future__ import annotations

import socket
from pathlib import Path

import psutil
import pytest

from nodetool_jupyter.model.job import JobStatus
from nodetool_jupyter.session import Session
from nodetool_jupyter.strategies.docker.client import Engine
from nodetool_jupyter.strategies.docker.spec import name_of
from tests.integration.attacks import attacks
from tests.integration.contained import bombs, hangs, looks, misleads, submit
from tests.support import wait_until

pytestmark = pytest.mark.docker
DEADLINE = 60.0


@pytest.mark.parametrize("sandbox", ["default", "untrusted"])
def test_an_attack(docker_session: Session, sandbox: str) -> None:
    """In both profiles; another job lives beside it, a port of this machine is open."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        other = submit(docker_session, hangs)
        folder = docker_session.store.run_directory(other.id)
        data = {"port": server.getsockname()[1], "other_job": str(folder)}
        found = submit(docker_session, attacks, data, sandbox=sandbox).result(DEADLINE)
    assert {name: said for name, said in found.items() if said.startswith("done")} == {}
    assert len(found) == 18
    other.cancel()
    assert other.wait(DEADLINE)


def test_a_fork_bomb(docker_session: Session, engine: Engine) -> None:
    """It has its number of processes and no more, and can be ended."""
    job = submit(docker_session, bombs, processes=50, cpus=0.5)
    name = name_of(job.id)
    wait_until(lambda: count_processes(engine, name) >= 45, DEADLINE)
    assert [count for _ in range(5) if (count := count_processes(engine, name)) > 50] == []
    job.cancel()
    assert job.wait(DEADLINE)
    assert job.status in (JobStatus.CANCELLED, JobStatus.FAILED)
    assert submit(docker_session, looks).result(DEADLINE)


def count_processes(engine: Engine, name: str) -> int:
    """Of a container, as this machine sees them; its engine is slow to tell while there are many."""
    container = engine.inspect(name)
    if container is None or not container.is_alive:
        return 0
    first = psutil.Process(engine.inspect_raw(name)["State"]["Pid"])
    return 1 + len(first.children(recursive=True))


def test_links_lead_nowhere(docker_session: Session, tmp_path: Path) -> None:
    """What the kernel, perhaps root, writes and reads in a run directory stays in it."""
    target = tmp_path / "precious"
    target.write_bytes(b"a line\nand no newline at its end")
    job = submit(docker_session, misleads, {"target": str(target)})
    assert job.wait(DEADLINE)
    assert job.status is JobStatus.FAILED
    assert target.read_bytes() == b"a line\nand no newline at its end"
    assert target.stat().st_mode & 0o777 == 0o644
    assert submit(docker_session, looks).result(DEADLINE)
