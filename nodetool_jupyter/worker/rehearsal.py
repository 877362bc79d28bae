"""What every job does, done once without one: imports, first uses, and the memory pages that they touch.

The zygote rehearses before it forks, so that this is there for all; what waits for a job rehearses once more,
so that the pages which a job writes to are its own already.
"""

from __future__ import annotations

import asyncio
import importlib
from pathlib import Path

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.plan import compile_graph
from nodetool_jupyter.engine.registry import Registry
from nodetool_jupyter.engine.runner import WorkflowRunner
from nodetool_jupyter.engine.threads import ThreadPool
from nodetool_jupyter.model.events import JobUpdate
from nodetool_jupyter.model.graph import Edge, Graph, Node
from nodetool_jupyter.values.files import ValueFolder
from nodetool_jupyter.worker import wire
from nodetool_jupyter.worker.order import Order, decode_graph, digest_of, encode_graph, read_order
from nodetool_jupyter.worker.pipes import expect_end
from nodetool_jupyter.worker.process import boot_id
from nodetool_jupyter.worker.verdict import Ending, judge

PRELOADED = (
    "nodetool_jupyter.engine.function",
    "nodetool_jupyter.worker.pickling",
    "nodetool_jupyter.worker.sandbox",
    "nodetool_jupyter.nodes.constant",
    "nodetool_jupyter.nodes.input",
    "nodetool_jupyter.nodes.output",
    "nodetool_jupyter.nodes.workflow",
    "nodetool_jupyter.nodes.control",
)
FAMILIES = {
    "nodetool.constant": ("nodetool_jupyter.nodes.constant",),
    "nodetool.output": ("nodetool_jupyter.nodes.output",),
}
GRAPH = Graph(
    nodes=(
        Node(id="a", type="nodetool.constant.String", data={"value": "warm"}),
        Node(id="b", type="nodetool.output.Output", data={"name": "b"}),
    ),
    edges=(Edge(source="a", target="b", targetHandle="value"),),
)


def rehearse_all() -> None:
    """Import what most jobs need, and play both parts."""
    for name in PRELOADED:
        importlib.import_module(name)
    rehearse_supervisor()
    rehearse_worker()


def rehearse_supervisor() -> None:
    """Read a start and an order, hear of an end and judge it."""
    boot_id()
    _read_order()
    expect_end()
    judge(Ending(0, update=JobUpdate(status="completed")))


def rehearse_worker() -> None:
    """Read an order and run it."""
    order = _read_order()
    graph = decode_graph(order, ValueFolder(Path()).find, lambda _module, _name: None)
    plan = compile_graph(graph, Registry(FAMILIES))
    lines: list[bytes] = []
    run = WorkflowRunner(
        plan, ProcessingContext("warm"), lambda batch: lines.append(batch.lines), ThreadPool(1)
    )
    asyncio.run(run.run())


def _read_order() -> Order:
    graph = encode_graph(GRAPH, ValueFolder(Path()))
    data = Order(job_id="warm", graph=graph, params={}, families={}).to_bytes()
    hello = wire.encode_message(wire.hello("/", digest_of(data), {}))
    (start,) = wire.Lines().feed(hello)
    assert isinstance(start, wire.Start)
    wire.check_versions(start)
    return read_order(data, start.digest)
