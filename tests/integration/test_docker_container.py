"""What a job finds in its container, and limits that name themselves."""

from __future__ import annotations

from typing import Any

import pytest

from nodetool_jupyter.errors import (
    DockerError,
    ErrorCode,
    JobFailed,
    NodeError,
    OptionError,
    UnsupportedLimit,
)
from nodetool_jupyter.job import Job
from nodetool_jupyter.session import Session
from nodetool_jupyter.strategies.docker.client import Engine
from nodetool_jupyter.strategies.docker.spec import SCRATCH, name_of
from tests.integration.contained import fills, forks, hangs, has_secret, hoards, looks, submit
from tests.integration.gates import Open
from tests.support import wait_until

pytestmark = pytest.mark.docker
DEADLINE = 60.0
MIB = 2**20


def error_of(job: Job) -> JobFailed | NodeError:
    assert job.wait(DEADLINE)
    error = job.error
    assert isinstance(error, JobFailed | NodeError), (job.status, error)
    return error


def inspect(engine: Engine, job: Job) -> dict[str, Any] | None:
    container = engine.inspect(name_of(job.id))
    return engine.inspect_raw(container.name) if container is not None and container.is_alive else None


def test_what_a_job_finds(docker_session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each limit holds inside, and no privilege is left."""
    monkeypatch.setenv("A_TOKEN", "of-the-kernel")
    limits = {"memory": "96m", "shm": "8m", "processes": 40, "cpus": 0.5}
    found = submit(docker_session, looks, **limits).result(DEADLINE)
    assert 0 not in found["ids"]
    assert {int(found["status"][name], 16) for name in ("CapEff", "CapBnd")} == {0}
    assert (found["status"]["NoNewPrivs"], found["status"]["Seccomp"]) == ("1", "2")
    assert found["interfaces"] == ["lo"]
    assert (found["shm"], found["memory"], found["pids"]) == (8 * MIB, str(96 * MIB), "40")
    assert found["swap"] in ("", "0", str(96 * MIB))
    assert found["cpu"] == "50000"
    assert found["tmp"] == 512 * MIB
    assert found["init"].endswith(("docker-init", "tini"))
    # Its supervisor may listen there already, or only after the job has begun.
    assert {"order.json", "supervisor.json"} <= set(found["files"])
    environment = found["environment"]
    assert (environment["A_TOKEN"], environment["HOME"]) == ("of-the-kernel", SCRATCH)
    assert not [name for name in environment if name.startswith(("NODETOOL_HOME", "PYTEST", "DOCKER"))]


def test_an_untrusted_job(docker_session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds where nobody asked for any, no environment, no network to be had."""
    monkeypatch.setenv("A_TOKEN", "of-the-kernel")
    found = submit(docker_session, looks, sandbox="untrusted").result(DEADLINE)
    assert (found["memory"], found["pids"], found["cpu"]) == (str(1024 * MIB), "64", "100000")
    assert "A_TOKEN" not in found["environment"]
    with pytest.raises(OptionError, match="has no network"):
        submit(docker_session, looks, sandbox="untrusted", network="bridge")


def test_secrets_are_nowhere_else(
    docker_session: Session, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the engine nor the run directory ever has them: they come over the socket."""
    monkeypatch.setenv("A_TOKEN", "canary-6f1c")
    job = submit(docker_session, hangs)
    shown = str(wait_until(lambda: inspect(engine, job), DEADLINE))
    wait_until((docker_session.store.run_directory(job.id) / "supervisor.json").exists, DEADLINE)
    files = [path for path in docker_session.store.run_directory(job.id).rglob("*") if path.is_file()]
    assert "canary" not in shown + engine.logs(name_of(job.id))
    assert not [path.name for path in files if b"canary" in path.read_bytes()]
    job.cancel()
    assert submit(docker_session, has_secret, {"name": "A_TOKEN"}).result(DEADLINE) == "canary-6f1c"


def test_memory(docker_session: Session) -> None:
    """Of the worker alone, and of all that the job has in memory together: files of a tmpfs are in it."""
    alone = error_of(submit(docker_session, hoards, {"megabytes": 300}, memory="96m"))
    assert (alone.code, "of 96 MiB" in alone.message) == (ErrorCode.MEMORY_LIMIT, True)
    limits = {"memory": "96m", "shm": "300m"}
    error = error_of(submit(docker_session, fills, {"path": "/dev/shm/x", "megabytes": 250}, **limits))
    assert (error.code, "out of memory of 96 MiB" in error.message) == (ErrorCode.OOM_KILLED, True)


def test_processes(docker_session: Session) -> None:
    """The node's error names the limit."""
    error = error_of(submit(docker_session, forks, {"count": 100}, processes=30))
    assert error.code is ErrorCode.RESOURCE_LIMIT
    assert "the limit processes of 30" in error.message


@pytest.mark.parametrize("path", [f"{SCRATCH}/x", "/dev/shm/x", "/job/x"])
def test_room(docker_session: Session, path: str) -> None:
    """What a job writes is bounded, wherever it may write."""
    error = error_of(submit(docker_session, fills, {"path": path, "megabytes": 600}, file_size="550m"))
    assert isinstance(error, NodeError)
    assert ("file_size" if path == "/job/x" else "No space left") in error.message


@pytest.mark.parametrize("path", ["/x", "/usr/local/lib/nodetool/x", "/etc/x", "/sys/fs/cgroup/x"])
def test_the_rest_is_read_only(docker_session: Session, path: str) -> None:
    """The image stays what it is."""
    error = error_of(submit(docker_session, fills, {"path": path, "megabytes": 1}))
    assert "Read-only file system" in error.message or "Permission denied" in error.message


def test_gpus_are_refused_before_anything_starts(docker_session: Session, engine: Engine) -> None:
    """Where the engine has no runtime for them."""
    if engine.facts().has_gpus:
        return
    with pytest.raises(UnsupportedLimit, match="no runtime for gpus"):
        submit(docker_session, hangs, gpus="device=0")
    assert docker_session.jobs() == []


def test_missing_image(docker_session: Session) -> None:
    """One sentence with the way out, and no job."""
    with pytest.raises(DockerError, match="there is no image nodetool-jupyter:no-such") as caught:
        submit(docker_session, hangs, image="nodetool-jupyter:no-such")
    assert caught.value.hint == "build it: nodetool-jupyter image build"
    assert docker_session.jobs() == []


def test_an_image_that_can_t_be_pulled(docker_session: Session, open_session: Open) -> None:
    """Tried where the settings allow it, and then the job says what went wrong; else refused at once."""
    error = error_of(submit(docker_session, hangs, image="localhost:1/no-such:1"))
    assert (error.code, "localhost:1/no-such" in error.message) == (ErrorCode.IMAGE_MISSING, True)
    with pytest.raises(DockerError, match="there is no image localhost:1/no-such:1 here"):
        submit(open_session(docker_pull="never"), hangs, image="localhost:1/no-such:1")
