"""nodetool.text: results as NodeTool's users know them, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from nodetool_jupyter.nodes import text
from tests.unit.nodes.support import Node, assert_refused, cases, run_node


@cases(
    (text.Concat, {}, ""),
    (text.Concat, {"a": "Node", "b": "Tool"}, "NodeTool"),
    (text.Join, {}, ""),
    (text.Join, {"strings": ["a", 1, None, True], "separator": "-"}, "a-1-None-True"),
    (text.Split, {"text": "a,b,,c"}, ["a", "b", "", "c"]),
    (text.Split, {"text": "a::b", "delimiter": "::"}, ["a", "b"]),
    (text.Split, {}, [""]),
    (text.Chunk, {"text": "a b c d e", "length": 2}, ["a b", "c d", "e"]),
    (text.Chunk, {"text": "a b c d", "length": 3, "overlap": 2}, ["a b c", "b c d", "c d", "d"]),
    (text.Chunk, {"text": "a,b,c", "length": 2, "separator": ","}, ["a b", "c"]),
    (text.ToString, {"value": 1.5}, "1.5"),
    (text.ToString, {"value": {"a": [None]}}, "{'a': [None]}"),
    (text.ToString, {"value": "x", "mode": "repr"}, "'x'"),
)
def test_parts(node: Node, properties: dict[str, Any], expected: Any) -> None:
    """Texts are put together and taken apart."""
    assert run_node(node, properties) == expected


@cases(
    (text.ToUppercase, {"text": "straße"}, "STRASSE"),
    (text.ToLowercase, {"text": "ÀB"}, "àb"),
    (text.ToTitlecase, {"text": "the quick fox"}, "The Quick Fox"),
    (text.CapitalizeText, {"text": "hELLO World"}, "Hello world"),
    (text.CapitalizeText, {}, ""),
    (text.Replace, {"text": "aXbX", "old": "X", "new": "-"}, "a-b-"),
    (text.Replace, {"text": "a.b", "old": ".", "new": r"\1"}, r"a\1b"),
    (text.TrimWhitespace, {"text": "  a \n"}, "a"),
    (text.TrimWhitespace, {"text": " a ", "trim_end": False}, "a "),
    (text.TrimWhitespace, {"text": " a ", "trim_start": False}, " a"),
    (text.TrimWhitespace, {"text": " a ", "trim_start": False, "trim_end": False}, " a "),
    (text.CollapseWhitespace, {"text": "  a \t b\n\nc "}, "a b c"),
    (text.CollapseWhitespace, {"text": "a  b\n\nc", "preserve_newlines": True}, "a b\n\nc"),
    (text.CollapseWhitespace, {"text": " a  b ", "trim_edges": False, "replacement": "_"}, "_a_b_"),
    (text.CollapseWhitespace, {"text": "a b", "replacement": r"\n"}, r"a\nb"),
    (text.RemovePunctuation, {"text": "Hello, world! (1)"}, "Hello world 1"),
    (text.RemovePunctuation, {"text": "a-b_c", "punctuation": "-", "replacement": " "}, "a b_c"),
    (text.RemovePunctuation, {"text": "a-b", "punctuation": ""}, "a-b"),
    (text.StripAccents, {"text": "Crème Brûlée ß 日"}, "Creme Brulee ß 日"),
    (text.StripAccents, {"text": "Crème ß 日", "preserve_non_ascii": False}, "Creme  "),
    (text.Slugify, {"text": "  Hello, Wörld__of Nodes! "}, "hello-world-of-nodes"),
    (text.Slugify, {"text": "A B", "separator": "_", "lowercase": False}, "A_B"),
    (text.Slugify, {"text": "Café Übung", "allow_unicode": True}, "cafe-ubung"),
    (text.Slugify, {"text": "Straße 한국", "allow_unicode": True}, "straße-한국"),
    (text.Slugify, {"text": "a b", "separator": r"\1"}, r"a\1b"),
    (text.Slugify, {"text": "!!!"}, ""),
    (text.TruncateText, {"text": "abcdef", "max_length": 3}, "abc"),
    (text.TruncateText, {"text": "abc", "max_length": 3, "ellipsis": "…"}, "abc"),
    (text.TruncateText, {"text": "abcdef", "max_length": 4, "ellipsis": "..."}, "a..."),
    (text.TruncateText, {"text": "abcdef", "max_length": 3, "ellipsis": "..."}, "abc"),
    (text.TruncateText, {"text": "abc", "max_length": 0}, ""),
    (text.PadText, {"text": "7", "length": 3, "pad_character": "0", "direction": "left"}, "007"),
    (text.PadText, {"text": "ab", "length": 5, "direction": "both", "pad_character": "*"}, "*ab**"),
    (text.PadText, {"text": "ab", "length": 4}, "ab  "),
    (text.PadText, {"text": "abc", "length": 2}, "abc"),
    (text.SurroundWith, {"text": "a", "prefix": "<", "suffix": ">"}, "<a>"),
    (text.SurroundWith, {"text": "<a>", "prefix": "<", "suffix": ">"}, "<a>"),
    (text.SurroundWith, {"text": "<a>", "prefix": "<", "suffix": ">", "skip_if_wrapped": False}, "<<a>>"),
    (text.SurroundWith, {"text": '"', "prefix": '"', "suffix": '"'}, '"""'),
)
def test_changes(node: Node, properties: dict[str, Any], expected: Any) -> None:
    """One text is made into another."""
    assert run_node(node, properties) == expected


