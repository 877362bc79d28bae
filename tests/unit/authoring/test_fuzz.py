"""Whatever is written is read, or refused by an error of ours: nothing else escapes, nothing is changed."""

from __future__ import annotations

import json
import shlex
from contextlib import suppress
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from nodetool_jupyter.authoring.cell import detect_format, read_cell
from nodetool_jupyter.authoring.documents import DocumentError, ReadLimits, depth_of, parse_json
from nodetool_jupyter.authoring.files import load_workflow, read_workflow, save_workflow
from nodetool_jupyter.authoring.option_line import parse
from nodetool_jupyter.authoring.options import OPTIONS, Param
from nodetool_jupyter.authoring.places import with_places
from nodetool_jupyter.authoring.yaml_text import parse_yaml
from nodetool_jupyter.errors import NodeToolError
from nodetool_jupyter.model.graph import Graph, Workflow
from tests.unit.authoring.cells import NOTEBOOK, build, outputs_of

FEW = settings(max_examples=60)

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | text
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=15,
)
anything = st.recursive(
    scalars | st.sampled_from(["n1", "n2", "", "output"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "id",
                    "type",
                    "data",
                    "nodes",
                    "edges",
                    "graph",
                    "source",
                    "target",
                    "targetHandle",
                    "sync_mode",
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=30,
)
nodes = st.fixed_dictionaries(
    {"id": text, "type": text, "data": st.dictionaries(text, json_values, max_size=3)},
    optional={
        "note": json_values,
        "parent_id": text,
        "ui_properties": st.dictionaries(text, json_values, max_size=2),
    },
)
edges = st.fixed_dictionaries(
    {"source": text, "target": text, "targetHandle": text}, optional={"id": text, "extra": json_values}
)
graphs = st.fixed_dictionaries({"nodes": st.lists(nodes, max_size=4), "edges": st.lists(edges, max_size=4)})


@given(json_values)
def test_json_round_trips(value: Any) -> None:
    """What Python writes is read as it was, without flaws."""
    document = parse_json(json.dumps(value))
    assert document.value == value
    assert not document.flaws


@given(json_values.filter(lambda value: value is not None))
def test_json_is_yaml(value: Any) -> None:
    """The YAML reader takes JSON for what it is."""
    ascii_text = json.dumps(value)
    try:
        document = parse_yaml(ascii_text)
    except DocumentError as error:
        # To YAML an escaped surrogate pair is two characters, and some control characters are none.
        if "\\u" not in ascii_text:
            raise AssertionError(ascii_text) from error
    else:
        if "\\u" not in ascii_text and "e" not in ascii_text.lower():
            assert document.value == value


@given(st.text(max_size=60) | st.binary(max_size=60))
def test_any_text_is_a_document_or_a_document_error(raw: str | bytes) -> None:
    """In both formats."""
    for read in (parse_json, parse_yaml):
        try:
            read(raw)
        except DocumentError:
            continue


@given(st.text("[]", max_size=60), st.integers(1, 20))
def test_depth_is_never_underestimated(brackets: str, limit: int) -> None:
    """What the parser would have to recurse into, counted the slow way, is at most what was estimated."""
    depth = deepest = 0
    for bracket in brackets:
        depth = depth + 1 if bracket == "[" else -(10**9)
        deepest = max(deepest, depth)
    assert depth_of(brackets, limit) >= min(deepest, limit + 1)


@given(anything)
def test_any_json_is_a_workflow_or_an_error_of_ours(value: Any) -> None:
    """Names of workflow fields in all the wrong places."""
    for format_ in ("json", "yaml"):
        try:
            workflow = read_workflow(json.dumps(value), format_)
        except NodeToolError:
            continue
        else:
            assert isinstance(workflow, Workflow)
            workflow.graph.structural_problems()


@FEW
@given(graph=graphs, extra=st.dictionaries(text, json_values, max_size=3))
def test_saving_and_loading_loses_nothing(
    tmp_path_factory: pytest.TempPathFactory, graph: dict[str, Any], extra: dict[str, Any]
) -> None:
    """Fields that nobody knows, text of any kind, at every level."""
    fields = {
        key: value for key, value in extra.items() if key not in Workflow.model_fields and value is not None
    }
    workflow = read_workflow(json.dumps({**fields, "graph": graph}))
    path = tmp_path_factory.mktemp("saved") / "a.json"
    placed = workflow.model_copy(update={"graph": with_places(workflow.graph)})
    assert load_workflow(save_workflow(workflow, path)) == placed
    written = json.loads(path.read_text("utf-8"))
    assert {key: written[key] for key in fields} == fields
    for wanted, found in zip(graph["nodes"], written["graph"]["nodes"], strict=True):
        shown = {**wanted.pop("ui_properties", {}), "position": found["ui_properties"]["position"]}
        assert {**wanted, "ui_properties": shown}.items() <= found.items()


@given(st.text(max_size=80))
def test_any_line_is_options_or_an_option_error(line: str) -> None:
    """No ValueError of shlex, of a number or of JSON comes through."""
    with suppress(NodeToolError):
        parse(line, {"x": 1})


flags = st.sampled_from([flag for option in OPTIONS for flag in option.flags])
words = (
    flags
    | st.sampled_from(["n=5", "docker", "512m", "-1", "{", "}", '{"n": 5}', "$x", "=", "''", "\\"])
    | text
)


@given(st.lists(words, max_size=6))
def test_any_words_are_options_or_an_option_error(parts: list[str]) -> None:
    """Options with each other's values, or with none."""
    try:
        options = parse(" ".join(parts), {"x": 1})
    except NodeToolError:
        return
    assert set(options.given()) <= {option.field for option in OPTIONS}


@given(
    st.dictionaries(
        st.from_regex(r"[a-z]\w{0,5}", fullmatch=True), text.filter(lambda t: "$" not in t), max_size=4
    )
)
def test_quoted_params_arrive_as_they_were(params: dict[str, str]) -> None:
    """Whatever is in the text of a param, quoting it for a shell is enough."""
    line = " ".join(f"-p {shlex.quote(f'{name}={value}')}" for name, value in params.items())
    assert (parse(line).param or ()) == tuple(Param(name, value) for name, value in params.items())


@given(st.dictionaries(text.filter(str.strip), json_values, max_size=4))
def test_params_as_json_arrive_as_they_were(params: dict[str, Any]) -> None:
    """Quoted for a shell, bare, and as the repr that IPython makes of a variable."""
    written = json.dumps(params)
    for line in (f"--params {shlex.quote(written)}", f"--params {written}", f"--params {params!r} -b"):
        assert parse(line).params == params


@given(st.text(max_size=80))
def test_any_body_is_a_workflow_or_an_error_of_ours(body: str) -> None:
    """In whatever format it is taken for; nothing of it is run that isn't Python."""
    if detect_format(body) == "python":
        try:
            compile(body, "x", "exec")
        except (SyntaxError, ValueError):
            pass
        else:
            return
    with suppress(NodeToolError):
        read_cell(body)


shapes = st.recursive(
    st.sampled_from(["h", "'b'", "1"]),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda parts: f"[{', '.join(parts)}]")
        | st.lists(inner, max_size=3).map(lambda parts: f"({''.join(f'{part}, ' for part in parts)})")
        | st.lists(inner, max_size=3).map(
            lambda parts: f"{{{', '.join(f'{n}: {p}' for n, p in enumerate(parts))}}}"
        )
    ),
    max_leaves=6,
)


