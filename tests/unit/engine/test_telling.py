"""Events on their way out: numbered without a gap from any thread, progress held back but never lost."""

from __future__ import annotations

import asyncio
import math
import threading
from collections import deque
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.function import node
from nodetool_jupyter.engine.telling import Telling
from nodetool_jupyter.model.batch import Batch
from nodetool_jupyter.model.events import (
    Event,
    JobUpdate,
    LogUpdate,
    NodeProgress,
    NodeUpdate,
    Notification,
    PreviewUpdate,
    decode_event,
    encode_events,
)
from tests.unit.engine.kinds import forever, give
from tests.unit.engine.support import Bench, Ran, bounded


def log(content: object) -> LogUpdate:
    return LogUpdate(node_id="a", node_name="a", content=str(content))


class TestNumbers:
    """seq: from the first number on, gapless, in the order of the sink."""

    def test_many_threads(self) -> None:
        """Each thread's events keep their order; batches come one at a time; none is lost or doubled."""
        told: list[Event] = []
        inside = 0

        def sink(batch: Batch) -> None:
            nonlocal inside
            inside += 1
            assert inside == 1
            told.extend(batch)
            inside -= 1

        async def main() -> None:
            telling.start(asyncio.get_running_loop())
            threads = [threading.Thread(target=tell, args=(number,)) for number in range(8)]
            deque(map(threading.Thread.start, threads), maxlen=0)
            while any(map(threading.Thread.is_alive, threads)):
                telling.pulse()
                await asyncio.sleep(0)
            telling.tell_last(JobUpdate(status="completed"))

        def tell(number: int) -> None:
            for count in range(500):
                telling.emit(log(f"{number} {count}"))
                if count % 50 == 0:
                    telling.pulse()

        telling = Telling("job", sink, 5)
        asyncio.run(main())
        assert [event.seq for event in told] == list(range(5, 5 + 4001))
        assert {event.job_id for event in told} == {"job"}
        lines = [event.content.split() for event in told if isinstance(event, LogUpdate)]
        for number in range(8):
            assert [int(count) for name, count in lines if name == str(number)] == list(range(500))

    def test_the_terminal_event_is_the_last(self) -> None:
        """What is told afterwards is dropped, and a second end too."""
        told: list[Event] = []
        telling = Telling("job", told.extend, 1)
        telling.emit(log("before"))
        telling.tell_last(JobUpdate(status="failed"))
        telling.emit(log("after"))
        telling.tell()
        telling.pulse()
        assert [event.type for event in told] == ["log_update", "job_update"]

    def test_events_wait_for_others_only_for_a_moment(self) -> None:
        """Without anything else happening they are told soon."""

        async def main() -> None:
            telling.start(asyncio.get_running_loop())
            telling.emit(log("alone"))
            await asyncio.wait_for(arrived.wait(), 10)

        arrived = asyncio.Event()
        telling = Telling("job", lambda batch: arrived.set() if len(batch) else None, 1)
        asyncio.run(main())

    def test_a_sink_that_tells_something_itself(self) -> None:
        """It comes in a later batch, with the next number."""
        told: list[Event] = []

        def sink(batch: Batch) -> None:
            if len(batch) and not told:
                telling.emit(log("from the sink"))
                telling.tell()
            told.extend(batch)

        telling = Telling("job", sink, 1)
        telling.emit(log("first"))
        telling.tell()
        telling.tell()
        assert [(event.seq, getattr(event, "content", "")) for event in told] == [
            (1, "first"),
            (2, "from the sink"),
        ]


