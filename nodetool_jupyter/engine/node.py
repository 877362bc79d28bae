"""BaseNode: node types written as classes, NodeTool's way.

A subclass has typed fields (its input handles) and ``process`` (one result) or ``gen_process`` (a stream of
results).
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, cast, get_type_hints, is_typeddict

from pydantic import BaseModel, ConfigDict, PrivateAttr
from pydantic.fields import FieldInfo

from nodetool_jupyter.engine.annotations import Check, make_check, type_of
from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.handles import (
    MUTABLE,
    Outputs,
    default_of,
    input_spec,
    outputs_by_handle,
    outputs_of,
    shape_of,
    title_of,
)
from nodetool_jupyter.engine.reading import Reader, takes_content
from nodetool_jupyter.engine.spec import (
    BUILDING,
    NO_POLICY,
    InputReader,
    InputSpec,
    NodePolicy,
    NodeSpec,
    Role,
)
from nodetool_jupyter.model.graph import POLICY_FIELDS
from nodetool_jupyter.model.types import TypeMetadata

if TYPE_CHECKING:
    from pydantic._internal._model_construction import ModelMetaclass  # it has no public name
else:
    ModelMetaclass = type(BaseModel)

NODETOOL_MODULES = "nodetool.nodes."
NOTEBOOK = "notebook"
KEYWORDS = frozenset(
    {"prefix", "role", "dynamic", "dynamic_outputs", "streaming_input", "passes", *POLICY_FIELDS}
)


class NodeMeta(ModelMetaclass):
    """Lets a class be called in a Python cell to make a graph node."""

    def __new__(mcs, name: str, bases: tuple[Any, ...], names: dict[str, Any], **keywords: Any) -> Any:
        has_own = "model_post_init" in names  # pydantic puts one of its own there
        made: Any = super().__new__(mcs, name, bases, names, **keywords)
        if has_own:
            made._is_plain = False
        return made

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        build = BUILDING.get()
        if build is not None:
            return build(cast("type[BaseNode]", cls).spec(), args, kwargs)
        return super().__call__(*args, **kwargs)


class BaseNode(BaseModel, metaclass=NodeMeta):
    """Base of node classes. Class keywords, all inherited but ``abstract``:

    ``prefix`` (first part of the type string; by default from the module), ``role``, ``dynamic`` (takes
    handles that aren't declared; their values are in ``dynamic_properties``), ``dynamic_outputs`` (a graph
    node may declare outputs of its own, which are in ``self.dynamic_outputs``: results are dicts by handle),
    ``streaming_input`` (reads its inputs itself by ``iter_input``), ``passes`` (streams, but at most one
    value for each that comes in), ``timeout`` (seconds a try), ``retries``, ``cache`` (results are shared by
    content between jobs), ``abstract`` (a base of other nodes, not a node type).
    """

    model_config = ConfigDict(defer_build=True, arbitrary_types_allowed=True, extra="forbid")

    _keywords: ClassVar[dict[str, Any]] = {}
    _abstract: ClassVar[bool] = True
    _is_plain: ClassVar[bool] = True
    """Whether an instance is no more than its fields, so that it can be copied."""
    _spec: ClassVar[NodeSpec | None] = None
    _dynamic_properties: dict[str, Any] = PrivateAttr(default_factory=dict)
    _reader: InputReader | None = PrivateAttr(default=None)
    _dynamic_outputs: ClassVar[Mapping[str, TypeMetadata]] = MappingProxyType({})
    """A node that has some has them in its ``__dict__``: all others pay nothing for it."""

    def __init_subclass__(cls, *, abstract: bool = False, **keywords: Any) -> None:
        super().__init_subclass__()
        wrong = {name for name in keywords if name not in KEYWORDS and name not in ConfigDict.__annotations__}
        if wrong:
            raise TypeError(
                f"{cls.__name__}: unknown class keyword {min(wrong)!r}; known are {sorted(KEYWORDS)}"
            )
        cls._keywords = {
            **cls._keywords,
            **{name: value for name, value in keywords.items() if name in KEYWORDS},
        }
        cls._policy()  # what is wrong in it is said where the class is written
        cls._abstract = abstract
        cls._spec = None

    def process(self, context: ProcessingContext) -> Any:
        """In a subclass ``async``, or ``def`` to run in the thread pool. Compute the result: one value, or
        with a TypedDict return annotation a dict with one value a handle.
        """
        raise NotImplementedError(f"{type(self).__name__} has neither process nor gen_process")

    def accept(self, value: Any) -> Any:
        """For an input node: the value to use for a job's param, or ValueError saying why not."""
        return value

    @property
    def dynamic_properties(self) -> dict[str, Any]:
        """Values of the undeclared handles of a dynamic node."""
        return self._dynamic_properties

    @property
    def dynamic_outputs(self) -> Mapping[str, TypeMetadata]:
        """The outputs that this graph node has beside those of its type."""
        return self._dynamic_outputs

    def iter_input(self, handle: str) -> AsyncIterator[Any]:
        """The values that arrive at one handle, until its end."""
        return self._inputs().iter_input(handle)  # type: ignore[no-any-return]

    async def recv(self, handle: str) -> Any:
        """The next value that arrives at one handle; raises StopAsyncIteration at its end."""
        async with aclosing(self._inputs().iter_input(handle)) as values:
            return await anext(values)

    def iter_any_input(self) -> AsyncIterator[tuple[str, Any]]:
        """(handle, value) as they arrive, until the end of all."""
        return self._inputs().iter_any_input()  # type: ignore[no-any-return]

    def is_connected(self, handle: str) -> bool:
        """Whether something is connected to a handle of this node, which reads its inputs itself."""
        return handle in self._inputs().connected

    def _inputs(self) -> InputReader:
        if self._reader is None:
            raise RuntimeError(f"{type(self).__name__} must have streaming_input=True to read its inputs")
        return self._reader

    @classmethod
    def _policy(cls) -> NodePolicy:
        found = {name: cls._keywords[name] for name in POLICY_FIELDS if name in cls._keywords}
        return NodePolicy(**found) if found else NO_POLICY

    @classmethod
    def node_type(cls) -> str:
        """The type string, such as ``nodetool.text.Concat``."""
        name = cls.__name__.removesuffix("Node") or cls.__name__
        prefix = cls._keywords.get("prefix")
        if prefix is None:
            module = cls.__module__
            prefix = NOTEBOOK if module == "__main__" else module.removeprefix(NODETOOL_MODULES)
        return f"{prefix}.{name}"

    @classmethod
    def spec(cls) -> NodeSpec:
        """The engine's view of this class, made at first use."""
        if cls._spec is None:
            cls._spec = _class_spec(cls)
        return cls._spec


