"""What annotations say of a node: its input and output handles, and how it is called. Functions and classes
have the same rules.
"""

from __future__ import annotations

import copy
import inspect
import re
from collections import deque
from collections.abc import Mapping
from typing import Any, NamedTuple, get_type_hints, is_typeddict

from pydantic.fields import FieldInfo

from nodetool_jupyter.engine.annotations import Check, make_check, make_result_check, stream_item, type_of
from nodetool_jupyter.engine.reading import takes_content, when_it_is_here
from nodetool_jupyter.engine.spec import REQUIRED, InputSpec, Shape
from nodetool_jupyter.model.graph import DEFAULT_HANDLE
from nodetool_jupyter.model.types import TypeMetadata

MUTABLE = (list, dict, set, bytearray, deque)
"""Defaults that a node may change: each firing, or instance, has its own."""


def input_spec(name: str, annotation: Any, field: FieldInfo | None, *, streamed: bool = False) -> InputSpec:
    """The input handle of a field or parameter; ``field`` brings default, bounds and description."""
    metadata = type_of(annotation)
    if field is None:
        return InputSpec(name, metadata, make_check(annotation, metadata), streamed=streamed)
    check = make_check(annotation, metadata, field)
    return InputSpec(
        name=name,
        type=metadata,
        check=when_it_is_here(check) if takes_content(annotation) and not streamed else check,
        default=REQUIRED if field.is_required() else default_of(field),
        description=field.description or "",
        minimum=_bound(field, "ge", "gt"),
        maximum=_bound(field, "le", "lt"),
        streamed=streamed,
    )


def default_of(field: FieldInfo) -> Any:
    """A field's default: a new one each time, where it can be changed."""
    if field.default_factory is not None:
        return field.get_default(call_default_factory=True, validated_data={})
    return copy.deepcopy(field.default) if isinstance(field.default, MUTABLE) else field.default


def _bound(field: FieldInfo, *names: str) -> float | None:
    for constraint in field.metadata:
        for name in names:
            if hasattr(constraint, name):
                return float(getattr(constraint, name))
    return None


def shape_of(function: Any) -> Shape:
    """How a function is to be called."""
    if inspect.isasyncgenfunction(function):
        return Shape.ASYNC_GENERATOR
    if inspect.iscoroutinefunction(function):
        return Shape.COROUTINE
    return Shape.GENERATOR if inspect.isgeneratorfunction(function) else Shape.FUNCTION


class Outputs(NamedTuple):
    """Output handles with their types, whether results are dicts by handle, and how to check them."""

    types: dict[str, TypeMetadata]
    routes: bool
    checks: dict[str, Check] | None


def outputs_of(function: Any, names: Mapping[str, Any]) -> Outputs:
    """What the return annotation says."""
    hints = get_type_hints(function, localns=dict(names), include_extras=True)
    annotation = hints.get("return", Any)
    item = stream_item(annotation) if shape_of(function).streams else None
    annotation = annotation if item is None else item
    if is_typeddict(annotation):
        return outputs_by_handle(annotation)
    check = make_result_check(annotation)
    return Outputs(
        {DEFAULT_HANDLE: type_of(annotation)}, False, {DEFAULT_HANDLE: check} if check is not None else None
    )


def outputs_by_handle(dicts: Any) -> Outputs:
    """One output a key of a TypedDict."""
    handles = get_type_hints(dicts, include_extras=True)
    checks = {name: check for name, hint in handles.items() if (check := make_result_check(hint))}
    return Outputs({name: type_of(hint) for name, hint in handles.items()}, True, checks or None)


def title_of(name: str) -> str:
    """``ImportCSV`` → ``Import CSV``; ``fetch_title`` → ``fetch title``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|_+", " ", name).strip()
