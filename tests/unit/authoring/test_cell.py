"""read_cell: what a body is taken for, what it sees, and the line that its mistakes are told with."""

from __future__ import annotations

import asyncio
import inspect
import linecache
import traceback
from pathlib import Path
from typing import Any

import pytest
from IPython.core.inputtransformer2 import TransformerManager

from nodetool_jupyter.authoring.cell import Authored, detect_format, read_cell
from nodetool_jupyter.authoring.options import CellOptions
from nodetool_jupyter.errors import CellError, InvalidGraph, OptionError, WorkflowError
from tests.unit.authoring.cells import NOTEBOOK, build, fail, nodes_of, outputs_of

transform = TransformerManager().transform_cell

JSON = '{"nodes": [{"id": "a", "type": "nodetool.constant.Integer", "data": {"value": 5}}], "edges": []}'
YAML = """\
# a workflow
name: five
graph:
  nodes:
    - {id: a, type: nodetool.constant.Integer, data: {value: 5}}
  edges: []
"""


class TestFormat:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            (JSON, "json"),
            (f"\n\n  {JSON}", "json"),
            ("\ufeff{}", "json"),
            ("{'a': 1}", "json"),
            (YAML, "yaml"),
            ("nodes: []\nedges: []", "yaml"),
            ("nodes:\n- id: a\n  type: b\n", "yaml"),
            ("edges: []\nnodes:\n- id: a\n  type: b\n", "yaml"),
            ("nodes: {}\nx = 1", "python"),
            ("graph: dict = {}\ngraph", "python"),
            ("shout('a')", "python"),
            ("[1, 2]", "python"),
            ("x = {\n'nodes': 1}", "python"),
            ("%time graph: 1\nnodes = 2", "python"),
            ("", "python"),
            ("def f(:", "python"),
            ("name: five\nsteps: []", "python"),
        ],
    )
    def test_the_body_says_what_it_is(self, text: str, expected: str) -> None:
        """A brace is JSON, a workflow's keys that are no Python are YAML, all else is Python."""
        assert detect_format(text, transform) == expected

    def test_a_workflow_is_read_from_json_and_yaml(self) -> None:
        """Both give the graph that they hold, and the lines of its nodes."""
        for text in (JSON, YAML):
            authored = read_cell(text)
            assert authored.graph is not None
            assert [node.data for node in authored.graph.nodes] == [{"value": 5}]
            assert list(authored.line_of_node) == [node.id for node in authored.graph.nodes]
        assert read_cell(YAML).name == "five"

    def test_the_format_can_be_said(self) -> None:
        """What begins with a brace may be Python, if the user says so."""
        options = CellOptions(format="python")
        authored = read_cell("{'x': shout('a')}", options, NOTEBOOK)
        assert authored.graph is not None
        with pytest.raises(WorkflowError, match="an object with nodes and edges, found str"):
            read_cell("shout('a')", CellOptions(format="yaml"), NOTEBOOK)
        assert read_cell("nodes: []", CellOptions(format="python")).graph is None

    @pytest.mark.parametrize(
        ("text", "line", "message"),
        [
            ('{"nodes": [\n{"id": 1, }\n]}', 2, "the cell can't be read as JSON"),
            ("{", 1, "the cell can't be read as JSON"),
            ("nodes: [1\nedges: }", 2, "the cell can't be read as YAML"),
            ("nodes:\n- a: 1\n  a: 2", 3, "key 'a' is there twice"),
        ],
    )
    def test_text_that_cannot_be_read_names_the_line(self, text: str, line: int, message: str) -> None:
        """And the way to say that it was meant as Python."""
        with pytest.raises(CellError) as caught:
            read_cell(text)
        assert caught.value.line == line
        assert message in caught.value.message
        assert caught.value.text == text.splitlines()[line - 1]
        assert "--format python" in str(caught.value)

    def test_a_wrong_workflow_has_all_its_problems(self) -> None:
        """As a file has."""
        with pytest.raises(InvalidGraph) as caught:
            read_cell('{"nodes": [{"id": "a"}, {"id": "b", "type": "x", "data": []}]}')
        assert [problem.node_id for problem in caught.value.problems] == ["a", "b"]


