"""nodetool.text: templates with slots, in Jinja's language and sandbox.

A template may come with a workflow and be hostile: it reaches no attributes of Python, its loops can be
cancelled, and what it makes is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.nodes.text.base import MAX_LENGTH, TextNode

if TYPE_CHECKING:
    from jinja2 import Environment
    from jinja2 import Template as Compiled

MAX_TEMPLATE = 1_000_000
SLOT = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")


class FormatText(TextNode, dynamic=True):
    """A text with slots such as ``{{ name }}``, filled by this node's handles of these names in any case.

    Slots take Jinja's filters (``{{ name | upper }}``), the text its loops and conditions. A slot without a
    value stays empty.
    """

    template: str = ""

    def process(self, context: ProcessingContext) -> str:
        compiled, names = _compile(
            self.template, keeps_unknown=False, slots=_odd_names(self.dynamic_properties)
        )
        values = _renamed(self.dynamic_properties)
        lowered = {name.lower(): value for name, value in values.items()}
        given = {
            name: values.get(name, lowered.get(name.lower())) for name in names if name.lower() in lowered
        }
        return _render(compiled, given, context)


class Template(TextNode, dynamic=True):
    """A text with slots such as ``{{ name }}``, filled by a dictionary and by the handles of this node.

    Slots take Jinja's filters (``{{ name | upper }}``); a slot without a value stays as it is written.
    """

    string: str = ""
    values: Any = Field(default={}, description="A dictionary of values by their names.")

    def process(self, context: ProcessingContext) -> str:
        if self.values and not isinstance(self.values, Mapping):
            raise ValueError(f"values must be a dictionary, found a {type(self.values).__name__}")
        values = {
            str(name): value for name, value in dict(self.values or {}).items()
        } | self.dynamic_properties
        compiled, _ = _compile(self.string, keeps_unknown=True, slots=_odd_names(values))
        return _render(compiled, _renamed(values), context)


def _odd_names(values: Mapping[str, Any]) -> tuple[str, ...]:
    """Names that Jinja would not take for one name, such as ``first name``."""
    return tuple(sorted(name for name in values if not name.isidentifier()))


def _renamed(values: Mapping[str, Any]) -> dict[str, Any]:
    return {_slot_name(name): value for name, value in values.items()}


def _slot_name(name: str) -> str:
    return name if name.isidentifier() else "slot_" + name.encode().hex()


@lru_cache(maxsize=64)
def _compile(text: str, *, keeps_unknown: bool, slots: tuple[str, ...]) -> tuple[Compiled, frozenset[str]]:
    """The compiled template and the names that it asks for; ValueError with the line of a mistake."""
    from jinja2 import TemplateSyntaxError, meta

    if len(text) > MAX_TEMPLATE:
        raise ValueError(f"the template has {len(text):,} characters, more than {MAX_TEMPLATE:,}")
    if slots:
        text = SLOT.sub(
            lambda match: f"{{{{ {_slot_name(match[1])} }}}}" if match[1] in slots else match[0], text
        )
    environment = _environment(keeps_unknown)
    try:
        names = meta.find_undeclared_variables(environment.parse(text))
        return environment.from_string(text), frozenset(names)
    except TemplateSyntaxError as error:
        raise ValueError(f"the template has a mistake in line {error.lineno}: {error.message}") from None
    except RecursionError:
        raise ValueError("the template is nested too deep") from None


def _render(compiled: Compiled, values: Mapping[str, Any], context: ProcessingContext) -> str:
    from jinja2 import TemplateError

    parts: list[str] = []
    size = 0
    try:
        for piece in compiled.generate(values):
            context.raise_if_cancelled()
            size += len(piece)
            if size > MAX_LENGTH:
                raise ValueError(f"the template makes more than {MAX_LENGTH:,} characters")
            parts.append(piece)
    except (TemplateError, TypeError, ArithmeticError, LookupError, RecursionError) as error:
        raise ValueError(f"the template can't be filled: {error}") from error
    return "".join(parts)


@lru_cache(maxsize=2)
def _environment(keeps_unknown: bool) -> Environment:
    """Jinja's sandbox, in which repeating and raising to a power are bounded too."""
    from jinja2 import DebugUndefined, Undefined
    from jinja2.exceptions import SecurityError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Sandbox(ImmutableSandboxedEnvironment):
        intercepted_binops = frozenset({"*", "**"})

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
            if _size(operator, left, right) > MAX_LENGTH:
                raise SecurityError(f"the result of {operator} is too large")
            binary: Callable[[Any, Any], Any] = self.binop_table[operator]
            return binary(left, right)

    return Sandbox(undefined=DebugUndefined if keeps_unknown else Undefined)


def _size(operator: str, left: Any, right: Any) -> int:
    """About how large the result will be: characters, elements or bits."""
    if operator == "**":
        return left.bit_length() * abs(right) if isinstance(left, int) and isinstance(right, int) else 0
    if isinstance(left, int):
        left, right = right, left
    if isinstance(left, str | bytes | list | tuple) and isinstance(right, int):
        return len(left) * right
    return 0
