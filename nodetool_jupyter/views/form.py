"""The form of a workflow: which fields its input nodes make, what each shows at first, and what it takes.

Pure, so that every front end has the same form. An entry becomes a param in one place, ``Field.read``, and
only as the input node itself accepts it; a param of the past becomes an entry in ``Field.enter``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nodetool_jupyter.authoring.request import (
    InputNode,
    Lookup,
    accepted_by,
    check_param,
    input_nodes,
    read_text,
)
from nodetool_jupyter.model.graph import Workflow
from nodetool_jupyter.model.types import TypeMetadata
from nodetool_jupyter.views.entries import UNSET, Kind, entry_of, is_number, reference
from nodetool_jupyter.views.markup import one_line

SLIDER_SPAN = 10_000
"""The widest range that a slider can still be set in; a wider one is a number to type."""
SLIDER_STEPS = 100
LABEL_CHARS = 120


LIST = TypeMetadata("list")
WORDS = {
    Kind.TEXT: "a text",
    Kind.PARAGRAPH: "a text",
    Kind.PATH: "a path",
    Kind.CHOICE: "one of the choices",
    Kind.DATE: "a date",
    Kind.ASSET: "a file: its path or address, or an upload",
    Kind.LINES: "one item a line, or a list as JSON",
}
TEXTS = (Kind.TEXT, Kind.PARAGRAPH, Kind.PATH)
"""Kinds whose empty entry is a value."""
BY_NODE = {
    "nodetool.input.FilePathInput": Kind.PATH,
    "nodetool.input.FolderPathInput": Kind.PATH,
    "nodetool.input.DocumentFileInput": Kind.PATH,
    "nodetool.input.TextListInput": Kind.LINES,
    "nodetool.input.StringListInput": Kind.LINES,
}
BY_TYPE = {
    "bool": Kind.SWITCH,
    "int": Kind.NUMBER,
    "float": Kind.NUMBER,
    "str": Kind.TEXT,
    "datetime": Kind.TEXT,
    "date": Kind.DATE,
    "enum": Kind.CHOICE,
}
ASSETS = {"image": "image/*", "audio": "audio/*", "video": "video/*", "document": "", "model_3d": ""}
"""Type of a reference → the files that a page offers for it."""


@dataclass(frozen=True, slots=True)
class Field:
    """One param in a form. ``start`` is the entry that stands for the workflow's own value."""

    taken: InputNode
    kind: Kind
    start: Any
    is_required: bool = False
    minimum: float | None = None
    maximum: float | None = None
    step: float = 1
    choices: tuple[str | int, ...] = ()

    @property
    def name(self) -> str:
        """The param's name."""
        return self.taken.name

    @property
    def label(self) -> str:
        """The name as it is shown, with a mark where the param must be given."""
        return f"{one_line(self.name, LABEL_CHARS) or '?'}{' *' if self.is_required else ''}"

    @property
    def description(self) -> str:
        """What the workflow's author says of it."""
        return one_line(str(self.taken.node.data.get("description") or ""), 400)

    @property
    def accepted(self) -> str:
        """What can be entered, in words."""
        if self.kind in WORDS and (self.kind is not Kind.TEXT or self.taken.type.type == "str"):
            return WORDS[self.kind]
        if self.kind is Kind.NUMBER and self._bounds:
            return f"{accepted_by(self.taken).partition(',')[0]} {self._bounds}"
        words = accepted_by(self.taken)
        return words if self.kind is not Kind.JSON or "JSON" in words else f"{words} as JSON"

    @property
    def accepts_files(self) -> str:
        """The files of an asset, as a page's file dialog has it."""
        return ASSETS.get(self.taken.type.type, "")

    @property
    def _bounds(self) -> str:
        low, high = self.minimum, self.maximum
        if low is not None and high is not None:
            return f"from {low:.12g} to {high:.12g}"
        return f"from {low:.12g} on" if low is not None else f"up to {high:.12g}" if high is not None else ""

    def read(self, entry: Any) -> Any:
        """The param, or UNSET; raises ValueError with a sentence for the user."""
        if entry is None or (isinstance(entry, str) and not entry.strip()):
            return self._nothing(entry)
        try:
            value = self._value(entry)
            is_text = isinstance(value, str) and self.kind in (Kind.NUMBER, Kind.JSON, Kind.TEXT)
            param = check_param(self.taken, value, is_text=is_text)
        except (ValueError, TypeError) as error:
            raise ValueError(f"{error}; give {self.accepted}") from None
        self._check_bounds(param)
        return param

    def problem(self, entry: Any) -> str:
        """What is wrong with an entry; empty where nothing is."""
        try:
            self.read(entry)
        except ValueError as error:
            return str(error)
        return ""

    def enter(self, value: Any) -> Any:
        """The entry that stands for a param; raises ValueError where the form can't show it."""
        entry = entry_of(self.kind, value)
        if self.kind is Kind.CHOICE and entry not in self.choices:
            raise ValueError(f"{one_line(str(value), 60)!r} is not among its choices")
        if self.kind is Kind.SLIDER:
            self._check_bounds(entry)
        return entry

    def _nothing(self, entry: Any) -> Any:
        if self.is_required:
            raise ValueError(f"it must be given: {self.accepted}")
        if self.kind is Kind.LINES:
            return []
        if self.taken.type.optional and self.start not in (None, ""):
            return None
        if self.start in (None, ""):
            return UNSET
        if self.kind in TEXTS:
            return check_param(self.taken, entry, is_text=False)
        raise ValueError(f"give {self.accepted}")

    def _value(self, entry: Any) -> Any:
        if self.kind is Kind.ASSET:
            return reference(entry, self.taken.type.type)
        if self.kind is Kind.JSON and entry.lstrip()[:1] in ("{", "["):
            return read_text(entry, LIST)
        if self.kind is not Kind.LINES:
            return entry
        if entry.lstrip().startswith("["):
            return check_param(self.taken, entry, is_text=True)
        return [line for line in entry.split("\n") if line.strip()]

    def _check_bounds(self, value: Any) -> None:
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            return
        if not _is_within(value, self.minimum, self.maximum):
            shown = f"{value:.12g}" if isinstance(value, float) else one_line(str(value), 60)
            raise ValueError(f"{shown} is not {self._bounds}")


