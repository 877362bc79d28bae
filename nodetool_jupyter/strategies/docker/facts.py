"""What the engine knows of containers and images, as plain facts made of its answers. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Container:
    """What the engine knows of a container. Times in seconds since the epoch."""

    name: str
    status: str
    """``created``, ``running``, ``paused``, ``exited``, ``dead``, …"""
    exit_code: int = 0
    is_out_of_memory: bool = False
    error: str = ""
    created_at: float = 0.0
    labels: Mapping[str, str] = field(default_factory=dict)
    mounts: tuple[tuple[str, str], ...] = ()
    """Source and target of each."""

    @property
    def is_alive(self) -> bool:
        """Whether something may run in it."""
        return self.status in ("running", "paused", "restarting", "removing")


@dataclass(frozen=True, slots=True)
class Image:
    """What the engine knows of an image. ``size`` in bytes."""

    id: str
    tags: tuple[str, ...]
    labels: Mapping[str, str]
    created: str
    size: int


@dataclass(frozen=True, slots=True)
class Volume:
    """What the engine knows of a volume. ``created_at`` in seconds since the epoch."""

    name: str
    created_at: float
    labels: Mapping[str, str]


def read_volume(found: Mapping[str, Any]) -> Volume:
    """From an entry of the engine's ``GET /volumes``."""
    created = datetime.fromisoformat(found["CreatedAt"].replace("Z", "+00:00"))
    return Volume(found["Name"], created.timestamp(), found["Labels"] or {})


def read_container(found: Mapping[str, Any]) -> Container:
    """From the engine's ``GET /containers/NAME/json``."""
    state = found["State"]
    return Container(
        name=found["Name"].lstrip("/"),
        status=state["Status"],
        exit_code=state["ExitCode"],
        is_out_of_memory=state["OOMKilled"],
        error=state["Error"],
        created_at=_seconds(found["Created"]),
        labels=found["Config"]["Labels"] or {},
        mounts=_mounts(found["Mounts"]),
    )


def read_listed(found: Mapping[str, Any]) -> Container:
    """From an entry of the engine's ``GET /containers/json``."""
    return Container(
        name=found["Names"][0].lstrip("/") if found["Names"] else found["Id"],
        status=found["State"],
        created_at=float(found["Created"]),
        labels=found["Labels"] or {},
        mounts=_mounts(found["Mounts"]),
    )


def _mounts(found: Iterable[Mapping[str, Any]]) -> tuple[tuple[str, str], ...]:
    return tuple((each.get("Source", ""), each.get("Destination", "")) for each in found)


def _seconds(time: str) -> float:
    """Of the engine's ``2026-01-02T03:04:05.123456789Z``."""
    return datetime.fromisoformat(time[:19] + "+00:00").timestamp()


def read_image(found: Mapping[str, Any]) -> Image:
    """From the engine's ``GET /images/NAME/json``."""
    labels = (found.get("Config") or {}).get("Labels") or {}
    return Image(found["Id"], tuple(found.get("RepoTags") or ()), labels, found["Created"], found["Size"])
