"""What a strategy is: a way to run one planned job somewhere and tell its events.

A strategy knows no store, no manager and no other strategy. It tells events to the sink it was given, in
order, the last one terminal: whatever happens to its worker, every started job gets exactly one terminal
event.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.plan import Plan
from nodetool_jupyter.engine.runner import WorkflowRunner
from nodetool_jupyter.engine.telling import EventSink
from nodetool_jupyter.errors import (
    ErrorCode,
    InvalidGraph,
    JobCancelled,
    JobError,
    JobFailed,
    JobTimedOut,
    NodeError,
    OptionError,
    Problem,
    UnsupportedLimit,
)
from nodetool_jupyter.model.batch import Batch
from nodetool_jupyter.model.events import Fault, JobUpdate
from nodetool_jupyter.model.graph import Graph
from nodetool_jupyter.model.job import LIVE, JobStatus
from nodetool_jupyter.model.request import RunJobRequest
from nodetool_jupyter.model.resources import Provision, lack, of_this_machine
from nodetool_jupyter.settings import Settings

ISOLATING = "or choose a strategy that isolates: subprocess or docker"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a strategy can do, as data. ``limits`` and ``options`` are the names it enforces; all others it
    refuses.
    """

    limits: frozenset[str] = frozenset()
    options: frozenset[str] = frozenset()
    survives_kernel: bool = False
    """Whether its jobs go on when their kernel ends, and are found again by ``recover``."""
    ends_its_nodes: bool = False
    """Whether every node can be ended, so that a cancelled job is cancelled whatever its nodes do."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Whether a strategy can be used here and now, and a sentence that says why not and what to do."""

    available: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class Launch:
    """Everything that one job needs to run. ``first_seq`` numbers its first event; ``directory`` is its run
    directory, not made yet; a job that is recovered has no ``plan``.
    """

    job_id: str
    request: RunJobRequest
    context: ProcessingContext
    plan: Plan | None
    created_at: float
    first_seq: int = 1
    directory: Path = Path()
    families: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The modules of the node library by prefix, for a worker to import from."""
    resumed: Path | None = None
    """The run directory of a job from whose results it goes on."""
    reads_pickles: bool = False
    """Whether values that are kept there may be unpickled."""
    attempt: int = 1
    """Above 1 for a job that goes on after it was suspended: ``resumed`` is its own directory then."""
    resume_value: Any = None


@dataclass(slots=True, eq=False)
class JobExecution(ABC):
    """One job as its strategy runs it; made before it starts, kept until nobody holds it. ``error`` is the
    reason where it did not complete.
    """

    launch: Launch
    sink: EventSink
    status: JobStatus = JobStatus.QUEUED
    error: JobError | None = None
    ticket: str | None = None
    """What finds the job again in another process; None for one that can't outlive its kernel."""
    runner: WorkflowRunner | None = None
    _telling: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def create_and_start(cls, launch: Launch, sink: EventSink, **parts: Any) -> JobExecution:
        """Make an execution and start it; ``parts`` are what this strategy needs beside the launch."""
        execution = cls(launch=launch, sink=sink, **parts)
        execution.start()
        return execution

    @property
    def job_id(self) -> str:
        """The job's id."""
        return self.launch.job_id

    @property
    def request(self) -> RunJobRequest:
        """What was asked for."""
        return self.launch.request

    @property
    def context(self) -> ProcessingContext:
        """The job's surroundings."""
        return self.launch.context

    @property
    def created_at(self) -> float:
        """Seconds since the epoch, UTC."""
        return self.launch.created_at

    def is_running(self) -> bool:
        """Whether the job is queued, starting or running."""
        return self.status in LIVE

    def is_completed(self) -> bool:
        """Whether the job has ended, in whichever way."""
        return self.status.is_terminal

    @property
    def result(self) -> dict[str, list[Any]] | None:
        """``{output name: [values in order]}`` once it has completed."""
        return self._outputs() if self.status is JobStatus.COMPLETED else None

    def _outputs(self) -> dict[str, list[Any]]:
        return {} if self.runner is None else self.runner.outputs

    @property
    def outlives_kernel(self) -> bool:
        """Whether it goes on, or waits to be started, when this process ends."""
        return self.ticket is not None

    @property
    def is_started(self) -> bool:
        """Of a job that was recovered: whether it had been started."""
        return True

    def discard(self) -> None:  # noqa: B027 - most make nothing before they start
        """Take back what ``create`` has made, for a job that will not be started after all."""

    @abstractmethod
    def start(self) -> None:
        """Begin to run. Called once, by the manager when it has a slot."""

    @abstractmethod
    def cancel(self) -> None:
        """Begin to end the job; returns at once. May be called from any thread, any number of times, after
        the end too.
        """

    def kill(self) -> None:
        """Like ``cancel``, without what is left of the grace; threads, which can't be killed, keep theirs."""
        self.cancel()

    @abstractmethod
    def fail(self, fault: Fault) -> None:
        """End the job like ``cancel``, but as failed, for this reason."""

    def push_input(self, name: str, value: Any, timeout: float | None) -> None:  # noqa: ARG002 - the base names it
        """Hand a checked value to a streaming input of the plan, in any thread, also before the start. Waits
        while too many wait already, then raises TimeoutError. What comes after the job's end is dropped.
        Raises InputEnded after the input's end, ValueCrossingError.
        """
        raise self._feeds_nothing()

    def end_input(self, name: str) -> None:  # noqa: ARG002
        """No more will come for a streaming input. Raises InputEnded after its end."""
        raise self._feeds_nothing()

    def _feeds_nothing(self) -> OptionError:
        strategy = self.request.strategy
        return OptionError(f"the {strategy} strategy has no streaming inputs", hint="use --strategy threaded")

    def adopt(self) -> None:
        """Follow a job that runs already; called once, in place of ``start``, for one that was recovered."""
        raise NotImplementedError(f"jobs of {type(self).__name__} don't outlive their kernel")

    def tell(self, events: Batch) -> None:
        """Pass batches on, until the terminal one has been told; what comes later, from a stray thread, is
        dropped.
        """
        with self._telling:
            if self.status.is_at_rest:
                return
            sink = self.sink
            for update in events.job_updates:
                self._fold(update)
            sink(events)

    def _fold(self, update: JobUpdate) -> None:
        self.status = JobStatus(update.status)
        if self.status.is_at_rest:
            self.sink = _drop  # it knows who holds this: without the cycle both are freed at once
            if self.status not in (JobStatus.COMPLETED, JobStatus.SUSPENDED):
                self.error = error_of(self.job_id, self.status, update.fault)