class _BoundClass:
    """A node class with the values of one node; the instance stays for the run, so a node may keep state."""

    __slots__ = ("instance", "method")

    def __init__(self, instance: BaseNode, method: str) -> None:
        self.instance = instance
        self.method = getattr(instance, method)

    def declare(self, outputs: Mapping[str, TypeMetadata]) -> None:
        """The node has these outputs of its own."""
        self.instance.__dict__["_dynamic_outputs"] = outputs

    def call(self, values: Mapping[str, Any], context: Any, reader: InputReader | None) -> Any:
        fields = type(self.instance).__pydantic_fields__
        own = self.instance.__dict__
        for name, value in values.items():
            if name in fields:
                own[name] = value
            else:
                self.instance.dynamic_properties[name] = value
        if reader is not None:
            self.instance._reader = reader
        return self.method(context)


class _ReadingClass(_BoundClass):
    """Likewise of a node that may read what references refer to."""

    __slots__ = ("_reader",)

    def __init__(self, instance: BaseNode, method: str, reader: Reader) -> None:
        super().__init__(instance, method)
        self._reader = reader

    def call(self, values: Mapping[str, Any], context: Any, reader: InputReader | None) -> Any:
        return self._reader.call(values, context, lambda read: _BoundClass.call(self, read, context, reader))


