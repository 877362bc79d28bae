"""Cells and commands in a real IPython shell, from their text to what is left in the notebook."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from nodetool_jupyter.errors import (
    CellError,
    InvalidGraph,
    JobNotFound,
    JobTimedOut,
    NodeError,
    OptionError,
    StrategyUnavailable,
    UnknownStrategy,
)
from nodetool_jupyter.job import Job, Result
from nodetool_jupyter.widgets.panel import Panel
from tests.unit.magics.shells import Shell

HELLO = {
    "name": "hello",
    "graph": {
        "nodes": [
            {"id": "who", "type": "nodetool.input.StringInput", "data": {"name": "who", "value": "you"}},
            {"id": "text", "type": "nodetool.text.Concat", "data": {"a": "hello "}},
            {"id": "out", "type": "nodetool.output.Output", "data": {"name": "greeting"}},
        ],
        "edges": [
            {"source": "who", "sourceHandle": "output", "target": "text", "targetHandle": "b"},
            {"source": "text", "sourceHandle": "output", "target": "out", "targetHandle": "value"},
        ],
    },
}


@pytest.fixture(autouse=True)
def no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whether Docker is on this machine makes no difference here."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-engine.sock")


@pytest.fixture
def hello(tmp_path: Path) -> Path:
    """A workflow file."""
    path = tmp_path / "hello.json"
    path.write_text(json.dumps(HELLO), "utf-8")
    return path


class TestResult:
    """What a cell that succeeds leaves behind."""

    def test_value_is_shown_and_kept_like_any_cell_s(self, shell: Shell) -> None:
        """The last expression's value is the cell's: in _, in Out, and shown."""
        ran = shell.run("%%nodetool\nshout(text='a')")
        assert (ran.error, ran.value, shell.names["_"]) == (None, "A", "A")
        assert ran.text.splitlines()[-1].endswith("'A'")

    def test_variable_gets_it_without_showing_it_twice(self, shell: Shell) -> None:
        """With -o it is assigned, as by =, and still in _."""
        ran = shell.run("%%nodetool -o shouted\nshout(text='a', times=2)")
        assert (ran.error, ran.value) == (None, None)
        assert (shell.names["shouted"], shell.names["_"]) == ("AA", "AA")
        assert "Out[" not in ran.text

    def test_semicolon_hides_the_value(self, shell: Shell) -> None:
        """As it does behind any expression."""
        ran = shell.run("%%nodetool --progress none\nshout(text='a');")
        assert (ran.error, ran.text) == (None, "")

    def test_quiet_shows_nothing_at_all(self, shell: Shell) -> None:
        """Neither progress nor value; _ holds it all the same."""
        ran = shell.run("%%nodetool --quiet\nshout(text='a')")
        assert (ran.error, ran.text, ran.shown, shell.names["_"]) == (None, "", [], "A")

    def test_several_outputs_are_a_mapping_with_attributes(self, shell: Shell) -> None:
        """Each output by its name."""
        shell.run("%%nodetool -o both\noutput(x=shout(text='a'), y=shout(text='b'))")
        both = shell.names["both"]
        assert isinstance(both, Result)
        assert (both.x, both["y"]) == ("A", "B")

    def test_large_value_is_kept_but_not_shown(self, shell: Shell) -> None:
        """A notebook file with megabytes of text in it opens slowly."""
        ran = shell.run("%%nodetool --progress none\nshout(text='a', times=1_000_000)")
        assert (ran.value, ran.text, len(shell.names["_"])) == (None, "", 1_000_000)

    def test_body_without_nodes_gives_its_last_value(self, shell: Shell) -> None:
        """There is nothing to run, and that is no error."""
        assert shell.run("%%nodetool\n1 + 1").value == 2
        assert shell.run("%%nodetool").error is None

    def test_json_body_takes_params(self, shell: Shell) -> None:
        """A NodeTool workflow pasted into a cell, with a value of the notebook."""
        shell.run("name = 'Ada'")
        ran = shell.run(f"%%nodetool -p who=$name\n{json.dumps(HELLO)}")
        assert (ran.error, ran.value) == (None, "hello Ada")

    def test_file_needs_no_body(self, shell: Shell, hello: Path) -> None:
        """IPython itself would refuse a cell magic that stands alone."""
        ran = shell.run(f"%%nodetool --file {hello} -p who=Ada")
        assert (ran.error, ran.value) == (None, "hello Ada")

    def test_json_cell_may_name_the_notebook_s_nodes(self, shell: Shell) -> None:
        """A function with @node is a node type of the notebook."""
        nodes = [
            {"id": "a", "type": "notebook.shout", "data": {"text": "hi"}},
            {"id": "o", "type": "nodetool.output.Output", "data": {"name": "r"}},
        ]
        edges = [{"source": "a", "sourceHandle": "output", "target": "o", "targetHandle": "value"}]
        ran = shell.run(f"%%nodetool\n{json.dumps({'nodes': nodes, 'edges': edges})}")
        assert (ran.error, ran.value) == (None, "HI")

    def test_redefined_node_is_the_one_that_runs(self, shell: Shell) -> None:
        """A notebook's functions change from cell to cell."""
        shell.run("%%nodetool\nshout(text='a')")
        shell.run("@node\ndef shout(text: str) -> str:\n    return text + '?'")
        assert shell.run("%%nodetool\nshout(text='a')").value == "a?"

    def test_background_gives_the_job(self, shell: Shell) -> None:
        """-b returns at once; _ and the variable hold the Job."""
        ran = shell.run("%%nodetool -b -o job\nshout(text='a')")
        job = shell.names["job"]
        assert (ran.error, type(job), shell.names["_"]) == (None, Job, job)
        assert job.result(timeout=10) == "A"

    def test_panel_is_the_line_s_value(self, shell: Shell, hello: Path) -> None:
        """Of a file, or of what ran last; where no widget can be, its form is shown as text."""
        ran = shell.run(f"%nodetool panel {hello}")
        assert (ran.error, type(shell.names["_"])) == (None, Panel)
        assert "panel of" in ran.plain
        assert "who" in ran.plain
        shell.run("%%nodetool --name last -p n=3\nshout(text='a', times=Input('n', int, 2, min=1, max=9))")
        shell.run("panel = %nodetool panel")
        panel = shell.names["panel"]
        assert (panel.workflow.name, panel.values) == ("last", {"n": 2})

    def test_dry_run_draws_and_runs_nothing(self, shell: Shell) -> None:
        """All is checked, the graph is shown, and there is no job afterwards."""
        ran = shell.run("%%nodetool --dry-run\nshout(text=shout(text='a'))")
        assert "3 nodes, strategy threaded: it can run; nothing has run" in ran.plain
        assert "shout_2" in ran.plain
        assert "<svg" in ran.html
        assert "no jobs" in shell.run("%nodetool jobs").text


