"""Control edges: a node that runs once for each run event, with the event's properties for that run alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace
from typing import Any, TypedDict

import pytest

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.function import node
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.engine.plan import compile_graph, find_problems
from nodetool_jupyter.model.control import RunEvent, StopEvent
from nodetool_jupyter.model.graph import Edge, Graph
from tests.unit.engine.kinds import Free, give, increased, items, nothing, pair, slow_items
from tests.unit.engine.support import Bench, Input, Nodes, Out, Ran, graph, registry


@node
async def sends(events: list[Any]) -> AsyncIterator[RunEvent]:
    """Gives run events with these properties."""
    for properties in events:
        yield RunEvent(properties)


@node
def sends_from_thread(events: list[Any]) -> Iterator[RunEvent]:
    for properties in events:
        yield RunEvent(properties)


@node
async def sends_once(properties: dict[str, Any]) -> RunEvent:
    return RunEvent(properties)


class Both(BaseNode, prefix="test"):
    """Gives events and values, NodeTool's way."""

    events: Any = None

    class OutputType(TypedDict):
        number: int

    async def gen_process(self, context: ProcessingContext) -> AsyncIterator[Any]:
        for number, event in enumerate(self.events):
            yield {"__control__": event, "number": number}


class Scaled(BaseNode, prefix="test"):
    """A node that says how often it has run."""

    factor: float = 2.0
    value: float = 1.0
    names: list[str] = []  # noqa: RUF012 - a field

    _runs: int = 0

    async def process(self, context: ProcessingContext) -> list[Any]:
        self._runs += 1
        self.names.append(str(self._runs))
        return [self.factor * self.value, list(self.names), self._runs]


class Gathers(BaseNode, prefix="test", streaming_input=True):
    """Reads its items itself."""

    items: Any = None
    word: str = "own"

    async def process(self, context: ProcessingContext) -> list[Any]:
        return [self.word, [item async for item in self.iter_input("items")]]


def controlled(nodes: Nodes, *edges: str, control: str = "c > t", handle: str = "__control__") -> Graph:
    """A graph with control edges too: ``c > t``, separated by commas."""
    plain = graph(nodes, *edges)
    pairs = [text.split(" > ") for text in control.split(", ")]
    more = [
        Edge(
            id=f"control-{number}",
            source=source.partition(".")[0],
            sourceHandle=source.partition(".")[2] or handle,
            target=target,
            targetHandle="__control__",
            edge_type="control",
        )
        for number, (source, target) in enumerate(pairs)
    ]
    return Graph(nodes=plain.nodes, edges=(*plain.edges, *more))


def run(bench: Bench, nodes: Nodes, *edges: str, **options: Any) -> Ran:
    made = controlled(nodes, *edges, **options)
    return bench.run_plan(compile_graph(made, registry(nodes)))


def problems_of(nodes: Nodes, *edges: str, **options: Any) -> list[str]:
    made = controlled(nodes, *edges, **options)
    return [str(problem) for problem in find_problems(made, registry(nodes))]


@pytest.mark.parametrize("kind", [sends, sends_from_thread])
@pytest.mark.parametrize("drawn", ["__control__", "output"])
def test_the_target_runs_once_for_each_event(bench: Bench, kind: Any, drawn: str) -> None:
    """With the event's properties; the edge may begin at the node's one output, too."""
    nodes = {"c": (kind, {"events": [{"value": 1}, {"value": 5}, {"value": 5}]}), "t": increased, "o": Out}
    ran = run(bench, nodes, "t > o.value", handle=drawn)
    assert ran.result == [2, 6, 6]
    assert ran.node_states("t") == ["running", "completed"]


def test_one_event_makes_one_value(bench: Bench) -> None:
    """Not a list of them, so that an output is that value."""
    nodes = {"c": (sends_once, {"properties": {"value": 1}}), "t": increased, "o": Out}
    made = compile_graph(controlled(nodes, "t > o.value"), registry(nodes))
    assert made.outputs == {"result": False}
    assert bench.run_plan(made).result == [2]


