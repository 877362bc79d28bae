"""When a node fires and with which values: single values, on_any, zip_all and lists."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from nodetool_jupyter.engine.function import node
from nodetool_jupyter.model.events import LogUpdate, OutputUpdate, PreviewUpdate
from nodetool_jupyter.nodes.control import If
from tests.unit.engine.kinds import (
    gathered,
    give,
    increased,
    items,
    later,
    listed,
    nothing,
    pair,
    slow_items,
    thread_increased,
    thread_items,
    triple,
)
from tests.unit.engine.support import Bench, Note, Out, Show

ZIP = {"sync_mode": "zip_all"}


@node
async def numbers(values: list[int]) -> list[int]:
    return values


@node
async def a_number(value: int) -> int:
    return value


@node
async def some_numbers(count: int) -> list[int]:
    return list(range(count))


class TestSingleValues:
    """Graphs without streams: each node fires once."""

    def test_values_flow_along_edges(self, bench: Bench) -> None:
        """From a node to all that it is connected to."""
        nodes = {"a": (give, {"value": 1}), "b": increased, "c": thread_increased, "p": pair, "o": Out}
        ran = bench.run(nodes, "a > b.value", "a > c.value", "b > p.a", "c > p.b", "p > o.value")
        assert (ran.status, ran.result) == ("completed", [[2, 2]])
        assert ran.node_states("p") == ["running", "completed"]

    @pytest.mark.parametrize("value", [None, False, 0, "", [], {}, float("inf")])
    def test_empty_values_are_values(self, bench: Bench, value: Any) -> None:
        """None too: only a handle that nothing has been sent to lacks one."""
        nodes = {"a": (give, {"value": value}), "b": later, "p": pair, "o": Out}
        ran = bench.run(nodes, "a > b.value", "a > p.a", "b > p.b", "p > o.value")
        assert ran.result == [[value, value]]

    def test_values_go_uncopied(self, bench: Bench) -> None:
        """In one process a node gets the very object that another has made."""
        value = object()
        ran = bench.run({"a": (give, {"value": value}), "b": give, "o": Out}, "a > b.value", "b > o.value")
        assert ran.result[0] is value

    def test_a_mixed_up_type_is_an_error_of_the_node_it_reaches(self, bench: Bench) -> None:
        """Where types were unknown beforehand; the handle is named."""
        ran = bench.run({"a": (give, {"value": "x"}), "b": increased}, "a > b.value")
        assert "node b (tests.unit.engine.kinds.increased, handle value): expected int" in ran.message
        assert (ran.outcome.error is not None, ran.node_states("b")) == (True, ["running", "error"])

    def test_output_and_preview_pass_values_on(self, bench: Bench) -> None:
        """They show what goes through them."""
        nodes = {"a": (give, {"value": 1}), "s": Show, "o": Out, "b": increased, "n": (Out, {"name": "n"})}
        ran = bench.run(nodes, "a > s.value", "s > o.value", "o > b.value", "b > n.value")
        assert ran.outcome.outputs == {"result": [1], "n": [2]}
        assert [event.value for event in ran.of(PreviewUpdate)] == [1]
        shown = [(event.output_name, event.value, event.output_type) for event in ran.of(OutputUpdate)]
        assert shown == [("result", 1, "int"), ("n", 2, "int")]

    def test_unconnected_output_gives_its_own_value(self, bench: Bench) -> None:
        """As any node does."""
        assert bench.run({"o": (Out, {"value": 5})}).result == [5]

    def test_two_outputs_of_one_name_share_it(self, bench: Bench) -> None:
        """No value is lost."""
        nodes = {"a": (give, {"value": 1}), "b": (give, {"value": 2}), "o": Out, "p": Out}
        assert sorted(bench.run(nodes, "a > o.value", "b > p.value").result) == [1, 2]


class TestSmallest:
    """Graphs with next to nothing in them."""

    def test_empty_graph(self, bench: Bench) -> None:
        """It completes, with its two events."""
        ran = bench.run({})
        assert (ran.status, ran.outcome.outputs, len(ran.events)) == ("completed", {}, 2)

    def test_graph_of_comments(self, bench: Bench) -> None:
        """Nothing of it runs."""
        ran = bench.run({"a": (Note, {"text": "hello"}), "b": Note})
        assert (ran.status, len(ran.events)) == ("completed", 2)

    def test_thousand_sources(self, bench: Bench) -> None:
        """All run, those that wait among them too, and one node gathers what they give."""
        nodes = {f"n{number}": (later if number % 2 else give, {"value": number}) for number in range(1000)}
        nodes |= {"all": listed, "o": Out}
        edges = [f"n{number} > all.values" for number in range(1000)]
        [result] = bench.run(nodes, *edges, "all > o.value").result
        assert sorted(result) == list(range(1000))


class TestOnAny:
    """The default: fires when all handles have a value, then on every further one."""

    def test_a_later_value_is_taken_with_the_latest_of_the_others(self, bench: Bench) -> None:
        """A stream beside a single value: once for each item."""
        nodes = {"s": (slow_items, {"values": [1, 2, 3]}), "c": (give, {"value": "c"}), "p": pair, "o": Out}
        ran = bench.run(nodes, "s > p.a", "c > p.b", "p > o.value")
        assert ran.result == [[1, "c"], [2, "c"], [3, "c"]]

    def test_before_the_first_firing_the_latest_counts(self, bench: Bench) -> None:
        """What came before another handle had a value is replaced."""
        nodes = {"s": (items, {"values": [1, 2, 3]}), "c": (later, {"value": "c"}), "p": pair, "o": Out}
        assert bench.run(nodes, "s > p.a", "c > p.b", "p > o.value").result == [[3, "c"]]

    def test_equal_values_are_each_a_value(self, bench: Bench) -> None:
        """Repeated items are not dropped, in nodes and outputs."""
        values = [1, 1, 2, 2, 2, 3, 1]
        nodes = {"s": (items, {"values": values}), "n": increased, "o": Out}
        ran = bench.run(nodes, "s > n.value", "n > o.value")
        assert ran.result == [value + 1 for value in values]
        assert [event.value for event in ran.of(OutputUpdate)] == ran.result

    def test_two_streams_fire_for_every_item(self, bench: Bench) -> None:
        """Once both have begun, each item of either is one firing."""
        nodes = {"a": (slow_items, {"values": [1, 2, 3]}), "b": (slow_items, {"values": ["x", "y", "z"]})}
        ran = bench.run({**nodes, "p": pair, "o": Out}, "a > p.a", "b > p.b", "p > o.value")
        assert len(ran.result) == 5
        assert (ran.result[0], ran.result[-1]) == ([1, "x"], [3, "z"])

    def test_a_stream_goes_through_threads_in_order(self, bench: Bench) -> None:
        """Blocking nodes of a stream keep its order and its length."""
        values = list(range(500))
        nodes = {"s": (thread_items, {"values": values}), "n": thread_increased, "c": gathered, "o": Out}
        ran = bench.run(nodes, "s > n.value", "n > c.values", "c > o.value")
        assert ran.result == [[value + 1 for value in values]]


class TestZipAll:
    """One firing for each index-aligned tuple."""

    def run(self, bench: Bench, kinds: dict[str, Any], node: Any = pair) -> Any:
        handles = dict(zip(kinds, "abc", strict=False))
        nodes = {**kinds, "p": (node, {}, ZIP), "o": Out}
        return bench.run(nodes, *(f"{name} > p.{handle}" for name, handle in handles.items()), "p > o.value")

    def test_items_are_paired_by_index(self, bench: Bench) -> None:
        """Whichever stream is faster."""
        kinds = {"x": (items, {"values": [1, 2, 3]}), "y": (slow_items, {"values": ["a", "b", "c"]})}
        assert self.run(bench, kinds).result == [[1, "a"], [2, "b"], [3, "c"]]

    def test_single_values_are_used_again(self, bench: Bench) -> None:
        """What is no stream is sticky, a late one too."""
        kinds = {
            "x": (items, {"values": [1, 2]}),
            "y": (later, {"value": "late"}),
            "z": (items, {"values": [3, 4]}),
        }
        assert self.run(bench, kinds, triple).result == [[1, "late", 3], [2, "late", 4]]

    def test_without_streams_it_fires_once(self, bench: Bench) -> None:
        """All inputs are sticky then."""
        kinds = {"x": (give, {"value": 1}), "y": (later, {"value": 2})}
        assert self.run(bench, kinds).result == [[1, 2]]

    def test_equal_and_empty_items_are_paired_too(self, bench: Bench) -> None:
        """None is an item, and a repeated one isn't dropped."""
        kinds = {"x": (items, {"values": [None, None, 1]}), "y": (items, {"values": [0, 0, None]})}
        assert self.run(bench, kinds).result == [[None, 0], [None, 0], [1, None]]

    @pytest.mark.parametrize("longer", ["x", "y"])
    def test_leftovers_are_dropped_and_said(self, bench: Bench, longer: str) -> None:
        """Nothing vanishes without a word."""
        lists = {"x": [1], "y": [2]}
        lists[longer] = list(range(200))
        kinds = {name: (items, {"values": values}) for name, values in lists.items()}
        ran = self.run(bench, kinds)
        assert len(ran.result) == 1
        logs = [(event.node_id, event.content, event.severity) for event in ran.of(LogUpdate)]
        assert logs == [("p", "199 values had no partner and were dropped (sync mode zip_all)", "warning")]

    def test_a_partner_that_never_comes(self, bench: Bench) -> None:
        """The node is skipped; the other stream neither blocks nor is lost in silence."""
        kinds = {"x": (items, {"values": list(range(500))}), "y": nothing}
        ran = self.run(bench, kinds)
        assert (ran.status, ran.result, ran.node_states("p")) == ("completed", [], [])
        assert ran.lines("p") == ["500 values had no partner and were dropped (sync mode zip_all)"]

    def test_a_sticky_value_that_never_comes(self, bench: Bench) -> None:
        """Likewise where the single value is on a branch that wasn't taken."""
        nodes = {
            "x": (items, {"values": [1, 2]}),
            "i": (If, {"condition": False, "value": 1}),
            "p": (pair, {}, ZIP),
        }
        ran = bench.run(nodes, "x > p.a", "i.if_true > p.b")
        assert ran.lines("p") == ["2 values had no partner and were dropped (sync mode zip_all)"]

    def test_far_apart_streams_are_bounded(self, bench: Bench) -> None:
        """A fast stream waits for a slow one: its inbox doesn't grow with its length."""
        made: list[int] = []
        seen: list[int] = []

        @node
        async def counted() -> AsyncIterator[int]:
            for number in range(2000):
                made.append(number)
                yield number

        @node
        async def ahead(a: int, b: int) -> None:
            seen.append(len(made) - a)

        kinds = {"x": counted, "y": (slow_items, {"values": list(range(2000))})}
        assert self.run(bench, kinds, ahead).status == "completed"
        assert (len(seen), max(seen) < 200) == (2000, True), max(seen)


