"""Jobs of other processes: read back, waited for, and ended by whoever finds that their kernel is gone."""

from __future__ import annotations

import asyncio
import datetime
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from nodetool_jupyter.errors import ErrorCode, JobFailed, NodeError
from nodetool_jupyter.job import Job, Result
from nodetool_jupyter.model.events import Event, JobUpdate, LogUpdate, NodeUpdate, encode_events
from nodetool_jupyter.model.graph import Graph
from nodetool_jupyter.model.job import JobRecord, JobStatus
from nodetool_jupyter.model.request import RunJobRequest
from nodetool_jupyter.session import Session
from nodetool_jupyter.settings import Settings
from nodetool_jupyter.store import new_job_id, open_store
from nodetool_jupyter.values.objects import Unserializable
from nodetool_jupyter.worker.event_log import NAME, LogWriter
from tests.integration.gates import DEADLINE, Open
from tests.support import wait_until
from tests.unit.engine.support import check_events

ROOT = Path(__file__).resolve().parents[2]
KERNEL = """
import asyncio, sys
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any
from nodetool_jupyter import node
from nodetool_jupyter.model.request import ResourceLimits
from nodetool_jupyter.session import Session
from nodetool_jupyter.settings import Settings
from tests.unit.engine.support import Out, graph, spec_of

home = Path(sys.argv[1])

@node
async def give(value: Any = None) -> Any:
    print("giving")
    return {"bytes": b"\\x00\\xff", "time": datetime(2026, 1, 2), "large": "x" * 1_000_000}.get(value, value)

@node
async def items(count: int) -> AsyncIterator[int]:
    for number in range(count):
        yield number

@node
async def hang(path: str) -> str:
    print("hanging")
    while not Path(path).exists():
        await asyncio.sleep(0.01)
    return "let go"

@node
async def fail() -> None:
    raise ValueError("on purpose")

@node
async def odd() -> Any:
    return object()

def outs(**sources):
    nodes = {name: (Out, {"name": name}) for name in sources}
    return nodes, [f"{source} > {name}.value" for name, source in sources.items()]

session = Session(Settings(home=home, max_workflow_threads=1))
for kind in (give, items, hang, fail, odd, Out):
    session.registry.add(spec_of(kind))

def submit(nodes, name, **sources):
    more, edges = outs(**sources)
    job = session.submit(graph({**nodes, **more}, *edges), name=name)
    print(job.id, flush=True)
    return job
"""
FINISHED = """
submit({"g": (give, {"value": 5})}, "one", r="g").wait()
submit({"1": (give, {"value": "bytes"}), "2": (give, {"value": "time"}), "3": (give, {"value": "large"})},
       "several", b="1", t="2", l="3").wait()
submit({"s": (items, {"count": 1}), "e": (items, {"count": 0})}, "streams", one="s", none="e").wait()
submit({"g": (give, {"value": 1})}, "nothing").wait()
submit({"f": fail, "g": (give, {"value": 1})}, "failed", r="g").wait()
submit({"o": odd}, "odd", r="o").wait()
session.close()
"""
HANGING = """
submit({"g": (give, {"value": 1}), "h": (hang, {"path": sys.argv[2]})}, "running", early="g", late="h")
submit({"g": (give, {"value": 1})}, "queued", r="g")
input()
session.close()
"""


