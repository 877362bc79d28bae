"""Values that nest too deep are problems of their node and property, found before anything runs."""

from __future__ import annotations

from typing import Any

import pytest

from nodetool_jupyter import InvalidGraph, run
from nodetool_jupyter.engine.depth import refuse_depth
from nodetool_jupyter.model.graph import Graph, Node
from nodetool_jupyter.values.base import MAX_DEPTH
from tests.unit.engine.kinds import Free, give
from tests.unit.engine.support import Input, problems

DEEPEST = f"is nested more than {MAX_DEPTH} levels deep"


def deep(levels: int, *, of: type = list) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value} if of is dict else of([value])
    return value


@pytest.mark.parametrize("of", [list, dict, tuple])
@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 10_000, 100_000])
def test_a_property(levels: int, of: type) -> None:
    """Its name is said, whether it is declared or not."""
    (problem,) = problems({"g": (give, {"value": deep(levels, of=of)})})
    assert problem.startswith("node g, handle value: ")
    assert DEEPEST in problem
    (problem,) = problems({"f": (Free, {"own": deep(levels, of=of)})})
    assert problem.startswith("node f, handle own: ")
    (problem,) = problems({"f": (Free, {}, {"dynamic_properties": {"own": deep(levels, of=of)}})})
    assert problem.startswith("node f, handle own: ")


def test_a_param() -> None:
    """Its input node is named."""
    nodes = {"i": (Input, {"name": "x"})}
    (problem,) = problems(nodes, params={"x": deep(10_000)})
    assert problem.startswith("node i, handle value: param 'x': is nested more")


def test_a_list_that_holds_itself() -> None:
    """Has no end at all."""
    own: list[Any] = []
    own.append(own)
    with pytest.raises(ValueError, match="does a list hold itself"):
        refuse_depth(own)


def test_a_list_that_holds_another_many_times() -> None:
    """It is looked into once; each level doubles what it would be written out."""
    value: Any = []
    for _ in range(20):
        value = [value, value]
    refuse_depth(value)
    for _ in range(MAX_DEPTH - 21):
        value = {"a": value, "b": (value,)}
    with pytest.raises(ValueError, match="holds the same values again and again"):
        refuse_depth(value)


@pytest.mark.parametrize("of", [list, dict, tuple])
def test_what_nests_less_is_let_through(of: type) -> None:
    """To the last level."""
    refuse_depth(deep(MAX_DEPTH - 1, of=of))
    refuse_depth([[1] * 10_000] * 100)


def test_run_refuses_it(home: Any) -> None:
    """Before anything is recorded."""
    graph = Graph(nodes=(Node(id="n", type="nodetool.constant.List", data={"value": deep(10_000)}),))
    with pytest.raises(InvalidGraph, match=r"node n, handle value: is nested more than"):
        run(graph)
    listed = Graph(nodes=(Node(id="i", type="nodetool.input.StringListInput", data={"name": "x"}),))
    with pytest.raises(InvalidGraph, match="node i"):
        run(listed, {"x": deep(10_000)})
