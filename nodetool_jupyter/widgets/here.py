"""The notebook around: its shell, its node types, the cell that runs; its Python's ``run`` and ``submit``.

Outside of IPython there is none of it, and all goes on without.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from nodetool_jupyter.environment import read_notebook_path
from nodetool_jupyter.job import Job
from nodetool_jupyter.model.peers import version_here
from nodetool_jupyter.model.request import LONGEST_ID, LONGEST_PATH, Origin, ResourceLimits
from nodetool_jupyter.session import Session, Source, get_session, read_limits


def shell_here() -> Any:
    """IPython's shell, if this process has one."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None


def session_here() -> Session:
    """The session, with the node types of the notebook as they are now."""
    session = get_session()
    shell = shell_here()
    if shell is not None:
        session.registry.add_namespace(dict(shell.user_ns))
    return session


def origin_here() -> Origin | None:
    """The notebook and the cell that runs now, as far as the front end says; the cell by its id."""
    path, shell = read_notebook_path(), shell_here()
    if shell is None or path is None or len(path) > LONGEST_PATH:
        return None
    parent: dict[str, Any] = getattr(shell, "get_parent", dict)()
    cell = parent.get("metadata", {}).get("cellId", "")
    known = cell if isinstance(cell, str) and len(cell) <= LONGEST_ID else ""
    return Origin(notebook=path, cell=known, version=version_here())


def submit(
    source: Source, params: Mapping[str, Any] | None = None, *, strategy: str | None = None, **options: Any
) -> Job:
    """Start a workflow and return its Job at once.

    ``options`` are ``name``, the limits of ResourceLimits (``timeout=60``, ``memory="512m"``) and what the
    strategy knows. Raises before anything runs: OptionError, InvalidGraph, UnknownStrategy,
    StrategyUnavailable, UnsupportedLimit.
    """
    name = options.pop("name", None)
    wanted = {key: options.pop(key) for key in list(options) if key in ResourceLimits.model_fields}
    return session_here().submit(
        source,
        params,
        strategy=strategy,
        name=name,
        limits=read_limits(wanted),
        options=options,
        origin=origin_here(),
    )


def run(
    source: Source, params: Mapping[str, Any] | None = None, *, strategy: str | None = None, **options: Any
) -> Job:
    """``submit``, then wait for the end; gives the completed Job and raises for one that did not complete."""
    job = submit(source, params, strategy=strategy, **options)
    try:
        job.result()
    except KeyboardInterrupt:
        job.cancel()
        job.wait()
        raise
    return job
