"""The form of a workflow: its fields, what they take, and how params of the past come back into it."""

from __future__ import annotations

import datetime
import math
from pathlib import Path
from typing import Any

import pytest

from nodetool_jupyter.authoring import CELL_NODES
from nodetool_jupyter.engine.registry import Registry
from nodetool_jupyter.model.graph import Graph, Node, Workflow
from nodetool_jupyter.nodes import FAMILIES
from nodetool_jupyter.views.entries import UNSET, Kind, Upload
from nodetool_jupyter.views.form import Field, Form, form_of

REGISTRY = Registry({**FAMILIES, **CELL_NODES})


def node(kind: str, name: str = "x", **data: Any) -> Node:
    """An input node by its class; a type in small letters is a param that a cell declares."""
    if kind[0].islower():
        return Node(
            id=name,
            type="nodetool_jupyter.authoring.ValueInput",
            data={"name": name, "type_name": kind, **data},
        )
    return Node(id=name, type=f"nodetool.input.{kind}", data={"name": name, **data})


def form(*nodes: Node, **about: Any) -> Form:
    return form_of(Workflow(graph=Graph(nodes=nodes), **about), REGISTRY.get)


def field(kind: str, **data: Any) -> Field:
    (found,) = form(node(kind, **data)).fields
    return found


class TestKinds:
    @pytest.mark.parametrize(
        ("kind", "data", "shown", "start"),
        [
            ("StringInput", {"value": "a"}, Kind.TEXT, "a"),
            ("StringInput", {"value": "a", "line_mode": "multiline"}, Kind.PARAGRAPH, "a"),
            ("BooleanInput", {"value": True}, Kind.SWITCH, True),
            ("BooleanInput", {}, Kind.SWITCH, ""),
            ("IntegerInput", {"value": 3, "min": 1, "max": 9}, Kind.SLIDER, 3),
            ("IntegerInput", {"value": 3}, Kind.NUMBER, "3"),
            ("IntegerInput", {"value": 3, "min": -(2**53) + 1, "max": 2**53 - 1}, Kind.NUMBER, "3"),
            ("FloatInput", {"value": 0.5, "min": 0, "max": 1}, Kind.SLIDER, 0.5),
            ("FloatInput", {"value": 0.5, "min": 0, "max": 0}, Kind.SLIDER, 0.5),
            ("FloatInput", {"value": math.nan}, Kind.NUMBER, ""),
            ("SelectInput", {"value": "b", "options": ["a", "b"]}, Kind.CHOICE, "b"),
            ("SelectInput", {"value": "z", "options": ["a", "b"]}, Kind.CHOICE, None),
            ("SelectInput", {"value": "z", "options": []}, Kind.TEXT, "z"),
            ("StringListInput", {"value": ["a", "b"]}, Kind.LINES, "a\nb"),
            ("StringListInput", {"value": ["a\nb"]}, Kind.LINES, '["a\\nb"]'),
            ("FilePathInput", {"value": "a.csv"}, Kind.PATH, "a.csv"),
            ("FolderPathInput", {"value": ""}, Kind.PATH, ""),
            ("ImageInput", {"value": {"type": "image", "uri": "file:///a.png"}}, Kind.ASSET, "file:///a.png"),
            ("ImageInput", {"value": {"type": "image", "data": [1]}}, Kind.ASSET, ""),
            ("AudioInput", {"value": None}, Kind.ASSET, ""),
            ("DataframeInput", {"value": {"a": 1}}, Kind.JSON, '{"a": 1}'),
            ("DataframeInput", {"value": {"a": math.nan}}, Kind.JSON, ""),
            ("list[int]", {"value": [1, 2]}, Kind.JSON, "[1, 2]"),
            ("dict", {"value": {"a": "ä"}}, Kind.JSON, '{"a": "ä"}'),
            ("date", {"value": "2026-03-01"}, Kind.DATE, datetime.date(2026, 3, 1)),
            ("date", {"value": "soon"}, Kind.DATE, None),
            ("datetime", {"value": "2026-03-01T10:00"}, Kind.TEXT, "2026-03-01T10:00"),
            ("union[bool, none]", {"value": None}, Kind.JSON, "null"),
            ("enum(a|b)", {"value": "a"}, Kind.CHOICE, "a"),
        ],
    )
    def test_a_type_has_its_field(self, kind: str, data: dict[str, Any], shown: Kind, start: Any) -> None:
        """Each shows the workflow's own value at first, or nothing where that can't be shown."""
        found = field(kind, **data)
        assert found.kind is shown
        if data:
            assert found.start == start
            assert type(found.start) is type(start)

    def test_bounds_are_wide_enough_for_the_workflow(self) -> None:
        """A value of the author's own is offered, whatever bounds there are."""
        found = field("IntegerInput", value=20, min=1, max=9)
        assert (found.minimum, found.maximum) == (1, 20)
        assert found.read(20) == 20

    def test_steps_of_a_slider_are_round(self) -> None:
        """Whole numbers go by one, others by a power of ten, a hundred or so to the range."""
        assert field("IntegerInput", value=0, min=0, max=5000).step == 1
        assert field("FloatInput", value=0.0, min=0, max=1).step == pytest.approx(0.01)
        assert field("FloatInput", value=0.0, min=0, max=500).step == pytest.approx(1)

    def test_what_must_be_given_is_marked(self) -> None:
        """What has no value of the workflow's; a slider and a switch always stand somewhere."""
        assert field("StringInput").label == "x *"
        assert field("StringInput", value="").label == "x"
        assert not field("BooleanInput").is_required
        assert not field("IntegerInput", min=1, max=9).is_required
        assert field("IntegerInput", min=1, max=9).start == 1

    def test_only_known_input_nodes_make_fields(self) -> None:
        """In the graph's order; others are no field."""
        others = (Node(id="y", type="no.such.Node"), Node(id="z", type="nodetool.text.Concat"))
        found = form(node("StringInput", "b"), *others, node("StringInput", "a"), name=" a\nb ")
        assert [field.name for field in found.fields] == ["b", "a"]
        assert found.title == "a b"

    def test_names_are_one_clean_line(self) -> None:
        """Whatever a file says: line breaks and overrides of direction are none of a label's."""
        (found,) = form(node("StringInput", "a\n\u202eb", value="", description="c\x1b[31m\nd")).fields
        assert found.label == "a b"
        assert found.description == "c d"
        assert found.name == "a\n\u202eb"


