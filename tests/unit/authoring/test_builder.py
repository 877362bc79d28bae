"""GraphBuilder: what calls, values and handles of a Python cell become."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from nodetool_jupyter.authoring.builder import GraphBuilder, Input, output
from nodetool_jupyter.engine.function import node
from nodetool_jupyter.engine.registry import Registry
from nodetool_jupyter.errors import CellError, WorkflowError
from nodetool_jupyter.model.graph import Graph
from tests.unit.authoring import cells
from tests.unit.authoring.cells import build, edges_of, fail, graph_of, nodes_of, outputs_of


class TestCalls:
    def test_each_call_is_a_node_in_call_order(self) -> None:
        """Ids are stable: the function's name and the number of its call, per function."""
        text = "shout('a')\nadd(1, 2)\nfor t in 'bc':\n    shout(t)\n"
        assert list(nodes_of(text)) == ["shout_1", "add_1", "shout_2", "shout_3"]

    def test_values_are_properties_and_handles_edges(self) -> None:
        """The quickstart's cell: a value stays with its node, a handle connects two."""
        graph = graph_of("title = shout(text='a')\nshout(text=title, times=3)")
        first, second, out = graph.nodes
        assert (first.data, second.data) == ({"text": "a"}, {"times": 3})
        assert out.type == "nodetool.output.Output"
        assert [str(edge) for edge in graph.edges] == [
            "shout_1.output → shout_2.text",
            "shout_2.output → output_1.value",
        ]

    def test_edges_have_ids_of_their_own(self) -> None:
        """Events name edges by id, so each has one."""
        ids = [edge.id for edge in graph_of("a = shout('a')\nadd(1, 2)\njoin([a, a])").edges]
        assert ids == ["e1", "e2", "e3", "e4"]

    def test_positional_and_named_arguments_meet_the_same_inputs(self) -> None:
        """Arguments bind in the order in which the function has its parameters."""
        assert nodes_of("shout('a', 3)")["shout_1"].data == {"text": "a", "times": 3}
        assert nodes_of("shout('a', times=3)")["shout_1"].data == {"text": "a", "times": 3}

    def test_a_default_is_left_to_the_node(self) -> None:
        """What isn't given isn't written into the graph."""
        assert nodes_of("shout('a')")["shout_1"].data == {"text": "a"}

    def test_a_class_makes_nodes_with_ids_in_snake_case(self) -> None:
        """``ImportCSV`` is ``import_csv_1``, of the class's own type."""
        (made,) = [
            found for found in nodes_of("ImportCSV(path='x')").values() if found.type != cells_output()
        ]
        assert (made.id, made.type, made.data) == ("import_csv_1", "tests.csv.ImportCSV", {"path": "x"})

    def test_a_helper_of_the_notebook_builds_too(self) -> None:
        """A plain function that calls nodes makes nodes, at the line of the cell that called it."""

        def twice(text: str) -> Any:
            return cells.shout(cells.shout(text))

        authored = build("x = 1\ntwice('a')", twice=twice)
        assert authored.line_of_node["shout_1"] == authored.line_of_node["shout_2"] == 2

    def test_odd_names_give_ids_that_can_be_ids(self) -> None:
        """Ids keep to letters, digits and ``_.:-``, whatever a node is called."""

        @node(name="größe")
        async def odd() -> int:
            return 1

        graph = graph_of("odd()\nodd()", odd=odd)
        assert [found.id for found in graph.nodes][:2] == ["gr__e_1", "gr__e_2"]

    def test_a_long_name_gives_a_short_id(self) -> None:
        """An id has at most 128 characters."""

        @node(name="x" * 500)
        async def long() -> int:
            return 1

        assert all(len(found.id) <= 128 for found in graph_of("long()", long=long).nodes)

    def test_two_nodes_of_one_type_name_are_told_apart(self) -> None:
        """One graph can't hold two functions under one name; silently, the last one would win."""
        error = fail(
            "from nodetool_jupyter import node\n"
            "def make(k):\n    @node\n    async def f(x: int) -> int:\n        return x + k\n    return f\n"
            "make(1)(1)\nmake(2)(1)"
        )
        assert error.line == 8
        assert "two different nodes have the type notebook.f" in str(error)
        assert "@node(name=" in str(error)

    def test_types_used_are_handed_on(self) -> None:
        """A node that only the cell knows must be known to the run."""
        authored = build("from nodetool_jupyter import node\n@node\nasync def f() -> int:\n    return 1\nf()")
        assert "notebook.f" in authored.specs
        registry = Registry({})
        registry.add(authored.specs["notebook.f"])
        assert registry.get("notebook.f") is not None

    def test_the_number_of_nodes_is_bounded(self) -> None:
        """A loop without end is an error, not a full memory."""
        builder = GraphBuilder(max_nodes=10)
        with builder.activate(), pytest.raises(CellError, match="more than 10 nodes"):
            [cells.shout("a") for _ in itertools.count()]
        assert len(builder.graph().nodes) == 10

    def test_outside_of_a_cell_a_node_is_a_plain_function(self) -> None:
        """After the cell, as in a test, calling a node runs it."""
        build("shout('a')")
        coroutine = cells.shout("a")
        with pytest.raises(StopIteration) as ended:
            coroutine.send(None)
        assert ended.value.value == "A"

    def test_a_dynamic_node_takes_what_it_does_not_declare(self) -> None:
        """Undeclared values are dynamic properties, undeclared handles edges."""
        graph = graph_of("Template(text='{a}{b}', a=1, b=shout('x'))")
        made = next(found for found in graph.nodes if found.id == "template_1")
        assert (made.data, made.dynamic_properties) == ({"text": "{a}{b}"}, {"a": 1})
        assert "shout_1.output → template_1.b" in [str(edge) for edge in graph.edges]


