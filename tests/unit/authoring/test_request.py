"""build_request: params as their input nodes take them, limits, and what only a strategy knows."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from nodetool_jupyter.authoring.cell import Authored, read_cell
from nodetool_jupyter.authoring.options import CellOptions, Param
from nodetool_jupyter.authoring.request import build_request, input_nodes, read_text
from nodetool_jupyter.errors import OptionError, WorkflowError
from nodetool_jupyter.model.graph import Graph, Node
from nodetool_jupyter.model.request import ExecutionStrategy
from nodetool_jupyter.model.types import parse_type
from tests.unit.authoring.cells import build, make_registry, request_of

CELL = "keep([Input('n', int, 5), Input('word', default='a')])"


def refused(text: str, line: str, **names: Any) -> str:
    with pytest.raises(OptionError) as caught:
        request_of(text, line, **names)
    return str(caught.value)


class TestParams:
    @pytest.mark.parametrize(
        ("declared", "text", "value"),
        [
            ("int", "5", 5),
            ("int", "-5", -5),
            ("int", "1_000", 1000),
            ("float", "2", 2.0),
            ("float", "1e3", 1000.0),
            ("bool", "true", True),
            ("bool", "No", False),
            ("bool", "1", True),
            ("bool", "off", False),
            ("str", "5", "5"),
            ("str", "", ""),
            ("str", "null", "null"),
            ("str", '{"a": 1}', '{"a": 1}'),
            ("list", '[1, "a"]', [1, "a"]),
            ("list[int]", "[1]", [1]),
            ("dict", '{"a": [1]}', {"a": [1]}),
            ("union[int, none]", "5", 5),
            ("union[int, str]", "a", "a"),
            ("any", "5", 5),
            ("any", "hello", "hello"),
            ("any", "[1", "[1"),
            ("tuple[int, str]", '[1, "a"]', (1, "a")),
        ],
    )
    def test_text_becomes_what_the_input_node_takes(self, declared: str, text: str, value: Any) -> None:
        """The same text is a number, a text or a list, by the declared type."""
        request = request_of(f"keep(Input('x', {declared!r}))", f"-p x='{text}'")
        assert request.params == {"x": value}
        assert type(request.params["x"]) is type(value)

    def test_input_nodes_of_the_library_are_typed_too(self) -> None:
        """A workflow file's inputs have no other type than that of their nodes."""
        text = (
            '{"nodes": [{"id": "i", "type": "nodetool.input.IntegerInput", "data": {"name": "n"}},'
            '{"id": "s", "type": "nodetool.input.StringInput", "data": {"name": "s"}},'
            '{"id": "l", "type": "nodetool.input.StringListInput", "data": {"name": "l"}},'
            '{"id": "b", "type": "nodetool.input.BooleanInput", "data": {"name": "b"}}]}'
        )
        request = request_of(text, """-p n=5 -p s=5 -p l='["a"]' -p b=yes""")
        assert request.params == {"n": 5, "s": "5", "l": ["a"], "b": True}

    def test_variables_and_params_keep_their_type(self) -> None:
        """Only text of the line is read; a table goes through as the object that it is."""
        table = object()
        request = request_of("keep(Input('x', default=None))", "-p x=$table", table=table)
        assert request.params["x"] is table
        assert request_of(CELL, """--params '{"n": 7}'""").params == {"n": 7}

    def test_the_nearer_param_counts(self) -> None:
        """-p before --params before what the caller gives."""
        authored = build(CELL)
        options = CellOptions(param=(Param("n", "1"),), params={"n": 2, "word": "b"})
        request = build_request(
            authored, options, make_registry().get, params={"n": 3, "word": "c"}, user_id="u"
        )
        assert request.params == {"n": 1, "word": "b"}
        assert request.user_id == "u"

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ("-p n=x", "param 'n' can't be 'x': expected int, found a text that is no whole number"),
            ("-p n=x", "node input_1 (nodetool.input.IntegerInput) takes a whole number, such as 5"),
            ("-p n=1.5", "param 'n' can't be '1.5'"),
            ("-p n=", "param 'n' can't be ''"),
            ("-p n=" + "9" * 5000, "param 'n' can't be"),
            ("-p m=5", "there is no param 'm'; there are n (int), word (str)"),
            ("-p wrod=5", "did you mean 'word'?"),
            ("""--params '{"n": "5"}'""", "param 'n' can't be str '5': expected int, found str '5'"),
            ("""--params '{"word": 5}'""", "param 'word' can't be int 5: expected str"),
            ("-p n=$v", "param 'n' can't be list: expected int, found list"),
        ],
    )
    def test_a_wrong_param_says_what_is_accepted(self, line: str, message: str) -> None:
        """The param, its value, the input node, and what that takes."""
        assert message in refused(CELL, line, v=[1])

    @pytest.mark.parametrize(
        ("declared", "text", "message"),
        [
            ("float", "much", "no finite number"),
            ("float", "nan", "no finite number"),
            ("float", "1e400", "no finite number"),
            ("bool", "maybe", "neither true nor false"),
            ("list", "[1", "expected JSON: line 1"),
            ("list", '{"a": 1}', "expected list, found dict"),
            ("list[int]", '["a"]', "expected list[int], found str"),
            ("dict", "[1]", "expected dict, found list"),
            ("dict", '{"a": 1, "a": 2}', "it holds key 'a' twice"),
            ("list", "[NaN]", "it holds nan"),
            ("date", "soon", "expected date"),
        ],
    )
    def test_text_that_is_no_value_of_the_type(self, declared: str, text: str, message: str) -> None:
        """Nothing is taken for what it isn't."""
        assert message in refused(f"keep(Input('x', {declared!r}))", f"-p x='{text}'")

    def test_a_choice_must_be_one_of_them(self) -> None:
        """The input node itself has the last word."""
        text = "keep(Input('x', options=['red', 'blue']))"
        assert request_of(text, "-p x=blue").params == {"x": "blue"}
        assert "expected one of 'red', 'blue'" in refused(text, "-p x=green")

    def test_a_date_is_left_to_the_node(self) -> None:
        """It is text on the line and in the store, a date in the node."""
        assert request_of("keep(Input('x', 'date'))", "-p x=2024-05-06").params == {"x": "2024-05-06"}
        assert read_text("2024-05-06", parse_type("date")) == "2024-05-06"
        assert isinstance(datetime.date.fromisoformat("2024-05-06"), datetime.date)

    def test_what_has_no_default_must_be_given(self) -> None:
        """NodeTool's own default, 0, would be a silent answer."""
        text = "keep([Input('a', int), Input('b', int)])"
        assert request_of(text, "-p a=0 -p b=1").params == {"a": 0, "b": 1}
        message = refused(text, "-p a=0")
        assert "'b' must be given: b is a param (int) without a default" in message
        assert "-p b=…" in message
        assert "'a', 'b' must be given" in refused(text, "")

    def test_a_workflow_without_inputs(self) -> None:
        """A param that would go nowhere is refused."""
        assert "this workflow has no input nodes" in refused("shout('a')", "-p n=5")


