"""Whatever a node raises is an error of that node; loop, threads and other jobs are untouched."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, TypedDict

import pytest

from nodetool_jupyter.engine.failure import MAX_REASON, MAX_TRACEBACK
from nodetool_jupyter.engine.function import NodeFunction, node
from nodetool_jupyter.errors import ErrorCode, NodeError, NodeToolError
from nodetool_jupyter.model.events import LogUpdate, OutputUpdate, decode_event, encode_events
from tests.unit.engine.kinds import give, increased
from tests.unit.engine.support import Bench, Out, Ran


class Hostile(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no")


class NoText(Exception):
    def __str__(self) -> str:
        return 5  # type: ignore[return-value]  # noqa: PLE0307 - broken on purpose


class Own(BaseException):
    """Not an Exception."""


class Parts(TypedDict):
    a: int


def recurse() -> None:
    recurse()


def coroutine(raises: Callable[[], Any]) -> NodeFunction[..., Any]:
    @node
    async def raising() -> None:
        raises()

    return raising


def function(raises: Callable[[], Any]) -> NodeFunction[..., Any]:
    @node
    def raising() -> None:
        raises()

    return raising


def async_generator(raises: Callable[[], Any]) -> NodeFunction[..., Any]:
    @node
    async def raising() -> AsyncIterator[int]:
        raises()
        yield 1

    return raising


def generator(raises: Callable[[], Any]) -> NodeFunction[..., Any]:
    @node
    def raising() -> Iterator[int]:
        raises()
        yield 1

    return raising


def throws(error: BaseException) -> Callable[[], Any]:
    def raises() -> None:
        raise error

    return raises


SHAPES = [coroutine, function, async_generator, generator]
ERRORS: dict[str, tuple[Callable[[], Any], str, ErrorCode]] = {
    "plain": (throws(ValueError("bad value")), "ValueError: bad value", ErrorCode.NODE_ERROR),
    "without a message": (throws(KeyError()), "KeyError", ErrorCode.NODE_ERROR),
    "SystemExit": (throws(SystemExit(3)), "SystemExit: 3", ErrorCode.NODE_EXIT),
    "sys.exit": (lambda: sys.exit("bye"), "SystemExit: bye", ErrorCode.NODE_EXIT),
    "KeyboardInterrupt": (throws(KeyboardInterrupt()), "KeyboardInterrupt", ErrorCode.NODE_EXIT),
    "GeneratorExit": (throws(GeneratorExit()), "GeneratorExit", ErrorCode.NODE_EXIT),
    "StopIteration": (throws(StopIteration(1)), "StopIteration", ErrorCode.NODE_ERROR),
    "StopAsyncIteration": (throws(StopAsyncIteration()), "StopAsyncIteration", ErrorCode.NODE_ERROR),
    "CancelledError": (throws(asyncio.CancelledError()), "the node cancelled itself", ErrorCode.NODE_EXIT),
    "TimeoutError": (throws(TimeoutError("slow")), "TimeoutError: slow", ErrorCode.NODE_ERROR),
    "RecursionError": (recurse, "RecursionError: maximum recursion", ErrorCode.NODE_ERROR),
    "MemoryError": (throws(MemoryError()), "MemoryError", ErrorCode.NODE_ERROR),
    "own BaseException": (throws(Own("mine")), "Own: mine", ErrorCode.NODE_ERROR),
    "broken str": (throws(Hostile()), "Hostile (its message can't be shown)", ErrorCode.NODE_ERROR),
    "str of no str": (throws(NoText()), "NoText (its message can't be shown)", ErrorCode.NODE_ERROR),
    "group": (throws(ExceptionGroup("two", [ValueError()])), "ExceptionGroup: two", ErrorCode.NODE_ERROR),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ERRORS)
@pytest.mark.parametrize("others", [0, 1])
def test_whatever_is_raised_is_the_error_of_its_node(
    bench: Bench, shape: Callable[..., NodeFunction[..., Any]], name: str, others: int
) -> None:
    """Of every kind, in every kind of function, on the loop's thread and in another."""
    raises, text, code = ERRORS[name]
    nodes: dict[str, Any] = {"bad": shape(raises)}
    nodes |= {f"give{number}": give for number in range(others)}
    ran = bench.run(nodes)
    assert ran.status == "failed"
    error = ran.outcome.error
    assert error is not None
    assert text in error.message, error.message
    assert error.message.startswith("node bad (tests.unit.engine.test_failure.raising): ")
    assert (error.node_id, error.code) == ("bad", code)
    assert ran.node_states("bad") == ["running", "error"]
    assert [decode_event(line).seq for line in encode_events(ran.events).splitlines()] == [
        event.seq for event in ran.events
    ]


