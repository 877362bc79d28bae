"""What NodeTool's users expect of a workflow holds wherever it runs: control edges, dynamic outputs, groups,
retries, time limits, GPUs, workflows in workflows.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nodetool_jupyter import BaseNode, node
from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.errors import InvalidGraph, JobSuspended, NodeError
from nodetool_jupyter.job import Job
from nodetool_jupyter.model.control import RunEvent
from nodetool_jupyter.model.graph import Edge, Graph, Node
from nodetool_jupyter.model.types import TypeMetadata
from nodetool_jupyter.session import Session
from nodetool_jupyter.settings import Settings

pytestmark = pytest.mark.usefixtures("one_zygote")
DEADLINE = 60.0
OUTPUT = "nodetool.output.Output"
GROUP = "nodetool.workflows.base_node.Group"
WORKFLOW = "nodetool.workflows.workflow_node.Workflow"

# ruff: noqa: ASYNC230, ASYNC240 - a trace is written where the node runs, and costs microseconds


@node
async def sends(events: list[dict[str, Any]]) -> AsyncIterator[RunEvent]:
    for properties in events:
        yield RunEvent(properties)


@node
async def times(value: int, factor: int = 10) -> int:
    return value * factor


class Spread(BaseNode, prefix="test.contract", dynamic=True, dynamic_outputs=True):
    """Gives what it has under each of its own outputs."""

    async def process(self, context: ProcessingContext) -> dict[str, Any]:
        return {name: self.dynamic_properties[name] for name in self.dynamic_outputs}


@node
async def fails_at_first(trace: str, failures: int) -> int:
    """Leaves the time of each try."""
    with Path(trace).open("a") as file:
        file.write(f"{time.monotonic()}\n")
    tries = len(Path(trace).read_text().splitlines())
    if tries <= failures:
        raise OSError(f"try {tries}")
    return tries


@node(resources={"gpu": 1})
async def computes(trace: str, number: int, context: ProcessingContext) -> int:
    """Leaves its begin and end."""
    for word in ("begin", "end"):
        with Path(trace).open("a") as file:
            file.write(f"{word} {','.join(context.devices)}\n")
        await asyncio.sleep(0.02)
    return number


@node
async def waits() -> None:
    await asyncio.Event().wait()


@node
async def asks(value: int, context: ProcessingContext) -> Any:
    if context.resumption is None:
        context.suspend("how many?", value)
    return [context.resumption.state, context.resumption.value]


KINDS = (sends, times, fails_at_first, computes, waits, asks)
Run = Callable[..., Job]


def of(kind: Any, node_id: str, **data: Any) -> Node:
    return Node(id=node_id, type=kind if isinstance(kind, str) else kind.spec.type, data=data)


def output(name: str = "result") -> Node:
    return of(OUTPUT, name, name=name)


def edges(*texts: str) -> tuple[Edge, ...]:
    """``a.out > b.in``; what ends at ``__control__`` is a control edge."""
    made = []
    for text in texts:
        (source, handle), (target, end) = (part.split(".") for part in text.split(" > "))
        kind: Any = "control" if end == "__control__" else "data"
        made.append(Edge(source=source, sourceHandle=handle, target=target, targetHandle=end, edge_type=kind))
    return tuple(made)


@pytest.fixture
def gpus() -> str:
    return "none"


@pytest.fixture(params=["threaded", "subprocess"])
def run(request: pytest.FixtureRequest, home: Path, gpus: str) -> Iterator[Run]:
    """Runs a graph to the end of its job."""
    devices = () if gpus == "none" else tuple(gpus.split(","))
    session = Session(Settings(home=home, cancel_grace=0.5, gpu_devices=devices))
    for kind in KINDS:
        session.registry.add(kind.spec)
    session.registry.add(Spread.spec())

    def run(nodes: list[Node], *texts: str, **options: Any) -> Job:
        graph = Graph(nodes=tuple(nodes), edges=edges(*texts))
        job = session.submit(graph, strategy=request.param, **options)
        assert job.wait(DEADLINE)
        return job

    yield run
    session.close()


def test_control_edges(run: Run) -> None:
    """The target runs once for each event, with its properties for that run alone."""
    events = [{"value": 1}, {"value": 2, "factor": 100}, {"value": 3}]
    nodes = [of(sends, "c", events=events), of(times, "t"), output()]
    job = run(nodes, "c.__control__ > t.__control__", "t.output > result.value")
    assert job.result() == [10, 200, 30]


def test_control_events_are_checked(run: Run) -> None:
    """The error names the node that is controlled."""
    nodes = [of(sends, "c", events=[{"valeu": 1}]), of(times, "t", value=1)]
    job = run(nodes, "c.__control__ > t.__control__")
    with pytest.raises(NodeError, match=r"node t .*handle valeu.*did you mean 'value'") as caught:
        job.result()
    assert caught.value.node_id == "t"


def test_dynamic_outputs(run: Run) -> None:
    """As a file declares them."""
    spread = of("test.contract.Spread", "s", a=2, b="x").model_copy(
        update={"dynamic_outputs": {"a": TypeMetadata(type="int"), "b": TypeMetadata(type="str")}}
    )
    nodes = [spread, of(times, "t"), output(), output("other")]
    job = run(nodes, "s.a > t.value", "t.output > result.value", "s.b > other.value")
    assert job.outputs == {"result": [20], "other": ["x"]}


def test_groups_contain_and_change_nothing(run: Run) -> None:
    """Nodes in a group, and in a group of that, run like all others."""
    inside = of(times, "t", value=4).model_copy(update={"parent_id": "h"})
    groups = [of(GROUP, "g"), of(GROUP, "h").model_copy(update={"parent_id": "g"})]
    assert run([*groups, inside, output()], "t.output > result.value").result() == 40


def test_retries_with_pauses(run: Run, tmp_path: Path) -> None:
    """Of this graph node alone; each pause is about twice the one before."""
    trace = tmp_path / "tries"
    tries = of(fails_at_first, "f", trace=str(trace), failures=2)
    again = Node.model_validate({**tries.model_dump(), "retries": 2})
    job = run([again, output()], "f.output > result.value")
    assert job.result() == 3
    first, second, third = map(float, trace.read_text().splitlines())
    assert second - first > 0.06
    assert third - second > 0.13


def test_a_time_limit_of_one_node(run: Run) -> None:
    """It is in the error."""
    limited = Node.model_validate({"id": "w", "type": waits.spec.type, "timeout": 0.1})
    with pytest.raises(NodeError, match=r"took longer than its timeout of 0\.1 s"):
        run([limited]).result()


class TestDevices:
    """With one GPU."""

    @pytest.fixture
    def gpus(self) -> str:
        return "3"

    def test_one_node_at_a_time(self, run: Run, tmp_path: Path) -> None:
        """And it knows which GPU it has."""
        trace = tmp_path / "trace"
        job = run([of(computes, f"n{number}", trace=str(trace), number=number) for number in range(4)])
        job.result()
        assert trace.read_text().splitlines() == ["begin 3", "end 3"] * 4

    def test_more_than_there_are_is_refused(self, run: Run) -> None:
        """Before anything runs, with all nodes that ask for it."""
        needs = {"id": "a", "type": times.spec.type, "data": {"value": 1}, "resources": {"gpu": 2}}
        nodes = [Node.model_validate(needs | {"id": name}) for name in "ab"]
        with pytest.raises(InvalidGraph, match="needs 2 GPUs, there are 1") as caught:
            run(nodes)
        assert [problem.node_id for problem in caught.value.problems] == ["a", "b"]


@pytest.mark.parametrize(
    ("resources", "sentence"),
    [
        ({"gpu": 1}, "needs 1 GPU, there are none"),
        ({"cpu": 10_000}, "needs 10000 cpus"),
        ({"memory": "1000t"}, "of memory, there are"),
    ],
)
def test_what_is_not_there_is_refused(run: Run, resources: Any, sentence: str) -> None:
    """The sentence says what is there, and of which strategy."""
    needs = {"id": "a", "type": times.spec.type, "data": {"value": 1}, "resources": resources}
    with pytest.raises(InvalidGraph, match=sentence):
        run([Node.model_validate(needs)])


def inner(*nodes: Node, texts: tuple[str, ...]) -> dict[str, Any]:
    number = of("nodetool.input.IntegerInput", "n", name="n")
    return Graph(nodes=(number, *nodes, output()), edges=edges(*texts)).model_dump(mode="json")


def test_a_workflow_in_a_workflow(run: Run) -> None:
    """With node types of the notebook inside."""
    workflow = inner(of(times, "t"), texts=("n.output > t.value", "t.output > result.value"))
    nodes = [
        of("nodetool.control.ForEach", "e", input_list=[1, 2]),
        of(WORKFLOW, "w", workflow_json=workflow),
    ]
    job = run([*nodes, output()], "e.output > w.n", "w.result > result.value")
    assert job.result() == [10, 20]


def test_a_node_inside_suspends_the_job(run: Run) -> None:
    """And goes on with what the job is resumed with."""
    workflow = inner(of(asks, "a"), texts=("n.output > a.value", "a.output > result.value"))
    job = run([of(WORKFLOW, "w", workflow_json=workflow, n=7), output()], "w.result > result.value")
    with pytest.raises(JobSuspended, match=r"how many\?"):
        job.result()
    job.resume(3)
    assert job.wait(DEADLINE)
    assert job.result() == [7, 3]
