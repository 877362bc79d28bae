"""The life of one graph: runs its actors on one loop and tells its events, the last of which ends the job.

Nodes run in *lanes*. A lane is a task that awaits one ready node after the other; a node that has nothing to
wait for costs no task. While a lane runs, one more lane stands by in the loop's queue: it takes over as soon
as the first is suspended inside a node.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping
from contextvars import Context, copy_context
from itertools import chain
from time import monotonic, time
from typing import Any

from nodetool_jupyter.engine.actor import Actor
from nodetool_jupyter.engine.blocking import INSISTENCE
from nodetool_jupyter.engine.capture import start_capture, stop_capture
from nodetool_jupyter.engine.context import NodeCancelled, NodeSuspended, ProcessingContext
from nodetool_jupyter.engine.failure import engine_error, fault_of, node_in, uncancellable
from nodetool_jupyter.engine.feeding import Feeds
from nodetool_jupyter.engine.inbox import Inbox
from nodetool_jupyter.engine.once import run_once
from nodetool_jupyter.engine.outcome import Outcome
from nodetool_jupyter.engine.parking import Parking
from nodetool_jupyter.engine.plan import NOTHING, Plan, PlanEdge, PlanNode
from nodetool_jupyter.engine.reporter import Reporter
from nodetool_jupyter.engine.suspending import suspend
from nodetool_jupyter.engine.telling import EventSink, Telling
from nodetool_jupyter.engine.threads import Interruptible, ThreadPool
from nodetool_jupyter.errors import NodeError
from nodetool_jupyter.model.events import Fault, JobUpdate

STEPS = 256
"""Nodes that a lane steps before the loop gets its turn."""


class Run:
    """The state of one run, as its actors see it."""

    def __init__(
        self,
        plan: Plan,
        context: ProcessingContext,
        sink: EventSink,
        pool: ThreadPool,
        *,
        first_seq: int,
        grace: float,
    ) -> None:
        self.plan = plan
        self.context = context
        self.keeper = context.services.keeper
        self.pool = pool
        self.grace = grace
        self.feeds = Feeds()
        self.parking = Parking()
        self.parking.check_stall = self._relieve_stall
        self.outputs: dict[str, list[Any]] = {name: [] for name in plan.outputs}
        self.is_cancelling = False
        self.is_mortal = False  # whether the process ends with the run, and so does what can't be stopped
        self.is_nested = False  # whether its loop has another run's nodes, too
        self.stuck: list[str] = []  # nodes whose function could not be stopped
        self.error: NodeError | None = None
        self.suspension: NodeSuspended | None = None
        self._fault: Fault | None = None
        self.telling = Telling(context.job_id, sink, first_seq)
        self._actors: list[Actor | None] = [None] * len(plan.nodes)
        self._has_ended = bytearray(len(plan.nodes))
        self._unfinished = len(plan.nodes)
        self._waiting = [len(node.incoming) for node in plan.nodes]
        """For nodes that fire once: how many of their edges have not ended."""
        self._values: list[dict[str, Any] | None] = [None] * len(plan.nodes)
        self._ready: deque[Actor | PlanNode] = deque()
        self._sources: Iterator[PlanNode] = iter([node for node in plan.nodes if not node.incoming])
        self._lanes: set[asyncio.Task[None]] = set()
        self._standby: asyncio.Task[None] | None = None
        self.lane_goes_on = False
        """Whether what becomes ready now is run by the lane that makes it so: none has to stand by for it."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._variables: Context
        """Context variables as they were at the start: each lane begins with them."""
        self.inline: Interruptible | None = None  # a blocking function on the loop's own thread
        self._wake: asyncio.Event = asyncio.Event()
        self._started = monotonic()

    @property
    def is_ending(self) -> bool:
        """Whether nodes should stop: the run is cancelled, or another node has failed."""
        return self.is_cancelling or self.error is not None or self.suspension is not None

    # --- life -------------------------------------------------------------------------------------

    async def main(self) -> Outcome:
        self._loop = asyncio.get_running_loop()
        self._variables = copy_context()
        self.telling.start(self._loop)
        self._started = monotonic()
        self.feeds.listen(self.plan.fed, self._loop, self._step_fed)
        self.telling.emit(
            JobUpdate(status="running", run_state={"outputs": self.plan.outputs}, timestamp=time())
        )
        start_capture()
        try:
            await self._until_ended()
        except asyncio.CancelledError:
            self.is_cancelling = True  # whoever awaits this run gives it up
            raise
        finally:
            try:
                if self.is_ending:
                    await self._end_lanes()
            finally:
                stop_capture()
                self.parking.check_stall = lambda: None  # without the cycle a run is freed at its end
                outcome = self._outcome()
                self.tell_end(outcome)
        return outcome

    async def _until_ended(self) -> None:
        """Until all nodes have ended, one has failed, or the run is cancelled."""
        if self._unfinished and not self.is_cancelling:
            self._start_next_source()
            await self._wake.wait()

    async def _end_lanes(self) -> None:
        """Cancel what still runs; a node that goes on is told again, a few times until the grace is over."""
        self._ready.clear()
        running = {lane for lane in self._lanes if not lane.done()}
        for _ in range(INSISTENCE if running else 0):
            for lane in running:
                lane.cancel()
            _, running = await asyncio.wait(running, timeout=self.grace / INSISTENCE)
            if not running:
                return
        # a lane waiting for a stuck thread gives it up itself at the end of the same grace
        if running:
            _, running = await asyncio.wait(running, timeout=0.5)
        self.stuck += filter(None, map(node_in, running))

    def given_up(self, grace: float) -> Outcome:
        """The outcome, if what runs is not waited for any longer."""
        self.stuck += filter(None, map(node_in, list(self._lanes)))
        self.grace = grace
        return self._outcome()

    def _outcome(self) -> Outcome:
        fault = self._fault if self.error is None else fault_of(self.error)
        if self.stuck and self.is_ending and not self.is_mortal:
            names = ", ".join(sorted(set(self.stuck)))
            fault = uncancellable(fault, f"node {names}", self.grace)
        if fault is not None:
            return Outcome("failed", self.outputs, self.error, fault)
        if self.suspension is not None and not self.is_cancelling:
            return Outcome("suspended", self.outputs, message=self.suspension.reason)
        return Outcome("cancelled" if self.is_cancelling else "completed", self.outputs)

    def tell_end(self, outcome: Outcome) -> None:
        if self.keeper is not None:
            self.keeper.close(is_completed=outcome.status == "completed")
        self.telling.tell_last(outcome.update(monotonic() - self._started))
        self.feeds.close()

    def cancel(self, fault: Fault | None) -> None:
        if self.is_cancelling:
            return
        self._fault = fault
        self.is_cancelling = True
        inline, loop = self.inline, self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._wake.set)
        if inline is not None and not inline.is_here():  # a node that cancels its own job ends by itself
            inline.interrupt()

    # --- lanes ------------------------------------------------------------------------------------

    def _start_next_source(self) -> None:
        """Sources start one by one, as the lanes get to them: what runs stays small, however many."""
        for node in self._sources:
            if node.fires_once:
                self._make_ready(node)
                return
            if (actor := self.actor_of(node)) is not None and not actor.is_scheduled:
                self.schedule(actor)
                return

    def _step_fed(self, node: PlanNode) -> None:
        """Something has been pushed to a node."""
        actor = None if self.is_ending else self.actor_of(node)
        if actor is not None and not actor.is_scheduled:
            self.schedule(actor)

    def actor_of(self, node: PlanNode) -> Actor | None:
        """The actor of a node, made when it is first needed; None once the node has ended."""
        actor = self._actors[node.index]
        if actor is None and not self._has_ended[node.index]:
            actor = self._actors[node.index] = Actor(node, self)
        return actor

    def schedule(self, actor: Actor) -> None:
        """Have an actor stepped; called on the loop."""
        actor.is_scheduled = True
        self._make_ready(actor)

    def _make_ready(self, item: Actor | PlanNode) -> None:
        self._ready.append(item)
        if self._standby is None and not self.lane_goes_on:
            self._stand_by()

    def deliver(self, edge: PlanEdge, value: Any) -> Inbox | None:
        """Lay a value ready at the end of an edge; gives the inbox that took it, if the node has one."""
        node = edge.target
        if node.fires_once:
            values = self._values[node.index] = self._values[node.index] or {}
            values[edge.target_handle] = value
            return None
        actor = self._actors[node.index] or self.actor_of(node)
        if actor is None:
            return None
        actor.inbox.push(edge.target_handle, value)
        if not actor.is_scheduled:
            self.schedule(actor)
        return actor.inbox

    def is_read(self, source: PlanNode) -> bool:
        """Whether a node is left that takes what this one sends."""
        edges = chain.from_iterable(source.outgoing.values())
        return any(not self._has_ended[edge.target.index] for edge in edges)

    def end_edges(self, source: PlanNode, last: Mapping[str, Any] = NOTHING) -> None:
        """A node will send no more than these last values by handle."""
        for handle, edges in source.outgoing.items():
            for edge in edges:
                node = edge.target
                if not node.fires_once:
                    self._end_edge(edge, handle, last)
                    continue
                index = node.index
                if handle in last:  # as deliver does it: nearly all values of large graphs come by here
                    values = self._values[index] = self._values[index] or {}
                    values[edge.target_handle] = last[handle]
                left = self._waiting[index] = self._waiting[index] - 1
                if not left:
                    self._make_ready(node)

    def _end_edge(self, edge: PlanEdge, handle: str, last: Mapping[str, Any]) -> None:
        if handle in last:
            self.deliver(edge, last[handle])
        if (actor := self.actor_of(edge.target)) is not None:
            actor.inbox.end(edge.target_handle)
            if not actor.is_scheduled:
                self.schedule(actor)

    def take_values(self, node: PlanNode) -> dict[str, Any]:
        """What has arrived for a node that fires once."""
        values, self._values[node.index] = self._values[node.index], None
        return {} if values is None else values

    def _stand_by(self) -> None:
        assert self._loop is not None
        lane = self._loop.create_task(self._lane(), context=self._variables.copy())
        self._standby = lane
        self._lanes.add(lane)
        lane.add_done_callback(self._lane_ended)

    async def _lane(self) -> None:
        self._standby = None
        ready = self._ready
        item: Actor | PlanNode | None = None
        try:
            for _ in range(STEPS):
                if not ready or self.is_ending:
                    return
                item = ready.popleft()
                if not ready:
                    self._start_next_source()
                elif self._standby is None:
                    self._stand_by()
                await (run_once(self, item) if isinstance(item, PlanNode) else item.step())
        except (NodeError, NodeSuspended) as error:
            self._fail(item, error)
        except (asyncio.CancelledError, NodeCancelled):
            return
        if ready and self._standby is None:
            self._stand_by()

    def _lane_ended(self, lane: asyncio.Task[None]) -> None:
        self._lanes.discard(lane)
        if not lane.cancelled() and (bug := lane.exception()) is not None:
            self._fail_on_bug(bug)
        self._relieve_stall()

    def is_alone(self) -> bool:
        """Whether nothing else could run while a node blocks the loop."""
        busy = len(self._lanes) - (self._standby is not None)
        return busy == 1 and not (self._ready or self.feeds.are_open or self.is_nested)

    def actor_ended(self, actor: Actor) -> None:
        self._actors[actor.node.index] = None
        self._has_ended[actor.node.index] = True
        self.node_ended()

    def node_ended(self) -> None:
        """Count a node's end; the last one ends the run."""
        self._unfinished -= 1
        if not self._unfinished:
            self._wake.set()
        self.telling.tell_if_many()

    def _fail(self, item: Actor | PlanNode | None, reason: NodeError | NodeSuspended) -> None:
        """A node has failed, or suspends the job; what comes first counts."""
        if self.is_ending or item is None:
            return
        reporter = Reporter(item, self) if isinstance(item, PlanNode) else item
        error = suspend(self, reporter, reason) if isinstance(reason, NodeSuspended) else reason
        if error is not None:
            self.error = error
            reporter.fail(error)
        self._wake.set()

    def _fail_on_bug(self, bug: BaseException) -> None:
        """An error outside of node code is ours; the job ends, and says so."""
        if self.error is None:
            self.error = engine_error(bug)
            self._wake.set()

    def _relieve_stall(self) -> None:
        """Where all nodes wait for one another, one of them gets more space."""
        busy = len(self._lanes) - (self._standby is not None)
        if not self._ready and self.parking.full and self.parking.parked >= busy:
            self.parking.relieve(is_fed=self.feeds.are_open)
