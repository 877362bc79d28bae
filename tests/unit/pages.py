"""Support for tests of HTML: what a page is made of, as a parser sees it."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"img", "col"}
TAGS = {
    "b", "bdi", "dd", "details", "div", "dl", "dt", "g", "img", "p", "path", "pre", "rect", "span", "style",
    "audio", "summary", "svg", "table", "tbody", "td", "text", "th", "thead", "title", "tr",
}  # fmt: skip
ATTRIBUTES = {
    "alt", "aria-hidden", "aria-label", "aria-level", "aria-valuemax", "aria-valuemin", "aria-valuenow",
    "aria-valuetext", "class", "d", "height", "hidden", "preserveaspectratio", "role", "rx", "scope", "src",
    "style", "tabindex", "text-anchor", "title", "transform", "viewbox", "width", "x", "xmlns", "y",
    "controls", "preload",
}  # fmt: skip


class Page(HTMLParser):
    """Parses markup and holds that it is well formed and made of our own tags and attributes alone."""

    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.feed(markup)
        self.close()
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        assert tag in TAGS, f"<{tag}> is none of ours"
        assert set(found) <= ATTRIBUTES, f"{set(found) - ATTRIBUTES} of <{tag}> are none of ours"
        assert len(found) == len(attrs), f"an attribute of <{tag}> is there twice"
        self.elements.append((tag, found))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(f"a declaration: {decl}")

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(f"a declaration: {data}")

    def handle_pi(self, data: str) -> None:
        raise AssertionError(f"an instruction: {data}")

    @property
    def text(self) -> str:
        """All text, without that of style sheets."""
        return "".join(self.texts)

    def named(self, tag: str, **attributes: str) -> list[dict[str, str]]:
        """The attributes of all elements of a tag that have these values."""
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
        return [found for name, found in self.elements if name == tag and wanted.items() <= found.items()]
