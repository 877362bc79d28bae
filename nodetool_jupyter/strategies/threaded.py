"""threaded: a job runs in a warm worker thread of this kernel's process, on the thread's own loop.

Nodes share the kernel's memory, so values need not cross anything; a node that can't be stopped can only be
given up.
"""

from __future__ import annotations

import asyncio
import pickle
import queue
import sys
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any

from nodetool_jupyter.engine.blocking import INSISTENCE
from nodetool_jupyter.engine.context import NodeCancelled, Resumption
from nodetool_jupyter.engine.failure import engine_failed
from nodetool_jupyter.engine.feeding import Feeds
from nodetool_jupyter.engine.keeping import Keeper, read_kept, read_state
from nodetool_jupyter.engine.outcome import Outcome
from nodetool_jupyter.engine.runner import WorkflowRunner
from nodetool_jupyter.engine.stack import is_in_node
from nodetool_jupyter.engine.telling import EventSink
from nodetool_jupyter.engine.threads import Interruptible, ThreadPool
from nodetool_jupyter.model.events import Fault, JobUpdate
from nodetool_jupyter.model.faults import kernel_died, timed_out
from nodetool_jupyter.settings import Settings
from nodetool_jupyter.strategies.base import (
    Capabilities,
    Fingerprint,
    JobExecution,
    Launch,
    Strategy,
)
from nodetool_jupyter.worker.folder import VALUES
from nodetool_jupyter.worker.order import dump

TICK = 0.05
"""Seconds between two looks at the running jobs."""
LATENESS = 1.0
"""Seconds after the grace at which a job is given up whose loop doesn't answer."""

Job = Callable[[], Coroutine[Any, Any, None]]


