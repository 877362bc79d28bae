"""A job once more: what it was asked to run, with the nodes of its notebook, and what it has left."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nodetool_jupyter.engine.keeping import NAME
from nodetool_jupyter.engine.registry import Registry
from nodetool_jupyter.errors import NodeToolError
from nodetool_jupyter.manager.strategies import Strategies
from nodetool_jupyter.model.job import JobRecord, JobStatus
from nodetool_jupyter.model.request import RunJobRequest
from nodetool_jupyter.store.base import Store
from nodetool_jupyter.strategies.base import JobExecution, Strategy
from nodetool_jupyter.values.base import KIND
from nodetool_jupyter.worker.outputs import unpickler

OF_A_NOTEBOOK = ("notebook.", "nodetool_jupyter.authoring.")
RUN_ANEW = "run its cell again"
RECENT = 8


@dataclass(frozen=True, slots=True)
class Resumed:
    """The run directory from whose results a job goes on."""

    directory: Path
    reads_pickles: bool


@dataclass(frozen=True, slots=True)
class Again:
    """What to submit; ``sources`` are node types that the notebook had then, by name."""

    request: RunJobRequest
    sources: Mapping[str, Any] = field(default_factory=dict)

    def registry(self, known: Registry) -> Registry:
        """What this job's types mean: those that it brings go before those that are known now."""
        return known.extended([known.spec_of(source) for source in self.sources.values()])


class Past:
    """What the jobs of a store ran. What a notebook made is in no store: of the last few jobs of this process
    it is remembered; few, as values stay in memory with it.
    """

    def __init__(self, store: Store, strategies: Strategies) -> None:
        self._store = store
        self._strategies = strategies
        self._recent: dict[str, Again] = {}
        self._lock = threading.Lock()

    def remember(self, execution: JobExecution | None) -> None:
        """A job has ended. One that outlives its kernel keeps what it ran by itself."""
        if execution is None or execution.outlives_kernel or (again := ran_by(execution)) is None:
            return
        with self._lock:
            self._recent[execution.job_id] = again
            if len(self._recent) > RECENT:
                del self._recent[next(iter(self._recent))]

    def again(
        self, record: JobRecord, execution: JobExecution | None, *, is_suspended: bool = False
    ) -> Again:
        """What a job ran; ``execution`` where this process has it still. Raises NodeToolError where that is
        known no more.
        """
        known = self._recent.get(record.id) if execution is None else ran_by(execution)
        return known or what_to_run(
            record,
            self._store.request(record.id),
            self._strategies.usable(record.strategy),
            self._store.run_directory(record.id),
            is_suspended=is_suspended,
        )

    def resumable(self, record: JobRecord) -> Resumed:
        """What a job has left to go on from; raises NodeToolError where it has left nothing."""
        return what_to_resume(record, self._store.request(record.id), self._store.run_directory(record.id))


def ran_by(execution: JobExecution) -> Again | None:
    """What a job of this process runs; None for one that was recovered."""
    plan = execution.launch.plan
    if plan is None:
        return None
    sources = {
        spec.type: spec.source
        for spec in plan.specs()
        if spec.type.startswith(OF_A_NOTEBOOK[0]) and spec.source is not None
    }
    return Again(execution.request, sources)


def what_to_run(
    record: JobRecord,
    request: RunJobRequest,
    strategy: Strategy,
    directory: Path,
    *,
    is_suspended: bool = False,
) -> Again:
    """What an earlier job ran that is in this process no more, from what was kept.

    Raises NodeToolError where values were of a kernel's memory alone.
    """
    kept = strategy.reread(directory, record.ticket) if record.ticket is not None else None
    if kept is not None:
        graph, params, sources = kept
        return Again(request.model_copy(update={"graph": graph, "params": params}), sources)
    for node in request.graph.nodes:
        is_gone = node.type.startswith(OF_A_NOTEBOOK) and not is_suspended  # else what it means now counts
        if is_gone or any(map(_is_lossy, _values(node.data))):
            raise NodeToolError(
                f"job {record.id} can't be run again from here: node {node.id} ({node.type}) was made in a "
                "notebook; only its kernel knows it, while it lives and for the last few jobs",
                hint=RUN_ANEW,
            )
    if any(map(_is_lossy, _values(request.params))):
        raise NodeToolError(
            f"job {record.id} can't be run again from here: its params were values in memory; only "
            "its kernel knows them, while it lives and for the last few jobs",
            hint=RUN_ANEW,
        )
    return Again(request)


def _values(value: Any) -> Iterator[Any]:
    """A value and all that is in it."""
    yield value
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for part in parts:
        yield from _values(part)


def _is_lossy(value: Any) -> bool:
    return isinstance(value, dict) and value.get(KIND) == "preview"


def what_to_resume(record: JobRecord, request: RunJobRequest, directory: Path) -> Resumed:
    """Where the results of a job are that did not complete; raises NodeToolError where there are none."""
    if record.status is JobStatus.COMPLETED:
        raise NodeToolError(
            f"job {record.id} has completed: there is nothing to go on with",
            hint="%nodetool retry runs it again",
        )
    if not record.status.is_terminal:
        raise NodeToolError(
            f"job {record.id} is {record.status.value} still", hint="wait for its end, or cancel it"
        )
    if not (directory / NAME).exists():
        raise NodeToolError(
            f"nothing is kept of job {record.id}: no node had completed, or it was over at once",
            hint="%nodetool retry runs it from the start",
        )
    return Resumed(directory, reads_pickles(record, request))


def reads_pickles(record: JobRecord, request: RunJobRequest) -> bool:
    """Whether what a job has kept may be unpickled."""
    return record.strategy == "threaded" or unpickler(record.strategy, request.options) is not None