class TestReading:
    @pytest.mark.parametrize(
        ("kind", "data", "entry", "param"),
        [
            ("StringInput", {"value": "a"}, "", ""),
            ("StringInput", {"value": "a"}, " b", " b"),
            ("StringInput", {"value": "a"}, "null", "null"),
            ("IntegerInput", {"value": 1}, " 12 ", 12),
            ("IntegerInput", {"value": 1, "min": 0, "max": 5}, 4, 4),
            ("FloatInput", {"value": 1.0}, "2.5", 2.5),
            ("BooleanInput", {"value": False}, True, True),
            ("SelectInput", {"value": "", "options": ["a"]}, "a", "a"),
            ("SelectInput", {"value": "", "options": ["a"]}, None, UNSET),
            ("StringListInput", {"value": ["a"]}, "b\n\n c", ["b", " c"]),
            ("StringListInput", {"value": ["a"]}, '["b\\nc"]', ["b\nc"]),
            ("StringListInput", {"value": ["a"]}, "", []),
            ("list[int]", {"value": [1]}, "[1, 2]", [1, 2]),
            ("dict", {"value": {}}, '{"a": null}', {"a": None}),
            ("date", {"value": "2026-03-01"}, datetime.date(2026, 3, 2), datetime.date(2026, 3, 2)),
            ("date", {"value": None}, None, UNSET),
            ("union[int, none]", {"value": 3}, "5", 5),
            ("ImageInput", {"value": None}, "", UNSET),
            (
                "ImageInput",
                {"value": None},
                "https://a.b/c.png",
                {"type": "image", "uri": "https://a.b/c.png"},
            ),
        ],
    )
    def test_an_entry_becomes_a_param(self, kind: str, data: dict[str, Any], entry: Any, param: Any) -> None:
        """As the input node takes it; what was left empty leaves the workflow its own value."""
        found = field(kind, **data).read(entry)
        assert found == param
        assert type(found) is type(param)

    @pytest.mark.parametrize(
        ("kind", "data", "entry", "words"),
        [
            ("StringInput", {}, "", "it must be given: a text"),
            ("StringInput", {"value": "", "max_length": 3}, "four", "at most 3 characters"),
            ("IntegerInput", {"value": 1}, "1.5", "give a whole number from 0 to 99999"),
            ("IntegerInput", {"value": 1}, "", "give a whole number"),
            ("IntegerInput", {"value": 1}, "100000", "100000 is not from 0 to 99999"),
            ("FloatInput", {"value": 1.0}, "inf", "no finite number"),
            ("list[int]", {"value": [1]}, '["a"]', "give a list as JSON"),
            ("list[int]", {"value": [1]}, "[1", "expected JSON"),
            ("dict", {"value": {}}, "[1]", "expected dict"),
            ("SelectInput", {"options": ["a"]}, None, "must be given: one of the choices"),
            ("date", {"value": "2026-03-01"}, None, "give a date"),
            ("ImageInput", {"value": None}, "nowhere.png", "there is no file nowhere.png"),
            ("ImageInput", {"value": None}, "a" * 5000, "there is no file aaa"),
            ("ImageInput", {"value": None}, "~nobody-of-that-name/x", "there is no file"),
            ("ImageInput", {}, "", "it must be given: a file"),
            ("StringListInput", {"value": []}, "[1]", "one item a line"),
        ],
    )
    def test_a_wrong_entry_is_a_sentence(
        self, kind: str, data: dict[str, Any], entry: Any, words: str
    ) -> None:
        """It says what is wrong and what will do."""
        assert words in field(kind, **data).problem(entry)

    @pytest.mark.parametrize("uri", ["data:image/png;base64,iVBORw0KGgo=", "/api/storage/a.png"])
    def test_addresses_without_a_host_are_kept(self, uri: str) -> None:
        found = field("ImageInput", value={"type": "image", "uri": uri})
        assert found.read(found.start) == {"type": "image", "uri": uri}

    @pytest.mark.parametrize(
        ("kind", "data"),
        [
            ("BooleanInput", {"value": None}),
            ("IntegerInput", {"value": 10**400}),
            ("IntegerInput", {"value": 1, "min": 0, "max": 10**400}),
            ("FloatInput", {"value": 0.0, "min": 0.0, "max": 5e-324}),
            ("SelectInput", {"value": "a", "options": 5}),
            ("ImageInput", {"value": {"type": "image", "data": b"x", "metadata": "abc"}}),
        ],
    )
    def test_odd_values_of_a_workflow_have_a_field(self, kind: str, data: dict[str, Any]) -> None:
        """What the engine runs, or refuses with a sentence, is no crash of the form."""
        found = field(kind, **data)
        assert isinstance(found.problem(found.start), str)
        assert (found.kind is Kind.SWITCH) <= (found.start is False)

    def test_files_become_references(self, tmp_path: Path) -> None:
        """A path becomes its address, an upload brings its bytes."""
        path = tmp_path / "a b.png"
        path.write_bytes(b"png")
        found = field("ImageInput", value=None)
        assert found.read(str(path)) == {"type": "image", "uri": path.as_uri()}
        reference = found.read(Upload("a.png", b"png"))
        assert reference["data"] == b"png"
        assert found.enter(reference) == Upload("a.png", b"png")
        assert found.accepts_files == "image/*"

    def test_all_fields_at_once(self) -> None:
        """Params of what is right, problems of what is not."""
        found = form(
            node("StringInput", "a", value="x"), node("IntegerInput", "b", value=1), node("StringInput", "c")
        )
        params, problems = found.read({"a": "y", "b": "z", "c": ""})
        assert params == {"a": "y"}
        assert list(problems) == ["b", "c"]


