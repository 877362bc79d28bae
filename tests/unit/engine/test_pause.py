"""The garbage collector waits while a large graph is made, and goes on as before."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator

import pytest

from nodetool_jupyter.authoring.files import read_workflow
from nodetool_jupyter.engine.plan import PlanNode, compile_graph
from nodetool_jupyter.engine.registry import Registry
from nodetool_jupyter.errors import InvalidGraph, WorkflowError
from nodetool_jupyter.model.graph import Graph
from nodetool_jupyter.model.pause import LARGE, uncollected
from nodetool_jupyter.nodes import FAMILIES

TEXT = json.dumps(
    {
        "nodes": [
            {
                "id": str(number),
                "type": "nodetool.text.Concat",
                "data": {"a": "x" * 100, "b": "y"},
                "ui_properties": {"position": {"x": number, "y": 0}},
            }
            for number in range(10 * LARGE)
        ],
        "edges": [],
    }
)


@pytest.fixture
def collections() -> Iterator[list[str]]:
    """Grows with each automatic collection."""
    found: list[str] = []

    def note(phase: str, _info: object) -> None:
        found.append(phase)

    gc.callbacks.append(note)
    yield found
    gc.callbacks.remove(note)


def test_a_large_graph_is_made_without_a_collection(collections: list[str]) -> None:
    """Of 5,000 nodes nothing is garbage: hundreds of looks for it would find none."""
    registry = Registry(FAMILIES)
    registry.get("nodetool.text.Concat")
    gc.collect()
    del collections[:]
    graph = read_workflow(TEXT).graph
    compile_graph(graph, registry)
    assert len(collections) < 20
    assert gc.isenabled()


def test_small_graphs_leave_the_collector_alone() -> None:
    with uncollected(LARGE - 1):
        assert gc.isenabled()
    with uncollected(LARGE):
        assert not gc.isenabled()
    assert gc.isenabled()


def test_errors_leave_it_on() -> None:
    """Whatever is wrong with a file."""
    with pytest.raises(WorkflowError):
        read_workflow(TEXT[:-1])
    graph = read_workflow(TEXT.replace("Concat", "Konkat")).graph
    assert isinstance(graph, Graph)
    with pytest.raises(InvalidGraph):
        compile_graph(graph, Registry(FAMILIES))
    assert gc.isenabled()


def test_a_user_who_has_turned_it_off_keeps_it_off() -> None:
    gc.disable()
    try:
        read_workflow(TEXT)
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_plan_is_freed_as_soon_as_nobody_needs_it() -> None:
    """Its nodes are no cycles: none waits for the collector with all that its properties hold."""
    graph = Graph.model_validate(
        {
            "nodes": [{"id": name, "type": "nodetool.text.Concat", "data": {"b": "!"}} for name in "abc"],
            "edges": [
                {"source": source, "target": target, "sourceHandle": "output", "targetHandle": "a"}
                for source, target in ("ab", "bc")
            ],
        }
    )
    plan = compile_graph(graph, Registry(FAMILIES))
    gc.disable()
    try:
        before = sum(type(found) is PlanNode for found in gc.get_objects())
        del plan
        assert before - sum(type(found) is PlanNode for found in gc.get_objects()) == 3
    finally:
        gc.enable()
