"""Why a container has ended: each reason with its name, likely cause and next step."""

from __future__ import annotations

import pytest

from nodetool_jupyter.errors import DockerError, ErrorCode
from nodetool_jupyter.model.request import ResourceLimits
from nodetool_jupyter.strategies.docker import ending
from nodetool_jupyter.strategies.docker.facts import Container
from nodetool_jupyter.worker.contained import NOBODY

LIMITS = ResourceLimits(memory=2**29)


def ended(code: int, *, is_out_of_memory: bool = False, status: str = "exited") -> Container:
    return Container("c", status, exit_code=code, is_out_of_memory=is_out_of_memory)


@pytest.mark.parametrize(
    ("container", "code", "words"),
    [
        (None, ErrorCode.CONTAINER_REMOVED, "was removed while it ran"),
        (ended(137, is_out_of_memory=True), ErrorCode.OOM_KILLED, "out of memory of 512 MiB"),
        (ended(137), ErrorCode.CONTAINER_STOPPED, "by SIGKILL or possibly out of memory"),
        (ended(143), ErrorCode.CONTAINER_STOPPED, "by SIGTERM"),
        (ended(255), ErrorCode.HOST_REBOOT, "went down"),
        (ended(0, is_out_of_memory=True), ErrorCode.SUPERVISOR_DIED, "code 0 before the job had ended"),
        (ended(3), ErrorCode.SUPERVISOR_DIED, "code 3"),
    ],
)
def test_without_a_word(container: Container | None, code: ErrorCode, words: str) -> None:
    """Told by what the engine knows. A child that was killed for memory is not the container's end."""
    fault = ending.fault_of(container, LIMITS, "the log")
    assert (fault.code, words in fault.message) == (code, True), fault.message
    assert fault.hint


@pytest.mark.parametrize(
    ("container", "code"),
    [
        (None, ErrorCode.CONTAINER_REMOVED),
        (ended(0, status="running"), ErrorCode.IMAGE_INVALID),
        (ended(137, is_out_of_memory=True), ErrorCode.OOM_KILLED),
        (ended(1), ErrorCode.IMAGE_INVALID),
        (ended(NOBODY), ErrorCode.DOCKER_UNAVAILABLE),
    ],
)
def test_before_it_began(container: Container | None, code: ErrorCode) -> None:
    """The image is to blame, or its memory, or somebody, or that it is on another machine."""
    error = ending.not_arrived(container, "Traceback\nModuleNotFoundError: no pydantic")
    fault = ending.fault_of_launch(error)
    assert (fault.code, bool(fault.hint)) == (code, True)
    if container == ended(1):
        assert "ModuleNotFoundError: no pydantic" in fault.message


def test_an_engine_that_is_silent() -> None:
    """Then the job says what can be said."""
    fault = ending.unknown(DockerError("the Docker Engine doesn't answer: refused", hint="start it"))
    assert (fault.code, fault.hint) == (ErrorCode.CONTAINER_STOPPED, "start it")
    assert ending.fault_of_launch(OSError("no room")).code is ErrorCode.SPAWN_FAILED
