"""A large workflow of the library: load, validate and run, over what the nodes' own functions cost."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from nodetool_jupyter.authoring.files import load_workflow
from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.plan import compile_graph
from nodetool_jupyter.engine.registry import Registry
from nodetool_jupyter.engine.runner import WorkflowRunner
from nodetool_jupyter.engine.threads import ThreadPool
from nodetool_jupyter.nodes import FAMILIES
from nodetool_jupyter.worker.event_log import LogWriter
from tests.benchmarks.compare import seconds

pytestmark = pytest.mark.benchmark

NODES = 2_000
GOAL = 40.0
RUNS = 15
STEPS: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    ("nodetool.text.Concat", "a", "output", {"b": "!"}),
    ("nodetool.text.Slice", "text", "output", {"start": 0, "stop": 20}),
    ("nodetool.text.ToUppercase", "text", "output", {}),
    ("nodetool.text.Replace", "text", "output", {"old": "!", "new": "?"}),
)
"""Types in a row: input handle, output handle, properties."""


def workflow() -> dict[str, Any]:
    """Chains of the steps, as NodeTool writes a file: with positions and ids."""
    nodes, edges = [], []
    for number in range(NODES):
        kind, handle, _, data = STEPS[number % len(STEPS)]
        own = {"data": {**data, handle: "x"}, "ui_properties": {"position": {"x": number, "y": 0}}}
        nodes.append({"id": str(number), "type": kind, **own})
        if number % 100:
            before = STEPS[(number - 1) % len(STEPS)][2]
            edges.append(
                {
                    "id": f"e{number}",
                    "source": str(number - 1),
                    "sourceHandle": before,
                    "target": str(number),
                    "targetHandle": handle,
                    "ui_properties": {"className": "str"},
                }
            )
    return {"name": "large", "graph": {"nodes": nodes, "edges": edges}}


@pytest.fixture
def registry() -> Registry:
    return Registry(FAMILIES)


@pytest.fixture
def run(registry: Registry, tmp_path: Path) -> Iterator[Callable[[], dict[str, float]]]:
    """Loads, validates and runs the file; gives the seconds of each."""
    path = tmp_path / "large.json"
    path.write_text(json.dumps(workflow()))
    loop, pool = asyncio.new_event_loop(), ThreadPool(2)
    runs = 0

    def run() -> dict[str, float]:
        nonlocal runs
        runs += 1
        found: dict[str, Any] = {}
        load = seconds(lambda: found.update(workflow=load_workflow(path)))
        plan = seconds(lambda: found.update(plan=compile_graph(found["workflow"].graph, registry)))
        log = LogWriter(tmp_path / str(runs) / "events.jsonl")
        context = ProcessingContext(job_id="job")
        runner = WorkflowRunner(found["plan"], context, lambda events: log.append(events.lines), pool)
        took = seconds(lambda: found.update(outcome=loop.run_until_complete(runner.run())))
        log.close()
        assert found["outcome"].status == "completed", found["outcome"]
        return {"load": load, "validate": plan, "run": took}

    yield run
    pool.close()
    loop.close()


def own_functions(registry: Registry) -> float:
    """Seconds that the nodes' own functions take, called one after the other by hand."""
    specs = [registry.get(kind) for kind, *_ in STEPS]
    instances = [
        spec.source.model_construct(**{**data, handle: "x"})
        for spec, (_, handle, _, data) in zip(specs, STEPS, strict=True)
        if spec is not None
    ]
    context = ProcessingContext()

    async def call() -> None:
        for number in range(NODES):
            await instances[number % len(STEPS)].process(context)

    return seconds(lambda: asyncio.run(call()))


def test_a_large_workflow(run: Callable[[], dict[str, float]], registry: Registry) -> None:
    """All messages are in the log at the end."""
    run()
    timed = [run() for _ in range(RUNS)]
    own = median(own_functions(registry) for _ in range(RUNS)) * 1e6 / NODES
    parts = {name: median(each[name] for each in timed) * 1e6 / NODES for name in timed[0]}
    whole = median(sum(each.values()) for each in timed) * 1e6 / NODES
    shown = ", ".join(f"{name} {value:.1f}" for name, value in parts.items())
    print(
        f"\na workflow of {NODES:,} library nodes, µs a node over the {own:.1f} of their own functions: "
        f"{whole - own:.1f} (goal: at most {GOAL:g}; less is better); {shown}"
    )
