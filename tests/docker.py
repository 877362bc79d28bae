"""What tests that need a Docker Engine share: the engine, the image, and what they may leave behind."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

import platformdirs
import pytest

from nodetool_jupyter.errors import DockerError
from nodetool_jupyter.session import Session
from nodetool_jupyter.settings import Settings
from nodetool_jupyter.strategies.base import Strategy
from nodetool_jupyter.strategies.docker.client import Engine
from nodetool_jupyter.strategies.docker.image import build_image, list_images
from nodetool_jupyter.strategies.docker.spec import STORE_LABEL, store_of
from nodetool_jupyter.strategies.docker.strategy import DockerStrategy
from tests.support import wait_until

BASE = "nodetool-test-base:latest"
"""Made by .ci/docker of the machine's own Python; without it the usual base is pulled."""
BUILT = platformdirs.user_cache_path("nodetool-jupyter-tests", ensure_exists=True) / "images"
"""Locked by each run that uses the image; holds the ids of those that runs have built."""
IMAGE = pytest.StashKey[str]()
ENDING = pytest.StashKey[ExitStack]()


def find_engine() -> Engine:
    """The engine, or a skip with the reason: which CI takes for a failure."""
    engine = Engine()
    try:
        fingerprint = DockerStrategy(Settings()).fingerprint()
        if not fingerprint.available:
            pytest.skip(fingerprint.sentence)
    except DockerError as error:
        pytest.skip(str(error))
    return engine


def make_image(engine: Engine) -> str:
    """The image with this checkout's worker."""
    base = os.environ.get("NODETOOL_TEST_BASE", BASE)
    return build_image(engine, base=base if engine.image(base) is not None else None)


def image_of(config: pytest.Config) -> str:
    """The image with this checkout's worker, made at its first use in a run; without an engine a skip."""
    if IMAGE not in config.stash:
        with ExitStack() as stack:
            config.stash[IMAGE] = stack.enter_context(built_image())
            config.stash[ENDING] = stack.pop_all()
        config.add_cleanup(config.stash[ENDING].close)
    return config.stash[IMAGE]


@contextmanager
def built_image() -> Iterator[str]:
    """The image; one that tests have built is gone after the last run that uses it, with its layers."""
    engine = find_engine()
    volumes = unused_volumes(engine)
    with BUILT.open("a+", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        before = {image.id for image in list_images(engine)}
        name = make_image(engine)
        image = engine.image(name)
        assert image is not None
        if image.id not in before:
            file.write(f"{image.id}\n")
            file.flush()
        yield name
        with suppress(BlockingIOError):  # another run still uses it, and sees to it
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            remove_built(engine, file)
    wait_until(lambda: unused_volumes(engine) <= volumes, 10, state=lambda: unused_volumes(engine) - volumes)
    engine.close()


def unused_volumes(engine: Engine) -> set[str]:
    """Those that no container has; a job's anonymous ones go with it."""
    found = engine._connected().volumes(filters={"dangling": True})["Volumes"]
    return {volume["Name"] for volume in found or ()}


def remove_built(engine: Engine, file: IO[str]) -> None:
    """Remove the images that are written in a file; no container of ours may have one still."""
    file.seek(0)
    built = set(file.read().split())
    for image in list_images(engine):
        if image.id in built:
            for name in image.tags or (image.id,):
                engine.remove_image(name)
    file.truncate(0)
    assert [each for each in built if engine.image(each) is not None] == []


def share(folder: Path) -> Path:
    """Let a container's user write to a folder of a test's."""
    folder.chmod(0o777)
    return folder


@contextmanager
def open_engine(home: Path) -> Iterator[Engine]:
    """A Docker Engine; no container of this home's store outlives it."""
    engine = Engine()
    with no_containers(engine, home):
        yield engine
    engine.close()


@contextmanager
def no_containers(engine: Engine, home: Path) -> Iterator[None]:
    """No container of a store outlives this. Other runs may have theirs at the same time."""
    label = f"{STORE_LABEL}={store_of(home)}"
    yield
    with suppress(AssertionError):  # what the engine is still removing
        wait_until(lambda: not engine.containers(label), 10)
    left = {container.name: container.status for container in engine.containers(label)}
    for name in left:
        engine.remove(name)
    assert left == {}


def share_with_jobs(session: Session, folder: Path) -> None:
    """Have a session's jobs in containers see a folder of the test's."""
    make = session.manager.strategies.make

    def with_folder(name: str) -> Strategy:
        if name != "docker":
            return make(name)
        return DockerStrategy(session.settings, shared=(share(folder),))

    session.manager.strategies.make = with_folder


@contextmanager
def open_strategy(settings: Settings, folder: Path) -> Iterator[DockerStrategy]:
    """A strategy whose jobs see a folder of the test's, and which leaves no container behind."""
    strategy = DockerStrategy(settings, shared=(share(folder),))
    with no_containers(Engine(), settings.home):
        yield strategy
        strategy.close(5)