@FEW
@given(shapes)
def test_containers_of_any_shape_arrive_as_they_were_written(shape: str) -> None:
    """A handle in it is replaced by its value, and nothing else changes: no order, no nesting, no type."""
    wanted = eval(shape, {"h": "A"})
    assert outputs_of(f"h = shout('a')\noutput(x={shape})") == {"x": [wanted]}


@FEW
@given(
    st.lists(
        st.sampled_from(["a = shout('a')", "b = add(1, 2)", "keep([a])", "", "# x", "if True:\n    c = 1"])
    )
)
def test_lines_of_nodes_are_lines_of_the_cell(parts: list[str]) -> None:
    """Each node's line is one that makes a node."""
    body = "\n".join(["a = shout('a')", *parts])
    authored = build(body)
    lines = body.split("\n")
    assert all("(" in lines[line - 1] for line in authored.line_of_node.values())
    assert isinstance(authored.graph, Graph)
    assert set(authored.line_of_node) == {node.id for node in authored.graph.nodes}


@given(json_values)
def test_any_value_is_a_property_as_it_was(value: Any) -> None:
    """What a cell hands to a node is what the node's data holds."""
    authored = read_cell("keep(value)", namespace={**NOTEBOOK, "value": value})
    assert authored.graph is not None
    assert authored.graph.nodes[0].data == {"value": value}


def test_the_limits_are_read_from_one_place() -> None:
    """A caller that sets one limit keeps the others."""
    assert ReadLimits(depth=3).nodes == ReadLimits().nodes
