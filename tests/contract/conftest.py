"""Each store, empty, and a way to add jobs to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nodetool_jupyter.model.job import JobRecord
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