@cases(
    (text.Slice, {"text": "hello", "stop": 2}, "he"),
    (text.Slice, {"text": "hello"}, "hello"),
    (text.Slice, {"text": "hello", "start": -2}, "lo"),
    (text.Slice, {"text": "hello", "start": 1, "stop": -1}, "ell"),
    (text.Slice, {"text": "hello", "step": 2}, "hlo"),
    (text.Slice, {"text": "hello", "step": -1}, "olleh"),
    (text.Slice, {"text": "hello", "start": 3, "step": -1}, "lleh"),
    (text.Extract, {"text": "hello", "start": 1, "end": 3}, "el"),
    (text.Extract, {"text": "hello", "start": 1}, "ello"),
    (text.Extract, {"text": "hello", "start": 1, "end": -1}, "ell"),
    (text.IndexOf, {"text": "a-b-c", "substring": "-"}, 1),
    (text.IndexOf, {"text": "a-b-c", "substring": "-", "search_from_end": True}, 3),
    (text.IndexOf, {"text": "a-b-c", "substring": "-", "start_index": 2}, 3),
    (text.IndexOf, {"text": "a-b-c", "substring": "c", "end_index": 4}, -1),
    (text.IndexOf, {"text": "ABC", "substring": "b"}, -1),
    (text.IndexOf, {"text": "ABC", "substring": "b", "case_sensitive": False}, 1),
)
def test_positions(node: Node, properties: dict[str, Any], expected: Any) -> None:
    """Positions count as in Python, and an end of 0 is the end of the text."""
    assert run_node(node, properties) == expected


