"""Removes containers that no job owns any more.

They exist because a kernel can be killed at any moment: between making and starting a container, or after
its end and before its removal. Only what has our label and our store's word is ever looked at; one whose
run directory is locked is a job that lives; one that is younger than the grace may be just about to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nodetool_jupyter.strategies.docker.client import Container, Engine
from nodetool_jupyter.strategies.docker.spec import FOLDER, JOB_LABEL, PREFIX, STORE_LABEL
from nodetool_jupyter.worker.folder import RunFolder


@dataclass(frozen=True, slots=True)
class Reaped:
    """A container that was removed, or would be."""

    name: str
    job_id: str
    status: str


def is_looked_after(container: Container) -> bool:
    """Whether a supervisor lives in the container: it holds the lock of its job's run directory."""
    for source, target in container.mounts:
        if target == FOLDER:
            try:
                return RunFolder(Path(source)).is_locked()
            except OSError:  # its folder is gone, and with it the job
                return False
    return False


def reap(
    engine: Engine,
    store: str,
    now: float,
    *,
    grace: float,
    dry_run: bool = False,
    is_live: Callable[[Container], bool] = is_looked_after,
) -> list[Reaped]:
    """Remove what is older than ``grace`` seconds and isn't live; gives what that was. Raises DockerError."""
    found = []
    for container in engine.containers(f"{STORE_LABEL}={store}"):
        job_id = container.labels.get(JOB_LABEL, "")
        is_ours = container.labels.get(STORE_LABEL) == store and container.name == f"{PREFIX}{job_id}"
        if not is_ours or now - container.created_at < grace or is_live(container):
            continue
        found.append(Reaped(container.name, job_id, container.status))
        if not dry_run:
            engine.remove(container.name)
    return found
