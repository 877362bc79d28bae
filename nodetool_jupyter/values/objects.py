"""Codecs of enum members, dataclasses, pydantic models and named tuples: fields, and the name of the class.

Reading makes an object of a class that this process already has, by setting its fields; its ``__init__`` and
validators don't run again. No module is ever imported for it. A parametrized pydantic model, such as
``Page[Item]``, goes by the names of the model and of its parameters.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from enum import Enum, Flag
from functools import cached_property
from types import GenericAlias
from typing import TYPE_CHECKING, Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import ModelPrivateAttr
from pydantic_core import PydanticUndefined

from nodetool_jupyter.errors import ValueCrossingError
from nodetool_jupyter.values.base import JSON, MAX_ITEMS, Reader, Refused, Writer, is_marker, marker

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


def class_of(encoder: Encoder, kind: Any) -> dict[str, JSON]:
    """The fields of a marker that name a class."""
    named = encoder.classes.get(kind)
    if named is None:
        named = encoder.classes[kind] = _name(encoder, kind)
    return named


def _name(encoder: Encoder, kind: Any) -> dict[str, JSON]:
    generic = getattr(kind, "__pydantic_generic_metadata__", None) or {"origin": None}
    origin = generic["origin"] or get_origin(kind)
    if origin is not None:
        args = generic["args"] if generic["origin"] else get_args(kind)
        return {**class_of(encoder, origin), "args": [class_of(encoder, arg) for arg in args]}
    if not isinstance(kind, type) or kind is type(None):
        shown = str(kind)[:100]
        raise Refused(f"is of a class with the parameter {shown}", "name it: class PageOfX(Page[X]): ...")
    module, name = str(kind.__module__), kind.__qualname__
    if not _is_known(encoder, kind, module, name):
        raise Refused(
            f"is of the class {name}, which only one function knows",
            "define the class at the top level of the notebook or of a module",
        )
    return {"module": module, "class": name}


def _is_known(encoder: Encoder, kind: type, module: str, name: str) -> bool:
    """Whether a class can be found by its name, which it may have from a place that it was pickled in.

    The classes of a notebook's top level need not be in the ``__main__`` of its workers, nor those of modules
    beside it in any module of a container's, and one that was defined again since has another in its place: a
    pickle is exact, a name will do.
    """
    found = _lookup(module, name)
    if found is kind or encoder.is_exact:
        return found is kind
    is_elsewhere = module == "__main__" or module not in sys.modules
    return isinstance(found, type) or (is_elsewhere and "<locals>" not in name)


def classes_of(json: JSON) -> set[tuple[str, str]]:
    """Module and qualified name of each class that ``decode`` will need for what ``encode`` wrote.

    Those of values in files are told by the markers that refer to the files; no file is read.
    """
    found: set[tuple[str, str]] = set()
    waiting: list[JSON] = [json]
    for _ in range(MAX_ITEMS):
        if not waiting:
            return found
        part = waiting.pop()
        if is_marker(part):
            found.update((name[0], name[1]) for name in part.get("classes", ()))
            named = [part] if "class" in part else []
            for each in named:
                found.add((each["module"], each["class"]))
                named.extend(each.get("args", ()))
        if type(part) is dict:
            waiting.extend(item for item in part.values() if type(item) in (dict, list))
        elif type(part) is list:
            waiting.extend(item for item in part if type(item) in (dict, list))
    raise ValueCrossingError(f"the value has more than {MAX_ITEMS:,} parts")


def find_class(decoder: Decoder, json: dict[str, Any], fits: Callable[[type], bool]) -> type:
    """The class that a marker names, if this process has it and it is of the right kind."""
    found: type = _find(decoder, json)
    if not fits(found):
        raise ValueCrossingError(
            f"the class {json['module']}.{json['class']} isn't of the kind that the value needs",
            hint="run the cell that defines it again, with the class that the value was made with",
        )
    return found


def _find(decoder: Decoder, json: dict[str, Any]) -> Any:
    module, name = json["module"], json["class"]
    if not isinstance(module, str) or not isinstance(name, str):
        raise TypeError("a class is named by texts")
    found: Any = decoder.classes(module, name) if decoder.classes else None
    found = _lookup(module, name) if found is None else found
    if not isinstance(found, type):
        raise ValueCrossingError(
            f"the value is of the class {module}.{name}, which isn't defined here",
            hint="run the cell that defines it" if module == "__main__" else f"import {module} first",
        )
    if "args" not in json:
        return found
    args = tuple(_find(decoder, arg) for arg in json["args"])
    generic: Any = found
    return generic[args] if issubclass(found, BaseModel) else GenericAlias(found, args)


def _lookup(module: str, name: str) -> Any:
    # Not getattr: a module's __getattr__ may import.
    found: Any = vars(sys.modules[module]).get(name.partition(".")[0]) if module in sys.modules else None
    for part in name.split(".")[1:]:
        found = vars(found).get(part) if isinstance(found, type) else None
    return found


def write_enum(encoder: Encoder, value: Enum, depth: int) -> JSON:
    """By its name; of flags, which may be combined, by its value."""
    encoder.size += 150
    inner = encoder.value(value.value, depth + 1) if isinstance(value, Flag) else None
    return marker("enum", "enum", **class_of(encoder, type(value)), name=value.name, value=inner)


def read_enum(decoder: Decoder, json: dict[str, Any]) -> Enum:
    cls: Any = find_class(decoder, json, lambda kind: issubclass(kind, Enum))
    if issubclass(cls, Flag):
        flag: Enum = cls(decoder.value(json["value"]))
        return flag
    member: Enum = cls[json["name"]]
    return member


def write_dataclass(encoder: Encoder, value: Any, depth: int) -> JSON:
    """Fields, and what else its methods have set on it."""
    encoder.size += 150
    kind = type(value)
    if _has_content(kind):
        hint = "make what it holds a field, instead of deriving from a built-in class"
        raise Refused(f"is of the class {kind.__qualname__}, a dataclass with content of its own", hint)
    names = [field.name for field in dataclasses.fields(value)]
    fields = {name: getattr(value, name) for name in names if hasattr(value, name)}
    kept = getattr(value, "__dict__", {})
    more = {name: item for name, item in kept.items() if name not in fields and _is_state(kind, name)}
    return marker(
        "object",
        "dataclass",
        **class_of(encoder, kind),
        fields=encoder.fields(fields, depth + 1, value),
        **({"more": encoder.fields(more, depth + 1, value)} if more else {}),
    )


def _has_content(kind: type) -> bool:
    """Whether a class derives from a built-in one, such as list or Exception, with content beside fields."""
    return any(base.__module__ == "builtins" and base is not object for base in kind.__mro__)


def _is_state(kind: type, name: str) -> bool:
    """Whether an attribute can't be worked out again."""
    return not name.startswith("__") and not isinstance(getattr(kind, name, None), cached_property)


