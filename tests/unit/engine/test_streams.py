"""Streams: bounded inboxes, back-pressure, stalls that are relieved, generators that are closed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from nodetool_jupyter.engine.function import NodeFunction, node
from nodetool_jupyter.engine.inbox import LIMIT
from nodetool_jupyter.errors import InvalidGraph
from nodetool_jupyter.model.events import EdgeUpdate, NodeUpdate
from tests.unit.engine.kinds import (
    first_of,
    gathered,
    give,
    increased,
    items,
    later,
    pair,
    slow_items,
    thread_increased,
    thread_items,
)
from tests.unit.engine.support import Bench, Out, open_bench
from tests.unit.engine.test_dataflow import ZIP

MANY = 1000


class Ahead:
    """How far producers get ahead of consumers."""

    def __init__(self) -> None:
        self.made = 0
        self.most = 0

    def source(self) -> NodeFunction[..., Any]:
        @node
        async def source() -> AsyncIterator[int]:
            for number in range(MANY):
                self.made += 1
                yield number

        return source

    def thread_source(self) -> NodeFunction[..., Any]:
        @node
        def thread_source() -> Iterator[int]:
            for number in range(MANY):
                self.made += 1
                yield number

        return thread_source

    def see(self, number: int) -> None:
        self.most = max(self.most, self.made - number)

    def sink(self) -> NodeFunction[..., Any]:
        @node
        async def sink(value: int) -> None:
            self.see(value)
            await asyncio.sleep(0)

        return sink

    def thread_sink(self) -> NodeFunction[..., Any]:
        @node
        def thread_sink(value: int) -> None:
            self.see(value)

        return thread_sink

    def reader(self) -> NodeFunction[..., Any]:
        @node
        async def reader(values: AsyncIterator[int]) -> None:
            async for number in values:
                self.see(number)
                await asyncio.sleep(0)

        return reader


@pytest.mark.parametrize("source", ["source", "thread_source"])
@pytest.mark.parametrize(
    ("sink", "handle"), [("sink", "value"), ("thread_sink", "value"), ("reader", "values")]
)
def test_a_producer_waits_for_its_consumer(bench: Bench, source: str, sink: str, handle: str) -> None:
    """However long the stream, what waits between two nodes is bounded."""
    ahead = Ahead()
    kinds = {"s": getattr(ahead, source)(), "t": getattr(ahead, sink)()}
    assert bench.run(kinds, f"s > t.{handle}").status == "completed"
    assert (ahead.made, ahead.most <= 4 * LIMIT) == (MANY, True), ahead.most


def test_back_pressure_goes_up_a_chain(bench: Bench) -> None:
    """The slowest node at the end holds the source back, through all nodes between."""
    ahead = Ahead()
    nodes: dict[str, Any] = {"n0": ahead.source(), "end": ahead.reader()}
    nodes |= {f"n{number}": give for number in range(1, 5)}
    edges = [f"n{number} > n{number + 1}.value" for number in range(4)]
    bench.run(nodes, *edges, "n4 > end.values")
    assert ahead.most <= 6 * LIMIT, ahead.most


class TestStalls:
    """Where bounded inboxes would wait for one another for ever, the smallest grows."""

    def test_a_stream_beside_its_own_collection(self, bench: Bench) -> None:
        """The classic: nothing can be zipped before all is collected."""
        values = list(range(MANY))
        nodes = {"s": (items, {"values": values}), "c": gathered, "p": (pair, {}, ZIP), "o": Out}
        ran = bench.run(nodes, "s > c.values", "s > p.a", "c > p.b", "p > o.value")
        assert [one for one, _ in ran.result] == values
        assert all(whole == values for _, whole in ran.result)

    def test_in_threads(self, bench: Bench) -> None:
        """A thread that runs is no stall; one that waits for space is."""
        values = list(range(MANY))
        nodes = {"s": (thread_items, {"values": values}), "n": thread_increased, "c": gathered}
        nodes |= {"p": (pair, {}, ZIP), "o": Out}
        edges = ("s > n.value", "n > c.values", "s > p.a", "c > p.b", "p > o.value")
        assert [one for one, _ in bench.run(nodes, *edges).result] == values

    def test_a_reader_that_takes_one_stream_after_the_other(self, bench: Bench) -> None:
        """The other one waits, and is whole when its turn comes."""

        @node
        async def in_turn(a: AsyncIterator[int], b: AsyncIterator[int]) -> list[int]:
            return [value async for value in a] + [value async for value in b]

        values = list(range(MANY))
        nodes = {"s": (items, {"values": values}), "n": increased, "r": in_turn, "o": Out}
        ran = bench.run(nodes, "s > r.b", "s > n.value", "n > r.a", "r > o.value")
        assert ran.result == [[value + 1 for value in values] + values]

    def test_a_reader_keeps_the_stream_bounded_that_it_does_not_read(self, bench: Bench) -> None:
        """A full handle takes nothing from the space of another."""
        ahead = Ahead()
        read = 0

        @node
        async def first_a(a: AsyncIterator[int], b: AsyncIterator[int]) -> None:
            nonlocal read
            async for _ in a:
                read += 1
                assert ahead.made <= 2 * LIMIT
            async for number in b:
                ahead.see(number)

        nodes = {"a": (slow_items, {"values": list(range(MANY))}), "b": ahead.source(), "r": first_a}
        assert bench.run(nodes, "a > r.a", "b > r.b").status == "completed"
        assert (read, ahead.made, ahead.most <= 3 * LIMIT) == (MANY, MANY, True)

    def test_a_pool_of_one_thread(self) -> None:
        """A generator that waits to be taken from doesn't keep its thread from who takes."""
        with open_bench(threads=1) as bench:
            nodes = {"s": (thread_items, {"values": list(range(MANY))}), "n": thread_increased, "c": gathered}
            ran = bench.run({**nodes, "o": Out}, "s > n.value", "n > c.values", "c > o.value")
        assert ran.result == [list(range(1, MANY + 1))]


