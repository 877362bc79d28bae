"""A node class of NodeTool's kind as a node type of this engine.

Its properties and outputs become ours; every value that reaches it is what it declares, every value that it
gives is a Python value.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from enum import Enum
from typing import Any
from weakref import WeakKeyDictionary

from nodetool.metadata import type_metadata
from nodetool.metadata.types import BaseType
from nodetool.workflows import base_node
from nodetool.workflows.inbox import MessageEnvelope
from pydantic.fields import FieldInfo

from nodetool_jupyter.adapters.context import InstalledContext
from nodetool_jupyter.adapters.references import to_nodetool, to_python
from nodetool_jupyter.engine.annotations import Check, make_check
from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.handles import input_spec
from nodetool_jupyter.engine.node import NOTEBOOK
from nodetool_jupyter.engine.spec import BUILDING, REQUIRED, InputReader, InputSpec, NodeSpec, Role, Shape
from nodetool_jupyter.errors import WorkflowError
from nodetool_jupyter.model.graph import DEFAULT_HANDLE
from nodetool_jupyter.model.types import ANY, TypeMetadata

ROLES = (
    (base_node.InputNode, Role.INPUT),
    (base_node.OutputNode, Role.OUTPUT),
    (base_node.Comment, Role.COMMENT),
    (base_node.GroupNode, Role.COMMENT),
)
_SPECS: WeakKeyDictionary[type, NodeSpec] = WeakKeyDictionary()


def spec_of(cls: Any) -> NodeSpec:
    """The engine's view of a class; raises WorkflowError where it declares what can't be read."""
    spec = _SPECS.get(cls)
    if spec is None:
        try:
            spec = _make_spec(cls)
        except (ValueError, TypeError, NameError) as error:
            raise WorkflowError(
                f"the node class {cls.__module__}.{cls.__qualname__} can't be used: {error}",
                hint="its fields and outputs must have types that NodeTool knows",
            ) from error
        _SPECS[cls] = spec
    return spec


def _make_spec(cls: Any) -> NodeSpec:
    role = next((role for base, role in ROLES if issubclass(cls, base)), Role.NODE)
    inputs = _inputs(cls)
    declared = {slot.name: _metadata(slot.type) for slot in cls.outputs()}
    streams = cls.is_streaming_output()

    def bind(properties: Mapping[str, Any], dynamic: Mapping[str, Any]) -> _BoundNode:
        return _BoundNode(cls, inputs, properties, dynamic)

    return NodeSpec(
        type=type_of_class(cls),
        title=cls.get_title(),
        description=inspect.cleandoc(cls.__doc__ or ""),
        inputs=inputs,
        outputs=declared or ({} if cls.supports_dynamic_outputs() else {DEFAULT_HANDLE: ANY}),
        shape=Shape.ASYNC_GENERATOR if streams else Shape.COROUTINE,
        bind=bind,
        role=role,
        dynamic=cls.is_dynamic(),
        dynamic_outputs=cls.supports_dynamic_outputs(),
        reads_stream=cls.is_streaming_input() and role is Role.NODE,
        routes=True,
        accept=(lambda _properties, value: value) if role is Role.INPUT else None,
        source=cls,
    )


def type_of_class(cls: Any) -> str:
    """NodeTool's type string; of a class of the notebook, as for our own."""
    name: str = cls.get_node_type()
    return f"{NOTEBOOK}.{name.rpartition('.')[2]}" if cls.__module__ == "__main__" else name


def _inputs(cls: Any) -> dict[str, InputSpec]:
    annotations, fields = cls.field_types(), cls.inherited_fields()
    streamed = cls.is_streaming_input()
    return {
        name: _input(
            name, annotations[name], field, _metadata(base_node.type_metadata(annotations[name])), streamed
        )
        for name, field in fields.items()
    }


def _input(name: str, annotation: Any, field: FieldInfo, metadata: TypeMetadata, streamed: bool) -> InputSpec:
    spec = input_spec(name, annotation, field, streamed=streamed)
    default = spec.default if spec.default is REQUIRED else _plain(spec.default)
    return replace(spec, type=metadata, check=_check(annotation, metadata, field), default=default)


def _check(annotation: Any, metadata: TypeMetadata, field: FieldInfo) -> Check:
    """NodeTool's references from Python values first, then what the annotation says."""
    validate = make_check(annotation, metadata, field)
    return lambda value: validate(to_nodetool(value, metadata))


def _metadata(found: Any) -> TypeMetadata:
    return TypeMetadata(
        type=found.type,
        optional=found.optional,
        values=None if found.values is None else tuple(found.values),
        type_args=tuple(map(_metadata, found.type_args)),
        type_name=found.type_name,
    )


def _declared(kind: TypeMetadata) -> Any:
    """The other way round."""
    return type_metadata.TypeMetadata(
        type=kind.type,
        optional=kind.optional,
        values=None if kind.values is None else list(kind.values),
        type_args=list(map(_declared, kind.type_args)),
        type_name=kind.type_name,
    )


