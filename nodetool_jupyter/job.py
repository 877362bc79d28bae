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
from nodetool_jupyter.errors import JobError, OptionError
from nodetool_jupyter.manager import JobExecutionManager, ManagedJob
from nodetool_jupyter.model.events import Event, LogUpdate, decode_event
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
        if not record.status.is_terminal or record.status is JobStatus.COMPLETED:
            return None
        return error_of(self.id, record.status, record.fault)

    def cancel(self) -> bool:
        """Begin to cancel; False where it had ended already."""
        return self._manager.cancel_job(self.id)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for its end; False after ``timeout`` seconds."""
        timeout = _seconds(timeout)
        if self._managed is not None:
            return self._managed.wait(timeout)
        deadline = None if timeout is None else monotonic() + timeout
        while self.is_live:
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
        the beginning and the end of it, as the strategies keep it that have processes.
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
        ended = self._managed.is_done if self._managed is not None else not self.is_live
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
            while self.is_live:  # noqa: ASYNC110 - another process ends it, which tells no event of ours
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
