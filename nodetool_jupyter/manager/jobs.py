"""Starts, finds, cancels and recovers the jobs of one process. A job that runs is always on record."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from traceback import format_exc
from typing import Any
from warnings import warn
from weakref import WeakValueDictionary

from nodetool_jupyter.engine.capture import RUNNING
from nodetool_jupyter.engine.context import ProcessingContext, Services
from nodetool_jupyter.engine.plan import Plan, compile_graph
from nodetool_jupyter.engine.registry import Registry
from nodetool_jupyter.errors import ErrorCode, JobUnreachable, NodeToolError
from nodetool_jupyter.manager.again import Again, Past, Resumed, reads_pickles
from nodetool_jupyter.manager.door import Door, knock
from nodetool_jupyter.manager.inputs import JobInputs, check_live
from nodetool_jupyter.manager.managed import ManagedJob
from nodetool_jupyter.manager.recovery import end_with_kernel, started
from nodetool_jupyter.manager.slots import Slots
from nodetool_jupyter.manager.strategies import Strategies
from nodetool_jupyter.manager.suspended import give_up, next_attempt
from nodetool_jupyter.model.events import Fault
from nodetool_jupyter.model.faults import kernel_died
from nodetool_jupyter.model.job import JobRecord, JobStatus
from nodetool_jupyter.model.request import RunJobRequest
from nodetool_jupyter.settings import Settings
from nodetool_jupyter.store.assets import RunFiles
from nodetool_jupyter.store.base import Store, StoreWarning, new_job_id
from nodetool_jupyter.store.bucket import AssetStore
from nodetool_jupyter.store.results import StoredResults
from nodetool_jupyter.strategies.base import JobExecution, Launch, Strategy

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
        self.results = StoredResults(store.cache_directory, size=settings.cache_size)
        self.assets = AssetStore(settings.asset_url, store.asset_directory)
        self.strategies = Strategies(make_strategy)
        self._lock = threading.RLock()
        self._live: dict[str, ManagedJob] = {}
        self._ended: WeakValueDictionary[str, ManagedJob] = WeakValueDictionary()
        self.past = Past(store, self.strategies)
        self._slots = Slots(settings.max_workflow_threads)
        self._here = threading.local()
        """Whether this thread is starting jobs."""
        self.owner = store.register_owner()
        address = store.owner_address(self.owner.id)
        self._door = Door(address, self._cancel_own, self._has_jobs) if address is not None else None

    async def start_job(
        self, request: RunJobRequest, context: ProcessingContext | None = None
    ) -> JobExecution:
        """Start a job, or queue it. Raises, before anything is recorded, for what can't run: a strategy that
        is unknown or unavailable, a limit it can't enforce, an invalid graph or param.
        """
        execution = self.submit(request, context).execution
        assert execution is not None
        return execution

    def submit(
        self,
        request: RunJobRequest,
        context: ProcessingContext | None = None,
        *,
        registry: Registry | None = None,
        resumed: Resumed | None = None,
    ) -> ManagedJob:
        """``start_job`` for callers without a loop. ``registry`` says what node types mean, if it isn't the
        manager's own; with ``resumed`` the job goes on from results that another has left.
        """
        strategy = self.strategies.usable(request.strategy)
        request = self._with_defaults(request)
        strategy.check(request)
        plan = compile_graph(request.graph, registry or self.registry, request.params)
        strategy.check_plan(plan, request, self.settings.gpu_devices)
        is_nested = RUNNING.get() is not None  # its parent may wait for it, and has a slot
        has_slot = not is_nested and self._slots.take()
        may_start = is_nested or has_slot
        try:
            managed = self._new_job(request, context, strategy, plan, resumed, may_start=may_start)
        except BaseException:
            if has_slot:
                self._slots.free()
            raise
        managed.has_slot = has_slot
        self._add(managed)
        if may_start:
            self._start(managed)
        else:
            self._slots.wait(managed)
            self._start_next()
        return managed

    def resume(self, job_id: str, value: Any = None) -> ManagedJob:
        """Let a suspended job go on, whichever process had run it. Raises OptionError for one that isn't
        suspended, NodeToolError where what it ran is known no more, StoreError if another takes it.
        """
        record = self.store.get(job_id)
        again = self.again(record, is_suspended=True)
        plan = compile_graph(again.request.graph, again.registry(self.registry), again.request.params)
        strategy = self.strategies.usable(record.strategy)
        with self._lock:
            queued, first_seq = next_attempt(self.store, self.store.get(job_id), self.owner.id)
        managed = ManagedJob(queued, self.store, self._job_ended)
        managed.next_seq = first_seq
        try:
            resumed = Resumed(self.store.run_directory(job_id), reads_pickles(record, again.request))
            launch = self._launch(managed, again.request, None, plan, resumed)
            launch = replace(launch, attempt=queued.attempt, first_seq=first_seq, resume_value=value)
            managed.execution = strategy.create(launch, managed.tell)
            managed.record = queued.model_copy(update={"ticket": managed.execution.ticket})
            self.store.update(managed.record)
        except BaseException:
            self.store.update(queued.model_copy(update={"status": JobStatus.SUSPENDED}))
            raise
        self._add(managed)
        self._slots.wait(managed)
        self._start_next()
        return managed

    def _launch(
        self,
        managed: ManagedJob,
        request: RunJobRequest,
        context: ProcessingContext | None,
        plan: Plan | None,
        resumed: Resumed | None = None,
    ) -> Launch:
        record = managed.record
        return Launch(
            record.id,
            request,
            self._context_of(managed, context),
            plan,
            record.created_at,
            directory=self.store.run_directory(record.id),
            families=self.registry.families,
            resumed=resumed.directory if resumed else None,
            reads_pickles=resumed is not None and resumed.reads_pickles,
        )

    def _add(self, managed: ManagedJob) -> None:
        with self._lock:
            self._live[managed.record.id] = managed
        if self._door is not None:
            self._door.open()

    def _has_jobs(self) -> bool:
        return bool(self._live)

    def _new_job(
        self,
        request: RunJobRequest,
        context: ProcessingContext | None,
        strategy: Strategy,
        plan: Plan,
        resumed: Resumed | None,
        *,
        may_start: bool,
    ) -> ManagedJob:
        """A job on record, to be started. One that can't be made by its strategy is never on record."""
        status = JobStatus.STARTING if may_start else JobStatus.QUEUED
        record = self._new_record(request, strategy, status)
        managed = ManagedJob(record, self.store, self._job_ended)
        launch = self._launch(managed, request, context, plan, resumed)
        managed.execution = strategy.create(launch, managed.tell)
        if managed.execution.ticket is not None:
            record = managed.record = record.model_copy(update={"ticket": managed.execution.ticket})
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
            origin=request.origin,
            owner=self.owner.id,
            created_at=time.time(),
        )

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
            while (managed := self._slots.next()) is not None:
                managed.record = started(managed.record)
                self._start(managed)
        finally:
            self._here.is_starting = False

    def _job_ended(self, managed: ManagedJob) -> None:
        with self._lock:
            self._live.pop(managed.record.id, None)
            self._ended[managed.record.id] = managed
        self.past.remember(managed.execution)
        managed.folder.remove()
        if managed.has_slot:
            self._slots.free()
            self._start_next()

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
            assets=self.assets.of(record.user_id),
            spill=RunFiles(self.store, record.id),
            results=self.results,
            gpus=self.settings.gpu_devices,
            allowed_hosts=context.services.allowed_hosts | {*self.settings.http_allowed_hosts},
        )
        return ProcessingContext(record.id, record.workflow_id, record.user_id, context.workspace, services)

    def again(self, record: JobRecord, *, is_suspended: bool = False) -> Again:
        """See Past.again."""
        managed = self.get_job(record.id)
        execution = managed.execution if managed is not None else None
        return self.past.again(record, execution, is_suspended=is_suspended)

    def get_job(self, job_id: str) -> ManagedJob | None:
        """A job of this process by its full id: live, or ended and still held by someone."""
        return self._live.get(job_id) or self._ended.get(job_id)

    def inputs(self, job_id: str) -> JobInputs:
        """The streaming inputs of a job of this process. Raises OptionError where it has ended,
        JobUnreachable where another process looks after it, NodeToolError where its graph is known no more.
        """
        managed = self.get_job(job_id)
        if managed is None:
            record = self.store.get(job_id)
            check_live(job_id, record.status)
            if not self.store.owner_is_alive(record.owner):
                self.recover_jobs()
                managed = self.get_job(job_id)
        if managed is None or managed.execution is None:
            raise JobUnreachable(f"job {job_id} runs in another kernel", hint="push to it from there")
        plan = managed.execution.launch.plan
        if plan is None:
            again = self.again(managed.record)
            plan = compile_graph(again.request.graph, again.registry(self.registry), again.request.params)
        return JobInputs(managed, plan)

    def list_jobs(self) -> list[ManagedJob]:
        """The jobs of this process that have not ended, oldest first."""
        with self._lock:
            return list(self._live.values())

    def cancel_job(self, job_id: str, *, now: bool = False) -> bool:
        """Begin to cancel; False where the job has ended already. Also for a job that another process looks
        after; ``now`` takes what is left of its grace from one of this process. Raises JobNotFound, or
        JobUnreachable for one whose owner lives but doesn't answer.
        """
        managed = self.get_job(job_id)
        if managed is not None and managed.record.status is not JobStatus.SUSPENDED:
            return self._cancel(managed, now=now)
        record = self.store.get(job_id)
        if record.status.is_terminal:
            return False
        if record.status is JobStatus.SUSPENDED:
            ended = give_up(self.store, record, self.owner.id)
            if managed is not None:
                managed.was_given_up(ended)
            return True
        if not self.store.owner_is_alive(record.owner):
            self.recover_jobs()
            return self._cancel_own(job_id)
        return self._ask_owner(record)

    def _cancel(self, managed: ManagedJob, *, now: bool = False) -> bool:
        if managed.is_done:
            return False
        if self._slots.leave(managed):
            managed.tell_update(JobStatus.CANCELLED)
        elif managed.execution is not None:
            (managed.execution.kill if now else managed.execution.cancel)()
        return True

    def _cancel_own(self, job_id: str) -> bool:
        managed = self.get_job(job_id)
        return managed is not None and self._cancel(managed)

    def _ask_owner(self, record: JobRecord) -> bool:
        address = self.store.owner_address(record.owner)
        try:
            return address is not None and knock(address, record.id)
        except OSError as error:
            if self.store.get(record.id).status.is_terminal:
                return False
            raise JobUnreachable(
                f"job {record.id} runs in another kernel, which doesn't answer: {error.strerror or error}",
                hint="try it again, or cancel it in its own notebook",
            ) from error

    def recover_jobs(self) -> list[JobRecord]:
        """Take over the live jobs of managers that are gone; gives their records as they are now.

        What outlives its kernel is followed on, or started if it had not been; all else has failed.
        """
        recovered = []
        for record in self.store.claim_dead(self.owner.id, self.store.owner_is_alive):
            try:
                recovered.append(self._recover(record))
            except (OSError, NodeToolError) as error:  # one that can't be read keeps no others from it
                warn(f"job {record.id} can't be recovered: {error}", StoreWarning, stacklevel=2)
        return recovered

    def _recover(self, record: JobRecord) -> JobRecord:
        request = self.store.request(record.id)
        managed = ManagedJob(record, self.store, self._job_ended)
        launch = self._launch(managed, request, None, None)
        managed.execution = self.strategies.get(record.strategy).recover(launch, managed.tell, record.ticket)
        if managed.execution is None:
            return end_with_kernel(self.store, record, kernel_died())
        self._add(managed)
        if not managed.execution.is_started:  # else never again: what has begun to run is only followed
            self._slots.wait(managed)
            self._start_next()
        else:
            managed.record = started(record)
            managed.has_slot = True
            self._slots.occupy()
            managed.execution.adopt()
        return managed.record

    def shutdown(self, grace: float = 2.0) -> None:
        """End all jobs of this process within ``grace`` seconds, record that, and let go of everything."""
        for managed in self._slots.close():
            if managed.execution is None or not managed.execution.outlives_kernel:
                managed.tell_update(JobStatus.FAILED, kernel_died())
        if self._door is not None:
            self._door.close()
        self.strategies.close(grace)
        self.owner.close()
        self.store.close()
