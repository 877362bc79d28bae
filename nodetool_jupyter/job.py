"""Job: the handle users hold on one job, whichever process runs it.

It reads the record and the log; where the job belongs to this process it also has the values themselves.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Generator, Iterator, Mapping
from contextlib import suppress
from time import monotonic
from typing import Any
from warnings import warn

from nodetool_jupyter.engine.annotations import describe
from nodetool_jupyter.errors import JobError, JobSuspended, OptionError
from nodetool_jupyter.manager import JobExecutionManager, JobInputs, ManagedJob
from nodetool_jupyter.model.events import Event, JobUpdate, LogUpdate, decode_event
from nodetool_jupyter.model.graph import Graph
from nodetool_jupyter.model.job import JobRecord, JobStatus
from nodetool_jupyter.model.request import RunJobRequest
from nodetool_jupyter.store.assets import RunFiles
from nodetool_jupyter.store.base import StoreWarning
from nodetool_jupyter.strategies.base import error_of
from nodetool_jupyter.worker.event_log import EventLog
from nodetool_jupyter.worker.folder import RunFolder
from nodetool_jupyter.worker.outputs import read_outputs, read_shapes, read_written, unpickler

POLL = 0.2
"""Seconds between two looks at a job of another process."""
ASYNC_POLL = 0.02
"""Seconds between two looks of a loop that iterates over messages."""


class Result(Mapping[str, Any]):
    """The values of several outputs: a mapping by output name, and attributes."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __getattr__(self, name: str) -> Any:
        values = self.__dict__.get("_values", {})
        if name in values:
            return values[name]
        raise AttributeError(f"no output {name!r}; there are {', '.join(values) or 'none'}")

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *(name for name in self._values if name.isidentifier())]

    def __repr__(self) -> str:
        return f"Result({', '.join(f'{name}={value!r}' for name, value in self._values.items())})"


