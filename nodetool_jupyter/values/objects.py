"""Codecs of enum members, dataclasses, pydantic models and named tuples: fields, and the name of the class.

Reading makes an object of a class that this process already has, by setting its fields; its ``__init__`` and
validators don't run again. No module is ever imported for it.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from enum import Enum, Flag
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from nodetool_jupyter.errors import ValueCrossingError
from nodetool_jupyter.values.base import JSON, Reader, Refused, Writer, marker

if TYPE_CHECKING:
    from nodetool_jupyter.values.walk import Decoder, Encoder


@dataclasses.dataclass(frozen=True, slots=True)
class Unserializable:
    """What is left of a value that couldn't cross: the name of its type and its bounded repr."""

    python_type: str
    repr: str


def find_writer(kind: type) -> Writer | None:
    """The writer of a class of one of these kinds."""
    if issubclass(kind, Enum):
        return write_enum
    if kind is Unserializable:
        return write_unserializable
    if "__dataclass_fields__" in dir(kind):
        return write_dataclass
    if issubclass(kind, BaseModel):
        return write_model
    if issubclass(kind, tuple) and is_named_tuple(kind):
        return write_named_tuple
    return None


def is_named_tuple(kind: type) -> bool:
    fields = getattr(kind, "_fields", None)
    return isinstance(fields, tuple) and all(isinstance(name, str) for name in fields)


def class_of(value: object) -> dict[str, str]:
    """The fields of a marker that name the value's class."""
    kind = type(value)
    if "<locals>" in kind.__qualname__:
        raise Refused(
            f"is of the class {kind.__qualname__}, which only one function knows",
            "define the class at the top level of the notebook or of a module",
        )
    return {"module": str(kind.__module__), "class": kind.__qualname__}


def find_class(decoder: Decoder, json: dict[str, Any], fits: Callable[[type], bool]) -> type:
    """The class that a marker names, if this process has it and it is of the right kind."""
    module, name = json["module"], json["class"]
    found: Any = decoder.classes(module, name) if decoder.classes else None
    if found is None:
        # Not getattr: a module's __getattr__ may import.
        found = vars(sys.modules[module]).get(name.partition(".")[0]) if module in sys.modules else None
        for part in name.split(".")[1:]:
            found = vars(found).get(part) if isinstance(found, type) else None
    if not isinstance(found, type) or not fits(found):
        raise ValueCrossingError(
            f"the value is of the class {module}.{name}, which isn't defined here",
            hint="run the cell that defines it" if module == "__main__" else f"import {module} first",
        )
    return found


def write_enum(encoder: Encoder, value: Enum, depth: int) -> JSON:
    """By its name; of flags, which may be combined, by its value."""
    encoder.size += 150
    inner = encoder.value(value.value, depth + 1) if isinstance(value, Flag) else None
    return marker("enum", "enum", **class_of(value), name=value.name, value=inner)


def read_enum(decoder: Decoder, json: dict[str, Any]) -> Enum:
    cls: Any = find_class(decoder, json, lambda kind: issubclass(kind, Enum))
    if issubclass(cls, Flag):
        flag: Enum = cls(decoder.value(json["value"]))
        return flag
    member: Enum = cls[json["name"]]
    return member


def write_dataclass(encoder: Encoder, value: Any, depth: int) -> JSON:
    encoder.size += 150
    names = [field.name for field in dataclasses.fields(value)]
    fields = {name: getattr(value, name) for name in names if hasattr(value, name)}
    return marker("object", "dataclass", **class_of(value), fields=encoder.fields(fields, depth + 1, value))


def read_dataclass(decoder: Decoder, json: dict[str, Any]) -> Any:
    cls: Any = find_class(decoder, json, dataclasses.is_dataclass)
    value = cls.__new__(cls)
    known = {field.name for field in dataclasses.fields(cls)}
    for name, item in json["fields"].items():
        if name in known:
            object.__setattr__(value, name, decoder.value(item))
    return value


def write_model(encoder: Encoder, value: BaseModel, depth: int) -> JSON:
    """Fields, extra fields and which were set. Private attributes come back with their defaults."""
    encoder.size += 150
    names = type(value).model_fields
    fields = {name: item for name, item in value.__dict__.items() if name in names}
    extra = getattr(value, "__pydantic_extra__", None)
    return marker(
        "object",
        "pydantic",
        **class_of(value),
        fields=encoder.fields(fields, depth + 1, value),
        extra=encoder.value(extra, depth + 1),
        set=sorted(value.model_fields_set),
    )


def read_model(decoder: Decoder, json: dict[str, Any]) -> BaseModel:
    cls: Any = find_class(decoder, json, lambda kind: issubclass(kind, BaseModel))
    private = {name: attribute.get_default() for name, attribute in cls.__private_attributes__.items()}
    private = {name: item for name, item in private.items() if item is not PydanticUndefined}
    value: BaseModel = cls.__new__(cls)
    value.__setstate__(
        {
            "__dict__": {name: decoder.value(item) for name, item in json["fields"].items()},
            "__pydantic_extra__": decoder.value(json["extra"]),
            "__pydantic_fields_set__": set(json["set"]),
            "__pydantic_private__": private if cls.__private_attributes__ else None,
        }
    )
    return value


def write_named_tuple(encoder: Encoder, value: Any, depth: int) -> JSON:
    encoder.size += 150
    items = encoder.items(tuple.__getitem__(value, slice(None)), depth + 1, value)
    return marker("tuple", "namedtuple", **class_of(value), items=items)


def read_named_tuple(decoder: Decoder, json: dict[str, Any]) -> Any:
    cls = find_class(decoder, json, lambda kind: issubclass(kind, tuple) and is_named_tuple(kind))
    return tuple.__new__(cls, decoder.value(json["items"]))


def write_unserializable(encoder: Encoder, value: Unserializable, _depth: int) -> JSON:
    encoder.size += 100 + len(value.repr)
    return marker("unserializable", "unserializable", python_type=value.python_type, repr=value.repr)


def read_unserializable(_decoder: Decoder, json: dict[str, Any]) -> Unserializable:
    return Unserializable(str(json["python_type"]), str(json["repr"]))


READERS: dict[str, Reader] = {
    "enum": read_enum,
    "dataclass": read_dataclass,
    "pydantic": read_model,
    "namedtuple": read_named_tuple,
    "unserializable": read_unserializable,
}