class TestRequest:
    def test_defaults(self) -> None:
        """Without options a job is threaded and unlimited."""
        request = request_of("shout('a')")
        assert request.execution_strategy is ExecutionStrategy.THREADED
        assert (request.resource_limits.named(), request.options, request.params) == ({}, {}, {})

    def test_options_go_where_they_belong(self) -> None:
        """Limits to the limits, what only a strategy knows to its options; neither is judged here."""
        line = (
            "-s docker -t 5 --memory 1g --cpus 2 --gpus all --image a:b --network none --sandbox default "
            "--trust --name job --quiet --progress none -o x -b"
        )
        request = request_of("shout('a')", line)
        assert request.strategy == "docker"
        assert request.resource_limits.named() == {
            "timeout": 5.0,
            "memory": 2**30,
            "cpus": 2.0,
            "gpus": "all",
        }
        assert request.options == {"image": "a:b", "network": "none", "sandbox": "default", "trust": True}
        assert request.name == "job"

    def test_other_strategies_are_named(self) -> None:
        """Whether there is one of that name, its registry knows."""
        assert request_of("shout('a')", "-s dask").execution_strategy == "dask"

    def test_given_options_come_before_defaults(self) -> None:
        """Defaults of the notebook and of settings are the caller's."""
        defaults = CellOptions(strategy="docker", timeout=9.0, memory=5, name="d")
        options = CellOptions(strategy="threaded", memory=7)
        request = build_request(build("shout('a')"), options, make_registry().get, defaults=defaults)
        assert request.strategy == "threaded"
        assert request.resource_limits.named() == {"timeout": 9.0, "memory": 7}
        assert request.name == "d"

    def test_name_and_id_of_a_workflow_are_kept(self) -> None:
        """Unless the user names the job."""
        authored = read_cell('{"id": "w", "name": "mine", "graph": {}}')
        lookup = make_registry().get
        request = build_request(authored, CellOptions(), lookup)
        assert (request.workflow_id, request.name) == ("w", "mine")
        assert build_request(authored, CellOptions(name="other"), lookup).name == "other"

    def test_without_nodes_there_is_nothing_to_run(self) -> None:
        """The caller shows the value instead."""
        with pytest.raises(WorkflowError, match="nothing to run"):
            build_request(build("1 + 1"), CellOptions(), make_registry().get)


class TestInputNodes:
    def test_nodes_of_unknown_types_are_left_to_the_plan(self) -> None:
        """It reports all problems at once; here they only have no params."""
        graph = Graph(nodes=(Node(id="a", type="no.such.Type", data={"name": "x"}),))
        assert input_nodes(graph, make_registry().get) == {}

    def test_nodes_without_a_name_take_no_param(self) -> None:
        """And of two with one name the first is asked."""
        kind = "nodetool.input.IntegerInput"
        nodes = (
            Node(id="a", type=kind),
            Node(id="b", type=kind, data={"name": "x"}),
            Node(id="c", type=kind, data={"name": "x"}),
        )
        found = input_nodes(Graph(nodes=nodes), make_registry().get)
        assert {name: taken.node.id for name, taken in found.items()} == {"x": "b"}

    def test_a_wrong_property_of_an_input_node_is_the_plan_s(self) -> None:
        """A bad default or option list doesn't keep a param from being read."""
        node = Node(id="a", type="nodetool.input.SelectInput", data={"name": "x", "options": 5, "value": 5})
        options = CellOptions(param=(Param("x", "anything"),))
        request = build_request(Authored(Graph(nodes=(node,))), options, make_registry().get)
        assert request.params == {"x": "anything"}
