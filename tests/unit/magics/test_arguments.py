"""The table of commands and the reading of their words."""

from __future__ import annotations

import pytest

from nodetool_jupyter.errors import OptionError
from nodetool_jupyter.magics.arguments import Arguments, find_command
from nodetool_jupyter.magics.commands import COMMANDS, LATER


@pytest.mark.parametrize(
    ("line", "given"),
    [
        ("jobs", Arguments()),
        ("jobs --all --status failed", Arguments("", {"--all": "", "--status": "failed"})),
        ("jobs --status=failed", Arguments("", {"--status": "failed"})),
        ("logs --node 'a b' 0123 --follow", Arguments("0123", {"--node": "a b", "--follow": ""})),
        ("status", Arguments()),
        ("cancel 'my job'", Arguments("my job")),
        ("nodes split a text", Arguments("split a text")),
        ("graph my.json", Arguments("my.json")),
        (
            "run my.json -p n='two words'  --quiet",
            Arguments("my.json", {"options": "-p n='two words'  --quiet"}),
        ),
        ("run 'my file.json' -o x", Arguments("my file.json", {"options": "-o x"})),
        ('run "my file.json" -o x', Arguments("my file.json", {"options": "-o x"})),
    ],
)
def test_words_are_read(line: str, given: Arguments) -> None:
    """As a shell reads them; the options behind ``run FILE`` are left as they were typed."""
    name, _, rest = line.partition(" ")
    assert find_command(name, COMMANDS).read(rest) == given


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("jobs --statsu failed", "%nodetool jobs: it has no option --statsu", "did you mean --status?"),
        ("jobs --status", "%nodetool jobs: --status needs a value", "write %nodetool jobs [--all]"),
        ("jobs --status fialed", "--status can't be 'fialed'", "did you mean failed?"),
        ("jobs --all=1", "--all takes no value", "write"),
        ("jobs 0123", "'0123' is one word too many", "write"),
        ("status a b", "'b' is one word too many", "write %nodetool status [ID]"),
        ("cancel", "it needs ID", "write %nodetool cancel ID"),
        ("run", "it needs FILE", "write %nodetool run FILE [options]"),
        ("run 'my", "a quote is not closed", "close it"),
        ("status 'my", "a quote is not closed", "close it"),
    ],
)
def test_wrong_words_are_an_error_with_a_next_step(line: str, message: str, hint: str) -> None:
    """What was meant where it can be guessed, else how the command is written."""
    name, _, rest = line.partition(" ")
    with pytest.raises(OptionError) as caught:
        find_command(name, COMMANDS).read(rest)
    assert message in caught.value.message
    assert (caught.value.hint or "").startswith(hint)


def test_unknown_command_is_guessed() -> None:
    """And one of a later version is told apart from it."""
    with pytest.raises(OptionError, match="did you mean %nodetool traceback"):
        find_command("tracebak", COMMANDS, LATER)
    with pytest.raises(OptionError, match="not in this version"):
        find_command("fly", COMMANDS, ("fly",))


def test_names_are_unique() -> None:
    """A command hides no other, and none is both here and for later."""
    names = [command.name for command in COMMANDS]
    assert len({*names, *LATER}) == len(names) + len(LATER)
