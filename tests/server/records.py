"""Jobs that a test puts on record without running them, and graphs to submit."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from nodetool_jupyter.model.events import Event, JobUpdate, LogUpdate, encode_events
from nodetool_jupyter.model.graph import Graph
from nodetool_jupyter.model.job import JobRecord, JobStatus
from nodetool_jupyter.model.request import RunJobRequest
from nodetool_jupyter.store.base import Store, new_job_id

SUM = {
    "nodes": [
        {"id": "a", "type": "nodetool.constant.Integer", "data": {"value": 2}},
        {"id": "o", "type": "nodetool.output.Output", "data": {"name": "total"}},
    ],
    "edges": [{"source": "a", "sourceHandle": "output", "target": "o", "targetHandle": "value"}],
}


def put(store: Store, *, owner: str = "", lines: int = 0, **fields: Any) -> str:
    """A job on record, with ``lines`` of log and, where its status is terminal, its end; gives its id."""
    status = fields.pop("status", JobStatus.COMPLETED)
    record = JobRecord(id=new_job_id(), owner=owner, created_at=time.time(), status=status, **fields)
    live = record.model_copy(update={"status": JobStatus.RUNNING})
    store.add(live, RunJobRequest(graph=Graph.model_validate(SUM), user_id=record.user_id))
    tell(store, record.id, logs(1, lines))
    if status.is_terminal:
        tell(store, record.id, [JobUpdate(status=status.value, seq=lines + 1, timestamp=1.0)])
        store.update(record)
    return record.id


def logs(first: int, count: int) -> list[LogUpdate]:
    return [
        LogUpdate(node_id=f"n{seq % 2}", node_name="n", content=f"line {seq}", seq=seq, timestamp=1.0)
        for seq in range(first, first + count)
    ]


def tell(store: Store, job_id: str, events: Iterable[Event]) -> None:
    """Add messages to the log of a job, as its own process would."""
    named = []
    for event in events:
        event.job_id = job_id  # type: ignore[misc]
        named.append(event)
    if named:
        log = store.open_log(job_id)
        log.append(encode_events(named))
        log.close()