def cells_output() -> str:
    return "nodetool.output.Output"


class TestMistakes:
    @pytest.mark.parametrize(
        ("call", "message"),
        [
            ("shout(5)", "shout: text: expected str, found int 5"),
            ("shout('a', times='3')", "shout: times: expected int, found str '3'"),
            ("shout('a', times=True)", "shout: times: expected int, found bool True"),
            ("shout()", "shout: text (str) is missing"),
            ("shout('a', tims=3)", "shout: there is no input tims; did you mean times?"),
            ("shout('a', zzz=3)", "shout: there is no input zzz"),
            ("shout('a', 2, 3)", "shout: it takes 2 inputs, 3 were given"),
            ("shout('a', text='b')", "shout: text is given twice"),
            ("shout(add(1, 2))", "shout: text: expected str, found a int"),
            ("add(shout('a'), 1)", "add: a: expected int, found a str"),
            ("join([1])", "join: items: expected list[str], found int 1 at [0]"),
            ("join([add(1, 2)])", "join: items: expected list[str], found a list[int]"),
            ("join((shout('a'), 'b'))", "join: items: expected list[str], found a tuple"),
            ("join({'a': shout('a')})", "join: items: expected list[str], found a dict"),
            ("keep({shout('a')})", "a set of handles has no order; use a list"),
            ("keep({shout('a'): 1})", "a handle can't be the key of a dict"),
            ("keep(x for x in 'ab')", "a generator can be read only once"),
            ("keep(map(str, [1]))", "a map can be read only once"),
            ("a = []\na.append(a)\nkeep(a)", "nested more than 100 levels deep"),
        ],
    )
    def test_a_wrong_call_says_what_is_wrong(self, call: str, message: str) -> None:
        """What was expected, what was found, and the line of the cell."""
        error = fail(f"x = 1\n{call}\n")
        assert message in error.message
        assert error.line == 1 + len(call.splitlines())
        assert error.text == call.splitlines()[-1]

    def test_all_mistakes_of_a_call_are_told_at_once(self) -> None:
        """And how the node is called."""
        error = fail("shout(tims=3, text=5)")
        assert error.message == (
            "shout:\n  - there is no input tims; did you mean times?\n  - text: expected str, found int 5"
        )
        assert error.hint == "it is shout(text: str, times: int = …)"

    def test_a_failed_call_leaves_nothing_behind(self) -> None:
        """A cell may catch the error and go on; no half of the call is in the graph."""
        text = "try:\n    join([shout('a'), 5, *[1]], zzz=1)\nexcept Exception:\n    pass\nshout('b')"
        assert list(nodes_of(text)) == ["shout_1", "shout_2", "output_1"]

    def test_a_coroutine_is_no_value(self) -> None:
        """It could be awaited only once, by nobody knows whom."""
        text = "async def f():\n    return 1\nc = f()\ntry:\n    keep(c)\nfinally:\n    c.close()"
        assert "a coroutine can't be kept" in str(fail(text))

    def test_a_handle_of_another_cell_is_refused(self) -> None:
        """Its graph is another one; the user may want that job's result."""
        kept: list[Any] = []
        build("kept.append(shout('a'))", kept=kept)
        for text in ("shout(kept[0])", "keep([{'a': kept}])", "output(x=kept[0])"):
            error = fail(text, kept=kept)
            assert "is of another cell" in error.message
            assert error.line == 1


