"""Authored workflow + options → RunJobRequest, with the params as their input nodes take them.

The strategy's name and limits aren't judged here: the strategy does that, before anything starts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from nodetool_jupyter.authoring.cell import Authored
from nodetool_jupyter.authoring.documents import DocumentError, parse_json
from nodetool_jupyter.authoring.options import CellOptions
from nodetool_jupyter.engine.annotations import describe
from nodetool_jupyter.engine.spec import NodeSpec, Role
from nodetool_jupyter.errors import OptionError, WorkflowError, nearest
from nodetool_jupyter.model.graph import Graph, Node
from nodetool_jupyter.model.request import ExecutionStrategy, ResourceLimits, RunJobRequest
from nodetool_jupyter.model.types import ANY, TypeMetadata, parse_type

Lookup = Callable[[str], NodeSpec | None]
"""Type name → node type, as ``Registry.get``."""

LIMITS = ("memory", "cpus", "timeout", "gpus")
STRATEGY_OPTIONS = ("image", "network", "sandbox", "trust")
WORDS = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}
ACCEPTED = {
    "int": "a whole number, such as 5",
    "float": "a number, such as 2.5",
    "bool": "true or false",
    "list": "a list as JSON, such as '[1, \"two\"]'",
    "dict": "an object as JSON, such as '{\"a\": 1}'",
    "tuple": "a list as JSON",
}


@dataclass(frozen=True, slots=True)
class InputNode:
    """A node of the graph that takes a param."""

    node: Node
    spec: NodeSpec

    @property
    def name(self) -> str:
        """The param's name."""
        return str(self.node.data.get("name", ""))

    @property
    def type(self) -> TypeMetadata:
        """The type of the param."""
        declared = self.node.data.get("type_name")
        if isinstance(declared, str):
            return parse_type(declared)
        value = self.spec.inputs.get("value")
        return value.type if value is not None else ANY


def input_nodes(graph: Graph, lookup: Lookup) -> dict[str, InputNode]:
    """Param name → the input node that takes it, in graph order."""
    specs: dict[str, NodeSpec | None] = {}
    found: dict[str, InputNode] = {}
    for node in graph.nodes:
        if node.type not in specs:
            specs[node.type] = lookup(node.type)
        spec = specs[node.type]
        if spec is not None and spec.role is Role.INPUT:
            taken = InputNode(node, spec)
            if taken.name:
                found.setdefault(taken.name, taken)
    return found


def build_request(
    authored: Authored,
    options: CellOptions,
    lookup: Lookup,
    *,
    defaults: CellOptions | None = None,
    params: Mapping[str, Any] | None = None,
    user_id: str = "",
) -> RunJobRequest:
    """The request for one run. ``params`` are typed values, which options of the same name override.

    Raises OptionError for an unknown, missing or unfit param; WorkflowError where there is no graph.
    """
    if authored.graph is None:
        raise WorkflowError("there is nothing to run: the cell made no nodes")
    chosen = options.over(defaults or CellOptions())
    inputs = input_nodes(authored.graph, lambda name: authored.specs.get(name) or lookup(name))
    typed = _read_params({**(params or {}), **(chosen.params or {})}, chosen, inputs)
    missing = sorted(name for name in authored.required if name not in typed)
    if missing:
        name = missing[0]
        kind = inputs[name].type if name in inputs else ANY
        raise OptionError(
            f"{', '.join(map(repr, missing))} must be given: {name} is a param ({kind}) without a default",
            hint=f"add -p {name}=…, or give Input({name!r}, …) a default",
        )
    return RunJobRequest(
        graph=authored.graph,
        params=typed,
        execution_strategy=_strategy(chosen.strategy),
        resource_limits=ResourceLimits(**{name: getattr(chosen, name) for name in LIMITS}),
        workflow_id=authored.workflow_id,
        name=chosen.name or authored.name,
        user_id=user_id,
        options={name: value for name in STRATEGY_OPTIONS if (value := getattr(chosen, name)) is not None},
    )


def _strategy(name: str | None) -> ExecutionStrategy | str:
    if name is None:
        return ExecutionStrategy.THREADED
    try:
        return ExecutionStrategy(name)
    except ValueError:
        return name


