"""nodetool.workflows.base_node: what helps to read and to watch a workflow."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.node import BaseNode

PREFIX = "nodetool.workflows.base_node"


class Preview(BaseNode, prefix=PREFIX, role="preview"):
    """Shows each value that arrives, and passes it on."""

    value: Any = Field(default=None, description="What is shown.")
    name: str = Field(default="", description="A name for the preview.")

    async def process(self, context: ProcessingContext) -> Any:
        return self.value


class Comment(BaseNode, prefix=PREFIX, role="comment"):
    """A note beside the nodes; it does nothing."""

    headline: str = ""
    comment: Any = Field(default={}, description="The note, as plain or rich text.")
    comment_color: str = "#f0f0f0"


class Group(BaseNode, prefix=PREFIX, role="comment"):
    """A frame around the nodes that name it as their parent; it does nothing itself."""