class TestLists:
    """A list handle gathers."""

    def test_several_edges_into_a_list(self, bench: Bench) -> None:
        """Single values and lists, flattened, in one run at the end of all."""
        nodes = {
            "a": (a_number, {"value": 1}),
            "b": (some_numbers, {"count": 2}),
            "c": (later, {"value": 7}),
            "l": numbers,
            "o": Out,
        }
        ran = bench.run(nodes, "a > l.values", "b > l.values", "c > l.values", "l > o.value")
        assert [sorted(values) for values in ran.result] == [[0, 1, 1, 7]]

    def test_a_single_value_becomes_a_list(self, bench: Bench) -> None:
        """T → list[T]."""
        nodes = {"a": (a_number, {"value": 1}), "l": numbers, "o": Out}
        assert bench.run(nodes, "a > l.values", "l > o.value").result == [[1]]

    def test_a_stream_is_gathered_to_its_end(self, bench: Bench) -> None:
        """One run with all items, in their order."""
        nodes = {"s": (items, {"values": [3, 1, 2]}), "n": increased, "l": numbers, "o": Out}
        ran = bench.run(nodes, "s > n.value", "n > l.values", "l > o.value")
        assert (ran.result, ran.node_states("l")) == ([[4, 2, 3]], ["running", "completed"])

    def test_lists_stay_lists_along_one_edge(self, bench: Bench) -> None:
        """They are not taken apart."""
        nodes = {"a": (some_numbers, {"count": 2}), "l": numbers, "o": Out}
        assert bench.run(nodes, "a > l.values", "l > o.value").result == [[0, 1]]

    def test_gathered_items_are_checked(self, bench: Bench) -> None:
        """The place in the list is named."""
        nodes = {"a": (give, {"value": "x"}), "b": (give, {"value": "y"}), "l": numbers}
        ran = bench.run(nodes, "a > l.values", "b > l.values")
        assert "handle values): expected list[int], found str" in ran.message
        assert ran.message.endswith("at [0]")

    def test_nothing_gathered_is_an_empty_list(self, bench: Bench) -> None:
        """A branch that wasn't taken has nothing to give, and the list is complete."""
        nodes = {
            "i": (If, {"condition": True, "value": 1}),
            "j": (If, {"condition": True, "value": 2}),
            "l": listed,
            "o": Out,
        }
        ran = bench.run(nodes, "i.if_false > l.values", "j.if_false > l.values", "l > o.value")
        assert ran.result == [[]]

    def test_gathering_beside_other_handles(self, bench: Bench) -> None:
        """The run comes when the list is complete, with the values that came before."""

        @node
        async def joined(parts: list[str], by: str) -> str:
            return by.join(parts)

        nodes = {"s": (items, {"values": ["a", "b"]}), "t": (items, {"values": ["c"]})}
        nodes |= {"by": (give, {"value": "-"}), "j": joined, "o": Out}
        edges = ("s > j.parts", "t > j.parts", "by > j.by", "j > o.value")
        [result] = bench.run(nodes, *edges).result
        assert sorted(result.split("-")) == ["a", "b", "c"]
