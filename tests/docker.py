"""What tests that need a Docker Engine share: the engine, the image, and what they may leave behind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nodetool_jupyter.errors import DockerError
from nodetool_jupyter.session import Session
from nodetool_jupyter.settings import Settings
from nodetool_jupyter.strategies.base import Strategy
from nodetool_jupyter.strategies.docker.client import Engine
from nodetool_jupyter.strategies.docker.image import build_image
from nodetool_jupyter.strategies.docker.spec import STORE_LABEL, store_of
from nodetool_jupyter.strategies.docker.strategy import DockerStrategy

BASE = "nodetool-test-base:latest"
"""Made by .ci/docker of the machine's own Python; without it the usual base is pulled."""


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


def share(folder: Path) -> Path:
    """Let a container's user write to a folder of a test's."""
    folder.chmod(0o777)
    return folder


@contextmanager
def no_containers(engine: Engine, home: Path) -> Iterator[None]:
    """No container of a store outlives this. Other runs may have theirs at the same time."""
    label = f"{STORE_LABEL}={store_of(home)}"
    yield
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
