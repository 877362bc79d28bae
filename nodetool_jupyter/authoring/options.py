"""The one table of options, and the options of one run. Reading, completion and help are made from the table.

An option that wasn't given is None, so that defaults can be told from choices.
"""

from __future__ import annotations

import keyword
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from enum import Enum
from pathlib import Path
from typing import Any

from nodetool_jupyter.environment import parse_bytes
from nodetool_jupyter.model.request import ExecutionStrategy

NAME_LENGTH = 200


class Completion(str, Enum):
    """What can follow an option, or be the argument of a command."""

    NONE = "none"
    CHOICES = "choices"
    FILES = "files"
    STRATEGIES = "strategies"
    NODE_TYPES = "node types"
    JOB_IDS = "job ids"
    PARAMS = "params"
    NAMES = "names"
    """Names of the user's namespace."""


@dataclass(frozen=True, slots=True)
class Param:
    """``-p name=value``. ``is_text``: as it was typed; it has yet to become what its input node takes."""

    name: str
    value: Any
    is_text: bool = True


@dataclass(frozen=True, slots=True)
class CellOptions:
    """The options of one run; None where an option wasn't given. Sizes in bytes, times in seconds."""

    strategy: str | None = None
    param: tuple[Param, ...] | None = None
    params: Mapping[str, Any] | None = None
    out: str | None = None
    background: bool | None = None
    timeout: float | None = None
    memory: int | None = None
    cpus: float | None = None
    gpus: str | None = None
    image: str | None = None
    network: str | None = None
    sandbox: str | None = None
    name: str | None = None
    progress: str | None = None
    resume: str | None = None
    dry_run: bool | None = None
    trust: bool | None = None
    file: Path | None = None
    format: str | None = None
    quiet: bool | None = None

    def given(self) -> dict[str, Any]:
        """The options that were given."""
        return {
            field.name: value for field in fields(self) if (value := getattr(self, field.name)) is not None
        }

    def over(self, defaults: CellOptions) -> CellOptions:
        """These options, and ``defaults`` for those that weren't given."""
        return replace(defaults, **self.given())


Read = Callable[[str], Any]
"""Text → value, or ValueError."""


def _word(pattern: str) -> Read:
    matches = re.compile(pattern).fullmatch

    def read(text: str) -> str:
        if not matches(text):
            raise ValueError
        return text

    return read


def _one_of(*choices: str) -> Read:
    def read(text: str) -> str:
        if text not in choices:
            raise ValueError
        return text

    return read


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < math.inf:
        raise ValueError
    return number


def _identifier(text: str) -> str:
    if not text.isidentifier() or keyword.iskeyword(text):
        raise ValueError
    return text


def _label(text: str) -> str:
    if not text.strip() or len(text) > NAME_LENGTH or not text.isprintable():
        raise ValueError
    return text.strip()


def _path(text: str) -> Path:
    if not text or "\0" in text:
        raise ValueError
    return Path(text).expanduser()


@dataclass(frozen=True, slots=True)
class Option:
    """One row of the table. Without a ``metavar`` it is a switch. ``accepted`` says what a value may be; what
    a strategy can enforce, the strategy says.
    """

    name: str
    help: str
    metavar: str = ""
    short: str = ""
    read: Read = str
    accepted: str = ""
    choices: tuple[str, ...] = ()
    completion: Completion = Completion.NONE
    repeatable: bool = False

    @property
    def field(self) -> str:
        """Its name in CellOptions."""
        return self.name.replace("-", "_")

    @property
    def flag(self) -> str:
        """As it is typed in full."""
        return f"--{self.name}"

    @property
    def flags(self) -> tuple[str, ...]:
        """All ways to type it."""
        return (f"-{self.short}", self.flag) if self.short else (self.flag,)

    @property
    def is_switch(self) -> bool:
        """Whether it takes no value."""
        return not self.metavar


def _choice(name: str, text: str, *choices: str) -> Option:
    return Option(
        name,
        text,
        "|".join(choices),
        read=_one_of(*choices),
        accepted=f"one of {', '.join(choices)}",
        choices=choices,
        completion=Completion.CHOICES,
    )


