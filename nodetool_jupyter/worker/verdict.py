"""How a job has ended, told from all that is known of its worker's end. Pure: what is seen goes in, a message
comes out.

It has completed only if its own terminal message says so and the process has ended with exit code 0.
"""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass, field, replace

from nodetool_jupyter.errors import ErrorCode
from nodetool_jupyter.model.events import Fault, JobUpdate
from nodetool_jupyter.model.request import ResourceLimits
from nodetool_jupyter.worker.limits import sized
from nodetool_jupyter.worker.process import name_of_signal

CRASHES = frozenset(
    {signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGABRT, signal.SIGSYS}
)
AGAIN = "run it again, or %nodetool logs for what it wrote before"


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
    is_out_of_memory: bool = False
    limits: ResourceLimits = field(default_factory=ResourceLimits)
    most_memory: int = 0
    """Bytes."""
    cpu_seconds: float = 0.0
    output: str = ""
    """The last lines that it wrote."""


def judge(ending: Ending) -> JobUpdate:
    """The terminal message, without its number and duration."""
    update = ending.update
    if update is not None and update.status != "completed" and not _is_cancel_for_a_reason(ending, update):
        return update
    code = None if ending.wait_status is None else os.waitstatus_to_exitcode(ending.wait_status)
    if update is not None and update.status == "completed" and code == 0:
        return update
    if ending.is_cancelled and (update is None or update.status != "completed"):
        return _ended_as_asked(ending)
    fault = _fault_of(ending, 0 if code is None else code)
    if ending.output:
        fault = replace(fault, traceback=f"the last lines that it wrote:\n{ending.output}")
    return _failed(fault)


def _is_cancel_for_a_reason(ending: Ending, update: JobUpdate) -> bool:
    """The worker only knows that it was cancelled; why, it isn't told."""
    return update.status == "cancelled" and ending.fault is not None


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
    if code >= 0:
        said = f"{after}the worker exited with code {code} before the job had ended"
        hint = "a node called os._exit, or a library did; run it with --strategy threaded to see where"
        return Fault(code=ErrorCode.WORKER_EXITED_EARLY, message=said, hint=hint)
    name = name_of_signal(-code)
    said = f"{after}the worker was ended by signal {-code} ({name})"
    if -code == signal.SIGKILL:
        return _killed(ending, said)
    if -code == signal.SIGXCPU:
        return Fault(
            code=ErrorCode.CPU_LIMIT,
            message=f"the job used more than its limit of {ending.limits.cpu_seconds} CPU seconds "
            f"(it had used {ending.cpu_seconds:.1f})",
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
            message=f"{said}: it used more than its limit of {limit.cpu_seconds} CPU seconds",
            hint="give it more with cpu_seconds",
        )
    if ending.is_out_of_memory:
        most = f" of {sized(limit.memory)}" if limit.memory else ""
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