class TestEarlyEnd:
    """A consumer that ends before its stream does."""

    def test_the_other_consumers_get_all(self, bench: Bench) -> None:
        """One reader's end is not the stream's."""
        values = list(range(MANY))
        nodes = {"s": (items, {"values": values}), "f": first_of, "c": gathered, "o": Out}
        ran = bench.run(nodes, "s > f.values", "s > c.values", "c > o.value")
        assert ran.result == [values]

    @pytest.mark.parametrize("source", [items, thread_items])
    def test_it_ends_while_its_producer_waits_for_it(
        self, bench: Bench, source: NodeFunction[..., Any]
    ) -> None:
        """The producer is let go, rather than waiting for space for ever."""

        @node
        async def patient(values: AsyncIterator[int], go: int) -> int:
            return await anext(aiter(values))

        nodes = {
            "s": (source, {"values": list(range(MANY))}),
            "w": (later, {"value": 1, "turns": 500}),
            "p": patient,
            "o": Out,
        }
        ran = bench.run(nodes, "s > p.values", "w > p.go", "p > o.value")
        assert (ran.status, ran.result) == ("completed", [0])

    def test_it_ends_while_its_producer_waits_for_another(self, bench: Bench) -> None:
        """A full inbox of one that has gone holds up nobody, though some other node is busy all the time."""
        gone = asyncio.Event()
        done = asyncio.Event()

        @node
        async def busy() -> None:
            while not done.is_set():  # noqa: ASYNC110 - it keeps the loop busy on purpose
                await asyncio.sleep(0)

        @node
        async def leaves(values: AsyncIterator[int]) -> None:
            await asyncio.wait_for(full.wait(), 10)
            gone.set()

        @node
        async def stays(values: AsyncIterator[int]) -> int:
            await asyncio.wait_for(gone.wait(), 10)
            await later(None, turns=10)
            count = len([value async for value in values])
            done.set()
            return count

        full = asyncio.Event()

        @node
        async def source() -> AsyncIterator[int]:
            for number in range(MANY):
                if number == LIMIT - 1:
                    full.set()
                yield number

        nodes = {"b": busy, "s": source, "x": stays, "y": leaves, "o": Out}
        assert bench.run(nodes, "s > x.values", "s > y.values", "x > o.value").result == [MANY]

    def test_it_fails(self, bench: Bench) -> None:
        """The job fails by its error, and its producer, endless as it is, is stopped."""

        @node
        async def endless() -> AsyncIterator[int]:
            while True:
                yield 1

        @node
        async def breaks(values: AsyncIterator[int]) -> None:
            async for _ in values:
                raise ValueError("enough")

        ran = bench.run({"s": endless, "b": breaks}, "s > b.values")
        assert (ran.status, ran.message) == (
            "failed",
            "node b (tests.unit.engine.test_streams.breaks): ValueError: enough",
        )


