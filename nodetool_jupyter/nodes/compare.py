"""nodetool.compare: values side by side."""

from __future__ import annotations

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.nodes import fields
from nodetool_jupyter.values.fields import Image


class CompareImages(BaseNode, prefix="nodetool.compare"):
    """Shows two images, each under its label."""

    image_a: Image = fields.IMAGE
    image_b: Image = fields.IMAGE
    label_a: str = "A"
    label_b: str = "B"

    async def process(self, context: ProcessingContext) -> None:
        context.preview({self.label_a: self.image_a, self.label_b: self.image_b})