@cases(
    (text.StartsWith, {"text": "abc", "prefix": "ab"}, True),
    (text.StartsWith, {"text": "abc", "prefix": "b"}, False),
    (text.EndsWith, {"text": "a.txt", "suffix": ".txt"}, True),
    (text.EndsWith, {"text": "a.txt", "suffix": ".TXT"}, False),
    (text.Contains, {"text": "abc", "substring": "b"}, True),
    (text.Contains, {"text": "abc", "substring": "B"}, False),
    (text.Contains, {"text": "abc", "substring": "B", "case_sensitive": False}, True),
    (text.Contains, {"text": "abc", "search_values": ["x", "c"]}, True),
    (text.Contains, {"text": "abc", "search_values": ["a", "x"], "match_mode": "all"}, False),
    (text.Contains, {"text": "abc", "search_values": ["a", "c"], "match_mode": "all"}, True),
    (text.Contains, {"text": "abc", "search_values": ["x", "y"], "match_mode": "none"}, True),
    (text.Contains, {"text": "abc", "search_values": ["x", "a"], "match_mode": "none"}, False),
    (text.Equals, {"text_a": "a", "text_b": "A"}, False),
    (text.Equals, {"text_a": "a ", "text_b": "A", "case_sensitive": False, "trim_whitespace": True}, True),
    (text.Compare, {"text_a": "apple", "text_b": "banana"}, "less"),
    (text.Compare, {"text_a": "b", "text_b": "a"}, "greater"),
    (text.Compare, {"text_a": "A", "text_b": "a", "case_sensitive": False}, "equal"),
    (text.Compare, {"text_a": " a", "text_b": "a", "trim_whitespace": True}, "equal"),
    (text.IsEmpty, {"text": " \n"}, True),
    (text.IsEmpty, {"text": " ", "trim_whitespace": False}, False),
    (text.HasLength, {"text": "abc", "exact_length": 3}, True),
    (text.HasLength, {"text": "abc", "min_length": 2, "max_length": 5}, True),
    (text.HasLength, {"text": "a", "min_length": 2}, False),
    (text.HasLength, {"text": "abcdef", "max_length": 5}, False),
    (text.HasLength, {"text": "abc"}, True),
    (text.Length, {"text": " ab "}, 4),
    (text.Length, {"text": " ab ", "trim_whitespace": True}, 2),
    (text.Length, {"text": " two  words ", "measure": "words"}, 2),
    (text.Length, {"text": "a\n\nb\n", "measure": "lines"}, 3),
    (text.Length, {"text": "a\n\nb\n", "measure": "lines", "trim_whitespace": True}, 2),
    (text.Length, {"measure": "lines"}, 0),
)
def test_questions(node: Node, properties: dict[str, Any], expected: Any) -> None:
    """What is true of a text, and how long it is."""
    result = run_node(node, properties)
    assert (type(result), result) == (type(expected), expected)


@cases(
    (text.ParseJSON, {"text": '{"a": [1, 2.5, null, true]}'}, {"a": [1, 2.5, None, True]}),
    (text.ParseJSON, {"text": "3"}, 3),
    (text.ExtractJSON, {"text": '{"a": {"b": [1, 2]}}', "json_path": "$.a.b[1]"}, 2),
    (text.ExtractJSON, {"text": '[{"n": 1}, {"n": 2}]', "json_path": "$[*].n", "find_all": True}, [1, 2]),
    (text.ExtractJSON, {"text": '{"a": 1, "b": 2}'}, 1),
    (text.ExtractJSON, {"text": "{}", "json_path": "$.x", "find_all": True}, []),
    (text.HtmlToText, {"html": "<h1>A</h1><p>b &amp; <b>c</b></p>"}, "# A\n\nb & **c**\n\n"),
    (text.HtmlToText, {"html": '<img src="i.png" alt="x">'}, "\n\n"),
    (text.HtmlToText, {"html": '<img src="i.png" alt="x">', "ignore_images": False}, "![x](i.png)\n\n"),
    (text.HtmlToText, {"html": '<a href="/p">q</a>', "base_url": "http://h/"}, "[q](http://h/p)\n\n"),
    (text.HtmlToText, {"html": '<a href="mailto:a@b">me</a>'}, "me\n\n"),
    (text.HtmlToText, {"html": "<script>x()</script><p>y</p>"}, "y\n\n"),
)
def test_parsing(node: Node, properties: dict[str, Any], expected: Any) -> None:
    """What JSON and HTML texts hold."""
    assert run_node(node, properties) == expected


