"""The order: what is read is what was written, by the one who had it written."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from nodetool_jupyter import node
from nodetool_jupyter.errors import NodeToolError, ValueCrossingError, WorkflowError
from nodetool_jupyter.model.graph import Graph, Node
from nodetool_jupyter.model.request import ResourceLimits
from nodetool_jupyter.values.files import ValueFolder
from nodetool_jupyter.worker.order import (
    Order,
    decode_graph,
    decode_params,
    digest_of,
    encode_graph,
    encode_params,
    pack_code,
    read_order,
    unpack_code,
)


def order_of(folder: Path, graph: Graph, params: dict[str, Any]) -> Order:
    spill = ValueFolder(folder)
    order = Order(
        job_id="j",
        graph=encode_graph(graph, spill),
        params=encode_params(params, spill),
        families={"a": ["b"]},
        limits=ResourceLimits(timeout=1.5),
    )
    data = order.to_bytes()
    assert read_order(data, digest_of(data)) == order
    return order


def no_class(_module: str, _name: str) -> None:
    return None


def test_graph_and_params_come_back(tmp_path: Path) -> None:
    """Values that JSON doesn't know, large ones and those that only a pickle holds."""
    values = {"bytes": b"\xff\x00", "nan": float("inf"), "large": b"x" * 3_000_000, "odd": slice(1, 2)}
    graph = Graph(nodes=(Node(id="n", type="t", data=dict(values), dynamic_properties={"d": {1, 2}}),))
    order = order_of(tmp_path, graph, dict(values))
    find = ValueFolder(tmp_path).find
    (found,) = decode_graph(order, find, no_class).nodes
    assert (found.data, found.dynamic_properties) == (values, {"d": {1, 2}})
    assert decode_params(order, find, no_class) == values


def test_another_order_is_refused() -> None:
    """Whoever has changed it does not have it run."""
    data = Order(job_id="j", graph={}, params={}, families={}).to_bytes()
    with pytest.raises(WorkflowError, match="not the one that was given"):
        read_order(data.replace(b'"j"', b'"k"'), digest_of(data))
    with pytest.raises(WorkflowError, match="can't be read"):
        read_order(b"{}", digest_of(b"{}"))


def test_a_value_that_is_gone_is_named(tmp_path: Path) -> None:
    """By node and property, or by param."""
    graph = Graph(nodes=(Node(id="n", type="t", data={"large": b"x" * 3_000_000}),))
    order = order_of(tmp_path, graph, {"large": b"x" * 3_000_000})
    for path in tmp_path.iterdir():
        path.unlink()
    find = ValueFolder(tmp_path).find
    with pytest.raises(NodeToolError, match="no longer there"):
        decode_graph(order, find, no_class)
    with pytest.raises(NodeToolError, match="no longer there"):
        decode_params(order, find, no_class)


def test_code_comes_back() -> None:
    """Functions with what they use."""
    factor = 3

    @node
    def triples(number: int) -> int:
        return factor * number

    sources, classes = unpack_code(pack_code({"t": triples}, [dict]))
    assert (sources["t"].function(2), classes) == (6, [dict])
    assert unpack_code(pack_code({}, [])) == ({}, [])


def test_a_function_that_calls_itself_comes_back_whole() -> None:
    """Its types and defaults go along, though it is reached from itself before it is all there."""

    @node
    def count(left: int = 2, *, step: int = 1) -> int:
        return count(left - step) + 1 if left > 0 else 0

    @node
    def counted(left: int) -> int:
        return count(left)

    for made in ({"count": count}, {"counted": counted, "count": count}):
        sources, _ = unpack_code(pack_code(made, []))
        found = sources["count"]
        kinds = {name: (str(each.type.type), each.default) for name, each in found.spec.inputs.items()}
        assert kinds == {"left": ("int", 2), "step": ("int", 1)}
        assert found.spec.outputs == count.spec.outputs
        assert found.spec.source is found
        assert found() == 2


def test_code_that_cannot_go_along_is_named() -> None:
    """With the reason, and what to do."""
    lock = threading.Lock()

    @node
    def locks() -> bool:
        return lock.locked()

    with pytest.raises(ValueCrossingError, match=r"node t can't go to another process: TypeError") as caught:
        pack_code({"t": locks}, [])
    assert "inside of the function" in (caught.value.hint or "")


def test_code_that_cannot_be_loaded() -> None:
    """What it imports may be missing there."""
    with pytest.raises(ValueCrossingError, match="can't be loaded in the worker"):
        unpack_code("AAAA")
