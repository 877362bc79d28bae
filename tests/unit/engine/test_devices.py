"""Nodes that need a GPU: one at a time on each, and never while they wait for one another."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from nodetool_jupyter.engine.context import ProcessingContext, Services
from nodetool_jupyter.engine.devices import Devices
from nodetool_jupyter.engine.function import NodeFunction, node
from nodetool_jupyter.model.resources import Resources
from tests.unit.engine.kinds import items
from tests.unit.engine.support import Bench, Nodes, Out, Ran, open_bench, plan

GPU = {"gpu": 1}


class Use:
    """How many nodes run at a time, and with which devices."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self.devices: set[tuple[str, ...]] = set()

    def enter(self, context: ProcessingContext) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
        self.devices.add(context.devices)

    def leave(self) -> None:
        self.now -= 1

    def kind(self, **options: Any) -> NodeFunction[..., Any]:
        """A node that takes some turns of the loop."""

        @node(**options)
        async def uses(value: Any, context: ProcessingContext) -> Any:
            self.enter(context)
            for _ in range(20):
                await asyncio.sleep(0)
            self.leave()
            return value

        return uses


@pytest.fixture
def use() -> Use:
    return Use()


def run(bench: Bench, nodes: Nodes, *edges: str, gpus: tuple[str, ...] = ("0",)) -> Ran:
    context = ProcessingContext(job_id="job", services=Services(gpus=gpus))
    return bench.run_plan(plan(nodes, *edges), context)


@pytest.mark.parametrize(("gpus", "resources", "most"), [
    (("0",), GPU, 1),
    (("0", "1"), GPU, 2),
    (("0", "1"), {"gpu": 2}, 1),
    (("0", "1"), {"gpu": "device=1"}, 1),
    (("0", "1"), {"gpu": "cuda:1"}, 1),
    ((), {"cpu": 0.1, "memory": "1m"}, 4),
])  # fmt: skip
def test_a_device_has_one_node_at_a_time(
    bench: Bench, use: Use, gpus: tuple[str, ...], resources: Any, most: int
) -> None:
    """However many could run; a node knows which it has."""
    kind = use.kind(resources=resources)
    ran = run(bench, {f"n{number}": (kind, {"value": number}) for number in range(4)}, gpus=gpus)
    assert (ran.status, use.most) == ("completed", most)
    assert {name for names in use.devices for name in names} <= set(gpus)
    if isinstance(resources.get("gpu"), str):
        assert use.devices == {("1",)}


def test_all_items_of_a_stream_are_taken_in_turn(bench: Bench, use: Use) -> None:
    """A chain of such nodes goes on, however long it is."""
    kind = use.kind(resources=GPU)
    nodes = {"s": (items, {"values": list(range(5))}), "a": kind, "b": kind, "o": Out}
    assert run(bench, nodes, "s > a.value", "a > b.value", "b > o.value").result == list(range(5))
    assert use.most == 1


def test_a_stream_between_two_of_them_does_not_deadlock(bench: Bench) -> None:
    """Who waits for space, or for the next item, holds nothing; and they never run at the same time."""
    use = Use()

    @node(resources=GPU)
    async def gives(context: ProcessingContext) -> AsyncIterator[int]:
        for number in range(300):
            use.enter(context)
            await asyncio.sleep(0)
            use.leave()
            yield number

    @node(resources=GPU)
    async def sums(values: AsyncIterator[int], context: ProcessingContext) -> int:
        total = 0
        async for value in values:
            use.enter(context)
            await asyncio.sleep(0)
            total += value
            use.leave()
        return total

    ran = run(bench, {"g": gives, "s": sums, "o": Out}, "g > s.values", "s > o.value")
    assert (ran.result, use.most, use.devices) == ([sum(range(300))], 1, {("0",)})


def test_blocking_functions_too(use: Use) -> None:
    """In threads of the pool."""

    @node(resources=GPU)
    def computes(value: int, context: ProcessingContext) -> int:
        use.enter(context)
        total = sum(range(20_000))
        use.leave()
        return total + value

    with open_bench(threads=4) as bench:
        ran = run(bench, {f"n{number}": (computes, {"value": number}) for number in range(6)})
    assert (ran.status, use.most) == ("completed", 1)


def test_a_time_limit_begins_with_the_device(bench: Bench) -> None:
    """Waiting for it isn't the node's fault."""

    @node(resources=GPU, timeout=1.0)
    async def takes_a_while(value: int) -> int:
        await asyncio.sleep(0.3)
        return value

    ran = run(bench, {f"n{number}": (takes_a_while, {"value": number}) for number in range(4)})
    assert ran.status == "completed", ran.outcome


def test_a_failed_or_cancelled_node_lets_go(bench: Bench) -> None:
    """The next job finds the device free."""

    @node(resources=GPU)
    async def fails() -> None:
        raise ValueError("no")

    @node(resources=GPU)
    async def hangs() -> None:
        print("here")
        await asyncio.Event().wait()

    @node(resources=GPU)
    async def works() -> int:
        return 1

    assert run(bench, {"f": fails}).status == "failed"
    assert run(bench, {"f": fails, "h": hangs}).status == "failed"
    assert run(bench, {"w": works, "o": Out}, "w > o.value").result == [1]


def test_without_a_device_it_fails(bench: Bench, use: Use) -> None:
    """Where nobody has looked before the start."""
    ran = run(bench, {"a": (use.kind(resources=GPU), {"value": 1})}, gpus=())
    assert "it needs 1 GPU, there are none here" in ran.message
    assert use.most == 0


@pytest.fixture
def elsewhere(temporary: Any) -> Iterator[int]:
    """A file that another process has locked: to the system, another open file is another process."""
    path = temporary / f"nodetool-{os.getuid()}-gpu-7"
    file = os.open(path, os.O_RDWR | os.O_CREAT)
    fcntl.flock(file, fcntl.LOCK_EX)
    yield file
    os.close(file)


async def _once() -> None:
    async with Devices(Resources(gpu=1), ("7",)).holding():
        pass


def test_other_processes_are_waited_for(elsewhere: int) -> None:
    """None of them is told: it is the file that says so."""

    async def both() -> list[str]:
        order = []
        waiting = asyncio.create_task(_once())
        done, _ = await asyncio.wait({waiting}, timeout=0.05)
        order.append("waited" if not done else "ran")
        fcntl.flock(elsewhere, fcntl.LOCK_UN)
        await asyncio.wait_for(waiting, 5)
        return order

    assert asyncio.run(both()) == ["waited"]
