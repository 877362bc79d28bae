"""JSON and YAML text: bounded, and what parsers let pass silently is found with its place."""

from __future__ import annotations

import json
import sys
import time
from contextlib import suppress

import pytest

from nodetool_jupyter.authoring.documents import (
    SHOWN_FLAWS,
    Document,
    DocumentError,
    Flaw,
    ReadLimits,
    depth_of,
    find_flaws,
    parse_json,
)
from nodetool_jupyter.authoring.yaml_text import ALIASES, parse_yaml

SMALL = ReadLimits(size=1000, yaml_size=1000, depth=5, values=50)
SECONDS = 30.0
"""What no bad input may take, on a machine that does other things too; usual are milliseconds."""


class TestJson:
    @pytest.mark.parametrize("value", [{}, [], 1, 1.5, "a", None, True, {"a": [{"b": "ü\n\0"}]}, [[], {}]])
    def test_json_is_read(self, value: object) -> None:
        """Any value, from text and from bytes, with a byte order mark or without."""
        text = json.dumps(value)
        assert parse_json(text) == Document(value)
        assert parse_json(b"\xef\xbb\xbf" + text.encode()) == Document(value)
        assert parse_json(f"\ufeff {text}\n") == Document(value)

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "it is empty"),
            (" \n", "it is empty"),
            ("{", "line 1, column 2: Expecting property name"),
            ('{"a": 1,\n "b": }', "line 2, column 7: Expecting value"),
            ("{} {}", "line 1, column 4: Extra data"),
            ('"\\x"', "Invalid \\escape"),
            ('"\n"', "Invalid control character"),
            (b"\xff{}", "not UTF-8 text (byte 0)"),
            (b'{"a": "\xc3"}', "not UTF-8 text (byte 7)"),
        ],
    )
    def test_what_is_no_json_is_told_with_its_place(self, text: str | bytes, message: str) -> None:
        """Line and column as an editor counts them."""
        with pytest.raises(DocumentError) as caught:
            parse_json(text)
        assert message in str(caught.value)

    @pytest.mark.parametrize(
        ("text", "path", "message"),
        [
            ('{"a": 1, "a": 2}', (), "holds key 'a' twice"),
            ('{"x": [0, {"a": 1, "b": 2, "a": 2}]}', ("x", 1), "holds key 'a' twice"),
            ('{"a": NaN}', ("a",), "holds nan, which is no JSON number"),
            ('{"a": [1, -Infinity]}', ("a", 1), "holds -inf"),
            ('{"a": 1e400}', ("a",), "holds inf"),
            ("NaN", (), "holds nan"),
            (f'{{"a": {"9" * 4301}}}', ("a",), "holds a whole number of 4301 digits"),
            (f'{{"a": -{"9" * 5000}}}', ("a",), "holds a whole number of 5001 digits"),
            ('{"a": "\\ud800"}', ("a",), "holds text with half of a surrogate pair"),
            ('["\\udfff x"]', (0,), "holds text with half of a surrogate pair"),
            ('{"\\ud800": 1}', ("\ud800",), "half of a surrogate pair"),
        ],
    )
    def test_flaws_are_found_with_their_place(
        self, text: str, path: tuple[object, ...], message: str
    ) -> None:
        """Not at the first one: all of a document, each with the way to it."""
        (flaw,) = parse_json(text).flaws
        assert flaw.path == path
        assert message in flaw.message

    def test_all_flaws_are_found_at_once(self) -> None:
        """A user mends them in one go; so many that nobody reads them are not collected."""
        text = '{"a": NaN, "b": {"c": 1, "c": 2}, "d": ["\\ud800", 1e999]}'
        found = {flaw.path for flaw in parse_json(text).flaws}
        assert found == {("a",), ("b",), ("d", 0), ("d", 1)}
        assert len(parse_json(f"[{','.join(['NaN'] * 5000)}]").flaws) == SHOWN_FLAWS

    def test_a_message_is_short_whatever_the_key(self) -> None:
        """A megabyte of key is not shown."""
        key = "k" * 10**6
        (flaw,) = parse_json(f'{{"{key}": 1, "{key}": 2}}').flaws
        assert len(flaw.message) < 100
        with pytest.raises(DocumentError) as caught:
            parse_yaml(f"{key[:900]}: 1\n{key[:900]}: 2")
        assert len(str(caught.value)) < 200

    @pytest.mark.parametrize("text", ['"\\ud83d\\ude00"', '"😀"', '"\\u0000"', '"\\u202e"', f"{10**4000}"])
    def test_odd_but_whole_values_pass(self, text: str) -> None:
        """Emoji, NUL, direction marks and large ints are values."""
        assert not parse_json(text).flaws

    @pytest.mark.parametrize("depth", [4, 5, 6, 100, 100_000])
    @pytest.mark.parametrize("brackets", ["[]", '{"a":}'])
    def test_depth_is_bounded(self, depth: int, brackets: str) -> None:
        """By the limit alone, and without recursion, whatever the interpreter allows."""
        opening, closing = brackets[:-1], brackets[-1]
        text = f"{opening * depth}{'1' if closing == '}' else ''}{closing * depth}"
        if depth <= SMALL.depth:
            assert parse_json(text, SMALL).flaws == []
            return
        limits = ReadLimits(depth=SMALL.depth)
        with pytest.raises(DocumentError, match="nested more than 5 levels"):
            parse_json(text, limits)

    def test_depth_does_not_hang_on_the_recursion_limit(self) -> None:
        """A user who raised it would otherwise end the process by a full stack."""
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(10**6)
        try:
            with pytest.raises(DocumentError, match="nested more than"):
                parse_json("[" * 500_000)
        finally:
            sys.setrecursionlimit(limit)

    @pytest.mark.parametrize(
        ("text", "depth"),
        [
            ("", 0),
            ("[]", 1),
            ("[],[]", 1),
            ("[[],[[]]]", 3),
            ("[[[", 3),
            ("]]]", 0),
            ("][", 1),
            ("[]" * 100, 1),
            ("[" * 50 + "]" * 50, 11),
        ],
    )
    def test_depth_of_brackets(self, text: str, depth: int) -> None:
        """Counted to just above the limit; unbalanced ones count as open."""
        assert depth_of(text, 10) == depth or (depth > 10 and depth_of(text, 10) > 10)

    def test_brackets_in_strings_are_text(self) -> None:
        """Also behind escaped quotes."""
        value = ["[" * 50, '"' + "{" * 50, "\\", "[" * 50]
        assert parse_json(json.dumps(value), SMALL).value == value

    def test_size_and_number_of_values_are_bounded(self) -> None:
        """Before anything is built of them."""
        with pytest.raises(DocumentError, match=r"larger than 0\.0009537 MiB"):
            parse_json(" " * 1001, SMALL)
        with pytest.raises(DocumentError, match="holds more than 50 values"):
            parse_json(f"[{','.join('1' * 200)}]", SMALL)
        with pytest.raises(DocumentError, match="holds too many values"):
            parse_json(f"[{','.join('1' * 60)}]", SMALL)

    @pytest.mark.parametrize(
        "text",
        [
            "[" * 250_000,
            "[" * 125_000 + "]" * 125_000,
            "[]" * 250_000,
            '"' + '\\"' * 250_000,
            '"' * 249_999,
            "[" + ",".join(["[[[[]]]]"] * 50_000) + "]",
            '{"a":' * 50_000,
            "9" * 250_000,
            "\\" * 250_000,
        ],
        ids=["open", "deep", "pairs", "escapes", "quotes", "wide", "objects", "digits", "backslashes"],
    )
    def test_hostile_text_takes_no_time(self, text: str) -> None:
        """Each is answered at once; none is quadratic."""
        begin = time.thread_time()
        with suppress(DocumentError):
            parse_json(text)
        assert time.thread_time() - begin < SECONDS


