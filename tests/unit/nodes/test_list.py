"""nodetool.list: results, their order, and what is refused."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from nodetool_jupyter.nodes import list as lists
from tests.unit.nodes.support import Node, assert_refused, cases, run_node

NESTED = [1, [2, [3, [4]]], []]


@cases(
    (lists.Length, {"values": [1, None]}, 2),
    (lists.Length, {}, 0),
    (lists.ListRange, {"start": 1, "stop": 4}, [1, 2, 3]),
    (lists.ListRange, {"start": 5, "stop": 0, "step": -2}, [5, 3, 1]),
    (lists.ListRange, {"start": 3, "stop": 3}, []),
    (lists.Slice, {"values": [0, 1, 2, 3], "start": 1, "stop": 3}, [1, 2]),
    (lists.Slice, {"values": [0, 1, 2, 3], "start": -2}, [2, 3]),
    (lists.Slice, {"values": [0, 1, 2, 3], "step": 2}, [0, 2]),
    (lists.Slice, {"values": [0, 1, 2, 3], "step": -1}, [3, 2, 1, 0]),
    (lists.Slice, {"values": [0, 1, 2, 3], "stop": -1}, [0, 1, 2]),
    (lists.GetElement, {"values": ["a", "b"], "index": 1}, "b"),
    (lists.GetElement, {"values": ["a", "b"], "index": -2}, "a"),
    (lists.SelectElements, {"values": ["a", "b", "c"], "indices": [2, 0, -1]}, ["c", "a", "c"]),
    (lists.Append, {"values": [1], "value": [2]}, [1, [2]]),
    (lists.Extend, {"values": [1], "other_values": [2, 3]}, [1, 2, 3]),
    (lists.Reverse, {"values": [1, 2, 3]}, [3, 2, 1]),
    (lists.Sort, {"values": [3, 1.5, 2]}, [1.5, 2, 3]),
    (lists.Sort, {"values": ["b", "a", "C"], "order": "descending"}, ["b", "a", "C"]),
    (lists.Chunk, {"values": [1, 2, 3], "chunk_size": 2}, [[1, 2], [3]]),
    (lists.Chunk, {"values": []}, []),
    (lists.Flatten, {"values": NESTED}, [1, 2, 3, 4]),
    (lists.Flatten, {"values": NESTED, "max_depth": 0}, NESTED),
    (lists.Flatten, {"values": NESTED, "max_depth": 1}, [1, 2, [3, [4]]]),
    (lists.Flatten, {"values": ["ab", {"a": [1]}]}, ["ab", {"a": [1]}]),
)
def test_lists(node: Node, properties: dict[str, Any], expected: Any) -> None:
    """Parts and orders of lists; the list that was given stays as it was."""
    before = copy.deepcopy(properties)
    assert run_node(node, properties) == expected
    assert properties == before


@cases(
    (lists.Dedupe, {"values": [3, 1, 3, 2, 1]}, [1, 2, 3]),
    (lists.Dedupe, {"values": ["c", 1, "c", "b", 1]}, ["c", 1, "b"]),
    (lists.Dedupe, {"values": [[1], [1], {"a": [2]}, {"a": [2]}, "x"]}, [[1], {"a": [2]}, "x"]),
    (lists.Dedupe, {"values": [{"a": 1, "b": 2}, {"b": 2, "a": 1}]}, [{"a": 1, "b": 2}]),
    (lists.Dedupe, {"values": [None, None, "", 0]}, [None, "", 0]),
    (lists.Union, {"list1": ["b", "a"], "list2": ["c", "b"]}, ["b", "a", "c"]),
    (lists.Union, {"list1": [5, 1], "list2": [3, 1]}, [1, 3, 5]),
    (lists.Union, {}, []),
    (lists.Intersection, {"list1": [3, 1, 3, 2], "list2": [1, 3]}, [1, 3]),
    (lists.Intersection, {"list1": ["c", "a", "b"], "list2": ["a", "c"]}, ["c", "a"]),
    (lists.Intersection, {"list1": [[1], [2]], "list2": [[2]]}, [[2]]),
    (lists.Difference, {"list1": [3, 1, 3, 2], "list2": [1]}, [2, 3]),
    (lists.Difference, {"list1": ["c", "a", "b"], "list2": ["a"]}, ["c", "b"]),
    (lists.Difference, {"list1": [], "list2": [1]}, []),
)
def test_sets(node: Node, properties: dict[str, Any], expected: list[Any]) -> None:
    """Each element once, in an order that is always the same: where it first stood, numbers as in a set."""
    assert run_node(node, properties) == expected


@cases(
    (lists.Sum, {"values": [1, 2.5]}, 3.5),
    (lists.Sum, {"values": [1, 2]}, 3),
    (lists.Sum, {}, 0),
    (lists.Product, {"values": [2, 3, 4]}, 24),
    (lists.Product, {}, 1),
    (lists.Average, {"values": [1, 2]}, 1.5),
    (lists.Minimum, {"values": [3, -1, 2]}, -1),
    (lists.Maximum, {"values": [3, -1, 2.5]}, 3),
)
def test_numbers(node: Node, properties: dict[str, Any], expected: float) -> None:
    """Whole numbers stay whole, so that a text with one in it doesn't say 3.0."""
    result = run_node(node, properties)
    assert (type(result), result) == (type(expected), expected)


