"""Which node types the installed packages of NodeTool have.

A type ``namespace.Class`` stands in the module ``nodetool.nodes.namespace``, so that one module is imported
for it and no other. A name that is no path of Python names is looked for nowhere.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from nodetool_jupyter.engine.spec import NodeSpec
from nodetool_jupyter.errors import WorkflowError

NODES = "nodetool.nodes"
CORE = "nodetool.workflows.base_node"
WORKFLOWS = "nodetool.workflows."


class InstalledNodes:
    """The registry's way to node classes of NodeTool's kind."""

    def find(self, type_name: str) -> NodeSpec | None:
        """The spec of a type; raises WorkflowError where its module is there and can't be imported."""
        prefix = type_name.rpartition(".")[0]
        module_name = _module_of(prefix)
        if module_name is None:
            return None
        _import(prefix, module_name)
        core = sys.modules.get(CORE)
        found = None if core is None else core.NODE_BY_TYPE.get(type_name)
        return None if found is None or found.__module__ != module_name else self.adapted(found)

    def adapted(self, value: object) -> NodeSpec | None:
        """The spec of a node class of NodeTool's kind; None for anything else."""
        core = sys.modules.get(CORE)
        base = getattr(core, "BaseNode", None)  # there is none while another thread still imports it
        if base is None or not (isinstance(value, type) and issubclass(value, base)) or value is base:
            return None
        from nodetool_jupyter.adapters.classes import spec_of

        return spec_of(value)

    def all(self) -> Iterator[NodeSpec]:
        """Every type of the installed packages; raises WorkflowError for those that can't be imported, after
        the others.
        """
        failed: list[str] = []
        for module_name in _modules():
            try:
                module = _import(module_name.removeprefix(f"{NODES}."), module_name)
            except WorkflowError as error:
                failed.append(error.message)
                continue
            own = [
                value for value in vars(module).values() if getattr(value, "__module__", "") == module_name
            ]
            yield from filter(None, map(self._listed, own))
        if failed:
            raise WorkflowError("; ".join(failed))

    def _listed(self, value: Any) -> NodeSpec | None:
        spec = self.adapted(value)
        return spec if spec is not None and value.is_visible() else None


def is_installed(prefix: str) -> bool:
    """Whether an installed package has types that begin with ``prefix``."""
    return _module_of(prefix) is not None


def installed_first(families: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Built-in families, each behind the installed module of its name: where both have a type, that one's."""
    return {
        prefix: (f"{NODES}.{prefix}", *modules) if is_installed(prefix) else modules
        for prefix, modules in families.items()
    }


def prepare_cell() -> None:
    """Before a Python cell is built: node classes of NodeTool's kind that are known by now make nodes there,
    too.
    """
    if hasattr(sys.modules.get(CORE), "GroupNode"):  # its last name: the module is complete
        from nodetool_jupyter.adapters.classes import build_when_called

        build_when_called()


def _module_of(prefix: str) -> str | None:
    if not prefix or not all(part.isidentifier() for part in prefix.split(".")):
        return None
    name = prefix if prefix.startswith(WORKFLOWS) else f"{NODES}.{prefix}"
    try:
        return name if find_spec(name) is not None else None
    except ModuleNotFoundError as error:  # one of the packages above it isn't there
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            return None
        raise _unimportable(prefix, error) from error
    except (ImportError, ValueError) as error:
        raise _unimportable(prefix, error) from error


def _modules() -> list[str]:
    try:
        root = find_spec(NODES)
    except ModuleNotFoundError:
        return []
    folders = () if root is None else root.submodule_search_locations or ()
    return sorted({name for folder in folders for name in _modules_below(Path(folder))})


def _modules_below(folder: Path) -> Iterator[str]:
    """Namespace packages, which have no file of their own, are looked into as well."""
    for path in folder.rglob("*.py"):
        parts = path.relative_to(folder).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        if parts and all(part.isidentifier() for part in parts):
            yield ".".join((NODES, *parts))


def _import(prefix: str, module_name: str) -> Any:
    try:
        return importlib.import_module(module_name)
    except Exception as error:  # whatever a package's own code raises while it is imported
        raise _unimportable(prefix, error) from error


def _unimportable(prefix: str, error: Exception) -> WorkflowError:
    return WorkflowError(
        f"the installed nodes of {prefix} can't be loaded: {type(error).__name__}: {error}",
        hint="pip install 'nodetool-jupyter[nodetool]' and what their package needs, then restart the kernel",
    )
