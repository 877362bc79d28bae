"""A job of a strategy by itself, without a manager: its execution and all that it has told."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

from nodetool_jupyter.engine.context import ProcessingContext, Services
from nodetool_jupyter.model.batch import Batch
from nodetool_jupyter.model.events import Event, JobUpdate, OutputUpdate
from nodetool_jupyter.model.request import RunJobRequest
from nodetool_jupyter.nodes import FAMILIES
from nodetool_jupyter.store import new_job_id
from nodetool_jupyter.strategies.base import JobExecution, Launch, Strategy
from tests.unit.engine.support import Nodes, check_events, graph, plan

DEADLINE = 60.0
HOSTS = frozenset({"a.example:80", "b.example"})


class Job:
    """An execution and all that it has told."""

    def __init__(
        self, strategy: Strategy, home: Path, nodes: Nodes, edges: tuple[str, ...], **request: Any
    ) -> None:
        self.events: list[Event] = []
        self.ended = threading.Event()
        self.telling = 0
        full = RunJobRequest(graph=graph(nodes, *edges), execution_strategy=strategy.name, **request)
        strategy.check(full)
        context = ProcessingContext(job_id=new_job_id(), services=Services(allowed_hosts=HOSTS))
        planned = plan(nodes, *edges, params=full.params)
        directory = home / "jobs" / context.job_id
        launch = Launch(context.job_id, full, context, planned, time.time(), 1, directory, FAMILIES)
        self.execution: JobExecution = strategy.create(launch, self.sink)

    def sink(self, batch: Batch) -> None:
        self.telling += 1
        assert self.telling == 1, "one batch at a time"
        self.events.extend(batch)
        self.telling -= 1
        if any(update.status in ("completed", "failed", "cancelled") for update in batch.job_updates):
            self.ended.set()

    def wait(self) -> Job:
        """Wait for the end, which keeps to what every end promises."""
        assert self.ended.wait(DEADLINE), self.events[-5:]
        check_events(self.events)
        assert {event.job_id for event in self.events} == {self.execution.job_id}
        return self

    @property
    def status(self) -> str:
        assert self.execution.is_completed()
        assert not self.execution.is_running()
        last = self.events[-1]
        assert isinstance(last, JobUpdate)
        assert last.status == self.execution.status.value
        return last.status

    @property
    def outputs(self) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {}
        for event in self.events:
            if isinstance(event, OutputUpdate):
                found.setdefault(event.output_name, []).append(event.value)
        return found
