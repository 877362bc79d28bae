"""What has arrived at a node: bounded streams, and when a node may fire with which values.

An inbox lives on one loop. ``push`` never blocks; producers look at ``is_full`` and wait for space
(back-pressure). Where handles have queues of their own, each is bounded by itself: a full one keeps no value
from another.
"""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any

from nodetool_jupyter.engine.annotations import Check
from nodetool_jupyter.engine.parking import Parking
from nodetool_jupyter.engine.plan import PlanNode

LIMIT = 64
"""Values that a queue of an inbox holds before its producers wait."""
LOW = 4
"""Producers that wait go on when a queue has shrunk to this part of its limit: waking them costs more than
a value does.
"""


class InputError(ValueError):
    """A value that doesn't have the type of the handle it arrived at."""

    def __init__(self, handle: str, reason: str) -> None:
        super().__init__(reason)
        self.handle = handle


class Inbox:
    """Base: counts open producers and gathers list handles.

    ``take`` gives the values of the next firing or None; ``is_over`` says that no firing will come any more.
    """

    __slots__ = (
        "_checks", "_gathered", "_open", "_parking", "is_closed", "limit", "size", "space", "total_open",
    )  # fmt: skip

    def __init__(self, node: PlanNode, parking: Parking) -> None:
        self.size = 0
        self.limit = LIMIT
        self.is_closed = False
        self.total_open = len(node.incoming)
        self.space: dict[str, list[asyncio.Future[None]]] | None = None
        """Producers that wait, by the handle they wait for."""
        self._parking = parking
        self._checks = node.checks
        self._gathered: dict[str, list[Any]] | None = None
        self._open: dict[str, int] | None = None
        if node.gathered:
            self._gathered = {name: [] for name in node.gathered}
            self._open = dict(node.producers)

    def is_full(self, handle: str) -> bool:  # noqa: ARG002 - for those that have a queue a handle
        """Whether producers should wait before they send more; never so below ``limit`` values in all."""
        return self.size >= self.limit

    def push(self, handle: str, value: Any) -> None:
        """A value arrives."""
        if self._gathered is not None and handle in self._gathered:
            items = self._gathered[handle]
            items.extend(value) if isinstance(value, list) else items.append(value)
        else:
            self._arrive(handle, value)

    def end(self, handle: str) -> None:
        """One of a handle's producers has ended."""
        self.total_open -= 1
        if self._open is not None:
            self._open[handle] -= 1
            if self._gathered is not None and not self._open[handle] and handle in self._gathered:
                self._arrive(handle, self._gathered[handle])

    def _arrive(self, handle: str, value: Any) -> None:
        raise NotImplementedError

    def take(self) -> Mapping[str, Any] | None:
        raise NotImplementedError

    @property
    def is_over(self) -> bool:
        return self.total_open == 0

    @property
    def leftover(self) -> int:
        """Values that will never be part of a firing."""
        return 0

    def _check(self, handle: str, value: Any) -> Any:
        check: Check | None = self._checks.get(handle)
        if check is None:
            return value
        try:
            return check(value)
        except ValueError as error:
            raise InputError(handle, str(error)) from None

    def _popped(self, handle: str, queue: deque[Any]) -> None:
        """A value was taken out of the queue of a handle."""
        self.size -= 1
        if self.space:
            self._make_space(handle, queue)

    def _make_space(self, handle: str, queue: deque[Any]) -> None:
        if self.space and handle in self.space and len(queue) <= self.limit // LOW:
            self._parking.wake(self.space.pop(handle))

    def wake_producers(self) -> None:
        """Let those go on that wait for space."""
        waiting, self.space = self.space or {}, None
        for waiters in waiting.values():
            self._parking.wake(waiters)

    def close(self) -> None:
        """The node has ended: nothing waits for it any more, nor will a producer that is on its way to."""
        self.is_closed = True
        self.limit = sys.maxsize
        self.wake_producers()