def test_no_event_no_run(bench: Bench) -> None:
    """What follows is skipped, as where a value never comes."""
    nodes = {"c": nothing, "t": (increased, {"value": 1}), "o": Out}
    ran = run(bench, nodes, "t > o.value")
    assert (ran.status, ran.outcome.outputs, ran.node_states("t")) == ("completed", {"result": []}, [])


def test_properties_hold_for_one_run(bench: Bench) -> None:
    """The next one begins with the node's own, and with defaults that nobody has changed; the node itself
    stays.
    """
    events = [{"factor": 3.0}, {}, {"value": 4.0, "names": ["a"]}, {}]
    nodes = {"c": (sends, {"events": events}), "t": (Scaled, {"value": 2.0}), "o": Out}
    results = run(bench, nodes, "t > o.value").result
    assert [result[0] for result in results] == [6.0, 4.0, 8.0, 4.0]
    assert [result[2] for result in results] == [1, 2, 3, 4]
    assert [result[1] for result in results[2:]] == [["a", "3"], ["4"]]


def test_names_that_a_dynamic_node_gets_go_again(bench: Bench) -> None:
    """Those that only an event has, too."""
    nodes = {
        "c": (sends, {"events": [{"x": 1}, {"y": 2}, {"known": 7}]}),
        "t": (Free, {"z": 0}),
        "o": Out,
    }
    found = run(bench, nodes, "t > o.value").result
    assert found == [{"known": 0, "z": 0, "x": 1}, {"known": 0, "z": 0, "y": 2}, {"known": 7, "z": 0}]


def test_values_from_edges_are_there_and_an_event_is_before_them(bench: Bench) -> None:
    """The first event waits until each connected handle has a value, the next ones have the latest."""
    nodes = {
        "c": (sends, {"events": [{}, {"a": "e"}, {}]}),
        "s": (slow_items, {"values": ["s"]}),
        "g": (give, {"value": "g"}),
        "t": pair,
        "o": Out,
    }
    ran = run(bench, nodes, "s > t.a", "g > t.b", "t > o.value")
    assert ran.result == [["s", "g"], ["e", "g"], ["s", "g"]]


def test_a_value_that_never_comes_keeps_it_from_running(bench: Bench) -> None:
    """However many events there are."""
    nodes = {"c": (sends, {"events": [{}] * 200}), "n": nothing, "t": (pair, {"b": 1}), "o": Out}
    ran = run(bench, nodes, "n > t.a", "t > o.value")
    assert (ran.status, ran.result) == ("completed", [])


def test_a_required_property_may_come_with_the_event(bench: Bench) -> None:
    """Where it doesn't, that is the node's error."""
    nodes = {"c": (sends_once, {"properties": {"a": 1, "b": 2}}), "t": pair, "o": Out}
    assert run(bench, nodes, "t > o.value").result == [[1, 2]]
    ran = run(bench, nodes | {"c": (sends, {"events": [{"a": 1, "b": 2}, {"a": 1}]})}, "t > o.value")
    assert "handle b): has no value, no connection, and the run event doesn't give it" in ran.message


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"valeu": 1}, "handle valeu): a run event: "),
        ({"value": "x"}, "handle value): a run event: expected int, found str 'x'"),
    ],
)
def test_properties_are_checked(bench: Bench, properties: dict[str, Any], reason: str) -> None:
    """Names and types; the message names the controlled node and the handle."""
    nodes = {"c": (sends, {"events": [properties]}), "t": (increased, {"value": 1})}
    ran = run(bench, nodes)
    assert ran.status == "failed"
    assert ran.message.startswith("node t (")
    assert reason in ran.message


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"event_type": "run", "properties": {"value": 1}}, [2]),
        (SimpleNamespace(event_type="run", properties={"value": 1}), [2]),
        ({"value": 1}, [2]),
        ({}, [1]),
        (StopEvent(), []),
        ({"event_type": "stop"}, []),
    ],
)
def test_events_may_be_nodetools_or_json(bench: Bench, event: Any, expected: list[int]) -> None:
    """Any other dict has the properties."""
    nodes = {"c": (give, {"value": event}), "t": (increased, {"value": 0}), "o": Out}
    assert run(bench, nodes, "t > o.value").result == expected


