"""What every store promises of rows: their order, and that what is large outlives each change."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nodetool_jupyter.model.graph import Graph, Node
from nodetool_jupyter.model.job import JobRecord, JobStatus
from nodetool_jupyter.model.request import RunJobRequest
from nodetool_jupyter.settings import Settings
from nodetool_jupyter.store import Store, new_job_id, open_store

REQUEST = RunJobRequest(graph=Graph(nodes=(Node(id="a", type="test.A"),)))


@pytest.fixture(params=["sqlite", "memory"])
def store(request: pytest.FixtureRequest, home: Path) -> Iterator[Store]:
    store = open_store(Settings(store=request.param, home=home))
    yield store
    store.close()


def test_a_page_is_in_the_order_of_adding(store: Store) -> None:
    """A clock that was put back, and ids that don't sort as they were made, change no history."""
    for number in range(9, 4, -1):
        store.add(JobRecord(id=f"job{number}", name="n", created_at=float(number)), REQUEST)
    assert [record.id for record in store.page()] == ["job5", "job6", "job7", "job8", "job9"]
    assert [record.id for record in store.page(before="job6")] == ["job7", "job8", "job9"]
    assert store.find("last").id == store.find("n").id == "job5"


@pytest.mark.parametrize("size", [100, 5_000, 500_000])
def test_a_request_of_any_size_is_kept_while_its_job_changes(store: Store, size: int) -> None:
    """Small ones lie beside what changes, large ones apart from it."""
    params = {"text": "".join(chr(97 + at * at % 23) for at in range(size))}
    request = REQUEST.model_copy(update={"params": {"other": 1, **params}})
    record = JobRecord(id=new_job_id(), created_at=1, params=params)
    store.add(record, request)
    running = record.model_copy(update={"status": JobStatus.RUNNING})
    store.update(running)
    assert store.get(record.id) == running
    assert store.request(record.id) == request
