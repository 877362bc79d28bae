"""What a front end asks for: one run of one graph."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from nodetool_jupyter.environment import Bytes
from nodetool_jupyter.model.graph import Graph

LONGEST_PATH = 4096
LONGEST_ID = 256


class ExecutionStrategy(str, Enum):
    """The built-in strategies; the value is the word the user types."""

    THREADED = "threaded"
    SUBPROCESS = "subprocess"
    DOCKER = "docker"


class ResourceLimits(BaseModel):
    """What a job may use. None is no limit; a limit that a strategy can't enforce is refused, never ignored.

    ``memory``, ``file_size``, ``shm`` in bytes; ``cpus`` in cores; ``cpu_seconds``, ``timeout`` in seconds;
    ``gpus`` as Docker writes it (``all``, ``device=0,1``).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    memory: Bytes | None = None
    cpus: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    cpu_seconds: Annotated[int, Field(gt=0)] | None = None
    timeout: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    processes: Annotated[int, Field(gt=0)] | None = None
    open_files: Annotated[int, Field(gt=0)] | None = None
    file_size: Bytes | None = None
    shm: Bytes | None = None
    gpus: str | None = None

    def named(self) -> dict[str, Any]:
        """The limits that are set."""
        return self.model_dump(exclude_none=True)


NO_LIMITS = ResourceLimits()


class Origin(BaseModel):
    """Where a job was asked for: the notebook's path on its machine, the cell's id if it is known, and the
    version of this package in its kernel.
    """

    model_config = ConfigDict(frozen=True, defer_build=True, extra="forbid")

    notebook: Annotated[str, Field(max_length=LONGEST_PATH)]
    cell: Annotated[str, Field(max_length=LONGEST_ID)] = ""
    version: Annotated[str, Field(max_length=LONGEST_ID)] = ""


class RunJobRequest(BaseModel):
    """One run of a graph with its params. ``execution_strategy`` is the enum or the name of a registered
    strategy.
    """

    # The store shows bytes of the graph as base64; what is run never passes through this JSON.
    model_config = ConfigDict(frozen=True, defer_build=True, extra="forbid", ser_json_bytes="base64")

    graph: Graph
    params: dict[str, Any] = Field(default_factory=dict)
    execution_strategy: ExecutionStrategy | str = ExecutionStrategy.THREADED
    resource_limits: ResourceLimits = NO_LIMITS
    workflow_id: str = ""
    name: str = ""
    user_id: str = ""
    origin: Origin | None = None
    options: dict[str, Any] = Field(default_factory=dict)
    """Options only one strategy knows (``image``, ``network``, ``sandbox``, …); it refuses those that it
    doesn't.
    """

    @property
    def strategy(self) -> str:
        """The strategy's name."""
        value = self.execution_strategy
        return value.value if isinstance(value, ExecutionStrategy) else value
