"""lib.numpy.reshaping: the same values in another shape. A length of 0 or -1 stands for what is left."""

from __future__ import annotations

import math

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.nodes.numpy_arrays import NO_ARRAY, Values, connected
from nodetool_jupyter.values.fields import Array


class ReshapingNode(BaseNode, prefix="lib.numpy.reshaping", abstract=True):
    """Base of the family."""

    values: Array = NO_ARRAY

    def _shaped(self, *lengths: int) -> Values:
        values = connected(self.values)
        shape = [-1 if length == 0 else length for length in lengths]
        known = math.prod(length for length in shape if length > 0)
        fits = values.size % known == 0 if -1 in shape else values.size == known
        if not fits or shape.count(-1) > 1 or min(shape) < -1:
            raise ValueError(f"{values.size} values don't fit the shape {' by '.join(map(str, lengths))}")
        return values.reshape(shape)


class Reshape1D(ReshapingNode):
    """An array as one row of values."""

    num_elements: int = 0

    def process(self, context: ProcessingContext) -> Array:
        return self._shaped(self.num_elements)


class Reshape2D(ReshapingNode):
    """An array as rows and columns."""

    num_rows: int = 0
    num_cols: int = 0

    def process(self, context: ProcessingContext) -> Array:
        return self._shaped(self.num_rows, self.num_cols)


class Reshape3D(ReshapingNode):
    """An array as rows, columns and layers."""

    num_rows: int = 0
    num_cols: int = 0
    num_depths: int = 0

    def process(self, context: ProcessingContext) -> Array:
        return self._shaped(self.num_rows, self.num_cols, self.num_depths)


class Reshape4D(ReshapingNode):
    """An array as rows, columns, layers and channels."""

    num_rows: int = 0
    num_cols: int = 0
    num_depths: int = 0
    num_channels: int = 0

    def process(self, context: ProcessingContext) -> Array:
        return self._shaped(self.num_rows, self.num_cols, self.num_depths, self.num_channels)
