"""Completion behind ``%%nodetool`` and ``%nodetool``, made from the two tables.

What is typed may be half a line: nothing here raises. Store and node library are asked only where a job or a
node type is what is completed.
"""

from __future__ import annotations

import logging
import re
import shlex
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from nodetool_jupyter.authoring.files import FORMATS, load_workflow
from nodetool_jupyter.authoring.options import BY_FLAG, OPTIONS, Completion, Option
from nodetool_jupyter.authoring.request import input_nodes
from nodetool_jupyter.engine.function import NodeFunction
from nodetool_jupyter.engine.registry import module_specs
from nodetool_jupyter.errors import NodeToolError, OptionError
from nodetool_jupyter.magics.arguments import Command, find_command, split, take_word, word_ends
from nodetool_jupyter.magics.commands import COMMANDS
from nodetool_jupyter.magics.notebook import Notebook
from nodetool_jupyter.nodes import FAMILIES
from nodetool_jupyter.strategies.registry import strategy_names

if TYPE_CHECKING:
    from IPython.core.completer import CompletionContext, SimpleMatcherResult

CELL = re.compile(r"%%nodetool(?=\s|$)")
LINE = re.compile(r"(?:^|=)[ \t]*%nodetool[ \t]+")
TYPE_VALUE = re.compile(r"""["']?type["']?\s*:\s*["']?([\w.]*)$""")
JOBS_SHOWN = 50

log = logging.getLogger(__name__)


def complete(notebook: Notebook, context: CompletionContext) -> SimpleMatcherResult:
    """What may follow at the cursor; nothing where the cursor isn't behind one of our magics."""
    from IPython.core.completer import SimpleCompletion

    try:
        fragment, texts = _complete(notebook, context)
    except Exception:  # a completion that fails must not print into the user's typing
        log.debug("completion failed", exc_info=True)
        fragment, texts = "", []
    found = [SimpleCompletion(text, type="nodetool") for text in texts]
    return {"completions": found, "suppress": bool(found), "matched_fragment": fragment, "ordered": True}


def _complete(notebook: Notebook, context: CompletionContext) -> tuple[str, list[str]]:
    """(what is typed of the word, the words that begin so)"""
    before = context.text_until_cursor
    first = context.full_text.lstrip("\n").partition("\n")[0]
    in_cell = CELL.match(first) is not None
    if CELL.match(before):
        return _after_options(notebook, CELL.sub("", before, count=1), _body(context))
    typed = LINE.search(before)
    if typed:
        return _after_line(notebook, before[typed.end() :])
    value = TYPE_VALUE.search(before)
    if in_cell and value:
        return _matching(value.group(1), _types(notebook, value.group(1), ()))
    return "", []


def _body(context: CompletionContext) -> str:
    return context.full_text.lstrip("\n").partition("\n")[2]


def _matching(fragment: str, texts: Iterable[str]) -> tuple[str, list[str]]:
    return fragment, [text for text in dict.fromkeys(texts) if text.startswith(fragment)]


def words_of(text: str) -> tuple[list[str], str]:
    """(whole words, the one that is being typed, as typed with its opening quote)"""
    start = max(word_ends(text), default=-1) + 1
    return split(text[:start]), text[start:]


def _after_options(notebook: Notebook, text: str, body: str) -> tuple[str, list[str]]:
    """Behind ``%%nodetool``: an option, or its value."""
    words, fragment = words_of(text)
    option = BY_FLAG.get(words[-1]) if words else None
    if option is not None and not option.is_switch:
        return _values(notebook, option, fragment, words, body)
    name, equals, value = fragment.partition("=")
    if equals and name in BY_FLAG:
        return _values(notebook, BY_FLAG[name], value, words, body)
    given = {BY_FLAG[word].name for word in words if word in BY_FLAG and not BY_FLAG[word].repeatable}
    flags = (option.flag for option in OPTIONS if option.name not in given)
    return _matching(fragment, (*flags, *(BY_FLAG if fragment in BY_FLAG else ())))


def _values(
    notebook: Notebook, option: Option, fragment: str, words: Sequence[str], body: str
) -> tuple[str, list[str]]:
    if option.completion is Completion.PARAMS:
        return _matching(fragment, _param_names(notebook, words, body))
    return _offered(notebook, (option.completion,), fragment, option.choices)


