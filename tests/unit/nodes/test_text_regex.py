"""nodetool.text: regular expressions."""

from __future__ import annotations

from typing import Any

import pytest

from nodetool_jupyter.engine.spec import Shape
from nodetool_jupyter.nodes import text
from tests.unit.nodes.support import Node, assert_refused, cases, run_node


@cases(
    (text.ExtractRegex, {"text": "2024-05-01", "regex": r"(\d+)-(\d+)"}, ["2024", "05"]),
    (text.ExtractRegex, {"text": "x", "regex": r"(\d)"}, []),
    (text.ExtractRegex, {"text": "ab", "regex": r"(a)|(z)"}, ["a", None]),
    (text.ExtractRegex, {"text": "A\nB", "regex": "(a.b)", "dotall": True, "ignorecase": True}, ["A\nB"]),
    (text.FindAllRegex, {"text": "a1 b22", "regex": r"\d+"}, ["1", "22"]),
    (text.FindAllRegex, {"text": "a1 b2", "regex": r"(\w)(\d)"}, [["a", "1"], ["b", "2"]]),
    (text.FindAllRegex, {"text": "a\nb", "regex": "^.", "multiline": True}, ["a", "b"]),
    (text.FindAllRegex, {"text": "a", "regex": "z"}, []),
    (text.RegexMatch, {"text": "a1 b2", "pattern": r"(\w)(\d)"}, ["a1", "b2"]),
    (text.RegexMatch, {"text": "a1 b2", "pattern": r"(\w)(\d)", "group": 2}, ["1", "2"]),
    (text.RegexReplace, {"text": "a-b-c", "pattern": "-", "replacement": "+"}, "a+b+c"),
    (text.RegexReplace, {"text": "a-b-c", "pattern": "-", "replacement": "", "count": 1}, "ab-c"),
    (text.RegexReplace, {"text": "john doe", "pattern": r"(\w+) (\w+)", "replacement": r"\2 \1"}, "doe john"),
    (text.RegexSplit, {"text": "a1b22c", "pattern": r"\d+"}, ["a", "b", "c"]),
    (text.RegexSplit, {"text": "a,b,c", "pattern": ",", "maxsplit": 1}, ["a", "b,c"]),
    (text.RegexSplit, {"text": "a-b", "pattern": "(-)"}, ["a", "-", "b"]),
    (text.RegexSplit, {"text": "a,b", "pattern": ",", "maxsplit": 10**20}, ["a", "b"]),
    (text.RegexValidate, {"text": "abc", "pattern": "ab"}, True),
    (text.RegexValidate, {"text": "xab", "pattern": "ab"}, False),
    (text.RegexValidate, {"text": "abc", "pattern": "^ab$"}, False),
)
def test_results(node: Node, properties: dict[str, Any], expected: Any) -> None:
    """Python's regular expressions, with NodeTool's way to give their groups."""
    assert run_node(node, properties) == expected


@cases(
    (text.RegexMatch, {"pattern": "("}, "'(' is no regular expression: missing ), unterminated subpattern"),
    (text.RegexMatch, {"pattern": "a{2,1}"}, "is no regular expression"),
    (text.RegexMatch, {"pattern": "(a)", "group": 2}, "has 1 groups, and no group 2"),
    (text.RegexMatch, {"pattern": "(a)", "group": -1}, "no group -1"),
    (text.RegexReplace, {"text": "a", "pattern": "a", "replacement": r"\2"}, "can't be the replacement"),
    (text.RegexReplace, {"text": "a", "pattern": "a", "replacement": r"\g<x>"}, "can't be the replacement"),
    (text.RegexReplace, {"count": -1}, "count must be at least 0, which stands for all, found -1"),
    (text.RegexSplit, {"maxsplit": -1}, "maxsplit must be at least 0"),
    (text.FindAllRegex, {"regex": "(" * 20_000 + ")" * 20_000}, "for a regular expression"),
)
def test_refusals(node: Node, properties: dict[str, Any], expected: str) -> None:
    """A mistake in a pattern or replacement is named, and a long pattern is not repeated whole."""
    assert_refused(node, properties, expected)


@pytest.mark.parametrize(
    "node",
    [
        text.ExtractRegex,
        text.FindAllRegex,
        text.FormatText,
        text.HtmlToText,
        text.RegexMatch,
        text.RegexReplace,
        text.RegexSplit,
        text.RegexValidate,
        text.Template,
    ],
)
def test_unbounded_work_leaves_the_loop(node: Node) -> None:
    """A pattern that backtracks without end, or an endless template, must not hold up the other nodes."""
    assert node.spec().shape is Shape.FUNCTION
