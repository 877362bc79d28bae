"""Inputs that are fed while a run goes on: how they are declared, and that they are streams as any other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from nodetool_jupyter.engine.feeding import LIMIT, Feed, Feeds, InputEnded
from nodetool_jupyter.engine.function import node
from nodetool_jupyter.engine.parking import FED_LIMIT
from nodetool_jupyter.engine.resuming import keys_of
from nodetool_jupyter.engine.runner import WorkflowRunner
from tests.unit.engine.kinds import give, pair
from tests.unit.engine.support import (
    Bench,
    Input,
    Nodes,
    Out,
    Ran,
    bounded,
    check_events,
    open_bench,
    plan,
    problems,
)
from tests.unit.engine.test_dataflow import ZIP

FED = (Input, {"name": "x", "stream": True})
ZIPPED: Nodes = {"a": FED, "p": (pair, {}, ZIP), "o": Out}
Feeding = Callable[[Feeds, Ran], Any]
EDGES = ("a > p.a", "b > p.b", "p > o.value")


def run_fed(
    bench: Bench, nodes: Nodes, *edges: str, feed: Callable[[Feeds, Ran], Any], **options: Any
) -> Ran:
    """Run a graph while a coroutine feeds it."""
    ran, planned = Ran([]), plan(nodes, *edges, **options)
    feeds = Feeds(planned.fed)
    context = bench.runner(nodes, *edges, ran=Ran([]))._run.context
    runner = WorkflowRunner(planned, context, ran.events.extend, bench.pool, grace=bench.grace, feeds=feeds)

    async def run() -> None:
        feeding = asyncio.ensure_future(feed(feeds, ran))
        ran.outcome = await runner.run()
        await feeding

    asyncio.run(bounded(run()))
    check_events(ran.events)
    return ran


@pytest.fixture
def bench() -> Any:
    with open_bench() as bench:
        yield bench


def test_a_fed_stream_is_zipped_with_another(bench: Bench) -> None:
    async def feed(feeds: Feeds, _ran: Ran) -> None:
        for letter in "abc":
            await asyncio.sleep(0.001)
            feeds["x"].push(letter)
        feeds["x"].end()

    @node
    async def numbers() -> AsyncIterator[int]:
        for number in range(3):
            yield number

    ran = run_fed(bench, {**ZIPPED, "b": numbers}, *EDGES, feed=feed)
    assert [list(value) for value in ran.result] == [["a", 0], ["b", 1], ["c", 2]]


def test_a_fast_producer_waits_for_the_outside_in_bounded_memory(bench: Bench) -> None:
    """All nodes wait then, which is a stall only where nothing can come from outside any more."""
    made = 0

    @node
    async def fast() -> AsyncIterator[int]:
        nonlocal made
        for made in range(1, 10 * FED_LIMIT):
            yield made

    async def feed(feeds: Feeds, ran: Ran) -> None:
        before = -1
        while before < made or not made:
            before = made
            await asyncio.sleep(0.05)
        assert made <= 2 * FED_LIMIT
        feeds["x"].push("a")
        feeds["x"].end()

    ran = run_fed(bench, {**ZIPPED, "b": fast}, *EDGES, feed=feed)
    assert [list(value) for value in ran.result] == [["a", 1]]


def test_a_blocking_node_is_no_reason_not_to_take(bench: Bench) -> None:
    """It would run on the loop's own thread if nothing else could come."""
    seen: list[Any] = []

    @node
    def blocks() -> str:
        while len(seen) < 3:
            assert bench.pool is not None
        return "blocked"

    @node
    async def sees(value: Any) -> Any:
        seen.append(value)
        return value

    async def feed(feeds: Feeds, _ran: Ran) -> None:
        for number in range(3):
            feeds["x"].push(number)
            await asyncio.sleep(0.01)
        feeds["x"].end()

    nodes: Nodes = {"b": blocks, "ob": (Out, {"name": "b"}), "a": FED, "s": sees, "o": Out}
    ran = run_fed(bench, nodes, "b > ob.value", "a > s.value", "s > o.value", feed=feed)
    assert ran.result == [0, 1, 2]
    assert ran.outcome.outputs["b"] == ["blocked"]


@pytest.mark.parametrize("items", [[], [1], [1, 1, 1]])
def test_a_feed_that_was_full_before_the_run(bench: Bench, items: list[int]) -> None:
    async def feed(feeds: Feeds, _ran: Ran) -> None:
        for item in items:
            feeds["x"].push(item)
        feeds["x"].end()

    ran = run_fed(bench, {"a": FED, "o": Out}, "a > o.value", feed=feed, params={"x": 0})
    assert ran.result == [0, *items]


def test_a_feed_has_its_bounds() -> None:
    feed = Feed()
    for number in range(LIMIT):
        feed.push(number, 0)
    with pytest.raises(TimeoutError):
        feed.push(LIMIT, 0.01)
    feed.end()
    for call in (lambda: feed.push(1), feed.end):
        with pytest.raises(InputEnded):
            call()
    assert [feed.take() for _ in range(LIMIT)] == [{"value": number} for number in range(LIMIT)]
    assert feed.is_over


@pytest.mark.parametrize(
    ("data", "kind", "message"),
    [
        ({"name": "x", "stream": "yes"}, Input, "expected true or false, found str 'yes'"),
        ({"stream": True}, give, "has no property 'stream'"),
    ],
)
def test_only_an_input_is_a_stream(data: dict[str, Any], kind: Any, message: str) -> None:
    assert message in problems({"a": (kind, data), "o": Out}, "a > o.value")[0]


def test_what_is_no_stream_is_said_so() -> None:
    planned = plan({"a": (Input, {"name": "x", "stream": False}), "o": Out}, "a > o.value")
    assert planned.fed == ()
    assert planned.outputs == {"result": False}


def test_what_was_pushed_to_one_job_holds_for_no_other() -> None:
    """A result that came of it is not kept for a job that goes on from this one."""
    planned = plan({"a": FED, "o": Out}, "a > o.value")
    assert keys_of(planned, "one")["o"] != keys_of(planned, "other")["o"]