class Job:
    """A job that was submitted here or found in the store.

    ``await job`` and ``job.result()`` give its result; ``for event in job.events()`` and ``async for event in
    job`` replay its messages from the start and go on until it ends.
    """

    def __init__(self, manager: JobExecutionManager, record: JobRecord, managed: ManagedJob | None) -> None:
        self._manager = manager
        self._record = record
        self._managed = managed
        self._log: EventLog | None = None
        self._inputs: JobInputs | None = None

    @property
    def id(self) -> str:
        """The job's id."""
        return self._record.id

    @property
    def name(self) -> str:
        """The name it was given; may be empty."""
        return self._record.name

    @property
    def strategy(self) -> str:
        """Where it runs."""
        return self._record.strategy

    @property
    def record(self) -> JobRecord:
        """Its record as it is now."""
        if self._managed is not None and self._managed.record.status is JobStatus.SUSPENDED:
            self._look_for_next_attempt()
        if self._managed is not None:
            self._record = self._managed.record
        elif not self._record.status.is_terminal:
            self._record = self._manager.store.get(self.id)
            if not (
                self._record.status.is_terminal or self._manager.store.owner_is_alive(self._record.owner)
            ):
                self._manager.recover_jobs()
                self._record = self._manager.store.get(self.id)
        return self._record

    def _look_for_next_attempt(self) -> None:
        """Whoever holds a suspended job sees it go on, or be given up, from wherever that was asked for."""
        self._record = self._manager.store.get(self.id)
        if self._record.status is not JobStatus.SUSPENDED:
            managed = self._manager.get_job(self.id)
            is_ours = managed is not None and managed.record.attempt >= self._record.attempt
            self._managed = managed if is_ours else None
            self._log = self._inputs = None

    @property
    def status(self) -> JobStatus:
        """Its status as it is now."""
        return self.record.status

    @property
    def is_live(self) -> bool:
        """Whether it has not ended."""
        return not self.status.is_terminal

    @property
    def request(self) -> RunJobRequest:
        """What was asked for."""
        execution = self._managed.execution if self._managed else None
        return execution.request if execution else self._manager.store.request(self.id)

    @property
    def graph(self) -> Graph:
        """The graph that it runs."""
        return self.request.graph

    @property
    def log(self) -> EventLog:
        """Its log, for reading."""
        if self._log is None:
            self._log = self._manager.store.read_log(self.id)
        return self._log

    @property
    def error(self) -> JobError | None:
        """Why it did not complete; None while it runs and after it completed."""
        record = self.record
        if record.status is JobStatus.SUSPENDED:
            return self._suspension()
        if not record.status.is_terminal or record.status is JobStatus.COMPLETED:
            return None
        return error_of(self.id, record.status, record.fault)

    def _suspension(self) -> JobSuspended:
        updates = [event for event in self._read_all() if isinstance(event, JobUpdate)]
        reason = updates[-1].message if updates else None
        hint = f"%nodetool resume {self.id} --value …, or job.resume(value), lets it go on"
        return JobSuspended(
            f"job {self.id} is suspended: {reason or 'no reason given'}", hint=hint, job_id=self.id
        )

    def resume(self, value: Any = None) -> None:
        """Let a suspended job go on, in this kernel: what has completed stays, the node that had suspended it
        runs again, with its state and ``value`` in ``context.resumption``. Raises OptionError for a job that
        isn't suspended, NodeToolError where what it ran is known no more.
        """
        self._managed = self._manager.resume(self.id, value)
        self._log = self._inputs = None

    def cancel(self, *, now: bool = False) -> bool:
        """Begin to cancel; False where it had ended already. ``now`` kills a process of this kernel's job,
        which has no more time to clean up; threads can't be killed.
        """
        return self._manager.cancel_job(self.id, now=now)

    def push_input(self, name: str, value: Any, timeout: float | None = 30.0) -> None:
        """Give one more value to the streaming input of that name; from any thread, also before the job runs.

        Waits while its nodes have too many before them already: TimeoutError after ``timeout`` seconds, None
        for as long as it takes. Raises OptionError for a value that the input doesn't take, for an input that
        isn't there, is no stream or has been ended, and for a job that has ended; ValueCrossingError for a
        value that can't go to the job's process, JobUnreachable for a job of another kernel.
        """
        self._job_inputs().push(name, value, _seconds(timeout))

    async def push_input_async(
        self,
        name: str,
        value: Any,
        timeout: float | None = 30.0,  # noqa: ASYNC109 - as push_input has it
    ) -> None:
        """``push_input`` for a coroutine: while it waits, its loop goes on."""
        timeout = _seconds(timeout)
        deadline = None if timeout is None else monotonic() + timeout
        while True:
            try:
                await asyncio.to_thread(self.push_input, name, value, 0)
                return
            except TimeoutError:
                if deadline is not None and monotonic() >= deadline:
                    raise
            await asyncio.sleep(ASYNC_POLL)

    def end_input(self, name: str) -> None:
        """No more comes for the streaming input of that name: its nodes go on to their end. Raises what
        ``push_input`` raises.
        """
        self._job_inputs().end(name)

    def _job_inputs(self) -> JobInputs:
        if self._inputs is None:
            self._inputs = self._manager.inputs(self.id)
        return self._inputs

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for its end, or until it is suspended; False after ``timeout`` seconds."""
        timeout = _seconds(timeout)
        if self._managed is not None:
            return self._managed.wait(timeout)
        deadline = None if timeout is None else monotonic() + timeout
        while not self.status.is_at_rest:
            if deadline is not None and monotonic() >= deadline:
                return False
            threading.Event().wait(POLL)
        return True

    def result(self, timeout: float | None = None) -> Any:
        """Wait, and give the result: one output → its value, several → a Result, none → None.

        A stream that was not collected is the list of its items; an output that got nothing is None. Raises
        NodeError, JobTimedOut, JobCancelled or JobFailed for a job that did not complete, TimeoutError after
        ``timeout`` seconds.
        """
        if not self.wait(timeout):
            raise TimeoutError(f"job {self.id} has not ended within {timeout:g} s")
        if self._managed is not None and self._managed.unrecorded is not None:
            warn(
                f"the store does not know how job {self.id} ended: {self._managed.unrecorded}",
                StoreWarning,
                stacklevel=2,
            )
        error = self.error
        if error is not None:
            raise error
        shapes = self._shapes()
        values = {name: _shaped(items, shapes.get(name, False)) for name, items in self.outputs.items()}
        if not values:
            return None
        return next(iter(values.values())) if len(values) == 1 else Result(values)

    def _shapes(self) -> dict[str, bool]:
        """Output names in the graph's order, and whether each is a list."""
        execution = self._managed.execution if self._managed else None
        if execution is not None and execution.launch.plan is not None:
            return execution.launch.plan.outputs
        return read_shapes(self.log.read()[0])

    @property
    def outputs(self) -> dict[str, list[Any]]:
        """``{output name: [values in order]}``, so far."""
        execution = self._managed.execution if self._managed else None
        if execution is not None and execution.runner is not None:
            return {name: list(items) for name, items in execution.runner.outputs.items()}
        return self._kept_outputs()

    def _kept_outputs(self) -> dict[str, list[Any]]:
        files = RunFiles(self._manager.store, self.id)
        unpickle = unpickler(self.strategy, self.request.options)
        return read_outputs(self.log.read()[0], files.find, unpickle)

    @property
    def logs(self) -> list[LogUpdate]:
        """What its nodes printed and logged, so far."""
        return [event for event in self._read_all() if isinstance(event, LogUpdate)]

    @property
    def written(self) -> str:
        """What its processes wrote themselves, once it has ended: libraries, child programs, crash reports;
        the beginning and the end of it. Empty where the strategy has no processes.
        """
        return read_written(RunFolder(self._manager.store.run_directory(self.id)))

    def _read_all(self) -> Iterator[Event]:
        lines, _ = self.log.read()
        return map(decode_event, lines)

    def events(self, after: int = 0) -> Iterator[Event]:
        """Its messages numbered above ``after``: those there are, then each as it comes, until the end."""
        offset, is_over = 0, False
        while not is_over:
            news, offset, is_over = self._news(offset)
            yield from (event for event in news if event.seq > after)
            if not (news or is_over):
                self._wait_for_news()

    def _news(self, offset: int) -> tuple[list[Event], int, bool]:
        """Messages from an offset of the log on, the next offset, and whether there will be no more."""
        ended = self._managed.is_done if self._managed is not None else self.status.is_at_rest
        lines, offset = self.log.read(offset)
        return [decode_event(line) for line in lines], offset, ended and not lines

    def _wait_for_news(self) -> None:
        if self._managed is None:
            threading.Event().wait(POLL)
            return
        with self._managed.changed:
            if not self._managed.is_done:
                self._managed.changed.wait(POLL)

    async def __aiter__(self) -> AsyncIterator[Event]:
        offset, is_over = 0, False
        while not is_over:
            news, offset, is_over = self._news(offset)
            for event in news:
                yield event
            if not (news or is_over):
                await asyncio.sleep(ASYNC_POLL)

    def __await__(self) -> Generator[Any, None, Any]:
        return self._result_when_ended().__await__()

    async def _result_when_ended(self) -> Any:
        """No thread waits: whoever awaits a job can be cancelled at once, and any number may."""
        if self._managed is None:
            while not self.status.is_at_rest:  # noqa: ASYNC110 - another process ends it, which tells no event of ours
                await asyncio.sleep(POLL)
            return self.result()
        loop, ended = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            with suppress(RuntimeError):  # the loop is gone, and with it who waited
                loop.call_soon_threadsafe(ended.set)

        self._managed.call_at_end(wake)
        await ended.wait()
        return self.result()

    def __repr__(self) -> str:
        label = f" {self.name!r}" if self.name else ""
        return f"<Job {self.id}{label} {self.strategy} {self.status.value}>"


def _seconds(timeout: Any) -> float | None:
    """A time to wait; raises OptionError for what is none."""
    if timeout is None:
        return None
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not timeout >= 0:
        raise OptionError(f"timeout is a number of seconds from 0 on, or None; found {describe(timeout)}")
    return min(timeout, threading.TIMEOUT_MAX)


def _shaped(items: list[Any], is_list: bool) -> Any:
    if is_list:
        return items
    return items[-1] if items else None
