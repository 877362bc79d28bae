"""A suspended job goes on, or is given up: the same job, by whichever process takes it.

The store's compare-and-swap over the attempt decides who does.
"""

from __future__ import annotations

from nodetool_jupyter.errors import OptionError
from nodetool_jupyter.manager.managed import new_update
from nodetool_jupyter.model.events import encode_events
from nodetool_jupyter.model.job import JobRecord, JobStatus, advance
from nodetool_jupyter.store.base import Store
from nodetool_jupyter.worker.event_log import NAME, LogWriter


def next_attempt(store: Store, record: JobRecord, owner: str) -> tuple[JobRecord, int]:
    """Take a suspended job, so that no other process does; raises OptionError for one that isn't suspended,
    StoreError for one that another has just taken. Gives the number of its next message, too.
    """
    if record.status is not JobStatus.SUSPENDED:
        raise OptionError(
            f"job {record.id} is {record.status.value}, not suspended", hint="%nodetool retry runs it again"
        )
    first_seq = len(store.read_log(record.id).read()[0]) + 1
    queued = advance(record, new_update(record.id, 0, JobStatus.QUEUED))
    queued = queued.model_copy(update={"owner": owner, "attempt": record.attempt + 1})
    store.update(queued)
    return queued, first_seq


def give_up(store: Store, record: JobRecord, owner: str) -> JobRecord:
    """End a suspended job as cancelled: nothing of it runs. Raises StoreError where another has taken it."""
    taken = record.model_copy(update={"owner": owner, "attempt": record.attempt + 1})
    store.update(taken)
    seq = len(store.read_log(record.id).read()[0]) + 1
    update = new_update(record.id, seq, JobStatus.CANCELLED)
    file = store.run_directory(record.id) / NAME
    if file.exists():
        log = LogWriter(file)
        log.append(encode_events([update]))
        log.close()
        ended = advance(taken, update)
        store.update(ended)
    else:  # of a store in memory
        kept = store.open_log(record.id)
        kept.append(encode_events([update]))
        ended = advance(taken, update)
        store.update(ended, kept)
        kept.close()
    return ended
