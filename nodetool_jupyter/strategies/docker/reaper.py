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
from nodetool_jupyter.strategies.docker.spec import FOLDER, FOLDER_LABEL, JOB_LABEL, PREFIX, STORE_LABEL
from nodetool_jupyter.worker.ferry import MARK
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
    directory = directory_of(container)
    if directory is None:
        return Care.UNKNOWN
    folder = RunFolder(directory)
    try:
        if folder.read_record(EXIT):  # first: its supervisor may be about to leave
            return Care.ENDED
        is_awaited = container.is_alive and FOLDER_LABEL in container.labels and folder.read_record(MARK)
        return Care.LIVES if is_awaited or folder.is_locked() else Care.UNKNOWN
    except OSError:
        return Care.UNKNOWN


def directory_of(container: Container) -> Path | None:
    """The run directory of its job, on this machine."""
    if FOLDER_LABEL in container.labels:
        return Path(container.labels[FOLDER_LABEL])
    return next((Path(source) for source, target in container.mounts if target == FOLDER), None)


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
    label = f"{STORE_LABEL}={store}"
    found, containers = [], engine.containers(label)
    for container in containers:
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
    used = {container.name for container in containers}
    for volume in engine.volumes(label):
        if volume.name not in used and now - volume.created_at >= grace:
            found.append(Reaped(volume.name, volume.labels.get(JOB_LABEL, ""), "its volume alone"))
            if not dry_run:
                engine.remove_volume(volume.name)
    return found


def _changed(container: Container) -> float:
    """When it was made, or its run directory was last written to: a job may have taken it just now."""
    times = [container.created_at]
    for source, target in container.mounts:
        if target == FOLDER:
            with suppress(OSError):
                times.append(Path(source).stat().st_mtime)
    return max(times)
