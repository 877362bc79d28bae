"""Fixtures of all tests: each has folders of its own and must leave nothing of ours behind."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from tests.support import Leftovers, wait_until

# How long one example takes says nothing on a machine that does other things too.
hypothesis.settings.register_profile("ours", deadline=None)
hypothesis.settings.load_profile("ours")


@pytest.fixture(scope="session", autouse=True)
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A temporary folder of this run alone, so that what another one leaves is not found here."""
    folder = tmp_path_factory.mktemp("t", numbered=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(folder))
        patch.setattr(tempfile, "tempdir", None)
        yield folder


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """NODETOOL_HOME of one test; it is made by whoever writes to it first."""
    folder = tmp_path / "home"
    monkeypatch.setenv("NODETOOL_HOME", str(folder))
    return folder


@pytest.fixture(autouse=True)
def no_leftovers(temporary: Path) -> Iterator[None]:
    """No thread, child process or temporary file of ours outlives its test; threads get a moment to end."""
    leftovers = Leftovers()
    yield
    if (session := sys.modules.get("nodetool_jupyter.session")) is not None:
        session.close_session()
    wait_until(lambda: not leftovers.new(), deadline=10, state=leftovers.new)


@pytest.fixture(scope="module")
def one_zygote(temporary: Path) -> Iterator[None]:
    """For modules whose tests have many sessions: to start a zygote takes longer than most of their jobs."""
    from nodetool_jupyter.worker.nursery import Nursery

    class Lasting(Nursery):
        """Is there before the first test, and outlives all strategies that use it."""

        def _is_outdated(self) -> bool:
            return False

        def close(self) -> None:
            pass

    nursery = Lasting()
    nursery._replace()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nodetool_jupyter.strategies.subprocess.Nursery", lambda **_options: nursery)
        yield
    Nursery.close(nursery)


@pytest.fixture(scope="session")
def docker_image(temporary: Path, pytestconfig: pytest.Config) -> Iterator[str]:
    """The image of this checkout, on an engine that works; a test that asks for it is marked ``docker``. It
    is gone afterwards, if this run has built it.
    """
    from tests.docker import ENDING, image_of

    yield image_of(pytestconfig)
    pytestconfig.stash[ENDING].close()


@pytest.fixture
def docker_strategy(docker_image: str, home: Path, tmp_path: Path) -> Iterator[object]:
    """The strategy, for the contract of all; its jobs see the test's folder."""
    from nodetool_jupyter.settings import Settings
    from tests.docker import open_strategy

    with open_strategy(Settings(home=home, cancel_grace=0.5, thread_pool_size=2), tmp_path) as strategy:
        yield strategy