@contextmanager
def kernel(home: Path, code: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Another process with a session over the same home."""
    command = [sys.executable, "-c", KERNEL + code, str(home), *arguments]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env={**os.environ}
    )
    try:
        with process:
            yield process
    finally:
        process.kill()
        process.wait()


def read_id(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("finished")
    with kernel(home, FINISHED) as process:
        output, _ = process.communicate(timeout=60)
    assert len(output.split()) == 6
    return home


class TestReadBack:
    """Results of a process that has ended, by one that knows none of its node types."""

    @pytest.fixture
    def session(self, open_session: Open, finished: Path) -> Session:
        return open_session(home=finished)

    def test_one_output_is_its_value(self, session: Session) -> None:
        """By name, by id and by a prefix of it."""
        job = session.find("one")
        assert (job.status, job.result(), job.outputs, job.error) == (
            JobStatus.COMPLETED,
            5,
            {"r": [5]},
            None,
        )
        assert session.find(job.id).result() == 5
        assert (job.name, job.strategy, job.is_live, job.cancel()) == ("one", "threaded", False, False)

    def test_several_outputs_are_a_mapping_of_values(self, session: Session) -> None:
        """What has no JSON comes back as it was, large values from their files."""
        result = session.find("several").result()
        assert isinstance(result, Result)
        assert list(result) == ["b", "t", "l"]
        assert (result.b, result.t, len(result.l)) == (b"\x00\xff", datetime.datetime(2026, 1, 2), 1_000_000)  # noqa: DTZ001

    def test_streams_are_lists_however_long(self, session: Session) -> None:
        """One item is a list of one, none an empty list."""
        assert dict(session.find("streams").result()) == {"one": [0], "none": []}

    def test_no_output_is_none(self, session: Session) -> None:
        """And no error."""
        job = session.find("nothing")
        assert (job.result(), job.outputs) == (None, {})

    def test_a_failed_job_raises_its_error(self, session: Session) -> None:
        """With node, message and traceback."""
        job = session.find("failed")
        with pytest.raises(NodeError, match="ValueError: on purpose") as caught:
            job.result()
        assert (caught.value.node_id, caught.value.job_id) == ("f", job.id)
        assert "on purpose" in (caught.value.details or "")

    def test_a_value_that_could_not_be_kept(self, session: Session) -> None:
        """What is there in its place is no value that could be taken for it, and says what it was."""
        result = session.find("odd").result()
        assert isinstance(result, Unserializable)
        assert (result.python_type, result.repr[:7]) == ("object", "<object")

    def test_messages_and_logs(self, session: Session) -> None:
        """All of them, and those after a number."""
        job = session.find("one")
        events = list(job.events())
        check_events(events)
        assert list(job.events(after=2)) == events[2:]
        assert [(event.node_id, event.content) for event in job.logs] == [("g", "giving")]

        async def iterate() -> list[Event]:
            return [event async for event in job]

        assert asyncio.run(iterate()) == events
        assert asyncio.run(awaited(job)) == 5

    def test_what_it_ran(self, session: Session) -> None:
        """Request and graph are as they were submitted."""
        job = session.find("one")
        assert [node.id for node in job.graph.nodes] == ["g", "r"]
        assert job.request.name == "one"


async def awaited(job: Job) -> Any:
    return await job


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """The file that lets the hanging node go."""
    return tmp_path / "gate"


class TestLiveElsewhere:
    """A job that another living process runs."""

    def test_it_is_left_alone_and_can_be_waited_for(self, open_session: Open, home: Path, gate: Path) -> None:
        """Nobody takes it over, and its result comes from the store."""
        with kernel(home, HANGING, str(gate)) as process:
            job_id = read_id(process)
            session = open_session()
            job = session.find(job_id)
            wait_until(lambda: any(log.content == "hanging" for log in job.logs), DEADLINE)
            assert (job.status, job.is_live, job.wait(0.01)) == (JobStatus.RUNNING, True, False)
            with pytest.raises(TimeoutError):
                job.result(0.01)
            assert session.manager.recover_jobs() == []
            followed: list[Event] = []
            thread = threading.Thread(target=lambda: followed.extend(job.events()))
            thread.start()
            gate.touch()
            assert dict(job.result(DEADLINE)) == {"early": 1, "late": "let go"}
            thread.join(DEADLINE)
            check_events(followed)
            process.communicate("\n", timeout=60)

    def test_it_can_be_cancelled(self, open_session: Open, home: Path, gate: Path) -> None:
        """Running or queued; its own process ends it, and says so."""
        with kernel(home, HANGING, str(gate)) as process:
            session = open_session()
            running, queued = (session.find(read_id(process)) for _ in range(2))
            wait_until(lambda: any(log.content == "hanging" for log in running.logs), DEADLINE)
            for job in (queued, running):
                assert job.cancel()
                assert job.wait(DEADLINE)
                assert job.status is JobStatus.CANCELLED
                assert not job.cancel()
            process.communicate("\n", timeout=60)

    def test_it_can_be_awaited(self, open_session: Open, home: Path, gate: Path) -> None:
        """As one of this process."""
        with kernel(home, HANGING, str(gate)) as process:
            job = open_session().find(read_id(process))
            gate.touch()
            assert dict(asyncio.run(asyncio.wait_for(awaited(job), DEADLINE))) == {
                "early": 1,
                "late": "let go",
            }
            process.communicate("\n", timeout=60)


class TestKilled:
    """kill -9 of the process whose jobs they are."""

    def kill(self, home: Path, gate: Path) -> list[str]:
        """The ids of a running and of a queued job whose kernel has been killed."""
        with kernel(home, HANGING, str(gate)) as process:
            ids = [read_id(process), read_id(process)]
            store = open_store(Settings(home=home))
            log = store.read_log(ids[0])
            wait_until(lambda: any(b'"hanging"' in line for line in log.read()[0]), DEADLINE)
            process.send_signal(signal.SIGKILL)
            process.wait()
            store.close()
        return ids

    def test_the_next_session_ends_its_jobs(self, open_session: Open, home: Path, gate: Path) -> None:
        """As failed, with the reason; what they had told is kept, gapless, with one end."""
        running, queued = self.kill(home, gate)
        session = open_session()
        for job_id in (running, queued):
            job = session.find(job_id)
            with pytest.raises(JobFailed, match="the kernel that ran this job has ended") as caught:
                job.result()
            assert caught.value.code is ErrorCode.KERNEL_DIED
            events = list(job.events())
            assert [event.seq for event in events] == list(range(1, len(events) + 1))
            ends = [event.status for event in events if isinstance(event, JobUpdate)]
            assert ends in (["running", "failed"], ["failed"])
        assert session.find(running).outputs == {"early": [1], "late": []}
        assert [log.content for log in session.find(running).logs] == ["giving", "hanging"]

    def test_of_two_that_find_them_one_ends_them(self, open_session: Open, home: Path, gate: Path) -> None:
        """And a third finds nothing more to do."""
        ids = self.kill(home, gate)
        start = threading.Barrier(2)
        sessions: list[Session] = []

        def open_one() -> None:
            start.wait()
            sessions.append(open_session())

        threads = [threading.Thread(target=open_one) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for job_id in ids:
            events = list(sessions[0].find(job_id).events())
            assert [event.status for event in events if isinstance(event, JobUpdate)].count("failed") == 1
        assert open_session().manager.recover_jobs() == []

    def test_whoever_waits_for_them_learns_of_it(self, open_session: Open, home: Path, gate: Path) -> None:
        """Without opening a session anew."""
        with kernel(home, HANGING, str(gate)) as process:
            job = open_session().find(read_id(process))
            wait_until(lambda: any(log.content == "hanging" for log in job.logs), DEADLINE)
            process.send_signal(signal.SIGKILL)
            process.wait()
        with pytest.raises(JobFailed, match="the kernel that ran this job has ended"):
            job.result(DEADLINE)
        assert list(job.events())[-1].type == "job_update"


class TestLogAheadOfRow:
    """A kernel that ended after a message was written, and before the row that it changes."""

    def left_behind(self, home: Path, status: JobStatus, *events: Event) -> str:
        """A job as its dead kernel left it."""
        store = open_store(Settings(home=home))
        owner = store.register_owner()
        started = 11.0 if status is JobStatus.RUNNING else None
        record = JobRecord(id=new_job_id(), status=status, owner=owner.id, created_at=1.0, started_at=started)
        store.add(record, RunJobRequest(graph=Graph()))
        for number, event in enumerate(events, 1):
            event.seq, event.job_id, event.timestamp = number, record.id, 10.0 + number  # type: ignore[misc]
        LogWriter(store.run_directory(record.id) / NAME).append(encode_events(events))
        owner.close()
        store.close()
        return record.id

    @pytest.mark.parametrize("status", [JobStatus.QUEUED, JobStatus.STARTING, JobStatus.RUNNING])
    @pytest.mark.parametrize("end", ["completed", "cancelled"])
    def test_an_end_that_was_told_counts(
        self, open_session: Open, home: Path, status: JobStatus, end: str
    ) -> None:
        """The job has ended as its log says, once; it did not die with its kernel."""
        log = LogUpdate(node_id="a", node_name="a", content='a "job_update" it is not')
        job_id = self.left_behind(
            home, status, JobUpdate(status="running"), log, JobUpdate(status=end, duration=2.5)
        )
        job = open_session().find(job_id)
        assert job.status.value == end
        assert (job.record.started_at, job.record.finished_at, job.record.duration) == (11.0, 13.0, 2.5)
        assert [event.seq for event in job.events()] == [1, 2, 3]

    @pytest.mark.parametrize("status", [JobStatus.QUEUED, JobStatus.STARTING])
    def test_a_start_that_was_told_counts(self, open_session: Open, home: Path, status: JobStatus) -> None:
        """The job had begun, and then died."""
        running = NodeUpdate(node_id="a", node_name="a", node_type="x.A", status="running")
        job_id = self.left_behind(home, status, JobUpdate(status="running"), running)
        job = open_session().find(job_id)
        assert (job.status, job.record.started_at) == (JobStatus.FAILED, 11.0)
        assert [event.seq for event in job.events()] == [1, 2, 3]
