"""lib.json: JSON is read, written, searched and checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nodetool_jupyter.nodes import json as nodes
from tests.unit.nodes.support import Notes, assert_refused, cases, inside, run_node

DATA = {"a": {"b": [{"c": 1}, {"c": 2.5}, "x.y"]}, "0": "zero", "k.y": True, "n": None, "s": "12"}
ANIMALS = [{"kind": "cat", "age": 3}, {"kind": "dog"}, {"kind": "cat"}]


@cases(
    (nodes.ParseDict, {"json_string": '{"a": [1, null]}'}, {"a": [1, None]}),
    (nodes.ParseList, {"json_string": " [1, 2.5]"}, [1, 2.5]),
    (nodes.StringifyJSON, {"data": {"é": [1]}}, '{\n  "\\u00e9": [\n    1\n  ]\n}'),
    (nodes.StringifyJSON, {"data": [True, None], "indent": 0}, "[\ntrue,\nnull\n]"),
    (nodes.FilterJSON, {"array": ANIMALS, "key": "kind", "value": "cat"}, [ANIMALS[0], ANIMALS[2]]),
    (nodes.FilterJSON, {"array": ANIMALS, "key": "age", "value": None}, []),
    (nodes.GetJSONPathDict, {"data": DATA, "path": "a.b.0"}, {"c": 1}),
    (nodes.GetJSONPathDict, {"data": {"x": 1}}, {"x": 1}),
    (nodes.GetJSONPathList, {"data": DATA, "path": "a.b"}, DATA["a"]["b"]),  # type: ignore[call-overload,index]
    (nodes.GetJSONPathInt, {"data": DATA, "path": "a.b[0].c"}, 1),
    (nodes.GetJSONPathInt, {"data": DATA, "path": "$.a.b[0].c"}, 1),
    (nodes.GetJSONPathInt, {"data": DATA, "path": "s"}, 12),
    (nodes.GetJSONPathFloat, {"data": DATA, "path": "$..c"}, 1.0),
    (nodes.GetJSONPathFloat, {"data": DATA, "path": "a['b'].1.c"}, 2.5),
    (nodes.GetJSONPathStr, {"data": DATA, "path": "a.b[-1]"}, "x.y"),
    (nodes.GetJSONPathStr, {"data": DATA, "path": "a.b[1].c"}, "2.5"),
    (nodes.GetJSONPathStr, {"data": DATA, "path": "0"}, "zero"),
    (nodes.GetJSONPathBool, {"data": DATA, "path": '["k.y"]'}, True),
    (nodes.GetJSONPathBool, {"data": DATA, "path": "s"}, True),
    (nodes.GetJSONPathBool, {"data": {"a": []}, "path": "a", "default": True}, False),
    (nodes.GetJSONPathInt, {"data": DATA, "path": "a.b.1.c"}, 2),
    (nodes.GetJSONPathStr, {"data": DATA, "path": '["k.y"]'}, "True"),
    (nodes.GetJSONPathStr, {"data": DATA, "path": "a.b.0"}, "{'c': 1}"),
    (nodes.GetJSONPathStr, {"data": DATA, "path": "n", "default": "d"}, "d"),
    (nodes.GetJSONPathStr, {"data": DATA, "path": "a.b.7", "default": "d"}, "d"),
    (nodes.GetJSONPathStr, {"data": DATA, "path": "a.b.c.d", "default": "d"}, "d"),
    (nodes.GetJSONPathStr, {"data": DATA, "path": "$.a.q", "default": "d"}, "d"),
)
def test_what_nodes_give(node: Any, properties: dict[str, Any], expected: Any) -> None:
    found = run_node(node, properties)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("template", "values", "expected"),
    [
        (
            '{"a": $x, "b": [${y}, "$y", "${y}!"]}',
            {"x": {"c": 1}, "y": 2},
            {"a": {"c": 1}, "b": [2, "2", "2!"]},
        ),
        ('{"a": $x, "b": "$x"}', {"x": True}, {"a": True, "b": "True"}),
        ('{"a": $x}', {"x": '"$x'}, {"a": '"$x'}),
        ('{"$x": "a $x b"}', {"x": 'qu"ote'}, {'qu"ote': 'a qu"ote b'}),
        ('{"a": "costs $5 or $$x"}', {"x": 1}, {"a": "costs $5 or $1"}),
        ('{"a": "$name_long"}', {"name": "no"}, {"a": "$name_long"}),
        ('{"a": "${x y}"}', {"x y": "$x y"}, {"a": "$x y"}),
    ],
)
def test_a_template_is_filled(template: str, values: dict[str, Any], expected: Any) -> None:
    """Values are values, whatever characters they have: they can't break out of their place."""
    assert run_node(nodes.JSONTemplate, {"template": template, "values": values}) == expected


