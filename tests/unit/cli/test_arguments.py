"""Words of the shell: what they mean, and what is said of those that mean nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from nodetool_jupyter.authoring.options import OPTIONS, Option, Param
from nodetool_jupyter.cli.arguments import ELSEWHERE, cell_options, read
from nodetool_jupyter.cli.commands import BY_NAME, COMMANDS, Command
from nodetool_jupyter.errors import OptionError

RUN = BY_NAME["run"]


def test_options_of_a_run_are_those_of_a_cell() -> None:
    """Each is read by the one table, in its short and its long form, before the file and after it."""
    given = read(
        RUN, ["-s", "subprocess", "flow.py", "-p", "n=5", "-px=y", "--timeout=5", "--memory", "512m"]
    )
    options = cell_options(given)
    assert given.word == "flow.py"
    assert options.param == (Param("n", "5"), Param("x", "y"))
    assert (options.strategy, options.timeout, options.memory) == ("subprocess", 5.0, 512 * 2**20)


def test_a_dollar_is_a_dollar() -> None:
    """The shell has put in its own variables; there are none of Python."""
    options = cell_options(
        read(RUN, ["f", "-p", "a=$b", "-p", "c=$$", "--params", '{"d": "$e"}', "--name", "$f"])
    )
    assert options.param == (Param("a", "$b"), Param("c", "$$"))
    assert (options.params, options.name) == ({"d": "$e"}, "$f")


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_is_here_or_said_to_be_elsewhere(
    option: Option, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that is added to the table of cells is in the shell at once, with its help."""
    with pytest.raises(SystemExit):
        read(RUN, ["--help"])
    shown = capsys.readouterr().out
    assert (option.flag in ELSEWHERE) != (f"{option.flag} " in shown or f"{option.flag}\n" in shown)


@pytest.mark.parametrize(
    ("name", "words", "message", "hint"),
    [
        ("run", [], "FILE", "--help"),
        ("run", ["f", "--stratgy", "x"], "there is no option --stratgy", "--strategy"),
        ("run", ["f", "--strat=x"], "there is no option --strat", "--strategy"),
        ("run", ["f", "-o", "x"], "there is no option -o", "> FILE"),
        ("run", ["f", "--file=x"], "there is no option --file", "run FILE"),
        ("run", ["f", "g"], "'g' is one word too many", "--help"),
        ("run", ["f", "-t"], "expected one argument", "--help"),
        ("logs", ["--flow"], "there is no option --flow", "--follow"),
        ("logs", ["-o"], "there is no option -o", "--help"),
        ("cancel", [], "ID", "--help"),
    ],
)
def test_wrong_words(name: str, words: list[str], message: str, hint: str) -> None:
    """Named, with what was meant where that can be guessed."""
    with pytest.raises(OptionError) as caught:
        read(BY_NAME[name], words)
    assert caught.value.message.startswith(f"{name}: ")
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--memory", "much"], "--memory can't be 'much'"),
        (["-t", "1", "-t", "2"], "--timeout is given twice"),
        (["-p", "n=1", "-p", "n=2"], "param 'n' is given twice"),
        (["--progress", "widget"], "--progress can't be 'widget'"),
        (["-b", "--jsonl"], "--background doesn't wait"),
        (["--params", "[1]"], "--params can't be"),
    ],
)
def test_wrong_values(words: list[str], message: str) -> None:
    """The table of options judges them, as it does for a cell."""
    with pytest.raises(OptionError, match=message):
        cell_options(read(RUN, ["f", *words]))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_its_help(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    """With its usage and what it is for."""
    with pytest.raises(SystemExit) as caught:
        read(command, ["--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert caught.value.code == 0
    assert f"usage: nodetool-jupyter {command.usage}" in shown
    assert command.help in shown


def test_an_id_may_be_missing_where_it_is_in_brackets() -> None:
    """It is `last` then."""
    assert read(BY_NAME["status"], []).word == ""
    assert read(BY_NAME["status"], ["abc"]).word == "abc"
    assert Path(read(RUN, ["-"]).word) == Path("-")