class TestProgress:
    """Coalesced in time; the last one is always told, before the node's end."""

    def reporting(self, report: Callable[[ProcessingContext], None], *, blocking: bool = False) -> Any:
        @node
        async def on_loop(context: ProcessingContext) -> None:
            report(context)

        @node
        def in_thread(context: ProcessingContext) -> None:
            report(context)

        return in_thread if blocking else on_loop

    @pytest.mark.parametrize("blocking", [False, True])
    @pytest.mark.parametrize("others", [{}, {"g": give}])
    def test_many_reports_are_few_events(self, bench: Bench, blocking: bool, others: dict[str, Any]) -> None:
        """A loop of ten thousand steps doesn't write ten thousand lines."""

        def report(context: ProcessingContext) -> None:
            for done in range(10_001):
                context.progress(done, 10_000)

        ran = bench.run({"a": self.reporting(report, blocking=blocking), **others})
        progress = ran.of(NodeProgress)
        assert 1 <= len(progress) < 500
        assert (progress[-1].progress, progress[-1].total) == (10_000, 10_000)
        assert [event.progress for event in progress] == sorted(event.progress for event in progress)
        of_node = [event for event in ran.events if getattr(event, "node_id", "") == "a"]
        assert [event.type for event in (of_node[0], of_node[-2], of_node[-1])] == [
            "node_update",
            "node_progress",
            "node_update",
        ]

    def test_chunks_are_joined(self, bench: Bench) -> None:
        """Streamed text is whole, whatever was coalesced."""
        words = [f"word{number} " for number in range(1000)]

        @node
        async def speaks(context: ProcessingContext) -> None:
            for number, word in enumerate(words):
                context.progress(number, chunk=word)
                if number % 100 == 0:
                    await asyncio.sleep(0.001)

        progress = bench.run({"a": speaks}).of(NodeProgress)
        assert "".join(event.chunk for event in progress) == "".join(words)

    def test_the_last_of_a_node_that_fails(self, bench: Bench) -> None:
        """How far it came is told before its error."""

        @node
        async def fails(context: ProcessingContext) -> None:
            context.progress(3, 4)
            raise ValueError

        ran = bench.run({"a": fails})
        kinds = [event.type for event in ran.events]
        assert kinds.index("node_progress") < len(kinds) - 2
        assert ran.of(NodeProgress)[-1].progress == 3

    def test_while_a_node_blocks_the_loop(self, bench: Bench) -> None:
        """A pulse from another thread tells what has been reported so far."""
        told = threading.Event()
        ran = Ran([])

        @node
        def blocks(context: ProcessingContext) -> bool:
            context.progress(1, 2)
            context.log("working")
            return told.wait(10)

        def sink(batch: Batch) -> None:
            ran.events.extend(batch)
            if {event.type for event in ran.events} >= {"node_progress", "log_update"}:
                told.set()

        runner = bench.runner({"a": blocks}, ran=ran, sink=sink)

        def pulses() -> None:
            while not told.wait(0.01):
                runner.pulse()

        thread = threading.Thread(target=pulses)
        thread.start()
        outcome = asyncio.run(bounded(runner.run()))
        told.set()
        thread.join()
        assert outcome.status == "completed"
        completed = [event.seq for event in ran.of(NodeUpdate) if event.status == "completed"]
        assert ran.of(NodeProgress)[0].seq < completed[0]

    def test_reports_of_many_threads_with_pulses_in_between(self, bench: Bench) -> None:
        """Nothing that is held back is told after the end of its node."""
        stop = threading.Event()

        @node
        def busy(context: ProcessingContext, number: int) -> None:
            for done in range(300):
                context.progress(done, 300, chunk="x")
                print(number, done)

        ran = Ran([])
        nodes = {f"n{number}": (busy, {"number": number}) for number in range(4)}
        runner = bench.runner(nodes, ran=ran)

        def pulses() -> None:
            while not stop.is_set():
                runner.pulse()

        thread = threading.Thread(target=pulses)
        thread.start()
        try:
            asyncio.run(bounded(runner.run()))
        finally:
            stop.set()
            thread.join()
        assert [event.seq for event in ran.events] == list(range(1, len(ran.events) + 1))
        for node_id in nodes:
            of_node = [event for event in ran.events if getattr(event, "node_id", "") == node_id]
            assert getattr(of_node[-1], "status", "") == "completed"
            chunks = [event.chunk for event in of_node if isinstance(event, NodeProgress)]
            assert "".join(chunks) == "x" * 300
            assert len(ran.lines(node_id)) == 300

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            ((1, 2), (1, 2)),
            ((np.float32(0.5), np.int64(2)), (0.5, 2)),
            ((Decimal("0.5"), 1), (0.5, 1)),
            ((math.nan, math.inf), (0, None)),
            ((True, None), (1, None)),
        ],
    )
    def test_any_number(self, bench: Bench, arguments: tuple[Any, ...], told: tuple[Any, ...]) -> None:
        """Those of other libraries too; one that isn't finite says nothing."""
        ran = bench.run({"a": self.reporting(lambda context: context.progress(*arguments))})
        [event] = [decode_event(line) for line in encode_events(ran.of(NodeProgress)).splitlines()]
        assert isinstance(event, NodeProgress)
        assert (event.progress, event.total) == told


