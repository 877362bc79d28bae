"""The way of a command: its words are read, its room is imported, its error becomes a sentence and a code."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper

from nodetool_jupyter.cli.commands import BY_NAME, PROGRAM, overview
from nodetool_jupyter.errors import (
    JobCancelled,
    JobNotFound,
    NodeToolError,
    OptionError,
    SettingsError,
    StrategyError,
    ValueCrossingError,
    WorkflowError,
    nearest,
)

COMPLETED, FAILED, NOT_STARTED, CANCELLED = 0, 1, 2, 130
MISTAKES = (JobNotFound, OptionError, SettingsError, StrategyError, ValueCrossingError, WorkflowError)
"""What is wrong with what was asked for; nothing has run."""


def main(words: Sequence[str] | None = None) -> int:
    """Do what the words of the command line say; gives the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # what an encoding lacks is written as an escape
            stream.reconfigure(errors="backslashreplace")
    try:
        return _dispatch(list(sys.argv[1:] if words is None else words))
    except NodeToolError as error:
        from nodetool_jupyter.cli.writing import complain

        complain(f"{PROGRAM}: {error}")
        return exit_code(error)
    except BrokenPipeError:
        from nodetool_jupyter.cli.writing import silence

        silence()
        return COMPLETED
    except KeyboardInterrupt:
        return CANCELLED


def exit_code(error: NodeToolError) -> int:
    """The exit code that says what kind of error it was."""
    if isinstance(error, JobCancelled):
        return CANCELLED
    return NOT_STARTED if isinstance(error, MISTAKES) else FAILED


def _dispatch(words: list[str]) -> int:
    name = words[0] if words else "--help"
    if name in ("-h", "--help", "help"):
        return _say(overview())
    if name == "--version":
        from importlib.metadata import version

        return _say(f"{PROGRAM} {version(PROGRAM)}")
    command = BY_NAME.get(name)
    if command is None:
        near = nearest(name, BY_NAME)
        hint = f"did you mean {PROGRAM} {near}?" if near else f"{PROGRAM} --help lists what there is"
        raise OptionError(f"there is no command {name!r}", hint=hint)
    from nodetool_jupyter.cli.arguments import read

    given = read(command, words[1:])
    module, _, function = command.home.partition(":")
    return int(getattr(import_module(f"nodetool_jupyter.cli.{module}"), function)(given))


def _say(text: str) -> int:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
    return COMPLETED