def test_a_placeholder_without_a_value_is_told() -> None:
    context = Notes()
    run_node(nodes.JSONTemplate, {"template": '{"a": "$x and $y"}', "values": {"x": 1}}, context=context)
    assert context.lines == ["warning: values has nothing for y, which is left as it is"]


SCHEMA = {
    "type": "object",
    "properties": {"age": {"$ref": "#/$defs/age"}, "name": {"pattern": "^[A-Z]"}},
    "required": ["name"],
    "$defs": {"age": {"type": "integer", "minimum": 0}},
}


@pytest.mark.parametrize(
    ("data", "problems"),
    [
        ({"name": "Ada", "age": 36}, []),
        ({"age": -1}, ["info: -1 is less than the minimum of 0", 'info: "name" is a required property']),
        ([], ['info: [] is not of type "object"']),
    ],
)
def test_data_is_checked_against_a_schema(data: Any, problems: list[str]) -> None:
    """The answer is yes or no, and the log says why."""
    context = Notes()
    assert run_node(nodes.ValidateJSON, {"data": data, "json_schema": SCHEMA}, context=context) == (
        not problems
    )
    assert sorted(context.lines) == sorted(problems)


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("schema", "data", "message"),
    [
        ({"type": "number of sheep"}, 1, "the JSON schema can't be used"),
        (
            {"$ref": "http://127.0.0.1:9/schema.json"},
            1,
            "the JSON schema can't be used: .*is not present",
        ),
        ({"$ref": "file:///etc/hostname"}, 1, "the JSON schema can't be used"),
        ({"pattern": r"^(?:(a+)\1?)+$"}, "a" * 40 + "b", "a pattern of the schema takes too long"),
        ({"properties": {"a": {"$ref": "#"}}}, nested(100_000), "data is nested more than 200 levels"),
        ({"not": nested(100_000)}, 1, "json_schema is nested more than 200 levels"),
        ({}, {1: 2}, "the data is no JSON"),
    ],
)
def test_a_hostile_schema_is_refused(schema: Any, data: Any, message: str) -> None:
    """It neither loads anything, nor goes on for ever, nor ends the process."""
    with pytest.raises(ValueError, match=message):
        run_node(nodes.ValidateJSON, {"json_schema": schema, "data": data})


def test_objects_of_a_folder(tmp_path: Path) -> None:
    """In the order of their names; a file that holds none is named."""
    (tmp_path / "b.json").write_text('{"n": 2}', "utf-8")
    (tmp_path / "a.json").write_text('{"n": 1}', "utf-8")
    found = run_node(nodes.LoadJSONAssets, context=inside(tmp_path))
    assert found == [{"json": {"n": 1}, "name": "a.json"}, {"json": {"n": 2}, "name": "b.json"}]
    (tmp_path / "c.json").write_text("[1]", "utf-8")
    with pytest.raises(ValueError, match=r"'c\.json': expected a JSON object, found list"):
        run_node(nodes.LoadJSONAssets, context=inside(tmp_path))


def test_what_does_not_fit_is_refused() -> None:
    assert_refused(nodes.ParseDict, {"json_string": "[1]"}, "expected a JSON object, found list")
    assert_refused(nodes.ParseList, {"json_string": "{"}, "no JSON: ")
    assert_refused(nodes.ParseList, {"json_string": "[" * 100_000}, "the JSON is nested too deep")
    assert_refused(nodes.StringifyJSON, {"data": b"x"}, "this can't be written as JSON")
    assert_refused(nodes.JSONTemplate, {"template": "[]"}, "expected a JSON object, found list")
    assert_refused(nodes.GetJSONPathInt, {"data": DATA, "path": "a"}, "expected a whole number at 'a'")
    assert_refused(nodes.GetJSONPathInt, {"data": DATA, "path": "k['y"}, "can't be read as a path, from")
    assert_refused(nodes.GetJSONPathInt, {"data": {"a": "x"}, "path": "a"}, "found 'x'")
    assert_refused(nodes.JSONTemplate, {"template": '{"a": $b}'}, "no JSON: ")
    assert_refused(nodes.JSONTemplate, {"template": '{"' + '\\"' * 300_000}, "no JSON: ")
    assert_refused(nodes.GetJSONPathStr, {"data": DATA, "path": "$.["}, "'$.[' is no JSONPath")
