"""One job of this process, from record to end: folds its messages, keeps log, row and waiters in step.

Whoever sees a job as ended finds its whole log and its result.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from nodetool_jupyter.errors import NodeToolError
from nodetool_jupyter.model.batch import Batch
from nodetool_jupyter.model.events import Fault, JobUpdate
from nodetool_jupyter.model.job import JobRecord, JobStatus, advance
from nodetool_jupyter.store.assets import TempFolder
from nodetool_jupyter.store.base import Store, fault_code
from nodetool_jupyter.strategies.base import JobExecution
from nodetool_jupyter.worker.event_log import EventLog


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
        has_ended = record.status.is_at_rest
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
            if record.status is JobStatus.SUSPENDED and (failure := self._close_log()) is not None:
                return failure  # the row never says what the log doesn't
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
        update = new_update(self.record.id, self.next_seq, status, fault)
        tell = self.tell if self.execution is None else self.execution.tell
        tell(Batch([update], self.record.id, self.next_seq))

    def was_given_up(self, record: JobRecord) -> None:
        """It had been suspended, and has been ended since."""
        self.record = record
        if self.execution is not None:
            self.execution.status = record.status

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


def new_update(job_id: str, seq: int, status: JobStatus, fault: Fault | None = None) -> JobUpdate:
    """A message about a job that is told by its manager."""
    error = fault.message if fault else None
    return JobUpdate(
        status=status.value, job_id=job_id, seq=seq, timestamp=time.time(), fault=fault, error=error
    )


def store_fault(failure: Exception) -> Fault:
    """Why a job ended whose record could not be written."""
    message = failure.message if isinstance(failure, NodeToolError) else str(failure)
    hint = failure.hint if isinstance(failure, NodeToolError) else "make room, then run it again"
    return Fault(code=fault_code(failure), message=f"the job can't be recorded: {message}", hint=hint)
