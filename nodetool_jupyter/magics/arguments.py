"""What a command of ``%nodetool`` takes, as data, and the reading of its words by that.

Help and completion are made from the same rows; a word that fits nowhere is an error with a guess.
"""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nodetool_jupyter.authoring.options import Completion
from nodetool_jupyter.errors import OptionError

if TYPE_CHECKING:
    from nodetool_jupyter.magics.notebook import Notebook

MAGIC = "%nodetool"
OPTIONS = "options"
"""The key under which the options of a run are kept as they were typed."""


@dataclass(frozen=True, slots=True)
class Flag:
    """An option of a command. Without a ``metavar`` it is a switch."""

    name: str
    help: str
    metavar: str = ""
    choices: tuple[str, ...] = ()
    is_value: bool = False
    """Whether it takes a value of any type, which ``$name`` is as itself."""


@dataclass(frozen=True, slots=True)
class Arguments:
    """A command's words: ``word`` is its one argument, ``values`` the flags that were given."""

    word: str = ""
    values: dict[str, str] = field(default_factory=dict)
    more: str = ""
    """The second word, of a command that takes two."""

    def has(self, flag: str) -> bool:
        """Whether a flag was given."""
        return flag in self.values


@dataclass(frozen=True, slots=True)
class Command:
    """A row of the table. ``argument`` is as the help shows it: ``FILE``, or ``[ID]`` that may be missing."""

    name: str
    help: str
    run: Callable[[Notebook, Arguments], Any]
    argument: str = ""
    completion: tuple[Completion, ...] = ()
    flags: tuple[Flag, ...] = ()
    takes_options: bool = False
    """Whether the options of the cell magic follow its argument: they are left to their own table."""

    @property
    def usage(self) -> str:
        """``logs [ID] [--node N] [--follow]``"""
        flags = [f"[{f'{flag.name} {flag.metavar}'.strip()}]" for flag in self.flags]
        words = [self.name, self.argument, *flags, "[options]" if self.takes_options else ""]
        return " ".join(filter(None, words))

    def read(self, rest: str) -> Arguments:
        """The words after the command's name; raises OptionError."""
        if self.takes_options:
            word, options = take_word(rest)
            return self._checked(word, {OPTIONS: options})
        words = split(rest)
        values: dict[str, str] = {}
        left: list[str] = []
        while words:
            word = words.pop(0)
            if word.startswith("-") and len(word) > 1:
                self._read_flag(word, words, values)
            else:
                left.append(word)
        if self.argument == "[QUERY]":
            left = [" ".join(left)] if left else []
        if len(left) > len(self.argument.split()):
            raise self._wrong(f"{left[-1]!r} is one word too many")
        word, more, *_ = [*left, "", ""]
        return self._checked(word, values, more)

    def _read_flag(self, word: str, words: list[str], values: dict[str, str]) -> None:
        name, equals, value = word.partition("=")
        flag = next((flag for flag in self.flags if flag.name == name), None)
        if flag is None:
            near = difflib.get_close_matches(name, [flag.name for flag in self.flags], n=1)
            raise self._wrong(f"it has no option {name}", f"did you mean {near[0]}?" if near else None)
        if not flag.metavar:
            if equals:
                raise self._wrong(f"{name} takes no value")
            values[name] = ""
            return
        if not equals:
            if not words:
                raise self._wrong(f"{name} needs a value")
            value = words.pop(0)
        if flag.choices and value not in flag.choices:
            near = difflib.get_close_matches(value, flag.choices, n=1)
            guess = f"did you mean {near[0]}? " if near else ""
            raise self._wrong(f"{name} can't be {value!r}", f"{guess}choose {', '.join(flag.choices)}")
        values[name] = value

    def _checked(self, word: str, values: dict[str, str], more: str = "") -> Arguments:
        for name, found in zip(self.argument.split(), (word, more), strict=False):
            if not (found or name.startswith("[")):
                raise self._wrong(f"it needs {name}")
        return Arguments(word, values, more)

    def _wrong(self, message: str, hint: str | None = None) -> OptionError:
        return OptionError(f"{MAGIC} {self.name}: {message}", hint=hint or f"write {MAGIC} {self.usage}")


def split(text: str) -> list[str]:
    """Words as a shell makes them; raises OptionError."""
    try:
        return shlex.split(text)
    except ValueError:
        hint = "close it, or write \\' for a quote itself"
        raise OptionError(f"a quote is not closed in: {text.strip()}", hint=hint) from None


def word_ends(text: str) -> Iterator[int]:
    """Where words end: at white space outside of quotes."""
    quote = ""
    for at, char in enumerate(text):
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char.isspace():
            yield at


def take_word(text: str) -> tuple[str, str]:
    """(first word, without its quotes; the rest as it was typed); raises OptionError."""
    text = text.strip()
    end = next(word_ends(text), len(text))
    return "".join(split(text[:end])), text[end:].strip()


def find_command(name: str, commands: Sequence[Command], others: Sequence[str] = ()) -> Command:
    """The command of a name; raises OptionError with what was meant where that can be guessed."""
    for command in commands:
        if command.name == name:
            return command
    hint = f"{MAGIC} lists what there is"
    if name in others:
        raise OptionError(f"{MAGIC} {name} is not in this version of nodetool_jupyter", hint=hint)
    near = difflib.get_close_matches(name, [command.name for command in commands], n=1)
    hint = f"did you mean {MAGIC} {near[0]}?" if near else hint
    raise OptionError(f"{MAGIC} has no command {name!r}", hint=hint)
