"""@node: node types written as functions.

The decorated function stays a plain function: only while a Python cell builds its graph does calling it make
a node.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Mapping
from dataclasses import replace
from keyword import iskeyword
from types import FunctionType
from typing import Any, Generic, ParamSpec, TypeVar, get_origin, get_type_hints, overload

from pydantic.fields import FieldInfo

from nodetool_jupyter.engine.annotations import describe, stream_item
from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.handles import MUTABLE, default_of, input_spec, outputs_of, shape_of, title_of
from nodetool_jupyter.engine.node import NOTEBOOK
from nodetool_jupyter.engine.spec import BUILDING, InputReader, InputSpec, NodePolicy, NodeSpec
from nodetool_jupyter.errors import OptionError

P = ParamSpec("P")
R = TypeVar("R")
CONTEXT = "context"
ASYNC_STREAMS = (AsyncIterator, AsyncIterable, AsyncGenerator)
VARIADIC = (
    inspect.Parameter.VAR_POSITIONAL,
    inspect.Parameter.VAR_KEYWORD,
    inspect.Parameter.POSITIONAL_ONLY,
)


class NodeFunction(Generic[P, R]):
    """A function that is a node type too. ``function`` is the function itself, ``spec`` the engine's view."""

    function: Callable[P, R]
    _made_of: tuple[Any, ...]

    def __init__(self, function: Callable[P, R], name: str | None, policy: NodePolicy) -> None:
        self.__setstate__((function, name, policy))
        _ = self.spec  # refuses what can't be a node

    @functools.cached_property
    def spec(self) -> NodeSpec:
        """Made when it is asked for: what is unpickled may be here before all of its function is."""
        return replace(function_spec(*self._made_of), source=self)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        build = BUILDING.get()
        if build is not None:
            return build(self.spec, args, kwargs)  # type: ignore[no-any-return]  # a handle, in a cell
        return self.function(*args, **kwargs)

    def __reduce__(self) -> str | tuple[Any, ...]:
        """By its name where another process can import it, else by what it was made of."""
        module, name = self.function.__module__, self.function.__qualname__
        if not _goes_by_value(module) and getattr(sys.modules.get(module), name, None) is self:
            return name
        function, *rest = self._made_of
        self._made_of = (_with_types(function), *rest)  # kept: a function that calls itself is the same one
        return NodeFunction.__new__, (NodeFunction,), self._made_of

    def __setstate__(self, made_of: tuple[Any, ...]) -> None:
        self._made_of = made_of
        self.function = made_of[0]
        functools.update_wrapper(self, self.function)

    def __repr__(self) -> str:
        return f"<node {self.spec.type}>"


def _goes_by_value(module: str) -> bool:
    """Whether code of a module is pickled as such, since where it goes nobody can import it."""
    cloudpickle = sys.modules.get("cloudpickle")
    return module == "__main__" or (
        cloudpickle is not None and module in cloudpickle.list_registry_pickle_by_value()
    )