class TestErrors:
    """What stops a cell stops "Run all", and says in a few lines what to do."""

    @pytest.mark.parametrize(
        ("code", "kind", "words"),
        [
            ("%%nodetool --timout 5\nshout(text='a')", OptionError, "did you mean --timeout"),
            ("%%nodetool -o 2x\nshout(text='a')", OptionError, "--out can't be '2x'"),
            ("%%nodetool\nshout(txt='a')", CellError, "line 1"),
            ("%%nodetool\n\n1 / 0", CellError, "line 2: ZeroDivisionError"),
            ("%%nodetool -s dokcer\nshout(text='a')", UnknownStrategy, "did you mean docker"),
            ("%%nodetool -s docker\nshout(text='a')", StrategyUnavailable, "use --strategy subprocess"),
            ("%%nodetool --resume zzzz\nshout(text='a')", JobNotFound, "zzzz"),
            ("%%nodetool -p n=1\nshout(text='a')", OptionError, "no param 'n'"),
            ("%%nodetool --file nowhere.json", Exception, "there is no file nowhere.json"),
            ("%%nodetool --strategy subproces\n1 + 1", Exception, "did you mean subprocess?"),
            ("%nodetool run", OptionError, "it needs FILE"),
            ("%nodetool retry zzzz", JobNotFound, "zzzz"),
            ("%nodetool panel nowhere.json", Exception, "there is no file nowhere.json"),
            ("%nodetool prune", OptionError, "say what may go"),
            ("%nodetool prune --older-than soon", OptionError, "give a time such as 12h"),
            ("%nodetool prune --keep all", OptionError, "give a number of jobs"),
            ("%nodetool prune --size big", OptionError, "give a size such as 500m"),
            ("%nodetool statsu", OptionError, "did you mean %nodetool status"),
            ("%nodetool nodes zzzz", OptionError, "no node type matches"),
            ("%nodetool status zzzz", Exception, "zzzz"),
        ],
    )
    def test_mistake_is_an_exception_of_few_lines(
        self, shell: Shell, code: str, kind: type[Exception], words: str
    ) -> None:
        """Never IPython's UsageError, which lets a notebook run on; never a traceback of ours."""
        ran = shell.run(code)
        assert isinstance(ran.error, kind)
        assert type(ran.error).__name__ != "UsageError"
        assert words in ran.text
        assert "Traceback" not in ran.text

    def test_failed_node_is_named_with_the_next_command(self, shell: Shell) -> None:
        """Node, cause, next command, and no more."""
        ran = shell.run("%%nodetool --quiet\nfail(text=shout(text='a'))")
        assert isinstance(ran.error, NodeError)
        assert ran.text.splitlines() == [
            "NodeError: node fail_1 (notebook.fail): ValueError: no A",
            "  → %nodetool traceback shows the rest",
        ]

    def test_variable_is_unchanged_after_a_failure(self, shell: Shell) -> None:
        """What it held before is still there, and _ too."""
        shell.run("%%nodetool -o kept\nshout(text='a')")
        shell.run("%%nodetool -o kept\nfail(text='a')")
        assert (shell.names["kept"], shell.names["_"]) == ("A", "A")

    def test_traceback_shows_the_line_of_the_cell(self, shell: Shell) -> None:
        """And the user's own frames, without the engine's."""
        shell.run("%%nodetool --quiet\nloud = shout(text='a')\n\nfail(text=loud)")
        text = shell.run("%nodetool traceback").text
        assert "node fail_1 was made in line 3: fail(text=loud)" in text
        assert 'raise ValueError(f"no {text}")' in text
        assert "engine/actor.py" not in text

    def test_traceback_of_a_mistake_in_the_body(self, shell: Shell) -> None:
        """The user's exception, from the cell on."""
        shell.run("def helper():\n    return {}['k']")
        shell.run("%%nodetool\nshout(text=helper())")
        text = shell.run("%nodetool traceback").text
        assert re.search(r"line 1, in <module>\n.*shout\(text=helper\(\)\)", text)
        assert "KeyError: 'k'" in text
        assert "python_body.py" not in text

    def test_invalid_graph_names_the_lines(self, shell: Shell) -> None:
        """A problem that only the whole graph shows still points to the cell."""
        shell.run("from nodetool_jupyter.nodes import text")
        ran = shell.run("%%nodetool\n\ntext.Concat(a=shout(text='x'), b=shout(text='y'), c=shout(text='z'))")
        assert isinstance(ran.error, CellError | InvalidGraph)
        assert "line 2" in ran.text

    def test_timeout_is_an_error_of_its_own(self, shell: Shell) -> None:
        """With the limit in the message."""
        shell.run("import asyncio\n@node\nasync def hang() -> None:\n    await asyncio.sleep(60)")
        ran = shell.run("%%nodetool --quiet --timeout 0.1\nhang()")
        assert isinstance(ran.error, JobTimedOut)
        assert "0.1" in ran.text


