"""Which nodes get values at all: branches, nodes that read their streams themselves, and how ends spread."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from nodetool_jupyter.engine.function import node
from nodetool_jupyter.model.events import EdgeUpdate
from nodetool_jupyter.nodes.control import Collect, ForEach, If
from tests.unit.engine.kinds import (
    Sort,
    failing,
    first_of,
    gathered,
    give,
    increased,
    items,
    later,
    nothing,
)
from tests.unit.engine.support import Bench, Input, Out


@node
async def weighted(values: AsyncIterator[int], by: int) -> list[int]:
    return [value * by async for value in values]


class TestBranches:
    """What gets no value is skipped."""

    @pytest.mark.parametrize(("condition", "taken", "skipped"), [(True, "t", "f"), (False, "f", "t")])
    def test_the_other_branch_is_skipped(
        self, bench: Bench, condition: bool, taken: str, skipped: str
    ) -> None:
        """All of it, without an event; the job completes."""
        nodes = {
            "i": (If, {"condition": condition, "value": 1}),
            "t": increased,
            "f": increased,
            "tt": later,
            "ff": later,
            "o": (Out, {"name": "t"}),
            "p": (Out, {"name": "f"}),
        }
        edges = ("i.if_true > t.value", "i.if_false > f.value", "t > tt.value", "f > ff.value")
        ran = bench.run(nodes, *edges, "tt > o.value", "ff > p.value")
        assert ran.outcome.outputs == {taken: [2], skipped: []}
        assert (ran.node_states(taken), ran.node_states(skipped)) == (["running", "completed"], [])
        assert ran.node_states(skipped * 2) == []

    def test_branches_of_a_stream(self, bench: Bench) -> None:
        """Each item goes its way, in order."""
        nodes = {"s": (items, {"values": [1, 2, 3, 4]}), "b": Sort, "o": Out, "p": (Out, {"name": "even"})}
        ran = bench.run(nodes, "s > b.number", "b.odd > o.value", "b.even > p.value")
        assert ran.outcome.outputs == {"result": [1, 3], "even": [2, 4]}

    def test_an_empty_stream_skips_what_follows(self, bench: Bench) -> None:
        """But for who gathers it."""
        nodes = {"s": nothing, "n": increased, "c": gathered, "o": Out, "p": (Out, {"name": "all"})}
        ran = bench.run(nodes, "s > n.value", "n > o.value", "n > c.values", "c > p.value")
        assert ran.outcome.outputs == {"result": [], "all": [[]]}
        assert ran.node_states("n") == []

    def test_a_loop_over_a_list(self, bench: Bench) -> None:
        """ForEach → … → Collect is one list again, also of no items."""
        nodes = {"f": (ForEach, {"input_list": [1, 2, 3]}), "n": increased, "c": Collect, "o": Out}
        edges = ("f > n.value", "n > c.input_item", "c > o.value")
        assert bench.run(nodes, *edges).result == [[2, 3, 4]]
        assert bench.run({**nodes, "f": (ForEach, {"input_list": []})}, *edges).result == [[]]

    def test_a_loop_within_a_loop(self, bench: Bench) -> None:
        """The inner stream is one with the outer: all items, in order."""
        nodes = {
            "f": (ForEach, {"input_list": [[1, 2], [], [3]]}),
            "g": ForEach,
            "n": increased,
            "c": Collect,
            "o": Out,
        }
        edges = ("f > g.input_list", "g > n.value", "n > c.input_item", "c > o.value")
        assert bench.run(nodes, *edges).result == [[2, 3, 4]]


class TestReaders:
    """Nodes that read their inputs themselves."""

    def test_they_start_with_the_first_item(self, bench: Bench) -> None:
        """Long before the stream has ended."""
        order: list[str] = []

        @node
        async def told() -> AsyncIterator[int]:
            order.append("made 1")
            yield 1
            for _ in range(3):
                yield await later(2)
            order.append("made all")

        @node
        async def reads(values: AsyncIterator[int]) -> None:
            async for value in values:
                order.append(f"read {value}")  # noqa: PERF401 - each must be noted as it comes

        bench.run({"t": told, "r": reads}, "t > r.values")
        assert order[:2] == ["made 1", "read 1"]
        assert order.count("read 2") == 3

    def test_they_wait_for_their_plain_values(self, bench: Bench) -> None:
        """Items that come before are kept."""
        nodes = {
            "s": (items, {"values": [1, 2]}),
            "w": (later, {"value": 10}),
            "r": weighted,
            "o": Out,
        }
        assert bench.run(nodes, "s > r.values", "w > r.by", "r > o.value").result == [[10, 20]]

    def test_a_wrong_plain_value_is_their_own_error(self, bench: Bench) -> None:
        """Not that of whoever sent it."""
        nodes = {"s": (items, {"values": [1, 2]}), "w": (give, {"value": "x"}), "r": weighted}
        ran = bench.run(nodes, "s > r.values", "w > r.by")
        assert "node r (tests.unit.engine.test_branches.weighted, handle by): expected int" in ran.message
        assert ran.node_states("w") == ["running", "completed"]

    def test_a_wrong_item_is_their_own_error(self, bench: Bench) -> None:
        """The items before it have been read."""
        nodes = {"s": (items, {"values": [1, "x"]}), "r": (weighted, {"by": 2})}
        ran = bench.run(nodes, "s > r.values")
        assert "node r (tests.unit.engine.test_branches.weighted, handle values): expected int" in ran.message

    def test_they_are_skipped_where_a_plain_value_never_comes(self, bench: Bench) -> None:
        """And whoever streams to them isn't held up, however much it sends."""
        nodes = {
            "s": (items, {"values": list(range(1000))}),
            "i": (If, {"condition": False, "value": 1}),
            "r": weighted,
        }
        ran = bench.run(nodes, "s > r.values", "i.if_true > r.by")
        assert (ran.status, ran.node_states("r")) == ("completed", [])
        counts = {event.edge_id: event.counter for event in ran.of(EdgeUpdate) if event.status == "drained"}
        assert counts["s > r.values"] <= 1000

    def test_an_unconnected_stream_is_its_property(self, bench: Bench) -> None:
        """One item where a value is given, none where there is only a default."""

        @node
        async def reads(values: AsyncIterator[int] = None) -> list[int]:  # type: ignore[assignment]  # noqa: RUF013 - as people write it
            return [value async for value in values]

        assert bench.run({"r": reads, "o": Out}, "r > o.value").result == [[]]
        assert bench.run({"r": (reads, {"values": 7}), "o": Out}, "r > o.value").result == [[7]]

    def test_all_inputs_in_the_order_of_their_arrival(self, bench: Bench) -> None:
        """Two handles read as one stream."""
        nodes = {"x": (items, {"values": [1, 2]}), "c": Collect, "o": Out}
        ran = bench.run(
            {**nodes, "y": (later, {"value": 3})}, "x > c.input_item", "y > c.input_item", "c > o.value"
        )
        assert ran.result == [[1, 2, 3]]


class TestEnds:
    """How the end of one node reaches the others."""

    def test_input_nodes_end_like_others(self, bench: Bench) -> None:
        """A reader of a single value sees its end."""
        nodes = {"i": (Input, {"name": "n", "value": 5}), "c": gathered, "o": Out}
        assert bench.run(nodes, "i > c.values", "c > o.value").result == [[5]]

    def test_nodes_behind_a_failed_one_do_not_run(self, bench: Bench) -> None:
        """They have no value to run with."""
        nodes = {"f": failing, "n": give, "o": Out}
        ran = bench.run(nodes, "f > n.value", "n > o.value")
        assert (ran.status, ran.node_states("n"), ran.result) == ("failed", [], [])

    def test_a_reader_that_stops_early_ends_its_stream(self, bench: Bench) -> None:
        """Its producer goes on to its own end, without waiting for anyone."""
        nodes = {"s": (items, {"values": list(range(1000))}), "f": first_of, "o": Out}
        ran = bench.run(nodes, "s > f.values", "f > o.value")
        assert (ran.status, ran.result) == ("completed", [0])
        assert ran.node_states("s") == ["running", "completed"]
