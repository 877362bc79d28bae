"""Cancelling stops every node, whatever it does, and gives it time to clean up; so does the first error."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest

from nodetool_jupyter.engine.context import NodeCancelled
from nodetool_jupyter.engine.function import node
from nodetool_jupyter.errors import ErrorCode
from nodetool_jupyter.model.events import Event, Fault
from tests.unit.engine.kinds import failing, forever, gathered, give, increased, slow_items
from tests.unit.engine.stopping import Stops, all_printed, printed
from tests.unit.engine.support import Bench, Out, Ran, bounded, open_bench


def running(node_id: str) -> Any:
    """When the node has begun."""
    return lambda event: getattr(event, "node_id", "") == node_id and event.type == "node_update"


class TestEveryNodeStops:
    """The job's end is told when the last of its nodes has ended."""

    @pytest.mark.parametrize("kind", ["coroutine", "busy_thread", "careful_thread"])
    @pytest.mark.parametrize("others", [0, 2])
    def test_each_kind(self, bench: Bench, stops: Stops, kind: str, others: int) -> None:
        """By itself, where it runs right on the loop's thread, and beside others, where it has its own."""
        nodes: dict[str, Any] = {"a": getattr(stops, kind)()}
        nodes |= {f"other{number}": forever for number in range(others)}
        ran = Ran([])
        told = threading.Event()

        def sink(events: list[Event]) -> None:
            ran.events.extend(events)
            if any(map(printed, events)):
                told.set()

        runner = bench.runner(nodes, ran=ran, sink=sink)

        def cancel() -> None:
            while not told.wait(0.01):
                runner.pulse()
            runner.cancel()

        thread = threading.Thread(target=cancel)
        thread.start()
        outcome = asyncio.run(bounded(runner.run()))
        thread.join()
        assert (outcome.status, outcome.error, outcome.fault) == ("cancelled", None, None)
        assert stops.notes == [kind.removesuffix("_thread").replace("busy", "thread")]

    def test_nodes_in_all_places(self, bench: Bench, stops: Stops) -> None:
        """Waiting on the loop, in a thread, for space, for input and for a thread, all at once."""

        @node
        async def endless() -> AsyncIterator[int]:
            while True:
                yield 1

        @node
        async def holds(values: AsyncIterator[int]) -> None:
            await asyncio.Event().wait()

        nodes = {
            "c": stops.coroutine(),
            "t": stops.busy_thread(),
            "s": endless,
            "h": holds,
            "f": forever,
            "after": gathered,
        }
        ran = bench.run_and_cancel(nodes, "s > h.values", "f > after.values", when=all_printed("c", "t"))
        assert (ran.status, sorted(set(stops.notes))) == ("cancelled", ["coroutine", "thread"])

    def test_a_call_that_waits_for_its_thread_never_runs(self, stops: Stops) -> None:
        """It is taken out of the queue."""
        with open_bench(threads=1) as bench:
            nodes = {"a": stops.busy_thread(), "b": stops.busy_thread(), "f": forever}
            ran = bench.run_and_cancel(nodes, when=printed)
        assert (ran.status, stops.notes) == ("cancelled", ["thread"])

    def test_before_it_starts(self, bench: Bench, stops: Stops) -> None:
        """No code of a node has run."""
        ran = Ran([])
        runner = bench.runner({"a": stops.coroutine()}, ran=ran)
        runner.cancel()
        assert asyncio.run(runner.run()).status == "cancelled"
        assert (stops.notes, [event.type for event in ran.events]) == ([], ["job_update", "job_update"])

    def test_after_its_end(self, bench: Bench) -> None:
        """Nothing happens any more."""
        ran = Ran([])
        runner = bench.runner({"a": give}, ran=ran)
        assert asyncio.run(runner.run()).status == "completed"
        count = len(ran.events)
        runner.cancel()
        runner.pulse()
        assert len(ran.events) == count

    def test_often_and_from_many_threads(self, bench: Bench, stops: Stops) -> None:
        """One end, told once."""
        ran = Ran([])

        def sink(events: list[Event]) -> None:
            ran.events.extend(events)
            if any(map(printed, events)):
                for thread in threads:
                    thread.start()

        runner = bench.runner({"a": stops.coroutine(), "f": forever}, ran=ran, sink=sink)
        threads = [threading.Thread(target=runner.cancel) for _ in range(8)]
        outcome = asyncio.run(bounded(runner.run()))
        for thread in threads:
            thread.join()
        assert outcome.status == "cancelled"
        assert [event.seq for event in ran.events] == list(range(1, len(ran.events) + 1))

    def test_with_a_reason_it_has_failed(self, bench: Bench) -> None:
        """A time limit or a lost store ends a job like a cancel, but as failed."""
        ran = Ran([])
        fault = Fault(code=ErrorCode.TIMED_OUT, message="too slow")

        def sink(events: list[Event]) -> None:
            ran.events.extend(events)
            if any(map(running("f"), events)):
                runner.cancel(fault)
                runner.cancel()

        runner = bench.runner({"f": forever}, ran=ran, sink=sink)
        outcome = asyncio.run(bounded(runner.run()))
        assert (outcome.status, outcome.fault) == ("failed", fault)

    def test_whoever_awaits_the_run_gives_it_up(self, bench: Bench, stops: Stops) -> None:
        """Then too its nodes are stopped and its end is told."""
        ran = Ran([])
        begun = asyncio.Event()
        both = all_printed("a", "b")

        def sink(events: list[Event]) -> None:
            ran.events.extend(events)
            if any(map(both, events)):
                begun.set()

        async def main() -> None:
            task = asyncio.ensure_future(runner.run())
            await begun.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        runner = bench.runner({"a": stops.coroutine(), "b": stops.busy_thread()}, ran=ran, sink=sink)
        asyncio.run(bounded(main()))
        assert sorted(stops.notes) == ["coroutine", "thread"]
        assert getattr(ran.events[-1], "status", "") == "cancelled"