@dataclass(frozen=True, slots=True)
class Form:
    """All fields, in the graph's order."""

    title: str
    description: str
    fields: tuple[Field, ...]

    def start(self) -> dict[str, Any]:
        """Field name → the entry that it begins with."""
        return {field.name: field.start for field in self.fields}

    def read(self, entries: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
        """(params; field name → what is wrong with its entry)"""
        params, problems = {}, {}
        for field in self.fields:
            try:
                value = field.read(entries[field.name])
            except ValueError as error:
                problems[field.name] = str(error)
            else:
                if value is not UNSET:
                    params[field.name] = value
        return params, problems

    def enter(self, params: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
        """(Entries that stand for the params, the others as at the start; what can't be shown, and why)"""
        entries, problems = self.start(), {}
        for field in self.fields:
            if field.name in params:
                try:
                    entries[field.name] = field.enter(params[field.name])
                except ValueError as error:
                    problems[field.name] = str(error)
        unknown = [name for name in params if name not in entries]
        return entries, problems | dict.fromkeys(unknown, "this workflow has no such input")


def form_of(workflow: Workflow, lookup: Lookup) -> Form:
    """The form of a workflow; nodes of unknown types make no field."""
    fields = tuple(_field(taken) for taken in input_nodes(workflow.graph, lookup).values())
    return Form(one_line(workflow.name, 200) or "workflow", one_line(workflow.description, 1_000), fields)


def _field(taken: InputNode) -> Field:
    data = taken.node.data
    is_required = "value" not in data
    own = data.get("value", _default(taken, "value"))
    low, high = _bound(taken, "min", own), _bound(taken, "max", own)
    kind = _kind(taken, low, high)
    if is_required and kind in (Kind.SLIDER, Kind.SWITCH):
        is_required = False  # these can't be left open
    choices = _choices(taken) if kind is Kind.CHOICE else ()
    start = "" if is_required else _start(kind, own)
    if kind is Kind.SLIDER:
        assert low is not None
        start = start if isinstance(start, (int, float)) else low
        start = start if _is_within(start, low, high) else low
    if kind is Kind.SWITCH:
        start = start is True
    if kind in (Kind.CHOICE, Kind.DATE):
        start = start if start != "" and (kind is Kind.DATE or start in choices) else None
    return Field(taken, kind, start, is_required, low, high, _step(taken, low, high), choices)


def _default(taken: InputNode, name: str) -> Any:
    spec = taken.spec.inputs.get(name)
    return spec.default if spec is not None else None


def _bound(taken: InputNode, name: str, own: Any) -> float | None:
    """A bound of a number, made wide enough for the workflow's own value; None where it bounds nothing."""
    if taken.type.type not in ("int", "float") or name not in taken.spec.inputs:
        return None
    value = taken.node.data.get(name, _default(taken, name))
    if not is_number(value) or abs(value) >= 2**53 - 1:
        return None
    wider = min if name == "min" else max
    return float(wider(value, own)) if "value" in taken.node.data and is_number(own) else float(value)


def _is_within(value: float, low: float | None, high: float | None) -> bool:
    return (low is None or value >= low) and (high is None or value <= high)


def _kind(taken: InputNode, low: float | None, high: float | None) -> Kind:
    kind, own = taken.type, taken.node.data
    found = BY_NODE.get(taken.spec.type)
    if found is None and _choices(taken):
        found = Kind.CHOICE
    if found is None:
        found = Kind.ASSET if kind.type in ASSETS else BY_TYPE.get(kind.type, Kind.JSON)
    if found is Kind.TEXT and own.get("line_mode") == "multiline":
        return Kind.PARAGRAPH
    if found is Kind.NUMBER and low is not None and high is not None and 0 < high - low <= SLIDER_SPAN:
        found = Kind.SLIDER
    if kind.optional and found in (Kind.SLIDER, Kind.SWITCH):
        return Kind.NUMBER if found is Kind.SLIDER else Kind.TEXT
    return found if found is not Kind.CHOICE or _choices(taken) else Kind.TEXT


def _choices(taken: InputNode) -> tuple[str | int, ...]:
    options = taken.node.data.get("options") if "options" in taken.spec.inputs else taken.type.values
    listed = options if isinstance(options, (list, tuple)) else ()
    return tuple(option for option in listed if isinstance(option, (str, int)))


def _step(taken: InputNode, low: float | None, high: float | None) -> float:
    width = 0 if low is None or high is None else (high - low) / SLIDER_STEPS
    if taken.type.type == "int" or not 0 < width < math.inf:
        return 1
    return float(10.0 ** math.floor(math.log10(width)))


def _start(kind: Kind, own: Any) -> Any:
    """The entry of the workflow's own value; an empty one where that can't be shown."""
    try:
        return entry_of(kind, own)
    except ValueError:
        return ""
