"""Random graphs against a model: whatever is connected to what, a run ends with the values of the model.

The model knows values and streams only: lists of items, and what becomes of them. Loops, threads, inboxes and
their bounds must make no difference.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nodetool_jupyter.nodes.control import ForEach
from tests.unit.engine.kinds import (
    gathered,
    give,
    items,
    later,
    pair,
    slow_items,
    thread_increased,
    thread_items,
)
from tests.unit.engine.support import Out, open_bench
from tests.unit.engine.test_dataflow import ZIP

LENGTHS = st.sampled_from([0, 1, 2, 3, 63, 64, 65, 130, 200])


@dataclass
class Made:
    """A node of a random graph: what it gives, and whether that is a stream."""

    id: str
    values: list[Any]
    streams: bool
    is_number: bool = True


@dataclass
class Model:
    """A graph, and the values that it should give."""

    nodes: dict[str, Any] = field(default_factory=dict)
    edges: list[str] = field(default_factory=list)
    made: list[Made] = field(default_factory=list)

    def add(
        self, kind: Any, given: dict[str, Made], values: list[Any], *, streams: bool, **fields: Any
    ) -> Made:
        node_id = f"n{len(self.made)}"
        self.nodes[node_id] = (kind, fields.pop("data", {}), fields)
        self.edges += [f"{source.id} > {node_id}.{handle}" for handle, source in given.items()]
        numbers = all(type(value) is int for value in values)
        self.made.append(Made(node_id, values, streams, numbers))
        return self.made[-1]


def add_single(model: Model, draw: Callable[..., Any]) -> None:
    value = draw(st.integers(0, 9))
    model.add(draw(st.sampled_from([give, later])), {}, [value], streams=False, data={"value": value})


def add_stream(model: Model, draw: Callable[..., Any]) -> None:
    values = list(range(draw(LENGTHS)))
    kind = draw(st.sampled_from([items, slow_items, thread_items]))
    model.add(kind, {}, values, streams=True, data={"values": values})


def add_mapped(model: Model, draw: Callable[..., Any]) -> None:
    source = draw(st.sampled_from(model.made))
    if source.is_number and draw(st.booleans()):
        values = [value + 1 for value in source.values]
        model.add(thread_increased, {"value": source}, values, streams=source.streams)
    else:
        kind = draw(st.sampled_from([give, later]))
        model.add(kind, {"value": source}, source.values, streams=source.streams)


def add_zipped(model: Model, draw: Callable[..., Any]) -> None:
    one, two = draw(st.sampled_from(model.made)), draw(st.sampled_from(model.made))
    count = min(len(one.values), len(two.values))
    streams = one.streams or two.streams
    if one.streams != two.streams:
        stream, single = (one, two) if one.streams else (two, one)
        count = len(stream.values) if single.values else 0

    def at(made: Made, index: int) -> Any:
        return made.values[index if made.streams else 0]

    values = [[at(one, index), at(two, index)] for index in range(count)]
    model.add(pair, {"a": one, "b": two}, values, streams=streams, **ZIP)


def add_gathered(model: Model, draw: Callable[..., Any]) -> None:
    source = draw(st.sampled_from(model.made))
    model.add(gathered, {"values": source}, [source.values], streams=False)


def add_loop(model: Model, draw: Callable[..., Any]) -> None:
    source = draw(st.sampled_from(model.made))
    whole = model.add(gathered, {"values": source}, [source.values], streams=False)
    model.add(ForEach, {"input_list": whole}, source.values, streams=True)


STEPS = [add_single, add_stream, add_mapped, add_zipped, add_gathered, add_loop]


@st.composite
def models(draw: st.DrawFn) -> Model:
    model = Model()
    add_single(model, draw)
    add_stream(model, draw)
    for step in draw(st.lists(st.sampled_from(STEPS), max_size=12)):
        step(model, draw)
    for made in list(model.made):
        if draw(st.booleans()):
            model.nodes[f"o{made.id}"] = (Out, {"name": made.id})
            model.edges.append(f"{made.id} > o{made.id}.value")
    return model


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(models(), st.integers(1, 3))
def test_a_run_gives_what_the_model_says(model: Model, threads: int) -> None:
    """However few threads there are, and however far the streams are apart."""
    expected = {made.id: made.values for made in model.made if f"o{made.id}" in model.nodes}
    with open_bench(threads=threads) as bench:
        ran = bench.run(model.nodes, *model.edges)
    assert (ran.status, ran.outcome.outputs) == ("completed", expected)
