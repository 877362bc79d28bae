"""What a command shows, as plain text and as escaped HTML: tables, lists of facts, parts one below the other.

Everything in it is text that may have come from a workflow; it becomes markup in this room alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from nodetool_jupyter.views.html import page
from nodetool_jupyter.views.markup import Html, clean, el, isolate, join, one_line

CELL_CHARS = 200


class Part(Protocol):
    """One thing that is shown."""

    def text(self) -> str: ...

    def html(self) -> Html: ...


@dataclass(frozen=True, slots=True)
class Heading:
    """A line above other parts."""

    words: str

    def text(self) -> str:
        return clean(self.words)

    def html(self) -> Html:
        return el("div", el("bdi", self.words), class_="ntj-title")


@dataclass(frozen=True, slots=True)
class Words:
    """A sentence or two; with ``is_code`` as it stands, in a fixed font."""

    words: str
    is_code: bool = False

    def text(self) -> str:
        return clean(self.words)

    def html(self) -> Html:
        tag, style = ("pre", "ntj-pre") if self.is_code else ("div", "ntj-meta")
        return el(tag, el("bdi", self.words), class_=style)


@dataclass(frozen=True, slots=True)
class Grid:
    """A table; rows may be shorter than the head. Without a head it is a list of facts: name, value, …"""

    rows: Sequence[Sequence[str]]
    head: Sequence[str] = ()

    def text(self) -> str:
        lines = [[one_line(cell, CELL_CHARS) for cell in row] for row in (self.head, *self.rows) if row]
        count = max(map(len, lines), default=0)
        widths = [max(len(line[at]) for line in lines if at < len(line)) for at in range(count)]
        return "\n".join(
            "  ".join(isolate(cell.ljust(width)) for cell, width in zip(line, widths, strict=False)).rstrip()
            for line in lines
        )

    def html(self) -> Html:
        names = [el("th", name, scope="col") for name in self.head]
        head = el("thead", el("tr", *names)) if names else None
        body = join(el("tr", *(self._cell(at, cell) for at, cell in enumerate(row))) for row in self.rows)
        return el("div", el("table", head, el("tbody", body), class_="ntj-table"), class_="ntj-scroll")

    def _cell(self, at: int, cell: str) -> Html:
        """The first cell of a list of facts names the row."""
        shown = el("bdi", one_line(cell, CELL_CHARS))
        return el("td", shown) if at or self.head else el("th", shown, scope="row")


@dataclass(frozen=True, slots=True)
class Drawing:
    """Markup of ``views`` beside the text that stands for it."""

    drawn: Html
    words: str

    def text(self) -> str:
        return self.words

    def html(self) -> Html:
        return self.drawn


class Sheet:
    """Parts one below the other, shown by IPython as HTML or text."""

    def __init__(self, parts: Iterable[Part | None]) -> None:
        self.parts = [part for part in parts if part is not None]

    def __repr__(self) -> str:
        return "\n".join(part.text() for part in self.parts)

    def _repr_mimebundle_(self, **_wanted: object) -> dict[str, str]:
        """Text and HTML of the same content."""
        return {"text/plain": repr(self), "text/html": page(*(part.html() for part in self.parts))}