def _drop(_events: Batch) -> None:
    """Where messages go after the end of a job."""


def error_of(job_id: str, status: JobStatus, fault: Fault | None) -> JobError:
    """The exception for a job that ended without completing."""
    if status is JobStatus.CANCELLED:
        return JobCancelled(f"job {job_id} was cancelled", job_id=job_id)
    if fault is None:
        return JobFailed(
            f"job {job_id} failed without a reason", job_id=job_id, hint=f"%nodetool logs {job_id}"
        )
    if fault.node_id:
        return NodeError(
            fault.message,
            node_id=fault.node_id,
            node_type=fault.node_type or "",
            handle=fault.handle,
            hint=fault.hint,
            job_id=job_id,
            code=fault.code,
            details=fault.traceback,
        )
    kind = JobTimedOut if fault.code is ErrorCode.TIMED_OUT else JobFailed
    return kind(fault.message, hint=fault.hint, job_id=job_id, code=fault.code, details=fault.traceback)


class Strategy(ABC):
    """A place where jobs run. One instance a manager."""

    name: ClassVar[str]
    capabilities: ClassVar[Capabilities]

    @classmethod
    @abstractmethod
    def from_settings(cls, settings: Settings) -> Strategy:
        """The strategy as the settings want it."""

    @abstractmethod
    def fingerprint(self) -> Fingerprint:
        """Whether it can be used here and now. Asked before each submission: cheap, or cached for seconds."""

    def check(self, request: RunJobRequest) -> None:
        """Refuse what this strategy can't enforce: UnsupportedLimit for limits, OptionError for options."""
        wanted = set(request.resource_limits.named()) - self.capabilities.limits
        if wanted:
            name = min(wanted)
            raise UnsupportedLimit(
                f"the {self.name} strategy can't limit {name}",
                hint=f"leave --{name.replace('_', '-')} out, {ISOLATING}",
            )
        unknown = set(request.options) - self.capabilities.options
        if unknown:
            name = min(unknown)
            there = ", ".join(sorted(self.capabilities.options))
            raise OptionError(
                f"the {self.name} strategy has no option {name!r}",
                hint=f"it has {there}" if there else f"leave --{name.replace('_', '-')} out, {ISOLATING}",
            )

    def provides(self, request: RunJobRequest, gpus: tuple[str, ...]) -> Provision:
        """What the nodes of a job get: here, what this machine has, within the limits of the job."""
        there = of_this_machine(gpus)
        memory = request.resource_limits.memory
        return there if memory is None else replace(there, memory=min(memory, there.memory or memory))

    def check_plan(self, plan: Plan, request: RunJobRequest, gpus: tuple[str, ...]) -> None:
        """Refuse nodes whose resource hints it can't meet: InvalidGraph. ``gpus`` are this machine's."""
        if not plan.demanding:
            return
        there = self.provides(request, gpus)
        problems = [
            Problem(f"it {missing} for a job of the {self.name} strategy", node_id)
            for node_id, needed in plan.demanding
            if (missing := lack(needed, there)) is not None
        ]
        if problems:
            raise InvalidGraph(problems)

    @abstractmethod
    def create(self, launch: Launch, sink: EventSink) -> JobExecution:
        """Make a job's execution without starting it."""

    def reread(
        self,
        directory: Path,  # noqa: ARG002 - see below
        ticket: str,  # noqa: ARG002
    ) -> tuple[Graph, dict[str, Any], Mapping[str, Any]] | None:
        """Graph, params and node types of a job that ran before, by what is in its run directory; None where
        that has nothing more than the store.
        """
        return None

    def recover(self, launch: Launch, sink: EventSink, ticket: str | None) -> JobExecution | None:  # noqa: ARG002
        """The execution of a job that another process has made, by the ticket that it gave; None where jobs
        don't outlive their kernel. Then ``adopt`` is called if it was started, ``start`` if it was not.
        """
        return None

    def remove_leftovers(self, *, dry_run: bool = False) -> list[str]:  # noqa: ARG002 - most leave nothing
        """Remove what jobs of kernels that were killed have left outside of the store; gives a phrase for
        each, with ``dry_run`` for each that would go. Nothing of a job that lives is touched.
        """
        return []

    @abstractmethod
    def close(self, grace: float) -> None:
        """End what still runs within ``grace`` seconds. Called once, last; jobs that outlive a kernel are
        left alone.
        """
