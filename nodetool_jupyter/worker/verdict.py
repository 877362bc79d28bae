"""How a job has ended, told from all that is known of its worker's end. Pure: what is seen goes in, a message
comes out.

It has completed only if its own terminal message says so and the process has ended with exit code 0.
"""

from __future__ import annotations

import errno
import os
import signal
import time
import traceback
from dataclasses import dataclass, field, replace

from nodetool_jupyter.errors import ErrorCode, StoreError
from nodetool_jupyter.model.events import Fault, JobUpdate
from nodetool_jupyter.model.request import ResourceLimits
from nodetool_jupyter.worker.event_log import FULL_DISK
from nodetool_jupyter.worker.limits import sized
from nodetool_jupyter.worker.process import name_of_signal

SHOWN_NODES = 5
CRASHES = frozenset(
    {signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGABRT, signal.SIGSYS}
)
AGAIN = "run it again, or %nodetool logs for what it wrote before"
LOST_DESCRIPTORS = 74
"""Exit code of a worker that can tell nothing any more, since its descriptors were closed."""


@dataclass(frozen=True, slots=True)
class Ending:
    """What is known of a worker's end. ``wait_status`` is the system's; None of a worker that never was."""

    wait_status: int | None
    update: JobUpdate | None = None
    """The terminal message that the worker has handed over."""
    is_cancelled: bool = False
    """Whether the job was to be cancelled, or to be ended for ``fault``."""
    fault: Fault | None = None
    is_forced: bool = False
    """Whether it had to be killed since it did not stop by itself."""
    stuck: int | None = None
    """The process, where it had not even ended by that."""
    is_out_of_memory: bool = False
    """Whether the system has killed a process of the job for lack of memory."""
    refused_forks: int = 0
    """How often the limit of processes was hit."""
    limits: ResourceLimits = field(default_factory=ResourceLimits)
    most_memory: int = 0
    """Bytes."""
    cpu_seconds: float = 0.0
    output: str = ""
    """The last lines that it wrote."""
    running: tuple[str, ...] = ()
    """The nodes that had begun and not ended, where it ended without a word."""


def judge(ending: Ending) -> JobUpdate:
    """The terminal message, without its number and duration."""
    if ending.stuck is not None:
        return _failed(_unkillable(ending.stuck, ending.fault))
    return _judge_ended(ending)


def _judge_ended(ending: Ending) -> JobUpdate:
    update = ending.update
    if update is not None and update.status == "failed":
        return _with_cause(update, ending)
    if update is not None and update.status == "cancelled" and ending.fault is None:
        return update if ending.is_cancelled else _failed(_stopped_from_outside())
    code = None if ending.wait_status is None else os.waitstatus_to_exitcode(ending.wait_status)
    if update is not None and update.status == "completed" and code == 0:
        return update
    if update is not None and update.status == "suspended" and code == 0 and not ending.is_cancelled:
        return update
    if ending.is_cancelled and (update is None or update.status != "completed"):
        return _ended_as_asked(ending)
    fault = _fault_of(ending, 0 if code is None else code)
    if ending.running:
        fault = replace(fault, message=f"{fault.message}, while {_nodes(ending.running)} ran")
    if ending.output:
        fault = replace(fault, traceback=f"the last lines that it wrote:\n{ending.output}")
    return _failed(fault)


def _nodes(ids: tuple[str, ...]) -> str:
    """``node a``, ``nodes a, b and 3 others``."""
    more = len(ids) - SHOWN_NODES
    others = f" and {more} other{'s' * (more > 1)}" if more > 0 else ""
    return f"node{'s' * (len(ids) > 1)} {', '.join(ids[:SHOWN_NODES])}{others}"


def _with_cause(update: JobUpdate, ending: Ending) -> JobUpdate:
    """A node's failure with the limit that its child processes have met: the node itself is told less."""
    fault, limits = update.fault, ending.limits
    if fault is None or fault.code is not ErrorCode.NODE_ERROR:
        return update
    if ending.is_out_of_memory and limits.memory is not None:
        said = f"a process of the job was killed at the limit memory of {sized(limits.memory)}"
        said += f" ({sized(ending.most_memory)} were in use at most)"
        code, hint = ErrorCode.MEMORY_LIMIT, "give it more with --memory"
    elif ending.refused_forks and limits.processes is not None:
        said = f"the job was at its limit processes of {limits.processes}"
        code, hint = ErrorCode.RESOURCE_LIMIT, "give the job more with processes"
    else:
        return update
    fault = replace(fault, code=code, message=f"{fault.message}; {said}", hint=hint)
    return replace(update, fault=fault, error=fault.message)


def _unkillable(pid: int, reason: Fault | None) -> Fault:
    """Of a process that the system doesn't let go: never called cancelled, as it may hold what it has."""
    why = f"{reason.message}; " if reason is not None else ""
    return Fault(
        code=ErrorCode.UNCANCELLABLE,
        message=f"{why}the worker (process {pid}) was killed and has not ended: the system holds it, for a "
        "disk or a device that doesn't answer",
        hint=f"none of its code runs any more; ps -o stat,wchan -p {pid} says what it waits for",
    )


