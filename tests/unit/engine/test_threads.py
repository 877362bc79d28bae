"""Threads for blocking functions: bounded, always interruptible, replaced when given up, ended when idle."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from contextvars import ContextVar
from typing import Any, TypeVar

import pytest

from nodetool_jupyter.engine.context import NodeCancelled
from nodetool_jupyter.engine.function import node
from nodetool_jupyter.engine.threads import Interruptible, ThreadPool
from tests.support import wait_until
from tests.unit.engine.kinds import give, items, pair, slow_items
from tests.unit.engine.support import Bench, Out, open_bench

T = TypeVar("T")


def called(pool: ThreadPool, function: Callable[[], T]) -> Future[T]:
    """The function's result, from a thread of the pool."""
    future: Future[T] = Future()
    pool.submit(lambda: future.set_result(function()))
    return future


def pool_threads() -> int:
    return sum(thread.name == "nodetool-pool" for thread in threading.enumerate())


@pytest.fixture
def pool() -> Iterator[ThreadPool]:
    pool = ThreadPool(2, idle_seconds=5)
    yield pool
    pool.close()


class TestPool:
    """The pool by itself."""

    def test_calls_beyond_its_size_wait_in_order(self, pool: ThreadPool) -> None:
        """No more threads than were allowed."""
        go_on = threading.Event()
        order: list[int] = []
        blocked = [called(pool, go_on.wait) for _ in range(2)]
        later = [called(pool, lambda number=number: order.append(number)) for number in range(20)]  # type: ignore[misc]
        assert (pool_threads(), order) == (2, [])
        go_on.set()
        for future in [*blocked, *later]:
            future.result(10)
        assert sorted(order) == list(range(20))

    def test_a_thread_is_used_again(self, pool: ThreadPool) -> None:
        """One call after the other needs one thread."""
        idents = set()
        for _ in range(20):
            idents.add(called(pool, threading.get_ident).result(10))
            wait_until(lambda: pool._idle == 1)
        assert len(idents) == 1

    def test_idle_threads_end(self) -> None:
        """Nothing stays behind when nothing is to be done, and the pool can be used again then."""
        pool = ThreadPool(4, idle_seconds=0.01)
        for _ in range(2):
            called(pool, threading.get_ident).result(10)
            wait_until(lambda: pool_threads() == 0)
        pool.close()

    def test_closing_ends_idle_threads_at_once(self, pool: ThreadPool) -> None:
        """And busy ones after their call."""
        go_on = threading.Event()
        future = called(pool, go_on.wait)
        called(pool, threading.get_ident).result(10)
        pool.close()
        wait_until(lambda: pool_threads() == 1)
        go_on.set()
        assert future.result(10)
        wait_until(lambda: pool_threads() == 0)

    def test_a_given_up_call_makes_room(self) -> None:
        """Its thread is replaced; when it comes back it ends, without being counted twice."""
        pool = ThreadPool(1, idle_seconds=5)
        stuck = threading.Event()
        task = pool.submit(lambda: bool(stuck.wait()))
        waiting = called(pool, threading.get_ident)
        pool.give_up(task)
        pool.give_up(task)
        assert waiting.result(10)
        stuck.set()
        wait_until(lambda: pool_threads() == 1)
        blocked = threading.Event()
        both = [called(pool, blocked.wait) for _ in range(2)]
        assert pool_threads() == 1
        blocked.set()
        assert [future.result(10) for future in both] == [True, True]
        pool.close()

    def test_giving_up_what_has_ended_changes_nothing(self, pool: ThreadPool) -> None:
        """The pool stays as large as it was."""
        task = pool.submit(lambda: None)
        wait_until(lambda: task.is_done)
        pool.give_up(task)
        go_on = threading.Event()
        futures = [called(pool, go_on.wait) for _ in range(3)]
        assert pool_threads() == 2
        go_on.set()
        for future in futures:
            future.result(10)

    def test_a_thread_that_waits_for_others_is_not_counted(self) -> None:
        """Another may take its place as long as it waits."""
        pool = ThreadPool(1, idle_seconds=5)
        inner: list[int] = []

        def outer() -> int:
            with pool.waiting():
                inner.append(called(pool, threading.get_ident).result(10))
            return threading.get_ident()

        assert called(pool, outer).result(10) != inner[0]
        pool.close()


