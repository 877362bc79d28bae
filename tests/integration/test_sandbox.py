"""Jobs in a sandbox: all that they should not do fails, and what ordinary nodes do works."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nodetool_jupyter.errors import OptionError, UnsupportedLimit
from nodetool_jupyter.model.graph import Graph
from nodetool_jupyter.model.request import RunJobRequest
from nodetool_jupyter.worker import landlock, sandbox, seccomp
from nodetool_jupyter.worker.folder import RunFolder
from tests.integration.workers import WorkerJob, Workers, open_workers
from tests.programs import confined, ends, limits, processes

pytestmark = pytest.mark.only_on("linux")
BOTH = pytest.mark.parametrize("name", ["default", "untrusted"])
REFUSALS = {
    "Operation not permitted",
    "Permission denied",
    "Function not implemented",
    "refused",
}
READ_ONLY = {"link": "Invalid cross-device link", "rename": "Invalid cross-device link"}
"""What is said where a file can't be moved between two places."""
FIRST, SECOND = "correct-horse", "-battery-staple"


def start(workers: Workers, kind: Any, name: str, /, **given: Any) -> WorkerJob:
    return workers.start(kind, options={"sandbox": name}, **given)


def run(workers: Workers, kind: Any, name: str, /, **given: Any) -> WorkerJob:
    return start(workers, kind, name, **given).wait()


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file of the user's, in a folder of its own."""
    (tmp_path / "private").mkdir()
    path = tmp_path / "private" / "secret"
    path.write_text("precious")
    return path


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """Another process of the user's."""
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


@pytest.fixture
def listeners(tmp_path: Path) -> Iterator[list[str]]:
    """Addresses on this machine at which somebody listens."""
    named, nameless = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
    path, abstract = str(tmp_path / "socket"), f"nodetool-{os.getpid()}"
    with named, nameless:
        named.bind(path)
        nameless.bind(f"\0{abstract}")
        named.listen()
        nameless.listen()
        yield [path, abstract]


def facts_of(path: Path) -> tuple[int, ...]:
    found = path.stat()
    return found.st_mode, found.st_uid, found.st_mtime_ns, found.st_ctime_ns, found.st_size


@BOTH
def test_attacks(workers: Workers, secret: Path, stranger: Any, listeners: list[str], name: str) -> None:
    """Files, processes, the system and sockets: each attempt is refused, and all is as it was."""
    other = workers.run(processes.sees, name="HOME")
    store = workers.home / "store.db"
    store.write_text("rows")
    before = facts_of(secret)
    job = run(
        workers,
        confined.attacks,
        name,
        secret=str(secret),
        job=str(other.folder.path),
        store=str(store),
        pid=stranger.pid,
        addresses=listeners,
    )
    found = {attempt: said for attempt, said in job.result.items() if said != READ_ONLY.get(attempt)}
    assert {attempt: said for attempt, said in found.items() if said not in REFUSALS} == {}
    assert len(job.result) > 70
    assert secret.read_text() == "precious"
    assert facts_of(secret) == before
    assert list(secret.parent.iterdir()) == [secret]
    assert stranger.poll() is None


def test_without_a_sandbox_they_succeed(
    workers: Workers, secret: Path, stranger: Any, listeners: list[str]
) -> None:
    """What is refused there isn't refused by something else."""
    given = {"secret": str(secret), "pid": stranger.pid, "addresses": listeners}
    found = workers.run(confined.attacks_a_little, **given).result
    assert {attempt: said for attempt, said in found.items() if said != "done"} == {}
    assert len(found) > 8


def test_the_network(workers: Workers) -> None:
    """``default`` has TCP and UDP, ``untrusted`` nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        found = run(workers, confined.goes_out, "default", port=port).result
        assert found.pop("mptcp") in REFUSALS
        assert set(found.values()) == {"done"}
        found = run(workers, confined.goes_out, "untrusted", port=port).result
    assert set(found.values()) <= REFUSALS


def test_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel's environment is nowhere in an untrusted job's process, not even in its memory."""
    monkeypatch.setenv("API_TOKEN", FIRST + SECOND)
    with open_workers(tmp_path) as workers:
        given = {"first": FIRST, "second": SECOND}
        found = {
            name: run(workers, confined.finds, name, **given).result
            for name in ("off", "default", "untrusted")
        }
    assert found == {
        "off": ["API_TOKEN", "its memory"],
        "default": ["API_TOKEN", "its memory"],
        "untrusted": [],
    }


@BOTH
def test_ordinary_nodes(workers: Workers, name: str) -> None:
    """Files of its own, children, threads, forks, libraries."""
    job = run(workers, confined.works, name)
    assert job.result == {
        "files": "text",
        "folders": True,
        "child": 0,
        "async child": "hello",
        "fork": 0,
        "numpy": 9.0,
        "pandas": 3,
        "thread": True,
    }
    assert job.logs == ["it works"]
    assert run(workers, confined.draws, name).result["data"].startswith("iVBOR")