@pytest.mark.parametrize(
    "event", [1, None, "run", {"event_type": "jump"}, {"event_type": "run", "properties": 1}]
)
def test_what_is_no_event_is_an_error(bench: Bench, event: Any) -> None:
    """It is not taken for an event without properties."""
    nodes = {"c": (give, {"value": event}), "t": (increased, {"value": 0})}
    ran = run(bench, nodes)
    assert ran.status == "failed"
    assert "node t (tests.unit.engine.kinds.increased, handle __control__)" in ran.message


def test_a_stop_event_is_the_last(bench: Bench) -> None:
    """What comes after it is dropped, and its sender goes on."""
    events = [RunEvent({"value": 1}), StopEvent(), RunEvent({"value": 2})]
    nodes = {"c": (Both, {"events": events}), "t": increased, "o": Out, "n": (Out, {"name": "numbers"})}
    ran = run(bench, nodes, "t > o.value", "c.number > n.value")
    assert ran.outcome.outputs == {"result": [2], "numbers": [0, 1, 2]}


@node
async def stops(until: int) -> AsyncIterator[RunEvent]:
    """As README has it: the annotation names the run events."""
    for value in range(until):
        yield RunEvent({"value": value})
    yield StopEvent()  # type: ignore[misc]
    yield RunEvent({"value": until})


def test_a_node_of_run_events_may_end_them(bench: Bench) -> None:
    """A stop event has the type that it declares."""
    assert run(bench, {"c": (stops, {"until": 2}), "t": increased, "o": Out}, "t > o.value").result == [1, 2]


def test_named_outputs_go_their_way_beside_the_events(bench: Bench) -> None:
    """``__control__`` need not be declared, nor connected."""
    nodes = {
        "c": (Both, {"events": [RunEvent({"value": 3})]}),
        "t": increased,
        "o": Out,
        "n": (Out, {"name": "n"}),
    }
    for drawn in ("__control__", "output"):
        ran = run(bench, nodes, "t > o.value", "c.number > n.value", handle=drawn)
        assert ran.outcome.outputs == {"result": [4], "n": [0]}
    alone = bench.run({"c": nodes["c"], "n": Out}, "c.number > n.value")
    assert alone.result == [0]


def test_one_controls_several_and_several_one(bench: Bench) -> None:
    """Each target gets each event; each event of each controller is a run."""
    nodes = {
        "c": (sends, {"events": [{"value": 1}, {"value": 2}]}),
        "d": (sends_once, {"properties": {"value": 10}}),
        "t": increased,
        "u": increased,
        "o": Out,
        "p": (Out, {"name": "other"}),
    }
    ran = run(bench, nodes, "t > o.value", "u > p.value", control="c > t, c > u, d > t")
    assert sorted(ran.result) == [2, 3, 11]
    assert ran.outcome.outputs["other"] == [2, 3]


def test_a_controlled_node_may_control(bench: Bench) -> None:
    """And stream for each event."""
    nodes = {
        "c": (sends, {"events": [{"events": [{"value": 1}, {"value": 2}]}, {"events": [{"value": 3}]}]}),
        "d": (sends, {"events": []}),
        "t": increased,
        "o": Out,
    }
    assert run(bench, nodes, "t > o.value", control="c > d, d > t").result == [2, 3, 4]


def test_a_node_that_reads_its_inputs_gets_all_of_them_for_each_event(bench: Bench) -> None:
    """Also where an event gives some in their place."""
    nodes = {
        "c": (sends, {"events": [{}, {"word": "e"}]}),
        "s": (slow_items, {"values": [1, 2]}),
        "t": Gathers,
        "o": Out,
    }
    assert run(bench, nodes, "s > t.items", "t > o.value").result == [["own", [1, 2]], ["e", [1, 2]]]


