"""``%nodetool``: finds the command in the table and calls it."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from nodetool_jupyter.magics.arguments import OPTIONS, Arguments, find_command
from nodetool_jupyter.magics.commands import COMMANDS, LATER
from nodetool_jupyter.magics.notebook import Notebook

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

DEFAULT = "help"


def run_line(notebook: Notebook, line: str) -> Any:
    """What ``%nodetool`` does; a value only for those commands whose answer is one."""
    name, _, rest = line.strip().partition(" ")
    command = find_command(name or DEFAULT, COMMANDS, LATER)
    kept = {OPTIONS, *(flag.name for flag in command.flags if flag.is_value)}
    return command.run(notebook, _expanded(notebook, command.read(rest), kept))


def _expanded(notebook: Notebook, given: Arguments, kept: Collection[str]) -> Arguments:
    """``$name`` and ``{expression}`` as in other line magics, but for flags that are ``kept``: the options of
    a run have their own table, and a value is not its text.
    """
    values = {
        flag: text if flag in kept else _expand(notebook.shell, text) for flag, text in given.values.items()
    }
    return Arguments(_expand(notebook.shell, given.word), values, _expand(notebook.shell, given.more))


def _expand(_shell_: InteractiveShell, _text_: str) -> str:
    # IPython looks into this function's variables too: their names must be no one's.
    return str(_shell_.var_expand(_text_))  # type: ignore[no-untyped-call]  # untyped in IPython
