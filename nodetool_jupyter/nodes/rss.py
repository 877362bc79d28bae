"""lib.rss: feeds of news, in RSS and Atom. A feed is loaded from the web, or is in a data: URI itself."""

from __future__ import annotations

import asyncio
import calendar
import io
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any, TypedDict

from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.nodes import web
from nodetool_jupyter.nodes.fields import PlainDict
from nodetool_jupyter.nodes.matching import shortened
from nodetool_jupyter.nodes.packages import need
from nodetool_jupyter.values import convert
from nodetool_jupyter.values.fields import Datetime

MAX_BYTES = 10 * 2**20


class RSSNode(BaseNode, prefix="lib.rss", abstract=True):
    """Base of the family."""

    url: str = Field(default="", description="The feed's address.")

    async def _feed(self, context: ProcessingContext) -> Any:
        if self.url.startswith("data:"):
            content = convert.to_bytes(self.url, "feed")
        else:
            content = (await web.read(context, self.url)).content
        return await asyncio.to_thread(parsed, content, self.url)


class FetchRSSFeed(RSSNode):
    """Give out the entries of a feed, one by one; one that has no date is published None."""

    class OutputType(TypedDict):
        title: str
        link: str
        published: Datetime
        summary: str
        author: str

    async def gen_process(self, context: ProcessingContext) -> AsyncGenerator[OutputType, None]:
        for entry in (await self._feed(context)).entries:
            yield {
                "title": text_of(entry, "title"),
                "link": text_of(entry, "link"),
                "published": moment_of(entry),
                "summary": text_of(entry, "summary"),
                "author": text_of(entry, "author"),
            }


class ExtractFeedMetadata(RSSNode):
    """What a feed says of itself, and how many entries it has."""

    async def process(self, context: ProcessingContext) -> PlainDict:
        found = await self._feed(context)
        names = ("title", "description", "link", "language", "updated", "generator")
        return {**{name: text_of(found.feed, name) for name in names}, "entry_count": len(found.entries)}


def parsed(content: bytes, url: str) -> Any:
    """The feed in a text of XML; ValueError where it is none."""
    feedparser = need("feedparser", "feedparser", "http")
    if len(content) > MAX_BYTES:
        raise ValueError(f"the feed at {shortened(url)} is larger than {MAX_BYTES // 2**20} MiB")
    if b"<!ENTITY" in content.upper():
        raise ValueError(f"the feed at {shortened(url)} defines entities, which are not read")
    # Given as a file: feedparser would load a text that looks like an address by itself.
    feed = feedparser.parse(io.BytesIO(content))
    if not feed.entries and not feed.get("version"):
        raise ValueError(f"there is no feed at {shortened(url)}")
    return feed


def text_of(part: Any, name: str) -> str:
    return str(part.get(name) or "")


def moment_of(entry: Any) -> datetime | None:
    """When an entry was published, else when it was changed; feedparser gives it in UTC."""
    parts = entry.get("published_parsed") or entry.get("updated_parsed")
    try:
        return datetime.fromtimestamp(calendar.timegm(parts), UTC) if parts else None
    except (ValueError, OverflowError, OSError):
        return None
