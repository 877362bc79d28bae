"""Jobs that other processes have left: those that can't outlive their kernel get their end."""

from __future__ import annotations

from contextlib import suppress

from nodetool_jupyter.errors import WorkflowError
from nodetool_jupyter.manager.managed import new_update
from nodetool_jupyter.model.batch import JOB_UPDATE
from nodetool_jupyter.model.events import Fault, JobUpdate, decode_event, encode_events
from nodetool_jupyter.model.job import JobRecord, JobStatus, advance
from nodetool_jupyter.store.base import Store


def end_with_kernel(store: Store, record: JobRecord, fault: Fault) -> JobRecord:
    """End a job whose kernel has gone, unless its log says that it had ended before."""
    log = store.open_log(record.id)
    lines, _ = log.read()
    record = replayed(record, lines)
    if not record.status.is_at_rest:  # one that had been suspended, and had not gone on, stays so
        update = new_update(record.id, len(lines) + 1, JobStatus.FAILED, fault)
        log.append(encode_events([update]))
        record = advance(record, update)
    store.update(record, log)
    log.close()
    return record


def replayed(record: JobRecord, lines: list[bytes]) -> JobRecord:
    """The record as its log has it: the kernel may have ended between the writing of log and row."""
    for line in lines:
        update = None
        if JOB_UPDATE in line:
            with suppress(WorkflowError):
                update = decode_event(line)
        if isinstance(update, JobUpdate):
            record = advance(started(record), update)
    return record


def started(record: JobRecord) -> JobRecord:
    """The record of a job that has got its slot, perhaps once more after it was suspended, which isn't told
    by a message.
    """
    if record.status is JobStatus.SUSPENDED:
        record = advance(record, new_update(record.id, 0, JobStatus.QUEUED))
    if record.status is not JobStatus.QUEUED:
        return record
    return advance(record, new_update(record.id, 0, JobStatus.STARTING))