class TestInterrupts:
    """A call may be interrupted before, while and after it runs: it, and nothing else."""

    def test_before_it_runs(self) -> None:
        """Then it never does."""
        ran: list[int] = []
        task = Interruptible(lambda: ran.append(1))
        task.interrupt()
        task.run()
        assert (ran, task.is_done) == ([], True)

    def test_after_it_ran(self) -> None:
        """The thread, which does something else by then, is left alone."""
        task = Interruptible(lambda: None)
        task.run()
        task.interrupt()
        assert sum(range(100_000)) > 0

    def test_while_it_runs(self, pool: ThreadPool) -> None:
        """It raises there, however deep in Python code it is."""
        begun = threading.Event()
        ended: Future[str] = Future()

        def endless() -> None:
            begun.set()
            try:
                while True:
                    sum(range(10))
            except NodeCancelled as error:
                ended.set_result(type(error).__name__)

        task = pool.submit(endless)
        assert begun.wait(10)
        task.interrupt()
        assert ended.result(10) == "NodeCancelled"

    def test_at_any_moment(self, pool: ThreadPool) -> None:
        """A storm of interrupts at random moments: each call ends, and none reaches the next one."""
        chance = random.Random(7)
        for _ in range(300):
            finished = threading.Event()
            task = pool.submit(lambda finished=finished: finished.set())  # type: ignore[misc]
            for _ in range(chance.randrange(200)):
                pass
            task.interrupt()
            wait_until(lambda task=task: task.is_done)  # type: ignore[misc]
            assert called(pool, lambda: sum(range(1000))).result(10) == 499_500