class TestScope:
    def test_a_cell_sees_the_notebook_and_changes_nothing(self) -> None:
        """Names of the user are there; what the cell binds stays in the cell."""
        names = {**NOTEBOOK, "word": "a", "kept": 1}
        before = dict(names)
        read_cell("kept = 2\nnew = 3\nshout(word)", namespace=names)
        assert names == before

    def test_functions_of_the_cell_see_both(self) -> None:
        """A function that is defined in the cell uses names of the cell and of the notebook."""
        text = "suffix = '!'\ndef loud(t):\n    return shout(t + suffix + word)\n[loud(t) for t in 'ab']"
        assert outputs_of(text, word="?") == {"result": [["A!?", "B!?"]]}

    def test_input_and_output_are_there_unless_they_are_taken(self) -> None:
        """A user's own variable of that name is the user's."""
        assert "input_1" in nodes_of("Input('n', int)")
        assert build("Input('n', int)", Input=lambda *_: "mine").value == "mine"
        assert build("output", output=5).value == 5

    def test_nodes_may_be_defined_in_the_cell(self) -> None:
        """Their types are of the notebook, and known to the run."""
        text = (
            "from nodetool_jupyter import node, BaseNode\n"
            "@node\nasync def twice(t: str) -> str:\n    return t * 2\n"
            "class Last(BaseNode):\n    t: str\n    async def process(self, context) -> str:\n"
            "        return self.t[-1]\n"
            "Last(t=twice('ab'))"
        )
        assert nodes_of(text)["twice_1"].type == "notebook.twice"
        assert nodes_of(text)["last_1"].type == "notebook.Last"
        assert outputs_of(text) == {"result": ["b"]}

    def test_the_source_of_a_cell_s_function_can_be_found(self) -> None:
        """As in any other cell: for help, and for a traceback."""
        kept: list[Any] = []
        build("\nx = 1\ndef f():\n    return 1\nkept.append(f)", kept=kept)
        assert inspect.getsource(kept[0].__code__) == "def f():\n    return 1\n"

    def test_a_future_import_is_the_cell_s_own(self) -> None:
        """Neither does this module's reach into the cell."""
        assert build("def f(x: int): pass\nf.__annotations__").value == {"x": int}
        text = "from __future__ import annotations\ndef f(x: int): pass\nf.__annotations__"
        assert build(text).value == {"x": "int"}


class TestValue:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("1 + 1", 2),
            ("x = 1", None),
            ("", None),
            ("# nothing", None),
            ("None", None),
            ("5;", 5),
            ("'a'\n\n", "a"),
        ],
    )
    def test_a_body_without_nodes_gives_its_last_value(self, text: str, value: Any) -> None:
        """There is nothing to run then, and that is no error."""
        assert build(text) == Authored(None, value=value)

    def test_lines_are_known_by_node(self) -> None:
        """Blank lines count; the first line is the one below the magic."""
        authored = build("\n\nx = shout('a')\n\ny = [\n  shout(t)\n  for t in 'ab'\n]\njoin(y)")
        assert authored.line_of_node == {
            "shout_1": 3,
            "shout_2": 6,
            "shout_3": 6,
            "make_list_1": 9,
            "join_1": 9,
            "output_1": 9,
        }


