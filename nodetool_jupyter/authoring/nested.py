"""A workflow that a Python cell calls as one node: its inputs and outputs, as far as the cell must know them.

What is inside is checked when the cell's graph is planned; here only its input and output nodes are seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

from nodetool_jupyter.authoring import cell_nodes
from nodetool_jupyter.engine.nesting import DEEPEST, WORKFLOW, read_graph
from nodetool_jupyter.engine.registry import Registry
from nodetool_jupyter.engine.spec import InputSpec, NodeSpec, Role
from nodetool_jupyter.model.graph import Graph, Node, Workflow
from nodetool_jupyter.model.types import ANY
from nodetool_jupyter.nodes import FAMILIES


def as_called(spec: NodeSpec, given: Any) -> NodeSpec:
    """The node type with the inputs and outputs of one workflow; raises ValueError where it can't be read."""
    graph = read_graph(given)
    inputs = {
        name: InputSpec(name, ANY, lambda value: value, default=None) for name in _names(graph, Role.INPUT)
    }
    outputs = dict.fromkeys(_names(graph, Role.OUTPUT), ANY)
    return replace(spec, inputs={WORKFLOW: spec.inputs[WORKFLOW], **inputs}, outputs=outputs, dynamic=False)


def nodes_in(graph: Graph, depth: int = DEEPEST) -> Iterator[Node]:
    """All nodes of a graph, those of the workflows that some of them hold among them."""
    for node in graph.nodes:
        yield node
        held = node.data.get(WORKFLOW)
        if isinstance(held, dict | Workflow) and depth:
            with suppress(ValueError):  # what can't be read as a workflow has no nodes
                yield from nodes_in(read_graph(held), depth - 1)


def as_json(given: Any) -> Any:
    """A workflow that has been loaded, as a property holds it."""
    return given.model_dump() if isinstance(given, Workflow) else given


def _names(graph: Graph, role: Role) -> Iterator[str]:
    registry = Registry(FAMILIES)
    registry.add(cell_nodes.ValueInput.spec())
    for node in graph.nodes:
        spec = registry.get(node.type) if _may_be(node.type) else None
        name = node.data.get("name")
        if spec is not None and spec.role is role and isinstance(name, str) and name:
            yield name


def _may_be(type_name: str) -> bool:
    """Whether it is worth to look for a type: other families need not be imported for it."""
    return type_name.startswith(("nodetool.input.", "nodetool.output.", "nodetool_jupyter.authoring."))