@BOTH
def test_it_is_ended_like_any(workers: Workers, tmp_path: Path, name: str) -> None:
    """By cancel, by its limits, and by what it does to itself: by others' signals it lives on."""
    job = start(workers, confined.resists, name)
    workers.run(processes.sees, name="HOME")
    job.cancel()
    assert job.wait().status == "cancelled"
    assert run(workers, ends.reads_nowhere, name).fault.code.value == "worker_crashed"
    job = run(workers, limits.takes_memory, name, size=400_000_000, limits={"memory": "256m"})
    assert job.fault.code.value == "memory_limit"
    job = run(workers, processes.leaves_daemons, name, path="daemons", count=3, holds=True)
    assert job.result == "left"


def test_its_own_limits(workers: Workers) -> None:
    """An untrusted job has some, unless the cell says others."""
    job = run(workers, limits.starts_threads, "untrusted", count=100)
    assert "limit processes of 64" in job.fault.message
    job = run(workers, limits.takes_memory, "untrusted", size=1_200_000_000)
    assert "limit memory of 1 GiB" in job.fault.message
    given = {"processes": 200}
    assert run(workers, limits.starts_threads, "untrusted", count=100, limits=given).status == "completed"


@pytest.mark.parametrize(("name", "words"), [("default", "TCP and UDP alone"), ("untrusted", "no network")])
def test_who_meets_it_is_told(workers: Workers, secret: Path, name: str, words: str) -> None:
    """The node's own error, and what to do."""
    fault = run(workers, confined.opens, name, path=str(secret)).fault
    assert "Permission denied" in fault.message
    assert words in (fault.hint or "")
    assert "leave --sandbox out" in (fault.hint or "")


def test_it_has_no_devices(workers: Workers) -> None:
    """A node that wants a GPU is refused before it starts."""
    strategy = workers.strategy
    request = RunJobRequest(graph=Graph(), execution_strategy="subprocess", options={"sandbox": "default"})
    assert strategy.provides(request, ("0",)).gpus == ()
    assert strategy.provides(request.model_copy(update={"options": {}}), ("0",)).gpus == ("0",)


def test_what_is_not_there_is_refused(workers: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything starts: another word, an older system, another processor."""
    with pytest.raises(OptionError, match="no sandbox 'strict'"):
        start(workers, processes.sees, "strict", name="HOME")
    for place, value, said in (
        ((landlock, "version"), lambda: 0, "this system has none"),
        ((landlock, "version"), lambda: 4, "this system has version 4"),
        ((seccomp, "is_there"), lambda: False, "they need seccomp"),
    ):
        with monkeypatch.context() as patch:
            sandbox.refusal.cache_clear()
            patch.setattr(*place, value)
            with pytest.raises(UnsupportedLimit, match=f"can't keep a sandbox here: .*{said}"):
                start(workers, processes.sees, "default", name="HOME")
            assert said in workers.strategy.fingerprint().sentence
        sandbox.refusal.cache_clear()
    assert "--sandbox holds by Landlock" in workers.strategy.fingerprint().sentence


def test_a_worker_that_cannot_enter_runs_nothing(workers: Workers, tmp_path: Path) -> None:
    """A store among the packages would be open to every job."""
    inside = Path(landlock.__file__).parents[1] / "a-home"
    job = WorkerJob(workers.strategy, inside, processes.writes_name, path="x", options={"sandbox": "default"})
    try:
        job.start().wait()
        assert job.fault.code.value == "spawn_failed"
        assert "the store lies in" in job.fault.message
    finally:
        job.execution.discard()
        for folder in (inside / "jobs", inside):
            folder.rmdir()


def test_the_import_path(tmp_path: Path) -> None:
    """Folders of packages are read; the notebook's own, and what holds the home or the store, never."""
    for name in ("packages", "work", "home/user"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "x-1.dist-info").mkdir()
    (tmp_path / "home/x-1.dist-info").mkdir()
    (tmp_path / "plain").mkdir()
    path = [str(tmp_path / name) for name in ("packages", "work", "home", "home/user", "plain", "gone")]
    private = [tmp_path / "work", tmp_path / "home/user"]
    assert sandbox.import_path([*path, os.__file__], private) == [path[0], os.__file__]


def test_an_environment(tmp_path: Path) -> None:
    """A home and a temp folder of its own; an untrusted job has little else."""
    given = {
        "PATH": "/bin",
        "LC_ALL": "C",
        "TOKEN": "x\ny",
        "HOME": "/root",
        "TMP": "/tmp",
        "XDG_DATA_HOME": "x",
    }
    own = dict.fromkeys(("HOME", "TMPDIR"), str(tmp_path / "tmp"))
    folder = RunFolder(tmp_path)
    assert sandbox.environment_in("untrusted", given, folder) == {"PATH": "/bin", "LC_ALL": "C", **own}
    expected = {"PATH": "/bin", "LC_ALL": "C", "TOKEN": "x\ny", **own}
    assert sandbox.environment_in("default", given, folder) == expected
