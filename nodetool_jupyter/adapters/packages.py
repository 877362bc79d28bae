"""Which installed packages the nodes of a graph come from, for a machine that doesn't have them yet.

Asked of what pip has written down; nothing is imported for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from importlib.metadata import distribution, packages_distributions, version

from nodetool_jupyter.adapters.installed import CORE, NODES
from nodetool_jupyter.engine.spec import NodeSpec
from nodetool_jupyter.errors import WorkflowError

CORE_PACKAGE = "nodetool-core"


def packages_of(specs: Iterable[NodeSpec]) -> dict[str, list[str]]:
    """``name==version`` of each package that node classes of NodeTool's kind need → their types. Raises
    WorkflowError for a class whose module no package has.
    """
    found: dict[str, list[str]] = {}
    for spec in specs:
        if _is_nodetools(spec.source):
            for package in dict.fromkeys((_core(), *_package_of(spec.source.__module__))):
                found.setdefault(package, []).append(spec.type)
    return found


def canonical(name: str) -> str:
    """A package's name as all its spellings have it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _is_nodetools(source: object) -> bool:
    """Whether it is a node class of NodeTool's kind, its own or the notebook's."""
    return isinstance(source, type) and any(base.__module__ == CORE for base in source.__mro__)


@cache
def _core() -> str:
    return f"{CORE_PACKAGE}=={version(CORE_PACKAGE)}"


def _package_of(module: str) -> list[str]:
    """The package that has a module of nodes; none for classes of a notebook, which go along with it."""
    if not module.startswith(f"{NODES}."):
        return []
    path = module.replace(".", "/")
    for name in packages_distributions().get("nodetool", ()):
        files = {str(file) for file in distribution(name).files or ()}
        if files & {f"{path}.py", f"{path}/__init__.py"}:
            return [f"{canonical(name)}=={version(name)}"]
    raise WorkflowError(
        f"the nodes of {module.removeprefix(f'{NODES}.')} are in no package that pip has installed, "
        "so they can't be put into an image",
        hint="install their package by pip, or run with --strategy subprocess",
    )
