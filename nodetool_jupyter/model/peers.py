"""Processes that share a store tell each other who they are: kernels, programs and the Jupyter server."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class VersionWarning(UserWarning):
    """Kernel and server are of releases that don't fit together."""


class Peer(BaseModel):
    """One of them. A later version may tell more of itself, and is understood by this one."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    version: Annotated[str, Field(pattern=r"^[\w.+-]{1,40}$")]
    is_server: bool = False


@cache
def version_here() -> str:
    """This package's."""
    return version("nodetool-jupyter")


def differ(one: str, other: str) -> bool:
    """Whether two versions are of different releases."""
    return one.split(".")[:2] != other.split(".")[:2]
