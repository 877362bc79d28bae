"""A job once more: what it was asked to run, with the nodes of its notebook, and what it has left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nodetool_jupyter.engine.keeping import NAME
from nodetool_jupyter.engine.registry import Registry
from nodetool_jupyter.errors import NodeToolError
from nodetool_jupyter.model.job import JobRecord, JobStatus
from nodetool_jupyter.model.request import RunJobRequest
from nodetool_jupyter.strategies.base import JobExecution, Strategy
from nodetool_jupyter.values.base import KIND
from nodetool_jupyter.worker.outputs import unpickler

OF_A_NOTEBOOK = ("notebook.", "nodetool_jupyter.authoring.")
RUN_ANEW = "run its cell again"


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


def what_to_run(
    record: JobRecord,
    request: RunJobRequest,
    execution: JobExecution | None,
    strategy: Strategy,
    directory: Path,
    *,
    is_suspended: bool = False,
) -> Again:
    """What an earlier job ran: ``execution`` where this process still has it, else what was kept.

    Raises NodeToolError where values were of this kernel's memory alone.
    """
    if execution is not None and execution.launch.plan is not None:
        plan = execution.launch.plan
        sources: Mapping[str, Any] = {
            spec.type: spec.source
            for spec in plan.specs()
            if spec.type.startswith(OF_A_NOTEBOOK[0]) and spec.source is not None
        }
        return Again(execution.request, sources)
    kept = strategy.reread(directory, record.ticket) if record.ticket is not None else None
    if kept is not None:
        graph, params, sources = kept
        return Again(request.model_copy(update={"graph": graph, "params": params}), sources)
    for node in request.graph.nodes:
        is_gone = node.type.startswith(OF_A_NOTEBOOK) and not is_suspended  # else what it means now counts
        if is_gone or any(map(_is_lossy, _values(node.data))):
            raise NodeToolError(
                f"job {record.id} can't be run again from here: node {node.id} ({node.type}) was made in a "
                "notebook whose kernel has ended",
                hint=RUN_ANEW,
            )
    if any(map(_is_lossy, _values(request.params))):
        raise NodeToolError(
            f"job {record.id} can't be run again from here: its params were values of a kernel that is gone",
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