def read_dataclass(decoder: Decoder, json: dict[str, Any]) -> Any:
    cls = find_class(decoder, json, dataclasses.is_dataclass)
    value: Any = object.__new__(cls)
    known = {field.name for field in dataclasses.fields(cls)}
    for name, item in json["fields"].items():
        if name in known:
            object.__setattr__(value, name, decoder.value(item))
    for name, item in json.get("more", {}).items():
        if _is_state(cls, name):
            value.__dict__[name] = decoder.value(item)
    return value


def write_model(encoder: Encoder, value: BaseModel, depth: int) -> JSON:
    """Fields, extra fields and which were set, and those private attributes that can cross."""
    encoder.size += 150
    names = type(value).model_fields
    fields = {name: item for name, item in value.__dict__.items() if name in names}
    extra = getattr(value, "__pydantic_extra__", None)
    return marker(
        "object",
        "pydantic",
        **class_of(encoder, type(value)),
        fields=encoder.fields(fields, depth + 1, value),
        extra=encoder.value(extra, depth + 1),
        set=sorted(value.model_fields_set),
        private=_write_private(encoder, value, depth + 1),
    )


def _write_private(encoder: Encoder, value: BaseModel, depth: int) -> dict[str, JSON]:
    """Connections and locks are private as a rule: they are made anew, with their defaults."""
    done: dict[str, JSON] = {}
    for name, item in (value.__pydantic_private__ or {}).items():
        try:
            done[name] = encoder.value(item, depth + 1)
        except Refused as refusal:
            if refusal.is_bound:
                raise
    return done


def read_model(decoder: Decoder, json: dict[str, Any]) -> BaseModel:
    cls: Any = find_class(decoder, json, lambda kind: issubclass(kind, BaseModel))
    fields = {name: decoder.value(item) for name, item in json["fields"].items()}
    private, kept = {}, json.get("private", {})
    for name, attribute in cls.__private_attributes__.items():
        item = decoder.value(kept[name]) if name in kept else _default(attribute, fields)
        if item is not PydanticUndefined:
            private[name] = item
    value: BaseModel = cls.__new__(cls)
    value.__setstate__(
        {
            "__dict__": fields,
            "__pydantic_extra__": decoder.value(json["extra"]),
            "__pydantic_fields_set__": set(json["set"]),
            "__pydantic_private__": private if cls.__private_attributes__ else None,
        }
    )
    return value


def _default(attribute: ModelPrivateAttr, fields: dict[str, Any]) -> Any:
    """What a private attribute begins with; whether get_default makes it depends on pydantic's version."""
    factory: Any = attribute.default_factory
    if factory is None:
        return attribute.get_default()
    return factory(fields) if getattr(attribute, "default_factory_takes_validated_data", False) else factory()


def write_named_tuple(encoder: Encoder, value: Any, depth: int) -> JSON:
    encoder.size += 150
    items = encoder.items(tuple.__getitem__(value, slice(None)), depth + 1, value)
    return marker("tuple", "namedtuple", **class_of(encoder, type(value)), items=items)


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