class WarmWorkers:
    """Threads with a loop each, kept for the next job and ended when none comes for ``idle_seconds``."""

    def __init__(self, idle_seconds: float) -> None:
        self._idle_seconds = idle_seconds
        self._idle: list[_Worker] = []
        self._lock = threading.Lock()
        self._closed = False

    def get(self) -> _Worker:
        """A warm worker, or a new one, for one job."""
        with self._lock:
            worker = self._idle.pop() if self._idle else None
        if worker is None:
            worker = _Worker(self)
            worker.start()
        return worker

    def put_back(self, worker: _Worker) -> None:
        """A worker has finished its job."""
        with self._lock:
            if self._closed:
                worker.calls.put(None)
            else:
                self._idle.append(worker)

    def retire(self, worker: _Worker) -> bool:
        """Whether an idle worker may end: not if it has just been given a job."""
        with self._lock:
            if worker not in self._idle:
                return False
            self._idle.remove(worker)
            return True

    def wait_idle(self, worker: _Worker) -> Interruptible | None:
        """The worker's next job, or None when it should end."""
        while True:
            try:
                return worker.calls.get(timeout=self._idle_seconds)
            except queue.Empty:
                if self.retire(worker):
                    return None

    def close(self) -> None:
        """End the idle workers now, the busy ones after their job."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.calls.put(None)


class _Worker(threading.Thread):
    def __init__(self, owner: WarmWorkers) -> None:
        super().__init__(name="nodetool-worker", daemon=True)
        self.calls: queue.SimpleQueue[Interruptible | None] = queue.SimpleQueue()
        self.is_given_up = False
        self._owner = owner
        self._loop: asyncio.AbstractEventLoop

    def run(self) -> None:
        self._loop = asyncio.new_event_loop()
        try:
            while (call := self._owner.wait_idle(self)) is not None:
                with suppress(NodeCancelled):
                    call.run()
                if self.is_given_up:
                    return
                del call  # an idle worker holds nothing of its last job
                self._owner.put_back(self)
        finally:
            # tasks that were given up have been told of by their job; that they are dropped is no news
            self._loop.set_exception_handler(lambda _loop, _context: None)
            self._loop.close()

    def assign(self, job: Job) -> Interruptible:
        """Have a job run; gives what it can be interrupted by, and it alone."""
        call = Interruptible(lambda: self._run_job(job))
        self.calls.put(call)
        return call

    def _run_job(self, job: Job) -> None:
        """Run a job to its end, then end the tasks that its nodes have left behind."""
        self._complete(job())
        left = asyncio.all_tasks(self._loop)
        if left:
            for task in left:
                task.cancel()
            self._complete(_wait_for(left))
            self.is_given_up |= not all(task.done() for task in left)

    def _complete(self, coroutine: Coroutine[Any, Any, None]) -> None:
        main = self._loop.create_task(coroutine)
        while not main.done():
            try:
                self._loop.run_until_complete(main)
            except NodeCancelled:
                self.is_given_up = True  # an interrupt came late: the loop may be in any state
            except BaseException:  # noqa: BLE001, S112 - a task of a node's own raised SystemExit, or stopped the loop
                continue


async def _wait_for(tasks: set[asyncio.Task[Any]]) -> None:
    await asyncio.wait(tasks, timeout=LATENESS)


@dataclass(slots=True, eq=False)
class ThreadedJobExecution(JobExecution):
    """A job in a worker thread; the only kind that has a ``runner``."""

    strategy: ThreadedStrategy = field(kw_only=True)
    _worker: _Worker | None = None
    _keeper: Keeper | None = None
    _feeds: Feeds = field(default_factory=Feeds)
    _call: Interruptible | None = None
    _deadline: float | None = None
    _cancelled_at: float | None = None
    _fault: Fault | None = None
    _patience: float = 0.3
    """Seconds after the cancel at which a node that blocks its loop is interrupted, the next time."""

    def start(self) -> None:
        """Hand the job to a warm worker."""
        plan, directory = self.launch.plan, self.launch.directory
        assert plan is not None
        self._keeper = Keeper(plan, directory, directory / VALUES, dump)
        if self.launch.resumed is not None:
            unpickle = pickle.loads if self.launch.reads_pickles else None
            self._keeper.resume(dict(read_kept(self.launch.resumed, self.launch.resumed / VALUES, unpickle)))
        services = replace(self.context.services, keeper=self._keeper, resumption=self._resumption())
        self.runner = WorkflowRunner(
            plan,
            replace(self.context, services=services),
            self.tell,
            self.strategy.pool,
            first_seq=self.launch.first_seq,
            grace=self.strategy.grace,
            feeds=self._feeds,
        )
        if self._cancelled_at is not None:
            self.runner.cancel(self._fault)
        timeout = self.request.resource_limits.timeout
        self._deadline = monotonic() + timeout if timeout else None
        self._patience = min(self._patience, self.strategy.grace / 2)
        self._worker = self.strategy.workers.get()
        self.strategy.watch(self)
        self._call = self._worker.assign(self._main)

    def _resumption(self) -> Resumption | None:
        launch = self.launch
        if launch.attempt == 1 or launch.resumed is None:
            return None
        unpickle = pickle.loads if launch.reads_pickles else None
        return read_state(launch.resumed, launch.resumed / VALUES, launch.resume_value, unpickle)

    async def _main(self) -> None:
        assert self.runner is not None
        try:
            await self.runner.run()
        except BaseException as bug:  # noqa: BLE001 - whatever it is, the job must end
            self.runner.abandon(Outcome("failed", fault=engine_failed(bug)))
        finally:
            self.strategy.unwatch(self)

    def push_input(self, name: str, value: Any, timeout: float | None) -> None:
        """See JobExecution.push_input; the value itself goes to the node."""
        self._feeds[name].push(value, timeout)

    def end_input(self, name: str) -> None:
        """See JobExecution.end_input."""
        self._feeds[name].end()

    def _fold(self, update: JobUpdate) -> None:
        JobExecution._fold(self, update)
        if self.status.is_at_rest:
            self._feeds.close()

    def cancel(self) -> None:
        """Stop every node."""
        self._end(None)

    def fail(self, fault: Fault) -> None:
        """Stop every node, and tell why."""
        self._end(fault)

    def _end(self, fault: Fault | None) -> None:
        if self._cancelled_at is not None:
            return
        self._fault = fault
        self._cancelled_at = monotonic()  # before the runner is looked for: start looks the other way round
        if self.runner is not None:
            self.runner.cancel(fault)

    def look(self, now: float) -> None:
        """At each tick while the job runs: tell what waits, keep the time limit, insist on a cancel."""
        assert self.runner is not None
        assert self._keeper is not None
        self.runner.pulse()
        self._keeper.flush()
        if self._deadline is not None and now > self._deadline and self._cancelled_at is None:
            self.fail(timed_out(self.request.resource_limits.timeout or 0.0))
        if self._cancelled_at is None and self.runner.is_ending:
            self._cancelled_at = now  # a node has failed: the others get the same grace
        if self._cancelled_at is None:
            return
        late = now - self._cancelled_at
        if late > self._patience and self._interrupt_blocked_loop():
            self._patience = late + self.strategy.grace / INSISTENCE
        if late > self.strategy.grace + LATENESS:
            self.give_up(self.strategy.grace)

    def _interrupt_blocked_loop(self) -> bool:
        """A coroutine that never awaits keeps its loop from cancelling it: raise in its thread."""
        ident = self._worker.ident if self._worker else None
        frame = sys._current_frames().get(ident) if ident is not None else None
        if self._call is None or not is_in_node(frame):
            return False
        self._call.interrupt()
        return True

    def give_up(self, grace: float) -> None:
        """The thread answers no more: end the job without it."""
        assert self.runner is not None
        if self._worker is not None:
            self._worker.is_given_up = True
        self.strategy.unwatch(self)
        self.runner.give_up(grace)


class ThreadedStrategy(Strategy):
    """Runs jobs in warm threads. ``grace`` in seconds is what a node gets to stop."""

    name = "threaded"
    capabilities = Capabilities(limits=frozenset({"timeout"}))

    def __init__(self, *, thread_pool_size: int, grace: float, idle_seconds: float = 10.0) -> None:
        self.grace = grace
        self.pool = ThreadPool(thread_pool_size, idle_seconds)
        self.workers = WarmWorkers(idle_seconds)
        self._idle_seconds = idle_seconds
        self._running: dict[ThreadedJobExecution, None] = {}
        self._changed = threading.Condition()
        self._watcher: threading.Thread | None = None
        self._closed = False

    @classmethod
    def from_settings(cls, settings: Settings) -> ThreadedStrategy:
        """See Strategy.from_settings."""
        return cls(thread_pool_size=settings.thread_pool_size, grace=settings.cancel_grace)

    def fingerprint(self) -> Fingerprint:
        """Always available: it needs nothing but this process."""
        return Fingerprint(True, "runs in this kernel's process")

    def create(self, launch: Launch, sink: EventSink) -> ThreadedJobExecution:
        """See Strategy.create."""
        feeds = Feeds(launch.plan.fed if launch.plan is not None else ())
        return ThreadedJobExecution(launch=launch, sink=sink, strategy=self, _feeds=feeds)

    def watch(self, execution: ThreadedJobExecution) -> None:
        """Look at a job at every tick, from a thread that ends some time after the last job."""
        with self._changed:
            self._running[execution] = None
            if self._watcher is None:
                self._watcher = threading.Thread(target=self._watch, name="nodetool-watch", daemon=True)
                self._watcher.start()

    def unwatch(self, execution: ThreadedJobExecution) -> None:
        """The job has ended."""
        self._running.pop(execution, None)

    def _watch(self) -> None:
        last_job = monotonic()
        while True:
            with self._changed:
                self._changed.wait(TICK)
                now = monotonic()
                if self._running:
                    last_job = now
                elif self._closed or now - last_job > self._idle_seconds:
                    self._watcher = None
                    return
            for execution in list(self._running):
                execution.look(now)

    def close(self, grace: float) -> None:
        """End what runs, as failed with its kernel, and wait at most ``grace`` seconds for it."""
        deadline = monotonic() + grace
        for execution in list(self._running):
            execution.fail(kernel_died())
        while self._running and monotonic() < deadline:
            with self._changed:
                self._changed.wait(TICK)
        for execution in list(self._running):
            execution.give_up(grace)
        self._closed = True
        with self._changed:
            self._changed.notify_all()
        self.workers.close()
        self.pool.close()