class TestClosing:
    """A generator that isn't run to its end is closed, and the end of the job waits for that."""

    @pytest.fixture
    def closed(self) -> list[str]:
        return []

    def kinds(self, closed: list[str]) -> dict[str, NodeFunction[..., Any]]:
        @node
        async def on_loop() -> AsyncIterator[int]:
            try:
                while True:
                    yield 1
                    await asyncio.sleep(0)
            finally:
                await asyncio.sleep(0)
                closed.append("loop")

        @node
        def in_thread() -> Iterator[int]:
            try:
                while True:
                    yield 1
            finally:
                closed.append(threading.current_thread().name)

        return {"loop": on_loop, "thread": in_thread}

    @pytest.mark.parametrize(("kind", "where"), [("loop", "loop"), ("thread", "nodetool-pool")])
    def test_when_the_job_is_cancelled(self, bench: Bench, closed: list[str], kind: str, where: str) -> None:
        """Its finally blocks run, in its own thread."""
        nodes = {"s": self.kinds(closed)[kind], "n": give, "o": Out}
        ran = bench.run_and_cancel(
            nodes, "s > n.value", "n > o.value", when=lambda event: event.type == "output_update"
        )
        assert (ran.status, closed) == ("cancelled", [where])

    @pytest.mark.parametrize(("kind", "where"), [("loop", "loop"), ("thread", "nodetool-pool")])
    def test_when_another_node_fails(self, bench: Bench, closed: list[str], kind: str, where: str) -> None:
        """Fail fast ends it likewise."""

        @node
        async def breaks(value: int) -> None:
            raise ValueError("no")

        ran = bench.run({"s": self.kinds(closed)[kind], "b": breaks}, "s > b.value")
        assert (ran.status, closed) == ("failed", [where])

    @pytest.mark.parametrize("kind", ["loop", "thread"])
    def test_a_generator_that_fails_has_sent_what_it_made(self, bench: Bench, kind: str) -> None:
        """Its items before the error arrive, in both kinds of generator."""

        @node
        async def on_loop() -> AsyncIterator[int]:
            yield 1
            raise ValueError("no more")

        @node
        def in_thread() -> Iterator[int]:
            yield 1
            raise ValueError("no more")

        source = {"loop": on_loop, "thread": in_thread}[kind]
        ran = bench.run({"s": source, "n": (slow_items, {}), "c": gathered}, "s > n.values", "n > c.values")
        assert ran.message.endswith("ValueError: no more")
        assert [event.status for event in ran.of(NodeUpdate) if event.node_id == "s"] == ["running", "error"]


class TestCounters:
    """What is told of a stream's edges."""

    def counters(self, events: list[EdgeUpdate]) -> dict[str, list[tuple[str, int]]]:
        found: dict[str, list[tuple[str, int]]] = {}
        for event in events:
            found.setdefault(event.edge_id, []).append((event.status, event.counter or 0))
        return found

    def test_counts_rise_and_the_last_is_the_length(self, bench: Bench) -> None:
        """They are coalesced, but the end is told, once for each edge."""
        nodes = {"s": (items, {"values": list(range(MANY))}), "n": increased, "c": gathered, "o": Out}
        edges = ("s > n.value", "n > c.values", "c > o.value")
        counters = self.counters(bench.run(nodes, *edges).of(EdgeUpdate))
        assert set(counters) == {"s > n.value", "n > c.values"}
        for told in counters.values():
            numbers = [number for _, number in told]
            assert numbers == sorted(numbers)
            assert told[-1] == ("drained", MANY)
            assert [status for status, _ in told].count("drained") == 1
            assert len(told) < MANY / 10

    def test_single_values_are_not_counted(self, bench: Bench) -> None:
        """An edge that carries one value needs no counter: thousands of them would tell nothing else."""
        ran = bench.run({"a": (give, {"value": 1}), "b": increased}, "a > b.value")
        assert not ran.of(EdgeUpdate)


def test_streams_of_several_kinds_at_once(bench: Bench) -> None:
    """Loop and threads mixed, in one graph: every item arrives once."""
    nodes: dict[str, Any] = {"c": gathered, "o": Out}
    edges = ["c > o.value"]
    sources: list[Callable[..., Any]] = [items, thread_items, slow_items]
    for number in range(9):
        values = list(range(number * 100, number * 100 + 100))
        nodes[f"s{number}"] = (sources[number % 3], {"values": values})
        nodes[f"n{number}"] = thread_increased if number % 2 else increased
        edges += [f"s{number} > n{number}.value", f"n{number} > c.values"]
    [result] = bench.run(nodes, *edges).result
    assert sorted(result) == list(range(1, 901))


def test_a_stream_for_a_plain_input_beside_one_that_is_read_is_refused(bench: Bench) -> None:
    """Which of its values counted would be chance."""

    @node
    async def reads(values: AsyncIterator[int], factor: int) -> list[int]:
        return [value * factor async for value in values]

    nodes = {"a": (items, {"values": [1, 2]}), "b": (items, {"values": [3, 4]}), "r": reads}
    with pytest.raises(InvalidGraph, match="several values may come from node b") as caught:
        bench.run(nodes, "a > r.values", "b > r.factor")
    assert [(problem.node_id, problem.handle) for problem in caught.value.problems] == [("r", "factor")]