class TestContainers:
    def test_a_list_of_handles_arrives_in_its_order(self) -> None:
        """Fast and slow, handles and values: the order that was written is the order in the list."""
        text = "join([shout('c'), 'b', shout('a'), 'd'])"
        assert nodes_of(text)["make_list_1"].data == {"items": [None, "b", None, "d"]}
        assert outputs_of(text) == {"result": ["CbAd"]}

    def test_containers_nest(self) -> None:
        """Lists in tuples in dicts, keys of any kind, handles at the bottom."""
        text = "a = shout('a')\nkeep({'k': [a, (1, a)], 2: {'x': a}, 'plain': [1, [2]]})"
        assert outputs_of(text) == {"result": [{"k": ["A", (1, "A")], 2: {"x": "A"}, "plain": [1, [2]]}]}

    def test_a_tuple_stays_a_tuple(self) -> None:
        """A parameter that is a tuple gets one, made of handles."""
        assert outputs_of("pair((shout('a'), 'b'))") == {"result": ["A-b"]}

    def test_one_handle_for_a_list_is_gathered(self) -> None:
        """What the engine does for edges: T fits list[T], and a stream is collected."""
        assert outputs_of("join(shout('a'))") == {"result": ["A"]}

    def test_a_list_with_a_stream_in_it_is_a_stream_of_lists(self) -> None:
        """The container fires once per item; what doesn't stream is repeated."""
        assert outputs_of("keep([count(3), shout('a')])") == {"result": [[0, "A"], [1, "A"], [2, "A"]]}

    def test_two_streams_in_a_list_go_in_step(self) -> None:
        """Items are paired by their index, not by who came last."""
        text = "n = count(3)\nkeep([n, add(n, 10)])"
        assert outputs_of(text) == {"result": [[0, 10], [1, 11], [2, 12]]}

    def test_values_are_copied_when_the_node_is_made(self) -> None:
        """A loop that reuses its list means the list of that moment, though nothing has run yet."""
        text = "row = []\nfor n in range(3):\n    row.append(n)\n    keep(row)\nkeep({'a': row, 'b': (row,)})"
        found = nodes_of(text)
        assert [found[f"keep_{n}"].data["value"] for n in (1, 2, 3)] == [[0], [0, 1], [0, 1, 2]]
        assert found["keep_4"].data["value"] == {"a": [0, 1, 2], "b": ([0, 1, 2],)}

    def test_objects_are_kept_as_they_are(self) -> None:
        """A thread gets the very object: an array, a table, an instance of a class."""
        thing = object()
        assert nodes_of("keep(thing)", thing=thing)["keep_1"].data["value"] is thing
        assert nodes_of("keep([thing])", thing=thing)["keep_1"].data["value"] == [thing]
        assert nodes_of("keep(Point(3))")["keep_1"].data["value"] == cells.Point(3)

    def test_lists_of_the_user_s_own_kind_keep_their_class(self) -> None:
        """A named tuple or an ordered dict without handles isn't rebuilt as something else."""
        text = "from collections import OrderedDict, namedtuple\nP = namedtuple('P', 'x')\n"
        found = nodes_of(text + "keep(OrderedDict(a=1))\nkeep(P(2))")
        assert type(found["keep_1"].data["value"]).__name__ == "OrderedDict"
        assert type(found["keep_2"].data["value"]).__name__ == "P"


