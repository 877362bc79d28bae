"""Removes containers that no job owns any more.

They exist because a kernel can be killed at any moment: between making and starting a container, or after
its end and before its removal. Only what has our label and our store's word is ever looked at; one whose job
has its exit record is needed by nobody; one whose run directory is locked is a job that lives; any other that
is younger than the grace may be just about to live.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from nodetool_jupyter.strategies.docker.client import Engine
from nodetool_jupyter.strategies.docker.facts import Container
from nodetool_jupyter.strategies.docker.prewarmed import AHEAD, remove_container
from nodetool_jupyter.strategies.docker.spec import FOLDER, JOB_LABEL, PREFIX, STORE_LABEL
from nodetool_jupyter.worker.folder import EXIT, RunFolder


@dataclass(frozen=True, slots=True)
class Reaped:
    """A container that was removed, or would be."""

    name: str
    job_id: str
    status: str


class Care(StrEnum):
    """What a container's run directory says of its job."""

    LIVES = "lives"
    """A supervisor holds the lock."""
    ENDED = "ended"
    UNKNOWN = "unknown"
    """It has not begun, or was killed, or its folder is gone."""


def care_of(container: Container) -> Care:
    """Whether a supervisor lives in the container, or has told its job's end."""
    for source, target in container.mounts:
        if target == FOLDER:
            folder = RunFolder(Path(source))
            try:
                if folder.read_record(EXIT):  # first: its supervisor may be about to leave
                    return Care.ENDED
                return Care.LIVES if folder.is_locked() else Care.UNKNOWN
            except OSError:
                return Care.UNKNOWN
    return Care.UNKNOWN


def reap(
    engine: Engine,
    store: str,
    now: float,
    *,
    grace: float,
    dry_run: bool = False,
    care_of: Callable[[Container], Care] = care_of,
) -> list[Reaped]:
    """Remove what has ended, and what is older than ``grace`` seconds without a life; gives what that was.

    Raises DockerError.
    """
    found = []
    for container in engine.containers(f"{STORE_LABEL}={store}"):
        job_id = container.labels.get(JOB_LABEL, "")
        # One that was started ahead is called after its job once that has run for a moment.
        name = container.name if job_id.startswith(AHEAD) else f"{PREFIX}{job_id}"
        is_ours = container.labels.get(STORE_LABEL) == store and container.name == name
        if not is_ours or (care := care_of(container)) is Care.LIVES:
            continue
        if care is Care.UNKNOWN and now - _changed(container) < grace:
            continue
        found.append(Reaped(container.name, job_id, container.status))
        if not dry_run:
            remove_container(engine, container)
    return found


def _changed(container: Container) -> float:
    """When it was made, or its run directory was last written to: a job may have taken it just now."""
    times = [container.created_at]
    for source, target in container.mounts:
        if target == FOLDER:
            with suppress(OSError):
                times.append(Path(source).stat().st_mtime)
    return max(times)