def _after_line(notebook: Notebook, text: str) -> tuple[str, list[str]]:
    """Behind ``%nodetool``: a command, its flags, or its argument."""
    words, fragment = words_of(text)
    if not words:
        return _matching(fragment, (command.name for command in COMMANDS))
    with suppress(OptionError):
        return _after_command(notebook, find_command(words[0], COMMANDS), words[1:], fragment, text)
    return "", []


def _after_command(
    notebook: Notebook, command: Command, words: Sequence[str], fragment: str, text: str
) -> tuple[str, list[str]]:
    if command.takes_options and words:
        _, options = take_word(take_word(text)[1])
        file = shlex.quote(words[0])
        return _after_options(notebook, f"--file {file} {options}{' ' * text[-1:].isspace()}", "")
    flag = next((flag for flag in command.flags if words and flag.name == words[-1]), None)
    if flag is not None and flag.metavar:
        return _matching(fragment, flag.choices)
    if fragment.startswith("-"):
        return _matching(fragment, (flag.name for flag in command.flags))
    return _offered(notebook, command.completion, fragment, ())


def _offered(
    notebook: Notebook, kinds: Sequence[Completion], fragment: str, choices: Sequence[str]
) -> tuple[str, list[str]]:
    files = _files(fragment) if Completion.FILES in kinds else ()
    texts = [text for kind in kinds if kind in SOURCES for text in SOURCES[kind](notebook, fragment, choices)]
    return fragment, [*files, *_matching(fragment, texts)[1]]


def _strategies(_notebook: Notebook, _fragment: str, _choices: Sequence[str]) -> Iterable[str]:
    return strategy_names()


def _choices(_notebook: Notebook, _fragment: str, choices: Sequence[str]) -> Iterable[str]:
    return choices


def _files(fragment: str) -> Iterable[str]:
    """Folders, and files that may be workflows, whose path begins so; quoted where a name needs it."""
    typed = fragment.lstrip("\"'")
    folder, slash, start = typed.rpartition("/")
    for entry in sorted(Path(folder + slash or ".").expanduser().iterdir()):
        is_hidden = entry.name.startswith(".") and not start
        if entry.name.startswith(start) and not is_hidden and (entry.is_dir() or _may_be_workflow(entry)):
            text = folder + slash + entry.name + ("/" if entry.is_dir() else "")
            yield shlex.quote(text) if " " in text else text


def _may_be_workflow(path: Path) -> bool:
    return path.suffix.lower() in FORMATS


def _jobs(notebook: Notebook, _fragment: str, _choices: Sequence[str]) -> Iterable[str]:
    records = notebook.session().jobs(limit=JOBS_SHOWN)
    names = [
        record.name
        for record in records
        if record.name and record.name.isprintable() and " " not in record.name
    ]
    return [*(["last"] if records else []), *names, *(record.id for record in records)]


def _types(notebook: Notebook, fragment: str, _choices: Sequence[str]) -> Iterable[str]:
    """The notebook's own types, families, and the types of the one that is named: no other is imported."""
    for value in notebook.namespace.values():
        if isinstance(value, NodeFunction):
            yield value.spec.type
    for prefix, homes in FAMILIES.items():
        if fragment.startswith(f"{prefix}."):
            yield from (spec.type for home in homes for spec in module_specs(import_module(home)))
        else:
            yield f"{prefix}."


def _names(notebook: Notebook, fragment: str, _choices: Sequence[str]) -> Iterable[str]:
    sign = "$" if fragment.startswith("$") else ""
    return [f"{sign}{name}" for name in notebook.namespace if not name.startswith("_")]


def _param_names(notebook: Notebook, words: Sequence[str], body: str) -> list[str]:
    """``name=`` for each input node of the workflow file, or of the body where it is JSON."""
    from nodetool_jupyter.authoring.files import read_workflow

    try:
        if "--file" in words[:-1]:
            graph = load_workflow(words[words.index("--file") + 1]).graph
        else:
            graph = read_workflow(body).graph
    except NodeToolError:
        return [f"{name}=" for name in re.findall(r"""\bInput\(\s*["'](\w+)["']""", body)]
    return [f"{name}=" for name in input_nodes(graph, notebook.session().registry.get)]


Source = Callable[[Notebook, str, Sequence[str]], Iterable[str]]
SOURCES: dict[Completion, Source] = {
    Completion.CHOICES: _choices,
    Completion.STRATEGIES: _strategies,
    Completion.NODE_TYPES: _types,
    Completion.JOB_IDS: _jobs,
    Completion.NAMES: _names,
}
