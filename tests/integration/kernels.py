"""Another process with a session, as a notebook's kernel is, and its jobs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROLOGUE = """
import asyncio, sys
from pathlib import Path
from typing import Any
from nodetool_jupyter import node
from nodetool_jupyter.model.graph import Edge, Graph, Node
from nodetool_jupyter.session import Session
from nodetool_jupyter.settings import Settings

home, strategy, *arguments = sys.argv[1:]
session = Session(Settings(home=home, max_workflow_threads=100, cancel_grace=0.5))

def submit(kind, name="", **data):
    session.registry.add(kind.spec)
    output = Node(id="o", type="nodetool.output.Output", data={"name": "r"})
    edge = Edge(source="n", target="o", targetHandle="value")
    graph = Graph(nodes=(Node(id="n", type=kind.spec.type, data=data), output), edges=(edge,))
    job = session.submit(graph, strategy=strategy, name=name)
    print(job.id, flush=True)
    return job
"""


@contextmanager
def kernel(
    home: Path, code: str, *arguments: str, strategy: str = "subprocess"
) -> Iterator[subprocess.Popen[str]]:
    """A process that runs ``code`` after the prologue; killed at the end, if it lives then."""
    command = [sys.executable, "-c", PROLOGUE + code, str(home), strategy, *arguments]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env={**os.environ}
    )
    try:
        with process:
            yield process
    finally:
        process.kill()
        process.wait()


def read_id(process: subprocess.Popen[str]) -> str:
    """The id of the next job that was submitted there."""
    assert process.stdout is not None
    return process.stdout.readline().strip()
