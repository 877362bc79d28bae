"""Streaming inputs of jobs whose kernel dies: what was pushed is there, and the next kernel pushes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from nodetool_jupyter.errors import JobUnreachable, OptionError
from nodetool_jupyter.model.job import JobStatus
from nodetool_jupyter.session import Session
from nodetool_jupyter.worker.folder import RunFolder
from nodetool_jupyter.worker.inputs import BELL, INPUTS, InputWriter
from tests.integration.gates import Open
from tests.integration.kernels import kernel, read_id
from tests.support import wait_until
from tests.unit.engine.support import check_events

pytestmark = pytest.mark.usefixtures("one_zygote")
DEADLINE = 60.0
PUSHES = """
@node
async def doubled(value: int) -> int:
    return value * 2

def start():
    session.registry.add(doubled.spec)
    nodes = (
        Node(id="in", type="nodetool.input.IntegerInput", data={"name": "x", "stream": True}),
        Node(id="n", type=doubled.spec.type),
        Node(id="o", type="nodetool.output.Output", data={"name": "r"}),
    )
    edges = (
        Edge(source="in", target="n", targetHandle="value"),
        Edge(source="n", target="o", targetHandle="value"),
    )
    job = session.submit(Graph(nodes=nodes, edges=edges), strategy="subprocess")
    print(job.id, flush=True)
    return job

if arguments[0] == "queued":
    session.manager._slots.take = lambda: False
    session.manager._slots.next = lambda: None
job = start()
for number in range(10):
    job.push_input("x", number)
if arguments[0] == "ended":
    job.end_input("x")
print("pushed", flush=True)
input()
"""


def push_and_die(home: Path, how: str) -> str:
    """The id of a job whose kernel has pushed ten values, and was killed."""
    with kernel(home, PUSHES, how) as process:
        job_id = read_id(process)
        assert read_id(process) == "pushed"
        process.kill()
    return job_id


@pytest.mark.parametrize("how", ["running", "queued"])
def test_the_next_kernel_pushes_on(open_session: Open, home: Path, how: str) -> None:
    job_id = push_and_die(home, how)
    session: Session = open_session(home=home)
    job = session.find(job_id)
    for number in range(10, 300):
        job.push_input("x", number)
    with pytest.raises(OptionError, match="expected int"):
        job.push_input("x", "text")
    job.end_input("x")
    assert job.result(DEADLINE) == [2 * number for number in range(300)]
    check_events(list(job.events()))


def test_the_next_kernel_knows_of_the_end(open_session: Open, home: Path) -> None:
    job = open_session(home=home).find(push_and_die(home, "ended"))
    with pytest.raises(OptionError, match=r"has been ended|takes no more input"):
        job.push_input("x", 1)
    assert job.result(DEADLINE) == [2 * number for number in range(10)]


def test_a_job_of_a_living_kernel_is_its_own(open_session: Open, home: Path) -> None:
    with kernel(home, PUSHES, "running") as process:
        job = open_session(home=home).find(read_id(process))
        assert read_id(process) == "pushed"
        with pytest.raises(JobUnreachable, match="push to it from there"):
            job.push_input("x", 1)
    assert job.cancel()
    assert job.wait(DEADLINE)
    assert job.status is JobStatus.CANCELLED


def test_a_torn_line_is_cut_and_no_more(tmp_path: Path) -> None:
    """The kernel was killed while it wrote one."""
    folder = RunFolder(tmp_path)
    first = InputWriter(folder)
    first.push("x", 1, 1, lambda: False)
    first.close()
    with (tmp_path / INPUTS).open("ab") as file:
        file.write(b'{"name": "x", "val')
    second = InputWriter(folder)
    second.push("x", 2, 1, lambda: False)
    second.close()
    lines = (tmp_path / INPUTS).read_bytes().splitlines()
    assert [line[:25] for line in lines] == [b'{"name":"x","value":1,"co', b'{"name":"x","value":2,"co']


@pytest.mark.parametrize("name", [INPUTS, BELL])
def test_a_job_can_lead_nothing_elsewhere(tmp_path: Path, name: str) -> None:
    """The run directory is the job's to write: a link in it is never followed."""
    (tmp_path / "run").mkdir()
    victim = tmp_path / "victim"
    victim.write_bytes(b"untouched\n")
    (tmp_path / "run" / name).symlink_to(victim)
    writer = InputWriter(RunFolder(tmp_path / "run"))
    try:
        if name == INPUTS:
            with pytest.raises(Exception, match="symbolic link"):
                writer.push("x", 1, 1, lambda: False)
        else:
            writer.push("x", 1, 1, lambda: False)
    finally:
        writer.close()
    assert victim.read_bytes() == b"untouched\n"


def test_what_no_worker_can_read_fails_the_job(open_session: Open, home: Path) -> None:
    job_id = push_and_die(home, "running")
    session = open_session(home=home)
    job = session.find(job_id)
    wait_until(lambda: len(job.outputs.get("r", ())) == 10, DEADLINE)
    with (session.store.run_directory(job_id) / INPUTS).open("ab") as file:
        file.write(b"[]\n")
    assert job.wait(DEADLINE)
    assert "something else than its kernel has written to the job's inputs" in str(job.error)
