"""What the engine knows of a node type, whether it was made by a class or by a function.

A ``NodeSpec`` is data: front ends list it, validation checks against it. Its ``bind`` makes the one runnable
of a node in a run; how that is called is its ``Shape``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

from nodetool_jupyter.engine.annotations import Check, describe
from nodetool_jupyter.errors import OptionError
from nodetool_jupyter.model.resources import Resources, read_resources
from nodetool_jupyter.model.types import TypeMetadata

BUILDING: ContextVar[Callable[[NodeSpec, tuple[Any, ...], dict[str, Any]], Any] | None] = ContextVar(
    "nodetool_building", default=None
)
"""Set while a Python cell builds its graph: then calling a node makes a graph node in place of running it."""


class _Required:
    def __repr__(self) -> str:
        return "required"


REQUIRED = _Required()


class Role(str, Enum):
    """What the engine itself does with a node."""

    NODE = "node"
    INPUT = "input"
    OUTPUT = "output"
    PREVIEW = "preview"
    COMMENT = "comment"
    WORKFLOW = "workflow"


class Shape(str, Enum):
    """How a node is called: one value or a stream, on the loop or in a thread."""

    COROUTINE = "coroutine"
    ASYNC_GENERATOR = "async generator"
    FUNCTION = "function"
    GENERATOR = "generator"

    @property
    def streams(self) -> bool:
        """Whether it may give several values."""
        return self in (Shape.ASYNC_GENERATOR, Shape.GENERATOR)

    @property
    def blocks(self) -> bool:
        """Whether it runs outside of the loop."""
        return self in (Shape.FUNCTION, Shape.GENERATOR)


@dataclass(frozen=True, slots=True)
class InputSpec:
    """A property, which is an input handle too. ``check`` returns the value to use or raises ValueError."""

    name: str
    type: TypeMetadata
    check: Check
    default: Any = REQUIRED
    description: str = ""
    minimum: float | None = None
    maximum: float | None = None
    streamed: bool = False
    """Whether the node reads this handle itself, item by item."""


@dataclass(frozen=True, slots=True)
class NodePolicy:
    """How often and how long a node may try: ``timeout`` in seconds a try, ``retries`` after the first; with
    ``cache`` it doesn't run where another has given a result for the same code and inputs.
    """

    timeout: float | None = None
    retries: int = 0
    cache: bool = False
    resources: Resources | None = None
    """What it needs; a dict is read."""

    def __post_init__(self) -> None:
        timeout, retries = self.timeout, self.retries
        if timeout is not None and not (_is_number(timeout, int, float) and 0 < timeout < math.inf):
            raise OptionError(
                f"a node's timeout is a number of seconds above 0, or None; found {describe(timeout)}"
            )
        if not (_is_number(retries, int) and retries >= 0):
            raise OptionError(f"a node's retries are a whole number from 0 on; found {describe(retries)}")
        if not isinstance(self.cache, bool):
            raise OptionError(f"a node's cache is True or False; found {describe(self.cache)}")
        if self.resources is not None:
            object.__setattr__(self, "resources", read_resources(self.resources))


def _is_number(value: object, *kinds: type) -> bool:
    return isinstance(value, kinds) and not isinstance(value, bool)


NO_POLICY = NodePolicy()


class InputReader(Protocol):
    """The inbox as a node that reads its own inputs sees it."""

    @property
    def connected(self) -> Collection[str]: ...

    def iter_input(self, handle: str) -> Any: ...

    def iter_any_input(self) -> Any: ...


class Bound(Protocol):
    """One node of one run."""

    def call(self, values: Mapping[str, Any], context: Any, reader: InputReader | None) -> Any:
        """Start the node with checked ``values`` for its connected handles: a coroutine, an iterator or the
        value.
        """


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """A node type: its type string, handles, and how to run it."""

    type: str
    title: str
    description: str
    inputs: Mapping[str, InputSpec]
    outputs: Mapping[str, TypeMetadata]
    shape: Shape
    bind: Callable[[Mapping[str, Any], Mapping[str, Any]], Bound] = field(repr=False)
    """(checked properties, dynamic properties) → the runnable"""
    role: Role = Role.NODE
    dynamic: bool = False
    dynamic_outputs: bool = False
    """Whether a graph node may declare outputs of its own."""
    reads_stream: bool = False
    passes: bool = False
    """Whether it gives at most one value for each that comes in, so that it streams only what streams into
    it.
    """
    wants_context: bool = True
    plain: Callable[..., Any] | None = field(default=None, repr=False)
    """The function itself, where calling it with properties and values is all there is to a firing."""
    routes: bool = False
    """Whether what it returns is a dict with one value a handle, rather than the value of the one handle."""
    result_checks: Mapping[str, Check] | None = field(default=None, repr=False)
    """How to check what is returned, by output handle; None where there is nothing to check."""
    policy: NodePolicy = NO_POLICY
    accept: Callable[[Mapping[str, Any], Any], Any] | None = None
    """For an input node: (checked properties, param) → the value, or ValueError"""
    nested: Any = field(default=None, repr=False)
    """The plan of the workflow that it runs, if it runs one."""
    source: Any = field(default=None, repr=False)
    """What was decorated or subclassed: it can be sent to another process, which the rest can't."""

    def __post_init__(self) -> None:
        if not self.policy.cache:
            return
        if self.shape.streams or self.reads_stream or self.role is not Role.NODE:
            raise OptionError(
                f"{self.type} can't have cache=True: only nodes that give one result for their inputs can",
                hint="leave cache out, or return a list in place of a stream",
            )
