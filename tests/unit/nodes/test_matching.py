"""Regular expressions of workflows: Python's results, within a time limit, and never in the way of others."""

from __future__ import annotations

import re
import threading
import warnings
from time import monotonic
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nodetool_jupyter.errors import NodeToolError
from nodetool_jupyter.nodes import dictionary, matching, text
from nodetool_jupyter.nodes.matching import compiled, has_match, in_time
from tests.unit.engine.support import open_bench
from tests.unit.nodes.support import Node

PIECES = [
    *("a", "b", "B", "1", " ", "_", "-", ".", "\n", "^", "$", "*", "+", "?", "*?", "+?", "{2}", "{,2}", "|"),
    *("(", "(?:", ")", "(?=", "(?!", "(?P<n>", "(?<=a)", "(?i:", "[ab]", "[^a]", "[a-z]", r"[\w-]", r"\w"),
    *(
        r"\d",
        r"\s",
        r"\b",
        r"\B",
        r"\1",
        r"\Z",
        "{e}",
        "{e<=1}",
        "{a",
        "}",
        "[[:alpha:]]",
        "[]b]",
        r"\[",
        r"\{",
    ),
]
ENDLESS = {"(a|aa)+$": "a" * 60 + "b", "(a|a)*$": "a" * 60 + "b", r"(a|b|ab)*c\b": "ab" * 40 + "cc"}


def found(expression: Any, given_text: str) -> list[Any]:
    """All that an expression says of a text."""
    match = expression.search(given_text)
    return [
        match and (match.span(), match.groups()),
        bool(expression.match(given_text)),
        bool(expression.fullmatch(given_text)),
        expression.findall(given_text),
        expression.split(given_text),
        expression.sub("<>", given_text),
    ]


@given(
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=7).map("".join),
    st.sampled_from([0, re.IGNORECASE, re.MULTILINE, re.DOTALL]),
    st.text("aabB1 _-.{}e\n[]:", max_size=8),
)
def test_results_are_those_of_python(pattern: str, flags: int, given_text: str) -> None:
    """Whatever Python reads as a pattern finds the same here, also what regex has a syntax of its own for."""
    assume(given_text or r"\B" not in pattern)  # see the test below
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # [[: may mean something one day
        try:
            expected = re.compile(pattern, flags)
        except re.error:
            with pytest.raises(ValueError, match="is no regular expression"):
                compiled(pattern, int(flags))
            return
        assert found(compiled(pattern, int(flags)), given_text) == found(expected, given_text)


@pytest.mark.parametrize(
    ("pattern", "given_text"),
    [
        (r"[\w.+-]+@[\w-]+\.[\w.]+", "write to ada@example.org or b@c.de"),
        (r"(\d{4})-(\d\d)-(\d\d)", "from 2024-05-01 to 2025-06-02"),
        (r"https?://[^\s\"<>]+", "see https://a.org/x?y=1 and http://b.org"),
        (r"item{i} of {n}", "item{i} of {n}"),
        (r"(?x) a  # half a class: [ \n b{2}", "abb"),
        (r"\p", "a"),
        (r"<(\w+)[^>]*>(.*?)</\1>", "<b>bold</b> <i class=x>it</i>"),
        (r"(?m)^\s*#.*$", "# one\nx\n  # two"),
        (r"Größe|größer", "Die Größe ist größer"),
    ],
)
def test_ordinary_patterns(pattern: str, given_text: str) -> None:
    """Such as people write."""
    try:
        expected = re.compile(pattern)
    except re.error:
        with pytest.raises(ValueError, match="bad escape"):
            compiled(pattern)
        return
    assert found(compiled(pattern), given_text) == found(expected, given_text)


def test_combining_marks_belong_to_words() -> None:
    """The one difference that is kept: there, Python cuts words in two."""
    assert compiled(r"\w+").findall("cafe\u0301 noir") == ["cafe\u0301", "noir"]


def test_empty_text_is_no_border_of_a_word() -> None:
    r"""``\B`` matches it, as in Python 3.14: before, Python had neither ``\b`` nor ``\B`` there."""
    assert compiled(r"\B").sub("<>", "") == "<>"
    assert compiled(r"\b").sub("<>", "") == ""


@pytest.mark.parametrize("pattern", ENDLESS)
def test_endless_backtracking_is_ended(pattern: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence says why, and other threads run meanwhile."""
    monkeypatch.setattr(matching, "SECONDS", 0.2)
    turns, stop = [0], threading.Event()
    other = threading.Thread(target=lambda: [turns.append(1) for _ in iter(lambda: stop.wait(0.01), True)])
    other.start()
    start = monotonic()
    try:
        with pytest.raises(NodeToolError, match="has not come to an end within") as caught:
            has_match(pattern, ENDLESS[pattern], full=False)
    finally:
        stop.set()
        other.join()
    assert caught.value.hint is not None
    assert monotonic() - start < 2
    assert len(turns) > 5


def test_a_long_text_has_more_time() -> None:
    """An ordinary expression over a large text is no endless one."""
    assert in_time("x" * matching.CHARACTERS, lambda limit: limit) == matching.SECONDS + 1


@pytest.mark.parametrize(
    ("kind", "properties"),
    [
        (text.ExtractRegex, {"regex": "(a|aa)+$"}),
        (text.FindAllRegex, {"regex": "(a|aa)+$"}),
        (text.RegexMatch, {"pattern": "(a|aa)+$"}),
        (text.RegexReplace, {"pattern": "(a|aa)+$"}),
        (text.RegexSplit, {"pattern": "(a|aa)+$"}),
        (text.RegexValidate, {"pattern": "(a|aa)+$"}),
        (text.FilterRegexString, {"pattern": "(a|aa)+$", "value": "a" * 60 + "b"}),
        (dictionary.FilterDictRegex, {"pattern": "(a|aa)+$", "key": "k", "value": {"k": "a" * 60 + "b"}}),
    ],
)
def test_every_node_that_takes_a_pattern(
    monkeypatch: pytest.MonkeyPatch, kind: Node, properties: dict[str, Any]
) -> None:
    """Its failure is the node's, with the next step."""
    monkeypatch.setattr(matching, "SECONDS", 0.1)
    given_text = {} if "value" in properties else {"text": "a" * 60 + "b"}
    with open_bench() as bench:
        ran = bench.run({"a": (kind, {**properties, **given_text})})
    assert ran.message.startswith(
        f"node a ({kind.node_type()}): the regular expression has not come to an end"
    )
    assert ran.outcome.fault is not None
    assert ran.outcome.fault.hint is not None


def test_groups_that_take_no_part() -> None:
    """They are None among the texts, which is no result of the wrong type."""
    for kind, properties in (
        (text.RegexSplit, {"text": "ab", "pattern": "(x)|b"}),
        (text.FindAllRegex, {"text": "ab", "regex": "(a)(b)"}),
        (text.RegexMatch, {"text": "ab", "pattern": "(x)|b", "group": 1}),
    ):
        with open_bench() as bench:
            assert bench.run({"a": (kind, properties)}).status == "completed"
