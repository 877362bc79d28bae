"""Running one node of the library by itself, with its properties checked as a graph's are."""

from __future__ import annotations

import asyncio
import inspect
import os
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from nodetool_jupyter.engine.context import ProcessingContext, Services
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.engine.spec import REQUIRED, NodeSpec

Node = type[BaseNode]
NOWHERE = Path(os.devnull) / "workspace"
"""The workspace of a node whose test gives it none: nothing can be made there."""


class Streams:
    """What has arrived at a node that reads its inputs itself: all values of each connected handle."""

    def __init__(self, values: Mapping[str, list[Any]]) -> None:
        self.values = {handle: list(items) for handle, items in values.items()}

    @property
    def connected(self) -> list[str]:
        return list(self.values)

    async def iter_input(self, handle: str) -> AsyncIterator[Any]:
        while self.values.get(handle):
            yield self.values[handle].pop(0)

    async def iter_any_input(self) -> AsyncIterator[tuple[str, Any]]:
        for handle in self.values:
            async for value in self.iter_input(handle):
                yield handle, value


class Notes(ProcessingContext):
    """A context that keeps what a node logs and shows."""

    __slots__ = ("lines", "shown")

    def __init__(self) -> None:
        super().__init__(workspace=NOWHERE)
        self.lines: list[str] = []
        self.shown: list[Any] = []

    def log(self, content: str, severity: str = "info") -> None:
        self.lines.append(f"{severity}: {content}")

    def notify(self, content: str, severity: str = "info") -> None:
        self.lines.append(f"told: {content}")

    def preview(self, value: Any) -> None:
        self.shown.append(value)


def inside(workspace: Path, allowed: str = "") -> Notes:
    """A context in this workspace, which may reach these hosts (with spaces between) on the web."""
    context = Notes()
    context.workspace = workspace
    context.services = Services(allowed_hosts=frozenset(allowed.split()))
    return context


def run_node(
    node: Node,
    properties: Mapping[str, Any] | None = None,
    *,
    dynamic: Mapping[str, Any] | None = None,
    streams: Mapping[str, list[Any]] | None = None,
    context: ProcessingContext | None = None,
) -> Any:
    """The node's result; of a node that streams, the list of its results."""
    return run_spec(node.spec(), properties, dynamic=dynamic, streams=streams, context=context)


def run_spec(
    spec: NodeSpec,
    properties: Mapping[str, Any] | None = None,
    *,
    dynamic: Mapping[str, Any] | None = None,
    streams: Mapping[str, list[Any]] | None = None,
    context: ProcessingContext | None = None,
) -> Any:
    """Likewise, of a node type by its spec."""
    checked = {name: spec.inputs[name].check(value) for name, value in (properties or {}).items()}
    defaults = {name: item.default for name, item in spec.inputs.items() if item.default is not REQUIRED}
    bound = spec.bind({**defaults, **checked}, dynamic or {})
    result = bound.call({}, context or Notes(), Streams(streams or {}) if spec.reads_stream else None)
    if inspect.isasyncgen(result):
        return asyncio.run(_gathered(result))
    if inspect.isgenerator(result):
        return list(result)
    return asyncio.run(result) if inspect.iscoroutine(result) else result


async def _gathered(items: AsyncIterator[Any]) -> list[Any]:
    return [item async for item in items]


Case = tuple[Node, dict[str, Any], Any]


def cases(*rows: Case) -> pytest.MarkDecorator:
    """Parametrizes a test with (node, properties, what is expected), each under the node's name."""
    names = [f"{node.__name__}-{number}" for number, (node, _, _) in enumerate(rows)]
    return pytest.mark.parametrize(("node", "properties", "expected"), rows, ids=names)


def assert_refused(node: Node, properties: dict[str, Any], expected: str) -> None:
    """The node, or the check of its properties, raises ValueError with this in its sentence."""
    with pytest.raises(ValueError, match=re.escape(expected)):
        run_node(node, properties)