def _plain(default: Any) -> Any:
    if isinstance(default, Enum):
        return default.value
    return default.model_dump() if isinstance(default, BaseType) else default


class _BoundNode:
    """A node of a run; the instance stays for the run, so that it may keep state."""

    def __init__(
        self,
        cls: Any,
        inputs: Mapping[str, InputSpec],
        properties: Mapping[str, Any],
        dynamic: Mapping[str, Any],
    ) -> None:
        is_complete = all(spec.default is not REQUIRED for spec in inputs.values())
        self._node = cls() if is_complete else cls.model_construct()
        self._inputs = inputs
        self._set({**properties, **dynamic})

    def call(self, values: Mapping[str, Any], context: ProcessingContext, reader: InputReader | None) -> Any:
        self._set(values)
        self._node._id = context.node_id
        if reader is not None:
            self._node.attach_inbox(_Inbox(reader, self._inputs))
        adapted = InstalledContext(context)
        return self._stream(adapted) if self._node.is_streaming_output() else self._result(adapted)

    def declare(self, outputs: Mapping[str, TypeMetadata]) -> None:
        """The node has these outputs of its own."""
        self._node._dynamic_outputs = {name: _declared(kind) for name, kind in outputs.items()}

    def _set(self, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            if name in self._inputs:
                setattr(self._node, name, value)
            else:
                self._node._dynamic_properties[name] = to_nodetool(value, ANY)

    async def _result(self, context: InstalledContext) -> dict[str, Any]:
        node = self._node
        try:
            await self._prepare(context)
            async with asyncio.timeout(_seconds(node)):
                result = await node.process(context)
            return await self._routed(result, context)
        finally:
            await self._finalize(context)

    async def _stream(self, context: InstalledContext) -> AsyncIterator[dict[str, Any]]:
        node = self._node
        try:
            await self._prepare(context)
            async for item in node.gen_process(context):
                if not isinstance(item, dict):
                    raise TypeError(
                        f"gen_process gives dicts of output and value, found {type(item).__name__}"
                    )
                # A handle whose value is None has nothing to say in this item.
                given = {name: value for name, value in item.items() if value is not None}
                if given:
                    yield await to_python(given, context)
        finally:
            await self._finalize(context)

    async def _finalize(self, context: InstalledContext) -> None:
        """What goes wrong here hides neither the result nor its error."""
        try:
            await self._node.finalize(context)
        except Exception as error:  # noqa: BLE001 - a package's own code
            context.job.log(f"finalize failed: {type(error).__name__}: {error}", "warning")

    async def _prepare(self, context: InstalledContext) -> None:
        await context.enter()
        await self._node.pre_process(context)
        await self._node.preload_model(context)
        await self._node.move_to_device(context.device)

    async def _routed(self, result: Any, context: InstalledContext) -> dict[str, Any]:
        node = self._node
        names = [slot.name for slot in node.outputs_for_instance()]
        has_handles = names not in ([], [DEFAULT_HANDLE]) or node.supports_dynamic_outputs()
        if has_handles or (names and hasattr(type(node), "OutputType")):
            routed = {} if result is None else result
        else:
            routed = {DEFAULT_HANDLE: result}
        converted = await to_python(routed, context)
        assert isinstance(converted, dict), f"expected a dict of outputs, found {type(result).__name__}"
        return converted


def _seconds(node: Any) -> float | None:
    given = node.get_timeout_seconds()
    return given if given is not None and given > 0 else None


class _Inbox:
    """The engine's inbox, with the methods that NodeTool's nodes read by."""

    def __init__(self, reader: InputReader, inputs: Mapping[str, InputSpec]) -> None:
        self._reader = reader
        self._inputs = inputs

    def _item(self, handle: str, value: Any) -> Any:
        spec = self._inputs.get(handle)
        return to_nodetool(value, ANY if spec is None else spec.type)

    def has_any(self) -> bool:
        return bool(self._reader.connected)

    async def iter_input(self, handle: str) -> AsyncIterator[Any]:
        async for value in self._reader.iter_input(handle):
            yield self._item(handle, value)

    async def iter_any(self) -> AsyncIterator[tuple[str, Any]]:
        async for handle, value in self._reader.iter_any_input():
            yield handle, self._item(handle, value)

    async def iter_input_with_envelope(self, handle: str) -> AsyncIterator[Any]:
        async for value in self.iter_input(handle):
            yield MessageEnvelope(value)

    async def iter_any_with_envelope(self) -> AsyncIterator[tuple[str, Any]]:
        async for handle, value in self.iter_any():
            yield handle, MessageEnvelope(value)


def build_when_called() -> None:
    """Have calls of NodeTool's node classes make graph nodes while a Python cell builds its graph."""
    if base_node.BaseNode.__new__ is not _new:
        base_node.BaseNode.__new__ = _new


def _new(cls: Any, *args: Any, **kwargs: Any) -> Any:
    build = BUILDING.get()
    return object.__new__(cls) if build is None else build(spec_of(cls), args, kwargs)
