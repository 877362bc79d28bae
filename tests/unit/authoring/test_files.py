"""Workflow files: all field problems at once and in bounds; saving loses nothing."""

from __future__ import annotations

import dataclasses
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from nodetool_jupyter.authoring.documents import ReadLimits
from nodetool_jupyter.authoring.files import load_workflow, read_workflow, save_workflow
from nodetool_jupyter.errors import InvalidGraph, WorkflowError
from nodetool_jupyter.model.graph import Edge, Graph, Node, Workflow
from nodetool_jupyter.model.types import TypeMetadata

FULL: dict[str, Any] = {
    "id": "w1",
    "name": "Two nodes",
    "description": "d",
    "access": "public",
    "created_at": "2026-01-10T00:16:41.254909",
    "updated_at": "2026-01-10T00:17:04.186127",
    "tags": ["a"],
    "thumbnail": "",
    "settings": {"hide_ui": False},
    "input_schema": {"type": "object"},
    "graph": {
        "nodes": [
            {
                "id": "n1",
                "parent_id": None,
                "type": "nodetool.constant.String",
                "data": {"value": "ü 😀"},
                "ui_properties": {"position": {"x": 1.5, "y": 2}},
                "dynamic_properties": {},
                "dynamic_outputs": {
                    "extra": {
                        "type": "int",
                        "optional": True,
                        "values": None,
                        "type_args": [],
                        "type_name": None,
                    }
                },
                "sync_mode": "zip_all",
                "color": "red",
            },
            {
                "id": "n2",
                "parent_id": None,
                "type": "nodetool.output.Output",
                "data": {"name": "out"},
                "ui_properties": {"position": {"x": 300, "y": 2}},
                "dynamic_properties": {},
                "dynamic_outputs": {},
                "sync_mode": "on_any",
            },
        ],
        "edges": [
            {
                "source": "n1",
                "target": "n2",
                "sourceHandle": "output",
                "targetHandle": "value",
                "id": "e1",
                "ui_properties": {"className": "text"},
                "edge_type": "data",
                "selected": True,
            }
        ],
        "viewport": {"zoom": 1},
    },
}


def problems_of(text: str, limits: ReadLimits = ReadLimits()) -> list[str]:  # noqa: B008 - frozen
    with pytest.raises(InvalidGraph) as caught:
        read_workflow(text, limits=limits)
    return [str(problem) for problem in caught.value.problems]


