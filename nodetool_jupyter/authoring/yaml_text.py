"""YAML text → plain values, by PyYAML's safe loader with the words of YAML 1.2.

Only ``true`` and ``false`` are booleans, dates stay text, and nothing is converted behind the user's back.
Imported only where there is YAML to read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from nodetool_jupyter.authoring.documents import (
    DEFAULT_LIMITS,
    DIGITS,
    Document,
    DocumentError,
    ReadLimits,
    decode,
    find_flaws,
    shorten,
)

if TYPE_CHECKING:
    from yaml import SafeLoader as Loader
else:
    Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

ALIASES = 1000
NESTING = "maximum nesting depth"
CORE: tuple[tuple[str, str, list[str]], ...] = (
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", rf"^[-+]?(?:0|[1-9][0-9]{{0,{DIGITS - 1}}})$", list("-+0123456789")),
    ("float", r"^[-+]?(?:0|[1-9][0-9]*)(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?$", list("-+0123456789")),
    ("null", r"^(?:~|null|Null|NULL|)$", [*"~nN", ""]),
)


class _CoreLoader(Loader):
    """PyYAML's safe loader without the conversions of YAML 1.1, and without doubled or merged keys."""

    # PyYAML's own table is shared by all loaders; an empty one of this class keeps ours apart.
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _error_at(key.start_mark, "a key must be a text")
            if key.value == "<<":
                raise _error_at(key.start_mark, "merge keys (<<) aren't read; write the fields out")
            if key.value in seen:
                raise _error_at(key.start_mark, f"key {shorten(key.value)} is there twice")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


for _name, _pattern, _first in CORE:
    _CoreLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", re.compile(_pattern), _first)


def parse_yaml(text: str | bytes, limits: ReadLimits = DEFAULT_LIMITS) -> Document:
    """Read one YAML document; raises DocumentError for what isn't YAML, is too large or too deep."""
    text = decode(text, limits.yaml_size)
    try:
        aliases = _check_events(text, limits)
        loader = _CoreLoader(text)
        try:
            value = loader.get_single_data()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        problem = error.problem or "it can't be read as YAML"
        if NESTING in problem:  # libyaml reads ahead, and meets its own bound before we have seen ours
            problem = f"it is nested more than {limits.depth} levels deep"
        raise _error_at(error.problem_mark, problem) from None
    except (yaml.YAMLError, ValueError) as error:
        if isinstance(error, DocumentError):
            raise
        raise DocumentError(f"it can't be read as YAML: {str(error).splitlines()[0]}") from None
    if value is None:
        raise DocumentError("it is empty")
    return Document(value, find_flaws(value, limits, aliases=aliases > 0))


def compose(text: str) -> yaml.Node | None:
    """The tree of a text that ``parse_yaml`` has read, with the place of each value in it."""
    loader = _CoreLoader(text.removeprefix("\ufeff"))
    try:
        return loader.get_single_node()
    finally:
        loader.dispose()


def _check_events(text: str, limits: ReadLimits) -> int:
    """Bound nesting and aliases before anything is built: the parser doesn't recurse, the composer does."""
    depth = aliases = 0
    for event in yaml.parse(text, Loader=_CoreLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.AliasEvent):
            aliases += 1
        if depth > limits.depth:
            raise _error_at(event.start_mark, f"it is nested more than {limits.depth} levels deep")
        if aliases > ALIASES:
            raise _error_at(event.start_mark, f"it has more than {ALIASES} aliases")
    return aliases


def _error_at(mark: Any, message: str) -> DocumentError:
    if mark is None:
        return DocumentError(message)
    return DocumentError(message, mark.line + 1, mark.column + 1)