class TestMistakes:
    @pytest.mark.parametrize(
        ("text", "line", "message"),
        [
            ("x = 1\n1 / 0", 2, "ZeroDivisionError: division by zero"),
            ("\n\n\n1 / 0", 4, "ZeroDivisionError"),
            ("x = (1", 1, "SyntaxError: '(' was never closed"),
            ("\n\nx = = 1", 3, "SyntaxError: invalid syntax"),
            ("if True:\nx = 1", 2, "IndentationError"),
            ("x = 1\nreturn x", 2, "SyntaxError: 'return' outside function"),
            ("x = 1\n\ny = '\x00'", None, "SyntaxError: source code string cannot contain null bytes"),
            ("raise KeyError", 1, "KeyError"),
            ("def f():\n    1 / 0\n\nf()", 2, "ZeroDivisionError"),
            ("x = '\x0c'\ny = '\u2028'\n1 / 0", 3, "ZeroDivisionError"),
            ("x = 1\r\n1 / 0\r\n", 2, "ZeroDivisionError"),
            ("x = 1\n%%time\nx", 2, "SyntaxError"),
        ],
    )
    def test_the_line_of_the_cell_is_named(self, text: str, line: int | None, message: str) -> None:
        """The last line of the cell that was running, as the user sees it."""
        error = fail(text)
        assert message in error.message
        assert error.line == line

    def test_the_user_s_exception_is_the_cause(self) -> None:
        """Its whole traceback can be shown, with the cell's own lines."""
        error = fail("def f(x):\n    return 1 / x\nf(0)")
        assert isinstance(error.__cause__, ZeroDivisionError)
        shown = "".join(traceback.format_exception(error.__cause__))
        assert "return 1 / x" in shown
        assert "f(0)" in shown

    def test_deep_in_a_library_it_is_still_the_cell_s_line(self) -> None:
        """Code of others has no line in the cell; the one that called it has."""
        error = fail("import json\n\njson.loads('{')")
        assert (error.line, error.text) == (3, "json.loads('{')")
        assert error.message.startswith("JSONDecodeError: ")

    def test_a_misspelled_name_gets_a_guess(self) -> None:
        """From the names of cell and notebook."""
        assert fail("shuot('a')").hint == "did you mean shout?"
        assert fail("zzz").hint is None

    def test_a_function_that_wanted_the_value_is_explained(self) -> None:
        """Python's own message names our class; the hint says what that is."""
        error = fail("', '.join([shout('a')])")
        assert "Handle" in error.message
        assert "comes when the workflow runs" in (error.hint or "")

    def test_an_error_of_ours_keeps_its_words_and_hint(self) -> None:
        """An OptionError of @node, say, told at the line of the cell."""
        error = fail("from nodetool_jupyter import node\n@node(retries=-1)\ndef f(): ...")
        assert error.line == 2
        assert error.message.startswith("a node's retries are")
        assert isinstance(error.__cause__, OptionError)

    def test_an_error_of_ours_without_a_line_gets_it(self) -> None:
        """As one that the cell raises itself."""
        text = "from nodetool_jupyter.errors import CellError\nraise CellError('no')"
        assert str(fail(text)) == "line 2: no\n    raise CellError('no')"

    def test_a_message_that_cannot_be_shown_is_no_second_error(self) -> None:
        """An exception with a handle in it can't be made into text; a huge one is cut."""
        assert "ValueError: (its message can't be shown" in fail("raise ValueError(shout('a'))").message
        assert len(fail("raise ValueError('x' * 10**6)").message) < 3000

    def test_an_interrupt_is_no_mistake(self) -> None:
        """Whoever stops the kernel, or leaves it, does so from a cell too."""
        for stop in (KeyboardInterrupt, SystemExit):
            with pytest.raises(stop):
                build("raise stop", stop=stop)

    def test_a_cell_magic_inside_is_refused(self) -> None:
        """It would run the rest of the cell elsewhere, unseen."""
        error = fail("\n%%time\nshout('a')")
        assert (error.line, error.text) == (2, "%%time")

    def test_too_deep_code_is_an_error(self) -> None:
        """Not the end of the kernel."""
        assert "too many nested parentheses" in fail("x = " + "(" * 300 + ")" * 300).message
        assert "nested too deep" in fail("x = " + "-" * 100_000 + "1").message

    def test_half_a_surrogate_pair_is_an_error(self) -> None:
        """Source code can't hold it."""
        assert "can't be compiled" in fail("x = '\ud800'").message

    def test_building_ends_with_the_cell(self) -> None:
        """After a failure too, node calls are plain calls again."""
        fail("shout('a')\n1 / 0")
        coroutine = NOTEBOOK["shout"]("a")
        assert asyncio.run(coroutine) == "A"


