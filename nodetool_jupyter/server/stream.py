"""``/events``: the messages of all jobs of a user as one stream that can be resumed, whoever runs the jobs.

A client pulls: logs are read when the last batch has left, so that a slow client holds up nobody and is owed
nothing. A batch and the place after it go out as one SSE message, so that each message of a job comes once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from time import monotonic
from typing import Any

from jupyter_server.auth.decorator import authorized
from pydantic_core import to_json
from tornado import web
from tornado.iostream import StreamClosedError

from nodetool_jupyter.errors import NodeToolError, OptionError
from nodetool_jupyter.model.job import JobRecord
from nodetool_jupyter.model.peers import version_here
from nodetool_jupyter.server.base import Handler, Refused
from nodetool_jupyter.server.following import Cursor, Follower, News

HEARTBEAT = 15.0
PAUSE = 0.1
"""Seconds between two looks at the logs: a batch costs less than its messages."""


class EventsHandler(Handler):
    """One stream for each page; an open one doesn't count as activity of the user."""

    _track_activity = False

    def initialize(self) -> None:
        super().initialize()
        self._stop = asyncio.Event()

    def on_connection_close(self) -> None:
        """The client has gone: wake whoever waits."""
        self._stop.set()
        super().on_connection_close()

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Stream until the client goes, the server ends, or the one ``job`` that was asked for has ended."""
        after = self.request.headers.get("Last-Event-ID") or self.get_query_argument("after", "")
        job_id = self.get_query_argument("job", None)
        try:
            with self.backend.streaming(self._stop):
                follower = await self.run(self._follow, self.user_id, after, job_id)
                self.set_header("Content-Type", "text/event-stream")
                self.set_header("Cache-Control", "no-store")
                self.set_header("X-Accel-Buffering", "no")
                with suppress(StreamClosedError):
                    async for message in self._messages(follower):
                        self.write(message)
                        await self.flush()
        except NodeToolError as error:
            raise Refused(error, 503) from error

    def _follow(self, user_id: str, after: str, job_id: str | None) -> Follower:
        if job_id is not None:
            self.backend.record(user_id, job_id)
        try:
            cursor = Cursor.parse(after) if after not in ("", "now") else None
        except ValueError:
            raise OptionError(
                "after is no place in a stream", hint="give the id of a message that came from it, or now"
            ) from None
        return Follower(self.backend.store, user_id, cursor, job_id, is_from_now=after == "now")

    async def _messages(self, follower: Follower) -> AsyncIterator[bytes]:
        """SSE messages until there are no more; a comment after each while without any."""
        yield _message("hello", to_json({"version": version_here()}), str(follower.cursor), "retry: 1000\n")
        told = monotonic()
        while not self._stop.is_set():
            news = await self.run(follower.read)
            for message in _messages_of(news, follower, self.backend.shown):
                told = monotonic()
                yield message
            if follower.is_over:
                return
            if monotonic() - told >= HEARTBEAT:
                told = monotonic()
                yield b": still here\n\n"
            if not news.is_full:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), PAUSE)


def _messages_of(news: News, follower: Follower, shown: Callable[[JobRecord], dict[str, Any]]) -> list[bytes]:
    place = str(follower.cursor)
    found = []
    if news.gap is not None:
        found.append(_message("gap", to_json({"message": news.gap})))
    if news.records:
        records: list[dict[str, Any]] = [shown(record) for record in news.records]
        found.append(_message("jobs", to_json(records, inf_nan_mode="null"), "" if news.lines else place))
    if news.lines:
        found.append(_message("messages", b"[" + b",".join(news.lines) + b"]", place))
    if follower.is_over:
        found.append(_message("end", b"{}", place))
    return found


def _message(kind: str, data: bytes, place: str = "", before: str = "") -> bytes:
    """JSON holds no newline, so one line takes it all."""
    head = f"{before}event: {kind}\n" + (f"id: {place}\n" if place else "")
    return head.encode() + b"data: " + data + b"\n\n"