def _with_types(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with types for annotations that are texts: pickled code takes along only the names that it
    uses itself.
    """
    if not isinstance(function, FunctionType) or not any(
        isinstance(each, str) for each in function.__annotations__.values()
    ):
        return function
    code, known, name = function.__code__, function.__globals__, function.__name__
    copy = FunctionType(code, known, name, function.__defaults__, function.__closure__)
    functools.update_wrapper(copy, function)
    vars(copy).pop("__wrapped__")
    copy.__kwdefaults__ = function.__kwdefaults__
    copy.__annotations__ = get_type_hints(function, include_extras=True)
    return copy


@overload
def node(function: Callable[P, R]) -> NodeFunction[P, R]: ...


@overload
def node(
    *,
    name: str | None = None,
    timeout: float | None = None,
    retries: int = 0,
    cache: bool = False,
    resources: Any = None,
) -> Callable[[Callable[P, R]], NodeFunction[P, R]]: ...


def node(
    function: Callable[P, R] | None = None,
    *,
    name: Any = None,
    timeout: float | None = None,
    retries: int = 0,
    cache: bool = False,
    resources: Any = None,
) -> NodeFunction[P, R] | Callable[[Callable[P, R]], NodeFunction[P, R]]:
    """Make a function a node type.

    ``def`` runs in the thread pool, ``async def`` on the job's loop; a generator of either kind streams.
    Annotations are the types; a TypedDict return has one handle a key; a parameter ``AsyncIterator[T]`` reads
    its input item by item; a parameter ``context`` gets the ProcessingContext. ``timeout`` in seconds a try,
    ``retries`` after the first, with pauses that double; with ``cache`` its results are kept by the content
    of code and inputs, for all jobs. ``resources`` are what it needs, as ``{"cpu": 2, "memory": "1g",
    "gpu": 1}``: a strategy that doesn't have it refuses the job, and nodes that need the same GPU run one at
    a time. Raises OptionError for what can't be a node.
    """
    if name is not None and not (isinstance(name, str) and name.isidentifier() and not iskeyword(name)):
        raise OptionError(
            f"@node: name is what a function may be called, such as fetch_title; found {describe(name)}"
        )
    if function is not None and not callable(function):
        raise OptionError(
            f"@node is put on a function, found {describe(function)}",
            hint="its options have names: @node(name=…)",
        )
    policy = NodePolicy(timeout, retries, cache, resources)
    if function is not None:
        return NodeFunction(function, name, policy)
    return lambda decorated: NodeFunction(decorated, name, policy)


def function_spec(function: Callable[..., Any], name: str | None, policy: NodePolicy) -> NodeSpec:
    """The engine's view of a function; raises OptionError for parameters that can't be handles."""
    label = name or function.__name__
    inputs, context_name = _inputs(function, label)
    outputs = outputs_of(function, {})
    shape = shape_of(function)

    def bind(properties: Mapping[str, Any], _dynamic: Mapping[str, Any]) -> _BoundFunction:
        made = {name: make for name, make in fresh.items() if name not in properties}
        return _BoundFunction(function, {**fields, **properties}, made, context_name, streamed)

    streamed = tuple(spec.name for spec in inputs.values() if spec.streamed)
    if streamed and shape.blocks:
        raise OptionError(
            f"@node {label}: parameter {streamed[0]} can only be read item by item in an async def",
            hint=f"write async def {label}, or take a list",
        )
    fields, fresh = _defaults(function, inputs)
    return NodeSpec(
        type=f"{_namespace(function)}.{label}",
        title=title_of(label),
        description=inspect.getdoc(function) or "",
        inputs=inputs,
        outputs=outputs.types,
        shape=shape,
        bind=bind,
        reads_stream=bool(streamed),
        wants_context=context_name is not None,
        plain=None if streamed or fields or fresh or context_name is not None else function,
        routes=outputs.routes,
        result_checks=outputs.checks,
        policy=policy,
    )


def _namespace(function: Callable[..., Any]) -> str:
    module = function.__module__ or NOTEBOOK
    return NOTEBOOK if module == "__main__" else module


def _inputs(function: Callable[..., Any], label: str) -> tuple[dict[str, InputSpec], str | None]:
    hints = get_type_hints(function, include_extras=True)
    inputs: dict[str, InputSpec] = {}
    context_name = None
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind in VARIADIC:
            raise OptionError(
                f"@node {label}: parameter {parameter} can't be an input handle",
                hint="give each input a name of its own",
            )
        annotation = hints.get(parameter.name, Any)
        if annotation is ProcessingContext or parameter.name == CONTEXT:
            context_name = parameter.name
            continue
        item = stream_item(annotation)
        if item is not None and (get_origin(annotation) or annotation) not in ASYNC_STREAMS:
            raise OptionError(
                f"@node {label}: parameter {parameter} can't be an input handle",
                hint="take a list, or AsyncIterator[…] in an async def to read item by item",
            )
        field = _checked_field(parameter, label)
        inputs[parameter.name] = input_spec(
            parameter.name, annotation if item is None else item, field, streamed=item is not None
        )
    return inputs, context_name


def _defaults(
    function: Callable[..., Any], inputs: Mapping[str, InputSpec]
) -> tuple[dict[str, Any], dict[str, Callable[[], Any]]]:
    """Defaults that Python itself doesn't pass as they should be: those that are written as
    ``Field(default=…)``, and by how to make them those that a firing may change, so that each has its own.
    """
    fields: dict[str, Any] = {}
    fresh: dict[str, Callable[[], Any]] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        field = _field(parameter)
        if field is None or name not in inputs or field.is_required():
            continue
        if field.default_factory is not None or isinstance(field.default, MUTABLE):
            fresh[name] = functools.partial(default_of, field)
        elif isinstance(parameter.default, FieldInfo):
            fields[name] = field.default
    return fields, fresh


def _checked_field(parameter: inspect.Parameter, label: str) -> FieldInfo | None:
    field = _field(parameter)
    try:
        if field is not None and not field.is_required():
            default_of(field)
    except Exception as error:
        raise OptionError(
            f"@node {label}: the default of {parameter.name} can't be made anew for each firing: {error}",
            hint="make it None, and the value inside of the function",
        ) from error
    return field


def _field(parameter: inspect.Parameter) -> FieldInfo | None:
    if parameter.default is inspect.Parameter.empty:
        return None
    default = parameter.default
    return default if isinstance(default, FieldInfo) else FieldInfo(default=default)


class _BoundFunction:
    """A node function with the properties of one node."""

    __slots__ = ("arguments", "context_name", "fresh", "function", "streamed")

    def __init__(
        self,
        function: Callable[..., Any],
        arguments: Mapping[str, Any],
        fresh: Mapping[str, Callable[[], Any]],
        context_name: str | None,
        streamed: tuple[str, ...],
    ) -> None:
        self.function = function
        self.arguments = arguments
        self.fresh = fresh
        self.context_name = context_name
        self.streamed = streamed

    def call(self, values: Mapping[str, Any], context: Any, reader: InputReader | None) -> Any:
        arguments = {**self.arguments, **values}
        for name, make in self.fresh.items():
            if name not in arguments:
                arguments[name] = make()
        if self.context_name is not None:
            arguments[self.context_name] = context
        if reader is not None:
            for name in self.streamed:
                is_property = name in arguments and name not in reader.connected
                arguments[name] = _once(arguments[name]) if is_property else reader.iter_input(name)
        return self.function(**arguments)


async def _once(value: Any) -> AsyncIterator[Any]:
    """A property in place of a stream."""
    yield value
