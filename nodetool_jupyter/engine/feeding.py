"""Inputs that are fed while a job runs: what is pushed from outside waits here until its node takes it.

A feed is bounded and keeps the order. Whoever pushes may be in any thread; the node takes on the run's loop.
A param of the input's name is the first item of its stream.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from nodetool_jupyter.engine.inbox import Inbox
from nodetool_jupyter.engine.parking import Parking
from nodetool_jupyter.engine.plan import PlanNode
from nodetool_jupyter.errors import OptionError

LIMIT = 64
"""Values that wait for their node before whoever pushes has to wait."""
VALUE = "value"


def accepted(name: str, node: PlanNode, value: Any) -> Any:
    """A value as the input takes it; raises OptionError where it doesn't."""
    try:
        checked = node.spec.inputs[VALUE].check(value)
        return checked if node.spec.accept is None else node.spec.accept(node.properties, checked)
    except ValueError as error:
        raise OptionError(f"input {name!r}: {error}") from None


class InputEnded(Exception):
    """More was pushed to an input after its end."""


class Feed:
    """One input of one job."""

    def __init__(self, items: Iterable[Any] = ()) -> None:
        self._items = deque(items)
        self._is_ended = False
        self._is_closed = False
        self._changed = threading.Condition()
        self.arrived: Callable[[], None] = _nobody
        """Called, in whichever thread, when there is something to take, or no more will come."""

    def push(self, value: Any, timeout: float | None = None) -> None:
        """Add a value; waits while the feed is full, raises TimeoutError after ``timeout`` seconds. What its
        node doesn't take any more is dropped. Raises InputEnded after the end.
        """
        with self._changed:
            if not self._changed.wait_for(self._may_go_on, timeout):
                raise TimeoutError
            if self._is_ended:
                raise InputEnded
            if not self._is_closed:
                self._items.append(value)
        self.arrived()

    def _may_go_on(self) -> bool:
        return self._is_closed or self._is_ended or len(self._items) < LIMIT

    def end(self) -> None:
        """No more will come. Raises InputEnded after the end."""
        with self._changed:
            if self._is_ended:
                raise InputEnded
            self._is_ended = True
            self._changed.notify_all()
        self.arrived()

    def close(self) -> None:
        """Nothing is taken any more: nobody has to wait."""
        with self._changed:
            self._is_closed = True
            self._items.clear()
            self._changed.notify_all()

    def take(self) -> Mapping[str, Any] | None:
        """The next value, for a firing of the node."""
        with self._changed:
            if not self._items:
                return None
            value = self._items.popleft()
            if len(self._items) == LIMIT // 2:
                self._changed.notify_all()
            return {VALUE: value}

    @property
    def is_open(self) -> bool:
        """Whether more may come."""
        return not (self._is_ended or self._is_closed)

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to take, nor will be."""
        with self._changed:
            return self._is_closed or (self._is_ended and not self._items)


def _call_on(loop: asyncio.AbstractEventLoop, call: Callable[[PlanNode], None], node: PlanNode) -> None:
    with suppress(RuntimeError):  # the loop is closed: the run has ended
        loop.call_soon_threadsafe(call, node)


def _nobody() -> None:
    """Nobody waits for it yet."""


class Feeds:
    """The feeds of one job, by the name of the input; made before its run, as values may come before it."""

    def __init__(self, nodes: Iterable[PlanNode] = ()) -> None:
        self._feeds = {node.param: Feed(node.first_items) for node in nodes}

    def __getitem__(self, name: str) -> Feed:
        return self._feeds[name]

    def listen(
        self,
        nodes: Iterable[PlanNode],
        loop: asyncio.AbstractEventLoop,
        arrived: Callable[[PlanNode], None],
    ) -> None:
        """Have ``arrived`` called on the loop when something was pushed to a node; else it is dropped."""
        running = {node.param: node for node in nodes}
        for name, feed in self._feeds.items():
            if name in running:
                feed.arrived = partial(_call_on, loop, arrived, running[name])
            else:
                feed.close()

    @property
    def are_open(self) -> bool:
        """Whether anything may still come from outside."""
        return any(feed.is_open for feed in self._feeds.values())

    def close(self) -> None:
        """The run is over."""
        for feed in self._feeds.values():
            feed.close()


class FeedInbox(Inbox):
    """Of a node that is fed from outside: one firing a value."""

    __slots__ = ("_feed",)

    def __init__(self, node: PlanNode, parking: Parking, feed: Feed) -> None:
        super().__init__(node, parking)
        self._feed = feed

    def take(self) -> Mapping[str, Any] | None:
        return self._feed.take()

    @property
    def is_over(self) -> bool:
        return self._feed.is_over

    def close(self) -> None:
        super().close()
        self._feed.close()
