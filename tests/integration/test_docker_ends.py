"""However a container ends, or is kept from beginning, its job has one end with the reason; nothing stays."""

from __future__ import annotations

import io
import signal
import socket
import tarfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nodetool_jupyter.errors import DockerError, ErrorCode, JobError, JobFailed, JobTimedOut
from nodetool_jupyter.job import Job
from nodetool_jupyter.model.job import JobStatus
from nodetool_jupyter.session import Session
from nodetool_jupyter.strategies.docker.client import Engine
from nodetool_jupyter.strategies.docker.image import PYTHON_LABEL
from nodetool_jupyter.strategies.docker.spec import FOLDER, JOB_LABEL, STORE_LABEL, ContainerSpec, name_of
from nodetool_jupyter.strategies.docker.strategy import DockerStrategy
from nodetool_jupyter.worker.contained import LAUNCH
from nodetool_jupyter.worker.folder import EXIT, RunFolder
from nodetool_jupyter.worker.wire import short_address
from tests.integration.contained import hangs, kills_supervisor, looks, submit
from tests.integration.gates import Open
from tests.support import wait_until
from tests.unit.engine.support import check_events

pytestmark = pytest.mark.docker
DEADLINE = 60.0


def wait_for_end(job: Job) -> JobError:
    assert job.wait(DEADLINE)
    assert isinstance(job.error, JobFailed | JobTimedOut), (job.status, job.error)
    return job.error


def wait_for_node(job: Job) -> None:
    """Until something of the user's runs."""
    wait_until(lambda: b'"node_update"' in job_log(job), DEADLINE)


def job_log(job: Job) -> bytes:
    path = job._manager.store.run_directory(job.id) / "events.jsonl"
    return path.read_bytes() if path.exists() else b""


class TestCancel:
    """At every moment: one end, no container."""

    @pytest.mark.parametrize("pause", [0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7])
    def test_while_it_begins(self, docker_session: Session, pause: float) -> None:
        """Before the container is made, before it is started, before it has its order, and after that."""
        job = submit(docker_session, hangs)
        threading.Event().wait(pause)
        job.cancel()
        assert job.wait(DEADLINE)
        assert job.status is JobStatus.CANCELLED
        check_events(list(job.events()))

    def test_while_it_waits_for_its_turn(self, open_session: Open, engine: Engine) -> None:
        """No container is ever made for it."""
        session = open_session(max_containers=1)
        first, second = submit(session, hangs), submit(session, hangs)
        wait_for_node(first)
        assert engine.inspect(name_of(second.id)) is None
        second.cancel()
        first.cancel()
        assert [job.wait(DEADLINE) and job.status for job in (first, second)] == [JobStatus.CANCELLED] * 2
        session.close()

    def test_a_supervisor_that_can_t(self, docker_session: Session) -> None:
        """A job that stops what should end it ends with its container."""
        job = submit(docker_session, kills_supervisor, {"number": int(signal.SIGSTOP)})
        wait_until((docker_session.store.run_directory(job.id) / "begun").exists, DEADLINE)
        job.cancel()
        assert job.wait(DEADLINE)
        assert job.status is JobStatus.CANCELLED

    def test_a_paused_container(self, docker_session: Session, engine: Engine) -> None:
        """It can't end itself."""
        job = submit(docker_session, hangs)
        wait_for_node(job)
        engine._connected().pause(name_of(job.id))
        job.cancel()
        assert job.wait(DEADLINE)
        assert job.status is JobStatus.CANCELLED


class TestOthersEndIt:
    """What somebody else does to a container."""

    @pytest.mark.parametrize(
        ("act", "code", "words"),
        [
            (lambda engine, name: engine.remove(name), ErrorCode.CONTAINER_REMOVED, "was removed"),
            (lambda engine, name: engine.kill(name), ErrorCode.CONTAINER_STOPPED, "by SIGKILL"),
            (lambda engine, name: engine._connected().stop(name), ErrorCode.CONTAINER_STOPPED, "was stopped"),
        ],
        ids=["remove", "kill", "stop"],
    )
    def test_by_hand(
        self, docker_session: Session, engine: Engine, act: Callable[..., Any], code: ErrorCode, words: str
    ) -> None:
        """The job has failed, and says what happened."""
        job = submit(docker_session, hangs)
        wait_for_node(job)
        act(engine, name_of(job.id))
        error = wait_for_end(job)
        assert (error.code, words in error.message) == (code, True), error.message
        assert error.hint

    def test_a_job_that_kills_its_supervisor(self, docker_session: Session) -> None:
        """It ends with it, and is no success."""
        error = wait_for_end(submit(docker_session, kills_supervisor, {"number": int(signal.SIGKILL)}))
        assert error.code in (ErrorCode.CONTAINER_STOPPED, ErrorCode.SUPERVISOR_DIED)


