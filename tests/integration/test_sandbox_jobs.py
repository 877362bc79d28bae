"""Jobs in a sandbox as those hold them who submit them: what comes back, what is kept, and what goes on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest

from nodetool_jupyter import node
from nodetool_jupyter.errors import NodeError, ValueCrossingError
from nodetool_jupyter.job import Job
from nodetool_jupyter.model.events import LogUpdate
from nodetool_jupyter.model.graph import Edge, Graph, Node
from nodetool_jupyter.model.job import JobStatus
from nodetool_jupyter.session import Session
from tests.integration.gates import Open
from tests.integration.kernels import kernel, read_id
from tests.programs.confined import lives, opens
from tests.support import wait_until

pytestmark = [pytest.mark.only_on("linux"), pytest.mark.usefixtures("one_zygote")]
DEADLINE = 60.0
NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "02-isolation.ipynb"


class Odd:
    """A value that only a pickle can carry."""

    def __init__(self, number: int) -> None:
        self.number = number


@node
def gives_odd() -> Any:
    return Odd(3)


@node(cache=True)
async def doubles(value: int) -> int:
    return value * 2


@node
async def adds_one(value: int) -> int:
    return value + 1


def submit(session: Session, kind: Any, data: dict[str, Any], **options: Any) -> Job:
    session.registry.add(kind.spec)
    output = Node(id="o", type="nodetool.output.Output", data={"name": "r"})
    edge = Edge(source="n", target="o", targetHandle="value")
    graph = Graph(nodes=(Node(id="n", type=kind.spec.type, data=data), output), edges=(edge,))
    return session.submit(graph, strategy="subprocess", options={"sandbox": "untrusted", **options})


def test_no_pickle_comes_back(session: Session) -> None:
    """Reading one would run any code in the kernel; who trusts the job says so."""
    job = submit(session, gives_odd, {})
    assert job.wait(DEADLINE)
    with pytest.raises(ValueCrossingError, match=r"a pickle of .*Odd.*a sandbox"):
        job.result()
    assert submit(session, gives_odd, {}, trust=True).result(DEADLINE).number == 3


def test_the_shared_cache_is_read_and_never_written(session: Session) -> None:
    """A result that a sandbox made is nobody else's."""
    assert submit(session, doubles, {"value": 2}).result(DEADLINE) == 4
    assert list(session.store.cache_directory().glob("??/*")) == []
    assert submit(session, doubles, {"value": 2}, sandbox="off").result(DEADLINE) == 4
    assert len(list(session.store.cache_directory().glob("??/*"))) == 1
    job = submit(session, doubles, {"value": 2})
    assert job.result(DEADLINE) == 4
    lines = [event.content for event in job.events() if isinstance(event, LogUpdate)]
    assert lines == ["its result comes from the cache"]


def test_it_suspends_and_goes_on(session: Session) -> None:
    """Its state lies where it may write."""
    job = submit(session, lives, {"value": 7})
    wait_until(lambda: job.status is JobStatus.SUSPENDED, DEADLINE, state=lambda: job.status)
    job.resume("go")
    assert job.result(DEADLINE) == [7, 2_000_000, "go"]


def test_it_is_fed(session: Session) -> None:
    """By the run directory, which it reads."""
    session.registry.add(adds_one.spec)
    source = Node(id="in", type="nodetool.input.IntegerInput", data={"name": "x", "stream": True})
    nodes = (
        source,
        Node(id="n", type=adds_one.spec.type),
        Node(id="o", type="nodetool.output.Output", data={"name": "r"}),
    )
    edges = (
        Edge(source="in", target="n", targetHandle="value"),
        Edge(source="n", target="o", targetHandle="value"),
    )
    options = {"sandbox": "default"}
    job = session.submit(Graph(nodes=nodes, edges=edges), strategy="subprocess", options=options)
    for number in range(100):
        job.push_input("x", number)
    job.end_input("x")
    assert job.result(DEADLINE) == list(range(1, 101))


def test_a_resumed_job_is_in_its_sandbox_too(session: Session, tmp_path: Path) -> None:
    """And so is one that is run again."""
    secret = tmp_path / "secret"
    secret.write_text("precious")
    job = submit(session, opens, {"path": str(secret)})
    assert job.wait(DEADLINE)
    again = session.retry(job.id)
    with pytest.raises(NodeError, match="Permission denied"):
        again.result(DEADLINE)


QUEUED = """
@node
def reads(path: str) -> str:
    return Path(path).read_text()

session.manager._slots.take = lambda: False
session.manager._slots.next = lambda: None
session.registry.add(reads.spec)
output = Node(id="o", type="nodetool.output.Output", data={"name": "r"})
edge = Edge(source="n", target="o", targetHandle="value")
graph = Graph(nodes=(Node(id="n", type=reads.spec.type, data={"path": arguments[0]}), output), edges=(edge,))
print(session.submit(graph, strategy="subprocess", options={"sandbox": "default"}).id, flush=True)
input()
"""


def test_whoever_adopts_it_starts_it_in_its_sandbox(open_session: Open, home: Path, tmp_path: Path) -> None:
    """What was asked for is on record, not in a kernel's memory."""
    secret = tmp_path / "secret"
    secret.write_text("precious")
    with kernel(home, QUEUED, str(secret)) as process:
        job_id = read_id(process)
        process.kill()
    job = open_session(home=home).find(job_id)
    with pytest.raises(NodeError, match="Permission denied"):
        job.result(DEADLINE)


@pytest.mark.kernel
def test_the_notebook_in_a_sandbox(tmp_path: Path) -> None:
    """The cells of notebook 02 end as they do without one, by the same results and the same errors."""
    notebook = nbformat.read(NOTEBOOK, 4)
    expected = [seen(cell) for cell in notebook.cells if cell.cell_type == "code"]
    for cell in notebook.cells:
        cell.source = cell.source.replace(
            "--strategy subprocess", "--strategy subprocess --sandbox untrusted"
        )
    resources = {"metadata": {"path": str(tmp_path)}}
    client = nbclient.NotebookClient(notebook, timeout=60, allow_errors=True, resources=resources)
    ran = client.execute(env={**os.environ, "NODETOOL_PROGRESS": "none"})
    assert [seen(cell) for cell in ran.cells if cell.cell_type == "code"] == expected


def seen(cell: Any) -> list[tuple[str, str]]:
    """What a cell gave: values as text, errors by their names."""
    found = []
    for output in cell.outputs:
        if output.output_type == "execute_result":
            found.append(("value", output.data["text/plain"]))
        elif output.output_type == "error":
            found.append(("error", output.ename))
    return found
