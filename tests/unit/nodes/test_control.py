"""nodetool.control and nodetool.workflows.base_node: branches, loops and what the runner shows."""

from __future__ import annotations

from typing import Any

import pytest

from nodetool_jupyter.engine.spec import Role
from nodetool_jupyter.nodes import control, output, workflow
from tests.unit.nodes.support import Node, Notes, run_node


def routed(streams: dict[str, list[Any]], **properties: Any) -> list[tuple[str, Any]]:
    """(branch, value) in the order in which If sends them; never more than one branch at once."""
    results = run_node(control.If, properties, streams=streams)
    assert all(len(result) == 1 for result in results)
    return [pair for result in results for pair in result.items()]


@pytest.mark.parametrize(
    ("streams", "properties", "expected"),
    [
        ({}, {"condition": True, "value": 1}, [("if_true", 1)]),
        ({}, {"value": None}, [("if_false", None)]),
        ({"value": [1], "condition": [True]}, {}, [("if_true", 1)]),
        ({"condition": [False], "value": [1]}, {}, [("if_false", 1)]),
        ({"value": [1, 2, 3]}, {"condition": True}, [("if_true", 1), ("if_true", 2), ("if_true", 3)]),
        ({"condition": [True, False]}, {"value": "x"}, [("if_true", "x"), ("if_false", "x")]),
        (
            {"value": [1, 2, 3], "condition": [True, False, True]},
            {},
            [("if_true", 1), ("if_false", 2), ("if_true", 3)],
        ),
        ({"value": [1, 2, 3], "condition": [False]}, {}, [("if_false", 1), ("if_false", 2), ("if_false", 3)]),
        ({"value": ["x"], "condition": [True, False]}, {}, [("if_true", "x"), ("if_false", "x")]),
        ({"value": [], "condition": [True]}, {"value": "unused"}, []),
        ({"value": []}, {"condition": True}, []),
        ({"condition": []}, {"value": 1}, []),
    ],
)
def test_if(
    streams: dict[str, list[Any]], properties: dict[str, Any], expected: list[tuple[str, Any]]
) -> None:
    """A value goes down one branch, paired with its condition; the other branch gets nothing."""
    assert routed(streams, **properties) == expected


@pytest.mark.parametrize(
    ("streams", "line"),
    [
        ({"value": [1], "condition": []}, "warning: nothing has arrived at condition: value was dropped"),
        (
            {"value": [1, 2], "condition": [True, True, False]},
            "warning: 2 values have arrived at value: what followed elsewhere was dropped",
        ),
    ],
)
def test_if_says_what_it_drops(streams: dict[str, list[Any]], line: str) -> None:
    """What can't be paired is in the node's log."""
    notes = Notes()
    run_node(control.If, streams=streams, context=notes)
    assert notes.lines == [line]


@pytest.mark.parametrize(
    ("items", "expected"),
    [([], []), (["a", None], [{"output": "a", "index": 0}, {"output": None, "index": 1}])],
)
def test_for_each(items: list[Any], expected: list[Any]) -> None:
    """Each item with its index; an empty list gives nothing."""
    assert run_node(control.ForEach, {"input_list": items}) == expected


@pytest.mark.parametrize(
    ("streams", "expected"),
    [({"input_item": [1, None, [2]]}, [1, None, [2]]), ({"input_item": []}, []), ({}, [])],
)
def test_collect(streams: dict[str, list[Any]], expected: list[Any]) -> None:
    """All items in one list, None among them; an empty list if there were none."""
    assert run_node(control.Collect, streams=streams) == expected


@pytest.mark.parametrize(
    ("node", "handle"),
    [(control.Reroute, "input_value"), (output.Output, "value"), (workflow.Preview, "value")],
)
def test_passing_on(node: Node, handle: str) -> None:
    """What comes in goes out, as the same object."""
    value = object()
    assert run_node(node, {handle: value}) is value


@pytest.mark.parametrize(
    ("node", "role"),
    [
        (output.Output, Role.OUTPUT),
        (workflow.Preview, Role.PREVIEW),
        (workflow.Comment, Role.COMMENT),
        (workflow.Group, Role.COMMENT),
        (control.If, Role.NODE),
    ],
)
def test_roles(node: Node, role: Role) -> None:
    """What the runner does with a node by itself."""
    assert node.spec().role is role
