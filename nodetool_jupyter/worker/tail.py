"""The end of a job's log: its terminal message, appended once, by whoever holds the run directory's lock."""

from __future__ import annotations

import os
import time
from contextlib import closing
from dataclasses import replace
from typing import Any

from pydantic_core import from_json

from nodetool_jupyter.errors import ErrorCode, WorkflowError
from nodetool_jupyter.model.events import Event, Fault, JobUpdate, NodeUpdate, decode_event, encode_event
from nodetool_jupyter.model.job import JobStatus
from nodetool_jupyter.values.files import open_plain
from nodetool_jupyter.worker.cgroup import remove_groups
from nodetool_jupyter.worker.event_log import LogReader, LogWriter
from nodetool_jupyter.worker.folder import EXIT, REFUSAL, SUPERVISOR, RunFolder
from nodetool_jupyter.worker.process import boot_id, sweep

BLOCK = 256 * 1024
NODE_UPDATE = b'"node_update"'


def append_end(
    folder: RunFolder, update: JobUpdate, first_seq: int = 1, log_size: int | None = None
) -> JobUpdate:
    """Append the terminal message and give it, numbered; the exit record, which makes it count, comes after.

    ``log_size`` is what the worker says to have written. Where it has not said so, or the log has another
    size, all of it is read; what somebody else wrote is cut off, and the job has failed. Raises OSError,
    StoreError.
    """
    with closing(folder.writer()) as writer:
        writer.open()  # a torn last line is gone after this
        seq, is_sound = _last_sound(folder, update.job_id, first_seq, log_size)
        return _append(writer, replace(update if is_sound else _distrusted(update), seq=seq))


def _append(writer: LogWriter, update: JobUpdate) -> JobUpdate:
    writer.append(encode_event(update) + b"\n")
    return update


def _last_sound(folder: RunFolder, job_id: str, first_seq: int, log_size: int | None) -> tuple[int, bool]:
    """The number for the end, behind all that belongs there, and whether that was all there was."""
    if log_size is not None and folder.events.stat().st_size == log_size:
        last = _last_line(folder)
        event = None if last is None else _decoded(last)
        if last is None:
            return first_seq, True
        if event is not None and event.job_id == job_id and not is_end(event):
            return event.seq + 1, True
    seq, was_cut = _cut_to_sound(folder, job_id, first_seq)
    return seq, log_size is None and not was_cut


def write_exit(folder: RunFolder, update: JobUpdate, **facts: Any) -> None:
    """Write the exit record, last of all; raises OSError."""
    folder.write_record(EXIT, {"update": encode_event(update).decode(), **facts})


def conclude(folder: RunFolder, job_id: str, first_seq: int = 1, end: JobUpdate | None = None) -> bool:
    """Give a job its end whose supervisor has died without a word; False where somebody looks after it still.

    What it has left running is killed. An end that is in the log already, or in an exit record, does not
    count without the other: nobody knows who wrote it. ``end`` is told, where more is known than the run
    directory has. Raises OSError, StoreError.
    """
    lock = folder.try_lock()
    if lock is None:
        return False
    try:
        if _has_end(folder):
            return True
        record = folder.read_record(SUPERVISOR)
        sweep(job_id)
        remove_groups(job_id, record.get("groups", ()))
        folder.remove_temporary()
        folder.use_reserve()
        if end is None:
            fault = _refusal(folder) or _loss(record)
            end = JobUpdate(status="failed", error=fault.message, fault=fault, timestamp=time.time())
        with closing(folder.writer()) as writer:
            writer.open()
            seq, _ = _last_sound(folder, job_id, first_seq, None)
            end = _append(writer, replace(end, job_id=job_id, seq=seq))
        write_exit(folder, end)
    finally:
        os.close(lock)
    return True


def _has_end(folder: RunFolder) -> bool:
    """Whether log and exit record tell the same end."""
    told, last = folder.read_record(EXIT).get("update"), _last_line(folder)
    if last is None or not isinstance(told, str) or told.encode() != last:
        return False
    event = _decoded(last)
    return event is not None and is_last(event)


def _refusal(folder: RunFolder) -> Fault | None:
    """Why a supervisor did not take the job."""
    record = folder.read_record(REFUSAL)
    try:
        return Fault(**{**record, "code": ErrorCode(record["code"])}) if record else None
    except (KeyError, TypeError, ValueError):  # what runs there has written it
        return None


