"""NodeTool's TypeMetadata and the rule which output fits which input."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, cast

NUMBERS = frozenset({"int", "float"})


@dataclass(frozen=True, slots=True)
class TypeMetadata:
    """A type as NodeTool writes it: ``{"type": "list", "type_args": [{"type": "str"}]}``.

    ``values`` are an enum's members, ``type_args`` the element types of list, dict, tuple and union.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "ignore"}

    type: str = "any"
    optional: bool = False
    values: tuple[str | int, ...] | None = None
    type_args: tuple[TypeMetadata, ...] = ()
    type_name: str | None = None
    source: dict[str, Any] | None = field(default=None, init=False, compare=False, repr=False)
    """What it was read from, where that was JSON; no part of the type."""

    def __str__(self) -> str:
        text = self._text()
        return f"{text} | none" if self.optional and self.type != "none" else text

    def _text(self) -> str:
        if self.type == "enum" and self.values:
            return f"enum({'|'.join(str(value) for value in self.values)})"
        if self.type_args:
            return f"{self.type}[{', '.join(str(arg) for arg in self.type_args)}]"
        return self.type


ANY = TypeMetadata()


def fits(source: TypeMetadata, target: TypeMetadata) -> bool:
    """Whether a value of type ``source`` may flow into a handle of type ``target``."""
    if "any" in (source.type, target.type):
        return True
    if source.type == "none":
        members = target.type_args if target.type == "union" else ()
        return target.optional or any(arg.type == "none" for arg in (target, *members))
    if source.type == "union":
        return any(fits(arg, target) for arg in source.type_args) or not source.type_args
    if target.type == "union":
        return any(fits(source, arg) for arg in target.type_args) or not target.type_args
    if source.type == "enum" or target.type == "enum":
        return _fits_enum(source, target)
    if source.type in NUMBERS and target.type in NUMBERS:
        return True
    if source.type != target.type:
        return gathers(source, target)
    return _fits_args(source, target)


def gathers(source: TypeMetadata, target: TypeMetadata) -> bool:
    """Whether single values of ``source`` are gathered into a list for ``target``."""
    if target.type != "list" or source.type in ("list", "any", "none"):
        return False
    return not target.type_args or fits(source, target.type_args[0])


def _fits_enum(source: TypeMetadata, target: TypeMetadata) -> bool:
    """Enums fit by value set; a plain str or int may hold a member, which is checked at run time."""
    if source.type == target.type:
        return not source.values or not target.values or set(source.values) <= set(target.values)
    enum, other = (source, target) if source.type == "enum" else (target, source)
    kinds = {"int" if isinstance(value, int) else "str" for value in enum.values or ("",)}
    return other.type in kinds or gathers(source, target)


def _fits_args(source: TypeMetadata, target: TypeMetadata) -> bool:
    if not source.type_args or not target.type_args:
        return True
    if source.type == "tuple" and len(source.type_args) != len(target.type_args):
        return False
    return all(map(fits, source.type_args, target.type_args))


def parse_type(text: str) -> TypeMetadata:
    """Read the short form: ``list[any]``, ``union[int, float]``, ``enum(a|b)``."""
    metadata, rest = _parse(text.strip())
    if rest.strip():
        raise ValueError(f"unexpected {rest!r} in type {text!r}")
    return metadata


def _parse(text: str) -> tuple[TypeMetadata, str]:
    end = next((i for i, c in enumerate(text) if c in "[](,"), len(text))
    name, rest = text[:end].strip(), text[end:]
    if rest.startswith("("):
        values, _, rest = rest[1:].partition(")")
        return TypeMetadata(type=name, values=tuple(values.split("|"))), rest
    args: list[TypeMetadata] = []
    if rest.startswith("["):
        rest = "," + rest[1:]
        while rest.startswith(","):
            arg, rest = _parse(rest[1:].lstrip())
            args.append(arg)
        if not rest.startswith("]"):
            raise ValueError(f"missing ] in type {text!r}")
        rest = rest[1:]
    return TypeMetadata(type=name, type_args=tuple(args)), rest


def type_of_value(value: Any) -> TypeMetadata:
    """The TypeMetadata of a JSON value."""
    if isinstance(value, dict) and isinstance(value.get("type"), str):
        return TypeMetadata(type=cast(str, value["type"]))
    names = {bool: "bool", int: "int", float: "float", str: "str", list: "list", dict: "dict"}
    return TypeMetadata(type="none" if value is None else names.get(type(value), "any"))
