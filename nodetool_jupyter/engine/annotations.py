"""Python annotations as NodeTool types, and the check that a value has its type.

Nothing is coerced silently: ``"5"``, ``True`` and ``2.5`` are no int; ``2.0`` is one, and an int is a float.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import datetime
import enum
import operator
import types
import typing
from collections.abc import Callable
from functools import reduce
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError
from pydantic.fields import FieldInfo
from pydantic_core import SchemaError

from nodetool_jupyter.model.control import RunEvent, StopEvent
from nodetool_jupyter.model.types import ANY, TypeMetadata

SCALARS: dict[object, str] = {bool: "bool", int: "int", float: "float", str: "str"}
NAMES: dict[object, str] = {
    **SCALARS,
    Any: "any",
    object: "any",
    None: "none",
    type(None): "none",
    list: "list",
    dict: "dict",
    tuple: "tuple",
    bytes: "bytes",
    datetime.date: "date",
    datetime.datetime: "datetime",
}
OUTER: tuple[Any, ...] = (list, dict, tuple)
FOREIGN = {
    "numpy.ndarray": "np_array",
    "pandas.core.frame.DataFrame": "dataframe",
    "pandas.DataFrame": "dataframe",
    "PIL.Image.Image": "image",
}
STREAMS = (
    collections.abc.AsyncIterator,
    collections.abc.AsyncIterable,
    collections.abc.AsyncGenerator,
    collections.abc.Iterator,
    collections.abc.Iterable,
    collections.abc.Generator,
)
UNCHECKED = (Any, object, typing.NoReturn, typing.Never, typing.Self)
"""Return annotations that no value can miss, or that nothing is ever returned for."""
QUALIFIERS = (typing.Required, typing.NotRequired, typing.Final)
SIMPLE: dict[str, Any] = {
    "bool": bool,
    "int": int,
    "float": float,
    "str": str,
    "bytes": bytes,
    "date": datetime.date,
    "datetime": datetime.datetime,
    "none": None,
}
JSON_TYPES = frozenset(
    {"any", "none", "bool", "int", "float", "str", "list", "dict", "tuple", "union", "enum"}
)


def type_of(annotation: Any) -> TypeMetadata:
    """The NodeTool type of an annotation; a class it doesn't know is ``object`` with its name."""
    if annotation in (Any, object):
        return ANY
    origin = get_origin(annotation)
    if origin is Annotated:
        return _annotated(annotation)
    if origin in QUALIFIERS:
        return type_of(get_args(annotation)[0])
    if origin is Literal:
        return TypeMetadata(type="enum", values=get_args(annotation))
    if origin in (Union, types.UnionType):
        return _union(get_args(annotation))
    if origin in (list, dict, tuple):
        args = tuple(type_of(arg) for arg in get_args(annotation) if arg is not Ellipsis)
        return TypeMetadata(type=NAMES[origin], type_args=args)
    return _class(origin or annotation)


def _annotated(annotation: Any) -> TypeMetadata:
    inner, *extras = get_args(annotation)
    return next((extra for extra in extras if isinstance(extra, TypeMetadata)), None) or type_of(inner)


def _union(args: tuple[Any, ...]) -> TypeMetadata:
    members = [type_of(arg) for arg in args if arg not in (None, type(None))]
    optional = len(members) < len(args)
    if len(members) == 1:
        return dataclasses.replace(members[0], optional=optional or members[0].optional)
    return TypeMetadata(type="union", type_args=tuple(members), optional=optional)


def _class(cls: Any) -> TypeMetadata:
    if cls in NAMES:
        return TypeMetadata(type=NAMES[cls])
    if isinstance(cls, type) and issubclass(cls, enum.Enum):
        return TypeMetadata(type="enum", values=tuple(member.value for member in cls), type_name=cls.__name__)
    if typing.is_typeddict(cls):
        return TypeMetadata(type="dict")
    name = f"{getattr(cls, '__module__', '')}.{getattr(cls, '__qualname__', cls)}"
    known = FOREIGN.get(name)
    return TypeMetadata(type=known) if known else TypeMetadata(type="object", type_name=name)


def annotation_of(metadata: TypeMetadata) -> Any:
    """The Python annotation of a NodeTool type; Any for objects, which only their own class could check."""
    annotation = _annotation(metadata)
    return annotation | None if metadata.optional and annotation not in (Any, None) else annotation


def _annotation(metadata: TypeMetadata) -> Any:
    args = tuple(map(annotation_of, metadata.type_args))
    match metadata.type:
        case "list":
            return list[args[0]] if args else list  # type: ignore[valid-type]
        case "dict":
            return dict[args[0], args[1]] if len(args) == 2 else dict  # type: ignore[valid-type]
        case "tuple":
            return tuple.__class_getitem__(args) if args else tuple
        case "union":
            return Any if not args or Any in args else reduce(operator.or_, args)
        case "enum":
            return Literal[metadata.values] if metadata.values else str
        case name:
            return SIMPLE.get(name, Any)


def stream_item(annotation: Any) -> Any | None:
    """The item's annotation, where ``annotation`` is an iterator or generator type; else None."""
    if (get_origin(annotation) or annotation) not in STREAMS:
        return None
    args = get_args(annotation)
    return args[0] if args else Any


