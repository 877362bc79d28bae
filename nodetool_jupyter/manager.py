"""JobExecutionManager: where strategies and store meet. With ``managed`` the only module that sees both.

It gives jobs their slots in order, and takes over those that a dead manager has left; a job that runs is
always on record.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from traceback import format_exc
from warnings import warn
from weakref import WeakValueDictionary

from nodetool_jupyter.engine.capture import RUNNING
from nodetool_jupyter.engine.context import ProcessingContext, Services
from nodetool_jupyter.engine.plan import compile_graph
from nodetool_jupyter.engine.registry import Registry
from nodetool_jupyter.errors import ErrorCode, JobNotFound, NodeToolError, StrategyUnavailable
from nodetool_jupyter.managed import ManagedJob, replayed, status_update
from nodetool_jupyter.model.events import Fault, encode_events
from nodetool_jupyter.model.job import JobRecord, JobStatus, advance
from nodetool_jupyter.model.request import RunJobRequest
from nodetool_jupyter.settings import Settings
from nodetool_jupyter.store.assets import RunFiles
from nodetool_jupyter.store.base import Store, StoreWarning, new_job_id
from nodetool_jupyter.strategies.base import JobExecution, Launch, Strategy, kernel_died

MakeStrategy = Callable[[str], Strategy]


class JobExecutionManager:
    """Starts, finds, cancels and recovers jobs. Thread-safe; ``submit`` returns as soon as the job is
    recorded.
    """

    def __init__(
        self, settings: Settings, store: Store, registry: Registry, make_strategy: MakeStrategy
    ) -> None:
        self.settings = settings
        self.store = store
        self.registry = registry
        self._make_strategy = make_strategy
        self._strategies: dict[str, Strategy] = {}
        self._lock = threading.RLock()
        self._live: dict[str, ManagedJob] = {}
        self._ended: WeakValueDictionary[str, ManagedJob] = WeakValueDictionary()
        self._queue: deque[ManagedJob] = deque()
        self._running = 0
        self._closed = False
        self._here = threading.local()
        """Whether this thread is starting jobs."""
        self.owner = store.register_owner()

    async def start_job(
        self, request: RunJobRequest, context: ProcessingContext | None = None
    ) -> JobExecution:
        """Start a job, or queue it. Raises, before anything is recorded, for what can't run: a strategy that
        is unknown or unavailable, a limit it can't enforce, an invalid graph or param.
        """
        execution = self.submit(request, context).execution
        assert execution is not None
        return execution

    def submit(self, request: RunJobRequest, context: ProcessingContext | None = None) -> ManagedJob:
        """``start_job`` for callers without a loop."""
        strategy = self._strategy(request.strategy)
        request = self._with_defaults(request)
        strategy.check(request)
        plan = compile_graph(request.graph, self.registry, request.params)
        is_nested = RUNNING.get() is not None  # its parent may wait for it, and has a slot
        has_slot = not is_nested and self._take_slot()
        may_start = is_nested or has_slot
        status = JobStatus.STARTING if may_start else JobStatus.QUEUED
        try:
            record = self._new_record(request, strategy, status)
            self.store.add(record, request)  # first of all: a job that runs is always on record
        except BaseException:
            if has_slot:
                self._free_slot()
            raise
        managed = ManagedJob(record, self.store, self._job_ended)
        launch = Launch(record.id, request, self._context_of(managed, context), plan, record.created_at)
        managed.execution = strategy.create(launch, managed.tell)
        with self._lock:
            self._live[record.id] = managed
            managed.has_slot = has_slot
            if not may_start:
                self._queue.append(managed)
        if may_start:
            self._start(managed)
        else:
            self._start_next()
        return managed

    def _new_record(self, request: RunJobRequest, strategy: Strategy, status: JobStatus) -> JobRecord:
        return JobRecord(
            id=new_job_id(),
            name=request.name,
            workflow_id=request.workflow_id,
            user_id=request.user_id,
            strategy=strategy.name,
            status=status,
            params=request.params,
            limits=request.resource_limits,
            owner=self.owner.id,
            created_at=time.time(),
        )

    def _take_slot(self) -> bool:
        """Whether a job may start now; those that wait already come first."""
        with self._lock:
            if self._closed:
                raise NodeToolError("this session has been closed", hint="restart the kernel")
            is_free = not self._queue and self._running < self.settings.max_workflow_threads
            self._running += is_free
            return is_free

    def _start(self, managed: ManagedJob) -> None:
        assert managed.execution is not None
        try:
            managed.execution.start()
        except Exception as error:  # noqa: BLE001 - whatever a strategy raises, the job on record must end
            message = f"the {managed.record.strategy} strategy could not start the job: {error}"
            fault = Fault(
                code=ErrorCode.SPAWN_FAILED,
                message=message,
                hint="%nodetool doctor says more",
                traceback=format_exc(),
            )
            managed.tell_update(JobStatus.FAILED, fault)

    def _start_next(self) -> None:
        """Give free slots to the jobs that have waited longest. A job that ends while it is started frees its
        slot within the loop: however many do, they don't nest.
        """
        if getattr(self._here, "is_starting", False):
            return
        self._here.is_starting = True
        try:
            while (managed := self._next_waiting()) is not None:
                starting = status_update(managed.record.id, 0, JobStatus.STARTING, None)
                managed.record = advance(managed.record, starting)
                self._start(managed)
        finally:
            self._here.is_starting = False

    def _next_waiting(self) -> ManagedJob | None:
        with self._lock:
            if not self._queue or self._running >= self.settings.max_workflow_threads:
                return None
            managed = self._queue.popleft()
            managed.has_slot = True
            self._running += 1
            return managed

    def _job_ended(self, managed: ManagedJob) -> None:
        with self._lock:
            self._live.pop(managed.record.id, None)
            self._ended[managed.record.id] = managed
        managed.folder.remove()
        if managed.has_slot:
            self._free_slot()
            self._start_next()

    def _free_slot(self) -> None:
        with self._lock:
            self._running -= 1

    def _strategy(self, name: str) -> Strategy:
        """A strategy that can be used here and now; raises UnknownStrategy or StrategyUnavailable."""
        strategy = self._strategies.get(name)
        if strategy is None:
            with self._lock:
                strategy = self._strategies.get(name) or self._strategies.setdefault(
                    name, self._make_strategy(name)
                )
        fingerprint = strategy.fingerprint()
        if not fingerprint.available:
            raise StrategyUnavailable(f"the {name} strategy is not available here: {fingerprint.sentence}")
        return strategy

    def _with_defaults(self, request: RunJobRequest) -> RunJobRequest:
        limits = request.resource_limits
        if limits.timeout is not None or self.settings.job_timeout is None:
            return request
        limits = limits.model_copy(update={"timeout": self.settings.job_timeout})
        return request.model_copy(update={"resource_limits": limits})

    def _context_of(self, managed: ManagedJob, given: ProcessingContext | None) -> ProcessingContext:
        """The caller's context, with this job's id and folders."""
        context = given or ProcessingContext()
        record = managed.record
        services = Services(
            secret=context.services.secret,
            temp_folder=managed.folder.get,
            read_uri=context.services.read_uri,
            spill=RunFiles(self.store, record.id),
        )
        return ProcessingContext(record.id, record.workflow_id, record.user_id, context.workspace, services)

    def get_job(self, job_id: str) -> ManagedJob | None:
        """A job of this process by its full id: live, or ended and still held by someone."""
        return self._live.get(job_id) or self._ended.get(job_id)

    def list_jobs(self) -> list[ManagedJob]:
        """The jobs of this process that have not ended, oldest first."""
        with self._lock:
            return list(self._live.values())

    def cancel_job(self, job_id: str) -> bool:
        """Begin to cancel; False where the job has ended already. Raises JobNotFound, or NodeToolError for a
        job that another process runs.
        """
        managed = self.get_job(job_id)
        if managed is None:
            record = self.store.get(job_id)
            if record.status.is_terminal:
                return False
            raise JobNotFound(
                f"job {job_id} runs in another kernel",
                hint="cancel it there; a job of another kernel can't be reached yet",
            )
        if managed.is_done:
            return False
        with self._lock:
            queued = managed in self._queue
            if queued:
                self._queue.remove(managed)
        if queued:
            managed.tell_update(JobStatus.CANCELLED)
        elif managed.execution is not None:
            managed.execution.cancel()
        return True

    def recover_jobs(self) -> list[JobRecord]:
        """Take over the live jobs of managers that are gone; gives their records as they are now."""
        recovered = []
        for record in self.store.claim_dead(self.owner.id, self.store.owner_is_alive):
            try:
                recovered.append(self._recover(record))
            except (OSError, NodeToolError) as error:  # one that can't be read keeps no others from it
                warn(f"job {record.id} can't be recovered: {error}", StoreWarning, stacklevel=2)
        return recovered

    def _recover(self, record: JobRecord) -> JobRecord:
        """A job that can't outlive its kernel has ended with it."""
        log = self.store.open_log(record.id)
        lines, _ = log.read()
        record = replayed(record, lines)
        if not record.status.is_terminal:
            update = status_update(record.id, len(lines) + 1, JobStatus.FAILED, kernel_died())
            log.append(encode_events([update]))
            record = advance(record, update)
        self.store.update(record, log)
        log.close()
        return record

    def shutdown(self, grace: float = 2.0) -> None:
        """End all jobs of this process within ``grace`` seconds, record that, and let go of everything."""
        with self._lock:
            self._closed = True
            queued = list(self._queue)
            self._queue.clear()
        for managed in queued:
            managed.tell_update(JobStatus.FAILED, kernel_died())
        for strategy in self._strategies.values():
            strategy.close(grace)
        self.owner.close()
        self.store.close()
