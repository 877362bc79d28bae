"""Text that came from a workflow: what is taken out of it, and that it never becomes markup."""

from __future__ import annotations

import re
import unicodedata
from time import thread_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodetool_jupyter.views.markup import Html, clean, cut, el, escape, isolate, join, name_el, one_line
from tests.unit.pages import Page

BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]8;;https://a.example/\x1b\\link\x1b]8;;\x07", "link"),
        ("\x1b]52;c;c2VjcmV0\x07after", "after"),
        ("\x1b]0;a title that never ends", ""),
        ("\x1bPq#0;2;0;0;0\x1b\\sixel", "sixel"),
        ("a\x1b(Bb\x1b=c", "abc"),
        ("bell\x07 null\x00 del\x7f c1\x9b31m", "bell null del c131m"),
        ("10%\r50%\r100%", "100%"),
        ("one\r\ntwo\r\n", "one\ntwo\n"),
        ("1%\r2%\nnext", "2%\nnext"),
        ("user\u202egpj.exe", "usergpj.exe"),
        ("a\u2028b\u2029c", "a\nb\nc"),
        ("lone \ud800 surrogate", "lone \ufffd surrogate"),
        ("tab\tand\nline", "tab\tand\nline"),
        ("\u05d0\u200f\u05d1", "\u05d0\u200f\u05d1"),
        ("\U000e0041hidden\ufeff", "hidden"),
    ],
)
def test_clean_takes_out_what_is_no_text(text: str, shown: str) -> None:
    """Escape sequences, controls, overwritten progress, bidi overrides and surrogates don't reach a page."""
    assert clean(text) == shown


@given(st.text())
def test_clean_text_holds_no_control_at_all(text: str) -> None:
    """Whatever the input, nothing is left that a terminal or the bidi algorithm would obey."""
    shown = clean(text + BIDI + "\x1b[2J\x9d0;x\x07" + text)
    odd = [char for char in shown if unicodedata.category(char) in ("Cc", "Cs") and char not in "\t\n"]
    assert not odd
    assert not set(shown) & set(BIDI)
    assert clean(shown) == shown


@given(st.text(), st.integers(1, 50))
def test_clean_keeps_to_its_limit(text: str, limit: int) -> None:
    """A limit holds for any text, and a cut is shown."""
    shown = clean(text * 3, limit)
    assert len(shown) <= limit
    assert cut(shown, limit) == shown


@pytest.mark.parametrize("piece", ["\r", "\x1b[", "\x1b]", "\x9b0", "0;", "\u2028", "<", "\x1b[0"])
def test_cleaning_takes_linear_time(piece: str) -> None:
    """No text of a workflow can stall the view by the way it is made."""
    started = thread_time()
    clean(piece * 300_000)
    escape(piece * 300_000)
    assert thread_time() - started < 5


def test_one_line_is_one_line() -> None:
    """A name with line breaks can't draw further lines."""
    assert one_line("a\n\n b\tc\r\nd", 50) == "a b c d"
    assert one_line("word " * 100, 12) == "word word w…"


def test_names_that_run_right_to_left_are_isolated() -> None:
    """In plain text only such names get the invisible isolates; HTML has bdi for all."""
    assert isolate("plain, ünïcode") == "plain, ünïcode"
    assert isolate("\u05d0\u05d1") == "\u2068\u05d0\u05d1\u2069"
    assert name_el("\u05d0\u05d1") == '<bdi class="ntj-name">\u05d0\u05d1</bdi>'


@given(st.text(), st.text())
def test_an_element_holds_its_text_and_nothing_else(text: str, value: str) -> None:
    """Children and attribute values are escaped whatever they are; the parser reads back what went in."""
    page = Page(el("div", text, el("span", value), title=value, class_=text))
    (tag, attributes), (inner, _) = page.elements
    assert (tag, inner) == ("div", "span")
    assert attributes == {"title": clean(value), "class": clean(text)}
    assert page.text == clean(text) + clean(value)


def test_html_is_escaped_once() -> None:
    """What is markup already stays as it is, also where it is joined; text beside it does not."""
    bold = el("b", "<1>")
    assert join([bold, "<2>"], " & ") == "<b>&lt;1&gt;</b> &amp; &lt;2&gt;"
    assert isinstance(join([]), Html)


def test_attributes_may_be_absent_bare_or_numbers() -> None:
    """None and False leave an attribute out; numbers are written as SVG and ARIA read them."""
    assert el("p", hidden=True, title=None, lang=False) == "<p hidden></p>"
    assert el("rect", x=1.5, y=2, aria_label='"') == '<rect x="1.5" y="2" aria-label="&quot;"></rect>'
    assert re.fullmatch(r'<img src="x" alt="">', el("img", src="x", alt=""))
