"""Job, the handle of a user on a job of this process: results, messages as they come, its end."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from nodetool_jupyter.engine.function import node
from nodetool_jupyter.errors import JobCancelled, JobNotFound, NodeError
from nodetool_jupyter.job import Job, Result
from nodetool_jupyter.model.events import Event, JobUpdate, NodeUpdate
from nodetool_jupyter.model.job import JobStatus
from nodetool_jupyter.session import Session
from tests.integration.gates import DEADLINE, Gates, passing
from tests.support import wait_until
from tests.unit.engine.kinds import give, items, slow_items
from tests.unit.engine.support import Out, check_events, graph


@node
async def speaks(name: str) -> str:
    print(f"I am {name}")
    return name


@node
async def fails() -> None:
    raise ValueError("on purpose")


KINDS = (give, items, slow_items, speaks, fails)


@pytest.fixture(autouse=True)
def kinds(session: Session) -> None:
    for kind in KINDS:
        session.registry.add(kind.spec)


def run(session: Session, nodes: dict[str, Any], *edges: str) -> Job:
    job = session.submit(graph(nodes, *edges))
    assert job.wait(DEADLINE)
    return job


class TestResult:
    """What ``result`` makes of the outputs."""

    @pytest.mark.parametrize("value", [None, 0, [], [1], {"a": 1}])
    def test_one_output_is_its_value(self, session: Session, value: Any) -> None:
        """A list that a node has given is a value too."""
        job = run(session, {"g": (give, {"value": value}), "o": Out}, "g > o.value")
        assert (job.result(), job.outputs) == (value, {"result": [value]})

    @pytest.mark.parametrize("count", [0, 1, 3])
    def test_a_stream_is_the_list_of_its_items(self, session: Session, count: int) -> None:
        """However many came."""
        job = run(session, {"s": (items, {"values": list(range(count))}), "o": Out}, "s > o.value")
        assert (job.result(), job.outputs) == (list(range(count)), {"result": list(range(count))})

    def test_several_outputs_are_a_mapping(self, session: Session) -> None:
        """In the order of the graph, by name and by attribute."""
        nodes = {
            "o": (Out, {"name": "second name"}),
            "p": (Out, {"name": "first"}),
            "g": (give, {"value": 1}),
            "s": (items, {"values": [2]}),
        }
        result = run(session, nodes, "g > p.value", "s > o.value").result()
        assert isinstance(result, Result)
        assert (dict(result), result.first, result["second name"]) == (
            {"second name": [2], "first": 1},
            1,
            [2],
        )
        assert (len(result), list(result)) == (2, ["second name", "first"])
        assert repr(result) == "Result(second name=[2], first=1)"
        assert "first" in dir(result)
        assert "second name" not in dir(result)
        with pytest.raises(AttributeError, match="no output 'third'; there are second name, first"):
            _ = result.third
        with pytest.raises(KeyError):
            result["third"]

    def test_outputs_of_one_name_are_all_there(self, session: Session) -> None:
        """Two nodes that feed it make a list."""
        nodes = {"a": (give, {"value": 1}), "b": (give, {"value": 2}), "o": Out, "p": Out}
        assert sorted(run(session, nodes, "a > o.value", "b > p.value").result()) == [1, 2]

    def test_no_output_is_none(self, session: Session) -> None:
        """A graph without outputs completes all the same."""
        job = run(session, {"g": give})
        assert (job.result(), job.outputs, job.error) == (None, {}, None)

    def test_a_failed_job_raises_each_time(self, session: Session) -> None:
        """The error is there without raising, too."""
        job = run(session, {"f": fails})
        for _ in range(2):
            with pytest.raises(NodeError, match="ValueError: on purpose"):
                job.result()
        assert isinstance(job.error, NodeError)
        assert job.status is JobStatus.FAILED

    def test_it_waits_no_longer_than_it_is_told(self, session: Session, gates: Gates) -> None:
        """The job goes on."""
        job = passing(session, gates, "a")
        with pytest.raises(TimeoutError, match=f"job {job.id} has not ended within 0.01 s"):
            job.result(0.01)
        assert (job.wait(0.01), job.is_live, job.error) == (False, True, None)
        gates.gate("a").set()
        assert job.result(DEADLINE) == "a"

    def test_a_value_is_the_object_itself(self, session: Session) -> None:
        """In its own process nothing is copied, not even what couldn't be kept."""

        @node
        async def makes() -> Any:
            return threading.Lock()

        session.registry.add(makes.spec)
        job = run(session, {"m": makes, "o": Out}, "m > o.value")
        assert job.result() is job.result()


