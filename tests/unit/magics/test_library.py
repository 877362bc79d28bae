"""Finding node types, and the example that is shown for one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from nodetool_jupyter.authoring.files import load_workflow
from nodetool_jupyter.engine.registry import Registry
from nodetool_jupyter.magics.library import described, example, search
from nodetool_jupyter.nodes import FAMILIES
from nodetool_jupyter.nodes.origins import package_of
from nodetool_jupyter.views.sheet import Sheet
from tests.unit.magics.shells import NODES, Shell, open_shell


@pytest.fixture
def shell() -> Iterator[Shell]:
    with open_shell() as shell:
        yield shell


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry(FAMILIES)


def test_every_type_has_an_example_that_can_be_made(registry: Registry) -> None:
    """Its imports are right; it is Python or JSON."""
    for spec in registry.all():
        text = example(spec)
        if text.startswith("{"):
            assert json.loads(text)["type"] == spec.type
            continue
        setup, call = text.split("\n")
        names: dict[str, object] = {}
        exec(setup, names)
        assert eval(call.partition("(")[0], names).node_type() == spec.type
        compile(call, "example", "eval")


def test_every_type_can_be_shown(registry: Registry) -> None:
    """With each of its fields."""
    for spec in registry.all():
        text = repr(Sheet(described(spec)))
        assert all(name in text for name in (*spec.inputs, *spec.outputs))


@pytest.mark.parametrize(
    ("query", "types"),
    [
        ("nodetool.text.Concat", ["nodetool.text.Concat"]),
        ("NODETOOL.TEXT.concat", ["nodetool.text.Concat"]),
        ("FormatText", ["nodetool.text.FormatText"]),
        ("no such thing at all", []),
    ],
)
def test_types_are_found(registry: Registry, query: str, types: list[str]) -> None:
    """A full type, or a last part that only one has, finds it alone."""
    assert [spec.type for spec in search(registry, query)] == types


def test_words_narrow_the_search(registry: Registry) -> None:
    """Each word is in the type, the title or the description; no words find all."""
    everything = search(registry, "")
    texts = search(registry, "text")
    both = search(registry, "text regex")
    assert len(everything) > len(texts) > len(both) > 0


MISSING = {
    "name": "made elsewhere",
    "graph": {
        "nodes": [
            {"id": "a", "type": "nodetool.constant.String", "data": {"value": "x"}},
            {"id": "b", "type": "huggingface.text_to_image.Flux"},
            {"id": "c", "type": "nobody.knows.This"},
        ],
        "edges": [],
    },
}


def test_a_file_with_unknown_types_is_drawn_and_says_which(shell: Shell, tmp_path: Path) -> None:
    """All of them, each with its package where that is known; running it says so too, and runs nothing."""
    path = tmp_path / "w.json"
    path.write_text(json.dumps(MISSING), "utf-8")
    shown = shell.run(f"%nodetool graph {path}")
    assert shown.error is None
    assert (
        "? is not known here: huggingface.text_to_image.Flux (nodetool-huggingface); nobody.knows.This"
        in (shown.plain)
    )
    assert shown.html.count("? ") >= 2
    error = str(shell.run(f"%nodetool run {path}").error)
    assert "; NodeTool's package nodetool-huggingface has it: install that" in error
    assert "node type 'nobody.knows.This' is not known here" in error
    path.write_text(json.dumps({"nodes": [{"id": "a", "type": "notebook.fetch"}], "edges": []}), "utf-8")
    error = str(shell.run(f"%nodetool run {path}").error)
    assert "'notebook.fetch' is not known here; run the cell that" in error


def test_a_python_file_is_drawn(shell: Shell, tmp_path: Path) -> None:
    """As the cell that its text could be, with the notebook's nodes; nothing of it runs."""
    shell.run(NODES)
    path = tmp_path / "loud.py"
    path.write_text("shout(text=fail(text='a'))", "utf-8")
    shown = shell.run(f"%nodetool graph {path}")
    assert (shown.error, "shout_1" in shown.plain, "loud" in shown.plain) == (None, True, True)
    path.write_text("1 + 1", "utf-8")
    assert "makes no nodes" in str(shell.run(f"%nodetool graph {path}").error)
    path.write_text("shout(text=", "utf-8")
    assert "line 1" in str(shell.run(f"%nodetool graph {path}").error)


