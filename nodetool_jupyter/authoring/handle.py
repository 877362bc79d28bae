"""Handle: what a node call gives while a cell builds its graph. It stands for a value that comes in the run.

Whatever would need the value itself raises CellError with the line of the cell and the way to do it.
"""

from __future__ import annotations

import opcode
import sys
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from types import FrameType
from typing import Any

from nodetool_jupyter.errors import CellError
from nodetool_jupyter.model.control import CONTROL
from nodetool_jupyter.model.types import ANY, TypeMetadata

UNPACK_SEQUENCE = opcode.opmap["UNPACK_SEQUENCE"]
UNPACK_EX = opcode.opmap["UNPACK_EX"]
ANY_COUNT = -1

MakeError = Callable[[str, str | None], CellError]


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """The graph node behind a handle. ``error`` makes a CellError at the line of the cell that runs now."""

    node_id: str
    outputs: Mapping[str, TypeMetadata]
    error: MakeError
    owner: object


@dataclass(frozen=True, slots=True)
class Wire:
    """The beginning of an edge: one output of one node."""

    node_id: str
    output: str
    type: TypeMetadata


class Handle:
    """The outputs of a graph node, or one of them.

    ``handle.name`` and unpacking give the declared outputs, ``await handle`` the handle. It can be an
    argument of other nodes, alone or in lists, tuples and dicts. It has no public attribute of its own, so
    that no output's name is hidden.
    """

    __slots__ = ("_output", "_source")
    _output: str | None
    _source: Source

    def __init__(self, source: Source, output: str | None = None) -> None:
        object.__setattr__(self, "_source", source)
        object.__setattr__(self, "_output", output)

    def __repr__(self) -> str:
        names = [self._output] if self._output is not None else list(self._source.outputs)
        shown = ", ".join(f"{name}: {self._source.outputs[name]}" for name in names)
        return f"<handle of {self._source.node_id} ({shown or 'no outputs'})>"

    def __dir__(self) -> list[str]:
        return [] if self._output is not None else list(self._source.outputs)

    def __await__(self) -> Generator[Any, None, Handle]:
        yield from ()  # a generator that ends at once: nothing is waited for
        return self

    def __getattr__(self, name: str) -> Handle:
        source = self._source
        if name.startswith("_"):
            # Protocols such as copying and display ask for private names and expect this answer.
            raise AttributeError(f"a handle has no {name}")
        if self._output is not None:
            raise source.error(f"{describe(self)} has no value yet, so .{name} of it isn't known", IN_A_NODE)
        if name not in source.outputs:
            raise source.error(f"{source.node_id} has no output {name!r}; {outputs_of(source)}", IN_A_NODE)
        return Handle(source, name)

    def __iter__(self) -> Iterator[Handle]:
        source = self._source
        names = _unpacked_names(sys._getframe(1))
        if names is None:
            raise source.error(
                f"{describe(self)} has no value yet, so it can't be iterated",
                "iterate in the workflow by nodetool_jupyter.nodes.control.ForEach, or inside of a node",
            )
        if self._output is not None or names not in (ANY_COUNT, len(source.outputs)):
            count = "several names" if names == ANY_COUNT else f"{names} name{'s' if names != 1 else ''}"
            raise source.error(
                f"{describe(self)} can't be unpacked into {count}; {outputs_of(source)}",
                "unpacking gives the declared outputs (the keys of a TypedDict); take a list apart in a node",
            )
        return iter([Handle(source, name) for name in source.outputs])


def _unpacked_names(frame: FrameType) -> int | None:
    """How many names the running instruction unpacks into; None where it isn't unpacking.

    ``a, b = h`` and ``for x in h`` both call ``__iter__``; only the caller's instruction tells them apart.
    """
    code, at = frame.f_code.co_code, frame.f_lasti
    if code[at] == UNPACK_SEQUENCE:
        return code[at + 1]
    return ANY_COUNT if code[at] == UNPACK_EX else None


def wire_of(handle: Handle) -> Wire:
    """The one output that a handle stands for; raises CellError where there are several or none."""
    source, output = handle._source, handle._output
    if output is None:
        if len(source.outputs) != 1:
            names = list(source.outputs)
            raise source.error(
                f"{source.node_id} can't be used as one value; {outputs_of(source)}",
                f"choose one, such as {names[0]!r} by .{names[0]}" if names else None,
            )
        output = next(iter(source.outputs))
    return Wire(source.node_id, output, source.outputs[output])


def controller(value: Any) -> Any:
    """The wire that the events of a node come by, whose handle is ``value``: of several outputs none need be
    chosen. What is no handle is given back.
    """
    if not isinstance(value, Handle):
        return value
    source, output = value._source, value._output
    if output is None and len(source.outputs) == 1:
        output = next(iter(source.outputs))
    return Wire(source.node_id, CONTROL if output is None else output, ANY)


def source_of(handle: Handle) -> Source:
    """The graph node behind a handle."""
    return handle._source


def describe(handle: Handle) -> str:
    """``fetch_1`` or ``fetch_1.title``."""
    source = handle._source
    if handle._output is None or len(source.outputs) == 1:
        return source.node_id
    return f"{source.node_id}.{handle._output}"


def outputs_of(source: Source) -> str:
    """A clause that says which outputs there are."""
    names = [f"{name} ({kind})" for name, kind in source.outputs.items()]
    if not names:
        return "it has no outputs"
    return f"its output{'s are' if len(names) > 1 else ' is'} {', '.join(names)}"


IN_A_NODE = "do it in a node: a function with @node gets the value when the workflow runs"
MATH = f"{IN_A_NODE}; the library has nodetool_jupyter.nodes.math too"
TEXT = "make the text in the workflow by nodetool_jupyter.nodes.text.FormatText, or in a function with @node"
ARITHMETIC = (
    "add sub mul matmul truediv floordiv mod divmod pow lshift rshift and or xor "
    "radd rsub rmul rmatmul rtruediv rfloordiv rmod rdivmod rpow rlshift rrshift rand ror rxor "
    "neg pos abs invert round trunc floor ceil int float complex index"
)
REFUSED: tuple[tuple[str, str, str], ...] = (
    (
        "bool",
        "it is neither true nor false",
        "decide in the workflow by nodetool_jupyter.nodes.control.If(condition=…, value=…), or in a node",
    ),
    ("len", "its length isn't known", f"{IN_A_NODE}; the library has nodetool_jupyter.nodes.list too"),
    (
        "eq ne lt le gt ge contains",
        "it can't be compared",
        "compare in the workflow by nodetool_jupyter.nodes.boolean.Compare, or inside of a node",
    ),
    (ARITHMETIC, "it can't be computed with", MATH),
    ("str format bytes fspath", "it can't be made into text", TEXT),
    ("getitem", "it has no items", f"{IN_A_NODE}; a declared output is written with a dot"),
    ("setitem delitem setattr delattr", "it can't be changed", IN_A_NODE),
    ("call", "it can't be called", IN_A_NODE),
    ("next aiter reversed", "it can't be iterated", IN_A_NODE),
    ("enter exit aenter aexit", "it can't be entered", IN_A_NODE),
    ("reduce_ex", "it can't be copied or pickled", "use it in the cell that made it"),
)


def _refusal(what: str, hint: str) -> Callable[..., Any]:
    def refuse(handle: Handle, *_: Any, **__: Any) -> Any:
        raise handle._source.error(f"{describe(handle)} has no value yet: {what}", hint)

    return refuse


for _names, _what, _hint in REFUSED:
    for _name in _names.split():
        setattr(Handle, f"__{_name}__", _refusal(_what, _hint))
