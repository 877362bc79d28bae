"""Control events: what a node gives to run another one, along a control edge.

A target runs once for each run event, with its properties for that one run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

CONTROL = "__control__"
"""The handle at which control edges end, and by which a node with named outputs gives its events."""


@dataclass(frozen=True, slots=True)
class RunEvent:
    """Run the target once, with these properties in place of its own."""

    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StopEvent:
    """Run the target no more."""


ControlEvent = RunEvent | StopEvent


def read_event(value: Any) -> ControlEvent:
    """An event, as ours, as NodeTool's or as its JSON; any other dict has the properties of a run event.

    Raises ValueError for what is none of these.
    """
    if isinstance(value, (RunEvent, StopEvent)):
        return value
    is_dict = isinstance(value, Mapping)
    kind = value.get("event_type") if is_dict else getattr(value, "event_type", None)
    if kind == "stop":
        return StopEvent()
    if kind is None and is_dict:
        return _run(value)
    if kind != "run":
        raise ValueError(f"expected a RunEvent or a dict of properties, found {type(value).__name__}")
    return _run(value.get("properties", {}) if is_dict else value.properties)


def _run(properties: Any) -> RunEvent:
    if not (isinstance(properties, Mapping) and all(isinstance(name, str) for name in properties)):
        raise ValueError("a run event's properties are a dict by name")
    return RunEvent(properties)
