"""Whole numbers longer than Python writes: passed on as values, or refused in a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nodetool_jupyter import run, save_workflow
from nodetool_jupyter.authoring.cell import read_cell
from nodetool_jupyter.authoring.option_line import from_values, parse
from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.function import node
from nodetool_jupyter.errors import CellError, InvalidGraph, NodeError, OptionError, WorkflowError
from nodetool_jupyter.model.graph import Workflow
from nodetool_jupyter.session import get_session

LARGE = 10**5000


@node
async def takes(value: int) -> int:
    return value


@node
async def shows(context: ProcessingContext, value: Any = None) -> dict[str, list[int]]:
    context.progress(LARGE, LARGE)
    context.preview([LARGE])
    return {"large": [LARGE]}


@node
async def prints(value: Any = None) -> None:
    print(LARGE)


@node
async def text(value: str = "") -> str:
    return LARGE  # type: ignore[return-value]


def of_node(function: Any, **data: Any) -> dict[str, Any]:
    get_session().registry.add(function.spec)
    return {
        "nodes": [
            {"id": "a", "type": function.spec.type, "data": data},
            {"id": "o", "type": "nodetool.output.Output", "data": {"name": "r"}},
        ],
        "edges": [{"source": "a", "target": "o", "targetHandle": "value"}],
    }


PARAM = {
    "nodes": [
        {"id": "i", "type": "nodetool.input.IntegerInput", "data": {"name": "n", "value": 1}},
        {"id": "o", "type": "nodetool.output.Output", "data": {"name": "r"}},
    ],
    "edges": [{"source": "i", "target": "o", "targetHandle": "value"}],
}


def test_as_values() -> None:
    """Properties, params, results, previews and progress carry them."""
    assert run(of_node(takes, value=LARGE)).result() == LARGE
    assert run(PARAM, {"n": LARGE}).result() == LARGE
    assert run(of_node(shows)).result() == {"large": [LARGE]}


@pytest.mark.parametrize(
    ("function", "data", "kind", "sentence"),
    [
        (text, {"value": LARGE}, InvalidGraph, "node a, handle value: expected str, found int"),
        (text, {}, NodeError, "expected str, found int"),
        (prints, {}, NodeError, "node a .*ValueError: Exceeds the limit"),
    ],
)
def test_where_a_text_is_needed(
    function: Any, data: dict[str, Any], kind: type[Exception], sentence: str
) -> None:
    """The node is named."""
    with pytest.raises(kind, match=sentence):
        run(of_node(function, **data))


def test_in_files(tmp_path: Path) -> None:
    """No file can hold one that could be read again."""
    workflow = Workflow.model_validate(of_node(takes, value=LARGE))
    with pytest.raises(WorkflowError, match="a, handle value: holds a whole number of more than 4300 digits"):
        save_workflow(workflow, tmp_path / "large.json")
    with pytest.raises(InvalidGraph, match="found int"):
        run({"nodes": [{"id": LARGE, "type": "x"}], "edges": []})


def test_in_cells_and_options() -> None:
    """Typed, or from a variable."""
    assert parse("-p n=$large", {"large": LARGE}).param is not None
    for values in ({"name": LARGE}, {"timeout": LARGE}, {"params": LARGE}):
        with pytest.raises(OptionError, match="can't be int"):
            from_values(values)
    with pytest.raises(CellError, match="a: expected str, found int"):
        read_cell("from nodetool_jupyter.nodes import text\ntext.Concat(a=10**5000)")