class TestTime:
    """The limit holds also where the job's own supervisor doesn't keep it."""

    def test_a_stopped_supervisor(self, docker_session: Session) -> None:
        """The kernel ends the container some seconds later."""
        job = submit(docker_session, kills_supervisor, {"number": int(signal.SIGSTOP)}, timeout=1.0)
        assert wait_for_end(job).code is ErrorCode.TIMED_OUT


def make_image(engine: Engine, name: str, files: dict[str, bytes], *changes: str) -> str:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for path, content in files.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(content), 0o755
            archive.addfile(entry, io.BytesIO(content))
    repository, tag = name.split(":")
    engine._connected().import_image_from_data(
        data.getvalue(), repository=repository, tag=tag, changes=list(changes) or ["WORKDIR /"]
    )
    return name


@pytest.fixture
def image(engine: Engine) -> Iterator[Callable[..., str]]:
    made: list[str] = []

    def make(files: dict[str, bytes], *changes: str) -> str:
        name = f"nodetool-test-odd:{len(made)}"
        made.append(make_image(engine, name, files, *changes))
        return name

    yield make
    for name in made:
        engine.remove_image(name)


class TestImages:
    """One that can't work is refused with what would."""

    def test_without_python(self, docker_session: Session, image: Callable[..., str]) -> None:
        """The engine says it at the start."""
        error = wait_for_end(submit(docker_session, hangs, image=image({"a": b"a"})))
        assert error.code is ErrorCode.IMAGE_INVALID, error.message

    def test_without_this_package(self, docker_session: Session) -> None:
        """The container ends before it asks for its order."""
        error = wait_for_end(submit(docker_session, hangs, image="nodetool-test-base:latest"))
        assert (error.code, "No module named" in error.message) == (ErrorCode.IMAGE_INVALID, True)
        assert "nodetool-jupyter image build" in (error.hint or "")

    def test_of_another_python(self, docker_session: Session, image: Callable[..., str]) -> None:
        """It says so itself, so that nothing is started."""
        odd = image({"a": b"a"}, f"LABEL {PYTHON_LABEL}=3.4")
        with pytest.raises(DockerError, match=r"it has python 3\.4, the kernel 3") as caught:
            submit(docker_session, hangs, image=odd)
        assert caught.value.code is ErrorCode.VERSION_MISMATCH
        assert "nodetool-jupyter image build" in (caught.value.hint or "")

    def test_of_another_version_that_does_not_say_so(
        self, docker_session: Session, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The handshake finds out."""
        monkeypatch.setattr("nodetool_jupyter.worker.wire.PROTOCOL", 99)
        monkeypatch.setattr("nodetool_jupyter.strategies.docker.strategy.misfit", lambda _image: None)
        error = wait_for_end(submit(docker_session, hangs))
        assert error.code is ErrorCode.VERSION_MISMATCH
        assert "the kernel has protocol 99, the worker protocol 1" in error.message


class TestReaper:
    """What a crash has left is removed; what isn't ours, or lives, is not touched."""

    def test_only_what_nobody_looks_after(self, docker_session: Session, engine: Engine) -> None:
        """Not a running job's, not another store's, not a young one; a dry run removes nothing."""
        job = submit(docker_session, hangs)
        wait_for_node(job)
        strategy = docker_session.manager.strategies.usable("docker")
        assert isinstance(strategy, DockerStrategy)
        leave(engine, "left", strategy.store)
        leave(engine, "foreign", "another-store")
        assert strategy.prune() == []
        assert [each.job_id for each in strategy.prune(grace=0, dry_run=True)] == ["left"]
        assert [each.job_id for each in strategy.prune(grace=0)] == ["left"]
        assert engine.inspect(name_of("left")) is None
        assert engine.inspect(name_of("foreign")) is not None
        assert job.is_live
        engine.remove(name_of("foreign"))
        job.cancel()
        assert job.wait(DEADLINE)

    def test_a_job_that_has_ended_needs_it_no_more(
        self, docker_session: Session, engine: Engine, tmp_path: Path
    ) -> None:
        """However young the container is: its kernel was killed between the job's end and its removal."""
        strategy = docker_session.manager.strategies.usable("docker")
        assert isinstance(strategy, DockerStrategy)
        leave(engine, "left", strategy.store, tmp_path)
        assert strategy.prune() == []
        RunFolder(tmp_path).write_record(EXIT, {"code": 0})
        assert [each.job_id for each in strategy.prune()] == ["left"]

    def test_prune_says_what_went(self, docker_session: Session, engine: Engine, tmp_path: Path) -> None:
        """Whichever strategy has left it; a dry run only says."""
        strategy = docker_session.manager.strategies.usable("docker")
        assert isinstance(strategy, DockerStrategy)
        leave(engine, "left", strategy.store, tmp_path)
        RunFolder(tmp_path).write_record(EXIT, {"code": 0})
        said = ["container nodetool-left (created)"]
        assert docker_session.remove_leftovers(dry_run=True) == said
        assert docker_session.remove_leftovers() == said
        assert docker_session.remove_leftovers() == []

    def test_what_ends_while_the_next_kernel_looks(
        self, docker_session: Session, engine: Engine, tmp_path: Path
    ) -> None:
        """It is removed when that kernel ends, at the latest."""
        assert submit(docker_session, looks).result(DEADLINE)
        strategy = docker_session.manager.strategies.usable("docker")
        assert isinstance(strategy, DockerStrategy)
        leave(engine, "left", strategy.store, tmp_path)
        RunFolder(tmp_path).write_record(EXIT, {"code": 0})
        docker_session.close()
        assert engine.inspect(name_of("left")) is None

    def test_a_removal_that_somebody_else_has_begun(self, engine: Engine) -> None:
        """Whoever comes second waits for its end."""
        leave(engine, "left", "a-store")
        removals = [threading.Thread(target=engine.remove, args=(name_of("left"),)) for _ in range(4)]
        for removal in removals:
            removal.start()
        engine.remove(name_of("left"))
        assert engine.inspect(name_of("left")) is None
        for removal in removals:
            removal.join()

    def test_a_container_that_came_before_it_was_removed(
        self, docker_session: Session, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its kernel was killed, and the next one's listened already: the order is for the one that lives."""
        make, store = DockerStrategy._make, docker_session.store

        def make_late(self: DockerStrategy, spec: ContainerSpec, *more: Any) -> str:
            folder = store.run_directory(spec.labels[JOB_LABEL])
            with socket.socket(socket.AF_UNIX) as visitor, short_address(folder / LAUNCH) as name:
                visitor.connect(name)
            return make(self, spec, *more)

        monkeypatch.setattr(DockerStrategy, "_make", make_late)
        assert submit(docker_session, looks).result(DEADLINE)

    def test_a_name_that_is_taken(
        self, docker_session: Session, engine: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A container of a kernel that died before it started it is made anew."""
        leave_before(engine, monkeypatch)
        assert submit(docker_session, looks).result(DEADLINE)

    def test_a_name_that_is_taken_by_what_is_not_there_yet(
        self, docker_session: Session, engine: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The engine goes on with what a killed kernel has asked for; only then can it be removed."""
        strategy = docker_session.manager.strategies.usable("docker")
        assert isinstance(strategy, DockerStrategy)
        assert submit(docker_session, looks).result(DEADLINE)  # the engine is known to see files
        remove = strategy.engine.remove
        asked = []

        def remove_late(name: str) -> None:
            asked.append(name)
            if len(asked) > 2:
                remove(name)

        leave_before(engine, monkeypatch)
        monkeypatch.setattr(strategy.engine, "remove", remove_late)
        assert submit(docker_session, looks).result(DEADLINE)


def leave_before(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each job finds a container of its name that a killed kernel has left."""
    make = DockerStrategy._make

    def make_late(self: DockerStrategy, spec: ContainerSpec, *more: Any) -> str:
        leave(engine, spec.labels[JOB_LABEL], self.store)
        return make(self, spec, *more)

    monkeypatch.setattr(DockerStrategy, "_make", make_late)


def leave(engine: Engine, job_id: str, store: str, folder: Path | None = None) -> None:
    """A container as a killed kernel leaves it."""
    config: dict[str, Any] = {
        "Image": "nodetool-test-base:latest",
        "Labels": {STORE_LABEL: store, JOB_LABEL: job_id},
    }
    if folder is not None:
        config["HostConfig"] = {"Binds": [f"{folder}:{FOLDER}"]}
    engine.create(name_of(job_id), config)


def test_volumes_of_an_image(docker_session: Session, engine: Engine, docker_image: str) -> None:
    """They are made for each of its containers, and go with them."""
    name, recipe = "nodetool-test-odd:volume", f"FROM {docker_image}\nVOLUME /data\n".encode()
    api = engine._connected()
    said = [*api.build(fileobj=io.BytesIO(recipe), tag=name, decode=True, rm=True, forcerm=True)]
    assert "successfully built" in str(said).lower()
    try:
        job = submit(docker_session, hangs, image=name)
        wait_until(lambda: job.status is JobStatus.RUNNING, DEADLINE)
        mounts = engine.inspect_raw(name_of(job.id))["Mounts"]
        (volume,) = (each["Name"] for each in mounts if each["Type"] == "volume")
        assert api.inspect_volume(volume)
        job.cancel()
        assert job.wait(DEADLINE)
        wait_until(lambda: engine.inspect(name_of(job.id)) is None, DEADLINE)
        assert volume not in {each["Name"] for each in api.volumes()["Volumes"] or ()}
    finally:
        engine.remove_image(name)