class TestYaml:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("a: 1\nb: -2\nc: +3", {"a": 1, "b": -2, "c": 3}),
            ("[1.5, 1e3, -0.5, 2., 1.5e-3]", [1.5, 1000.0, -0.5, 2.0, 0.0015]),
            ("[true, True, FALSE, null, ~, ]", [True, True, False, None, None]),
            ("a:\nb: ''", {"a": None, "b": ""}),
            ("[yes, no, on, off, y, n]", ["yes", "no", "on", "off", "y", "n"]),
            ("[2024-01-01, 12:30:45, 010, 0x1f, 0b1, 1_000, .nan, .inf]", None),
            ("a: &x [1]\nb: *x", {"a": [1], "b": [1]}),
            ("a: |\n  x\n  y\n", {"a": "x\ny\n"}),
            ('{"a": [1, {"b": "\\u00fc"}]}', {"a": [1, {"b": "ü"}]}),
            ("--- \na: 1\n...\n", {"a": 1}),
        ],
    )
    def test_yaml_means_what_it_says(self, text: str, value: object) -> None:
        """Words of YAML 1.2: nothing turns into a bool, a date or an octal number by itself."""
        document = parse_yaml(text)
        assert document.flaws == []
        expected = value
        if value is None:
            expected = ["2024-01-01", "12:30:45", "010", "0x1f", "0b1", "1_000", ".nan", ".inf"]
        assert document.value == expected

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "it is empty"),
            ("# only a comment", "it is empty"),
            ("a: 1\nb: 2\na: 3", "line 3, column 1: key 'a' is there twice"),
            ("a:\n  b: 1\n  'b': 2", "line 3, column 3: key 'b' is there twice"),
            ("a: &x {b: 1}\nc:\n  <<: *x", "line 3, column 3: merge keys"),
            ("? [1]\n: 2", "line 1, column 3: a key must be a text"),
            ("a: [1\nb: }", "line 2, column 2"),
            ("a: 1\n---\nb: 2", "line 2, column 1"),
            ("a: *x", "undefined alias"),
            ("a: !!python/object/apply:os.system [echo]", "could not determine a constructor"),
            ("a: !custom 1", "could not determine a constructor"),
            ("a: !!int abc", "can't be read as YAML: invalid literal"),
            ("a: \x00", "can't be read as YAML"),
            ("a: '\ud800'", "can't be read as YAML"),
            ("\ta: 1", "line 1"),
            (b"a: \xff", "not UTF-8"),
        ],
    )
    def test_what_cannot_be_read_is_told(self, text: str | bytes, message: str) -> None:
        """With line and column where YAML knows them; no tag makes an object."""
        with pytest.raises(DocumentError) as caught:
            parse_yaml(text)
        assert message in str(caught.value)

    @pytest.mark.parametrize(
        ("text", "path", "message"),
        [
            ("a: !!binary aGk=", ("a",), "holds bytes, which JSON can't"),
            ("a: !!timestamp 2024-01-01", ("a",), "holds date"),
            ("a: !!set {x}", ("a",), "holds set"),
            ("a: !!float .nan", ("a",), "holds nan"),
            ("a: !!float .inf", ("a",), "holds inf"),
            ("1: 2", (1,), "holds key 1, which is no text"),
            ("a: {true: 2}", ("a", True), "holds key True"),
            (f"a: {'9' * 5000}", ("a",), "holds inf"),
            ("a: 1e999", ("a",), "holds inf"),
        ],
    )
    def test_what_json_cannot_hold_is_a_flaw(self, text: str, path: tuple[object, ...], message: str) -> None:
        """A workflow is JSON, whatever it was written in."""
        (flaw,) = parse_yaml(text).flaws
        assert flaw.path == path
        assert message in flaw.message

    def test_depth_is_bounded_before_anything_is_built(self) -> None:
        """In both of YAML's styles, at any recursion limit."""
        for text in ("[" * 50_000, "\n".join(" " * n + "a:" for n in range(200)), "- " * 200 + "1"):
            with pytest.raises(DocumentError, match="nested more than 100 levels"):
                parse_yaml(text)

    def test_aliases_do_not_expand_without_end(self) -> None:
        """The billion laughs, text that is repeated, a list that holds itself, aliases in great number."""
        lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
        lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
        with pytest.raises(DocumentError, match="too many values, its aliases expanded"):
            parse_yaml("\n".join(lines))
        with pytest.raises(DocumentError, match="too many values, its aliases expanded"):
            parse_yaml(f"a: &a {'x' * 900_000}\nb: [{', '.join(['*a'] * 900)}]")
        with pytest.raises(DocumentError, match="nested more than"):
            parse_yaml("a: &a [*a]")
        with pytest.raises(DocumentError, match=f"more than {ALIASES} aliases"):
            parse_yaml(f"a: &a 1\nb: [{', '.join(['*a'] * (ALIASES + 1))}]")

    def test_size_is_bounded(self) -> None:
        """YAML is read slowly; large workflows are JSON."""
        with pytest.raises(DocumentError, match="larger than 1 MiB"):
            parse_yaml("a" * (2**20 + 1))