class TestReading:
    def test_a_workflow_and_a_bare_graph_are_read(self) -> None:
        """What NodeTool exports, whole or only its graph."""
        whole = read_workflow(json.dumps(FULL))
        bare = read_workflow(json.dumps(FULL["graph"]))
        assert whole.graph == bare.graph
        assert (whole.name, bare.name) == ("Two nodes", "")

    def test_old_files_lack_fields(self) -> None:
        """Of a node only id and type are needed, of an edge its ends."""
        edge = {"source": "a", "target": "a", "targetHandle": "x"}
        graph = read_workflow(json.dumps({"nodes": [{"id": "a", "type": "t"}], "edges": [edge]})).graph
        assert graph.nodes == (Node(id="a", type="t"),)
        assert graph.edges[0].sourceHandle == "output"

    def test_no_nodes_are_a_workflow(self) -> None:
        """An empty graph runs to an empty result."""
        assert read_workflow('{"nodes": [], "edges": []}').graph == Graph()
        assert read_workflow("nodes: []", "yaml").graph == Graph()

    def test_all_problems_of_all_nodes_are_told(self) -> None:
        """With node id or place, field, expected and found."""
        nodes = [
            {"id": "a", "type": "t", "data": [1]},
            {"id": "", "type": 5},
            {"type": "t", "sync_mode": "both"},
            7,
            {"id": "b", "type": "t", "dynamic_outputs": {"o": {"type": 3}}, "ui_properties": None},
        ]
        edges = [{"id": "e", "source": "a", "target": 1, "targetHandle": "x"}, {"edge_type": "other"}]
        assert problems_of(json.dumps({"nodes": nodes, "edges": edges})) == [
            "node a: field data has the wrong type (expected an object, found list)",
            "the 2nd node: field type has the wrong type (expected a text, found int 5)",
            "the 3rd node: field id is missing",
            "the 3rd node: field sync_mode can't be used (expected 'on_any' or 'zip_all', found str 'both')",
            "the 4th node: has the wrong type (expected an object, found int 7)",
            "node b: field ui_properties has the wrong type (expected an object, found None)",
            "node b: field dynamic_outputs.o.type has the wrong type (expected a text, found int 3)",
            "edge e: field target has the wrong type (expected a text, found int 1)",
            "the 2nd edge: field source is missing",
            "the 2nd edge: field target is missing",
            "the 2nd edge: field targetHandle is missing",
            "the 2nd edge: field edge_type can't be used (expected 'data' or 'control', found str 'other')",
        ]

    def test_flaws_of_values_are_told_with_the_others(self) -> None:
        """What JSON's parser lets pass, at its node and property."""
        text = (
            '{"name": "x", "name": "y", "graph": {"nodes": ['
            '{"id": "a", "type": "t", "data": {"n": NaN, "deep": {"x": [1e400]}}},'
            '{"id": "b", "data": {"s": "\\ud800", "s": 1}}, {"data": {"n": Infinity}}]}}'
        )
        assert set(problems_of(text)) == {
            "the workflow holds key 'name' twice",
            "node a, handle n: holds nan, which is no JSON number (or too large for one)",
            "node a, handle deep: field deep.x.0 holds inf, which is no JSON number (or too large for one)",
            "node b: field data holds key 's' twice",
            "node b: field type is missing",
            "the 3rd node: field data.n holds inf, which is no JSON number (or too large for one)",
            "the 3rd node: field id is missing",
            "the 3rd node: field type is missing",
        }

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ('{"graph": null}', "the graph has the wrong type (expected an object, found None)"),
            ('{"nodes": {}}', "field nodes has the wrong type (expected a list, found dict)"),
            ('{"graph": {"nodes": 5}}', "field nodes has the wrong type (expected a list, found int 5)"),
            ('{"name": 5, "graph": {}}', "field name has the wrong type (expected a text, found int 5)"),
            (
                '{"nodes": [], "edges": "x"}',
                "field edges has the wrong type (expected a list, found str 'x')",
            ),
        ],
    )
    def test_wrong_fields_outside_of_nodes(self, text: str, message: str) -> None:
        """The graph itself, and the workflow's own fields."""
        assert problems_of(text) == [message]

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("[]", "an object with nodes and edges, found list"),
            ("null", "an object with nodes and edges, found None"),
            ('"x"', "an object with nodes and edges, found str 'x'"),
            ('{"name": "x", "steps": 1}', "a graph, or nodes and edges; found: name, steps"),
            ("{}", "a graph, or nodes and edges; found: nothing"),
            ("", "can't be read: it is empty"),
            ("{", "can't be read: line 1, column 2"),
        ],
    )
    def test_what_is_no_workflow_says_so(self, text: str, message: str) -> None:
        """Anything else that may be in a JSON file."""
        with pytest.raises(WorkflowError) as caught:
            read_workflow(text)
        assert message in caught.value.message

    def test_no_other_format_is_known(self) -> None:
        """A workflow is JSON or YAML."""
        with pytest.raises(WorkflowError, match="the format 'toml'"):
            read_workflow("", "toml")

    def test_the_number_of_nodes_and_edges_is_bounded(self) -> None:
        """Before a model is made of each; the limit is the caller's to set."""
        node, edge = {"id": "a", "type": "t"}, {"source": "a", "target": "b", "targetHandle": "x"}
        text = json.dumps({"nodes": [node] * 11, "edges": [edge] * 21})
        assert problems_of(text, ReadLimits(nodes=10, edges=20)) == [
            "the graph has 11 nodes; at most 10 are accepted",
            "the graph has 21 edges; at most 20 are accepted",
        ]
        assert len(read_workflow(text, limits=ReadLimits(nodes=11, edges=21)).graph.nodes) == 11

    def test_a_hundred_thousand_nodes_are_refused(self) -> None:
        """By default, and without a model of any."""
        text = '{"nodes": [' + ",".join(['{"id": "a", "type": "t"}'] * 100_000) + "]}"
        assert problems_of(text) == ["the graph has 100,000 nodes; at most 50,000 are accepted"]