class SourceInbox(Inbox):
    """A node without connected inputs fires once."""

    __slots__ = ("_has_fired",)

    def __init__(self, node: PlanNode, parking: Parking) -> None:
        super().__init__(node, parking)
        self._has_fired = False

    def take(self) -> Mapping[str, Any] | None:
        if self._has_fired:
            return None
        self._has_fired = True
        return {}


class AnyInbox(Inbox):
    """on_any: fires when each connected handle has a value, then on every later arrival with the latest of
    the others.

    Until then an arrival replaces the value that its handle had, so that only later ones need a queue.
    """

    __slots__ = ("_arrived", "_has_fired", "_missing", "_values")

    def __init__(self, node: PlanNode, parking: Parking) -> None:
        super().__init__(node, parking)
        self._values: dict[str, Any] = {}
        self._missing = len(node.producers)
        self._has_fired = False
        self._arrived: deque[tuple[str, Any]] | None = None

    def _arrive(self, handle: str, value: Any) -> None:
        if self._missing:
            if handle not in self._values:
                self._missing -= 1
            self._values[handle] = value
            return
        if self._arrived is None:
            self._arrived = deque()
        self._arrived.append((handle, value))
        self.size += 1

    def take(self) -> Mapping[str, Any] | None:
        values = self._values
        if self._missing:
            return None
        if not self._has_fired:
            self._has_fired = True
            for handle in self._checks:
                values[handle] = self._check(handle, values[handle])
            return values
        if not self._arrived:
            return None
        handle, value = self._arrived.popleft()
        self.size -= 1
        if self.space and self.size <= self.limit // LOW:
            self.wake_producers()
        values[handle] = self._check(handle, value)
        return values


class ZipInbox(Inbox):
    """zip_all: one firing an index-aligned tuple; a handle that no stream feeds is sticky, its value used
    again.

    Once a handle has ended with nothing left, no tuple can be completed: what still arrives is counted and
    dropped.
    """

    __slots__ = ("_dropped", "_queues", "_spent", "_sticky")

    def __init__(self, node: PlanNode, parking: Parking) -> None:
        super().__init__(node, parking)
        self._open: dict[str, int] = dict(node.producers)
        streamed = {edge.target_handle for edge in node.incoming if edge.streams} - node.gathered
        self._queues: dict[str, deque[Any]] = {name: deque() for name in self._open}
        self._sticky = set(self._queues) - streamed
        self._spent = False
        self._dropped = 0

    def _arrive(self, handle: str, value: Any) -> None:
        self._queues[handle].append(value)
        self.size += handle not in self._sticky

    def take(self) -> Mapping[str, Any] | None:
        if self._spent:
            return None
        if not all(self._queues.values()):
            self._drop_if_exhausted()
            return None
        self._spent = len(self._sticky) == len(self._queues)
        return {
            handle: self._check(handle, self._next(handle, queue)) for handle, queue in self._queues.items()
        }

    def _next(self, handle: str, queue: deque[Any]) -> Any:
        if handle in self._sticky:
            return queue[-1]
        value = queue.popleft()
        self._popped(handle, queue)
        return value

    def is_full(self, handle: str) -> bool:
        return len(self._queues[handle]) >= self.limit

    def _drop_if_exhausted(self) -> None:
        if all(queue or self._open[handle] for handle, queue in self._queues.items()):
            return
        for handle, queue in self._queues.items():
            while queue and handle not in self._sticky:
                queue.popleft()
                self._popped(handle, queue)
                self._dropped += 1

    @property
    def leftover(self) -> int:
        return self._dropped


