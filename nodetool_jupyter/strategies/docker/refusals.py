"""What the engine refuses, as our errors with cause and next command. Pure."""

from __future__ import annotations

from typing import Any

from nodetool_jupyter.errors import DockerError, ErrorCode

UNSEEN = ("bind source path does not exist", "is not shared from the host")
"""What the engine says of a run directory that isn't there for it."""
NEARBY = (
    "unset DOCKER_HOST or say docker context use default, run the kernel where the engine runs, or use "
    "--strategy subprocess"
)


class NameTaken(DockerError):
    """There is a container of that name already."""


class NoSuchImage(DockerError):
    """The engine doesn't have the image."""


class NotSeen(DockerError):
    """The engine doesn't see this machine's files, so no job could be given to its containers."""


def refused(what: str, error: Any, code: ErrorCode | None) -> DockerError:
    """The error for an answer that is no."""
    said = said_by(error)
    if error.status_code == 409 and "is already in use" in said:
        return NameTaken(said)
    if any(words in said for words in UNSEEN):
        return NotSeen(
            f"the Docker Engine doesn't see this machine's files, as it is elsewhere ({said})", hint=NEARBY
        )
    return DockerError(
        f"Docker can't {what}: {said}", hint="%nodetool doctor says more", code=code or _code(said)
    )


def _code(said: str) -> ErrorCode:
    is_command = any(
        word in said for word in ("executable file not found", "exec format", "permission denied: unknown")
    )
    return ErrorCode.IMAGE_INVALID if is_command else ErrorCode.DOCKER_UNAVAILABLE


def said_by(error: Any) -> str:
    return str(error.explanation or error).strip()[:1000]


def cause_of(error: BaseException) -> str:
    """The innermost reason, in its own words: docker-py wraps it several times."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return str(getattr(error, "strerror", None) or error)[:300]