class TestFunctions:
    """Blocking functions in a run."""

    def test_they_run_beside_one_another(self, bench: Bench) -> None:
        """Two that wait for each other both go on."""
        barrier = threading.Barrier(2, timeout=10)

        @node
        def meets() -> int:
            return barrier.wait()

        nodes = {"a": meets, "b": meets, "o": Out, "p": Out}
        assert sorted(bench.run(nodes, "a > o.value", "b > p.value").result) == [0, 1]

    def test_the_loop_goes_on_meanwhile(self, bench: Bench) -> None:
        """A coroutine may finish what a function waits for."""
        met = threading.Event()

        @node
        def waits() -> bool:
            return met.wait(10)

        @node
        async def meets() -> None:
            met.set()

        assert bench.run({"a": waits, "b": meets, "o": Out}, "a > o.value").result == [True]

    def test_alone_no_thread_is_changed(self, bench: Bench) -> None:
        """Where only one node can run it runs right on the loop's thread."""

        @node
        def where(value: Any = None) -> bool:
            return threading.current_thread() is threading.main_thread()

        assert bench.run({"a": where, "b": where, "o": Out}, "a > b.value", "b > o.value").result == [True]
        assert pool_threads() == 0

    def test_context_variables(self, bench: Bench) -> None:
        """A function sees those that the run was started with; what it sets stays with it."""
        variable = ContextVar("variable", default="unset")

        @node
        def in_thread() -> str:
            found = variable.get()
            variable.set("thread")
            return found

        @node
        def stream() -> Iterator[str]:
            for number in range(3):
                yield variable.get()
                variable.set(str(number))

        variable.set("outside")
        nodes = {"a": in_thread, "b": in_thread, "s": stream, "g": (slow_items, {"values": [1, 2]})}
        nodes |= {"o": (Out, {"name": "o"}), "p": (Out, {"name": "o"}), "q": (Out, {"name": "s"})}
        ran = bench.run(nodes, "a > o.value", "b > p.value", "s > q.value")
        assert ran.outcome.outputs == {"o": ["outside", "outside"], "s": ["outside", "0", "1"]}
        alone = {"a": in_thread, "b": in_thread, "p": pair, "o": Out}
        assert bench.run(alone, "a > p.a", "b > p.b", "p > o.value").result == [["outside", "outside"]]
        assert variable.get() == "outside"

    def test_a_generator_stays_in_one_thread(self, bench: Bench) -> None:
        """What is bound to its thread, as a database's connection is, can be used all along."""

        @node
        def rows() -> Iterator[int]:
            database = sqlite3.connect(":memory:")
            database.execute("create table t (n integer)")
            database.executemany("insert into t values (?)", [(number,) for number in range(500)])
            for (number,) in database.execute("select n from t"):
                yield number
            database.close()

        ran = bench.run({"r": rows, "s": give, "o": Out}, "r > s.value", "s > o.value")
        assert ran.result == list(range(500))

    def test_more_functions_than_threads(self) -> None:
        """They take turns."""
        with open_bench(threads=2) as bench:

            @node
            def doubled(value: int) -> int:
                return value * 2

            nodes: dict[str, Any] = {f"n{number}": (doubled, {"value": number}) for number in range(50)}
            nodes |= {f"o{number}": Out for number in range(50)}
            ran = bench.run(nodes, *(f"n{number} > o{number}.value" for number in range(50)))
            assert pool_threads() <= 2
        assert sorted(ran.result) == [number * 2 for number in range(50)]

    def test_a_function_may_use_asyncio_of_its_own(self, bench: Bench) -> None:
        """In a thread of its own there is no loop that would be in its way."""

        @node
        def own_loop(value: int) -> int:
            async def later() -> int:
                await asyncio.sleep(0)
                return value

            return asyncio.run(later())

        nodes = {"s": (items, {"values": [1, 2]}), "l": own_loop, "o": Out}
        nodes["w"] = (slow_items, {"values": list(range(50))})
        assert bench.run(nodes, "s > l.value", "l > o.value").result == [1, 2]

    def test_alone_a_function_may_run_a_loop(self, bench: Bench) -> None:
        """It runs on the thread of the job's loop, which goes on with it afterwards."""

        @node
        def own_loop(value: int) -> bool:
            asyncio.run(asyncio.sleep(0))
            return threading.current_thread() is threading.main_thread()

        @node
        async def awaits(value: bool) -> bool:
            await asyncio.sleep(0)
            return value

        nodes = {"l": (own_loop, {"value": 1}), "a": awaits, "o": Out}
        assert bench.run(nodes, "l > a.value", "a > o.value").result == [True]


def test_interrupting_a_generator_that_waits_for_space(bench: Bench) -> None:
    """It ends too when the job is cancelled, and so does its thread."""

    @node
    def endless() -> Iterator[int]:
        while True:
            yield 1

    @node
    async def holds(value: int) -> None:
        print("on")
        await asyncio.Event().wait()

    ran = bench.run_and_cancel(
        {"e": endless, "h": holds}, "e > h.value", when=lambda event: event.type == "log_update"
    )
    assert ran.status == "cancelled"
    bench.pool.close()
    with suppress(AssertionError):
        wait_until(lambda: pool_threads() == 0)
    assert pool_threads() == 0


def test_a_profiler_works_after_calls_that_could_be_interrupted() -> None:
    """In a process of its own: nothing is left that has the interpreter look for an interrupt for good."""
    program = """
import sys
from nodetool_jupyter.engine.context import NodeCancelled
from nodetool_jupyter.engine.threads import Interruptible
Interruptible(lambda: None).run()
cut = Interruptible(lambda: cut.interrupt())
try:
    cut.run()
except NodeCancelled:
    pass
sys.setprofile(lambda *event: None)
print((lambda: "went on")())
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30)
    assert (ran.stdout, ran.stderr) == ("went on\n", "")
