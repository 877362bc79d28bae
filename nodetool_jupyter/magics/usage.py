"""What ``%%nodetool?`` and ``%nodetool?`` show, made from the two tables."""

from __future__ import annotations

from nodetool_jupyter.authoring import options
from nodetool_jupyter.magics.arguments import MAGIC
from nodetool_jupyter.magics.commands import COMMANDS

EXAMPLE = """
Example, where shout is a function with @node above it:

  %%nodetool -p name=Ada -o greeting
  shout(text=Input("name", str))
"""


def cell_usage() -> str:
    """The options of a cell, with an example."""
    return options.usage() + EXAMPLE


def line_usage() -> str:
    """The commands, with their own options."""
    width = max(len(command.usage) for command in COMMANDS) + 2
    lines = [f"{MAGIC} COMMAND …", ""]
    for command in COMMANDS:
        lines.append(f"  {command.usage:<{width}}{command.help}")
        lines += [f"      {f'{flag.name} {flag.metavar}':<{width - 4}}{flag.help}" for flag in command.flags]
    lines += ["", "An ID may be a unique beginning of it, a job's name, or last."]
    return "\n".join(lines) + "\n"