class TestOutputs:
    def test_the_last_expression_is_the_result(self) -> None:
        """A handle, or a container with handles in it."""
        assert outputs_of("shout('a')") == {"result": ["A"]}
        assert outputs_of("[shout(t) for t in 'ab']") == {"result": [["A", "B"]]}

    def test_without_a_last_expression_there_is_no_output(self) -> None:
        """Nodes that are only run for what they do."""
        assert list(nodes_of("x = shout('a')")) == ["shout_1"]

    def test_outputs_have_the_names_they_are_given(self) -> None:
        """output() names several; a value that no node makes is given out too."""
        text = "a = shout('a')\noutput(one=a, two=[a, 'b'], three=3, four=None)"
        assert outputs_of(text) == {"one": ["A"], "two": [["A", "b"]], "three": [3], "four": [None]}

    def test_named_outputs_and_a_last_expression_are_both_there(self) -> None:
        """Naming one output doesn't take the last expression away."""
        assert outputs_of("a = shout('a')\noutput(one=a)\nshout('b')") == {"one": ["A"], "result": ["B"]}

    def test_a_plain_last_value_is_a_result_too(self) -> None:
        """Beside nodes, a cell's last value is still its result."""
        assert outputs_of("shout('a')\n5") == {"result": [5]}

    def test_a_last_output_node_is_not_doubled(self) -> None:
        """An output node of the library, written last, is the output; there is no second one."""
        text = "from nodetool_jupyter.nodes.output import Output\nOutput(name='x', value=shout('a'))"
        assert outputs_of(text) == {"x": ["A"]}

    @pytest.mark.parametrize("last", ["output(a=x)\noutput(a=x)", "output(result=x)\nx"])
    def test_a_name_is_given_once(self, last: str) -> None:
        """Two outputs of one name would be one list of values, in no order."""
        error = fail(f"x = shout('a')\n{last}")
        assert "already (line 2)" in error.message
        assert error.line == 3

    def test_several_outputs_are_no_result(self) -> None:
        """The message shows which there are."""
        error = fail("halve('ab')\n\n")
        assert "its outputs are left (str), right (int)" in error.message
        assert error.line == 1

    def test_outside_of_a_cell_they_say_so(self) -> None:
        """Input and output can be imported anywhere, but mean something only in a cell."""
        for call in (lambda: Input("n", int), lambda: output(x=1)):
            with pytest.raises(WorkflowError, match="only in a %%nodetool cell"):
                call()

    def test_nothing_built_is_an_empty_graph(self) -> None:
        """The builder itself doesn't mind."""
        assert GraphBuilder().graph() == Graph()


def test_library_nodes_build_like_functions() -> None:
    """A class of the library, called in a cell, is a node with its NodeTool type."""
    text = "from nodetool_jupyter.nodes import text\ntext.Concat(a=shout('a'), b='!')"
    assert "shout_1.output → concat_1.a" in edges_of(text)
    assert nodes_of(text)["concat_1"].type == "nodetool.text.Concat"
    assert outputs_of(text) == {"result": ["A!"]}


def test_branches_by_name() -> None:
    """A node with several outputs, used by one of them."""
    text = (
        "from nodetool_jupyter.nodes import control\n"
        "branch = control.If(condition=True, value=shout('a'))\n"
        "output(yes=branch.if_true, no=branch.if_false)"
    )
    assert outputs_of(text)["yes"] == ["A"]
    assert outputs_of(text)["no"] == []