def test_the_next_run_is_not_touched(bench: Bench) -> None:
    """Threads of the pool survive what a function in them raises."""
    for name in ("SystemExit", "KeyboardInterrupt", "own BaseException", "RecursionError"):
        bench.run({"bad": function(ERRORS[name][0]), "also": give})
    ran = bench.run({"a": (give, {"value": 1}), "b": increased, "o": Out}, "a > b.value", "b > o.value")
    assert ran.result == [2]


class TestWhatIsSaid:
    """The error as users and records get it."""

    def test_traceback_shows_the_user_s_own_line(self, bench: Bench) -> None:
        """The record has it too, so that it can be shown after a restart."""
        ran = bench.run({"bad": coroutine(throws(ValueError("here")))})
        assert ran.outcome.error is not None
        assert ran.outcome.error.details is not None
        assert "in raises" in ran.outcome.error.details
        assert ran.outcome.fault is not None
        assert ran.outcome.fault.traceback == ran.outcome.error.details

    def test_cause_is_the_exception_itself(self, bench: Bench) -> None:
        """In the same process one can look into it."""
        cause = ValueError("here")
        ran = bench.run({"bad": coroutine(throws(cause))})
        assert ran.outcome.error is not None
        assert ran.outcome.error.__cause__ is cause

    def test_message_and_traceback_are_bounded(self, bench: Bench) -> None:
        """An exception with a megabyte of text doesn't fill record, log and notebook."""
        ran = bench.run({"bad": coroutine(throws(ValueError("x" * 1_000_000)))})
        assert len(ran.message) < MAX_REASON + 200
        assert ran.outcome.fault is not None
        assert ran.outcome.fault.traceback is not None
        assert len(ran.outcome.fault.traceback) <= MAX_TRACEBACK + 1

    def test_an_error_of_ours_keeps_its_hint(self, bench: Bench) -> None:
        """What a node says on purpose is said in its words."""
        ran = bench.run({"bad": coroutine(throws(NodeToolError("no key", hint="set KEY")))})
        assert ran.message == "node bad (tests.unit.engine.test_failure.raising): no key"
        assert ran.outcome.fault is not None
        assert ran.outcome.fault.hint == "set KEY"

    def test_an_error_of_another_job_s_node_is_not_this_one_s(self, bench: Bench) -> None:
        """A node may run a workflow: when that fails, the node is what failed here."""
        inner = NodeError("node inner (x): broken", node_id="inner", job_id="other")
        ran = bench.run({"bad": coroutine(throws(inner))})
        assert ran.outcome.fault is not None
        assert ran.outcome.fault.node_id == "bad"
        assert "node inner (x): broken" in ran.message

    def test_lone_surrogates_in_a_message(self, bench: Bench) -> None:
        """They can't be written as they are, and the job ends all the same."""
        ran = bench.run({"bad": coroutine(throws(ValueError("\ud800")))})
        assert ran.status == "failed"
        assert decode_event(encode_events(ran.events).splitlines()[-1]).type == "job_update"