class TestIPython:
    def read(self, text: str, **names: Any) -> Authored:
        return read_cell(text, None, {**NOTEBOOK, **names}, transform)

    def test_its_syntax_is_understood(self) -> None:
        """A line magic in the body is a call of the shell."""
        calls: list[tuple[str, ...]] = []

        class Shell:
            def run_line_magic(self, *args: str) -> int:
                calls.append(args)
                return 7

        authored = self.read("n = %answer 42\nn", get_ipython=Shell)
        assert authored.value == 7
        assert calls == [("answer", "42")]

    @pytest.mark.parametrize("text", ["\n\n1 / 0", "\n  \n  1 / 0", "x = 1\n\n1 / 0\n\n"])
    def test_lines_stay_where_they_are(self, text: str) -> None:
        """IPython drops leading blank lines and indentation; the numbers are the cell's all the same."""
        with pytest.raises(CellError) as caught:
            self.read(text)
        assert (caught.value.line, caught.value.text.strip()) == (3, "1 / 0")

    def test_a_transform_that_fails_is_the_cell_s_mistake(self) -> None:
        """A SyntaxError of another extension's transformer, for one."""

        def broken(text: str) -> str:
            raise SyntaxError("no such syntax")

        with pytest.raises(CellError, match="no such syntax"):
            read_cell("x", transform=broken)


class TestFile:
    def test_a_workflow_file_is_the_cell(self, tmp_path: Path) -> None:
        """JSON and YAML by their names; the workflow without a name has the file's."""
        for name, text in (("one.json", JSON), ("two.yaml", YAML)):
            (tmp_path / name).write_text(text)
        one = read_cell("\n", CellOptions(file=tmp_path / "one.json"))
        two = read_cell("", CellOptions(file=tmp_path / "two.yaml"))
        assert (one.name, two.name) == ("one", "five")
        assert one.graph == two.graph

    def test_python_in_a_file_is_a_body_too(self, tmp_path: Path) -> None:
        """With the nodes of the notebook."""
        file = tmp_path / "cell.py"
        file.write_text("shout('a')")
        authored = read_cell("", CellOptions(file=file), NOTEBOOK)
        assert authored.graph is not None
        assert authored.name == "cell"

    def test_a_mistake_names_file_and_line(self, tmp_path: Path) -> None:
        """The line is that of the file."""
        file = tmp_path / "cell.py"
        file.write_text("x = 1\n1 / 0")
        with pytest.raises(CellError) as caught:
            read_cell("", CellOptions(file=file))
        assert str(file) in str(caught.value)
        assert caught.value.line == 2

    def test_file_and_body_together_are_refused(self, tmp_path: Path) -> None:
        """One of them would be ignored."""
        with pytest.raises(OptionError, match="the cell has a body too"):
            read_cell("shout('a')", CellOptions(file=tmp_path / "x.json"), NOTEBOOK)

    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        """The message names it and what is there instead."""
        (tmp_path / "flow.json").write_text(JSON)
        with pytest.raises(WorkflowError) as caught:
            read_cell("", CellOptions(file=tmp_path / "flwo.json"))
        assert "there is no file" in str(caught.value)
        assert "flow.json?" in str(caught.value)


def test_the_cell_s_text_outlives_a_check_of_the_cache() -> None:
    """Tracebacks are shown long after; linecache drops what looks like a changed file."""
    error = fail("1 / 0")
    linecache.checkcache()
    cause = error.__cause__
    assert cause is not None
    assert "1 / 0" in "".join(traceback.format_exception(cause))
