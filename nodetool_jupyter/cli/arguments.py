"""Words of the shell → what a command is given, by the table of commands and that of options."""

from __future__ import annotations

import argparse
from argparse import Namespace
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NoReturn

from nodetool_jupyter.cli.commands import EXIT_CODES, PROGRAM, Command
from nodetool_jupyter.errors import OptionError, nearest

if TYPE_CHECKING:
    from nodetool_jupyter.authoring.options import CellOptions, Option

ELSEWHERE = {
    "-o": f"there are no variables here; write {PROGRAM} run … > FILE",
    "--out": f"there are no variables here; write {PROGRAM} run … > FILE",
    "--file": f"write the path alone: {PROGRAM} run FILE",
}
"""Options of a cell that mean nothing in a shell, and what to do instead."""
HELP = {
    "background": "print the job's id and return; the job goes on",
    "param": "a param, typed by its input node; may be repeated",
}
"""What an option does here, where that is something else than in a cell."""


class Parser(argparse.ArgumentParser):
    """argparse, whose mistakes are our errors."""

    def __init__(self, command: Command) -> None:
        usage = f"{PROGRAM} {command.usage}"
        super().__init__(PROGRAM, usage, command.help, allow_abbrev=False, epilog=_epilog(command))
        self.command = command

    def error(self, message: str) -> NoReturn:
        """Raise what argparse would print."""
        raise self.wrong(message)

    def known_flags(self) -> list[str]:
        """All that may be given."""
        return [flag for action in self._actions for flag in action.option_strings]

    def wrong(self, message: str, hint: str | None = None) -> OptionError:
        """A mistake in the words of the command."""
        name = self.command.name
        return OptionError(f"{name}: {message}", hint=hint or f"{PROGRAM} {name} --help says more")


def _epilog(command: Command) -> str:
    if not command.takes_options:
        return ""
    return "exit codes: " + ", ".join(f"{code} {text}" for code, text in EXIT_CODES)


def read(command: Command, words: Sequence[str]) -> Namespace:
    """The words after a command's name; raises OptionError. ``--help`` prints and exits."""
    parser = Parser(command)
    argument = command.argument.strip("[]")
    if argument:
        is_optional = command.argument != argument
        parser.add_argument("word", metavar=argument, nargs="?" if is_optional else None, default="")
    for flag in command.flags:
        if flag.metavar:
            parser.add_argument(flag.name, help=flag.help, metavar=flag.metavar)
        else:
            parser.add_argument(flag.name, help=flag.help, action="store_true")
    if command.takes_options:
        for option in _options():
            _declare(parser, option)
    given, left = parser.parse_known_args(words)
    if left:
        raise _not_known(parser, next((word for word in left if word.startswith("-")), left[0]))
    return given


def _options() -> Iterator[Option]:
    """The options of a cell that there are here, too."""
    from nodetool_jupyter.authoring.options import OPTIONS

    return (option for option in OPTIONS if option.flag not in ELSEWHERE)


def _declare(parser: Parser, option: Option) -> None:
    """All that is given is kept as text; what it means, and whether it may be given twice, the table says."""
    text = HELP.get(option.field, option.help).replace("%", "%%")
    if option.is_switch:
        parser.add_argument(*option.flags, help=text, dest=option.field, action="append_const", const="")
    else:
        metavar = option.metavar.removesuffix("|$VAR").replace("|widget|", "|")
        parser.add_argument(*option.flags, help=text, dest=option.field, action="append", metavar=metavar)


def _not_known(parser: Parser, word: str) -> OptionError:
    if not word.startswith("-"):
        return parser.wrong(f"{word!r} is one word too many")
    flag = word.partition("=")[0]
    message = f"there is no option {flag}"
    if flag in ELSEWHERE and parser.command.takes_options:
        return parser.wrong(message, ELSEWHERE[flag])
    near = nearest(f"--{flag.lstrip('-')}", [name for name in parser.known_flags() if name.startswith("--")])
    return parser.wrong(message, f"did you mean {near}?" if near else None)


def cell_options(given: Namespace) -> CellOptions:
    """The options of a run; raises OptionError."""
    from nodetool_jupyter.authoring.option_line import from_pairs

    pairs = [(option, text) for option in _options() for text in getattr(given, option.field) or ()]
    options = from_pairs(pairs)
    if options.progress == "widget":
        raise OptionError("--progress can't be 'widget' in a terminal", hint="choose auto, text or none")
    if options.background and given.jsonl:
        raise OptionError("--jsonl shows a job as it goes, --background doesn't wait", hint="leave one out")
    return options
