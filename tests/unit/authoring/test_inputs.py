"""Input: which input node a declared param becomes, and what it takes."""

from __future__ import annotations

import asyncio
import datetime
import enum
from typing import Any, Literal

import pytest

from nodetool_jupyter.authoring.cell_nodes import ValueInput, annotation_of, fill
from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.model.types import parse_type
from tests.unit.authoring.cells import build, fail, nodes_of, outputs_of

OTHER = "nodetool_jupyter.authoring.ValueInput"


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Number(enum.Enum):
    ONE = 1


NAMES: dict[str, Any] = {
    "Literal": Literal,
    "Color": Color,
    "Number": Number,
    "datetime": datetime,
    "Any": Any,
}


@pytest.mark.parametrize(
    ("call", "node_type", "data"),
    [
        ("Input('n', int, 5)", "nodetool.input.IntegerInput", {"value": 5}),
        ("Input('n', float, 5)", "nodetool.input.FloatInput", {"value": 5}),
        ("Input('n', bool, True)", "nodetool.input.BooleanInput", {"value": True}),
        ("Input('n', str, 'a')", "nodetool.input.StringInput", {"value": "a"}),
        ("Input('n')", "nodetool.input.StringInput", {}),
        ("Input('n', default=5)", "nodetool.input.IntegerInput", {"value": 5}),
        ("Input('n', default=True)", "nodetool.input.BooleanInput", {"value": True}),
        ("Input('n', 'int', 5)", "nodetool.input.IntegerInput", {"value": 5}),
        ("Input('n', int, 5, description='d')", "nodetool.input.IntegerInput", {"description": "d"}),
        ("Input('n', int, 5, min=1, max=9)", "nodetool.input.IntegerInput", {"min": 1, "max": 9}),
        ("Input('n', float, min=0.5)", "nodetool.input.FloatInput", {"min": 0.5, "value": 0.5}),
        ("Input('n', int, max=-1)", "nodetool.input.IntegerInput", {"max": -1, "value": -1}),
        (
            "Input('n', options=['a', 'b'])",
            "nodetool.input.SelectInput",
            {"options": ["a", "b"], "value": "a"},
        ),
        ("Input('n', Literal['a', 'b'], 'b')", "nodetool.input.SelectInput", {"value": "b"}),
        ("Input('n', list, [1])", OTHER, {"value": [1], "type_name": "list"}),
        ("Input('n', list[int], [1])", OTHER, {"type_name": "list[int]"}),
        ("Input('n', 'list[str]', ['a'])", OTHER, {"type_name": "list[str]"}),
        ("Input('n', dict, {'a': 1})", OTHER, {"value": {"a": 1}, "type_name": "dict"}),
        ("Input('n', int | None, None)", OTHER, {"value": None, "type_name": "union[int, none]"}),
        ("Input('n', int | str, 5)", OTHER, {"type_name": "union[int, str]"}),
        ("Input('n', Any, 5)", OTHER, {"value": 5, "type_name": "any"}),
        ("Input('n', default=None)", OTHER, {"value": None, "type_name": "any"}),
        ("Input('n', datetime.date)", OTHER, {"type_name": "date"}),
        ("Input('n', Literal[1, 2], 1)", OTHER, {"value": 1, "type_name": "enum(1|2)"}),
        ("Input('n', Literal['a)b', 1], 1)", OTHER, {"value": 1, "type_name": "any"}),
    ],
)
def test_each_type_has_its_input_node(call: str, node_type: str, data: dict[str, Any]) -> None:
    """NodeTool's own input nodes where there is one, else one of ours that knows the type."""
    made = nodes_of(f"keep({call})", **NAMES)["input_1"]
    assert made.type == node_type
    assert {name: made.data[name] for name in data} == data
    assert made.data["name"] == "n"


def test_any_number_passes_where_no_bounds_are_given() -> None:
    """NodeTool's own 0 to 99999 is not what ``int`` means."""
    for value in (-5, 0, 10**6, 2**60):
        assert outputs_of("Input('n', int)", {"n": value}) == {"result": [value]}
    assert outputs_of("Input('n', float)", {"n": -1e300}) == {"result": [-1e300]}


def test_an_input_is_a_handle_of_its_type() -> None:
    """It goes where such a value goes, and nowhere else."""
    assert outputs_of("shout('a', times=Input('n', int, 3))") == {"result": ["AAA"]}
    assert "times: expected int, found a str" in fail("shout('a', times=Input('n', str))").message


def test_a_run_must_give_what_has_no_default() -> None:
    """The authored workflow knows which params those are."""
    authored = build("keep([Input('a', int), Input('b', int, 1), Input('c')])")
    assert authored.required == {"a", "c"}


