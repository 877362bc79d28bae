"""JobExecutionManager: the only module that sees strategies and store together.

It gives jobs their slots in order, folds their events into records, and keeps log, row and waiters in step:
whoever sees a job as ended finds its whole log and its result.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from traceback import format_exc
from warnings import warn
from weakref import WeakValueDictionary

from nodetool_jupyter.engine.capture import RUNNING
from nodetool_jupyter.engine.context import ProcessingContext, Services
from nodetool_jupyter.engine.plan import Plan, compile_graph
from nodetool_jupyter.engine.registry import Registry
from nodetool_jupyter.errors import ErrorCode, JobNotFound, NodeToolError, StrategyUnavailable, WorkflowError
from nodetool_jupyter.model.batch import Batch
from nodetool_jupyter.model.events import Fault, JobUpdate, decode_event, encode_events
from nodetool_jupyter.model.faults import kernel_died
from nodetool_jupyter.model.job import JobRecord, JobStatus, advance
from nodetool_jupyter.model.request import RunJobRequest
from nodetool_jupyter.settings import Settings
from nodetool_jupyter.store.assets import RunFiles, TempFolder
from nodetool_jupyter.store.base import Store, StoreWarning, fault_code, new_job_id
from nodetool_jupyter.strategies.base import JobExecution, Launch, Strategy
from nodetool_jupyter.worker.event_log import EventLog

MakeStrategy = Callable[[str], Strategy]


class ManagedJob:
    """One job of this process: its execution, its record, its log, and those who wait for it."""

    def __init__(self, record: JobRecord, store: Store, ended: Callable[[ManagedJob], None]) -> None:
        self.record = record
        self.execution: JobExecution | None = None
        self.next_seq = 1
        self.has_slot = False
        """Whether it counts among the jobs that run at once."""
        self.folder = TempFolder()
        self.changed = threading.Condition()
        """Notified after each batch of events, and when the job has ended."""
        self._callbacks: list[Callable[[], None]] = []
        self.is_done = False
        """Whether the job has ended, and all of it is written that can be."""
        self.unrecorded: Exception | None = None
        """Why the store does not know how the job ended."""
        self._store = store
        self._log: EventLog | None = None
        """Opened by the first message that is to be written here: for many jobs their process does that."""
        self._on_end = ended

    def tell(self, events: Batch) -> None:
        """The sink of the job's events: log first, then the row, then the waiters."""
        record = self.record
        for update in events.job_updates:
            record = advance(record, update)
        failure = self._write(events, record)
        has_ended = record.status.is_terminal
        if failure is not None and not has_ended:
            self._fail_for_store(failure)
        if has_ended:
            self.unrecorded = failure or self._close_log()
            self._on_end(self)
        with self.changed:
            self.is_done = has_ended
            self.changed.notify_all()
            callbacks = list(self._callbacks) if has_ended else ()
        for call in callbacks:
            call()

    def _write(self, events: Batch, record: JobRecord) -> Exception | None:
        has_changed = record is not self.record
        self.record = record
        try:
            if not events:
                if self._log is not None:
                    self._log.flush()
                return None
            if not events.is_kept:
                if self._log is None:
                    self._log = self._store.open_log(record.id)
                self._log.append(events.lines)
            self.next_seq = events.first_seq + len(events)
            if has_changed:
                self._store.update(record, self._log)
        except (OSError, NodeToolError) as error:
            return error
        return None

    def _close_log(self) -> Exception | None:
        try:
            if self._log is not None:
                self._log.close()
        except (OSError, NodeToolError) as error:
            return error
        return None

    def _fail_for_store(self, failure: Exception) -> None:
        """A job whose log can't be written is ended: nobody would know what it did."""
        if self.execution is not None:
            self.execution.fail(store_fault(failure))

    def tell_update(self, status: JobStatus, fault: Fault | None = None) -> None:
        """An event of the manager's own, before the launch."""
        update = _update(self.record.id, self.next_seq, status, fault)
        tell = self.tell if self.execution is None else self.execution.tell
        tell(Batch([update], self.record.id, self.next_seq))

    def call_at_end(self, call: Callable[[], None]) -> None:
        """Have ``call`` made when the job has ended, in whichever thread that is; at once if it has."""
        with self.changed:
            if not self.is_done:
                self._callbacks.append(call)
                return
        call()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end; False after ``timeout`` seconds. The main thread can be interrupted meanwhile."""
        with self.changed:
            return self.changed.wait_for(lambda: self.is_done, timeout)


def _update(job_id: str, seq: int, status: JobStatus, fault: Fault | None) -> JobUpdate:
    error = fault.message if fault else None
    return JobUpdate(
        status=status.value, job_id=job_id, seq=seq, timestamp=time.time(), fault=fault, error=error
    )


def _replayed(record: JobRecord, lines: list[bytes]) -> JobRecord:
    """The record as its log has it: the kernel may have ended between the writing of log and row."""
    for line in lines:
        update = None
        if b'"job_update"' in line:
            with suppress(WorkflowError):
                update = decode_event(line)
        if isinstance(update, JobUpdate):
            if record.status is JobStatus.QUEUED:  # that it was given its slot is not told
                record = advance(record, _update(record.id, 0, JobStatus.STARTING, None))
            record = advance(record, update)
    return record


def store_fault(failure: Exception) -> Fault:
    """Why a job ended whose record could not be written."""
    message = failure.message if isinstance(failure, NodeToolError) else str(failure)
    hint = failure.hint if isinstance(failure, NodeToolError) else "make room, then run it again"
    return Fault(code=fault_code(failure), message=f"the job can't be recorded: {message}", hint=hint)


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
        try:
            managed = self._new_job(request, context, strategy, plan, may_start=may_start)
        except BaseException:
            if has_slot:
                self._free_slot()
            raise
        record = managed.record
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

    def _new_job(
        self,
        request: RunJobRequest,
        context: ProcessingContext | None,
        strategy: Strategy,
        plan: Plan,
        *,
        may_start: bool,
    ) -> ManagedJob:
        """A job on record, to be started. One that can't be made by its strategy is never on record."""
        status = JobStatus.STARTING if may_start else JobStatus.QUEUED
        record = self._new_record(request, strategy, status)
        managed = ManagedJob(record, self.store, self._job_ended)
        launch = Launch(
            record.id,
            request,
            self._context_of(managed, context),
            plan,
            record.created_at,
            directory=self.store.run_directory(record.id),
            families=self.registry.families,
        )
        managed.execution = strategy.create(launch, managed.tell)
        try:
            self.store.add(record, request)  # before it is started: a job that runs is always on record
        except BaseException:
            managed.execution.discard()
            raise
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
                starting = _update(managed.record.id, 0, JobStatus.STARTING, None)
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
            allowed_hosts=context.services.allowed_hosts | {*self.settings.http_allowed_hosts},
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
        record = _replayed(record, lines)
        if not record.status.is_terminal:
            update = _update(record.id, len(lines) + 1, JobStatus.FAILED, kernel_died())
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
