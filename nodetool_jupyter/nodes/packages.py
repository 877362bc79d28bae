"""Packages that some families need and the core install leaves out: imported when a node first runs."""

from __future__ import annotations

import importlib
from typing import Any

from nodetool_jupyter.errors import NodeToolError


def need(module: str, package: str, extra: str) -> Any:
    """The module; where it isn't installed, an error that says how to get it."""
    try:
        return importlib.import_module(module)
    except ImportError:
        raise NodeToolError(
            f"this node needs the package {package}",
            hint=f"pip install 'nodetool-jupyter[{extra}]', then restart the kernel",
        ) from None
