"""Streams through the library's nodes, run by the engine: what is paired with what, and what comes out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.plan import compile_graph
from nodetool_jupyter.engine.registry import Registry
from nodetool_jupyter.engine.runner import WorkflowRunner
from nodetool_jupyter.engine.threads import ThreadPool
from nodetool_jupyter.model.graph import Graph
from nodetool_jupyter.nodes import FAMILIES

Nodes = dict[str, tuple[str, dict[str, Any]]]
ITEMS: Nodes = {"each": ("nodetool.control.ForEach", {"input_list": [1, 5, 2, 8]})}
WORDS: Nodes = {"each": ("nodetool.control.ForEach", {"input_list": ["ab", "c", "abc"]})}
FROM_EACH = ["each.output>keep.value", "keep.output>result.value"]


@pytest.fixture
def pool() -> Iterator[ThreadPool]:
    pool = ThreadPool(2)
    yield pool
    pool.close()


def run_graph(pool: ThreadPool, nodes: Nodes, edges: list[str]) -> dict[str, list[Any]]:
    """The outputs of a graph, whose edges are written ``node.handle>node.handle``; names starting with
    ``result`` are output nodes.
    """
    ends = [[end.split(".") for end in edge.split(">")] for edge in edges]
    outputs = {target: ("nodetool.output.Output", {"name": target}) for _, (target, _) in ends}
    known = {name: output for name, output in outputs.items() if name.startswith("result")} | nodes
    graph = Graph.model_validate(
        {
            "nodes": [{"id": name, "type": kind, "data": data} for name, (kind, data) in known.items()],
            "edges": [
                {"source": source, "sourceHandle": output, "target": target, "targetHandle": handle}
                for (source, output), (target, handle) in ends
            ],
        }
    )
    plan = compile_graph(graph, Registry(FAMILIES))
    runner = WorkflowRunner(plan, ProcessingContext(), lambda events: None, pool)
    outcome = asyncio.run(asyncio.wait_for(runner.run(), 20))
    assert outcome.status == "completed", outcome.error
    return outcome.outputs


def test_a_loop_with_a_branch(pool: ThreadPool) -> None:
    """Each item goes with the condition that was computed of it, and each branch is collected for itself."""
    nodes = {
        **ITEMS,
        "large": ("nodetool.boolean.Compare", {"comparison": ">", "b": 3}),
        "if": ("nodetool.control.If", {}),
        "yes": ("nodetool.control.Collect", {}),
        "no": ("nodetool.control.Collect", {}),
    }
    edges = ["each.output>large.a", "large.output>if.condition", "each.output>if.value"]
    edges += ["if.if_true>yes.input_item", "if.if_false>no.input_item"]
    edges += ["yes.output>result_yes.value", "no.output>result_no.value"]
    assert run_graph(pool, nodes, edges) == {"result_yes": [[5, 8]], "result_no": [[1, 2]]}


def test_a_condition_that_comes_last(pool: ThreadPool) -> None:
    """A condition that needs all items holds for all of them, however many had to wait for it."""
    nodes: Nodes = {
        "each": ("nodetool.control.ForEach", {"input_list": list(range(500))}),
        "all": ("nodetool.control.Collect", {}),
        "count": ("nodetool.list.Length", {}),
        "many": ("nodetool.boolean.Compare", {"comparison": ">", "b": 100}),
        "if": ("nodetool.control.If", {}),
        "yes": ("nodetool.control.Collect", {}),
    }
    edges = ["each.output>all.input_item", "all.output>count.values", "count.output>many.a"]
    edges += ["many.output>if.condition", "each.output>if.value", "if.if_true>yes.input_item"]
    result = run_graph(pool, nodes, [*edges, "yes.output>result.value"])
    assert result == {"result": [list(range(500))]}


@pytest.mark.parametrize(
    ("source", "kind", "data", "expected"),
    [
        (ITEMS, "nodetool.numbers.FilterNumber", {"compare_value": 2}, [5, 8]),
        (ITEMS, "nodetool.numbers.FilterNumberRange", {"min_value": 2, "max_value": 5}, [5, 2]),
        (WORDS, "nodetool.text.FilterString", {"criteria": "b"}, ["ab", "abc"]),
        (WORDS, "nodetool.text.FilterRegexString", {"pattern": "^.$"}, ["c"]),
        (WORDS, "nodetool.text.FilterRegexString", {"pattern": "z"}, []),
    ],
)
def test_filters(
    pool: ThreadPool, source: Nodes, kind: str, data: dict[str, Any], expected: list[Any]
) -> None:
    """What passes keeps its order and its type."""
    assert run_graph(pool, {**source, "keep": (kind, data)}, FROM_EACH) == {"result": expected}


def test_a_criterion_that_is_computed(pool: ThreadPool) -> None:
    """A filter waits for what it filters by, so that no item is judged by the default."""
    nodes: Nodes = {
        **ITEMS,
        "limit": ("lib.math.Add", {"a": 1, "b": 1}),
        "limit2": ("lib.math.Multiply", {"b": 2}),
        "keep": ("nodetool.numbers.FilterNumber", {}),
    }
    edges = ["limit.output>limit2.a", "limit2.output>keep.compare_value", *FROM_EACH]
    result = run_graph(pool, nodes, edges)
    assert result == {"result": [5, 8]}


def test_nothing_connected(pool: ThreadPool) -> None:
    """Nodes that read streams work without one: If routes its own value, Collect has an empty list."""
    nodes: Nodes = {
        "if": ("nodetool.control.If", {"condition": True, "value": "x"}),
        "all": ("nodetool.control.Collect", {}),
        "text": ("nodetool.text.Collect", {}),
    }
    edges = ["if.if_true>result_if.value", "all.output>result_all.value", "text.output>result_text.value"]
    assert run_graph(pool, nodes, edges) == {"result_if": ["x"], "result_all": [[]], "result_text": [""]}


def test_streams_joined(pool: ThreadPool) -> None:
    """A sequence, as texts, collected to one text in its order."""
    nodes: Nodes = {
        "numbers": ("nodetool.list.GenerateSequence", {"start": 1, "stop": 4}),
        "text": ("nodetool.text.ToString", {}),
        "all": ("nodetool.text.Collect", {"separator": "-"}),
    }
    edges = ["numbers.output>text.value", "text.output>all.input_item", "all.output>result.value"]
    assert run_graph(pool, nodes, edges) == {"result": ["1-2-3"]}


@pytest.mark.parametrize(
    ("kind", "expected"), [("Sum", "6"), ("Product", "8"), ("Minimum", "2"), ("Maximum", "4")]
)
def test_whole_numbers_in_texts(pool: ThreadPool, kind: str, expected: str) -> None:
    """What is computed of whole numbers reads as one: 6, not 6.0."""
    nodes: Nodes = {
        "numbers": ("nodetool.constant.List", {"value": [2, 4]}),
        "total": (f"nodetool.list.{kind}", {}),
        "text": ("nodetool.text.ToString", {}),
    }
    edges = ["numbers.output>total.values", "total.output>text.value", "text.output>result.value"]
    assert run_graph(pool, nodes, edges) == {"result": [expected]}
