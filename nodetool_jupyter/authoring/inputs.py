"""Params of a Python cell: the input node, with its properties, that ``Input(name, type, default)`` means."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from nodetool_jupyter.engine.annotations import annotation_of, make_check, type_of
from nodetool_jupyter.engine.params import STREAM
from nodetool_jupyter.model.types import TypeMetadata, parse_type


class _Missing:
    def __repr__(self) -> str:
        return "no default"


MISSING: Any = _Missing()
"""An Input without a default: a run must give the param."""

NODE_TYPES = {
    "str": "nodetool.input.StringInput",
    "int": "nodetool.input.IntegerInput",
    "float": "nodetool.input.FloatInput",
    "bool": "nodetool.input.BooleanInput",
}
SELECT = "nodetool.input.SelectInput"
OTHER = "nodetool_jupyter.authoring.ValueInput"
# NodeTool's own bounds, 0 and 99999, would hide most numbers from a form; all JSON readers know these.
WIDEST: dict[str, Any] = {"int": 2**53 - 1, "float": sys.float_info.max}


@dataclass(frozen=True, slots=True)
class Param:
    """What the user declared. Making one raises ValueError, with a sentence, for parts that don't fit."""

    name: str
    annotation: Any = None
    default: Any = MISSING
    description: str = ""
    min: float | None = None
    max: float | None = None
    options: Sequence[str] | None = None
    stream: bool = False
    type: TypeMetadata = field(init=False)

    def __post_init__(self) -> None:
        if type(self.name) is not str or not self.name.strip():
            raise ValueError("an Input needs a name that is a text")
        if self.stream and self.default is not MISSING:
            raise ValueError("a stream has no default: it begins with the param, where a run gives one")
        annotation = self._resolve()
        metadata = type_of(annotation)
        object.__setattr__(self, "type", metadata)
        check = make_check(annotation, metadata)
        bounds = [bound for bound in (self.min, self.max) if bound is not None]
        if bounds and metadata.type not in WIDEST:
            raise ValueError(f"only numbers have bounds, this is a {metadata}")
        for bound in bounds:
            check(bound)
        if self.default is not MISSING:
            self._check_default(check(self.default))

    def _resolve(self) -> Any:
        """The annotation: as given, of a NodeTool type's name, of the options, or of the default."""
        if self.options is not None:
            return self._choices()
        if isinstance(self.annotation, str):
            return annotation_of(parse_type(self.annotation))
        if self.annotation is not None:
            return self.annotation
        known = (bool, int, float, str, list, dict)
        return str if self.default is MISSING else type(self.default) if type(self.default) in known else Any

    def _choices(self) -> Any:
        options = tuple(self.options or ())
        if not options or not all(isinstance(option, str) for option in options):
            raise ValueError("the options must be texts, at least one")
        return annotation_of(TypeMetadata(type="enum", values=options))

    def _check_default(self, value: Any) -> None:
        if self.min is not None and value < self.min:
            raise ValueError(f"the default {value} is below min={self.min}")
        if self.max is not None and value > self.max:
            raise ValueError(f"the default {value} is above max={self.max}")

    @property
    def node_type(self) -> str:
        """The type of the input node."""
        kind = self.type
        if (
            kind.type == "enum"
            and not kind.optional
            and all(isinstance(value, str) for value in kind.values or (0,))
        ):
            return SELECT
        return OTHER if kind.optional else NODE_TYPES.get(kind.type, OTHER)

    def properties(self) -> dict[str, Any]:
        """The properties of the input node."""
        data: dict[str, Any] = {"name": self.name, "description": self.description}
        if self.stream:
            data[STREAM] = True
        if self.default is not MISSING:
            data["value"] = self.default
        elif self.min is not None and self.min > 0:
            data["value"] = self.min
        elif self.max is not None and self.max < 0:
            data["value"] = self.max
        if self.node_type == SELECT:
            data["options"] = [str(value) for value in self.type.values or ()]
            data.setdefault("value", data["options"][0])
        elif self.node_type == OTHER:
            data["type_name"] = self._type_name()
        elif self.type.type in WIDEST:
            widest = WIDEST[self.type.type]
            data |= {
                "min": -widest if self.min is None else self.min,
                "max": widest if self.max is None else self.max,
            }
        return data

    def _type_name(self) -> str:
        """The type in the form that ``parse_type`` reads; what that can't say is any."""
        text = str(replace(self.type, optional=False))
        if self.type.optional:
            text = f"union[{text}, none]"
        try:
            return text if str(parse_type(text)) == text else "any"
        except ValueError:
            return "any"
