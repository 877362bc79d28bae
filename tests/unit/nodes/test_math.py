"""lib.math and nodetool.numbers: results, domains and bounds."""

from __future__ import annotations

import math
from typing import Any

import pytest

from nodetool_jupyter.nodes import math as maths
from nodetool_jupyter.nodes import numbers
from tests.unit.nodes.support import Node, assert_refused, cases, run_node

HUGE = 10**4299


@cases(
    (maths.Add, {"a": 2, "b": 3}, 5),
    (maths.Add, {"a": 2, "b": 0.5}, 2.5),
    (maths.Subtract, {"a": 2, "b": 3}, -1),
    (maths.Multiply, {"a": 2, "b": 3}, 6),
    (maths.Divide, {"a": 6, "b": 3}, 2.0),
    (maths.Divide, {"a": 1, "b": 4}, 0.25),
    (maths.Modulus, {"a": -7, "b": 3}, 2),
    (maths.Modulus, {"a": 7.5, "b": 2}, 1.5),
    (maths.Power, {"base": 2, "exponent": 10}, 1024.0),
    (maths.Power, {"base": 4, "exponent": -0.5}, 0.5),
    (maths.Sqrt, {"x": 16}, 4.0),
    (maths.Sine, {"angle_rad": math.pi / 2}, 1.0),
    (maths.Cosine, {}, 1.0),
    (maths.Add, {"a": HUGE, "b": 1}, HUGE + 1),
)
def test_arithmetic(node: Node, properties: dict[str, Any], expected: float) -> None:
    """Whole numbers stay whole where the result is whole by nature."""
    result = run_node(node, properties)
    assert (type(result), result) == (type(expected), expected)


@pytest.mark.parametrize(
    ("operation", "number", "expected"),
    [
        ("negate", 3, -3),
        ("absolute", -3, 3),
        ("square", -3, 9),
        ("cube", -3, -27),
        ("square_root", 9, 3.0),
        ("cube_root", 64, 4.0),
        ("cube_root", -27, -3.0),
        ("sine", math.pi / 6, 0.5),
        ("cosine", math.pi / 3, 0.5),
        ("tangent", math.pi / 4, 1.0),
        ("arcsin", 1, math.pi / 2),
        ("arccos", 1, 0.0),
        ("arctan", 1, math.pi / 4),
        ("log", math.e, 1.0),
    ],
)
def test_functions(operation: str, number: float, expected: float) -> None:
    """Each function at a place where its value is known."""
    result = run_node(maths.MathFunction, {"input": number, "operation": operation})
    assert result == pytest.approx(expected, rel=1e-12)
    assert type(result) is type(expected)


@cases(
    (maths.Divide, {"a": 1, "b": 0}, "1 can't be divided by 0"),
    (maths.Modulus, {"a": 1, "b": 0.0}, "1 modulo 0 has no result"),
    (maths.Power, {"base": 10, "exponent": 400}, "too large"),
    (maths.Power, {"base": -8, "exponent": 0.5}, "-8 to the power of 0.5 is no real number"),
    (maths.Power, {"base": 0, "exponent": -1}, "is no real number"),
    (maths.Power, {"base": HUGE, "exponent": 2}, "too large"),
    (maths.Sqrt, {"x": -1}, "square_root needs a number from 0 up, found -1"),
    (maths.Sine, {"angle_rad": math.inf}, "sine needs a finite number, found inf"),
    (maths.MathFunction, {"operation": "log", "input": 0}, "log needs a number above 0, found 0"),
    (maths.MathFunction, {"operation": "arcsin", "input": 2}, "arcsin needs a number from -1 to 1, found 2"),
    (maths.MathFunction, {"operation": "square_root", "input": HUGE}, "too large"),
    (maths.MathFunction, {"operation": "square", "input": HUGE}, "more than 4300 digits"),
    (maths.Multiply, {"a": HUGE, "b": HUGE}, "more than 4300 digits"),
    (maths.Add, {"a": "1"}, "expected union[int, float], found str '1'"),
)
def test_refusals(node: Node, properties: dict[str, Any], expected: str) -> None:
    """What has no number as its result, or none that can be written out, is said in a sentence."""
    assert_refused(node, properties, expected)


def test_the_largest_integer_is_written_out() -> None:
    """The bound is where Python refuses to write an integer."""
    assert len(str(2**maths.MAX_BITS - 1)) <= 4300
    with pytest.raises(ValueError, match="limit"):
        str(2 ** (maths.MAX_BITS + 1))


@pytest.mark.parametrize(
    ("filter_type", "passing"),
    [
        ("greater_than", [3, 2.5]),
        ("less_than", [-3, -2, 0]),
        ("equal_to", [2]),
        ("even", [-2, 0, 2]),
        ("odd", [-3, 3]),
        ("positive", [2, 3, 2.5]),
        ("negative", [-3, -2]),
    ],
)
def test_filter_number(filter_type: str, passing: list[float]) -> None:
    """A number passes as it is or gives no output; what has a fraction is neither even nor odd."""
    properties = {"filter_type": filter_type, "compare_value": 2}
    values = [-3, -2, 0, 2, 3, 2.5]
    results = {value: run_node(numbers.FilterNumber, {"value": value, **properties}) for value in values}
    assert sorted(passing) == sorted(
        value for value, result in results.items() if result == [{"output": value}]
    )
    assert all(not result for value, result in results.items() if value not in passing)


@pytest.mark.parametrize(("inclusive", "passing"), [(True, [1, 2, 3]), (False, [2])])
def test_filter_number_range(inclusive: bool, passing: list[int]) -> None:
    """The bounds pass if they are said to."""
    properties = {"min_value": 1, "max_value": 3, "inclusive": inclusive}
    results = [run_node(numbers.FilterNumberRange, {"value": value, **properties}) for value in range(5)]
    assert [item["output"] for result in results for item in result] == passing
