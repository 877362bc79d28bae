"""HTML as the text that a reader sees, read by beautifulsoup with Python's own parser."""

from __future__ import annotations

from typing import Any

from nodetool_jupyter.nodes.packages import need

MAX_LENGTH = 10_000_000
MAX_TAGS = 200_000
UNSEEN = frozenset({"script", "style", "noscript", "template", "head", "title"})
INLINE = frozenset(
    [
        "a",
        "abbr",
        "b",
        "bdi",
        "bdo",
        "cite",
        "code",
        "data",
        "dfn",
        "em",
        "font",
        "i",
        "img",
        "ins",
        "kbd",
        "label",
        "mark",
        "q",
        "s",
        "samp",
        "small",
        "span",
        "strong",
        "sub",
        "sup",
        "time",
        "tt",
        "u",
        "var",
        "del",
        "wbr",
    ]
)


def page(html: str) -> Any:
    """The page as a tree; ValueError if it is very large."""
    if len(html) > MAX_LENGTH or html.count("<") > MAX_TAGS:
        raise ValueError(f"the page has more than {MAX_LENGTH:,} characters or {MAX_TAGS:,} tags")
    return need("bs4", "beautifulsoup4", "text").BeautifulSoup(html, "html.parser")


def lines_of(tree: Any) -> list[str]:
    """The text of a part of a page in lines: a new one at each tag that isn't in the midst of a text."""
    lines: list[list[str]] = [[]]
    # Tags are opened and closed by hand, since a page may be nested deeper than Python recurses.
    waiting: list[Any] = [tree]
    while waiting:
        item = waiting.pop()
        if item is None:
            lines.append([])
        elif not hasattr(item, "contents"):
            if type(item).__name__ == "NavigableString":
                lines[-1].append(str(item))
        elif item.name not in UNSEEN:
            block = item.name not in INLINE
            if block:
                lines.append([])
                waiting.append(None)
            waiting.extend(reversed(item.contents))
    texts = (" ".join("".join(parts).split()) for parts in lines)
    return [text for text in texts if text]
