"""Reasons for a job's end that more than one strategy has to tell, in the same words."""

from __future__ import annotations

from nodetool_jupyter.errors import ErrorCode
from nodetool_jupyter.model.events import Fault


def timed_out(timeout: float) -> Fault:
    """The job took longer than it may, in seconds."""
    return Fault(
        code=ErrorCode.TIMED_OUT,
        message=f"the job took longer than its timeout of {timeout:g} s",
        hint="give it more with --timeout",
    )


def kernel_died() -> Fault:
    """The job lived in its kernel's process, or waited there for a slot."""
    return Fault(
        code=ErrorCode.KERNEL_DIED,
        message="the kernel that ran this job has ended",
        hint="run it again; jobs of the threaded strategy live in the kernel's process",
    )


def container_stopped(how: str = "") -> Fault:
    """Somebody else than us has ended the job's container; ``how`` is what is known of it."""
    return Fault(
        code=ErrorCode.CONTAINER_STOPPED,
        message=f"the job's container was stopped{how}: by hand, or as Docker's daemon was restarted",
        hint="%nodetool retry runs it again; with live-restore the daemon leaves containers running",
    )
