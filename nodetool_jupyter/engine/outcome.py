"""How a run ends, as its owner hears of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import time
from typing import Any

from nodetool_jupyter.errors import NodeError
from nodetool_jupyter.model.events import Fault, JobUpdate


@dataclass(slots=True)
class Outcome:
    """How a run ended. ``outputs`` is ``{output name: [values in order]}``, the values themselves."""

    status: str
    outputs: dict[str, list[Any]] = field(default_factory=dict)
    error: NodeError | None = None
    fault: Fault | None = None
    message: str | None = None
    """Why it was suspended."""

    def update(self, duration: float) -> JobUpdate:
        """The run's last message."""
        fault = self.fault
        return JobUpdate(
            status=self.status,
            message=self.message,
            error=fault.message if fault else None,
            traceback=fault.traceback if fault else None,
            fault=fault,
            duration=duration,
            timestamp=time(),
        )
