"""GraphBuilder: while a cell's body runs under it, node calls become graph nodes and handles become edges.

Each call is checked as a whole before it adds anything, so a call that fails leaves the graph as it was.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType
from typing import Any

from nodetool_jupyter.adapters import prepare_cell
from nodetool_jupyter.authoring import cell_nodes
from nodetool_jupyter.authoring.handle import Handle, Source, Wire, controller, source_of
from nodetool_jupyter.authoring.inputs import MISSING, Param
from nodetool_jupyter.authoring.nested import as_called, as_json
from nodetool_jupyter.authoring.parts import Box, holds_wires, misfit, prepare
from nodetool_jupyter.engine.nesting import WORKFLOW
from nodetool_jupyter.engine.spec import BUILDING, REQUIRED, NodeSpec, Role
from nodetool_jupyter.errors import CellError, WorkflowError, nearest
from nodetool_jupyter.model.control import CONTROL
from nodetool_jupyter.model.graph import DEFAULT_HANDLE, Edge, Graph, Node, SyncMode
from nodetool_jupyter.model.types import ANY, TypeMetadata

MAX_NODES = 50_000
OUTPUT = "nodetool.output.Output"
RESULT = "result"
CELL_SPECS = {
    cls.__name__: cls.spec()
    for cls in (cell_nodes.MakeList, cell_nodes.MakeTuple, cell_nodes.MakeDict, cell_nodes.Value)
}

_CURRENT: ContextVar[GraphBuilder | None] = ContextVar("nodetool_builder", default=None)


class GraphBuilder:
    """The graph of one cell, as it grows.

    ``filename`` is the name under which the cell's code was compiled, ``lines`` its text: errors find their
    place by them. ``line_of_node``: id → line. ``specs``: the node types used, by name. ``required``: params
    without a default.
    """

    def __init__(self, filename: str = "", lines: Sequence[str] = (), max_nodes: int = MAX_NODES) -> None:
        self.filename = filename
        self.lines = lines
        self.max_nodes = max_nodes
        self.last_line: int | None = None
        self.line_of_node: dict[str, int] = {}
        self.specs: dict[str, NodeSpec] = {}
        self.required: set[str] = set()
        self._nodes: list[Node] = []
        self._edges: list[Edge] = []
        self._counts: dict[str, int] = {}
        self._names: dict[tuple[str, str], int | None] = {}

    @contextmanager
    def activate(self) -> Iterator[None]:
        """Within it, node calls, ``Input`` and ``output`` build this graph."""
        prepare_cell()
        current, building = _CURRENT.set(self), BUILDING.set(self.call)
        try:
            yield
        finally:
            BUILDING.reset(building)
            _CURRENT.reset(current)

    @property
    def has_nodes(self) -> bool:
        """Whether anything was built."""
        return bool(self._nodes)

    def graph(self) -> Graph:
        """The graph so far."""
        return Graph(nodes=tuple(self._nodes), edges=tuple(self._edges))

    def line(self) -> int | None:
        """The line of the cell that runs now; ``last_line`` where its code has ended."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            if frame.f_code.co_filename == self.filename:
                return frame.f_lineno
            frame = frame.f_back
        return self.last_line

    def error(self, message: str, hint: str | None = None) -> CellError:
        """A CellError at the line that runs now."""
        line = self.line()
        text = self.lines[line - 1] if line is not None and line <= len(self.lines) else ""
        return CellError(message, line=line, text=text, hint=hint)

    def call(self, spec: NodeSpec, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Handle:
        """Make a graph node of a call; raises CellError with all that is wrong with it."""
        label = spec.type.rpartition(".")[2]
        known = self.specs.setdefault(spec.type, spec)
        if known is not spec:
            raise self.error(
                f"two different nodes have the type {spec.type}", "give one another name by @node(name=…)"
            )
        if spec.role is Role.WORKFLOW:
            args, kwargs = (), {**dict(zip(spec.inputs, args, strict=False)), **kwargs}
            spec = self._as_called(spec, kwargs)
        parts, problems = self._bind(spec, args, kwargs)
        if problems:
            listed = (
                f" {problems[0]}" if len(problems) == 1 else "".join(f"\n  - {text}" for text in problems)
            )
            raise self.error(f"{label}:{listed}", _takes(label, spec))
        base = _snake(label) if label[:1].isupper() else label
        return self._add(spec.type, base, parts, spec.outputs, declared=spec.inputs)

    def _as_called(self, spec: NodeSpec, kwargs: dict[str, Any]) -> NodeSpec:
        kwargs[WORKFLOW] = as_json(kwargs.get(WORKFLOW))
        try:
            return as_called(spec, kwargs[WORKFLOW])
        except ValueError as error:
            raise self.error(f"Workflow: {WORKFLOW}: {error}", "load_workflow(path) gives one") from None

    def _bind(
        self, spec: NodeSpec, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[dict[str, Any], list[str]]:
        """(input → part, what is wrong)"""
        names = list(spec.inputs)
        given = dict(zip(names, args, strict=False))
        problems = [f"{name} is given twice" for name in given if name in kwargs]
        if len(args) > len(names):
            problems.append(f"it takes {len(names)} inputs, {len(args)} were given")
        given |= kwargs
        parts: dict[str, Any] = {}
        for name, value in given.items():
            problem = self._bind_one(spec, name, value, parts)
            if problem:
                problems.append(problem)
        if CONTROL not in given:  # else the events bring it
            problems += [
                f"{name} ({handle.type}) is missing"
                for name, handle in spec.inputs.items()
                if handle.default is REQUIRED and name not in given
            ]
        return parts, problems

    def _bind_one(self, spec: NodeSpec, name: str, value: Any, parts: dict[str, Any]) -> str | None:
        handle = spec.inputs.get(name)
        if name == CONTROL:
            parts[name] = controller(value)
            return (
                None if isinstance(parts[name], Wire) else f"{CONTROL} takes the node that gives its events"
            )
        if handle is None and not spec.dynamic:
            near = nearest(name, spec.inputs)
            return f"there is no input {name}" + (f"; did you mean {near}?" if near else "")
        part = self.prepare(value)
        problem = misfit(part, handle.type, handle.check) if handle is not None else None
        parts[name] = part
        return f"{name}: {problem}" if problem else None

    def prepare(self, value: Any) -> Any:
        """The part that a value stands for; raises CellError for what can't be in a graph."""
        try:
            return prepare(value, self)
        except ValueError as error:
            raise self.error(str(error)) from None

    def _add(
        self,
        type_name: str,
        base: str,
        parts: Mapping[str, Any],
        outputs: Mapping[str, TypeMetadata],
        *,
        declared: Mapping[str, Any] | None = None,
        sync_mode: SyncMode = "on_any",
    ) -> Handle:
        """Add a node with its edges. ``declared``: the names that are properties; all, if None."""
        wires = {name: self._wire(part) for name, part in parts.items() if holds_wires(part)}
        plain = {name: part for name, part in parts.items() if name not in wires}
        node_id = self._new_id(base)
        own = (
            plain if declared is None else {name: value for name, value in plain.items() if name in declared}
        )
        self._nodes.append(
            Node(
                id=node_id,
                type=type_name,
                data=own,
                dynamic_properties={name: value for name, value in plain.items() if name not in own},
                sync_mode=sync_mode,
            )
        )
        for name, wire in wires.items():
            self._edges.append(
                Edge(
                    id=f"e{len(self._edges) + 1}",
                    source=wire.node_id,
                    sourceHandle=wire.output,
                    target=node_id,
                    targetHandle=name,
                    edge_type="control" if name == CONTROL else "data",
                )
            )
        return Handle(Source(node_id, outputs, self.error, self))

    def _wire(self, part: Wire | Box) -> Wire:
        """A box becomes a node of its own, those inside it first."""
        if isinstance(part, Wire):
            return part
        slots = {f"{cell_nodes.SLOT}{at}": item for at, item in enumerate(part.items) if holds_wires(item)}
        parts: dict[str, Any] = {
            "items": [None if holds_wires(item) else item for item in part.items],
            **slots,
        }
        if part.keys is not None:
            parts["keys"] = part.keys
        spec = CELL_SPECS[part.node_class]
        self.specs[spec.type] = spec
        base = _snake(part.node_class)
        handle = self._add(spec.type, base, parts, spec.outputs, declared=spec.inputs, sync_mode="zip_all")
        return Wire(source_of(handle).node_id, DEFAULT_HANDLE, part.type)

    def _new_id(self, base: str) -> str:
        if len(self._nodes) >= self.max_nodes:
            raise self.error(
                f"the cell makes more than {self.max_nodes:,} nodes",
                "loop inside of a node, or stream the items by nodetool_jupyter.nodes.control.ForEach",
            )
        base = re.sub(r"[^A-Za-z0-9_.:-]", "_", base)[:100] or "node"
        self._counts[base] = number = self._counts.get(base, 0) + 1
        node_id = f"{base}_{number}"
        line = self.line()
        if line is not None:
            self.line_of_node[node_id] = line
        return node_id

    def add_input(self, param: Param) -> Handle:
        """An input node for a param."""
        self._claim("Input", param.name)
        if param.default is MISSING and not param.stream:
            self.required.add(param.name)
        if param.node_type == cell_nodes.ValueInput.node_type():
            self.specs[param.node_type] = cell_nodes.ValueInput.spec()
        return self._add(param.node_type, "input", param.properties(), {DEFAULT_HANDLE: param.type})

    def add_output(self, name: str, value: Any) -> None:
        """An output node. A plain value gets a node of its own: an output gives only what flows into it."""
        part = self.prepare(value)
        self._claim("output", name)
        if not holds_wires(part):
            spec = CELL_SPECS["Value"]
            self.specs[spec.type] = spec
            part = Wire(
                source_of(self._add(spec.type, "value", {"value": part}, spec.outputs)).node_id,
                DEFAULT_HANDLE,
                ANY,
            )
        self._add(OUTPUT, "output", {"name": name, "value": part}, {})

    def add_result(self, value: Any) -> None:
        """The cell's last expression as the output ``result``, unless it is None or an output itself."""
        if value is None or (isinstance(value, Handle) and self._is_output(source_of(value).node_id)):
            return
        self.add_output(RESULT, value)

    def _is_output(self, node_id: str) -> bool:
        node_type = next((node.type for node in self._nodes if node.id == node_id), "")
        spec = self.specs.get(node_type)
        return spec is not None and spec.role in (Role.OUTPUT, Role.PREVIEW, Role.COMMENT)

    def _claim(self, kind: str, name: str) -> None:
        key = (kind, name)
        if key in self._names:
            line = self._names[key]
            where = f" (line {line})" if line is not None else ""
            raise self.error(f"there is an {kind} {name!r} already{where}", "give this one another name")
        self._names[key] = self.line()


def Input(  # noqa: N802 - it stands for a node type, whose names are written so
    name: str,
    type: Any = None,  # noqa: A002 - the words of the user's cell
    default: Any = MISSING,
    *,
    description: str = "",
    min: float | None = None,  # noqa: A002
    max: float | None = None,  # noqa: A002
    options: Sequence[str] | None = None,
    stream: bool = False,
) -> Handle:
    """A param of the workflow that this cell builds.

    ``type`` is a Python type, an annotation such as ``list[int]`` or the name of a NodeTool type; by default
    that of ``default``, else str. Without ``default`` a run must give the param. ``min`` and ``max`` are what
    a form offers for a number, ``options`` the texts to choose from. With ``stream`` the job takes any number
    of values while it runs, by ``job.push_input(name, value)`` until ``job.end_input(name)``.
    """
    builder = _builder("Input")
    default = builder.prepare(default)
    if holds_wires(default):
        raise builder.error(f"Input {name!r}: the default must be a value, not the result of a node")
    try:
        param = Param(name, type, default, description, min, max, options, stream)
    except (ValueError, TypeError) as error:
        raise builder.error(f"Input {name!r}: {error}") from None
    return builder.add_input(param)


def output(**handles: Any) -> None:
    """Name the outputs of the workflow that this cell builds: ``output(title=handle, …)``."""
    builder = _builder("output")
    for name, value in handles.items():
        builder.add_output(name, value)


def _builder(name: str) -> GraphBuilder:
    builder = _CURRENT.get()
    if builder is None:
        raise WorkflowError(
            f"{name}(…) means something only in a %%nodetool cell", hint="put %%nodetool above it"
        )
    return builder


def _takes(label: str, spec: NodeSpec) -> str:
    inputs = [
        f"{name}: {handle.type}" + ("" if handle.default is REQUIRED else " = …")
        for name, handle in spec.inputs.items()
    ]
    return f"it is {label}({', '.join([*inputs, *(['…'] if spec.dynamic else [])])})"


def _snake(name: str) -> str:
    """``ImportCSV`` → ``import_csv``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