def test_a_job_is_exported(shell: Shell, tmp_path: Path) -> None:
    """As a file that runs as it is; what only this notebook has is named."""
    path = tmp_path / "out.json"
    shell.run(NODES)
    shell.run(
        "%%nodetool --quiet --name mine\nfrom nodetool_jupyter.nodes import text\ntext.Concat(a='a', b='b')"
    )
    said = shell.run(f"%nodetool export mine {path}")
    assert said.error is None
    assert f"to {path}" in said.text + said.plain
    workflow = load_workflow(path)
    assert (workflow.name, shell.run(f"%nodetool run {path}").value) == ("mine", "ab")
    assert all("position" in node.ui_properties for node in workflow.graph.nodes)
    shell.run("%%nodetool --quiet --name own\nshout(text='a')")
    said = shell.run(f"%nodetool export own {tmp_path / 'own.json'}")
    assert "the notebook's own nodes: notebook.shout" in said.text + said.plain
    for words, match in (
        ("", "it needs NAME|ID"),
        ("mine", "it needs FILE"),
        (f"mine {path} more", "too many"),
    ):
        assert match in str(shell.run(f"%nodetool export {words}").error)


def test_what_only_a_notebook_has_is_named_in_workflows_within(shell: Shell, tmp_path: Path) -> None:
    """However deep it lies; what is no workflow is passed over, and the export runs as it is."""
    path = tmp_path / "out.json"
    shell.run(NODES)
    shell.run("from nodetool_jupyter import Workflow\nfrom nodetool_jupyter.nodes import subworkflow")
    shell.run(
        "output = {'id': 'o', 'type': 'nodetool.output.Output', 'data': {'name': 'said'}}\n"
        "edge = {'source': 'n', 'target': 'o', 'targetHandle': 'value'}\n"
        "node = {'id': 'n', 'type': 'notebook.shout', 'data': {'text': 'a'}}\n"
        "inner = {'nodes': [node, output], 'edges': [edge]}\n"
        "held = {'id': 'n', 'type': 'nodetool.workflows.workflow_node.Workflow',\n"
        "        'data': {'workflow_json': inner}}\n"
        "outer = {'nodes': [held, output], 'edges': [{**edge, 'sourceHandle': 'said'}]}\n"
        "around = Workflow.model_validate({'graph': {'nodes': [{**held, 'data': {'workflow_json': outer}},\n"
        "    {'id': 'x', 'type': 'a.B', 'data': {'workflow_json': {'nodes': 5}}}], 'edges': []}})\n"
    )
    said = shell.run(f"%nodetool export around {path}")
    assert said.error is None
    assert said.text.rstrip().endswith("the notebook's own nodes: notebook.shout")
    said = shell.run(f"%nodetool export outer {path}")
    assert said.text.rstrip().endswith("the notebook's own nodes: notebook.shout")
    assert shell.run(f"%nodetool run {path}").error is None


def test_what_python_cells_make_is_named_too(shell: Shell, tmp_path: Path) -> None:
    """NodeTool has no such types."""
    shell.run(NODES)
    shell.run("%%nodetool --quiet --name made\n[shout(text='a'), 1]")
    said = shell.run(f"%nodetool export made {tmp_path / 'out.json'}")
    assert "own nodes: nodetool_jupyter.authoring.MakeList, notebook.shout" in said.text + said.plain


def test_a_workflow_is_exported_by_its_variable(shell: Shell, tmp_path: Path) -> None:
    """A Workflow, a graph, a dict or a Job; of anything else, and of no variable, a job's name is meant."""
    path = tmp_path / "out.json"
    graph = (
        '{"nodes": [{"id": "a", "type": "nodetool.constant.String", "data": {"value": "x"}}], "edges": []}'
    )
    shell.run(f"from nodetool_jupyter import Workflow, submit\nplain = {graph}")
    shell.run("named = Workflow.model_validate({'name': 'kept', 'graph': plain})\nbare = named.graph")
    shell.run("job = submit(named)\njob.wait()\nkept = 5")
    names = {"plain": "plain", "bare": "bare", "named": "kept", "job": "kept", "kept": "kept"}
    for word, name in names.items():
        said = shell.run(f"%nodetool export {word} {path}")
        assert said.error is None, word
        workflow = load_workflow(path)
        assert (workflow.name, [node.id for node in workflow.graph.nodes]) == (name, ["a"])
    assert "no job has the id" in str(shell.run(f"%nodetool export nothing {path}").error)


@pytest.mark.parametrize(
    ("node_type", "package"),
    [
        ("lib.audio.Trim", "nodetool-lib-audio"),
        ("lib.mail.Send", "nodetool-base"),
        ("nodetool.audio.Trim", "nodetool-base"),
        ("mlx.text.Chat", "nodetool-mlx"),
        ("mlxx.text.Chat", None),
        ("mlx", None),
    ],
)
def test_packages_are_known_by_the_longest_beginning(node_type: str, package: str | None) -> None:
    """Of whole parts of a name."""
    assert package_of(node_type) == package
