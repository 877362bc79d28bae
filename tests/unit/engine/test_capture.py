"""What a node prints is its log, wherever it runs; what others print meanwhile goes its own way."""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import re
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from nodetool_jupyter.engine.capture import RUNNING, Router, start_capture, stop_capture
from nodetool_jupyter.engine.function import node
from nodetool_jupyter.engine.reporter import MAX_LINE
from nodetool_jupyter.model.events import Event, LogUpdate, decode_event, encode_events
from tests.support import wait_until
from tests.unit.engine.kinds import forever, give, items
from tests.unit.engine.support import Bench, Ran, bounded


def printing(*writes: str, to: str = "stdout") -> Any:
    """A node that writes these pieces."""

    @node
    async def prints() -> None:
        for text in writes:
            getattr(sys, to).write(text)

    return prints


def logs(ran: Ran) -> list[tuple[str, str, str]]:
    return [(event.node_id, event.content, event.severity) for event in ran.of(LogUpdate)]


class TestWhere:
    """All the places that a node's code may run in."""

    def test_on_the_loop_and_in_threads(self, bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
        """Coroutine, function beside others, generator, and tasks and threads that asyncio makes for them."""

        @node
        async def coroutine(value: Any = None) -> None:
            print("coroutine")
            await asyncio.create_task(child())
            await asyncio.to_thread(print, "to_thread")

        async def child() -> None:
            print("child")

        @node
        def function(value: Any = None) -> None:
            print("function")

        @node
        def generator() -> Iterator[int]:
            print("generator")
            yield 1

        ran = bench.run({"c": coroutine, "f": function, "g": generator}, "g > f.value")
        assert sorted(logs(ran)) == [
            ("c", "child", "info"),
            ("c", "coroutine", "info"),
            ("c", "to_thread", "info"),
            ("f", "function", "info"),
            ("g", "generator", "info"),
        ]
        assert capsys.readouterr() == ("", "")

    def test_alone_on_the_loop_s_own_thread(self, bench: Bench) -> None:
        """A function that runs right there is captured too."""

        @node
        def alone() -> None:
            print(threading.current_thread() is threading.main_thread())

        assert logs(bench.run({"a": alone})) == [("a", "True", "info")]

    def test_each_node_has_its_own_log(self, bench: Bench) -> None:
        """Nodes that take turns don't mix their lines."""

        @node
        async def in_pieces(name: str) -> None:
            for _ in range(20):
                print(name, end="")
                await asyncio.sleep(0)
                print(name)

        nodes = {name: (in_pieces, {"name": name}) for name in ("a", "b", "c")}
        ran = bench.run(nodes)
        for name in nodes:
            assert ran.lines(name) == [name * 2] * 20

    def test_between_two_nodes_nothing_is_captured(
        self, bench: Bench, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """The cell that waits for a job may print, and a thread of the user's too."""
        streams: list[Any] = []

        def sink(events: list[Event]) -> None:
            streams.append(sys.stdout)
            print("not a node's")
            runner.cancel()

        runner = bench.runner({"a": forever}, ran=Ran([]), sink=sink)
        asyncio.run(bounded(runner.run()))
        assert isinstance(streams[0], Router)
        assert set(capsys.readouterr().out.splitlines()) == {"not a node's"}

    def test_what_the_sink_prints_is_no_node_s(
        self, bench: Bench, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Also when it was a node's own report that had it called: a warning of the store is nobody's log."""

        @node
        async def prints() -> None:
            print("a node's")
            await asyncio.Event().wait()

        ran = Ran([])

        def sink(events: list[Event]) -> None:
            ran.events.extend(events)
            print("the sink's")
            if ran.lines():
                runner.cancel()

        runner = bench.runner({"a": prints}, ran=ran, sink=sink)
        asyncio.run(bounded(runner.run()))
        assert ran.lines() == ["a node's"]
        assert set(capsys.readouterr().out.splitlines()) == {"the sink's"}

    def test_stderr_and_logging(self, bench: Bench) -> None:
        """They are warnings of the node."""

        @node
        async def warns() -> None:
            print("to stderr", file=sys.stderr)
            logger = logging.getLogger("a node's")
            logger.propagate = False
            logger.addHandler(logging.StreamHandler())
            logger.error("logged")

        ran = bench.run({"a": warns})
        assert {severity for _, _, severity in logs(ran)} == {"warning"}
        assert ran.lines("a") == ["to stderr", "logged"]


class TestLines:
    """How what is written becomes lines."""

    @pytest.mark.parametrize(
        ("writes", "lines"),
        [
            (["a\n"], ["a"]),
            (["a", "b\n"], ["ab"]),
            (["a\nb\nc"], ["a", "b", "c"]),
            (["half"], ["half"]),
            (["\n"], [""]),
            ([""], []),
            (["a\r\n"], ["a\r"]),
            (["x\n" * 3], ["x"] * 3),
        ],
    )
    def test_lines_of_writes(self, bench: Bench, writes: list[str], lines: list[str]) -> None:
        """A half line waits for its end, at the latest that of the node."""
        assert bench.run({"a": printing(*writes)}).lines("a") == lines

    def test_a_half_line_at_the_end_of_a_stream_node(self, bench: Bench) -> None:
        """It is told before the node's own end."""

        @node
        async def prints(value: int) -> None:
            print(value, end=" ")

        ran = bench.run({"s": (items, {"values": [1, 2]}), "p": prints}, "s > p.value")
        assert ran.lines("p") == ["1 2 "]
        last = [event for event in ran.events if getattr(event, "node_id", "") == "p"][-1]
        assert (last.type, getattr(last, "status", "")) == ("node_update", "completed")

    def test_the_half_line_of_a_node_that_fails(self, bench: Bench) -> None:
        """It may be what tells why."""

        @node
        async def fails() -> None:
            print("about to", end="")
            raise ValueError

        assert bench.run({"a": fails}).lines("a") == ["about to"]

    def test_half_lines_of_both_streams_are_told_apart(self, bench: Bench) -> None:
        """What goes to stderr ends no line of stdout."""

        @node
        async def both() -> None:
            sys.stdout.write("out")
            sys.stderr.write("err\n")
            sys.stdout.write("put\n")
            sys.stderr.write("end")

        ran = bench.run({"a": both})
        assert logs(ran) == [("a", "err", "warning"), ("a", "output", "info"), ("a", "end", "warning")]

    def test_writelines_and_print_to_the_stream(self, bench: Bench) -> None:
        """Other ways to write are the same."""

        @node
        async def writes() -> None:
            sys.stdout.writelines(["a\n", "b\n"])
            print("c", "d", sep="-", file=sys.stdout, flush=True)

        assert bench.run({"a": writes}).lines("a") == ["a", "b", "c-d"]

    def test_a_megabyte_in_one_line_is_cut(self, bench: Bench) -> None:
        """And says by how much."""
        [line] = bench.run({"a": printing("x" * 1_000_000 + "\n")}).lines("a")
        assert line == "x" * MAX_LINE + "… (990000 more characters)"

    def test_a_megabyte_without_an_end_is_told_in_pieces(self, bench: Bench) -> None:
        """Nothing is held back for ever."""
        lines = bench.run({"a": printing(*["x" * 1000] * 1000)}).lines("a")
        cut = sum(int(count) for count in re.findall(r"… \((\d+) more characters\)", "".join(lines)))
        assert sum(len(line.partition("…")[0]) for line in lines) + cut == 1_000_000
        assert max(map(len, lines)) <= MAX_LINE + 40

    def test_odd_characters_can_be_kept(self, bench: Bench) -> None:
        """NUL, escapes and lone surrogates don't break the log."""
        ran = bench.run({"a": printing("\x00\x1b[31m ä \U0001f600\n", "\ud800\n")})
        decoded = [decode_event(line) for line in encode_events(ran.events).splitlines()]
        texts = [event.content for event in decoded if isinstance(event, LogUpdate)]
        assert (texts[0], len(texts)) == ("\x00\x1b[31m ä \U0001f600", 2)

    def test_many_threads_of_one_node(self, bench: Bench) -> None:
        """Whole lines stay whole."""

        @node
        async def crowd() -> None:
            await asyncio.gather(*(asyncio.to_thread(writes, name) for name in "abcd"))

        def writes(name: str) -> None:
            for _ in range(200):
                sys.stdout.write(name * 50 + "\n")

        lines = bench.run({"a": crowd}).lines("a")
        assert sorted(lines) == sorted(name * 50 for name in "abcd" for _ in range(200))


class TestStreams:
    """sys.stdout and sys.stderr themselves."""

    def test_they_are_put_back(self, bench: Bench) -> None:
        """After the last run that needs them."""
        before = sys.stdout, sys.stderr
        start_capture()
        bench.run({"a": give})
        assert isinstance(sys.stdout, Router)
        stop_capture()
        assert (sys.stdout, sys.stderr) == before

    def test_what_others_put_in_their_place_is_left_alone(self, bench: Bench) -> None:
        """A redirect of the user's that outlives a job stays."""
        start_capture()
        with contextlib.redirect_stdout(io.StringIO()) as redirected:
            stop_capture()
            assert sys.stdout is redirected
            bench.run({"a": printing("log\n")})
            print("mine")
        assert redirected.getvalue() == "mine\n"
        if isinstance(sys.stdout, Router):  # the redirect has put back what it found
            start_capture()
            stop_capture()
        assert not isinstance(sys.stdout, Router)

    def test_a_router_is_like_its_stream(self) -> None:
        """Code that asks the stream for its encoding or file number gets that of the stream."""
        stream = io.TextIOWrapper(io.BytesIO(), "utf-8")
        router = Router(stream, "info")
        assert (router.encoding, router.isatty()) == ("utf-8", False)
        assert router.write("abc") == 3
        router.flush()
        assert stream.buffer.getvalue() == b"abc"  # type: ignore[attr-defined]

    def test_printing_in_a_thread_while_jobs_come_and_go(self, bench: Bench) -> None:
        """print() borrows its stream: were a router freed under it, the process would crash."""
        stop = threading.Event()
        written = 0

        class Counter(io.StringIO):
            def write(self, text: str) -> int:
                nonlocal written
                written += 1
                return len(text)

        def prints() -> None:
            while not stop.is_set():
                print("x")

        with contextlib.redirect_stdout(Counter()):
            thread = threading.Thread(target=prints)
            thread.start()
            try:
                for _ in range(200):
                    start_capture()
                    stop_capture()
                wait_until(lambda: written > 1000)
            finally:
                stop.set()
                thread.join()

    def test_a_finalizer_may_print(self, bench: Bench) -> None:
        """Also in the middle of telling: it is reported, and nothing waits for itself."""

        class Noisy:
            def __del__(self) -> None:
                print("gone")

        @node
        async def leaves() -> None:
            for _ in range(300):
                print(str(Noisy())[:1])

        class Sink(list[Event]):
            def extend(self, events: Any) -> None:
                token = RUNNING.set(RUNNING.get())
                Noisy()
                RUNNING.reset(token)
                super().extend(events)

        ran = Ran(Sink())
        bench.run({"f": give})
        runner = bench.runner({"a": leaves}, ran=ran)
        asyncio.run(asyncio.wait_for(runner.run(), 20))
        assert ran.lines("a").count("gone") >= 300
        assert [event.seq for event in ran.events] == list(range(1, len(ran.events) + 1))


def test_a_cancelled_node_s_last_words(bench: Bench) -> None:
    """What it printed before the cancel is in the log, half a line too."""

    @node
    async def prints() -> None:
        print("begun")
        print("half", end="")
        await asyncio.Event().wait()

    ran = bench.run_and_cancel({"a": prints, "f": forever}, when=lambda event: event.type == "log_update")
    assert (ran.status, ran.lines("a")) == ("cancelled", ["begun", "half"])