Check = Callable[[Any], Any]


def make_check(annotation: Any, metadata: TypeMetadata, field: FieldInfo | None = None) -> Check:
    """A function that returns the value to use, or raises ValueError saying what was expected and found.

    The pydantic validator is built at the first value that needs it: most values pass by their exact type.
    """
    bounded = field is not None and bool(field.metadata)
    exact = annotation if annotation in SCALARS and not bounded else None
    if metadata.type == "any" and not bounded and annotation in (Any, object):
        return _same
    adapter: TypeAdapter[Any] | None = None

    def check(value: Any) -> Any:
        nonlocal adapter
        if type(value) is exact:
            return value
        if adapter is None:
            adapter = _adapter(annotation, metadata, field)
        return _validate(adapter, metadata, value)

    return check


def make_result_check(annotation: Any) -> Check | None:
    """Likewise for what a node returns; None where there is nothing to check. What has the very class that is
    declared is passed on as it is.
    """
    if get_origin(annotation) in QUALIFIERS:
        annotation = get_args(annotation)[0]
    if annotation in UNCHECKED:
        return None
    origin = get_origin(annotation) or annotation
    if origin in STREAMS:
        return lambda value: _instance(origin, value)
    check = make_check(annotation, type_of(annotation))
    if not isinstance(annotation, type):
        return check
    if annotation is RunEvent:  # the last of them may be a stop event
        return lambda value: value if isinstance(value, (RunEvent, StopEvent)) else check(value)
    return lambda value: value if type(value) is annotation else check(value)


def _instance(cls: Any, value: Any) -> Any:
    if not isinstance(value, cls):
        raise ValueError(f"expected {cls.__name__}, found {describe(value)}")  # noqa: TRY004 - a check's refusal
    return value


def _adapter(annotation: Any, metadata: TypeMetadata, field: FieldInfo | None) -> TypeAdapter[Any]:
    try:
        whole: Any = annotation if field is None else Annotated[annotation, field]
        return TypeAdapter(whole, config=_config(annotation))
    except (PydanticUserError, SchemaError):
        # Before Python 3.12 pydantic refuses typing's TypedDict, and always a Protocol that can't be asked by
        # isinstance: then what is inside goes unchecked.
        return TypeAdapter(next((cls for cls in OUTER if NAMES[cls] == metadata.type), Any))


def _same(value: Any) -> Any:
    return value


def _config(annotation: Any) -> Any:
    """Foreign classes are checked by isinstance; pydantic allows no config where the type brings its own."""
    own = isinstance(annotation, type) and (
        issubclass(annotation, BaseModel)
        or dataclasses.is_dataclass(annotation)
        or typing.is_typeddict(annotation)
    )
    return None if own else {"arbitrary_types_allowed": True}


def _validate(adapter: TypeAdapter[Any], metadata: TypeMetadata, value: Any) -> Any:
    if metadata.type in SCALARS.values() and type(value).__module__ == "numpy" and hasattr(value, "item"):
        value = value.item() if value.ndim == 0 else value  # numpy's own numbers are numbers
    if metadata.type == "int" and type(value) is float and value.is_integer():
        value = int(value)
    try:
        return adapter.validate_python(value, strict=True)
    except ValidationError as error:
        if _is_json_type(metadata):
            raise ValueError(explain(error, metadata, value)) from None
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        raise ValueError(explain(error, metadata, value)) from None


def _is_json_type(metadata: TypeMetadata) -> bool:
    """Whether strict validation has the last word: enums and objects may be written as JSON and need
    converting.
    """
    if metadata.type == "enum":
        return metadata.type_name is None
    return metadata.type in JSON_TYPES and all(map(_is_json_type, metadata.type_args))


def explain(error: ValidationError, metadata: TypeMetadata, value: Any) -> str:
    """``expected int, found str 'five'``; for a value inside a list or dict, where it stands."""
    first = error.errors(include_url=False, include_context=False)[0]
    reason = first["msg"]
    if first["type"].endswith(("_type", "_parsing", "_error")) or metadata.type == "union":
        reason = ""
    place = (
        "".join(f"[{part!r}]" for part in first["loc"] if isinstance(part, int))
        if metadata.type != "union"
        else ""
    )
    found = first["input"] if place else value
    expected = (metadata.type_name or "").rpartition(".")[2] if metadata.type == "object" else ""
    text = f"expected {expected or metadata}, found {describe(found)}{f' at {place}' if place else ''}"
    custom = first["msg"].removeprefix("Value error, ") if first["type"] == "value_error" else ""
    return custom or (f"{text}: {reason}" if reason else text)


def describe(value: Any, limit: int = 60) -> str:
    """``str 'five'``: type and bounded repr of a value; a large container is only named."""
    name = type(value).__name__
    if value is None:
        return "None"
    if isinstance(value, str):
        return f"{name} {value[:limit]!r}{'…' if len(value) > limit else ''}"
    if isinstance(value, int) and value.bit_length() > 4 * limit:
        return name  # Python refuses to write very long ones
    if isinstance(value, (bool, int, float)) and len(shown := repr(value)) <= limit:
        return f"{name} {shown}"
    return name
