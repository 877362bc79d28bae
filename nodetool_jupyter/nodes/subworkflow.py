"""nodetool.workflows.workflow_node: a workflow as one node of another; the engine runs what is inside."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.node import BaseNode


class Workflow(
    BaseNode,
    prefix="nodetool.workflows.workflow_node",
    role="workflow",
    dynamic=True,
    dynamic_outputs=True,
):
    """Runs a whole workflow as one node: its inputs are the workflow's inputs, its outputs the workflow's
    outputs, by their names. It runs once for each value that arrives, as any node does.
    """

    workflow_json: dict[str, Any] = Field(default={}, description="The workflow, or its graph, as JSON.")

    async def process(self, context: ProcessingContext) -> dict[str, Any]:
        raise RuntimeError("a workflow is planned before it runs")
