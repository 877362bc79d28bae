"""Each store, empty, and a way to add jobs to it; each strategy by name, and what sessions need for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nodetool_jupyter.model.job import JobRecord
from nodetool_jupyter.session import Session
from nodetool_jupyter.settings import Settings
from nodetool_jupyter.store import Store, new_job_id, open_store
from tests.contract.stores import REQUEST


@pytest.fixture(params=["sqlite", "memory"])
def store(request: pytest.FixtureRequest, home: Path) -> Iterator[Store]:
    store = open_store(Settings(store=request.param, home=home))
    yield store
    store.close()


@pytest.fixture
def add(store: Store) -> Callable[..., JobRecord]:
    """Adds a job with these fields; by default each is a second younger than the one before."""
    times = iter(range(1, 1000))

    def add(**fields: Any) -> JobRecord:
        defaults = {"id": new_job_id(), "created_at": float(next(times)), "owner": "me"}
        record = JobRecord.model_validate(defaults | fields)
        store.add(record, REQUEST)
        return record

    return add


@pytest.fixture(params=["threaded", "subprocess", pytest.param("docker", marks=pytest.mark.docker)])
def strategy_name(request: pytest.FixtureRequest) -> str:
    """For tests of all strategies that go through a session."""
    name: str = request.param
    return name


@pytest.fixture
def prepare(
    request: pytest.FixtureRequest, strategy_name: str, home: Path, tmp_path: Path
) -> Iterator[Callable[[Session], None]]:
    """Makes a session ready for the strategy: all jobs see the test's folder, and no container is left."""
    if strategy_name != "docker":
        yield lambda _session: None
        return
    from tests.docker import Engine, no_containers, share_with_jobs

    request.getfixturevalue("docker_image")
    engine = Engine()
    with no_containers(engine, home):
        yield lambda session: share_with_jobs(session, tmp_path)
    engine.close()