OPTIONS: tuple[Option, ...] = (
    Option(
        "strategy",
        "where the job runs",
        "NAME",
        "s",
        read=_word(r"[A-Za-z][\w.-]*"),
        accepted="the name of a strategy, such as threaded, subprocess or docker",
        choices=tuple(strategy.value for strategy in ExecutionStrategy),
        completion=Completion.STRATEGIES,
    ),
    Option(
        "param",
        "a param, typed by its input node; $var is the value of a variable",
        "NAME=VALUE",
        "p",
        accepted="name=value",
        completion=Completion.PARAMS,
        repeatable=True,
    ),
    Option(
        "params",
        "several params; one given by -p too counts as -p has it",
        "JSON|$VAR",
        accepted="an object such as '{\"n\": 5}', or a variable that holds a dict",
        completion=Completion.NAMES,
    ),
    Option(
        "out",
        "the variable that gets the result",
        "NAME",
        "o",
        read=_identifier,
        accepted="a variable's name",
        completion=Completion.NAMES,
    ),
    Option("background", "return the Job at once", short="b"),
    Option(
        "timeout",
        "end the job after this time",
        "SECONDS",
        "t",
        read=_positive,
        accepted="seconds above 0, such as 30",
    ),
    Option(
        "memory",
        "the most memory",
        "SIZE",
        read=parse_bytes,
        accepted="a size such as 512m, 2g or a number of bytes",
    ),
    Option("cpus", "the most processors", "N", read=_positive, accepted="a number above 0, such as 1.5"),
    Option(
        "gpus",
        "graphics processors",
        "all|device=0",
        read=_word(r"all|device=[\w:.-]+(,[\w:.-]+)*"),
        accepted="all, or device=0, or device=0,1",
        choices=("all", "device=0"),
        completion=Completion.CHOICES,
    ),
    Option(
        "image",
        "the container image",
        "TAG",
        read=_word(r"\w[\w.:/@-]*"),
        accepted="the name of an image, such as python:3.11",
    ),
    _choice("network", "the network of a container", "none", "bridge", "host"),
    _choice("sandbox", "how far the job's process is locked in", "off", "default", "untrusted"),
    Option(
        "name", "the job's name", "TEXT", read=_label, accepted=f"a text of at most {NAME_LENGTH} characters"
    ),
    _choice("progress", "how progress is shown", "auto", "widget", "text", "none"),
    Option(
        "resume",
        "go on from the kept results of a job",
        "JOB",
        read=_label,
        accepted="a job's id, a unique beginning of it, its name, or last",
        completion=Completion.JOB_IDS,
    ),
    Option("dry-run", "check and draw the workflow; run nothing"),
    Option("trust", "let pickled results in from a container or a sandbox"),
    Option(
        "file",
        "read the workflow from a file",
        "PATH",
        read=_path,
        accepted="a path",
        completion=Completion.FILES,
    ),
    _choice("format", "what the body is; found out if not given", "python", "json", "yaml"),
    Option("quiet", "show nothing but errors"),
)
BY_NAME = {option.name: option for option in OPTIONS}
BY_FIELD = {option.field: option for option in OPTIONS}
BY_FLAG = {flag: option for option in OPTIONS for flag in option.flags}


def usage() -> str:
    """The help text of the cell magic."""
    lines = [
        "%%nodetool [options]",
        "",
        "The cell's body is the workflow: Python that calls nodes, or a NodeTool workflow as JSON or YAML.",
        "It runs to its end and leaves its result in _ and, with -o, in a variable.",
        "",
    ]
    rows = [(f"{', '.join(option.flags)} {option.metavar}".strip(), _help(option)) for option in OPTIONS]
    width = max(len(left) for left, _ in rows) + 2
    return "\n".join([*lines, *(f"  {left:<{width}}{right}" for left, right in rows)]) + "\n"


def _help(option: Option) -> str:
    return option.help + " (may be repeated)" * option.repeatable
