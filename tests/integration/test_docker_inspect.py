"""``docker inspect`` of a job's container, against what is promised of all of them, line by line."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nodetool_jupyter.session import Session
from nodetool_jupyter.strategies.docker.client import Engine
from nodetool_jupyter.strategies.docker.image import default_image
from nodetool_jupyter.strategies.docker.spec import JOB_LABEL, STORE_LABEL, name_of, store_of
from tests.integration.contained import hangs, submit
from tests.support import wait_until

pytestmark = pytest.mark.docker
DEADLINE = 60.0
MIB = 2**20
USER = "65534:65534" if os.geteuid() == 0 else f"{os.geteuid()}:{os.getegid()}"
OWN_NAMES = {"HOME", "TMPDIR", "PYTHONDONTWRITEBYTECODE"}
LOG = {"max-file": "1", "max-size": "1m"}
CANARY = "canary-6f1c"


def host(name: str) -> Callable[[dict[str, Any]], Any]:
    """What the engine says of the container's place on the machine; what is empty is None."""
    return lambda found: found["HostConfig"][name] or None


def config(name: str) -> Callable[[dict[str, Any]], Any]:
    """What it says of what runs there."""
    return lambda found: found["Config"][name] or None


def mounted(found: dict[str, Any]) -> list[tuple[str, str, bool]]:
    places = ((each["Destination"], each["Source"], each["RW"]) for each in found["Mounts"])
    return [(target, Path(source).name, is_writable) for target, source, is_writable in places]


def environment(found: dict[str, Any]) -> set[str]:
    """The names that are not the image's."""
    return {each.partition("=")[0] for each in found["Config"]["Env"]} - found["of the image"]


Row = tuple[str, Callable[[dict[str, Any]], Any], Any]
"""A promise, where the engine says it, and what has to be there."""


def of_its_place(job_id: str) -> list[Row]:
    """What it is kept from."""
    return [
        ("the image that image build makes", config("Image"), default_image()),
        ("not root", config("User"), USER),
        ("not privileged", host("Privileged"), None),
        ("all capabilities dropped", host("CapDrop"), ["ALL"]),
        ("and none added", host("CapAdd"), None),
        ("no-new-privileges, and the default seccomp", host("SecurityOpt"), ["no-new-privileges:true"]),
        ("a read-only root", host("ReadonlyRootfs"), True),
        ("/tmp in memory, bounded", host("Tmpfs"), {"/tmp": "rw,nosuid,nodev,size=536870912,mode=1777"}),
        ("private IPC", host("IpcMode"), "private"),
        ("its own processes", host("PidMode"), None),
        ("its own host name", host("UTSMode"), None),
        ("its own user namespace's rules", host("UsernsMode"), None),
        ("no network", host("NetworkMode"), "none"),
        ("of any kind", lambda found: set(found["NetworkSettings"]["Networks"]) <= {"none"}, True),
        ("no port", host("PortBindings"), None),
        ("nor all of them", host("PublishAllPorts"), None),
        ("no link to another", host("Links"), None),
        ("its own run directory, and nothing else", mounted, [("/job", job_id, True)]),
        ("no volume by another way", host("Binds"), None),
        ("or from another container", host("VolumesFrom"), None),
        ("or of the image's", config("Volumes"), None),
        ("no device", host("Devices"), None),
        ("or device's request", host("DeviceRequests"), None),
        ("or device's rule", host("DeviceCgroupRules"), None),
        ("what is hidden of /proc", lambda found: "/proc/kcore" in host("MaskedPaths")(found), True),
    ]


def of_itself(job_id: str, home: Path) -> list[Row]:
    """How it is bounded, called and ended."""
    return [
        ("bounded processes", host("PidsLimit"), 40),
        ("bounded memory", host("Memory"), 128 * MIB),
        ("with no extra swap", host("MemorySwap"), 128 * MIB),
        ("bounded processors", host("NanoCpus"), 500_000_000),
        ("bounded shared memory", host("ShmSize"), 8 * MIB),
        ("--init", host("Init"), True),
        ("nothing on the command line", lambda found: job_id in str(found["Config"]["Cmd"]), False),
        ("nothing in its environment", environment, OWN_NAMES),
        ("labels with store and job", config("Labels"), {STORE_LABEL: store_of(home), JOB_LABEL: job_id}),
        ("the job's name", lambda found: found["Name"], f"/{name_of(job_id)}"),
        ("never started again", host("RestartPolicy"), {"Name": "no", "MaximumRetryCount": 0}),
        ("never removed before it was asked for its end", host("AutoRemove"), None),
        ("no terminal", config("Tty"), None),
        ("no input", config("OpenStdin"), None),
        ("a bounded log", host("LogConfig"), {"Type": "json-file", "Config": LOG}),
        ("the first to go where memory ends", host("OomScoreAdj"), 500),
        ("no core files", host("Ulimits"), [{"Name": "core", "Hard": 0, "Soft": 0}]),
    ]


@pytest.fixture
def inspected(
    docker_session: Session, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, Any]]:
    """What the engine says of a job's container, and the names of its image's variables."""
    monkeypatch.setenv("A_TOKEN", CANARY)
    limits = {"memory": "128m", "cpus": 0.5, "shm": "8m", "processes": 40}
    job = submit(docker_session, hangs, **limits)
    found = wait_until(lambda: running(engine, job.id), DEADLINE)
    image = engine._connected().inspect_image(default_image())["Config"]
    names = {each.partition("=")[0] for each in image["Env"]}
    labels = {name: value for name, value in found["Config"]["Labels"].items() if name not in image["Labels"]}
    found["Config"]["Labels"] = labels
    yield {**found, "job": job.id, "of the image": names}
    job.cancel()
    assert job.wait(DEADLINE)


def running(engine: Engine, job_id: str) -> dict[str, Any] | None:
    container = engine.inspect(name_of(job_id))
    return engine.inspect_raw(container.name) if container is not None and container.is_alive else None


def test_each_promise(inspected: dict[str, Any], home: Path) -> None:
    """All of them at once, each that isn't kept with what is there instead; the secret is nowhere."""
    rows = [*of_its_place(inspected["job"]), *of_itself(inspected["job"], home)]
    said = {words: look(inspected) for words, look, _ in rows}
    assert said == {words: expected for words, _, expected in rows}
    assert CANARY not in json.dumps(inspected, default=str)


def test_the_run_directory(inspected: dict[str, Any]) -> None:
    """It is the job's user's, and nobody else's."""
    folder = Path(inspected["Mounts"][0]["Source"])
    found = folder.stat()
    assert (f"{found.st_uid}:{found.st_gid}", found.st_mode & 0o777) == (USER, 0o700)