def test_a_stream_begins_without_a_param() -> None:
    """It is declared as such, and a run need not give anything for it."""
    authored = build("keep(Input('a', int, stream=True))")
    assert authored.required == set()
    assert nodes_of("keep(Input('a', int, stream=True))")["input_1"].data["stream"] is True


def test_a_default_is_copied() -> None:
    """As any other value of a cell, it is that of the moment."""
    assert nodes_of("x = [1]\nkeep(Input('n', list, x))\nx.append(2)")["input_1"].data["value"] == [1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("Input('n', int, 'x')", "Input 'n': expected int, found str 'x'"),
        ("Input('n', int, 5, max=3)", "the default 5 is above max=3"),
        ("Input('n', int, 5, min=7)", "the default 5 is below min=7"),
        ("Input('n', int, min='a')", "expected int, found str 'a'"),
        ("Input('n', str, min=1)", "only numbers have bounds, this is a str"),
        ("Input('n', options=[])", "the options must be texts"),
        ("Input('n', options=[1])", "the options must be texts"),
        ("Input('n', options=['a'], default='b')", "expected"),
        ("Input('')", "an Input needs a name"),
        ("Input('n', int, 1, stream=True)", "a stream has no default"),
        ("Input(5)", "an Input needs a name"),
        ("Input('n', 'list[')", "missing ] in type"),
        ("Input('n', str, shout('a'))", "the default must be a value"),
        ("Input('n', list, [shout('a')])", "the default must be a value"),
        ("Input('n', list, (x for x in 'a'))", "can be read only once"),
    ],
)
def test_a_wrong_declaration_is_refused(call: str, message: str) -> None:
    """With the line and what is wrong, before anything runs."""
    error = fail(f"x = 1\n{call}")
    assert message in error.message
    assert error.line == 2


def test_a_name_is_declared_once() -> None:
    """Two inputs of one name would share a param without the user's knowing."""
    error = fail("Input('n', int)\nInput('m', int)\nInput('n', str)")
    assert "there is an Input 'n' already (line 1)" in error.message
    assert error.line == 3


@pytest.mark.parametrize(
    ("type_name", "value", "taken"),
    [
        ("list[int]", [1], [1]),
        ("dict[str, int]", {"a": 1}, {"a": 1}),
        ("union[int, none]", None, None),
        ("union[int, str]", "a", "a"),
        ("tuple[int, str]", (1, "a"), (1, "a")),
        ("enum(a|b)", "a", "a"),
        ("date", "2024-05-06", datetime.date(2024, 5, 6)),
        ("datetime", "2024-05-06T07:08:09", datetime.datetime.fromisoformat("2024-05-06T07:08:09")),
        ("none", None, None),
        ("any", object, object),
        ("dataframe", "anything", "anything"),
        ("union[dataframe, int]", "anything", "anything"),
    ],
)
def test_a_value_input_accepts_its_type(type_name: str, value: Any, taken: Any) -> None:
    """What JSON has is checked; dates are read; objects are left to the nodes that take them."""
    node = ValueInput(type_name=type_name)
    assert node.accept(value) == taken


@pytest.mark.parametrize(
    ("type_name", "value"),
    [
        ("list[int]", ["a"]),
        ("list", "a"),
        ("dict[str, int]", {"a": "b"}),
        ("tuple[int, str]", (1,)),
        ("enum(a|b)", "c"),
        ("date", "yesterday"),
        ("int", "5"),
        ("bool", 1),
    ],
)
def test_a_value_input_refuses_other_types(type_name: str, value: Any) -> None:
    """Nothing is converted silently."""
    with pytest.raises(ValueError, match=r"expected|Input should be|invalid"):
        ValueInput(type_name=type_name).accept(value)


def test_a_value_input_gives_its_value_on() -> None:
    """As every input node does."""
    assert asyncio.run(ValueInput(value=5).process(ProcessingContext())) == 5


@pytest.mark.parametrize(
    "text", ["int", "list[int]", "dict[str, list[int]]", "union[int, str]", "tuple[int, str]"]
)
def test_types_have_annotations(text: str) -> None:
    """A type that came through a file means the same as the annotation it was written as."""
    from nodetool_jupyter.engine.annotations import type_of

    assert str(type_of(annotation_of(parse_type(text)))) == text


def test_what_arrives_takes_its_place() -> None:
    """Whatever order values arrive in; the template isn't changed, for the node may fire again."""
    items = ["a", None, None]
    assert fill(items, {"item_2": "c", "item_1": "b"}) == ["a", "b", "c"]
    assert items == ["a", None, None]


def test_an_enum_class_is_taken_by_its_values() -> None:
    """In a file or on a command line there are only values."""
    assert nodes_of("keep(Input('n', Color))", **NAMES)["input_1"].type == "nodetool.input.SelectInput"
    assert nodes_of("keep(Input('n', Number))", **NAMES)["input_1"].type == OTHER
