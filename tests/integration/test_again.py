"""Jobs once more: retried as they were, resumed from the results that they have left."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import pytest

from nodetool_jupyter.engine.function import node
from nodetool_jupyter.engine.keeping import NAME
from nodetool_jupyter.errors import JobFailed, NodeError, NodeToolError
from nodetool_jupyter.job import Job
from nodetool_jupyter.manager.again import RECENT
from nodetool_jupyter.model.events import NodeUpdate
from nodetool_jupyter.session import Session
from tests.integration.gates import DEADLINE, Open
from tests.integration.kernels import kernel, read_id
from tests.support import wait_until
from tests.unit.engine.support import Out, graph
from tests.unit.magics.shells import NODES, open_shell

pytestmark = pytest.mark.usefixtures("one_zygote")


@node
async def traced(name: str, folder: str, after: Any = None, value: Any = None) -> Any:
    """Notes that it has run; gives ``value``, or its name."""
    with Path(folder, name).open("a", encoding="utf-8") as file:  # noqa: ASYNC230 - takes no time
        file.write(".")
    return name if value is None else value


@node
async def fails_without(path: str, value: Any) -> Any:
    """Until somebody makes its file."""
    if not Path(path).exists():  # noqa: ASYNC240 - takes no time
        raise ValueError("not yet")
    return value


@node
def passes_list(values: list[str]) -> str:
    return "+".join(values)


@pytest.fixture(params=["threaded", "subprocess"])
def strategy(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "traces"
    folder.mkdir()
    return folder


class Work:
    """Two nodes before one that fails until its file is there, and one after it."""

    def __init__(self, session: Session, strategy: str, folder: Path) -> None:
        for kind in (traced, fails_without, passes_list):
            session.registry.add(kind.spec)
        self.session = session
        self.strategy = strategy
        self.folder = folder

    def graph(self, **changed: Any) -> Any:
        at = {"folder": str(self.folder)}
        nodes = {
            "a": (traced, {"name": "a", **at, **changed}),
            "b": (traced, {"name": "b", **at}),
            "f": (fails_without, {"path": str(self.folder / "gate")}),
            "c": (traced, {"name": "c", **at}),
            "o": Out,
            "p": (Out, {"name": "early"}),
        }
        edges = ("a > b.after", "b > f.value", "f > c.value", "c > o.value", "a > p.value")
        return graph(nodes, *edges)

    def failed(self, **changed: Any) -> Job:
        job = self.session.submit(self.graph(**changed), strategy=self.strategy)
        with pytest.raises(NodeError, match="not yet"):
            job.result(DEADLINE)
        return job

    def ran(self, name: str) -> int:
        path = self.folder / name
        return len(path.read_text("utf-8")) if path.exists() else 0


@pytest.fixture
def work(session: Session, strategy: str, folder: Path) -> Work:
    return Work(session, strategy, folder)


def test_resumed_nodes_do_not_run_again(work: Work) -> None:
    """They give what they gave; those that failed or came after them run."""
    job = work.failed()
    (work.folder / "gate").touch()
    resumed = work.session.retry(job.id, resume=True)
    assert dict(resumed.result(DEADLINE)) == {"result": "b", "early": "a"}
    assert [work.ran(name) for name in "abc"] == [1, 1, 1]
    ended = [
        event.node_id
        for event in resumed.events()
        if isinstance(event, NodeUpdate) and event.status == "completed"
    ]
    assert sorted(ended) == ["a", "b", "c", "f", "o", "p"]


def test_a_resumed_job_can_be_resumed(work: Work) -> None:
    """What was kept once is kept again."""
    first = work.failed()
    second = work.session.retry(first.id, resume=True)
    with pytest.raises(NodeError, match="not yet"):
        second.result(DEADLINE)
    (work.folder / "gate").touch()
    assert work.session.retry(second.id, resume=True).result(DEADLINE)["result"] == "b"
    assert work.ran("a") == work.ran("b") == 1


def test_a_retried_job_runs_all_of_it(work: Work) -> None:
    """As if it had been started anew."""
    job = work.failed()
    (work.folder / "gate").touch()
    again = work.session.retry(job.id)
    assert again.result(DEADLINE)["result"] == "b"
    assert again.id != job.id
    assert work.ran("a") == work.ran("b") == 2
    assert work.ran("c") == 1


def test_what_a_cell_has_run_is_retried_though_nobody_holds_its_job() -> None:
    """Its nodes are known still; as long as not too many have come after it."""
    with open_shell() as shell:
        shell.run(NODES)
        assert shell.run("%%nodetool --name first\nshout(text='a')").value == "A"
        for _ in range(RECENT - 1):
            shell.run("%%nodetool\nshout(text='b')")
        gc.collect()
        ran = shell.run("%nodetool retry first")
        assert (ran.error, ran.value) == (None, "A")
        shell.run("%%nodetool --name second\nshout(text='a')")
        for _ in range(RECENT):
            shell.run("%%nodetool\nshout(text='b')")
        gc.collect()
        assert "for the last few jobs" in str(shell.run("%nodetool retry second").error)


def test_a_changed_node_runs_and_so_do_those_behind_it(work: Work) -> None:
    """A new graph that goes on from an old job's results."""
    job = work.failed()
    (work.folder / "gate").touch()
    request = job.request.model_copy(update={"graph": work.graph(value=5)})
    resumed = work.session.submit_request(request, resume=job.id)
    assert resumed.result(DEADLINE)["early"] == 5
    assert work.ran("a") == work.ran("b") == 2