def test_outputs_and_inputs_can_be_controlled(bench: Bench) -> None:
    """An input gives its value for each event, an output shows one."""
    nodes = {
        "c": (sends, {"events": [{}, {"value": 4}]}),
        "i": (Input, {"name": "i", "value": 3}),
        "o": Out,
        "p": (Out, {"name": "p", "value": 0}),
    }
    ran = run(bench, nodes, "i > o.value", control="c > i, c > p")
    assert ran.outcome.outputs == {"result": [3, 4], "p": [0, 4]}


def test_many_events_wait_in_bounded_space(bench: Bench) -> None:
    """A controller that is faster than its target waits for it."""
    ahead: list[int] = []
    sent = done = 0

    @node
    async def counts() -> AsyncIterator[RunEvent]:
        nonlocal sent
        for number in range(2000):
            sent += 1
            yield RunEvent({"value": number})

    @node
    async def slowly(value: int) -> int:
        nonlocal done
        done += 1
        ahead.append(sent - done)
        return value

    nodes = {"c": counts, "t": slowly, "o": Out}
    assert run(bench, nodes, "t > o.value").result == list(range(2000))
    assert max(ahead) < 200


def test_a_controller_that_fails_ends_the_run(bench: Bench) -> None:
    """As any node that fails."""

    @node
    async def breaks() -> AsyncIterator[RunEvent]:
        yield RunEvent({"value": 1})
        raise ValueError("broken")

    ran = run(bench, {"c": breaks, "t": increased, "o": Out}, "t > o.value")
    assert (ran.status, "ValueError: broken" in ran.message) == ("failed", True)


class TestProblems:
    """All of it is known before anything runs."""

    def test_a_control_edge_ends_at_its_handle(self) -> None:
        """And a data edge ends elsewhere."""
        nodes = {"c": (sends, {"events": []}), "t": (increased, {"value": 1}), "f": Free}
        wrong = Edge(source="c", target="t", targetHandle="value", edge_type="control")
        made = Graph(nodes=graph(nodes).nodes, edges=(wrong,))
        (problem,) = map(str, find_problems(made, registry(nodes)))
        assert "a control edge ends at __control__" in problem
        data = Edge(source="c", target="f", targetHandle="__control__")
        (problem,) = map(str, find_problems(Graph(nodes=graph(nodes).nodes, edges=(data,)), registry(nodes)))
        assert "only an edge of edge_type control ends here" in problem

    def test_it_begins_at_an_output(self) -> None:
        """One that is there."""
        nodes = {"c": (sends, {"events": []}), "t": (increased, {"value": 1})}
        (problem,) = problems_of(nodes, control="c.evnts > t")
        assert "has no output 'evnts'" in problem

    def test_no_cycles(self) -> None:
        """Neither of control edges, nor of both kinds."""
        nodes = {"c": (sends, {"events": []}), "d": (sends, {"events": []}), "t": (increased, {"value": 1})}
        (problem,) = problems_of(nodes, control="c > d, d > c")
        assert "the graph has a cycle" in problem
        (problem,) = problems_of({"c": sends, "g": give}, "g > c.events", control="c > g")
        assert "the graph has a cycle" in problem

    def test_what_values_are_pushed_to_is_not_controlled(self) -> None:
        """It runs for each of them."""
        nodes = {"c": (sends, {"events": []}), "i": (Input, {"name": "i", "stream": True})}
        (problem,) = problems_of(nodes, control="c > i")
        assert "an input that values are pushed to can't be controlled" in problem


def test_items_reach_a_controlled_node_as_the_latest(bench: Bench) -> None:
    """A stream into it doesn't make it run."""
    nodes = {"c": (sends_once, {"properties": {}}), "s": (items, {"values": [1, 2, 3]}), "t": give, "o": Out}
    ran = run(bench, nodes, "s > t.value", "t > o.value")
    assert len(ran.result) == 1