def _loss(supervisor: dict[str, Any]) -> Fault:
    if not supervisor:
        return Fault(
            code=ErrorCode.SPAWN_FAILED,
            message="the job's process did not start",
            hint="%nodetool doctor says what works here",
        )
    if supervisor.get("boot_id") != boot_id():
        return Fault(
            code=ErrorCode.HOST_REBOOT,
            message="the machine was restarted while the job ran",
            hint="%nodetool retry runs it again",
        )
    return Fault(
        code=ErrorCode.SUPERVISOR_DIED,
        message="the process that looked after the job was killed, and the job with it",
        hint="%nodetool retry runs it again",
    )


def running_nodes(folder: RunFolder) -> tuple[str, ...]:
    """The nodes that have begun and not ended, as far as the end of the log says."""
    running: dict[str, None] = {}
    for line in _last_lines(folder):
        event = _decoded(line) if NODE_UPDATE in line else None
        if isinstance(event, NodeUpdate):
            if event.status == "running":
                running[event.node_id] = None
            else:
                running.pop(event.node_id, None)
    return tuple(running)


def is_end(event: Event) -> bool:
    """Whether a message ends its job."""
    return isinstance(event, JobUpdate) and JobStatus(event.status).is_terminal


def is_last(event: Event) -> bool:
    """Whether a message is the last one of its attempt: it ends its job, or suspends it."""
    return isinstance(event, JobUpdate) and JobStatus(event.status).is_at_rest


def _last_line(folder: RunFolder) -> bytes | None:
    """The last whole line."""
    lines = _last_lines(folder)
    return lines[-1] if lines else None


def _last_lines(folder: RunFolder) -> list[bytes]:
    """The whole lines of the log's last block, at least one if there is any."""
    try:
        with os.fdopen(open_plain(folder.events, os.O_RDONLY), "rb", buffering=0) as file:
            end = file.seek(0, 2)
            data = b""
            while end and data.count(b"\n") < 2:
                start = max(0, end - BLOCK)
                file.seek(start)
                data = file.read(end - start) + data
                end = start
    except FileNotFoundError:
        return []
    return data[: data.rfind(b"\n") + 1].split(b"\n")[:-1]


def _decoded(line: bytes) -> Event | None:
    try:
        return decode_event(line)
    except WorkflowError:
        return None


def _cut_to_sound(folder: RunFolder, job_id: str, first_seq: int) -> tuple[int, bool]:
    """Cut a log after its last line that belongs there; gives the number of the next, and whether there was
    anything to cut.
    """
    log = LogReader(folder.events)
    size = offset = place_of(folder, first_seq)
    seq = first_seq
    while lines := log.read(offset, limit=BLOCK)[0]:
        for line in lines:
            event = _decoded(line) if belongs(line, job_id, seq) else None
            if event is None or is_end(event):
                _cut(folder, size)
                return seq, True
            seq += 1
            size += len(line) + 1
        offset = size
    return seq, False


def place_of(folder: RunFolder, seq: int) -> int:
    """Where the message with a number begins, behind those of earlier attempts."""
    lines = LogReader(folder.events).read()[0] if seq > 1 else []
    before = lines[: seq - 1] if lines and (_seq_of(lines[0]) == 1) else []
    return sum(map(len, before)) + len(before)


def _seq_of(line: bytes) -> int:
    event = _decoded(line)
    return 0 if event is None else event.seq


def _cut(folder: RunFolder, size: int) -> None:
    fd = open_plain(folder.events, os.O_WRONLY)
    try:
        os.ftruncate(fd, size)
    finally:
        os.close(fd)


def belongs(line: bytes, job_id: str, seq: int) -> bool:
    """Whether a line is the message with this number of this job."""
    try:
        found = from_json(line)
    except ValueError:
        return False
    return isinstance(found, dict) and (found.get("job_id"), found.get("seq")) == (job_id, seq)


def _distrusted(update: JobUpdate) -> JobUpdate:
    fault = Fault(
        code=ErrorCode.PROTOCOL_ERROR,
        message="something else than the worker wrote to the job's log; what it wrote was cut off",
        hint="a node may have written to files or descriptors that are not its own",
    )
    return replace(update, status="failed", error=fault.message, fault=fault, result=None)
