"""From words to exit code, in this process."""

from __future__ import annotations

import io
import json
from importlib import import_module

import pytest

from nodetool_jupyter import __version__
from nodetool_jupyter.cli.commands import COMMANDS, EXIT_CODES, Command
from nodetool_jupyter.cli.main import exit_code, main
from nodetool_jupyter.errors import JobCancelled, JobFailed, JobNotFound, NodeToolError, StoreError

Captured = pytest.CaptureFixture[str]


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["help"]])
def test_the_overview_has_every_command_and_exit_code(words: list[str], capsys: Captured) -> None:
    """It is the help of the program, and what it says without a command."""
    assert main(words) == 0
    shown = capsys.readouterr().out
    assert all(f"  {command.usage}" in shown and command.help in shown for command in COMMANDS)
    assert all(f"{code} {text}" in shown for code, text in EXIT_CODES)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_function(command: Command) -> None:
    """The table names it by a text, which no type checker reads."""
    module, _, name = command.home.partition(":")
    assert callable(getattr(import_module(f"nodetool_jupyter.cli.{module}"), name))


def test_the_version(capsys: Captured) -> None:
    """One line."""
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"nodetool-jupyter {__version__}\n"


@pytest.mark.parametrize(("word", "hint"), [("job", "jobs"), ("statsu", "status"), ("frobnicate", "--help")])
def test_a_wrong_command_gets_a_guess(word: str, hint: str, capsys: Captured) -> None:
    """On standard error, with the exit code for usage."""
    assert main([word]) == 2
    shown = capsys.readouterr()
    assert (shown.out, f"there is no command {word!r}" in shown.err, hint in shown.err) == ("", True, True)


@pytest.mark.parametrize(
    ("error", "code"),
    [(JobCancelled("x"), 130), (JobFailed("x"), 1), (JobNotFound("x"), 2), (StoreError("x"), 1)],
)
def test_kinds_of_errors_have_their_codes(error: NodeToolError, code: int) -> None:
    """A store that fails is no mistake of whoever asked."""
    assert exit_code(error) == code


def test_no_jobs_is_an_empty_answer(capsys: Captured) -> None:
    """A list for programs, a sentence beside it for people."""
    assert main(["jobs", "--json", "--status", "failed"]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out) == []
    assert shown.err == "there are no jobs that are failed yet\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["jobs", "--status", "runing"], "did you mean running?"),
        (["status"], "no job"),
        (["run", "nowhere.json"], "nowhere.json"),
    ],
)
def test_mistakes_are_sentences(words: list[str], sentence: str, capsys: Captured) -> None:
    """With the exit code for usage, and nothing on standard output."""
    assert main(words) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert sentence in shown.err


def test_settings_and_their_origin(capsys: Captured) -> None:
    """A line a setting, with its variable."""
    assert main(["config"]) == 0
    shown = capsys.readouterr().out
    assert "environment NODETOOL_HOME" in shown
    assert "MAX_WORKFLOW_THREADS" in shown


def feed(data: bytes, monkeypatch: pytest.MonkeyPatch) -> int:
    """Run what comes by standard input."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    return main(["run", "-", "--format", "python"])


@pytest.mark.parametrize(
    ("data", "out"), [(b"1 + 1", "2\n"), (b"'a\\x1bb'", '"a\\u001bb"\n'), (b"x = 1", "")]
)
def test_a_body_without_nodes_gives_its_last_value(
    data: bytes, out: str, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a cell does; nothing that a terminal would obey."""
    assert feed(data, monkeypatch) == 0
    assert capsys.readouterr().out == out


@pytest.mark.parametrize(
    ("data", "sentence"), [(b"\xff\xfe", "standard input can't be read"), (b"1 +", "line 1")]
)
def test_a_body_that_can_t_be_read(
    data: bytes, sentence: str, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sentence, and the exit code for usage."""
    assert feed(data, monkeypatch) == 2
    shown = capsys.readouterr()
    assert (shown.out, sentence in shown.err) == ("", True)
