"""Problems of JSON and YAML workflows name the line of their node."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nodetool_jupyter.authoring.cell import read_cell
from nodetool_jupyter.authoring.files import load_workflow
from nodetool_jupyter.authoring.lines import NodeLines, placed
from nodetool_jupyter.errors import InvalidGraph, Problem

GRAPH = {
    "edges": [{"id": "b", "source": "a", "target": "b", "targetHandle": "value"}],
    "nodes": [
        {"type": "t", "data": {"id": "b", "nodes": [{"id": "b"}], "text": '"id": "b"\n{[,:'}, "id": "a"},
        {"id": "b", "type": "t"},
        {"id": 'q"\\u00e9', "type": "t"},
    ],
}
YAML = """\
edges: []
nodes:
- id: a
  type: x.Y
  data: {id: b, text: "id: b"}
- {type: x.Y, id: 'b'}
"""


def line_with(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.split("\n"), 1) if part in line)


@pytest.mark.parametrize("indent", [None, 0, 2])
@pytest.mark.parametrize("is_whole", [True, False])
def test_lines_of_json(indent: int | None, is_whole: bool) -> None:
    """Ids are found where nodes have them, and nowhere else; texts that look like nodes are none."""
    value = {"id": "b", "graph": GRAPH} if is_whole else GRAPH
    text = json.dumps(value, indent=indent)
    lines = NodeLines(text, "json")
    assert list(lines) == ["a", "b", 'q"\\u00e9']
    if indent is not None:
        shown = {name: text.split("\n")[line - 1].strip().rstrip(",") for name, line in lines.items()}
        assert shown == {name: f'"id": {json.dumps(name)}' for name in lines}
        assert lines["b"] > lines["a"] > line_with(text, '"nodes"')


def test_lines_of_yaml() -> None:
    """Blocks and flows alike."""
    assert dict(NodeLines(YAML, "yaml")) == {"a": 3, "b": 6}
    assert dict(NodeLines("graph:\n  nodes:\n  - id: a\n", "yaml")) == {"a": 3}


@pytest.mark.parametrize("text", ["nodes: 5", "nodes: [5, {type: x}]", "graph: {nodes: {a: 1}}", "graph: []"])
def test_texts_without_nodes(text: str) -> None:
    """What has no ids has no lines; what is wrong with it is said elsewhere."""
    assert not NodeLines(text, "yaml")
    assert not NodeLines(json.dumps({"nodes": {"id": 5}, "graph": 5}), "json")


def test_problems_are_placed() -> None:
    """One without a node, or with an unknown one, stays as it is."""
    problems = [Problem("is wrong", "a"), Problem("is wrong", "z"), Problem("is wrong")]
    texts = [str(problem) for problem in placed(problems, {"a": 3}, "the cell")]
    assert texts == ["node a: is wrong (line 3 of the cell)", "node z: is wrong", "is wrong"]


def test_a_cell_names_them() -> None:
    """Wrong fields are found when the cell is read, the others later, by the same lines."""
    for text in (YAML, json.dumps({"nodes": [{"id": "a", "type": "x"}], "edges": []}, indent=1)):
        assert read_cell(text).line_of_node["a"] == line_with(text, "a")
        wrong = text.replace("type", "typo")
        with pytest.raises(InvalidGraph, match=r"node a: .*\(line \d of the cell\)"):
            read_cell(wrong)


@pytest.mark.parametrize("name", ["a.json", "a.yaml"])
def test_a_file_names_them(tmp_path: Path, name: str) -> None:
    """Also where it begins with a byte order mark."""
    text = YAML if name.endswith("yaml") else json.dumps({"nodes": [{"id": "a", "type": 5}], "edges": []})
    path = tmp_path / name
    path.write_text(f"\ufeff{text.replace('x.Y', '5')}", "utf-8")
    with pytest.raises(InvalidGraph, match=r"node a: field type .*\(line \d of the file\)"):
        load_workflow(path)
