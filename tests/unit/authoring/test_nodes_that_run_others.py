"""Cells in which a node tells another to run, or is a whole workflow."""

from __future__ import annotations

from typing import Any

import pytest

from nodetool_jupyter.model.graph import Workflow
from nodetool_jupyter.nodes import control, subworkflow
from tests.unit.authoring.cells import fail, graph_of


class TestControl:
    """``__control__`` is the handle at which control edges end."""

    def test_a_handle_there_is_a_control_edge(self) -> None:
        """Of the node's one output, or of ``__control__`` where it has several."""
        graph = graph_of("numbers = count(3)\nadd(b=1, __control__=numbers)")
        edge = graph.edges[0]
        assert (edge.edge_type, str(edge)) == ("control", "count_1.output → add_1.__control__")
        assert graph.nodes[1].data == {"b": 1}
        found = graph_of("s = ForEach(input_list=[1])\nadd(__control__=s)", ForEach=control.ForEach)
        assert str(found.edges[0]) == "for_each_1.__control__ → add_1.__control__"
        assert {edge.edge_type for edge in found.edges[1:]} == {"data"}

    def test_what_is_no_handle_is_refused(self) -> None:
        """There is nothing to wait for."""
        error = fail("add(1, 2, __control__=3)")
        assert "__control__ takes the node that gives its events" in error.message

    def test_others_need_all_their_inputs(self) -> None:
        """Nobody else brings them."""
        assert "a (int) is missing" in fail("add(b=1)").message


PLUS: dict[str, Any] = {
    "nodes": [
        {"id": "a", "type": "nodetool.input.IntegerInput", "data": {"name": "number"}},
        {"id": "b", "type": "notebook.unknown.to.the.cell"},
        {"id": "c", "type": "nodetool.output.Output", "data": {"name": "more"}},
        {"id": "d", "type": "nodetool.output.Output", "data": {"name": "less"}},
    ],
    "edges": [],
}


NAMES = {"Workflow": subworkflow.Workflow, "plus": Workflow.model_validate(PLUS)}


class TestWorkflow:
    """A workflow is called like a node, with its inputs, and gives its outputs."""

    @pytest.mark.parametrize("call", ["Workflow(plus, number=n)", "Workflow(workflow_json=plus, number=n)"])
    def test_its_inputs_and_outputs_are_handles(self, call: str) -> None:
        """By their names."""
        graph = graph_of(f"n = add(1, 2)\nmore, less = {call}\nshout(more)\nshout(less)", **NAMES)
        node = graph.nodes[1]
        assert node.type == "nodetool.workflows.workflow_node.Workflow"
        assert [found["id"] for found in node.data["workflow_json"]["graph"]["nodes"]] == list("abcd")
        assert [str(edge) for edge in graph.edges[:3]] == [
            "add_1.output → workflow_1.number",
            "workflow_1.more → shout_1.text",
            "workflow_1.less → shout_2.text",
        ]

    @pytest.mark.parametrize(
        ("call", "message"),
        [
            ("Workflow(plus, nmber=1)", "there is no input nmber; did you mean number?"),
            ("Workflow(plus).mroe", "has no output 'mroe'"),
            ("Workflow()", "expected a workflow as JSON"),
            ("Workflow({'nodes': [1]})", "can't be read as a workflow"),
        ],
    )
    def test_mistakes_are_told(self, call: str, message: str) -> None:
        """At the line of the cell."""
        error = fail(f"\n{call}", **NAMES)
        assert message in error.message
        assert error.line == 2