def test_a_job_that_completed_keeps_nothing(work: Work) -> None:
    """There is nothing to go on with, and nothing lies about."""
    (work.folder / "gate").touch()
    job = work.session.submit(work.graph(), strategy=work.strategy)
    job.result(DEADLINE)
    with pytest.raises(NodeToolError, match="has completed: there is nothing to go on with"):
        work.session.retry(job.id, resume=True)
    assert not (work.session.store.run_directory(job.id) / NAME).exists()


LEFT = """
import sys
sys.path.insert(0, arguments[0])
FACTOR = 3

@node
async def times(x: int, folder: str) -> int:
    with Path(folder, "ran").open("a") as file:
        file.write(".")
    await asyncio.sleep(0.1)
    return x * FACTOR

@node
async def waits(value: int, folder: str) -> int:
    Path(folder, "waits").touch()
    while not Path(folder, "gate").exists():
        await asyncio.sleep(0.01)
    return value

for kind in (times, waits):
    session.registry.add(kind.spec)
nodes = (
    Node(id="t", type=times.spec.type, data={"x": 14, "folder": arguments[0]}),
    Node(id="w", type=waits.spec.type, data={"folder": arguments[0]}),
    Node(id="o", type="nodetool.output.Output", data={"name": "r"}),
)
edges = tuple(Edge(source=source, target=target, targetHandle="value") for source, target in ("tw", "wo"))
job = session.submit(Graph(nodes=nodes, edges=edges), strategy=arguments[1])
print(job.id, flush=True)
input()
"""


def test_after_the_death_of_its_kernel(open_session: Open, home: Path, folder: Path) -> None:
    """A process's job goes on with the code that its notebook had; here it is cancelled, then resumed."""
    with kernel(home, LEFT, str(folder), "subprocess") as process:
        job_id = read_id(process)
        wait_until((folder / "waits").exists, DEADLINE)
        process.kill()
    session = open_session()
    job = session.find(job_id)
    assert job.cancel()
    assert job.wait(DEADLINE)
    (folder / "gate").touch()
    assert session.retry(job_id, resume=True).result(DEADLINE) == 42
    assert (folder / "ran").read_text("utf-8") == "."
    assert session.retry(job_id).result(DEADLINE) == 42
    assert (folder / "ran").read_text("utf-8") == ".."


def test_a_threaded_job_of_a_dead_kernel_is_resumed_by_its_cell(
    open_session: Open, home: Path, folder: Path
) -> None:
    """Its results were kept; its nodes were the notebook's, which defines them anew."""
    with kernel(home, LEFT, str(folder), "threaded") as process:
        job_id = read_id(process)
        wait_until((folder / "waits").exists, DEADLINE)
        wait_until(lambda: list(home.glob(f"jobs/*/{NAME}")), DEADLINE)
        process.kill()
    session = open_session()
    job = session.find(job_id)
    with pytest.raises(JobFailed, match="the kernel that ran this job has ended"):
        job.result(DEADLINE)
    with pytest.raises(NodeToolError, match="was made in a notebook; only its kernel knows it"):
        session.retry(job_id, resume=True)