class TestCleaningUp:
    """A node that is told to stop may take its time for what must be done."""

    def test_a_coroutine_may_await_in_its_finally(self, bench: Bench) -> None:
        """It is not cancelled again right away."""
        notes: list[str] = []

        @node
        async def careful() -> None:
            try:
                print("on")
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0.2)
                notes.append("cleaned up")

        assert bench.run_and_cancel({"a": careful}, when=printed).status == "cancelled"
        assert notes == ["cleaned up"]

    def test_one_that_takes_no_notice_is_told_again(self, bench: Bench) -> None:
        """A loop that swallows one cancel ends with the next."""
        swallowed = 0

        @node
        async def stubborn() -> None:
            nonlocal swallowed
            print("on")
            while swallowed < 2:
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    swallowed += 1

        assert bench.run_and_cancel({"a": stubborn}, when=printed).status == "cancelled"
        assert swallowed == 2

    def test_so_is_a_thread(self, bench: Bench) -> None:
        """Its interrupt too may be swallowed once."""
        swallowed = 0

        @node
        def stubborn() -> None:
            nonlocal swallowed
            print("on")
            while swallowed < 2:
                try:
                    while True:
                        sum(range(100))
                except NodeCancelled:
                    swallowed += 1

        assert bench.run_and_cancel({"a": stubborn, "f": forever}, when=printed).status == "cancelled"
        assert swallowed == 2

    def test_what_it_raises_then_is_no_failure(self, bench: Bench) -> None:
        """The job was cancelled: an error on the way out doesn't change that."""

        @node
        async def angry() -> None:
            try:
                print("on")
                await asyncio.Event().wait()
            finally:
                raise ValueError("in the middle of it")

        ran = bench.run_and_cancel({"a": angry, "b": forever}, when=printed)
        assert (ran.status, ran.outcome.error, ran.node_states("a")) == ("cancelled", None, ["running"])


class TestFailFast:
    """The first error ends the other branches at once."""

    def test_a_failing_node_beside_one_that_waits(self, bench: Bench, stops: Stops) -> None:
        """One error, one end; what waited has been stopped."""
        nodes = {"a": stops.coroutine(), "t": stops.busy_thread(), "f": failing, "n": give}
        ran = bench.run(nodes, "f > n.value")
        assert (ran.status, ran.node_states("f")) == ("failed", ["running", "error"])
        assert ran.outcome.error is not None
        assert ran.outcome.error.node_id == "f"
        assert set(stops.notes) <= {"coroutine", "thread"}

    def test_two_that_fail(self, bench: Bench) -> None:
        """The first is the error; the second is not told."""
        ran = bench.run({"a": failing, "b": failing})
        assert ran.outcome.error is not None
        assert ran.outcome.error.node_id == "a"
        assert ran.node_states("b") in ([], ["running"])

    def test_sources_that_have_not_started_do_not(self, bench: Bench) -> None:
        """Of many sources none starts after the error."""
        nodes = {"f": failing, **{f"n{number}": (increased, {"value": 1}) for number in range(100)}}
        ran = bench.run(nodes)
        assert len([event for event in ran.events if event.type == "node_update"]) < 10

    def test_outputs_so_far_are_kept(self, bench: Bench) -> None:
        """What the output nodes had got is there, in the failed job too."""

        @node
        async def breaks_at_three(value: int) -> int:
            if value == 3:
                raise ValueError("three")
            return value

        nodes = {"s": (slow_items, {"values": [1, 2, 3, 4]}), "b": breaks_at_three, "o": Out}
        ran = bench.run(nodes, "s > b.value", "b > o.value")
        assert (ran.status, ran.result) == ("failed", [1, 2])