@cases(
    (text.Split, {"text": "a", "delimiter": ""}, "delimiter must have at least one character"),
    (text.Chunk, {"text": "a b", "separator": ""}, "separator must have at least one character"),
    (text.Chunk, {"text": "a b", "length": 2, "overlap": 2}, "overlap must be from 0 to 1"),
    (text.Chunk, {"text": "a b", "overlap": -1}, "found -1"),
    (text.Chunk, {"length": 1001}, "less than or equal to 1000"),
    (text.Slice, {"text": "a", "step": 0}, "step must not be 0"),
    (text.PadText, {"text": "a", "length": 3, "pad_character": "--"}, "must be one character, found '--'"),
    (text.PadText, {"text": "a", "length": 10**12}, "length may be up to 10,000,000"),
    (text.PadText, {"text": "a", "direction": "up"}, "expected enum(left|right|both), found str 'up'"),
    (text.Concat, {"a": 5}, "expected str, found int 5"),
    (text.ParseJSON, {"text": '{"a": }'}, "at line 1, column 7"),
    (text.ParseJSON, {"text": "[" * 100_000}, "nested too deep"),
    (text.ExtractJSON, {"text": "{}", "json_path": "$.x"}, "'$.x' finds nothing"),
    (text.ExtractJSON, {"text": "{}", "json_path": "$["}, "'$[' is no JSONPath"),
    (text.ExtractJSON, {"text": "no"}, "no JSON"),
)
def test_refusals(node: Node, properties: dict[str, Any], expected: str) -> None:
    """What can't be done is said in a sentence, before time or memory is spent on it."""
    assert_refused(node, properties, expected)


@pytest.mark.parametrize(
    ("streams", "properties", "expected"),
    [
        ({"input_item": ["a", "b", "c"]}, {}, "abc"),
        ({"input_item": ["a", "b"]}, {"separator": ", "}, "a, b"),
        ({"input_item": ["a", "b"], "separator": ["|"]}, {}, "a|b"),
        ({"input_item": []}, {}, ""),
        ({}, {}, ""),
    ],
)
def test_collect(streams: dict[str, list[str]], properties: dict[str, Any], expected: str) -> None:
    """A stream of texts becomes one, whatever arrives first."""
    assert run_node(text.Collect, properties, streams=streams) == expected


@cases(
    (text.FilterString, {"value": "abc", "criteria": "b"}, True),
    (text.FilterString, {"value": "abc", "criteria": "x"}, False),
    (text.FilterString, {"value": "abc", "filter_type": "starts_with", "criteria": "a"}, True),
    (text.FilterString, {"value": "abc", "filter_type": "ends_with", "criteria": "a"}, False),
    (text.FilterString, {"value": "abc", "filter_type": "length_greater", "criteria": "2"}, True),
    (text.FilterString, {"value": "abc", "filter_type": "length_less", "criteria": "3"}, False),
    (text.FilterString, {"value": "abc", "filter_type": "exact_length", "criteria": " 3 "}, True),
    (text.FilterRegexString, {"value": "a1", "pattern": r"\d"}, True),
    (text.FilterRegexString, {"value": "a1", "pattern": r"\d", "full_match": True}, False),
    (text.FilterRegexString, {"value": "12", "pattern": r"\d+", "full_match": True}, True),
)
def test_filters(node: Node, properties: dict[str, Any], expected: bool) -> None:
    """What matches passes as it is; what doesn't gives no output at all."""
    assert run_node(node, properties) == ([{"output": properties["value"]}] if expected else [])


@cases(
    (text.FilterString, {"filter_type": "length_less", "criteria": "x"}, "needs a whole number as criteria"),
    (text.FilterRegexString, {"pattern": "("}, "'(' is no regular expression"),
)
def test_filters_refuse(node: Node, properties: dict[str, Any], expected: str) -> None:
    """A filter that can't work fails; it doesn't drop everything in silence."""
    assert_refused(node, properties, expected)