class TestResults:
    """Results that don't fit the node's outputs."""

    @pytest.mark.parametrize(
        ("result", "text"),
        [
            (None, "returned NoneType, expected a dict with a"),
            (5, "returned int, expected a dict with a"),
            ({"a": 1, "b": 2}, "gave a value for output 'b', which it doesn't have; it has a"),
        ],
    )
    def test_named_outputs(self, bench: Bench, result: Any, text: str) -> None:
        """A wrong handle is an error, not a value lost."""

        @node
        async def parts() -> Parts:
            return result  # type: ignore[no-any-return]

        assert text in bench.run({"p": parts}).message

    def test_an_output_may_be_left_out(self, bench: Bench) -> None:
        """Then nothing goes there."""

        @node
        async def parts() -> Parts:
            return {}  # type: ignore[typeddict-item]

        ran = bench.run({"p": parts, "n": give}, "p.a > n.value")
        assert (ran.status, ran.node_states("n")) == ("completed", [])

    def test_a_value_that_cannot_be_kept_is_there_all_the_same(self, bench: Bench) -> None:
        """The log says so; in this process the result is the object itself."""
        value = object()
        ran = bench.run({"g": (give, {"value": value}), "o": Out}, "g > o.value")
        assert (ran.status, ran.result) == ("completed", [value])
        [line] = ran.of(LogUpdate)
        assert (line.node_id, line.severity) == ("o", "warning")
        assert line.content.startswith("output result: value")
        assert line.content.endswith("it is there while this kernel lives")
        assert ran.of(OutputUpdate)[0].value["type"] == "unserializable"


class TestTasks:
    """asyncio's own tools inside of a node."""

    def run(self, bench: Bench, function: Callable[..., Any]) -> Ran:
        return bench.run({"a": node(function), "o": Out, "b": give}, "a > o.value")

    def test_timeout_inside_of_a_node(self, bench: Bench) -> None:
        """It ends what it is around, and nothing else."""

        async def timed() -> str:
            try:
                async with asyncio.timeout(0.01):
                    await asyncio.Event().wait()
            except TimeoutError:
                pass
            await asyncio.sleep(0)
            return "on time"

        assert self.run(bench, timed).result == ["on time"]

    def test_task_group_inside_of_a_node(self, bench: Bench) -> None:
        """Its tasks run, and an error of one cancels the others and is the node's."""

        async def double(value: int) -> int:
            await asyncio.sleep(0)
            if value > 2:
                raise ValueError(f"{value} is too much")
            return value * 2

        async def several(values: list[int]) -> list[int]:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(double(value)) for value in values]
            return [task.result() for task in tasks]

        kind = node(several)
        ran = bench.run({"a": (kind, {"values": [1, 2]}), "o": Out}, "a > o.value")
        assert ran.result == [[2, 4]]
        ran = bench.run({"a": (kind, {"values": [1, 3]}), "o": Out}, "a > o.value")
        assert "ExceptionGroup: unhandled errors in a TaskGroup" in ran.message
        assert ran.outcome.error is not None
        assert "3 is too much" in (ran.outcome.error.details or "")

    def test_cancelling_a_task_of_its_own(self, bench: Bench) -> None:
        """A node may cancel what it has started; that isn't the job's cancel."""

        async def cancels() -> str:
            task = asyncio.create_task(asyncio.sleep(60))
            await asyncio.sleep(0)
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                return "cancelled"
            return "not cancelled"

        assert self.run(bench, cancels).result == ["cancelled"]

    def test_a_cancelled_task_that_is_awaited(self, bench: Bench) -> None:
        """Its CancelledError is the node's error: the job fails, and does not hang or count as cancelled."""

        async def careless() -> None:
            task = asyncio.create_task(asyncio.sleep(60))
            await asyncio.sleep(0)
            task.cancel()
            await task

        ran = self.run(bench, careless)
        assert (ran.status, ran.message.endswith("the node cancelled itself")) == ("failed", True)
