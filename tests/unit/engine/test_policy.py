"""A node's own time limit and retries."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import AsyncIterator, Iterator
from time import monotonic
from typing import Any

import pytest

from nodetool_jupyter.engine.context import NodeCancelled
from nodetool_jupyter.engine.function import NodeFunction, node
from nodetool_jupyter.engine.retrying import pause_after
from nodetool_jupyter.errors import ErrorCode
from tests.unit.engine.kinds import forever, give, increased, items
from tests.unit.engine.support import Bench, Out, open_bench, problems

SHORT = 0.05


@node(timeout=SHORT)
async def waits() -> None:
    await asyncio.Event().wait()


@node(timeout=SHORT)
async def waits_in_a_stream() -> AsyncIterator[int]:
    yield 1
    await asyncio.Event().wait()


@node(timeout=SHORT)
def computes() -> None:
    while True:
        sum(range(100))


@node(timeout=SHORT)
def computes_in_a_stream() -> Iterator[int]:
    yield 1
    while True:
        sum(range(100))


@pytest.mark.parametrize("kind", [waits, waits_in_a_stream, computes, computes_in_a_stream])
@pytest.mark.parametrize("others", [{}, {"g": give}])
def test_a_node_over_its_time_limit_fails(
    bench: Bench, kind: NodeFunction[..., Any], others: dict[str, Any]
) -> None:
    """It is stopped, on the loop and in a thread, and its error says what the limit was."""
    ran = bench.run({"a": kind, **others})
    where = f"node a (tests.unit.engine.test_policy.{kind.__name__})"
    assert ran.message == f"{where}: took longer than its timeout of 0.05 s"
    assert ran.outcome.error is not None
    assert ran.outcome.error.code is ErrorCode.TIMED_OUT


def test_a_thread_that_cannot_be_stopped_is_given_up() -> None:
    """The node fails for its time limit, and the message says what may still be running."""
    release = threading.Event()

    @node(timeout=SHORT)
    def stuck() -> None:
        release.wait()

    with open_bench(grace=0.1) as bench:
        ran = bench.run({"a": stuck})
        release.set()
    assert "took longer than its timeout of 0.05 s; node a could not be stopped within 0.1 s" in ran.message


def test_within_the_limit_nothing_happens(bench: Bench) -> None:
    """A limit is for each firing, not for all of them."""

    @node(timeout=20)
    async def quick(value: int) -> int:
        await asyncio.sleep(0)
        return value

    nodes = {"s": (items, {"values": [1, 2]}), "q": quick, "o": Out}
    assert bench.run(nodes, "s > q.value", "q > o.value").result == [1, 2]


def test_a_timeout_that_the_node_raises_itself_is_its_own(bench: Bench) -> None:
    """TimeoutError within the limit is an error like any other."""

    @node(timeout=20)
    async def impatient() -> None:
        raise TimeoutError("the server is slow")

    ran = bench.run({"a": impatient})
    assert ran.message.endswith("TimeoutError: the server is slow")
    assert ran.outcome.error is not None
    assert ran.outcome.error.code is ErrorCode.NODE_ERROR


class TestRetries:
    """Tries after the first one."""

    def flaky(self, tries: list[str], failures: int, *, blocking: bool = False) -> NodeFunction[..., Any]:
        def attempt() -> int:
            tries.append(threading.current_thread().name)
            if len(tries) <= failures:
                raise OSError(f"failure {len(tries)}")
            return len(tries)

        @node(retries=2)
        async def on_loop() -> int:
            return attempt()

        @node(retries=2)
        def in_thread() -> int:
            return attempt()

        return in_thread if blocking else on_loop

    @pytest.mark.parametrize("blocking", [False, True])
    def test_a_node_may_succeed_later(self, bench: Bench, blocking: bool) -> None:
        """Each failure is a warning in its log; the node has run once, as far as its states go."""
        tries: list[str] = []
        ran = bench.run({"a": self.flaky(tries, 2, blocking=blocking), "o": Out}, "a > o.value")
        assert (ran.result, len(tries)) == ([3], 3)
        assert ran.node_states("a") == ["running", "completed"]
        name = "in_thread" if blocking else "on_loop"
        assert ran.lines("a") == [
            f"try {number} failed: node a (tests.unit.engine.test_policy.{name}): "
            f"OSError: failure {number}; trying again in about {number / 10} s"
            for number in (1, 2)
        ]

    def test_the_last_failure_is_the_error(self, bench: Bench) -> None:
        """After as many tries as it has."""
        tries: list[str] = []
        ran = bench.run({"a": self.flaky(tries, 9)})
        assert (len(tries), ran.message.endswith("OSError: failure 3")) == (3, True)

    def test_each_try_has_the_time_limit(self, bench: Bench) -> None:
        """A try that took too long is followed by the next."""
        tries = 0

        @node(timeout=SHORT, retries=1)
        async def slow_once() -> int:
            nonlocal tries
            tries += 1
            if tries == 1:
                await asyncio.Event().wait()
            return tries

        assert bench.run({"a": slow_once, "o": Out}, "a > o.value").result == [2]

    def test_each_firing_has_all_its_tries(self, bench: Bench) -> None:
        """Items of a stream fail each by itself."""
        seen: list[int] = []

        @node(retries=1)
        async def second_time(value: int) -> int:
            seen.append(value)
            if seen.count(value) == 1:
                raise ValueError("first")
            return value

        nodes = {"s": (items, {"values": [1, 2, 3]}), "t": second_time, "o": Out}
        assert bench.run(nodes, "s > t.value", "t > o.value").result == [1, 2, 3]

    def test_an_attempt_to_end_the_process_is_not_tried_again(self, bench: Bench) -> None:
        """sys.exit is no failure that could pass."""
        tries = 0

        @node(retries=5)
        async def leaves() -> None:
            nonlocal tries
            tries += 1
            raise SystemExit(1)

        assert bench.run({"a": leaves}).status == "failed"
        assert tries == 1

    def test_a_cancelled_node_is_not_tried_again(self, bench: Bench) -> None:
        """Neither on the loop nor in a thread."""
        tries: list[str] = []

        @node(retries=5)
        async def on_loop() -> None:
            tries.append("loop")
            print("on")
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                raise ValueError("in the way") from None

        @node(retries=5)
        def in_thread() -> None:
            tries.append("thread")
            try:
                while True:
                    sum(range(100))
            except NodeCancelled:
                raise ValueError("in the way") from None

        nodes = {"t": in_thread, "l": on_loop, "f": forever, "n": (increased, {"value": 1})}
        ran = bench.run_and_cancel(nodes, when=lambda event: event.type == "log_update")
        assert (ran.status, tries.count("loop"), tries.count("thread") <= 1) == ("cancelled", 1, True)


class TestPauses:
    """Between tries."""

    def test_they_double_to_a_bound(self) -> None:
        """So that what is overloaded is left alone for longer each time."""
        pauses = [pause_after(number) for number in range(12)]
        assert pauses[:4] == [0.1, 0.2, 0.4, 0.8]
        assert pauses[-1] == pause_after(2000) == 30

    def test_they_are_not_the_same_for_all(self, bench: Bench) -> None:
        """Nodes that failed together don't come back together; a user's own random numbers are left alone."""
        starts: dict[str, float] = {}

        @node(retries=1)
        async def once(name: str) -> None:
            if name not in starts:
                starts[name] = monotonic()
                raise OSError("down")
            starts[name] = monotonic() - starts[name]

        random.seed(1)
        expected = random.Random(1).random()
        bench.run({f"n{number}": (once, {"name": str(number)}) for number in range(8)})
        assert random.random() == expected
        assert all(0.07 < pause < 2 for pause in starts.values()), starts
        assert len({round(pause, 4) for pause in starts.values()}) > 4, starts

    def test_a_cancel_does_not_wait_for_them(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        """The node isn't tried again either."""
        monkeypatch.setattr("nodetool_jupyter.engine.retrying.LONGEST_PAUSE", 3600.0)
        monkeypatch.setattr("nodetool_jupyter.engine.retrying.FIRST_PAUSE", 3600.0)
        tries: list[float] = []

        @node(retries=100)
        async def fails() -> None:
            tries.append(monotonic())
            raise OSError("down")

        @node
        async def breaks() -> None:
            while not tries:  # noqa: ASYNC110 - the other node knows no event
                await asyncio.sleep(0.01)
            raise ValueError("broken")

        ran = bench.run({"f": fails, "b": breaks})
        assert "broken" in ran.message
        assert len(tries) == 1