class StreamInbox(Inbox):
    """For a node that reads its inputs itself: it starts once, as soon as its plain handles have their
    values.
    """

    __slots__ = ("_arrivals", "_is_hopeless", "_numbers", "_plain", "_queues", "_started", "_waiters")

    def __init__(self, node: PlanNode, parking: Parking) -> None:
        super().__init__(node, parking)
        self._open: dict[str, int] = dict(node.producers)
        inputs = node.spec.inputs
        self._plain: dict[str, Any] = {}
        self._queues: dict[str, deque[Any]] = {
            name: deque() for name in self._open if name not in inputs or inputs[name].streamed
        }
        self._numbers: dict[str, deque[int]] = {}
        """When each value arrived, as a number; where there is one queue its order says that."""
        if len(self._queues) > 1:
            self._numbers = {name: deque() for name in self._queues}
        self._arrivals = 0
        self._started = False
        self._is_hopeless = False
        """Whether a plain handle has ended without a value."""
        self._waiters: list[asyncio.Future[None]] = []

    def _arrive(self, handle: str, value: Any) -> None:
        self._plain[handle] = value

    def push(self, handle: str, value: Any) -> None:
        queue = self._queues.get(handle)
        if queue is None:
            super().push(handle, value)
            return
        if self._numbers:
            self._arrivals += 1
            self._numbers[handle].append(self._arrivals)
        self.size += 1
        queue.append(value)
        if self._waiters:
            self._wake()

    def end(self, handle: str) -> None:
        super().end(handle)
        if not (handle in self._queues or handle in self._plain or self._open[handle]):
            self._is_hopeless = True
        self._wake()

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        self._parking.wake(waiters)

    def is_full(self, handle: str) -> bool:
        return len(self._queues.get(handle, ())) >= self.limit

    def take(self) -> Mapping[str, Any] | None:
        if self._started or len(self._plain) < len(self._open) - len(self._queues):
            return None
        self._started = True
        return {handle: self._check(handle, value) for handle, value in self._plain.items()}

    @property
    def is_over(self) -> bool:
        return self._started or self._is_hopeless or self.total_open == 0

    @property
    def connected(self) -> Collection[str]:
        """The handles that something is connected to."""
        return self._open.keys()

    async def _wait(self) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        await self._parking.wait(waiter)

    async def iter_input(self, handle: str) -> AsyncIterator[Any]:
        """The values of one handle until its end; nothing at all where it isn't connected."""
        queue = self._queues.get(handle)
        if queue is None:
            return
        check = self._checks.get(handle)
        while queue or self._open[handle]:
            if not queue:
                await self._wait()
                continue
            if self._numbers:
                self._numbers[handle].popleft()
            value = queue.popleft()
            self.size -= 1
            if self.space and len(queue) <= self.limit // LOW:
                self._make_space(handle, queue)
            if check is not None:
                try:
                    value = check(value)
                except ValueError as error:
                    raise InputError(handle, str(error)) from None
            yield value

    async def iter_any_input(self) -> AsyncIterator[tuple[str, Any]]:
        """(handle, value) in the order of arrival, until all have ended."""
        while True:
            handle = self._earliest()
            if handle is not None:
                queue = self._queues[handle]
                value = queue.popleft()
                self._popped(handle, queue)
                yield handle, self._check(handle, value)
            elif any(self._open[handle] for handle in self._queues):
                await self._wait()
            else:
                return

    def _earliest(self) -> str | None:
        """The handle whose next value arrived before those of the others; takes it off the numbers."""
        waiting = [(numbers[0], handle) for handle, numbers in self._numbers.items() if numbers]
        if waiting:
            handle = min(waiting)[1]
            self._numbers[handle].popleft()
            return handle
        return next((handle for handle, queue in self._queues.items() if queue), None)


def make_inbox(node: PlanNode, parking: Parking) -> Inbox:
    """The inbox that fits how a node takes its inputs."""
    if node.spec.reads_stream:
        return StreamInbox(node, parking)
    if not node.incoming:
        return SourceInbox(node, parking)
    return ZipInbox(node, parking) if node.sync_mode == "zip_all" else AnyInbox(node, parking)
