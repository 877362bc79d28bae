"""Why a container has ended, or not begun, told from what the engine knows of it. Pure: facts go in, a fault
comes out, with the likely cause and the next step.
"""

from __future__ import annotations

import signal

from nodetool_jupyter.errors import DockerError, ErrorCode, NodeToolError
from nodetool_jupyter.model.events import Fault
from nodetool_jupyter.model.faults import container_stopped
from nodetool_jupyter.model.request import ResourceLimits
from nodetool_jupyter.strategies.docker.facts import Container
from nodetool_jupyter.strategies.docker.refusals import NEARBY
from nodetool_jupyter.worker.contained import NOBODY
from nodetool_jupyter.worker.limits import sized
from nodetool_jupyter.worker.process import name_of_signal

AGAIN = "%nodetool retry runs it again"
BUILD = "build one that fits by: nodetool-jupyter image build"
SIGNALLED = 128
"""Exit codes above are signals, as the container's init tells them."""
MACHINE_WENT_DOWN = 255


def fault_of(container: Container | None, limits: ResourceLimits, log: str) -> Fault:
    """The fault of a job whose container has ended without a word of its supervisor's."""
    if container is None:
        return Fault(
            code=ErrorCode.CONTAINER_REMOVED,
            message="the job's container was removed while it ran",
            hint=AGAIN,
        )
    code = container.exit_code
    if container.is_out_of_memory and code:
        most = f" of {sized(limits.memory)}" if limits.memory else ""
        return Fault(
            code=ErrorCode.OOM_KILLED,
            message=f"the job's container was ended: out of memory{most}",
            hint="give it more with --memory, or make its data smaller",
        )
    if code == MACHINE_WENT_DOWN:
        return Fault(
            code=ErrorCode.HOST_REBOOT,
            message="the machine, or Docker, went down while the job ran",
            hint=AGAIN,
        )
    if code in (SIGNALLED + signal.SIGKILL, SIGNALLED + signal.SIGTERM):
        name = name_of_signal(code - SIGNALLED)
        possibly = " or possibly out of memory" if code == SIGNALLED + signal.SIGKILL else ""
        return container_stopped(f" by {name}{possibly}")
    return Fault(
        code=ErrorCode.SUPERVISOR_DIED,
        message=f"the job's container ended with code {code} before the job had ended",
        hint=AGAIN,
        traceback=log or None,
    )


def not_arrived(container: Container | None, log: str) -> DockerError:
    """The error for a container that was started and never asked for its order."""
    if container is None:
        return DockerError(
            "the job's container was removed while it started", hint=AGAIN, code=ErrorCode.CONTAINER_REMOVED
        )
    if container.is_alive:
        return DockerError(
            "the job's container has started, but does nothing", hint=BUILD, code=ErrorCode.IMAGE_INVALID
        )
    if container.is_out_of_memory:
        return DockerError(
            "the job's container has not enough memory to begin with",
            hint="give it more with --memory",
            code=ErrorCode.OOM_KILLED,
        )
    if container.exit_code == NOBODY:
        return DockerError(
            "the job's container sees its files, but not the kernel behind them: the Docker Engine is in a "
            "virtual machine or on another one",
            hint=NEARBY,
        )
    last = log.splitlines()[-1][:300] if log else "it said nothing"
    return DockerError(
        f"the image can't run jobs of this kernel: it ended with code {container.exit_code}: {last}",
        hint=BUILD,
        code=ErrorCode.IMAGE_INVALID,
    )


def fault_of_launch(error: Exception) -> Fault:
    """The fault of a job that could not be started."""
    code = error.code if isinstance(error, DockerError) else ErrorCode.SPAWN_FAILED
    if isinstance(error, NodeToolError):
        return Fault(code=code, message=error.message, hint=error.hint)
    return Fault(
        code=code, message=f"the job's container can't be started: {error}", hint="%nodetool doctor says more"
    )


def unknown(error: DockerError) -> Fault:
    """The fault where the engine can't be asked."""
    said = container_stopped()
    return Fault(
        code=said.code,
        message=f"the job's container has ended, and why can't be told: {error.message}",
        hint=error.hint or said.hint,
    )
