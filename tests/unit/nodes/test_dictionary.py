"""nodetool.dictionary: results and what is refused."""

from __future__ import annotations

import copy
from typing import Any

from nodetool_jupyter.nodes import dictionary
from tests.unit.nodes.support import Node, assert_refused, cases, run_node

PEOPLE = [{"id": 1, "name": "Ada"}, {"id": 2, "name": "Bo"}, {"id": 1, "name": "Cy"}]
ADA = {"name": "Ada", "age": 36, "tags": ["x", "y"], "ok": True}


@cases(
    (dictionary.GetValue, {"dictionary": {"a": 1}, "key": "a"}, 1),
    (dictionary.GetValue, {"dictionary": {"a": None}, "key": "a", "default": 5}, None),
    (dictionary.GetValue, {"key": "a", "default": "none"}, "none"),
    (
        dictionary.Update,
        {"dictionary": {"a": 1, "b": 2}, "new_pairs": {"b": 3, "c": 4}},
        {"a": 1, "b": 3, "c": 4},
    ),
    (dictionary.Remove, {"dictionary": {"a": 1, "b": 2}, "key": "a"}, {"b": 2}),
    (dictionary.Remove, {"dictionary": {"a": 1}, "key": "z"}, {"a": 1}),
    (dictionary.Combine, {"dict_a": {"a": 1, "b": 2}, "dict_b": {"b": 3}}, {"a": 1, "b": 3}),
    (dictionary.Filter, {"dictionary": {"a": 1, "b": 2}, "keys": ["b", "z", "a"]}, {"b": 2, "a": 1}),
    (dictionary.Zip, {"keys": ["a", "b", "c"], "values": [1, 2]}, {"a": 1, "b": 2}),
    (dictionary.Zip, {"keys": [1, None], "values": ["x", "y"]}, {1: "x", None: "y"}),
    (dictionary.ArgMax, {"scores": {"a": 1, "b": 2.5, "c": 2.5}}, "b"),
    (
        dictionary.ReduceDictionaries,
        {"dictionaries": PEOPLE, "key_field": "id", "value_field": "name"},
        {1: "Ada", 2: "Bo"},
    ),
    (
        dictionary.ReduceDictionaries,
        {"dictionaries": PEOPLE, "key_field": "id", "conflict_resolution": "last"},
        {1: {"name": "Cy"}, 2: {"name": "Bo"}},
    ),
    (dictionary.ParseJSON, {"json_string": '{"a": {"b": [1]}}'}, {"a": {"b": [1]}}),
    (dictionary.ToJSON, {"dictionary": {"b": [1, None], "a": "ü"}}, '{"b": [1, null], "a": "ü"}'),
    (dictionary.ToYAML, {"dictionary": {"b": [1], "a": {"c": "ü"}}}, "b:\n- 1\na:\n  c: ü\n"),
)
def test_results(node: Node, properties: dict[str, Any], expected: Any) -> None:
    """Pairs keep their order, and the dictionary that was given stays as it was."""
    before = copy.deepcopy(properties)
    result = run_node(node, properties)
    assert result == expected
    assert list(result) == list(expected) if isinstance(expected, dict) else True
    assert properties == before


@cases(
    (dictionary.ArgMax, {}, "an empty dictionary has no largest number"),
    (dictionary.ArgMax, {"scores": {"a": "x"}}, "expected dict[str, float]"),
    (dictionary.Zip, {"keys": [[1]], "values": [1]}, "a list can't be the key of a dictionary"),
    (
        dictionary.ReduceDictionaries,
        {"dictionaries": PEOPLE, "key_field": "x"},
        "dictionary 0 has no 'x'; it has 'id', 'name'",
    ),
    (
        dictionary.ReduceDictionaries,
        {"dictionaries": PEOPLE, "key_field": "id", "value_field": "x"},
        "dictionary 0 has no 'x'",
    ),
    (
        dictionary.ReduceDictionaries,
        {"dictionaries": PEOPLE, "key_field": "id", "conflict_resolution": "error"},
        "more than one dictionary has the id 1",
    ),
    (dictionary.ParseJSON, {"json_string": "[1]"}, "expected a JSON object, found a list"),
    (dictionary.ParseJSON, {"json_string": ""}, "no JSON: Expecting value at line 1, column 1"),
    (dictionary.ToJSON, {"dictionary": {"a": {1, 2}}}, "can't be written as JSON"),
    (dictionary.ToYAML, {"dictionary": {"a": object()}}, "can't be written as YAML"),
)
def test_refusals(node: Node, properties: dict[str, Any], expected: str) -> None:
    """What has no result is said in a sentence."""
    assert_refused(node, properties, expected)


