"""Jobs in processes of their own, run by the strategy alone, and what is left of them."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.model.batch import Batch
from nodetool_jupyter.model.events import Event, Fault, JobUpdate, LogUpdate, OutputUpdate, decode_event
from nodetool_jupyter.model.request import ResourceLimits, RunJobRequest
from nodetool_jupyter.nodes import FAMILIES
from nodetool_jupyter.store import new_job_id
from nodetool_jupyter.strategies.base import JobExecution, Launch
from nodetool_jupyter.strategies.subprocess import SubprocessStrategy
from nodetool_jupyter.worker.cgroup import ROOT
from nodetool_jupyter.worker.folder import EXIT, OUTPUT, TEMPORARY, RunFolder
from nodetool_jupyter.worker.process import COOKIE
from tests.support import wait_until
from tests.unit.engine.support import Kind, Out, check_events, graph, plan

DEADLINE = 60.0


class WorkerJob:
    """One node's job: what was told of it, and what lies in its run directory."""

    def __init__(self, strategy: SubprocessStrategy, home: Path, kind: Kind, **given: Any) -> None:
        limits, options = given.pop("limits", {}), given.pop("options", {})
        nodes = {"n": (kind, given), "o": Out}
        self.events: list[Event] = []
        self.ended = threading.Event()
        request = RunJobRequest(
            graph=graph(nodes, "n > o.value"),
            execution_strategy="subprocess",
            resource_limits=ResourceLimits(**limits),
            options=options,
        )
        strategy.check(request)
        self.id = new_job_id()
        self.folder = RunFolder(home / "jobs" / self.id)
        context = ProcessingContext(job_id=self.id, workspace=home)
        planned = plan(nodes, "n > o.value")
        launch = Launch(self.id, request, context, planned, time.time(), 1, self.folder.path, FAMILIES)
        self.execution: JobExecution = strategy.create(launch, self._take)

    def _take(self, batch: Batch) -> None:
        self.events.extend(batch)
        if any(update.status != "running" for update in batch.job_updates):
            self.ended.set()

    def start(self) -> WorkerJob:
        self.execution.start()
        return self

    def wait(self) -> WorkerJob:
        """Wait for the end, which leaves nothing behind and is told alike by events and files."""
        assert self.ended.wait(DEADLINE), (self.events[-3:], self.left())
        check_events(self.events)
        wait_until(lambda: not self.left(), state=self.left)
        kept = self.kept()
        assert [event.seq for event in kept] == list(range(1, len(kept) + 1))
        ends = [event for event in kept if isinstance(event, JobUpdate) and event.status != "running"]
        assert ends == kept[-1:]
        assert ends == [] or self.status == ends[0].status
        return self

    def kept(self) -> list[Event]:
        """The messages in the log."""
        return [decode_event(line) for line in self.folder.reader().read()[0]]

    def left(self) -> list[str]:
        """Processes, temporary folder and control groups of the job."""
        found = [str(process) for process in processes_of(self.id)]
        groups = os.walk(ROOT)  # unlike a glob it minds no group that somebody removes meanwhile
        found += [folder for folder, _, _ in groups if folder.endswith(f"nodetool-{self.id}")]
        if (self.folder.path / TEMPORARY).exists():
            found.append(TEMPORARY)
        return found

    def cancel(self) -> None:
        self.execution.cancel()

    @property
    def end(self) -> JobUpdate:
        last = self.events[-1]
        assert isinstance(last, JobUpdate)
        return last

    @property
    def status(self) -> str:
        return self.end.status

    @property
    def fault(self) -> Fault:
        """Why it failed, as it was told and as its exit record has it."""
        assert self.end.fault is not None, self.end
        return self.end.fault

    @property
    def said(self) -> tuple[str, str]:
        """Code and message of its fault."""
        return self.fault.code.value, self.fault.message

    @property
    def result(self) -> Any:
        """The one value of its output."""
        assert self.status == "completed", self.end
        (value,) = self.values
        return value

    @property
    def values(self) -> list[Any]:
        return [event.value for event in self.events if isinstance(event, OutputUpdate)]

    @property
    def logs(self) -> list[str]:
        return [event.content for event in self.events if isinstance(event, LogUpdate)]

    @property
    def record(self) -> dict[str, Any]:
        return self.folder.read_record(EXIT)

    @property
    def output(self) -> bytes:
        """What its processes wrote themselves."""
        path = self.folder.path / OUTPUT
        return path.read_bytes() if path.exists() else b""

    def supervisor(self) -> psutil.Process:
        """The process that looks after it."""
        return psutil.Process(self.folder.read_record("supervisor.json")["pid"])


class Workers:
    """Starts jobs with one strategy."""

    def __init__(self, strategy: SubprocessStrategy, home: Path) -> None:
        self.strategy = strategy
        self.home = home

    def start(self, kind: Kind, **given: Any) -> WorkerJob:
        return WorkerJob(self.strategy, self.home, kind, **given).start()

    def run(self, kind: Kind, **given: Any) -> WorkerJob:
        return self.start(kind, **given).wait()


@contextmanager
def open_workers(home: Path, **options: Any) -> Iterator[Workers]:
    """A strategy that has its zygote and its thread from the first moment on."""
    strategy = SubprocessStrategy(**{"thread_pool_size": 2, "grace": 0.5, **options})
    strategy.followers._idle_seconds = 600
    # Whatever is installed meanwhile, the zygote that a test has found is still there after it.
    strategy.nursery._is_outdated = lambda: False  # type: ignore[method-assign]
    workers = Workers(strategy, home)
    try:
        yield workers
    finally:
        strategy.close(5)


def processes_of(job_id: str) -> list[psutil.Process]:
    """The processes with a job's mark."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(COOKIE) == job_id and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found
