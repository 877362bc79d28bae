"""Capturing beside others: redirects that begin and end meanwhile, and threads that nodes start."""

from __future__ import annotations

import asyncio
import contextlib
import io
import pickle
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

import cloudpickle
import pytest

from nodetool_jupyter.engine.capture import RUNNING, Router, start_capture, stop_capture
from nodetool_jupyter.engine.function import node
from tests.unit.engine.support import Bench


class TestRedirects:
    """A job in the background goes on while cells capture their own output."""

    def test_one_that_ends_meanwhile(self, bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
        """What the redirect puts back is routed."""
        redirect = contextlib.redirect_stdout(io.StringIO())

        @node
        async def prints() -> None:
            print("inside")
            redirect.__exit__(None, None, None)
            print("after")

        redirected = redirect.__enter__()
        ran = bench.run({"a": prints})
        assert ran.lines("a") == ["inside", "after"]
        assert (redirected.getvalue(), capsys.readouterr().out) == ("", "")

    def test_one_that_begins_meanwhile(self, bench: Bench) -> None:
        """The node's lines go to its log, others where the redirect says."""
        others: list[str] = []

        @node
        async def prints() -> None:
            with contextlib.redirect_stdout(io.StringIO()) as redirected:
                print("a node's")
                token = RUNNING.set(None)
                print("another's")
                RUNNING.reset(token)
            others.append(redirected.getvalue())
            print("after")

        assert bench.run({"a": prints}).lines("a") == ["a node's", "after"]
        assert others == ["another's\n"]

    def test_sys_is_itself_afterwards(self, bench: Bench) -> None:
        """And can be pickled meanwhile, as functions that use it are."""
        start_capture()
        assert pickle.loads(cloudpickle.dumps(sys)) is sys
        stop_capture()
        assert type(sys) is ModuleType
        assert not isinstance(sys.stdout, Router)

    def test_no_stream_at_all(self, bench: Bench) -> None:
        """Some programs set it to None."""
        start_capture()
        stream = sys.stdout
        sys.stdout = None
        assert sys.stdout is None
        sys.stdout = stream
        stop_capture()


@node
def in_thread() -> None:
    thread = threading.Thread(target=print, args=("thread",))
    thread.start()
    thread.join()


class Talker(threading.Thread):
    def run(self) -> None:
        print("subclass")


@node
async def in_subclass() -> None:
    thread = Talker()
    thread.start()
    await asyncio.to_thread(thread.join)


@node
def in_pool() -> None:
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(print, ["pool"] * 3))


@node
async def in_executor() -> None:
    await asyncio.get_running_loop().run_in_executor(None, print, "executor")


@node
def in_nested() -> None:
    thread = threading.Thread(target=in_thread.function)
    thread.start()
    thread.join()


class TestThreads:
    """Threads know the node that started them."""

    @pytest.mark.parametrize(
        ("kind", "lines"),
        [
            (in_thread, ["thread"]),
            (in_subclass, ["subclass"]),
            (in_pool, ["pool"] * 3),
            (in_executor, ["executor"]),
            (in_nested, ["thread"]),
        ],
    )
    def test_what_they_print_is_the_node_s(
        self, bench: Bench, capsys: pytest.CaptureFixture[str], kind: Any, lines: list[str]
    ) -> None:
        """However they are started."""
        assert bench.run({"a": kind}).lines("a") == lines
        assert capsys.readouterr().out == ""

    def test_a_pool_that_nodes_share(self, bench: Bench) -> None:
        """Each call prints for the node that made it, whoever had the thread started."""
        with ThreadPoolExecutor(1) as pool:

            @node
            def calls(name: str, before: Any = None) -> str:
                pool.submit(print, name).result()
                return name

            ran = bench.run({"a": (calls, {"name": "a"}), "b": (calls, {"name": "b"})}, "a > b.before")
        assert (ran.lines("a"), ran.lines("b")) == (["a"], ["b"])

    def test_other_threads_are_nobody_s(self, bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
        """Those that are started outside of nodes, and all once nobody captures."""
        start_capture()
        in_thread.function()
        stop_capture()
        in_thread.function()
        assert capsys.readouterr().out == "thread\n" * 2
        assert threading.Thread.start.__module__ == "threading"
        assert ThreadPoolExecutor.submit.__module__ == "concurrent.futures.thread"

    def test_a_thread_that_has_ended_keeps_nothing(self, bench: Bench) -> None:
        """Neither itself nor the job."""
        found: list[weakref.ref[threading.Thread]] = []

        @node
        def starts() -> None:
            thread = threading.Thread(target=print)
            thread.start()
            thread.join()
            found.append(weakref.ref(thread))

        bench.run({"a": starts})
        assert found[0]() is None
