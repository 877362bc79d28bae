"""What the tests of authoring share: nodes of a notebook, and ways to build, run and break a cell."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

import pytest

from nodetool_jupyter.authoring import CELL_NODES
from nodetool_jupyter.authoring.cell import Authored, read_cell
from nodetool_jupyter.authoring.option_line import parse
from nodetool_jupyter.authoring.request import build_request
from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.function import node
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.engine.plan import compile_graph
from nodetool_jupyter.engine.registry import Registry
from nodetool_jupyter.engine.runner import WorkflowRunner
from nodetool_jupyter.engine.threads import ThreadPool
from nodetool_jupyter.errors import CellError
from nodetool_jupyter.model.graph import Graph, Node
from nodetool_jupyter.model.request import RunJobRequest
from nodetool_jupyter.nodes import FAMILIES


class Halves(TypedDict):
    left: str
    right: int


class Nothing(TypedDict):
    """A node without any output."""


@dataclass
class Point:
    x: int


@node
async def shout(text: str, times: int = 1) -> str:
    return text.upper() * times


@node
async def halve(text: str) -> Halves:
    return {"left": text[: len(text) // 2], "right": len(text)}


@node
async def join(items: list[str]) -> str:
    return "".join(items)


@node
async def keep(value: Any) -> Any:
    return value


@node
async def count(to: int) -> AsyncIterator[int]:
    for number in range(to):
        yield number


@node
async def add(a: int, b: int) -> int:
    return a + b


@node
async def pair(both: tuple[str, str]) -> str:
    return "-".join(both)


@node
async def silent() -> Nothing:
    return {}


class ImportCSV(BaseNode, prefix="tests.csv"):
    """A class with a name of two words."""

    path: str = ""

    async def process(self, context: ProcessingContext) -> str:
        return self.path


class Template(BaseNode, prefix="tests.csv", dynamic=True):
    """Takes handles that it doesn't declare."""

    text: str = ""

    async def process(self, context: ProcessingContext) -> str:
        return self.text.format(**self.dynamic_properties)


NOTEBOOK: dict[str, Any] = {
    "shout": shout,
    "halve": halve,
    "join": join,
    "keep": keep,
    "count": count,
    "add": add,
    "pair": pair,
    "Point": Point,
    "ImportCSV": ImportCSV,
    "Template": Template,
}


def make_registry() -> Registry:
    return Registry({**FAMILIES, **CELL_NODES})


def build(text: str, **names: Any) -> Authored:
    """A Python cell of a notebook that has the nodes of this module."""
    return read_cell(text, namespace={**NOTEBOOK, **names})


def graph_of(text: str, **names: Any) -> Graph:
    graph = build(text, **names).graph
    assert graph is not None
    return graph


def nodes_of(text: str, **names: Any) -> dict[str, Node]:
    return {found.id: found for found in graph_of(text, **names).nodes}


def edges_of(text: str, **names: Any) -> list[str]:
    return [str(edge) for edge in graph_of(text, **names).edges]


def fail(text: str, **names: Any) -> CellError:
    """The CellError of a cell that must not be read."""
    with pytest.raises(CellError) as caught:
        build(text, **names)
    return caught.value


def request_of(text: str, line: str = "", **names: Any) -> RunJobRequest:
    """The request that a cell with a line of options makes."""
    namespace = {**NOTEBOOK, **names}
    options = parse(line, namespace)
    authored = read_cell(text, options, namespace)
    return build_request(authored, options, make_registry().get)


def outputs_of(text: str, params: Mapping[str, Any] | None = None, **names: Any) -> dict[str, list[Any]]:
    """What a cell's graph gives when it really runs."""
    authored = build(text, **names)
    assert authored.graph is not None
    registry = make_registry()
    for spec in authored.specs.values():
        registry.add(spec)
    plan = compile_graph(authored.graph, registry, dict(params or {}))
    pool = ThreadPool(1)
    try:
        runner = WorkflowRunner(plan, ProcessingContext(job_id="j"), lambda events: None, pool)
        outcome = asyncio.run(runner.run())
    finally:
        pool.close()
    assert outcome.status == "completed", outcome
    return outcome.outputs
