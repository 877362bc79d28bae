"""Texts in pieces: each is (text, where it begins in the whole), in order; none is empty."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from nodetool_jupyter.nodes.html_text import INLINE, lines_of, page
from nodetool_jupyter.nodes.markdown_text import blocks

Piece = tuple[str, int]
Span = tuple[int, int]
MAX_DEPTH = 200


@dataclass(frozen=True, slots=True)
class Sizes:
    """How long pieces are, how much they overlap, and where they may be cut; ValueError for what can't be."""

    size: int
    overlap: int
    separators: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.size < 1 or not 0 <= self.overlap < self.size:
            raise ValueError(
                "chunk_size must be at least 1 and chunk_overlap from 0 to less than that; "
                f"found {self.size} and {self.overlap}"
            )


def recursively(text: str, sizes: Sizes) -> Iterator[Piece]:
    """Pieces of at most ``size``: cut at the first separator, and what is still too long at the next ones."""
    before: Piece | None = None
    for piece in _packed(text, sizes):
        if before is not None and before[1] != piece[1]:  # else it only repeats the other's beginning
            yield before
        before = piece
    if before is not None:
        yield before


def _packed(text: str, sizes: Sizes) -> Iterator[Piece]:
    """As many of the smallest parts in a piece as fit."""
    spans = list(_spans(text, 0, len(text), [part for part in sizes.separators if part], sizes.size))
    first = 0
    while first < len(spans):
        last = first
        while last + 1 < len(spans) and spans[last + 1][1] - spans[first][0] <= sizes.size:
            last += 1
        yield from _stripped(text, spans[first][0], spans[last][1])
        if last + 1 == len(spans):
            return
        following = last + 1
        # As much as fits is repeated, but never so much that the next new part has no room.
        while (
            following - 1 > first
            and spans[last][1] - spans[following - 1][0] <= sizes.overlap
            and spans[last + 1][1] - spans[following - 1][0] <= sizes.size
        ):
            following -= 1
        first = following


def _spans(text: str, start: int, end: int, separators: list[str], size: int) -> Iterator[Span]:
    """The smallest parts: (start, end), without gaps; a separator belongs to the part before it."""
    if end - start <= size:
        yield start, end
        return
    for number, separator in enumerate(separators):
        if text.find(separator, start, end) >= 0:
            for part in _cut(text, start, end, separator):
                yield from _spans(text, *part, separators[number + 1 :], size)
            return
    for place in range(start, end, size):
        yield place, min(place + size, end)


def _cut(text: str, start: int, end: int, separator: str) -> Iterator[Span]:
    while start < end:
        found = text.find(separator, start, end)
        place = end if found < 0 else found + len(separator)
        yield start, place
        start = place


def _stripped(text: str, start: int, end: int) -> Iterator[Piece]:
    part = text[start:end]
    if stripped := part.strip():
        yield stripped, start + len(part) - len(part.lstrip())


def lines(text: str) -> Iterator[Piece]:
    """The lines that aren't blank."""
    for start, end in _cut(text, 0, len(text), "\n"):
        yield from _stripped(text, start, end)


def heading_mark(pair: Any) -> tuple[str, str]:
    """(mark, name) of a heading; ValueError for anything else."""
    if isinstance(pair, (list, tuple)) and len(pair) == 2 and all(isinstance(part, str) for part in pair):
        mark, name = pair
        if mark in ("#", "##", "###", "####", "#####", "######"):
            return mark, name
    raise ValueError("headers_to_split_on needs pairs of a mark, # to ######, and a name")


def sections(text: str, levels: set[int], *, keep_headings: bool) -> Iterator[Piece]:
    """The parts of a Markdown text between its headings of these levels."""
    starts = [0]
    for start, end in _cut(text, 0, len(text), "\n"):
        starts.append(end if end > start else start)
    headings = {block.line for block in blocks(text) if block.heading in levels}
    begin = 0
    for line in sorted(headings):
        yield from _stripped(text, begin, starts[line])
        begin = starts[line] if keep_headings else starts[line + 1]
    yield from _stripped(text, begin, len(text))


def html_blocks(html: str) -> Iterator[Piece]:
    """The text of each tag that holds no other block, with the place of the tag."""
    starts = [0, *(end for _, end in _cut(html, 0, len(html), "\n"))]
    tree = page(html)
    for tag in tree.find_all(lambda tag: tag.name not in INLINE):
        if tag.find(lambda inner: inner.name not in INLINE and inner.name != "br"):
            continue
        found = " ".join(lines_of(tag))
        if found:
            yield found, starts[min(tag.sourceline - 1, len(starts) - 1)] + tag.sourcepos


def json_parts(text: str) -> Iterator[Piece]:
    """The items of a JSON list, or any other JSON as a whole."""
    decoder = json.JSONDecoder()
    place = _after_blanks(text, 0)
    inside = text[place : place + 1] == "["
    try:
        if not inside:
            yield from _flat_piece(json.loads(text), place)
            return
        json.loads(text)
        place = _after_blanks(text, place + 1)
        while text[place] != "]":
            value, end = decoder.raw_decode(text, place)
            yield from _flat_piece(value, place)
            place = _after_blanks(text, _after_blanks(text, end) + (text[_after_blanks(text, end)] == ","))
    except json.JSONDecodeError as error:
        raise ValueError(f"no JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise ValueError("the JSON is nested too deep") from None


def _after_blanks(text: str, place: int) -> int:
    while text[place : place + 1] in (" ", "\t", "\n", "\r"):
        place += 1
    return place


def _flat_piece(value: Any, place: int) -> Iterator[Piece]:
    text = "\n".join(_flat(value, "", 0))
    if text:
        yield text, place


def _flat(value: Any, path: str, depth: int) -> Iterator[str]:
    """``a.b.0: value`` for each value that holds no others."""
    if depth > MAX_DEPTH:
        raise ValueError(f"the JSON is nested more than {MAX_DEPTH} levels deep")
    if isinstance(value, (dict, list)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from _flat(item, f"{path}.{key}" if path else str(key), depth + 1)
        return
    written = value if isinstance(value, str) else json.dumps(value)
    yield f"{path}: {written}" if path else written
