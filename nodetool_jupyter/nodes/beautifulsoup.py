"""lib.beautifulsoup: what a page of HTML has in it. Nothing is loaded, and no script runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, TypedDict
from urllib.parse import urljoin, urlsplit

from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.nodes import fields
from nodetool_jupyter.nodes.html_text import lines_of, page
from nodetool_jupyter.nodes.matching import shortened

EXTRAS = (
    "script",
    "style",
    "noscript",
    "template",
    "nav",
    "header",
    "footer",
    "aside",
    "form",
    "iframe",
    "svg",
)
"""Tags that aren't a page's content."""
CONTENT = ("main", "[role=main]", "article", "#content", "#main", ".content", ".main", "body")


class SoupNode(BaseNode, prefix="lib.beautifulsoup", abstract=True):
    """Base of the family. Pages may be large: all of them run in the thread pool."""


class PageNode(SoupNode, abstract=True):
    """Base of those that look for something in a page."""

    html: str = Field(default="", description="The page.")


class LinkedNode(PageNode, abstract=True):
    """Base of those that give out addresses."""

    base_url: str = Field(default="", description="What relative addresses are relative to.")

    def _addresses(self, *selectors: str) -> Iterator[str]:
        """The ``src`` of the tags, each once, in their order."""
        sources = (tag.get("src") for tag in page(self.html).select(", ".join(selectors)))
        for source in dict.fromkeys(filter(None, sources)):
            yield absolute(self.base_url, str(source))


class BaseUrl(SoupNode):
    """The beginning of an address: its scheme and host."""

    url: str = ""

    async def process(self, context: ProcessingContext) -> str:
        try:
            parts = urlsplit(self.url.strip())
        except ValueError as error:
            raise ValueError(f"{shortened(self.url)} is no address: {error}") from None
        if not (parts.scheme and parts.netloc):
            raise ValueError(f"{shortened(self.url)} is no address with a scheme and a host")
        return f"{parts.scheme}://{parts.netloc}"


class ExtractLinks(LinkedNode):
    """Give out the links of a page, one by one: to the same host they are internal, else external."""

    class OutputType(TypedDict):
        href: str
        text: str
        type: str

    def gen_process(self, context: ProcessingContext) -> Iterator[OutputType]:
        home = urlsplit(self.base_url).netloc.lower()
        for tag in page(self.html).find_all("a", href=True):
            address = absolute(self.base_url, str(tag["href"]))
            host = host_of(address)
            inside = host in ("", home) and not re.match(
                r"(?!https?:)[a-z][a-z0-9+.-]*:", address, re.IGNORECASE
            )
            text = " ".join(tag.get_text(" ").split())
            yield {"href": address, "text": text, "type": "internal" if inside else "external"}


class ExtractImages(LinkedNode):
    """Give out references to the images of a page, one by one."""

    class OutputType(TypedDict):
        image: fields.Image

    def gen_process(self, context: ProcessingContext) -> Iterator[OutputType]:
        for address in self._addresses("img[src]"):
            yield {"image": {**fields.IMAGE, "uri": address}}


class ExtractAudio(LinkedNode):
    """Give out references to the sounds of a page, one by one."""

    class OutputType(TypedDict):
        audio: fields.Audio

    def gen_process(self, context: ProcessingContext) -> Iterator[OutputType]:
        for address in self._addresses("audio[src]", "audio source[src]"):
            yield {"audio": {**fields.asset("audio"), "uri": address}}


class ExtractVideos(LinkedNode):
    """Give out references to the videos of a page, one by one."""

    class OutputType(TypedDict):
        video: fields.Video

    def gen_process(self, context: ProcessingContext) -> Iterator[OutputType]:
        for address in self._addresses("video[src]", "video source[src]"):
            yield {"video": {**fields.VIDEO, "uri": address}}


class ExtractMetadata(PageNode):
    """The title, description and keywords that a page says of itself; empty where it says nothing."""

    class OutputType(TypedDict):
        title: str
        description: str
        keywords: str

    def process(self, context: ProcessingContext) -> OutputType:
        soup = page(self.html)
        title = soup.title.get_text().strip() if soup.title else ""
        return {
            "title": title or _meta(soup, "og:title"),
            "description": _meta(soup, "description") or _meta(soup, "og:description"),
            "keywords": _meta(soup, "keywords"),
        }


class HTMLToText(SoupNode):
    """The text of a page, without its tags, scripts and styles."""

    text: str = Field(default="", description="The page.")
    preserve_linebreaks: bool = Field(default=True, description="Whether paragraphs are lines of their own.")

    def process(self, context: ProcessingContext) -> str:
        lines = lines_of(page(self.text))
        return ("\n" if self.preserve_linebreaks else " ").join(lines)


class WebsiteContentExtractor(SoupNode):
    """The text of a page's main part, without menus, headers, footers and forms."""

    html_content: str = Field(default="", description="The page.")

    def process(self, context: ProcessingContext) -> str:
        soup = page(self.html_content)
        for tag in soup.find_all(EXTRAS):
            tag.extract()
        parts = (soup.select_one(selector) for selector in CONTENT)
        found = next((part for part in parts if part is not None and part.get_text(strip=True)), soup)
        return "\n".join(lines_of(found))


def absolute(base: str, address: str) -> str:
    """The address as seen from the base; one that can't be joined is left as it is."""
    try:
        return urljoin(base, address.strip())
    except ValueError:
        return address


def host_of(address: str) -> str:
    try:
        return urlsplit(address).netloc.lower()
    except ValueError:
        return ""


def _meta(soup: Any, name: str) -> str:
    for attribute in ("name", "property"):
        tag = soup.find("meta", attrs={attribute: re.compile(f"^{re.escape(name)}$", re.IGNORECASE)})
        if tag is not None:
            return str(tag.get("content") or "").strip()
    return ""
