"""The one place where text that came from a workflow becomes text that can be shown.

Names, logs, values and errors may hold markup, terminal escape sequences, control characters, bidi
overrides and lone surrogates. ``clean`` takes those out, ``el`` escapes whatever it is given that is not
``Html`` already; only ``el``, ``escape``, ``join`` and ``raw`` make ``Html``, ``raw`` of constants.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable

Attribute = str | int | float | bool | None

_SEQUENCES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?|[ -/]*[0-~])")
_DROPPED = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\U000e0000-\U000e007f"
_UNSAFE = re.compile(f"[\u2028\u2029\ud800-\udfff{_DROPPED}]")
_DROP = re.compile(f"[{_DROPPED}]")
_SEPARATORS = re.compile(r"[\u2028\u2029]")
_SURROGATES = re.compile(r"[\ud800-\udfff]")
TIMES = "\N{MULTIPLICATION SIGN}"
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
_VOID = frozenset({"img", "col"})


class Html(str):
    """Markup that is safe to put into a page."""

    __slots__ = ()


def clean(text: str, limit: int | None = None) -> str:
    """Text without escape sequences, control characters and bidi overrides; at most ``limit`` characters.

    What a carriage return would have overwritten in a terminal is left out; lone surrogates become U+FFFD.
    """
    if "\r" in text:
        text = "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
    if limit is not None:
        text = text[: 4 * limit + 64]
    if _UNSAFE.search(text):
        text = _SEPARATORS.sub("\n", _SEQUENCES.sub("", text))
        text = _SURROGATES.sub("\ufffd", _DROP.sub("", text))
    return text if limit is None else cut(text, limit)


def cut(text: str, limit: int) -> str:
    """At most ``limit`` characters; an ellipsis says that there was more."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def one_line(text: str, limit: int) -> str:
    """Clean text on one line, each run of white space one blank."""
    return cut(" ".join(clean(text, 2 * limit).split()), limit)


def isolate(text: str) -> str:
    """A name for a line of plain text: where it runs right to left, the rest of the line keeps its order."""
    if text.isascii() or not any(unicodedata.bidirectional(char) in _RIGHT_TO_LEFT for char in text):
        return text
    return f"\u2068{text}\u2069"


def raw(markup: str) -> Html:
    """A constant of ours that is markup."""
    return Html(markup)


def escape(text: str) -> Html:
    """Text as HTML, cleaned and escaped also for attributes."""
    return text if isinstance(text, Html) else Html(html.escape(clean(text), quote=True))


def join(parts: Iterable[str], separator: str = "") -> Html:
    """Parts one after the other; those that are not Html are escaped."""
    return Html(escape(separator).join(map(escape, parts)))


def el(tag: str, *children: str | None, **attributes: Attribute) -> Html:
    """An element. Children that are not Html are escaped, None is left out.

    Attribute names lose a trailing underscore and have hyphens for the others: ``class_``, ``aria_label``;
    an attribute that is None or False is left out, one that is True has no value.
    """
    opening = tag + "".join(
        _attribute(name, value)
        for name, value in attributes.items()
        if value is not None and value is not False
    )
    if tag in _VOID:
        return Html(f"<{opening}>")
    inner = "".join([escape(child) for child in children if child is not None])
    return Html(f"<{opening}>{inner}</{tag}>")


def _attribute(name: str, value: Attribute) -> str:
    name = name.rstrip("_").replace("_", "-")
    if value is True:
        return f" {name}"
    text = (
        escape(value) if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else str(value)
    )
    return f' {name}="{text}"'


def name_el(text: str, class_: str = "ntj-name") -> Html:
    """A name that came from a workflow, isolated so that its direction can't turn what stands beside it."""
    return el("bdi", one_line(text, 120) or "?", class_=class_)
