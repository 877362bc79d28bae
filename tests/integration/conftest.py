"""Sessions over a home of the test's own, with nodes that wait at gates."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nodetool_jupyter.session import Session
from nodetool_jupyter.settings import Settings
from tests.integration.gates import Gates, Open
from tests.integration.workers import Workers, open_workers
from tests.programs.processes import sees
from tests.unit.engine.support import spec_of
from tests.unit.magics.shells import NODES, Shell, open_shell


@pytest.fixture
def gates() -> Iterator[Gates]:
    gates = Gates()
    yield gates
    for gate in gates.open.values():
        gate.set()


@pytest.fixture
def shell() -> Iterator[Shell]:
    """An IPython shell in this process that knows the nodes shout and fail."""
    with open_shell() as shell:
        assert shell.run(NODES).error is None
        yield shell


@pytest.fixture
def open_session(home: Path, gates: Gates) -> Iterator[Open]:
    """Opens sessions over the same home, which are closed after the test."""
    sessions: list[Session] = []

    def open_session(store: Any = None, **settings: Any) -> Session:
        defaults = {"home": home, "max_workflow_threads": 2, "cancel_grace": 0.5, "thread_pool_size": 4}
        session = Session(Settings(**{**defaults, **settings}), store)
        for kind in gates.kinds.values():
            session.registry.add(spec_of(kind))
        sessions.append(session)
        return session

    yield open_session
    for session in sessions:
        session.close()


@pytest.fixture
def session(open_session: Open) -> Session:
    return open_session()


@pytest.fixture
def engine(docker_image: str, home: Path) -> Iterator[Any]:
    """A Docker Engine with the image; no container of ours outlives the test."""
    from tests.docker import open_engine

    with open_engine(home) as engine:
        yield engine


@pytest.fixture
def docker_session(engine: Any, open_session: Open) -> Iterator[Session]:
    """A session for jobs in containers, closed before containers are looked for."""
    session = open_session(max_containers=2)
    yield session
    session.close()


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    """Processes for jobs, warm from the first test of a module on."""
    with open_workers(tmp_path_factory.mktemp("home")) as workers:
        workers.run(sees, name="HOME")
        yield workers
