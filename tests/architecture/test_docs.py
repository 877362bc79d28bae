"""Completeness: what a user can meet by name stands in the README or in a notebook."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache

import pytest

from tests.architecture.tree import ROOT, notebooks


@cache
def documentation() -> str:
    cells = ["".join(cell["source"]) for notebook in notebooks().values() for cell in notebook["cells"]]
    return "\n".join([(ROOT / "README.md").read_text("utf-8"), *cells])


def settings() -> Iterable[str]:
    from nodetool_jupyter.settings import Settings

    for variable in Settings.variables().values():
        yield from filter(None, (variable.name, variable.alias))


def errors() -> Iterable[str]:
    from nodetool_jupyter import errors

    found = [value for value in vars(errors).values() if isinstance(value, type)]
    return [error.__name__ for error in found if issubclass(error, errors.NodeToolError)]


def error_codes() -> Iterable[str]:
    from nodetool_jupyter.errors import ErrorCode

    return [code.value for code in ErrorCode]


def events() -> Iterable[str]:
    from nodetool_jupyter.model.events import Event

    return [event.__name__ for event in Event.__args__]


def strategies() -> Iterable[str]:
    from nodetool_jupyter.model.request import ExecutionStrategy

    return [strategy.value for strategy in ExecutionStrategy]


def limits() -> Iterable[str]:
    from nodetool_jupyter.model.request import ResourceLimits

    return ResourceLimits.model_fields


def options() -> Iterable[str]:
    from nodetool_jupyter.authoring.options import OPTIONS

    return [option.flag for option in OPTIONS]


def commands() -> Iterable[str]:
    from nodetool_jupyter.magics.commands import COMMANDS

    for command in COMMANDS:
        yield f"%nodetool {command.name}"
        yield from (flag.name for flag in command.flags)


def shell_commands() -> Iterable[str]:
    from nodetool_jupyter.cli.commands import COMMANDS, PROGRAM

    for command in COMMANDS:
        yield f"{PROGRAM} {command.name}"
        yield from (flag.name for flag in command.flags)


@pytest.mark.parametrize(
    "names",
    [settings, errors, error_codes, events, strategies, limits, options, commands, shell_commands],
    ids=lambda names: names.__name__,
)
def test_everything_with_a_name_is_documented(names: Callable[[], Iterable[str]]) -> None:
    """Whoever adds one of these says what it is; a rename that forgets the documentation is found."""
    listed = list(names())
    assert listed
    missing = [
        name for name in listed if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", documentation())
    ]
    assert not missing