def _stopped_from_outside() -> Fault:
    return Fault(
        code=ErrorCode.WORKER_KILLED,
        message="the worker was ended by signal 15 (SIGTERM), which did not come from here",
        hint="someone has used kill, or the system is shutting down; run it again",
    )


def _ended_as_asked(ending: Ending) -> JobUpdate:
    if ending.fault is not None:
        return _failed(ending.fault)
    message = "it did not stop by itself and was killed" if ending.is_forced else None
    return JobUpdate(status="cancelled", message=message, timestamp=time.time())


def _failed(fault: Fault) -> JobUpdate:
    return JobUpdate(
        status="failed",
        error=fault.message,
        traceback=fault.traceback,
        fault=fault,
        timestamp=time.time(),
    )


def _fault_of(ending: Ending, code: int) -> Fault:
    after = "after all nodes had ended, " if ending.update is not None else ""
    if code == LOST_DESCRIPTORS:
        return closed_descriptors()
    if code >= 0:
        said = f"{after}the worker exited with code {code} before the job had ended"
        hint = "a node called os._exit, or a library did; %nodetool logs shows what it did last"
        return Fault(code=ErrorCode.WORKER_EXITED_EARLY, message=said, hint=hint)
    name = name_of_signal(-code)
    said = f"{after}the worker was ended by signal {-code} ({name})"
    if -code == signal.SIGKILL:
        return _killed(ending, said)
    if -code == signal.SIGXCPU:
        return Fault(
            code=ErrorCode.CPU_LIMIT,
            message=f"{said}: it used more than its limit cpu_seconds of {ending.limits.cpu_seconds} "
            f"({ending.cpu_seconds:.1f} were used)",
            hint="give it more with cpu_seconds",
        )
    if -code in CRASHES:
        hint = "a library crashed; %nodetool traceback shows where"
        return Fault(code=ErrorCode.WORKER_CRASHED, message=said, hint=hint)
    return Fault(code=ErrorCode.WORKER_KILLED, message=said, hint=AGAIN)


def _killed(ending: Ending, said: str) -> Fault:
    limit, used = ending.limits, sized(ending.most_memory)
    if limit.cpu_seconds is not None and ending.cpu_seconds >= limit.cpu_seconds:
        return Fault(
            code=ErrorCode.CPU_LIMIT,
            message=f"{said}: it used more than its limit cpu_seconds of {limit.cpu_seconds} "
            f"({ending.cpu_seconds:.1f} were used)",
            hint="give it more with cpu_seconds",
        )
    if ending.is_out_of_memory:
        most = f", at the limit memory of {sized(limit.memory)}" if limit.memory else ""
        return Fault(
            code=ErrorCode.OOM_KILLED,
            message=f"{said}: out of memory{most} ({used} were in use at most)",
            hint="give it more with --memory, or make its data smaller",
        )
    return Fault(
        code=ErrorCode.WORKER_KILLED,
        message=f"{said}, possibly out of memory ({used} were in use at most)",
        hint="look at the machine's free memory; --memory bounds what a job may take",
    )


def closed_descriptors() -> Fault:
    """Code of the job has closed what was not its own."""
    return Fault(
        code=ErrorCode.PROTOCOL_ERROR,
        message="code of the job closed descriptors that it had not opened, by which the worker tells of it",
        hint="let os.closerange and the like close only what is their own, or run them in a child process",
    )


def log_fault(error: StoreError, limits: ResourceLimits) -> Fault:
    """Why a job ends whose log can't be written."""
    number = error.__cause__.errno if isinstance(error.__cause__, OSError) else None
    if number == errno.EBADF:
        return closed_descriptors()
    if number == errno.EFBIG and limits.file_size is not None:
        return Fault(
            code=ErrorCode.RESOURCE_LIMIT,
            message=f"the job's own log has reached its limit file_size of {sized(limits.file_size)}",
            hint="give the job more with file_size, or have its nodes tell less",
        )
    code = ErrorCode.DISK_FULL if number in FULL_DISK else ErrorCode.STORE_FAILED
    return Fault(code=code, message=f"the job can't be recorded: {error.message}", hint=error.hint)


def supervisor_failed(bug: Exception) -> JobUpdate:
    """The end of a job whose supervisor could not go on."""
    if isinstance(bug, OSError) and bug.errno in FULL_DISK:
        return _failed(
            Fault(
                code=ErrorCode.DISK_FULL,
                message=f"the job can't be recorded: {bug.strerror or bug}",
                hint="free some space, or set NODETOOL_HOME to a folder on another disk",
            )
        )
    return _failed(
        Fault(
            code=ErrorCode.ENGINE_ERROR,
            message=f"the supervisor failed: {type(bug).__name__}: {bug}",
            hint="this is a fault of nodetool_jupyter; please report it with %nodetool traceback",
            traceback="".join(traceback.format_exception(bug))[-20_000:],
        )
    )
