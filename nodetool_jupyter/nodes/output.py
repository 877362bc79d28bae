"""nodetool.output: where a workflow's results come out. The runner itself takes and tells their values."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.node import BaseNode


class Output(BaseNode, prefix="nodetool.output", role="output"):
    """One named result of the workflow; a stream gives a list of results."""

    name: str = Field(default="", description="The name of the result.")
    value: Any = Field(default=None, description="What is given out.")
    description: str = Field(default="", description="What the result is, for the workflow's users.")

    async def process(self, context: ProcessingContext) -> Any:
        return self.value
