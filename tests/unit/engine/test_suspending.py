"""A node suspends its run: what that ends, what it can't be where, and what the node goes on with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nodetool_jupyter.engine.context import NodeSuspended, ProcessingContext, Resumption, Services
from nodetool_jupyter.engine.feeding import Feeds
from nodetool_jupyter.engine.function import node
from nodetool_jupyter.engine.keeping import STATE, Keeper, read_state
from nodetool_jupyter.errors import StoreError
from nodetool_jupyter.model.events import NodeUpdate
from tests.unit.engine.kinds import forever, give
from tests.unit.engine.support import Bench, Nodes, Out, open_bench, plan
from tests.unit.engine.test_feeding import FED, run_fed


@pytest.fixture
def bench() -> Iterator[Bench]:
    with open_bench() as bench:
        yield bench


@node
async def suspends(value: Any, context: ProcessingContext) -> Any:
    context.suspend("why", value)


@node
async def goes_on(context: ProcessingContext) -> Any:
    return None if context.resumption is None else (context.resumption.state, context.resumption.value)


def test_a_suspension_ends_what_else_runs(bench: Bench) -> None:
    ran = bench.run({"f": forever, "a": give, "s": suspends}, "a > s.value", "a > f.value")
    assert ran.status == "suspended"
    assert ran.outcome.message == "why"
    assert ran.node_states("s") == ["running", "suspended"]
    assert ran.of(NodeUpdate)[-1].node_id == "s"


def test_a_stream_may_be_suspended_in_its_midst(bench: Bench) -> None:
    @node
    async def items(context: ProcessingContext) -> AsyncIterator[int]:
        yield 1
        context.suspend("enough")

    ran = bench.run({"i": items, "o": Out}, "i > o.value")
    assert ran.status == "suspended"
    assert ran.node_states("i") == ["running", "suspended"]


def test_only_the_node_that_suspended_it_is_told(bench: Bench) -> None:
    nodes: Nodes = {"x": goes_on, "ox": (Out, {"name": "x"}), "y": goes_on, "oy": (Out, {"name": "y"})}
    services = Services(resumption=Resumption("x", {"at": 1}, "value"))
    context = ProcessingContext(job_id="job", services=services)
    ran = bench.run(nodes, "x > ox.value", "y > oy.value", context=context)
    assert ran.outcome.outputs == {"x": [({"at": 1}, "value")], "y": [None]}


def test_a_run_with_streaming_inputs_cannot_be_suspended(bench: Bench) -> None:
    async def feed(feeds: Feeds, _ran: Any) -> None:
        feeds["x"].push("a")

    ran = run_fed(bench, {"a": FED, "s": suspends}, "a > s.value", feed=feed)
    assert ran.status == "failed"
    assert "can't suspend a job with streaming inputs" in ran.message


def test_outside_of_a_run_a_suspension_is_raised() -> None:
    """So that a node that suspends can be tested."""
    with pytest.raises(NodeSuspended) as suspension:
        ProcessingContext().suspend("why", 5)
    assert (suspension.value.reason, suspension.value.state) == ("why", 5)
    assert ProcessingContext().resumption is None


def test_the_latest_state_is_kept(tmp_path: Path) -> None:
    keeper = Keeper(plan({"a": give}), tmp_path, tmp_path / "values")
    keeper.suspend("a", [1, "large" * 1_000_000])
    keeper.suspend("a", {"at": b"2"})
    found = read_state(tmp_path, tmp_path / "values", None)
    assert replace(found, value="v") == Resumption("a", {"at": b"2"}, "v")


@pytest.mark.parametrize("data", [None, b"", b"[]", b"{}", b'{"node": "a"'])
def test_a_state_that_is_gone_is_said_so(tmp_path: Path, data: bytes | None) -> None:
    if data is not None:
        (tmp_path / STATE).parent.mkdir()
        (tmp_path / STATE).write_bytes(data)
    with pytest.raises(StoreError, match="the state of the suspended job can't be read"):
        read_state(tmp_path, tmp_path / "values", None)