class TestEntering:
    @pytest.mark.parametrize(
        ("kind", "data", "param"),
        [
            ("StringInput", {"value": "a"}, "b\nc"),
            ("IntegerInput", {"value": 1}, -7 + 8),
            ("IntegerInput", {"value": 1, "min": 0, "max": 5}, 5),
            ("FloatInput", {"value": 1.0}, 0.1),
            ("BooleanInput", {"value": True}, False),
            ("SelectInput", {"value": "a", "options": ["a", "b"]}, "b"),
            ("StringListInput", {"value": []}, ["a", "b"]),
            ("StringListInput", {"value": []}, ["[a", "", "b\nc"]),
            ("list[int]", {"value": [1]}, [3]),
            ("dict", {"value": {}}, {"a": [1, None]}),
            ("date", {"value": None}, datetime.date(2026, 3, 2)),
        ],
    )
    def test_what_was_read_can_be_entered_again(self, kind: str, data: dict[str, Any], param: Any) -> None:
        """A run of the past, put into the form, runs with the same params."""
        found = field(kind, **data)
        assert found.read(found.enter(param)) == param

    @pytest.mark.parametrize(
        ("kind", "data", "param"),
        [
            ("IntegerInput", {"value": 1, "min": 0, "max": 5}, 6),
            ("IntegerInput", {"value": 1, "min": 0, "max": 5}, "3"),
            ("BooleanInput", {"value": True}, 1),
            ("SelectInput", {"value": "a", "options": ["a"]}, "b"),
            ("dict", {"value": {}}, {"a": object()}),
            ("dict", {"value": {}}, {"a": "b" * 300_000}),
            ("date", {"value": None}, "soon"),
            ("ImageInput", {"value": None}, {"type": "image", "data": [1]}),
        ],
    )
    def test_what_the_form_cannot_show_is_said(self, kind: str, data: dict[str, Any], param: Any) -> None:
        """Never bent into something else: the field stays as the workflow has it."""
        entries, problems = form(node(kind, **data)).enter({"x": param, "y": 1})
        assert entries == form(node(kind, **data)).start()
        assert list(problems) == ["x", "y"]
