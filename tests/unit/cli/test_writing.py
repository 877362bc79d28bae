"""What is written is harmless, and loses nothing where it is JSON."""

from __future__ import annotations

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodetool_jupyter.cli.writing import OBEYED, for_shell, harmless, tell, tell_result
from nodetool_jupyter.errors import ValueCrossingError
from nodetool_jupyter.job import Result

Captured = pytest.CaptureFixture[str]


@given(st.text())
def test_json_keeps_every_text(text: str) -> None:
    """With escapes for all that a terminal would obey, astral characters and lone surrogates too."""
    written = harmless(json.dumps(text, ensure_ascii=False))
    assert json.loads(written) == text
    assert not OBEYED.search(written)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain\n"),
        ("two\nlines", "two\nlines\n"),
        ("\x1b[31mred", '"\\u001b[31mred"\n'),
        ("a\rb", '"a\\rb"\n'),
        (1.5, "1.5\n"),
        (True, "true\n"),
        (None, ""),
        ([1, "é"], '[1, "é"]\n'),
        (Result({"a": 1, "b": [2]}), '{"a": 1, "b": [2]}\n'),
    ],
)
def test_results(value: object, text: str, capsys: Captured) -> None:
    """Text as text, all else as JSON; several outputs are an object, no output is nothing."""
    tell_result(value)
    assert capsys.readouterr().out == text


@pytest.mark.parametrize(("value", "text"), [("plain", '"plain"\n'), (None, "null\n")])
def test_results_for_programs(value: object, text: str, capsys: Captured) -> None:
    """JSON, whatever it is."""
    tell_result(value, as_json=True)
    assert capsys.readouterr().out == text


def test_typed_values_are_typed_json(capsys: Captured) -> None:
    """As NodeTool has them."""
    tell_result(Result({"day": date(2026, 1, 2), "word": "x"}))
    day = json.loads(capsys.readouterr().out)["day"]
    assert (day["type"], day["year"], day["month"], day["day"]) == ("date", 2026, 1, 2)


def test_a_terminal_gets_typed_values_in_words(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture as half a megabyte of base64 helps nobody; plain values stay JSON."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    tell_result(Result({"data": b"\x00" * 5000, "list": [1]}))
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("data: ")
    assert "AAAA" not in first
    assert second == "list: [1]"


def test_a_value_without_json_is_refused() -> None:
    """By its type's name."""
    with pytest.raises(ValueCrossingError, match="object"):
        tell_result(object())


def test_text_is_cleaned(capsys: Captured) -> None:
    """Tables and sentences hold names of workflows."""
    tell("a\x1b]0;title\x07b")
    assert capsys.readouterr().out == "ab\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("%nodetool doctor says more", "nodetool-jupyter doctor says more"),
        ("%nodetool graph x draws it", "%nodetool graph x draws it"),
        ("%%nodetool? lists the options", "nodetool-jupyter run --help lists the options"),
        ("see %nodetool status a; 5 % of it", "see nodetool-jupyter status a; 5 % of it"),
    ],
)
def test_the_next_command_is_one_of_the_shell(text: str, words: str) -> None:
    """Where there is one."""
    assert for_shell(text) == words