class TestDefaults:
    """%config NodeToolMagics, between a cell's options and the settings."""

    def test_default_counts_where_no_option_says_otherwise(self, shell: Shell) -> None:
        """The strategy of the notebook, unless the cell has its own."""
        shell.run("%config NodeToolMagics.strategy = 'docker'")
        assert isinstance(shell.run("%%nodetool\nshout(text='a')").error, StrategyUnavailable)
        assert shell.run("%%nodetool -s threaded\nshout(text='a')").value == "A"

    def test_wrong_default_stops_the_cell_and_is_named(self, shell: Shell) -> None:
        """IPython would only log it and run on."""
        shell.run("%config NodeToolMagics.timeout = 'soon'")
        ran = shell.run("%%nodetool\nshout(text='a')")
        assert isinstance(ran.error, OptionError)
        assert "%config NodeToolMagics.timeout" in ran.text

    def test_config_says_where_each_value_came_from(
        self, shell: Shell, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Notebook, environment, default."""
        monkeypatch.setenv("NODETOOL_CANCEL_GRACE", "2.5")
        shell.run("%config NodeToolMagics.quiet = True")
        text = shell.run("%nodetool config").plain
        assert re.search(r"quiet +True +%config NodeToolMagics.quiet", text)
        assert re.search(r"cancel_grace +2.5 +environment NODETOOL_CANCEL_GRACE", text)
        assert re.search(r"strategy +threaded +default", text)


class TestCommands:
    """The line magic's commands, on jobs that this notebook ran."""

    def test_run_gives_a_value_that_can_be_assigned(self, shell: Shell, hello: Path) -> None:
        """As a line magic in an assignment; the options of a cell follow the file."""
        ran = shell.run(f"greeting = %nodetool run {hello} -p who=Ada --quiet")
        assert (ran.error, shell.names["greeting"]) == (None, "hello Ada")

    def test_variables_and_expressions_in_a_line(self, shell: Shell, hello: Path) -> None:
        """As in other line magics, for a path or an id; a param's value keeps its type."""
        shell.names["path"], shell.names["who"] = str(hello), "a  b"
        assert shell.run("%nodetool run $path -p who=$who -b -o job --quiet").error is None
        assert shell.run("%nodetool result {job.id}").value == "hello a  b"

    def test_jobs_are_listed_newest_first(self, shell: Shell) -> None:
        """All kinds of ends, and those of one kind."""
        shell.run("%%nodetool --name first --quiet\nshout(text='a')")
        shell.run("%%nodetool --name second --quiet\nfail(text='a')")
        ran = shell.run("%nodetool jobs")
        assert ran.plain.index("second") < ran.plain.index("first")
        failed = shell.run("%nodetool jobs --status failed")
        assert "second" in failed.plain
        assert "first" not in failed.plain
        assert "<table" in failed.html

    def test_status_result_graph_and_logs_of_a_job(self, shell: Shell) -> None:
        """By name, by the beginning of its id, and as the last one."""
        shell.run("%%nodetool --name mine -b -o job --timeout 60\nshout(text='a')")
        job = shell.names["job"]
        assert shell.run("%nodetool result mine").value == "A"
        status = shell.run(f"%nodetool status {job.id[:20]}").plain
        assert re.search(r"status +completed", status)
        assert re.search(r"limit timeout +60", status)
        assert "shout_1" in shell.run("%nodetool graph last").plain
        assert shell.run("%nodetool logs").text == "shout_1 │ shouting a\n"
        assert shell.run("%nodetool logs mine --node shout_1 --follow").text.startswith(
            "shout_1 │ shouting a\n"
        )
        assert "did you mean shout_1" in shell.run("%nodetool logs --node shout1").text

    def test_attach_shows_the_end_of_a_job_that_has_ended(self, shell: Shell) -> None:
        """As its own cell showed it; and it gives the job, which a later kernel has from nowhere else."""
        shell.run("%%nodetool --quiet --name mine\nshout(text='a')")
        assert "mine: completed" in shell.run("job = %nodetool attach").text
        assert shell.run("print(job.name, job.result())").text == "mine A\n"

    def test_cancel_ends_a_job_and_says_so(self, shell: Shell) -> None:
        """A second time it says how the job had ended."""
        shell.run("import asyncio\n@node\nasync def hang() -> None:\n    await asyncio.sleep(60)")
        shell.run("%%nodetool -b --quiet -o job\nhang()")
        assert shell.run("%nodetool cancel last").text.endswith(": cancelled\n")
        assert "had ended before: cancelled" in shell.run("%nodetool cancel last").text
        assert "it needs ID" in shell.run("%nodetool cancel").text

    def test_graph_of_a_file(self, shell: Shell, hello: Path) -> None:
        """Drawn, and as text with where each input comes from."""
        ran = shell.run(f"%nodetool graph {hello}")
        assert "b ← who.output" in ran.plain
        assert "<svg" in ran.html

    def test_nodes_are_found_by_words_and_shown_in_full(self, shell: Shell) -> None:
        """Fields, outputs and an example that runs."""
        several = shell.run("%nodetool nodes text split")
        assert "nodetool.text.Split" in several.plain
        one = shell.run("%nodetool nodes nodetool.text.Concat").plain
        example = one.split("\n", 1)[1].partition("from nodetool_jupyter")[2]
        assert re.search(r"a +str", one)
        assert shell.run(f"%%nodetool\nfrom nodetool_jupyter{example}").value == "texttext"
        assert "notebook.shout" in shell.run("%nodetool nodes shout").plain

    def test_doctor_has_a_sentence_for_each_check(self, shell: Shell) -> None:
        """Versions, settings, store, threads, strategies and packages."""
        text = shell.run("%nodetool doctor").plain
        parts = ("ipywidgets", "all can be read", "no jobs yet", "jobs at once", "Engine doesn't answer")
        assert not [words for words in parts if words not in text]

    def test_help_lists_every_command(self, shell: Shell) -> None:
        """Also where no command is given, and behind a question mark."""
        from nodetool_jupyter.magics.commands import COMMANDS

        for code in ("%nodetool", "%nodetool help"):
            text = shell.run(code).plain
            assert all(command.usage in text for command in COMMANDS)

    def test_names_are_escaped(self, shell: Shell) -> None:
        """A job's name is text, whatever is in it."""
        shell.run("%%nodetool --quiet --name '<img src=x onerror=alert(1)>'\nshout(text='a')")
        ran = shell.run("%nodetool jobs")
        assert "<img" not in ran.html
        assert "&lt;img" in ran.html
