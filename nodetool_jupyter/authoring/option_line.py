"""The line of the magic, or keyword arguments of the Python API → CellOptions, by the table of options."""

from __future__ import annotations

import ast
import os
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Any

from nodetool_jupyter.authoring.documents import LARGEST, DocumentError, parse_json
from nodetool_jupyter.authoring.options import BY_FIELD, BY_FLAG, OPTIONS, CellOptions, Option, Param
from nodetool_jupyter.engine.annotations import describe
from nodetool_jupyter.errors import OptionError, nearest

VARIABLE = re.compile(r"\$([^\W\d]\w*)")
RAW_PARAMS = re.compile(r"(?<!\S)--params(?:\s+|=)(?=\{)")
LITERAL = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[{}]""", re.DOTALL)
HELP = "%%nodetool? lists the options"


def parse(line: str, namespace: Mapping[str, Any] | None = None) -> CellOptions:
    """Read the options of a line. ``$name`` is a variable of ``namespace``, ``$$`` a dollar.

    Raises OptionError, with what was meant where that can be guessed.
    """
    return _collect(_pairs(_split(line)), namespace or {})


def from_pairs(pairs: Iterable[tuple[Option, str]]) -> CellOptions:
    """Options with their texts as a shell has read them; there are no variables, and a dollar is one.

    Raises OptionError.
    """
    return _collect(pairs, None)


def _collect(pairs: Iterable[tuple[Option, str]], names: Mapping[str, Any] | None) -> CellOptions:
    values: dict[str, Any] = {}
    for option, text in pairs:
        if option.repeatable:
            values.setdefault(option.field, []).append(_read_param(text, names))
        elif option.field in values:
            raise OptionError(f"{option.flag} is given twice", hint="give it once")
        else:
            values[option.field] = True if option.is_switch else _read_value(option, text, names)
    params: list[Param] | None = values.get("param")
    if params is not None:
        values["param"] = _once_each(params)
    return CellOptions(**values)


def from_values(values: Mapping[str, Any]) -> CellOptions:
    """Options from Python values or settings: text is read as on the line, None is not given."""
    made: dict[str, Any] = {}
    for name, value in values.items():
        option = BY_FIELD.get(name)
        if option is None or name == "param":
            near = nearest(name, BY_FIELD)
            raise OptionError(
                f"there is no option {name!r}",
                hint=f"did you mean {near!r}?" if near else f"there are {', '.join(BY_FIELD)}",
            )
        if value is not None:
            made[name] = _convert(option, value)
    return CellOptions(**made)


def _convert(option: Option, value: Any) -> Any:
    if isinstance(value, Enum):
        value = value.value
    if option.is_switch:
        if not isinstance(value, bool):
            raise _wrong(option, describe(value), "True or False")
        return value
    if option.field == "params":
        return _check_params(value)
    is_endless = isinstance(value, int) and not -LARGEST < value < LARGEST
    if is_endless or isinstance(value, bool) or not isinstance(value, (str, int, float, os.PathLike)):
        raise _wrong(option, describe(value))
    return _read(option, os.fspath(value) if isinstance(value, os.PathLike) else str(value))


def _split(line: str) -> list[str]:
    """Tokens as a shell makes them; an unquoted ``{…}`` after --params stays in one piece with its quotes."""
    match = RAW_PARAMS.search(line)
    if match and _is_whole(line[: match.start()]):
        end = _closing_brace(line, match.end())
        if end is not None:
            return [
                *_shell_split(line[: match.start()]),
                "--params",
                line[match.end() : end],
                *_split(line[end:]),
            ]
    return _shell_split(line)


def _is_whole(text: str) -> bool:
    try:
        shlex.split(text)
    except ValueError:
        return False
    return True


def _shell_split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        raise OptionError(
            f"a quote is not closed in: {text.strip()}", hint="close it, or write \\' for a quote itself"
        ) from None


def _closing_brace(text: str, start: int) -> int | None:
    """Where the ``{`` at ``start`` closes, strings left out; None where it doesn't."""
    depth = 0
    for match in LITERAL.finditer(text, start):
        depth += {"{": 1, "}": -1}.get(match.group(), 0)
        if depth == 0:
            return match.end()
    return None


def _pairs(tokens: Sequence[str]) -> Iterator[tuple[Option, str]]:
    """(option, text of its value), the text empty for switches."""
    at = 0
    while at < len(tokens):
        flag, attached = _take_apart(tokens[at])
        option = BY_FLAG.get(flag)
        if option is None:
            raise _unknown(tokens[at], flag)
        at += 1
        if option.is_switch:
            if attached is not None:
                raise OptionError(
                    f"{option.flag} takes no value, found {attached!r}", hint=f"write {option.flag} alone"
                )
            yield option, ""
            continue
        if attached is None:
            if at == len(tokens) or tokens[at] in BY_FLAG:
                raise OptionError(
                    f"{option.flag} needs a value",
                    hint=f"write {option.flag} {option.metavar}: {option.accepted}",
                )
            attached = tokens[at]
            at += 1
        yield option, attached


def _take_apart(token: str) -> tuple[str, str | None]:
    """(flag, attached value): ``--name=x``, ``-px=1`` and ``-t5`` are written so."""
    if token.startswith("--"):
        flag, equals, value = token.partition("=")
        return flag, value if equals else None
    if len(token) > 2 and token[:2] in BY_FLAG and token[1:].partition("=")[0] not in BY_FIELD:
        return token[:2], token[2:].removeprefix("=")
    return token, None


def _unknown(token: str, flag: str) -> OptionError:
    if not token.startswith("-"):
        return OptionError(f"{token!r} belongs to no option", hint=_guess_word(token))
    near = nearest(f"--{flag.lstrip('-')}", [option.flag for option in OPTIONS])
    return OptionError(f"there is no option {flag}", hint=f"did you mean {near}?" if near else HELP)


def _guess_word(token: str) -> str:
    if "=" in token:
        return f"a param is written -p {token}"
    if token.endswith((".json", ".yaml", ".yml", ".py")):
        return f"a file is written --file {token}"
    if token in BY_FIELD["strategy"].choices:
        return f"a strategy is written --strategy {token}"
    near = nearest(token, BY_FIELD)
    return f"did you mean {BY_FIELD[near].flag}?" if near else HELP


def _read_value(option: Option, text: str, names: Mapping[str, Any] | None) -> Any:
    if names is None:
        return _check_params(_read_literal(text)) if option.field == "params" else _read(option, text)
    if option.field == "params":
        return _read_params(text, names)
    match = VARIABLE.fullmatch(text)
    if match:
        return _convert(option, _lookup(match.group(1), names))
    return _read(option, text.replace("$$", "$"))


def _read(option: Option, text: str) -> Any:
    try:
        return option.read(text)
    except (ValueError, OverflowError):
        raise _wrong(option, repr(text)) from None


def _wrong(option: Option, found: str, accepted: str = "") -> OptionError:
    near = nearest(found.strip("'"), option.choices)
    return OptionError(
        f"{option.flag} can't be {found}; accepted is {accepted or option.accepted}",
        hint=f"did you mean {near}?" if near else None,
    )


def _read_param(text: str, names: Mapping[str, Any] | None) -> Param:
    name, equals, value = text.partition("=")
    name = name.strip()
    if not equals or not name:
        raise OptionError(f"--param can't be {text!r}; accepted is name=value", hint="such as -p n=5")
    if names is None:
        return Param(name, value)
    match = VARIABLE.fullmatch(value)
    if match:
        return Param(name, _lookup(match.group(1), names), is_text=False)
    return Param(name, value.replace("$$", "$"))


def _once_each(params: Sequence[Param]) -> tuple[Param, ...]:
    seen: set[str] = set()
    for param in params:
        if param.name in seen:
            raise OptionError(
                f"param {param.name!r} is given twice", hint="give it once, a list as JSON: -p xs='[1, 2]'"
            )
        seen.add(param.name)
    return tuple(params)


def _lookup(name: str, names: Mapping[str, Any]) -> Any:
    if name in names:
        return names[name]
    near = nearest(name, [known for known in names if not known.startswith("_")])
    hint = f"did you mean ${near}?" if near else f"define it, or write $${name} for the text ${name}"
    raise OptionError(f"there is no variable {name!r}", hint=hint)


def _read_params(text: str, names: Mapping[str, Any]) -> Mapping[str, Any]:
    match = VARIABLE.fullmatch(text)
    if match or (text.isidentifier() and text in names):
        return _check_params(_lookup(match.group(1) if match else text, names))
    return _check_params(_read_literal(text))


def read_any(flag: str, text: str, names: Mapping[str, Any]) -> Any:
    """A value of any type: ``$var``'s, what JSON says, or the text itself where it doesn't look like JSON."""
    match = VARIABLE.fullmatch(text)
    if match:
        return _lookup(match.group(1), names)
    text = text.replace("$$", "$")
    try:
        document = parse_json(text)
    except DocumentError as error:
        if not text.startswith(("{", "[", '"')):
            return text
        raise OptionError(f"{flag} can't be read as JSON: {error.message}", hint="or give $name") from None
    if document.flaws:
        raise OptionError(f"{flag} {document.flaws[0].message}", hint="or give $name")
    return document.value


def _read_literal(text: str) -> Any:
    """JSON, or what ``repr`` makes of a dict: that is what IPython puts in place of ``$var``."""
    try:
        document = parse_json(text)
    except DocumentError as error:
        try:
            return ast.literal_eval(text)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            raise OptionError(
                f"--params can't be read as JSON: {error.message}",
                hint=f"accepted is {BY_FIELD['params'].accepted}",
            ) from None
    if document.flaws:
        raise OptionError(
            f"--params {document.flaws[0].message}", hint=f"accepted is {BY_FIELD['params'].accepted}"
        )
    return document.value


def _check_params(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _wrong(BY_FIELD["params"], describe(value))
    wrong = [name for name in value if not isinstance(name, str)]
    if wrong:
        raise OptionError(f"--params: the name {wrong[0]!r} is no text", hint='params have names: {"n": 5}')
    return dict(value)
