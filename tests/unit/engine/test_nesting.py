"""A workflow in a workflow: planned with the one around it, run once for each firing."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from nodetool_jupyter.engine.context import ProcessingContext, Resumption, Services
from nodetool_jupyter.engine.function import node
from nodetool_jupyter.engine.plan import compile_graph, find_problems
from nodetool_jupyter.engine.resuming import keys_of
from nodetool_jupyter.model.events import NodeProgress, NodeUpdate, PreviewUpdate
from nodetool_jupyter.model.graph import Edge, Graph, Node, Workflow
from nodetool_jupyter.model.types import TypeMetadata
from tests.unit.engine.kinds import forever, give, increased, items, thread_increased
from tests.unit.engine.support import Bench, Nodes, Out, Ran, Show, graph, registry

TYPE = "nodetool.workflows.workflow_node.Workflow"
INPUT = "nodetool.input.IntegerInput"
OUTPUT = "nodetool.output.Output"
Parts = tuple[Nodes, tuple[str, ...]]


def inner(nodes: Nodes, *edges: str, number: Any = None, outputs: str = "result") -> dict[str, Any]:
    """JSON of a workflow with the input ``n`` and some outputs, around these nodes."""
    made = graph(nodes, *edges)
    own = {"name": "n"} if number is None else {"name": "n", "value": number}
    more = [Node(id="n", type=INPUT, data=own)]
    more += [Node(id=name, type=OUTPUT, data={"name": name}) for name in outputs.split()]
    return Graph(nodes=(*made.nodes, *more), edges=made.edges).model_dump(mode="json")


def holding(workflow: Any, **fields: Any) -> Node:
    """A node that runs a workflow."""
    return Node(id="w", type=TYPE, data={"workflow_json": workflow, **fields.pop("data", {})}, **fields)


def around(workflow: Node, nodes: Nodes, *edges: str) -> Graph:
    made = graph(nodes)
    return Graph(nodes=(*made.nodes, workflow), edges=tuple(edge_of(text) for text in edges))


def edge_of(text: str) -> Edge:
    return graph({}, text).edges[0]


def run(bench: Bench, made: Graph, *kinds: Any, context: ProcessingContext | None = None) -> Ran:
    known = registry({str(number): kind for number, kind in enumerate((Out, *kinds))})
    return bench.run_plan(compile_graph(made, known), context)


def problems_of(made: Graph, *kinds: Any) -> list[str]:
    known = registry({str(number): kind for number, kind in enumerate((Out, *kinds))})
    return [str(problem) for problem in find_problems(made, known)]


PLUS = inner({"i": increased}, "n > i.value", "i > result.value")


@pytest.mark.parametrize("form", ["graph", "workflow", "model"])
def test_it_gives_what_its_outputs_get(bench: Bench, form: str) -> None:
    """A bare graph, a workflow, or one that has been loaded; its param may be a property."""
    whole = {"name": "plus", "graph": PLUS}
    given = {"graph": PLUS, "workflow": whole, "model": Workflow.model_validate(whole)}[form]
    made = around(holding(given, data={"n": 4}), {"o": Out}, "w.result > o.value")
    known = registry({"i": increased, "o": Out})
    plan = compile_graph(made, known)
    assert plan.outputs == {"result": False}
    assert bench.run_plan(plan).result == [5]


def test_it_runs_once_for_each_value(bench: Bench) -> None:
    """Each time from the beginning."""
    nodes = {"s": (items, {"values": [1, 2, 3]}), "o": Out}
    made = around(holding(PLUS), nodes, "s > w.n", "w.result > o.value")
    ran = run(bench, made, items, increased)
    assert ran.result == [2, 3, 4]
    assert ran.node_states("w") == ["running", "completed"]
    assert {event.node_id for event in ran.of(NodeUpdate)} == {"s", "w", "o"}


def test_its_streams_stream(bench: Bench) -> None:
    """Each value as it comes; several outputs have each their own."""
    streams = inner(
        {"s": (items, {"values": [1, 2]}), "i": increased, "g": (give, {"value": "x"})},
        "s > i.value", "i > pairs.value", "g > one.value", outputs="pairs one",
    )  # fmt: skip
    nodes = {"o": Out, "p": (Out, {"name": "one"})}
    made = around(holding(streams, data={"n": 7}), nodes, "w.pairs > o.value", "w.one > p.value")
    ran = run(bench, made, items, increased, give)
    assert ran.outcome.outputs == {"result": [2, 3], "one": ["x"]}


def test_what_is_inside_waits_for_what_follows(bench: Bench) -> None:
    """An endless stream is no more than some values ahead."""
    ahead: list[int] = []
    sent = 0

    @node
    async def endless() -> Any:
        nonlocal sent
        while True:
            sent += 1
            yield sent

    @node
    async def some(value: int) -> int:
        ahead.append(sent - value)
        await asyncio.sleep(0)
        if value == 1000:
            raise ValueError("enough")
        return value

    made = around(holding(inner({"e": endless}, "e > result.value")), {"t": some}, "w.result > t.value")
    assert "enough" in run(bench, made, endless, some).message
    assert max(ahead) < 500


def test_one_in_another(bench: Bench) -> None:
    """As deep as anybody would go; and no deeper."""
    workflow = PLUS
    for _ in range(3):
        outer = inner({}, outputs="result")
        outer["nodes"].append(holding(workflow).model_dump(mode="json"))
        outer["edges"] = [edge_of("n > w.n").model_dump(), edge_of("w.result > result.value").model_dump()]
        workflow = outer
    made = around(holding(workflow, data={"n": 0}), {"o": Out}, "w.result > o.value")
    assert run(bench, made, increased).result == [1]
    for _ in range(8):
        workflow = {"nodes": [holding(workflow).model_dump(mode="json")], "edges": []}
    assert "more than 8 deep" in problems_of(around(holding(workflow), {}), increased)[0]


def test_its_nodes_speak_with_its_voice(bench: Bench) -> None:
    """Logs, previews and how far it is have the id of the node that everybody sees."""

    @node
    async def says(value: int, context: ProcessingContext) -> int:
        print("printed")
        context.log("logged", "warning")
        return value

    talks = inner({"s": says, "p": Show}, "n > s.value", "s > p.value", "s > result.value")
    ran = run(bench, around(holding(talks, data={"n": 1}), {}), says, Show)
    assert ran.lines("w") == ["says: printed", "says: logged"]
    assert [(event.node_id, event.value) for event in ran.of(PreviewUpdate)] == [("w", 1)]
    progress = [event for event in ran.of(NodeProgress) if event.node_id == "w"]
    assert (progress[-1].progress, progress[-1].total) == (4, 4)


def test_an_error_inside_names_both(bench: Bench) -> None:
    """The node that everybody sees, and the one that failed."""

    @node
    async def fails(value: int) -> int:
        raise ValueError(f"not {value}")

    ran = run(bench, around(holding(inner({"f": fails}, "n > f.value"), data={"n": 3}), {}), fails)
    assert ran.message.startswith(f"node w ({TYPE}): node f (")
    assert ran.message.endswith("ValueError: not 3")
    assert ran.outcome.error is not None
    assert ran.outcome.error.node_id == "w"


def test_blocking_functions_inside_leave_the_loop_free(bench: Bench) -> None:
    """They run in the pool, though theirs may be the only nodes of the inner run."""
    threads: list[threading.Thread] = []

    @node
    def blocks(value: int) -> int:
        threads.append(threading.current_thread())
        return value

    made = around(holding(inner({"b": blocks}, "n > b.value", "b > result.value"), data={"n": 1}), {})
    run(bench, made, blocks)
    assert threads[0] is not threading.current_thread()


def test_a_cancel_reaches_what_is_inside(bench: Bench) -> None:
    """And a failure beside it."""
    made = around(holding(inner({"f": forever}), data={"n": 1}), {"b": give})
    known = registry({"f": forever, "b": breaks, "o": Out})
    made = Graph(nodes=(*made.nodes, Node(id="x", type=breaks.spec.type)), edges=())
    known.add(give.spec)
    ran = bench.run_plan(compile_graph(made, known))
    assert "broken" in ran.message
    assert ran.node_states("w") == ["running"]


@node
async def breaks() -> None:
    await asyncio.sleep(0.05)
    raise ValueError("broken")


def test_a_node_inside_may_suspend_the_job(bench: Bench) -> None:
    """The one around it does; it goes on with the state of the one inside."""
    kept: list[tuple[str, Any]] = []

    class Keeps:
        def keep(self, node: Any, outputs: Any) -> None: ...

        def suspend(self, node_id: str, state: Any) -> None:
            kept.append((node_id, state))

        def close(self, *, is_completed: bool) -> None: ...

    @node
    async def asks(value: int, context: ProcessingContext) -> Any:
        if context.resumption is None:
            context.suspend("how many?", {"value": value})
        return [context.resumption.state, context.resumption.value]

    made = around(
        holding(inner({"a": asks}, "n > a.value", "a > result.value"), data={"n": 2}),
        {"o": Out},
        "w.result > o.value",
    )
    first = run(bench, made, asks, context=ProcessingContext(job_id="job", services=Services(keeper=Keeps())))
    assert (first.status, first.outcome.message) == ("suspended", "how many?")
    ((node_id, state),) = kept
    assert node_id == "w"
    services = Services(resumption=Resumption(node_id, state, 5))
    again = run(bench, made, asks, context=ProcessingContext(job_id="job", services=services))
    assert again.result == [[{"value": 2}, 5]]


def test_what_a_node_inside_does_is_part_of_the_result_that_is_kept() -> None:
    """So that resuming runs it again where its code has changed."""

    def made_with(factor: int) -> str:
        source = f"async def same(value: int) -> int:\n    return value * {factor}\n"
        names: dict[str, Any] = {"__name__": "__main__"}
        exec(source, names)
        kind = node(names["same"])
        workflow = inner({"s": kind}, "n > s.value", "s > result.value")
        return keys_of(compile_graph(around(holding(workflow), {}), registry({"s": kind})))["w"]

    assert made_with(2) == made_with(2)
    assert made_with(2) != made_with(3)


class TestProblems:
    """All of what is inside is checked before anything runs."""

    @pytest.mark.parametrize(
        ("workflow", "message"),
        [
            (None, "expected a workflow as JSON"),
            ({}, "expected a workflow as JSON"),
            ("x", "expected a workflow as JSON"),
            ({"nodes": [{"id": "a"}]}, "can't be read as a workflow: graph.nodes.0.type: Field required"),
            ({"nodes": [{"id": "a", "type": "no.Such"}]}, "in its workflow: node a: node type 'no.Such'"),
            (
                {"nodes": [{"id": "i", "type": INPUT, "data": {"name": "n", "stream": True}}]},
                "its input 'n' is a stream",
            ),
        ],
    )
    def test_what_can_not_be_run(self, workflow: Any, message: str) -> None:
        """One problem, whatever is connected to it."""
        (problem,) = problems_of(around(holding(workflow), {"o": Out}, "w.result > o.value"))
        assert message in problem
        assert "node w" in problem

    def test_names_and_types_of_inputs_and_outputs(self) -> None:
        """They are those of the workflow."""
        texts = around(holding(PLUS), {"g": (give, {}), "o": Out}, "g > w.m", "w.rseult > o.value")
        first, second = problems_of(texts, give, increased)
        assert "has no input 'm'; it has workflow_json, n" in first
        assert "has no output 'rseult'; did you mean 'result'?" in second
        (problem,) = problems_of(around(holding(PLUS, data={"n": "x"}), {}), increased)
        assert "expected int, found str 'x'" in problem
        (problem,) = problems_of(around(holding(PLUS, data={"m": 1}), {}), increased)
        assert "has no property 'm'" in problem

    def test_its_nodes_need_not_be_repeated(self) -> None:
        """Some problems are shown, and how many more there are."""
        many = {"nodes": [{"id": str(number), "type": "no.Such"} for number in range(9)]}
        found = problems_of(around(holding(many), {}))
        assert len(found) == 6
        assert "4 more problems" in found[-1]

    def test_declared_outputs_may_be_in_the_file(self, bench: Bench) -> None:
        """NodeTool writes them; those that the workflow doesn't have are a problem."""
        kinds = {"dynamic_outputs": {"result": TypeMetadata(type="any")}, "dynamic_properties": {"n": 1}}
        made = around(holding(PLUS, **kinds), {"o": Out}, "w.result > o.value")
        assert run(bench, made, increased).result == [2]
        (problem,) = problems_of(
            around(holding(PLUS, dynamic_outputs={"other": TypeMetadata()}), {}), increased
        )
        assert "has no dynamic outputs, found other" in problem

    def test_resources_are_needed_from_outside(self) -> None:
        """Those of the nodes inside."""

        @node(resources={"gpu": 1})
        async def needs(value: int) -> int:
            return value

        made = around(holding(inner({"x": needs}, "n > x.value")), {})
        plan = compile_graph(made, registry({"x": needs}))
        assert [(node_id, needed.gpu) for node_id, needed in plan.demanding] == [("w", 1)]


def test_in_threads_it_is_the_same(bench: Bench) -> None:
    """A blocking function inside, for each value of a stream outside."""
    workflow = inner({"i": thread_increased}, "n > i.value", "i > result.value")
    nodes = {"s": (items, {"values": list(range(20))}), "o": Out}
    made = around(holding(workflow), nodes, "s > w.n", "w.result > o.value")
    assert run(bench, made, items, thread_increased).result == list(range(1, 21))