def test_make_dictionary() -> None:
    """Whatever is set on the node or connected to it, under its own name."""
    assert run_node(dictionary.MakeDictionary, dynamic={"a": 1, "first name": None}) == {
        "a": 1,
        "first name": None,
    }


@cases(
    (dictionary.FilterDictByValue, {"key": "name", "criteria": "d"}, True),
    (dictionary.FilterDictByValue, {"key": "name", "filter_type": "starts_with", "criteria": "B"}, False),
    (dictionary.FilterDictByValue, {"key": "name", "filter_type": "ends_with", "criteria": "a"}, True),
    (dictionary.FilterDictByValue, {"key": "age", "filter_type": "equals", "criteria": "36"}, True),
    (dictionary.FilterDictByValue, {"key": "tags", "filter_type": "type_is", "criteria": "list"}, True),
    (dictionary.FilterDictByValue, {"key": "tags", "filter_type": "length_greater", "criteria": "1"}, True),
    (dictionary.FilterDictByValue, {"key": "age", "filter_type": "exact_length", "criteria": "2"}, False),
    (dictionary.FilterDictByValue, {"key": "none", "criteria": ""}, False),
    (dictionary.FilterDictByNumber, {"key": "age", "compare_value": 30}, True),
    (dictionary.FilterDictByNumber, {"key": "age", "filter_type": "odd"}, False),
    (dictionary.FilterDictByNumber, {"key": "name", "filter_type": "positive"}, False),
    (dictionary.FilterDictByNumber, {"key": "ok", "filter_type": "positive"}, False),
    (dictionary.FilterDictByNumber, {"key": "none", "filter_type": "even"}, False),
    (dictionary.FilterDictByRange, {"key": "age", "min_value": 36, "max_value": 40}, True),
    (
        dictionary.FilterDictByRange,
        {"key": "age", "min_value": 36, "max_value": 40, "inclusive": False},
        False,
    ),
    (dictionary.FilterDictByRange, {"key": "name", "max_value": 40}, False),
    (dictionary.FilterDictRegex, {"key": "name", "pattern": "^A"}, True),
    (dictionary.FilterDictRegex, {"key": "age", "pattern": r"\d", "full_match": True}, False),
    (dictionary.FilterDictRegex, {"key": "none", "pattern": ""}, False),
    (dictionary.FilterDictByQuery, {"condition": "age > 30 and name == 'Ada'"}, True),
    (dictionary.FilterDictByQuery, {"condition": "age < 30"}, False),
    (dictionary.FilterDictByQuery, {"condition": ""}, True),
)
def test_filters(node: Node, properties: dict[str, Any], expected: bool) -> None:
    """A dictionary passes as it is or gives no output; one without the key doesn't match."""
    assert run_node(node, {"value": ADA, **properties}) == ([{"output": ADA}] if expected else [])


@cases(
    (
        dictionary.FilterDictByValue,
        {"key": "name", "filter_type": "length_less", "criteria": ""},
        "a whole number",
    ),
    (dictionary.FilterDictRegex, {"key": "name", "pattern": "["}, "'[' is no regular expression"),
    (dictionary.FilterDictByQuery, {"condition": "age >"}, "age >"),
    (dictionary.FilterDictByQuery, {"condition": "__import__('os')"}, "__import__"),
)
def test_filters_refuse(node: Node, properties: dict[str, Any], expected: str) -> None:
    """A filter that can't work fails; it doesn't drop everything in silence."""
    assert_refused(node, {"value": ADA, **properties}, expected)
