"""What the processes of a job write to where they should not: kept within bounds, believed by no one."""

from __future__ import annotations

from typing import Any

import psutil
import pytest

from nodetool_jupyter.worker.output import HEAD, TAIL
from tests.integration.workers import Workers
from tests.programs import output, processes

pytestmark = pytest.mark.only_on("linux")
PIPES = "something else than the worker has told an end of the job, which is not believed"
LOG = "something else than the worker wrote to the job's log; what it wrote was cut off"


def test_a_flood(workers: Workers) -> None:
    """Of 200 MB beginning and end are kept, and what was left out is told; nobody waits or grows."""
    before = psutil.Process().memory_info().rss
    job = workers.run(output.floods, megabytes=200)
    assert job.output.startswith(b"the first line\n")
    assert job.output.endswith(b"the last line\n")
    dropped = job.record["dropped_bytes"]
    assert job.result == dropped + HEAD + TAIL
    assert f"{dropped:,} bytes left out".encode() in job.output
    assert psutil.Process().memory_info().rss - before < 20 * 2**20


def test_binary(workers: Workers) -> None:
    """Bytes are kept as they are."""
    assert workers.run(output.writes_binary).output == b"\xff\xfe\x00\x1b[31mred\x07\n"


def test_children_speak(workers: Workers) -> None:
    """What a child process writes is the job's, too."""
    assert set(workers.run(output.child_speaks).output.split()) == {b"out", b"err"}


@pytest.mark.parametrize("kind", [output.closes_its_streams, output.closes_python_streams])
def test_closed_streams(workers: Workers, kind: Any) -> None:
    """They are the job's own."""
    assert workers.run(kind).result == "done"


@pytest.mark.parametrize("high", [64, 256, 4096])
def test_closed_descriptors(workers: Workers, high: int) -> None:
    """Whoever closes all of them hears why the job could not go on."""
    job = workers.run(output.closes_everything, high=high)
    assert job.fault.code.value == "protocol_error"
    assert "closed descriptors that it had not opened" in job.fault.message


def test_a_printed_end_is_a_printed_line(workers: Workers) -> None:
    """By whichever way it is printed."""
    job = workers.run(output.prints_an_end)
    assert job.fault.message.endswith("ValueError: on purpose")
    assert b'"completed"' in job.output
    assert any('"completed"' in line for line in job.logs)


@pytest.mark.parametrize("code", [-1, 0, 3])
@pytest.mark.parametrize("text", ["{end}", "garbage\n", "{end}garbage", '{"x":'])
def test_a_forged_end(workers: Workers, text: str, code: int) -> None:
    """Written to every pipe of the worker: the job has not completed, and says why."""
    assert workers.run(output.writes_to_pipes, text=text, code=code).said == ("protocol_error", PIPES)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{end}", -1),
        ("{end}", 0),
        ("{end}{end}", 0),
        ("{event}", -1),
        ("garbage\n", -1),
        ("garbage\n", 0),
        ("gar", -1),
        ("{end}garbage", -1),
    ],
)
def test_a_forged_log(workers: Workers, text: str, code: int) -> None:
    """What does not belong to the log is cut off."""
    folder = str(workers.home / "jobs")
    job = workers.run(output.writes_to_its_log, folder=folder, text=text, code=code)
    assert job.said == ("protocol_error", LOG)
    assert b"garbage" not in job.folder.events.read_bytes()


@pytest.mark.parametrize("what", ["record", "folder"])
def test_a_forged_record(workers: Workers, what: str) -> None:
    """The job goes on, and its end is the one that its supervisor writes."""
    job = workers.run(output.forges_its_end, what=what, kills=False)
    assert job.result == "done"
    assert job.record["update"].encode() == job.folder.reader().read()[0][-1]


def test_a_forged_record_with_its_end(workers: Workers) -> None:
    """Nobody takes the end while the supervisor lives, who says what to make of it."""
    job = workers.run(output.forges_its_end, what="both", kills=False)
    assert job.said == ("protocol_error", LOG)
    assert '"failed"' in job.record["update"]


@pytest.mark.parametrize("what", ["record", "folder"])
def test_a_forged_record_without_a_supervisor(workers: Workers, what: str) -> None:
    """A record alone is no end: whoever follows the job gives it one."""
    job = workers.run(output.forges_its_end, what=what, kills=True)
    assert job.fault.code.value == "supervisor_died"
    assert '"failed"' in job.record["update"]


def test_a_torn_line_is_nobodys_fault(workers: Workers) -> None:
    """A worker may end while it writes."""
    folder = str(workers.home / "jobs")
    job = workers.run(output.writes_to_its_log, folder=folder, text="gar", code=3)
    assert job.fault.code.value == "worker_exited_early"


def test_a_long_line(workers: Workers) -> None:
    """Ten megabytes without a newline."""
    job = workers.run(output.prints_a_long_line, megabytes=10)
    assert job.result == 10
    assert "".join(job.logs).startswith("y" * 1000)


def test_very_many_messages(workers: Workers) -> None:
    """A hundred thousand, in order, none doubled."""
    job = workers.run(output.yields, count=100_000)
    assert len(job.events) > 100_000
    assert job.values == list(range(100_000))


@pytest.mark.parametrize("size", [100, pytest.param(500, marks=pytest.mark.storm)])
def test_a_large_value(workers: Workers, size: int) -> None:
    """In megabytes; goes by a file of its own: kernel and log stay small."""
    before = psutil.Process().memory_info().rss
    job = workers.run(processes.large, size=size * 2**20)
    assert job.status == "completed"
    assert job.folder.events.stat().st_size < 10_000
    assert sum(path.stat().st_size for path in job.folder.values.iterdir()) >= size * 2**20
    assert psutil.Process().memory_info().rss - before < 20 * 2**20
