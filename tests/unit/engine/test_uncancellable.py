"""A node that can't be stopped is given up after the grace and named, never called cancelled."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from nodetool_jupyter.engine.context import NodeCancelled
from nodetool_jupyter.engine.function import node
from nodetool_jupyter.errors import ErrorCode
from nodetool_jupyter.model.events import Event
from tests.support import wait_until
from tests.unit.engine.kinds import forever, items
from tests.unit.engine.stopping import Stops, printed
from tests.unit.engine.support import Bench, Out, Ran, bounded, open_bench


class TestUncancellable:
    """After the grace a node that goes on is given up, and said to be still running."""

    @pytest.fixture
    def bench(self) -> Iterator[Bench]:
        with open_bench(grace=0.2) as bench:
            yield bench

    def message(self, ran: Ran) -> str:
        assert ran.status == "failed"
        assert ran.outcome.fault is not None
        assert ran.outcome.fault.hint == "it ends with this process: restart the kernel"
        return ran.message

    def test_a_thread_that_waits_in_c(self, bench: Bench, stops: Stops) -> None:
        """Its place in the pool is taken by another; it ends when what it waits for comes."""
        ran = bench.run_and_cancel({"a": stops.stuck_thread(), "f": forever}, when=printed)
        assert self.message(ran) == "node a could not be stopped within 0.2 s and may still be running"
        assert ran.outcome.fault is not None
        assert ran.outcome.fault.code is ErrorCode.UNCANCELLABLE
        assert stops.notes == []
        stops.release.set()
        wait_until(lambda: stops.notes == ["stuck"])

    def test_its_pool_goes_on(self, stops: Stops) -> None:
        """The next job doesn't wait for the thread that is stuck."""

        @node
        def threads_name(value: int) -> str:
            return threading.current_thread().name

        with open_bench(threads=1, grace=0.1) as bench:
            bench.run_and_cancel({"a": stops.stuck_thread(), "f": forever}, when=printed)
            nodes = {"s": (items, {"values": [1, 2]}), "t": threads_name, "o": Out}
            ran = bench.run(nodes, "s > t.value", "t > o.value")
        assert (ran.status, len(ran.result)) == ("completed", 2)

    def test_a_coroutine_that_swallows_every_cancel(self, bench: Bench) -> None:
        """It is named too, though nothing but the loop keeps it."""
        done = threading.Event()

        @node
        async def deaf() -> None:
            print("on")
            while not done.is_set():
                try:
                    await asyncio.sleep(0.05)
                except asyncio.CancelledError:
                    continue

        ran = Ran([])

        def sink(events: list[Event]) -> None:
            ran.events.extend(events)
            if any(map(printed, events)):
                runner.cancel()
            if getattr(events[-1] if events else None, "status", "") == "failed":
                done.set()

        runner = bench.runner({"a": deaf, "f": forever}, ran=ran, sink=sink)
        ran.outcome = asyncio.run(bounded(runner.run()))
        assert self.message(ran).startswith("node a could not be stopped")

    # An interrupt that strikes in a finalizer or a weak reference's callback is lost, and Python says so.
    @pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
    def test_what_it_tells_afterwards_is_dropped(self, bench: Bench) -> None:
        """The terminal event stays the last, however much a stray thread prints."""
        go_on = threading.Event()
        go_on.set()
        turns = 0

        @node
        def chatty() -> None:
            nonlocal turns
            while True:
                try:
                    while go_on.is_set():
                        print("still here")
                        turns += 1
                    return
                except NodeCancelled:
                    continue

        try:
            ran = bench.run_and_cancel({"a": chatty, "f": forever}, when=printed)
            before = turns
            wait_until(lambda: turns > before + 1000, deadline=30)
        finally:
            go_on.clear()
        assert self.message(ran).startswith("node a")
        assert getattr(ran.events[-1], "type", "") == "job_update"

    def test_the_error_that_ended_the_job_stays_its_reason(self, bench: Bench, stops: Stops) -> None:
        """Of a node that failed beside one that is stuck, the failed one is the cause."""

        @node
        async def fails_when_on() -> None:
            await on.wait()
            raise ValueError("the cause")

        def sink(events: list[Event]) -> None:
            ran.events.extend(events)
            if any(map(printed, events)):
                on.set()

        ran = Ran([])
        on = asyncio.Event()
        runner = bench.runner({"a": stops.stuck_thread(), "b": fails_when_on}, ran=ran, sink=sink)
        ran.outcome = asyncio.run(bounded(runner.run()))
        assert self.message(ran) == (
            "node b (tests.unit.engine.test_uncancellable.fails_when_on): ValueError: the cause; "
            "node a could not be stopped within 0.2 s and may still be running"
        )
        assert ran.outcome.fault is not None
        assert (ran.outcome.fault.code, ran.outcome.fault.node_id) == (ErrorCode.NODE_ERROR, "b")
