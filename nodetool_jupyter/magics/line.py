"""``%nodetool``: finds the command in the table and calls it."""

from __future__ import annotations

from typing import Any

from nodetool_jupyter.magics.arguments import find_command
from nodetool_jupyter.magics.commands import COMMANDS, LATER
from nodetool_jupyter.magics.notebook import Notebook

DEFAULT = "help"


def run_line(notebook: Notebook, line: str) -> Any:
    """What ``%nodetool`` does; a value only for those commands whose answer is one."""
    name, _, rest = line.strip().partition(" ")
    command = find_command(name or DEFAULT, COMMANDS, LATER)
    return command.run(notebook, command.read(rest))
