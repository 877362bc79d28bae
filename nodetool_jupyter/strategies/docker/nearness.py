"""Whether an engine sees this machine's files, asked before the first job: one that answers at a socket of
this machine may be in a virtual machine, or in a container of its own. What it says of a run directory that
only this machine has is certain; nothing runs for it.
"""

from __future__ import annotations

import secrets
from dataclasses import replace

from nodetool_jupyter.strategies.docker.client import Engine
from nodetool_jupyter.strategies.docker.prewarmed import AHEAD, PREFIX, remove_folder
from nodetool_jupyter.strategies.docker.spec import ContainerSpec
from nodetool_jupyter.worker.folder import RunFolder


def check_nearness(engine: Engine, spec: ContainerSpec) -> None:
    """Make a container like the job's, with a folder beside the job's, and remove both; the reaper knows them
    as one that was started ahead. Raises NotSeen, NoSuchImage, DockerError.
    """
    name = secrets.token_hex(8)
    folder = RunFolder(spec.directory.with_name(f"{PREFIX}{name}"))
    folder.make()
    try:
        probe = replace(spec, job_id=f"{AHEAD}{name}", directory=folder.path)
        engine.remove(engine.create(probe.name, probe.to_config()))
    finally:
        remove_folder(folder.path)
