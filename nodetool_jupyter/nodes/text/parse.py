"""nodetool.text: what JSON and HTML texts hold."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.errors import NodeToolError
from nodetool_jupyter.nodes.matching import read_json, shortened
from nodetool_jupyter.nodes.text.base import TextNode

INSTALL = "pip install 'nodetool-jupyter[text]', then restart the kernel"


class ParseJSON(TextNode):
    """The value that a JSON text describes."""

    text: str = ""

    def process(self, context: ProcessingContext) -> Any:
        return read_json(self.text)


class ExtractJSON(TextNode):
    """What a JSONPath finds in a JSON text: the first match, or the list of all."""

    text: str = ""
    json_path: str = "$.*"
    find_all: bool = False

    def process(self, context: ProcessingContext) -> Any:
        value = read_json(self.text)
        found = [match.value for match in _path(self.json_path).find(value)]
        if self.find_all:
            return found
        if not found:
            raise ValueError(f"{shortened(self.json_path)} finds nothing in this JSON")
        return found[0]


class HtmlToText(TextNode):
    """The text of an HTML page, with its headings, lists and links as Markdown."""

    html: str = ""
    base_url: str = Field(default="", description="What relative links are relative to.")
    body_width: int = Field(default=1000, description="How long a line may be; 0 for no limit.")
    ignore_images: bool = True
    ignore_mailto_links: bool = True

    def process(self, context: ProcessingContext) -> str:
        try:
            import html2text
        except ImportError:
            raise NodeToolError(
                "HtmlToText needs the package html2text",
                hint=INSTALL,
            ) from None
        converter = html2text.HTML2Text(baseurl=self.base_url, bodywidth=max(self.body_width, 0))
        converter.ignore_images = self.ignore_images
        converter.ignore_mailto_links = self.ignore_mailto_links
        return converter.handle(self.html)


def _path(text: str) -> Any:
    try:
        from jsonpath_ng.exceptions import JSONPathError
        from jsonpath_ng.parser import parse
    except ImportError:
        raise NodeToolError(
            "ExtractJSON needs the package jsonpath-ng",
            hint=INSTALL,
        ) from None
    try:
        return parse(text)
    except JSONPathError as error:
        raise ValueError(f"{shortened(text)} is no JSONPath: {error}") from None
