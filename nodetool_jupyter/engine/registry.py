"""Node type name → its spec. A family of the library is imported when a type of its is first asked for."""

from __future__ import annotations

import difflib
import importlib
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from types import ModuleType
from typing import Protocol, TypeGuard

from nodetool_jupyter.engine.function import NodeFunction
from nodetool_jupyter.engine.node import NOTEBOOK, BaseNode
from nodetool_jupyter.engine.spec import NodeSpec
from nodetool_jupyter.errors import WorkflowError, is_near, nearest

ENTRY_POINTS = "nodetool_jupyter.nodes"
OURS = "nodetool_jupyter."


class OtherNodes(Protocol):
    """Node types that aren't made by this engine's own classes and functions."""

    def find(self, type_name: str) -> NodeSpec | None: ...

    def adapted(self, value: object) -> NodeSpec | None: ...

    def all(self) -> Iterable[NodeSpec]: ...


class Registry:
    """All node types that a run can use. Thread-safe; a lookup of a known type takes no lock.

    ``families`` maps the first part of type strings to the modules that define them. Where a prefix isn't
    known, installed packages are asked by the entry point group ``nodetool_jupyter.nodes`` (name: prefix,
    value: module).
    """

    def __init__(
        self,
        families: Mapping[str, tuple[str, ...]],
        package_of: Callable[[str], str | None] = lambda _type: None,
        others: OtherNodes | None = None,
    ) -> None:
        self.others = others
        """Asked for what the families don't have."""
        self.package_of = package_of
        """Which package has a type that is not known here."""
        self._families = dict(families)
        self._specs: dict[str, NodeSpec] = {}
        self._loaded: set[str] = set()
        self.missing: dict[str, str] = {}
        """Families that could not be imported when all were asked for, and why."""
        self._asked_packages = False
        self._lock = threading.RLock()

    @property
    def families(self) -> Mapping[str, tuple[str, ...]]:
        """The modules of each prefix, for a registry in another process."""
        return self._families

    def add(self, spec: NodeSpec) -> None:
        """Make a node type known; a type of the same name is replaced, as redefining a function does."""
        self._specs[spec.type] = spec

    def add_namespace(self, names: Mapping[str, object]) -> None:
        """Make the nodes of a notebook known: node functions and classes among a namespace's values."""
        for value in list(names.values()):
            if isinstance(value, NodeFunction):
                self.add(value.spec)
            elif isinstance(value, type) and value.__module__ == "__main__":
                spec = self._class_spec(value)
                if spec is not None:
                    self.add(spec)

    def extended(self, specs: Iterable[NodeSpec]) -> Registry:
        """A registry that knows what this one does, and ``specs`` in place of types of the same name."""
        more = Registry(self._families, self.package_of, self.others)
        more._specs = {**self._specs, **{spec.type: spec for spec in specs}}
        more._loaded = set(self._loaded)
        return more

    def get(self, type_name: str) -> NodeSpec | None:
        """The spec of a type, or None."""
        spec = self._specs.get(type_name)
        if spec is not None:
            return spec
        with self._lock:
            self._load_family_of(type_name)
            spec = self._specs.get(type_name)
            if spec is None and self.others is not None:
                spec = self.others.find(type_name)
                if spec is not None:
                    self._specs[type_name] = spec
            return spec

    def spec_of(self, source: object) -> NodeSpec:
        """The node type that a function or class is; raises WorkflowError for what is neither."""
        if isinstance(source, NodeFunction):
            return source.spec
        spec = self._class_spec(source)
        if spec is None:
            raise WorkflowError(f"{type(source).__name__} is no node type")
        return spec

    def _class_spec(self, value: object) -> NodeSpec | None:
        if _is_node_class(value):
            return value.spec()
        return None if self.others is None else self.others.adapted(value)

    def all(self) -> list[NodeSpec]:
        """Every known type, sorted; imports all families. One that can't be imported is in ``missing``."""
        with self._lock:
            self._ask_packages()
            for prefix in list(self._families):
                try:
                    self._load(prefix)
                except WorkflowError as error:
                    self.missing[prefix] = error.message
            self._load_others()
        return sorted(self._specs.values(), key=lambda spec: spec.type)

    def _load_others(self) -> None:
        try:
            for spec in () if self.others is None else self.others.all():
                self._specs.setdefault(spec.type, spec)
        except WorkflowError as error:
            self.missing["installed packages"] = error.message

    def suggest(self, type_name: str) -> str | None:
        """A known type that the user may have meant; imports no more than the family it is looked for in."""
        prefix, _, name = type_name.rpartition(".")
        family = nearest(prefix, self._families)
        with suppress(WorkflowError):
            self.get(f"{family}.{name}" if family else type_name)
        close = difflib.get_close_matches(type_name, list(self._specs), n=5, cutoff=0.7)
        return next((known for known in close if _is_meant(prefix, name, known)), None)

    def _load_family_of(self, type_name: str) -> None:
        prefix = type_name.rpartition(".")[0]
        if prefix not in self._families and prefix != NOTEBOOK:
            self._ask_packages()
        self._load(prefix)

    def _ask_packages(self) -> None:
        if self._asked_packages:
            return
        from importlib.metadata import entry_points

        for point in entry_points(group=ENTRY_POINTS):
            self._families.setdefault(point.name, (point.value,))
        self._asked_packages = True

    def _load(self, prefix: str) -> None:
        for module_name in self._families.get(prefix, ()):
            if module_name not in self._loaded:
                for spec in self._specs_in(_import(prefix, module_name)):
                    self._specs.setdefault(spec.type, spec)
                self._loaded.add(module_name)

    def _specs_in(self, module: ModuleType) -> list[NodeSpec]:
        """What a module of a family has; it may be another package's, with node classes of its own kind."""
        others = self.others
        if others is None or module.__name__.startswith(OURS):
            return module_specs(module)
        own = [
            value for value in vars(module).values() if getattr(value, "__module__", "") == module.__name__
        ]
        return [*module_specs(module), *filter(None, map(others.adapted, own))]


def _is_meant(prefix: str, name: str, known: str) -> bool:
    """Whether both parts are near, or the name is that of a type in another family."""
    known_prefix, _, known_name = known.rpartition(".")
    if is_near(prefix, known_prefix):
        return is_near(name, known_name)
    return len(name) >= 4 and name.lower() == known_name.lower()


def _import(prefix: str, module_name: str) -> ModuleType:
    try:
        return importlib.import_module(module_name)
    except ImportError as error:
        raise WorkflowError(
            f"the nodes of {prefix} can't be loaded: {error}",
            hint=f"{_installation(module_name, error)}, then restart the kernel",
        ) from error


def _installation(module_name: str, error: ImportError) -> str:
    """How to get what is missing: a package of nodes may say so in INSTALL, by what it imports."""
    package = sys.modules.get(module_name.rpartition(".")[0])
    known: Mapping[str, str] = getattr(package, "INSTALL", {})
    missing = (error.name or "").partition(".")[0]
    return known.get(missing, f"install what module {module_name} needs")


def module_specs(module: ModuleType) -> list[NodeSpec]:
    """The node types that a module defines."""
    found = []
    for value in vars(module).values():
        if isinstance(value, NodeFunction) and value.function.__module__ == module.__name__:
            found.append(value.spec)
        elif _is_node_class(value) and value.__module__ == module.__name__ and not value._abstract:
            found.append(value.spec())
    return found


def _is_node_class(value: object) -> TypeGuard[type[BaseNode]]:
    return isinstance(value, type) and issubclass(value, BaseNode) and value is not BaseNode