class TestMessages:
    """events, async for, logs."""

    def test_they_are_replayed_and_go_on(self, session: Session, gates: Gates) -> None:
        """Whoever begins to read late misses nothing, and reading ends with the job."""
        job = passing(session, gates, "a")
        gates.wait_begun("a")
        got: list[Event] = []
        begun = threading.Event()

        def read() -> None:
            for event in job.events():
                got.append(event)
                if isinstance(event, NodeUpdate):
                    begun.set()

        thread = threading.Thread(target=read)
        thread.start()
        assert begun.wait(DEADLINE)
        assert [event.seq for event in got][:2] == [1, 2]
        gates.gate("a").set()
        thread.join(DEADLINE)
        check_events(got)
        assert list(job.events()) == got
        assert list(job.events(after=len(got) - 1)) == got[-1:]
        assert list(job.events(after=len(got))) == []

    def test_async_for(self, session: Session, gates: Gates) -> None:
        """While the job runs, without holding up the loop; several at once."""
        job = passing(session, gates, "a")

        async def read() -> list[Event]:
            return [event async for event in job]

        async def main() -> list[list[Event]]:
            readers = [asyncio.create_task(read()) for _ in range(3)]
            await asyncio.sleep(0)
            gates.gate("a").set()
            return await asyncio.wait_for(asyncio.gather(*readers), DEADLINE)

        for events in asyncio.run(main()):
            check_events(events)

    def test_leaving_an_async_for(self, session: Session, gates: Gates) -> None:
        """Nothing of it goes on, and the loop can end while the job runs."""
        job = passing(session, gates, "a")

        async def first() -> Event:
            async for event in job:
                return event
            raise AssertionError

        assert asyncio.run(first()).type == "job_update"
        assert job.is_live

    def test_await(self, session: Session, gates: Gates) -> None:
        """The result, or what result raises."""
        gates.gate("a").set()

        async def main(job: Job) -> Any:
            return await job

        assert asyncio.run(main(passing(session, gates, "a"))) == "a"
        with pytest.raises(NodeError):
            asyncio.run(main(session.submit(graph({"f": fails}))))

    def test_logs(self, session: Session) -> None:
        """What nodes printed, with the node and its name."""
        nodes = {"a": (speaks, {"name": "Ada"}, {"ui_properties": {"title": "The first"}})}
        job = run(session, nodes)
        assert [(log.node_id, log.node_name, log.content) for log in job.logs] == [
            ("a", "The first", "I am Ada")
        ]

    def test_large_streams_are_read_whole(self, session: Session) -> None:
        """Ten thousand values, told in many batches, while they come."""
        job = session.submit(graph({"s": (items, {"values": list(range(10_000))}), "o": Out}, "s > o.value"))
        events = list(job.events())
        check_events(events)
        assert [event.value for event in events if event.type == "output_update"] == list(range(10_000))
        assert job.result() == list(range(10_000))


class TestHandle:
    """The handle itself."""

    def test_what_it_says(self, session: Session, gates: Gates) -> None:
        """Id, name, strategy and status; its repr in a notebook."""
        job = passing(session, gates, "my job")
        assert (job.name, job.strategy, job.status in (JobStatus.STARTING, JobStatus.RUNNING)) == (
            "my job",
            "threaded",
            True,
        )
        gates.gate("my job").set()
        job.wait(DEADLINE)
        assert repr(job) == f"<Job {job.id} 'my job' threaded completed>"
        assert [node.id for node in job.graph.nodes] == ["p", "o"]
        assert job.request.name == "my job"

    def test_another_handle_on_the_same_job(self, session: Session, gates: Gates) -> None:
        """Found while it runs and afterwards, it is as good as the first one."""
        job = passing(session, gates, "a")
        other = session.find(job.id[:20])
        assert session.find("last").id == job.id
        assert other.cancel()
        assert other.wait(DEADLINE)
        assert (job.status, other.status) == (JobStatus.CANCELLED, JobStatus.CANCELLED)
        with pytest.raises(JobCancelled):
            job.result()

    def test_a_job_that_nobody_holds(self, session: Session) -> None:
        """Its result comes from the store then."""
        job_id = run(session, {"g": (give, {"value": [1, 2]}), "o": Out}, "g > o.value").id
        wait_until(lambda: session.manager.get_job(job_id) is None)
        job = session.find(job_id)
        assert (job.result(), job.outputs) == ([1, 2], {"result": [[1, 2]]})

    def test_values_go_with_the_last_handle(self, session: Session) -> None:
        """Those of the nodes in between too, and without waiting for the garbage collector."""

        class Large:
            pass

        made: list[weakref.ref[Large]] = []

        def kept() -> Large:
            large = Large()
            made.append(weakref.ref(large))
            return large

        @node
        async def on_loop(value: Any = None) -> Any:
            return kept()

        @node
        def in_thread(value: Any = None) -> Any:
            return kept()

        for kind in (on_loop, in_thread):
            session.registry.add(kind.spec)
        nodes = {
            "a": on_loop,
            "b": in_thread,
            "s": (slow_items, {"values": [1, 2]}),
            "c": in_thread,
            "o": Out,
        }
        gc.collect()
        gc.disable()
        try:
            job = run(session, nodes, "a > b.value", "s > c.value", "b > o.value")
            assert len(made) == 4
            assert isinstance(job.result(), Large)
            del job
            wait_until(lambda: all(ref() is None for ref in made))
        finally:
            gc.enable()

    def test_no_such_job(self, session: Session) -> None:
        """The error names what was asked for."""
        with pytest.raises(JobNotFound, match="'nothing like it'"):
            session.find("nothing like it")

    def test_outputs_while_it_runs(self, session: Session) -> None:
        """What there is so far."""
        seen = threading.Event()

        @node
        def one_and_wait() -> Iterator[int]:
            yield 1
            seen.wait(DEADLINE)
            yield 2

        session.registry.add(one_and_wait.spec)
        job = session.submit(graph({"s": one_and_wait, "o": Out}, "s > o.value"))
        for event in job.events():
            if event.type == "output_update" and not seen.is_set():
                assert job.outputs == {"result": [1]}
                seen.set()
        assert job.result(DEADLINE) == [1, 2]

    def test_the_record_and_the_log_agree(self, session: Session) -> None:
        """The end's message and the row have the same duration."""
        job = run(session, {"g": give})
        last = list(job.events())[-1]
        assert isinstance(last, JobUpdate)
        assert (last.duration, last.timestamp) == (job.record.duration, job.record.finished_at)
