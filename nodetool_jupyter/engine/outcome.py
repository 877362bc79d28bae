"""How a run ends, as its owner hears of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from nodetool_jupyter.errors import NodeError
from nodetool_jupyter.model.events import Fault


@dataclass(slots=True)
class Outcome:
    """How a run ended. ``outputs`` is ``{output name: [values in order]}``, the values themselves."""

    status: str
    outputs: dict[str, list[Any]] = field(default_factory=dict)
    error: NodeError | None = None
    fault: Fault | None = None
