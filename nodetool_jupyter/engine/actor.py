"""The life of one node in a run: takes what arrived, fires, sends results on, ends.

An actor is made when the first value reaches its node and let go when the node has ended. One lane of the
runner steps it at a time; reports from node code may come from any thread.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from time import time
from typing import TYPE_CHECKING, Any, cast

from nodetool_jupyter.engine.blocking import call_blocking, iterate_blocking
from nodetool_jupyter.engine.cached import CachedFirings
from nodetool_jupyter.engine.capture import RUNNING
from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.control import ControlInbox
from nodetool_jupyter.engine.devices import Devices
from nodetool_jupyter.engine.feeding import FeedInbox
from nodetool_jupyter.engine.inbox import Inbox, make_inbox
from nodetool_jupyter.engine.plan import PlanEdge, PlanNode
from nodetool_jupyter.engine.reporter import Reporter
from nodetool_jupyter.engine.retrying import Tries
from nodetool_jupyter.engine.spec import NO_POLICY, Bound, InputReader, NodePolicy, Role, Shape
from nodetool_jupyter.errors import ValueCrossingError
from nodetool_jupyter.model.events import OutputUpdate
from nodetool_jupyter.model.graph import DEFAULT_HANDLE
from nodetool_jupyter.values.codec import encode
from nodetool_jupyter.values.preview import fallback

if TYPE_CHECKING:
    from nodetool_jupyter.engine.run import Run

Full = list[tuple[Inbox, str]]
"""Handles, each of an inbox, that have no space."""
NOTHING = object()
"""Where no value has been sent."""


class Stream:
    """One streaming edge of one run, from its first value on."""

    __slots__ = ("count", "edge", "has_moved", "inbox", "reader")

    def __init__(self, edge: PlanEdge, reader: Actor) -> None:
        self.edge = edge
        self.reader = reader
        self.inbox = reader.inbox
        self.count = 0
        self.has_moved = False
        """Whether values have passed since the last pulse."""


class Actor(Reporter):
    """One node of one run."""

    __slots__ = (
        "_bound",
        "_cached",
        "_context",
        "_devices",
        "_fire",
        "_lost_reader",
        "_routed",
        "_sent",
        "_streams",
        "fire_anew",
        "has_fired",
        "inbox",
        "is_scheduled",
    )

    def __init__(self, node: PlanNode, run: Run) -> None:
        super().__init__(node, run)
        self.inbox: Inbox = _inbox(node, run)
        self.is_scheduled = False
        self.has_fired = False
        self._lost_reader = False
        """Whether a node behind it has ended before its stream."""
        self._fire: Callable[[Mapping[str, Any]], Awaitable[None]] = _end_of_firing
        self.fire_anew: Callable[[Mapping[str, Any]], Awaitable[None]] = _end_of_firing
        """How it fires where no result is kept."""
        self._cached: CachedFirings | None = None
        self._devices: Devices | None = None
        self._bound: Bound | None = None
        self._context: ProcessingContext | None = None
        self._streams: dict[PlanEdge, Stream] = {}
        self._sent: Any = NOTHING
        """The value that was sent last, of a node with one output."""
        self._routed: dict[str, Any] | None = None
        """The values that were sent last by handle, of a node with several."""

    async def step(self) -> None:
        """Fire as often as what has arrived allows; end when nothing more can come. Raises NodeError."""
        inbox = self.inbox
        RUNNING.set(self)
        try:
            if self.node.is_fed and not self.has_fired:
                self._begin()  # it runs as long as something may come
            while (values := inbox.take()) is not None:
                if not self.has_fired:
                    self._begin()
                await self._fire(values)
                if self._lost_reader and self.node.is_fed:
                    self._end_if_unread()
        except BaseException as error:  # noqa: BLE001 - whatever node code raises becomes its error
            if not self.has_fired:
                self.tell_running()  # it failed on what arrived: it has begun, as far as anyone can see
            self.raise_for(error)
        finally:
            RUNNING.set(None)
        if inbox.is_over:
            self._end()
        else:
            self.is_scheduled = False

    def _begin(self) -> None:
        """The first firing."""
        node = self.node
        spec = node.spec
        self.has_fired = True
        self.tell_running()
        if spec.role is Role.OUTPUT or spec.role is Role.PREVIEW:
            self._fire = self._show
            return
        self._bound = spec.bind(node.properties, node.dynamic_properties)
        if spec.wants_context:
            self._context = self.run.context.bound_to(self)
        self._fire = FIRINGS[spec.shape].__get__(self)
        if node.is_controlled and spec.dynamic:
            self._fire = self._fire_bound_anew
        if spec.policy is not NO_POLICY:
            self._keep_to_policy(spec.policy)

    def _keep_to_policy(self, policy: NodePolicy) -> None:
        if policy.timeout is not None or policy.retries or policy.resources is not None:
            tries = Tries(self, self._fire)
            self._devices = tries.devices
            self._fire = tries.fire
        if policy.cache:
            self.fire_anew, self._cached = self._fire, CachedFirings(self)
            self._fire = self._cached.fire

    # --- firing -----------------------------------------------------------------------------------

    async def _fire_coroutine(self, values: Mapping[str, Any]) -> None:
        assert self._bound is not None
        result = await self._bound.call(values, self._context, self._reader())
        full = self._send(result)
        if full:
            await self._wait_for_space(full)

    async def _fire_function(self, values: Mapping[str, Any]) -> None:
        bound = self._bound
        assert bound is not None
        full = self._send(
            await call_blocking(self, lambda: bound.call(values, self._context, self._reader()))
        )
        if full:
            await self._wait_for_space(full)

    async def _fire_async_generator(self, values: Mapping[str, Any]) -> None:
        assert self._bound is not None
        await self._send_all(self._bound.call(values, self._context, self._reader()))

    async def _fire_generator(self, values: Mapping[str, Any]) -> None:
        bound = self._bound
        assert bound is not None
        await self._send_all(
            iterate_blocking(self, lambda: bound.call(values, self._context, self._reader()))
        )

    async def _send_all(self, items: AsyncGenerator[Any, None]) -> None:
        try:
            async for item in items:
                full = self._send(item)
                if full:
                    await self._wait_for_space(full)
                if self._lost_reader and not self.run.is_read(self.node):
                    self.report_log("nobody reads its stream any more: it was ended early", "info")
                    return
        finally:
            await items.aclose()

    def _end_if_unread(self) -> None:
        """Take no more of what is pushed where all who could read it have ended."""
        if not self.run.is_read(self.node):
            self.report_log("nobody reads its stream any more: it was ended early", "info")
            self.inbox.close()

    async def _fire_bound_anew(self, values: Mapping[str, Any]) -> None:
        """A run event may bring names that the next one doesn't: a dynamic node would still have them."""
        node = self.node
        self._bound = node.spec.bind(node.properties, node.dynamic_properties)
        await FIRINGS[node.spec.shape](self, values)

    async def _show(self, values: Mapping[str, Any]) -> None:
        """Output and preview nodes: the engine shows their value and passes it on."""
        node = self.node
        value = values.get("value", node.properties.get("value"))
        self._sent = value
        if node.spec.role is Role.PREVIEW:
            self.report_preview(value)
        else:
            self._show_output(value)
        full = self._send_value(DEFAULT_HANDLE, value)
        if full:
            await self._wait_for_space(full)

    def _show_output(self, value: Any) -> None:
        name = str(self.node.properties.get("name", ""))
        self.run.outputs.setdefault(name, []).append(value)
        shown = self._encoded(name, value)
        kind = shown.get("type", "dict") if isinstance(shown, dict) else type(value).__name__
        self.run.telling.emit(
            OutputUpdate(
                node_id=self.id,
                node_name=self.node.label,
                output_name=name,
                value=shown,
                output_type=str(kind),
                timestamp=time(),
            )
        )

    def _encoded(self, name: str, value: Any) -> Any:
        """An output's value as the log keeps it; one that can't be kept is marked so, and stays in memory."""
        try:
            services = self.run.context.services
            return encode(value, services.spill, pickle=services.pickle, is_exact=services.is_trusted)
        except ValueCrossingError as error:
            self.report_log(f"output {name}: {error.message}; it is there while this kernel lives", "warning")
            return fallback(value)

    def _reader(self) -> Any:
        if not self.node.spec.reads_stream:
            return None
        return self.inbox if self._devices is None else self._devices.read(cast(InputReader, self.inbox))

    @property
    def devices(self) -> tuple[str, ...]:
        """See ProcessingContext.devices."""
        return () if self._devices is None else self._devices.names

    # --- sending ----------------------------------------------------------------------------------

    def _send(self, result: Any) -> Full | None:
        """Hand a result to the nodes that follow; gives the inbox handles that are full now."""
        spec = self.node.spec
        if spec.result_checks is not None:
            result = self.checked(result)
        if self._cached is not None:
            self._cached.take(result)
        if not spec.routes:
            self._sent = result
            return self._send_value(DEFAULT_HANDLE, result)
        full: Full = []
        routed = self.routed(result)
        for handle, value in routed.items():
            full += self._send_value(handle, value) or ()
        self._routed = {**(self._routed or {}), **routed}
        return full

    def _send_value(self, handle: str, value: Any) -> Full | None:
        """Hand one value to the inboxes behind an output handle."""
        full = None
        run = self.run
        for edge in self.node.outgoing.get(handle, ()):
            if not edge.streams:
                self._lost_reader |= run.deliver(edge, value) is None
                continue
            stream = self._streams.get(edge) or self._stream_of(edge)
            if stream is None or stream.inbox.is_closed:
                self._lost_reader = True
                continue
            target, inbox = stream.edge.target_handle, stream.inbox
            inbox.push(target, value)
            if not stream.reader.is_scheduled:
                run.schedule(stream.reader)
            stream.count += 1
            if not stream.has_moved:
                run.telling.edge_moved(stream)
            if inbox.size >= inbox.limit and inbox.is_full(target):
                full = [*(full or ()), (inbox, target)]
        return full

    def _stream_of(self, edge: PlanEdge) -> Stream | None:
        """What goes along a streaming edge; None where its reader had ended before."""
        reader = self.run.actor_of(edge.target)
        if reader is None:
            return None
        stream = self._streams[edge] = Stream(edge, reader)
        return stream

    async def give(self, result: Any) -> None:
        """Send a result on that another firing has given."""
        full = self._send(result)
        if full:
            await self._wait_for_space(full)

    async def _wait_for_space(self, full: Full) -> None:
        if self._devices is not None:
            self._devices.release()  # who makes the space may need them
        for inbox, handle in full:
            await self.run.parking.wait_for_space(inbox, handle)
        if self._devices is not None:
            await self._devices.acquire()

    def _end(self) -> None:
        node = self.node
        run = self.run
        if self.inbox.leftover:
            self.report_log(
                f"{self.inbox.leftover} values had no partner and were dropped (sync mode zip_all)", "warning"
            )
        self.inbox.close()
        if self.has_fired:
            self.flush_reports()
            self.tell_completed(self._routed if self._sent is NOTHING else {DEFAULT_HANDLE: self._sent})
        run.end_edges(node)
        if self._streams:
            run.telling.edges_drained(self._streams.values())
        self._context = None  # it knows this actor: without the cycle both are freed at once, with all values
        self._fire = self.fire_anew = _end_of_firing
        self._cached = None
        run.actor_ended(self)


def _inbox(node: PlanNode, run: Run) -> Inbox:
    if node.is_fed:
        return FeedInbox(node, run.parking, run.feeds[node.param])
    return ControlInbox(node, run.parking) if node.is_controlled else make_inbox(node, run.parking)


async def _end_of_firing(_values: Mapping[str, Any]) -> None:
    """Before the first firing, and after the last one."""


FIRINGS: dict[Shape, Any] = {
    Shape.COROUTINE: Actor._fire_coroutine,
    Shape.FUNCTION: Actor._fire_function,
    Shape.ASYNC_GENERATOR: Actor._fire_async_generator,
    Shape.GENERATOR: Actor._fire_generator,
}