@cases(
    (lists.ListRange, {"stop": 10_000_001}, "more than 10,000,000 numbers"),
    (lists.ListRange, {"stop": 10**30}, "more than 10,000,000 numbers"),
    (lists.ListRange, {"stop": 3, "step": 0}, "step must not be 0"),
    (lists.GenerateSequence, {"stop": 3, "step": 0}, "step must not be 0"),
    (lists.Slice, {"values": [1], "step": 0}, "step must not be 0"),
    (lists.GetElement, {"values": [1, 2], "index": 2}, "there is no element 2 in a list of 2"),
    (lists.SelectElements, {"values": [], "indices": [0]}, "there is no element 0 in a list of 0"),
    (lists.Sort, {"values": [1, "a"]}, "these elements have no order"),
    (lists.Chunk, {"values": [1], "chunk_size": 0}, "chunk_size must be at least 1, found 0"),
    (lists.Flatten, {"max_depth": -2}, "greater than or equal to -1"),
    (lists.Average, {}, "an empty list has no average"),
    (lists.Minimum, {}, "an empty list has no minimum"),
    (lists.Maximum, {}, "an empty list has no maximum"),
    (lists.Sum, {"values": [1, "2"]}, "expected list[float], found str '2' at [1]"),
    (lists.Sum, {"values": [True]}, "found bool True at [0]"),
)
def test_refusals(node: Node, properties: dict[str, Any], expected: str) -> None:
    """What has no result is said in a sentence; nothing is guessed."""
    assert_refused(node, properties, expected)


def test_deep_nesting_is_refused() -> None:
    """A list within a list ten thousand times ends in a sentence, a list within itself too."""
    endless: list[Any] = []
    endless.append(endless)
    deep: list[Any] = []
    for _ in range(20_000):
        deep = [deep]
    with pytest.raises(ValueError, match="nested more than 10,000 deep"):
        list(lists.flat(deep, lists.MAX_DEPTH))
    with pytest.raises(ValueError, match="nested more than 10,000 deep"):
        list(lists.flat(endless, lists.MAX_DEPTH))


def test_sequence() -> None:
    """Numbers one by one, however many there are."""
    assert run_node(lists.GenerateSequence, {"start": 2, "stop": 0, "step": -1}) == [
        {"output": 2},
        {"output": 1},
    ]


def test_randomize() -> None:
    """The same elements, in another list."""
    values = list(range(50))
    shuffled = run_node(lists.Randomize, {"values": values})
    assert sorted(shuffled) == values == list(range(50))
    assert shuffled != values