def test_a_value_that_was_never_text_is_searched_too() -> None:
    """Saving asks the same of a workflow that was made in Python."""
    value = {"a": (1, 2), "b": {3}, "c": [b"x", object()]}
    assert find_flaws(value, ReadLimits()) == [
        Flaw(("a",), "holds tuple, which JSON can't"),
        Flaw(("b",), "holds set, which JSON can't"),
        Flaw(("c", 0), "holds bytes, which JSON can't"),
        Flaw(("c", 1), "holds object, which JSON can't"),
    ]


class TestPlainTexts:
    """A text without a flaw is read at the speed of the json module; one with a flaw never is."""

    @pytest.mark.parametrize(
        "text",
        [
            '{"a": 1, "a": 2}',
            '{"b": [{"a": 1}, {"a": {"c": 1, "c": 1}}]}',
            r'{"a": "\ud800"}',
            '{"a": NaN}',
            '{"a": 1e999}',
            '{"a": 1e0400}',
            f'{{"a": {"9" * 5000}}}',
            f'{{"a": {"9" * 400}.0}}',
            f'{{"a": {"9" * 250}e99}}',
        ],
    )
    def test_flaws_are_found(self, text: str) -> None:
        """Each by the search that says where it is."""
        assert len(parse_json(text).flaws) == 1

    @pytest.mark.parametrize(
        "text", ['"a:b"', "[]", "1", r'{"a:\"b": {"c": [{"d:": "\\"}]}, "e": 1e30}', '{"é": "ü:"}']
    )
    def test_others_are_the_same_either_way(self, text: str) -> None:
        """Colons in texts are no keys."""
        assert parse_json(text).value == json.loads(text)
        assert parse_json(text).flaws == []