class TestOfOneNode:
    """A graph node may have a policy of its own: in a file, beside its type."""

    @pytest.mark.parametrize("fields", [{"retries": 2}, {"retries": 2, "timeout": 5.0}])
    def test_it_is_in_place_of_its_types(self, bench: Bench, fields: dict[str, Any]) -> None:
        """Other nodes of the type keep to theirs."""
        tries: list[str] = []

        @node(retries=0)
        async def flaky(name: str) -> int:
            tries.append(name)
            if tries.count(name) < 3:
                raise OSError("down")
            return tries.count(name)

        own = (flaky, {"name": "a"}, fields)
        assert bench.run({"a": own, "o": Out}, "a > o.value").result == [3]
        assert bench.run({"a": own, "b": (flaky, {"name": "b"})}).status == "failed"

    def test_a_time_limit(self, bench: Bench) -> None:
        """Of a library's node, say."""
        ran = bench.run({"f": (forever, {}, {"timeout": SHORT})})
        assert "took longer than its timeout of 0.05 s" in ran.message

    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            ({"retries": -1}, "a node's retries are a whole number from 0 on; found int -1"),
            ({"timeout": "1"}, "a node's timeout is a number of seconds above 0, or None; found str '1'"),
            ({"resources": {"gpus": 1}}, "a node's resources are a dict of cpu, memory, gpu; found 'gpus'"),
            ({"cache": True}, "can't have cache=True"),
        ],
    )
    def test_what_it_can_not_be_is_a_problem(self, fields: dict[str, Any], message: str) -> None:
        """It names the node."""
        (problem,) = problems({"s": (items, {"values": []}, fields)})
        assert problem.startswith("node s: ")
        assert message in problem