class TestContext:
    """What else a node may tell, and what it is told."""

    def run(self, bench: Bench, use: Callable[[ProcessingContext], Any], **options: Any) -> Ran:
        @node
        async def uses(context: ProcessingContext) -> None:
            use(context)

        return bench.run({"a": uses}, **options)

    def test_logs_and_notifications(self, bench: Bench) -> None:
        """With their severity; what is no text is shown as print would show it."""

        def use(context: ProcessingContext) -> None:
            context.log("a line", "error")
            context.log(5)
            context.notify("look", "warning")

        ran = self.run(bench, use)
        assert [(event.content, event.severity) for event in ran.of(LogUpdate)] == [
            ("a line", "error"),
            ("5", "info"),
        ]
        assert [(event.content, event.severity) for event in ran.of(Notification)] == [("look", "warning")]

    def test_an_unknown_severity_is_an_error(self, bench: Bench) -> None:
        """It would make a line that no reader takes."""
        ran = self.run(bench, lambda context: context.log("x", "debug"))  # type: ignore[arg-type]
        assert ran.message.endswith("ValueError: expected severity info, warning, error, found 'debug'")

    def test_previews(self, bench: Bench) -> None:
        """A value is shown while the node still runs."""
        ran = self.run(bench, lambda context: context.preview([1, 2]))
        assert [(event.node_id, event.value) for event in ran.of(PreviewUpdate)] == [("a", [1, 2])]

    def test_surroundings(self, bench: Bench) -> None:
        """The job, the node and their services are seen."""
        seen: list[Any] = []
        context = ProcessingContext(job_id="j", workflow_id="w", user_id="u")
        self.run(bench, seen.append, context=context)
        [found] = seen
        assert (found.job_id, found.workflow_id, found.user_id, found.node_id) == ("j", "w", "u", "a")
        assert (context.node_id, context.is_cancelled) == ("", False)

    @pytest.mark.parametrize(
        ("use", "message"),
        [
            (lambda context: context.secret("KEY"), "no secret 'KEY' is available here"),
            (lambda context: context.temp_folder(), "this run has no temp folder"),
            (lambda context: context.read_uri("file:///x"), "'file:///x' can't be read here"),
            (lambda context: context.save_asset(b"x"), "no asset can be kept here"),
        ],
    )
    def test_missing_services_say_so(
        self, bench: Bench, use: Callable[[ProcessingContext], Any], message: str
    ) -> None:
        """A run without a job around it has no folder, no secrets and no files."""
        ran = self.run(bench, use)
        assert message in ran.message
        assert ran.outcome.fault is not None
        assert ran.outcome.fault.hint is not None

    def test_only_bytes_are_kept(self, bench: Bench) -> None:
        """A text isn't taken for a fault of the disk."""
        ran = self.run(bench, lambda context: context.save_asset("x"))
        assert "TypeError: save_asset takes bytes, found str" in ran.message

    def test_outside_of_a_node_nothing_is_told(self) -> None:
        """The functions of a node can be tried without a run."""
        context = ProcessingContext()
        context.progress(1, 2)
        context.log("x")
        context.notify("x")
        context.preview(1)
        context.raise_if_cancelled()

    def test_is_cancelled(self, bench: Bench) -> None:
        """A thread may look at it, also where it cleans up: it is interrupted once, then left some time."""
        seen: set[bool] = set()

        @node
        def looks(context: ProcessingContext) -> None:
            print("on")
            try:
                while True:
                    seen.add(context.is_cancelled)
            except BaseException:
                seen.add(context.is_cancelled)
                raise

        nodes = {"l": looks, "f": forever}
        assert (
            bench.run_and_cancel(nodes, when=lambda event: event.type == "log_update").status == "cancelled"
        )
        assert seen == {False, True}
