"""nodetool.text: templates, in Jinja's sandbox."""

from __future__ import annotations

import re
from typing import Any

import pytest

from nodetool_jupyter.engine.context import NodeCancelled
from nodetool_jupyter.nodes import text
from tests.unit.nodes.support import Notes, run_node


def formatted(template: str, **slots: Any) -> str:
    result = run_node(text.FormatText, {"template": template}, dynamic=slots)
    assert isinstance(result, str)
    return result


def filled(string: str, values: Any = None, **slots: Any) -> str:
    result = run_node(text.Template, {"string": string, "values": values or {}}, dynamic=slots)
    assert isinstance(result, str)
    return result


@pytest.mark.parametrize(
    ("template", "slots", "expected"),
    [
        ("Hi {{ name }}{{name}}", {"name": "Ada"}, "Hi AdaAda"),
        ("{{ Name }} {{ name }} {{ NAME }}", {"nAme": 1}, "1 1 1"),
        ("{{ a }}{{ A }}", {"a": 1, "A": 2}, "12"),
        ("{{ name | upper }} {{ name | truncate(5) }}", {"name": "abcdefghijkl"}, "ABCDEFGHIJKL ab..."),
        ("{{ 'Ab' }} {{ x }}", {"x": True}, "Ab True"),
        ("[{{ missing }}]", {}, "[]"),
        ("{{ missing | default('none') }}", {}, "none"),
        ("{% for i in items %}{{ i }};{% endfor %}", {"items": [1, 2]}, "1;2;"),
        ("{% if n > 2 %}many{% else %}few{% endif %}", {"n": 3}, "many"),
        ("{{ user.name }} {{ list[0] }}", {"user": {"name": "Bo"}, "list": [7]}, "Bo 7"),
        ("{{ first name }}", {"first name": "Eve"}, "Eve"),
        ("<{{ x }}>", {"x": "<b> & {{ y }}", "y": 1}, "<<b> & {{ y }}>"),
        ("", {"x": 1}, ""),
        ("{{ x }}", {"x": None}, "None"),
    ],
)
def test_format_text(template: str, slots: dict[str, Any], expected: str) -> None:
    """Slots are filled in any case of their names; values are never read as templates."""
    assert formatted(template, **slots) == expected


@pytest.mark.parametrize(
    ("string", "values", "slots", "expected"),
    [
        ("{{ a }} {{b}}", {"a": 1}, {"b": 2}, "1 2"),
        ("{{ a }}", {"a": 1}, {"a": 2}, "2"),
        ("{{ a | upper }}", {"a": "x"}, {}, "X"),
        ("{{ a }} {{ b }}", {"a": 1}, {}, "1 {{ b }}"),
        ("{{ first name }}", {"first name": r"\1"}, {}, r"\1"),
        ("{{ A }}", {"a": 1}, {}, "{{ A }}"),
        ("plain", {}, {}, "plain"),
    ],
)
def test_template(string: str, values: dict[str, Any], slots: dict[str, Any], expected: str) -> None:
    """The handles come before the dictionary; a slot that nothing fills is left to be seen."""
    assert filled(string, values, **slots) == expected


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("a\n{{ x", "a mistake in line 2"),
        ("{% for %}", "a mistake in line 1"),
        ("{{ ().__class__.__base__.__subclasses__() }}", "can't be filled"),
        ("{{ x.append(1) }}", "can't be filled"),
        ("{{ 'a' * 10000000000 }}", "the result of * is too large"),
        ("{{ 10000000000 * [1] }}", "the result of * is too large"),
        ("{{ 9 ** 999999999 }}", "the result of ** is too large"),
        ("{% for i in range(90000) %}{{ 'x' * 1000 }}{% endfor %}", "more than 10,000,000 characters"),
        ("{{ range(1000000000) | list }}", "can't be filled"),
        ("{{ 1 / 0 }}", "can't be filled: division by zero"),
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "can't be filled: maximum recursion"),
        ("x" * 1_000_001, "more than 1,000,000"),
        ("{{ " + "(" * 5000, "nested too deep"),
    ],
)
def test_hostile_templates(template: str, expected: str) -> None:
    """No way out of the sandbox, and no result that fills the memory."""
    with pytest.raises(ValueError, match=re.escape(expected)):
        formatted(template, x=[])


def test_values_must_be_a_dictionary() -> None:
    """A list has no names for slots: that is said, not ignored."""
    with pytest.raises(ValueError, match="values must be a dictionary, found a list"):
        filled("{{ a }}", ["x"])


def test_a_loop_is_cancelled() -> None:
    """A template's loop looks at the job's cancellation with each piece it makes."""

    class Cancelled(Notes):
        @property
        def is_cancelled(self) -> bool:
            return True

    properties = {"template": "{% for i in range(10) %}{{ i }}{% endfor %}"}
    with pytest.raises(NodeCancelled):
        run_node(text.FormatText, properties, context=Cancelled())