class TestLoading:
    def test_the_format_is_that_of_the_name(self, tmp_path: Path) -> None:
        """YAML by its suffix, all else is JSON; either can be said."""
        (tmp_path / "a.yml").write_text("nodes: []")
        (tmp_path / "b.workflow").write_text('{"nodes": []}')
        assert load_workflow(tmp_path / "a.yml") == load_workflow(str(tmp_path / "b.workflow"))
        assert load_workflow(tmp_path / "b.workflow", "yaml").graph == Graph()

    def test_home_is_expanded(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """As a shell would do it."""
        monkeypatch.setenv("HOME", str(tmp_path))
        (tmp_path / "a.json").write_text('{"nodes": []}')
        assert load_workflow("~/a.json").graph == Graph()

    def test_errors_name_the_file(self, tmp_path: Path) -> None:
        """Whatever is wrong in it."""
        file = tmp_path / "a.json"
        for text in ("{", "[]", '{"nodes": [{}]}'):
            file.write_text(text)
            with pytest.raises(WorkflowError) as caught:
                load_workflow(file)
            assert str(file) in str(caught.value)

    def test_an_empty_path_is_told(self) -> None:
        """In place of the folder that it would be."""
        with pytest.raises(WorkflowError, match="path of the workflow file is empty"):
            load_workflow("")

    def test_what_is_no_readable_file_is_told(self, tmp_path: Path) -> None:
        """Missing, a folder, a pipe that would never end, no text, too large."""
        (tmp_path / "flow.json").write_bytes(b"\xff\xfe")
        (tmp_path / "large.json").write_text(" " * 200)
        os.mkfifo(tmp_path / "pipe.json")
        for name, message in {
            "flwo.json": "there is no file",
            ".": "is no file",
            "pipe.json": "is no file",
            "flow.json": "it is not UTF-8",
            "large.json": "it is larger than",
            "none/x.json": "there is no file",
            "a\0b": "there is no file",
        }.items():
            with pytest.raises(WorkflowError) as caught:
                load_workflow(tmp_path / name, limits=ReadLimits(size=100))
            assert message in str(caught.value)

    def test_a_missing_file_gets_a_guess(self, tmp_path: Path) -> None:
        """From the folder where it should be."""
        (tmp_path / "flow.json").write_text("{}")
        with pytest.raises(WorkflowError, match=r"did you mean .*flow\.json\?"):
            load_workflow(tmp_path / "flwo.json")

    def test_a_file_without_permission(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The system's own reason is given."""
        file = tmp_path / "a.json"
        file.write_text("{}")

        def refuse(*_: object, **__: object) -> None:
            raise PermissionError(13, "Permission denied")

        with monkeypatch.context() as patch:
            patch.setattr(Path, "open", refuse)
            with pytest.raises(WorkflowError, match="can't be read: Permission denied"):
                load_workflow(file)


class TestSaving:
    def test_nothing_is_lost(self, tmp_path: Path) -> None:
        """Unknown fields of workflow, graph, node and edge are in the file as they were read."""
        file = save_workflow(read_workflow(json.dumps(FULL)), tmp_path / "a.json")
        assert json.loads(file.read_text("utf-8")) == FULL
        assert "ü 😀" in file.read_text("utf-8")

    def test_saving_what_was_loaded_changes_nothing(self, tmp_path: Path) -> None:
        """So that a file under version control stays as it is."""
        file = save_workflow(read_workflow(json.dumps(FULL)), tmp_path / "a.json")
        before = file.read_bytes()
        save_workflow(load_workflow(file), file)
        assert file.read_bytes() == before

    def test_a_graph_is_saved_as_a_workflow(self, tmp_path: Path) -> None:
        """Fields that nobody set don't say null."""
        graph = Graph(
            nodes=(Node(id="a", type="t", data={"x": (1, 2)}),),
            edges=(Edge(source="a", target="a", targetHandle="x"),),
        )
        file = save_workflow(graph, tmp_path / "a.json")
        written = json.loads(file.read_text())
        assert "created_at" not in written
        assert written["graph"]["nodes"][0]["data"] == {"x": [1, 2]}
        assert load_workflow(file).graph.edges == graph.edges

    def test_a_value_that_json_cannot_hold_is_refused(self, tmp_path: Path) -> None:
        """All of them, by node and property; the file isn't touched."""
        data = {"a": object(), "b": float("nan"), "c": {"d": [{1, 2}]}, "e": {5: 1}}
        graph = Graph(nodes=(Node(id="n", type="t", data=data),))
        file = tmp_path / "a.json"
        with pytest.raises(WorkflowError) as caught:
            save_workflow(graph, file)
        for line in (
            "node n, handle a: holds object, which JSON can't",
            "node n, handle b: holds nan",
            "node n, handle c: field c.d.0 holds set, which JSON can't",
            "node n, handle e: field e.5 holds key 5",
        ):
            assert line in str(caught.value)
        assert not list(tmp_path.iterdir())

    def test_endless_values_are_refused(self, tmp_path: Path) -> None:
        """A list that holds itself, or is nested deeper than any file may be."""
        endless: list[Any] = []
        endless.append(endless)
        deep: list[Any] = []
        for _ in range(300):
            deep = [deep]
        for value in (endless, deep):
            graph = Graph(nodes=(Node(id="n", type="t", data={"x": value}),))
            with pytest.raises(WorkflowError, match=r"can't be saved: .*(deep|Circular)"):
                save_workflow(graph, tmp_path / "a.json")

    def test_a_file_that_knows_more_is_not_overwritten(self, tmp_path: Path) -> None:
        """Saving a rebuilt graph over a workflow would lose the rest of it, silently."""
        file = save_workflow(read_workflow(json.dumps(FULL)), tmp_path / "a.json")
        graph = load_workflow(file).graph
        with pytest.raises(WorkflowError) as caught:
            save_workflow(graph, file)
        assert "created_at, input_schema, settings, tags, updated_at" in caught.value.message
        assert "replace=True" in (caught.value.hint or "")
        save_workflow(load_workflow(file).model_copy(update={"graph": Graph()}), file)
        assert load_workflow(file).graph == Graph()
        save_workflow(graph, file, replace=True)
        assert load_workflow(file).name == ""

    def test_a_file_that_is_no_workflow_is_not_overwritten(self, tmp_path: Path) -> None:
        """A wrong name is soon typed."""
        file = tmp_path / "notes.json"
        file.write_text("not a workflow")
        with pytest.raises(WorkflowError, match="is no workflow; it stays as it is"):
            save_workflow(Graph(), file)
        assert file.read_text() == "not a workflow"
        save_workflow(Graph(), file, replace=True)

    def test_it_is_saved_as_json_only(self, tmp_path: Path) -> None:
        """NodeTool reads no YAML; a name that says YAML would lie."""
        with pytest.raises(WorkflowError, match="saved as JSON") as caught:
            save_workflow(Graph(), tmp_path / "a.yaml")
        assert caught.value.hint == "save to a.json"

    def test_a_failed_write_leaves_the_old_file(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A full disk, for one: no half a file, and nothing beside it."""
        file = save_workflow(Graph(), tmp_path / "a.json")
        before = file.read_bytes()

        def fill_disk(_: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", fill_disk)
        with pytest.raises(WorkflowError, match="can't be written: No space left on device"):
            save_workflow(Workflow(name="x", graph=Graph()), file)
        assert file.read_bytes() == before
        assert list(tmp_path.iterdir()) == [file]

    def test_a_folder_that_is_not_there(self, tmp_path: Path) -> None:
        """It isn't made: the path may be a mistake."""
        with pytest.raises(WorkflowError, match="No such file or directory"):
            save_workflow(Graph(), tmp_path / "none" / "a.json")

    def test_mode_and_links_are_kept(self, tmp_path: Path) -> None:
        """Replacing a file keeps its permissions; a link still leads to it."""
        file = save_workflow(Graph(), tmp_path / "a.json")
        file.chmod(0o640)
        link = tmp_path / "link.json"
        link.symlink_to(file)
        assert save_workflow(Graph(), link) == file
        assert link.is_symlink()
        assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_types_keep_what_we_do_not_know(tmp_path: Path) -> None:
    """A dynamic output's type is written as it was read, at any depth."""
    kind = {"type": "list", "type_args": [{"type": "str", "label": "deep"}], "future": {"a": [1]}}
    node = {"id": "a", "type": "x.Y", "dynamic_outputs": {"out": kind, "plain": {"type": "int"}}}
    file = tmp_path / "a.json"
    file.write_text(json.dumps({"graph": {"nodes": [node], "edges": []}}), "utf-8")
    workflow = load_workflow(file)
    save_workflow(workflow, file)
    saved = json.loads(file.read_text("utf-8"))["graph"]["nodes"][0]["dynamic_outputs"]
    assert saved == node["dynamic_outputs"]
    made = workflow.graph.nodes[0].dynamic_outputs["out"]
    assert made == TypeMetadata(type="list", type_args=(TypeMetadata(type="str"),))
    changed = Node(id="a", type="x", dynamic_outputs={"out": dataclasses.replace(made, optional=True)})
    assert changed.model_dump()["dynamic_outputs"]["out"]["optional"] is True
