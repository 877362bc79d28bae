"""Where a job can run, and within which limits: what a form offers, and why it doesn't offer the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from nodetool_jupyter.authoring.options import BY_FIELD
from nodetool_jupyter.errors import NodeToolError
from nodetool_jupyter.model.request import ResourceLimits
from nodetool_jupyter.settings import Settings
from nodetool_jupyter.strategies.registry import PLANNED, load_strategy, strategy_names

LIMITS: dict[str, tuple[str, str]] = {
    "timeout": ("Timeout", "seconds"),
    "memory": ("Memory", "such as 512m"),
    "cpus": ("Processors", "such as 1.5"),
    "cpu_seconds": ("CPU time", "seconds"),
    "processes": ("Processes", "a number"),
    "open_files": ("Open files", "a number"),
    "file_size": ("File size", "such as 100m"),
    "shm": ("Shared memory", "such as 64m"),
    "gpus": ("GPUs", "all, or device=0"),
}
"""Name in ResourceLimits → its label, and what can be entered."""


@dataclass(frozen=True, slots=True)
class Place:
    """A strategy as a form shows it. ``sentence`` says why it can't be used, where it can't."""

    name: str
    is_available: bool
    sentence: str
    limits: frozenset[str] = frozenset()
    """The limits that it enforces; it refuses all others."""


def places(settings: Settings) -> list[Place]:
    """All strategies that a user may have heard of, the built-in ones first."""
    names = strategy_names()
    return [_place(name, settings) for name in [*names, *sorted(PLANNED.difference(names))]]


def _place(name: str, settings: Settings) -> Place:
    try:
        strategy = load_strategy(name).from_settings(settings)
    except NodeToolError as error:
        return Place(name, False, error.message)
    try:
        found = strategy.fingerprint()
    finally:
        strategy.close(0)
    return Place(name, found.available, found.sentence, strategy.capabilities.limits)


def limit_reason(name: str, place: Place, others: list[Place]) -> str:
    """Why a limit can't be set for a strategy; empty where it can."""
    if name in place.limits:
        return ""
    able = [other.name for other in others if other.is_available and name in other.limits]
    return f"{place.name} can't limit it" + (f"; {' and '.join(able)} can" if able else "")


def read_limits(entries: Mapping[str, str]) -> tuple[ResourceLimits, dict[str, str]]:
    """(The limits that were entered; name → what is wrong with its entry)"""
    given = {name: text.strip() for name, text in entries.items() if text.strip()}
    read: dict[str, Any] = {}
    problems = {}
    for name, text in given.items():
        try:
            option = BY_FIELD.get(name)
            value = option.read(text) if option is not None else text
            read |= ResourceLimits.model_validate({name: value}).named()
        except (ValueError, ValidationError):
            problems[name] = f"give {BY_FIELD[name].accepted if name in BY_FIELD else _accepted(name)}"
    return ResourceLimits(**read), problems


def _accepted(name: str) -> str:
    words = LIMITS[name][1]
    return "whole seconds above 0" if words == "seconds" else "a size above 0" if "such" in words else words
