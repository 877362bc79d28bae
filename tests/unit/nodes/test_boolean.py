"""nodetool.boolean: conditions and choices."""

from __future__ import annotations

from typing import Any

import pytest

from nodetool_jupyter.nodes import boolean
from tests.unit.nodes.support import Node, assert_refused, cases, run_node

BOTH = [(False, False), (False, True), (True, False), (True, True)]


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ("and", [False, False, False, True]),
        ("or", [False, True, True, True]),
        ("xor", [False, True, True, False]),
        ("nand", [True, True, True, False]),
        ("nor", [True, False, False, False]),
    ],
)
def test_logical_operator(operation: str, expected: list[bool]) -> None:
    """The whole truth table of each operation."""
    results = [run_node(boolean.LogicalOperator, {"a": a, "b": b, "operation": operation}) for a, b in BOTH]
    assert results == expected


@pytest.mark.parametrize(
    ("comparison", "expected"),
    [
        ("==", [False, True, False]),
        ("!=", [True, False, True]),
        ("<", [True, False, False]),
        ("<=", [True, True, False]),
        (">", [False, False, True]),
        (">=", [False, True, True]),
    ],
)
def test_compare(comparison: str, expected: list[bool]) -> None:
    """Below, equal and above, where an int and a float may be equal."""
    results = [run_node(boolean.Compare, {"a": a, "b": 2.0, "comparison": comparison}) for a in (1, 2, 3)]
    assert results == expected


@cases(
    (boolean.Not, {"value": True}, False),
    (boolean.Not, {}, True),
    (boolean.All, {"values": [True, False]}, False),
    (boolean.All, {}, True),
    (boolean.Some, {"values": [True, False]}, True),
    (boolean.Some, {}, False),
    (boolean.IsNone, {"value": None}, True),
    (boolean.IsNone, {"value": ""}, False),
    (boolean.IsIn, {"value": "a", "options": ["a", 1]}, True),
    (boolean.IsIn, {"value": [1], "options": [[1]]}, True),
    (boolean.IsIn, {"value": 2}, False),
    (boolean.ConditionalSwitch, {"condition": True, "if_true": "yes", "if_false": "no"}, "yes"),
    (boolean.ConditionalSwitch, {"if_true": "yes", "if_false": None}, None),
)
def test_results(node: Node, properties: dict[str, Any], expected: Any) -> None:
    """Conditions on values, and the choice by one."""
    assert run_node(node, properties) is expected


@cases(
    (boolean.Not, {"value": 1}, "expected bool, found int 1"),
    (boolean.Compare, {"a": True}, "expected union[int, float], found bool True"),
    (boolean.Compare, {"comparison": "=>"}, "found str '=>'"),
    (boolean.All, {"values": [True, "x"]}, "found str 'x' at [1]"),
)
def test_refusals(node: Node, properties: dict[str, Any], expected: str) -> None:
    """Nothing is taken for true or for a number that isn't."""
    assert_refused(node, properties, expected)