def _read_params(
    values: Mapping[str, Any], options: CellOptions, inputs: Mapping[str, InputNode]
) -> dict[str, Any]:
    """All params by name, those of -p last; each is known and fits its input node."""
    params = dict(values)
    texts = set()
    for param in options.param or ():
        params[param.name] = param.value
        if param.is_text:
            texts.add(param.name)
    for name in params:
        if name not in inputs:
            raise _unknown(name, inputs)
    return {name: _read_param(inputs[name], value, name in texts) for name, value in params.items()}


def _unknown(name: str, inputs: Mapping[str, InputNode]) -> OptionError:
    if not inputs:
        return OptionError(
            f"there is no param {name!r}: this workflow has no input nodes",
            hint='Input("name", type, default) makes one in a cell',
        )
    near = nearest(name, inputs)
    known = ", ".join(f"{known} ({taken.type})" for known, taken in inputs.items())
    return OptionError(
        f"there is no param {name!r}; there {'is' if len(inputs) == 1 else 'are'} {known}",
        hint=f"did you mean {near!r}?" if near else None,
    )


def _read_param(taken: InputNode, value: Any, is_text: bool) -> Any:
    """The value for one input node, after that node has accepted it; raises OptionError naming both."""
    try:
        return check_param(taken, value, is_text=is_text)
    except (ValueError, TypeError) as error:
        shown = repr(value) if is_text else describe(value)
        raise OptionError(
            f"param {taken.name!r} can't be {shown}: {error}",
            hint=f"node {taken.node.id} ({taken.spec.type}) takes {accepted_by(taken)}",
        ) from None


def check_param(taken: InputNode, value: Any, *, is_text: bool) -> Any:
    """The param that an input node gets, from a value or a text; ValueError or TypeError if it refuses it."""
    read = read_text(value, taken.type) if is_text else value
    spec = taken.spec.inputs.get("value")
    checked = spec.check(read) if spec is not None else read
    if taken.spec.accept is not None:
        taken.spec.accept(_properties(taken), checked)
    return read


def accepted_by(taken: InputNode) -> str:
    """What an input node takes, in words."""
    return ACCEPTED.get(taken.type.type, f"a value of type {taken.type}")


def _properties(taken: InputNode) -> dict[str, Any]:
    """The input node's properties as far as they can be used; the plan reports the others."""
    properties = {}
    for name, value in taken.node.data.items():
        spec = taken.spec.inputs.get(name)
        if spec is not None and name != "value":
            try:
                properties[name] = spec.check(value)
            except ValueError:
                continue
    return properties


def read_text(text: str, kind: TypeMetadata) -> Any:
    """The text of ``-p name=text`` as a value of type ``kind``; raises ValueError."""
    if kind.optional and text.lower() in ("none", "null", ""):
        return None
    match kind.type:
        case "int":
            return _integer(text)
        case "float":
            return _number(text)
        case "bool":
            return _truth(text)
        case "list" | "dict" | "tuple":
            found = _json(text)
            return tuple(found) if kind.type == "tuple" and isinstance(found, list) else found
        case "str" | "enum" | "date" | "datetime":
            return _choice(text, kind)
        case _:
            return _json_or_text(text)


def _json_or_text(text: str) -> Any:
    try:
        return _json(text)
    except ValueError:
        return text


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError("expected int, found a text that is no whole number") from None


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError("expected float, found a text that is no finite number")
    return number


def _truth(text: str) -> bool:
    if text.lower() not in WORDS:
        raise ValueError("expected bool, found a text that is neither true nor false")
    return WORDS[text.lower()]


def _choice(text: str, kind: TypeMetadata) -> Any:
    """The member of an enum that a text names; any other text as it is."""
    return next((value for value in kind.values or () if str(value) == text), text)


def _json(text: str) -> Any:
    try:
        document = parse_json(text)
    except DocumentError as error:
        raise ValueError(f"expected JSON: {error}") from None
    if document.flaws:
        raise ValueError(f"it {document.flaws[0].message}")
    return document.value