class _Mold:
    """Makes instances as ``model_construct`` does, in a third of its time: what that finds out anew is known
    from the first one.
    """

    def __init__(self, cls: type[BaseNode]) -> None:
        self._class = cls
        self._first: BaseNode | None = None
        self._fresh: dict[str, FieldInfo] = {}
        shared = BaseNode.__private_attributes__
        own = [attribute for name, attribute in cls.__private_attributes__.items() if name not in shared]
        self._is_plain = cls._is_plain and not any(
            attribute.default_factory is not None or isinstance(attribute.default, MUTABLE)
            for attribute in own
        )

    def make(self, properties: Mapping[str, Any], dynamic: Mapping[str, Any]) -> BaseNode:
        """A new instance; each has its own defaults where these can be changed."""
        cls = self._class
        if not self._is_plain:
            made = cls.model_construct(**properties)
            made._dynamic_properties = dict(dynamic)
            return made
        first = self._first
        if first is None:
            self._fresh = {name: field for name, field in cls.__pydantic_fields__.items() if _is_fresh(field)}
            first = self._first = cls.model_construct()
        values = {**first.__dict__, **properties}
        for name, field in self._fresh.items():
            if name not in properties:
                values[name] = default_of(field)
        made = cls.__new__(cls)
        fill(made, "__dict__", values)
        fill(made, "__pydantic_fields_set__", {*properties})
        fill(made, "__pydantic_extra__", None)
        private = {**(first.__pydantic_private__ or {}), "_dynamic_properties": dict(dynamic)}
        fill(made, "__pydantic_private__", private)
        return made


fill = object.__setattr__


def _is_fresh(field: FieldInfo) -> bool:
    return field.default_factory is not None or isinstance(field.default, MUTABLE)


def _class_spec(cls: type[BaseNode]) -> NodeSpec:
    keywords = cls._keywords
    method = "gen_process" if hasattr(cls, "gen_process") else "process"
    function = getattr(cls, method)
    outputs = _outputs(cls, function)
    is_stream = method == "gen_process"  # it gives dicts by handle, whatever its annotation says of them

    checks = _content_checks(cls)
    shape = shape_of(function)

    mold = _Mold(cls)

    def bind(properties: Mapping[str, Any], dynamic: Mapping[str, Any]) -> _BoundClass:
        instance = mold.make(properties, dynamic)
        if not (checks or shape.blocks):
            return _BoundClass(instance, method)
        return _ReadingClass(instance, method, Reader(shape, checks, properties))

    def accept(properties: Mapping[str, Any], value: Any) -> Any:
        return cls.model_construct(**properties).accept(value)

    role = Role(keywords.get("role", Role.NODE))
    return NodeSpec(
        type=cls.node_type(),
        title=title_of(cls.__name__.removesuffix("Node") or cls.__name__),
        description=inspect.cleandoc(cls.__doc__ or ""),
        inputs=_field_inputs(cls),
        outputs=outputs.types,
        shape=shape,
        bind=bind,
        role=role,
        dynamic=bool(keywords.get("dynamic")),
        dynamic_outputs=bool(keywords.get("dynamic_outputs")),
        reads_stream=bool(keywords.get("streaming_input")),
        passes=bool(keywords.get("passes")),
        routes=outputs.routes or is_stream,
        result_checks=None if is_stream and not outputs.routes else outputs.checks,
        policy=cls._policy(),
        accept=accept if role is Role.INPUT else None,
        source=cls,
    )


def _outputs(cls: type[BaseNode], function: Any) -> Outputs:
    """By the return annotation, else by an inner ``OutputType``, NodeTool's way."""
    outputs = outputs_of(function, vars(cls))
    inner = getattr(cls, "OutputType", None)
    if outputs.routes:
        return outputs
    if is_typeddict(inner):
        return outputs_by_handle(inner)
    return Outputs({}, True, None) if cls._keywords.get("dynamic_outputs") else outputs


def _field_inputs(cls: type[BaseNode]) -> dict[str, InputSpec]:
    hints = get_type_hints(cls, localns=vars(cls), include_extras=True)
    streamed = bool(cls._keywords.get("streaming_input"))
    return {
        name: input_spec(name, hints[name], field, streamed=streamed)
        for name, field in cls.__pydantic_fields__.items()
    }


def _content_checks(cls: type[BaseNode]) -> dict[str, Check]:
    """How to check the inputs that take content, once it is here."""
    if cls._keywords.get("streaming_input"):
        return {}  # it takes what arrives as it arrives
    hints = get_type_hints(cls, localns=vars(cls), include_extras=True)
    return {
        name: make_check(hints[name], type_of(hints[name]), field)
        for name, field in cls.__pydantic_fields__.items()
        if takes_content(hints[name])
    }
