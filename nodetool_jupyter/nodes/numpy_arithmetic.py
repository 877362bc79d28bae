"""lib.numpy.arithmetic: arrays and numbers, element by element, with shapes made to fit as numpy does."""

from __future__ import annotations

import numpy as np

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.nodes.numpy_arrays import combined
from nodetool_jupyter.values.fields import NumberOrArray


class ArithmeticNode(BaseNode, prefix="lib.numpy.arithmetic", abstract=True):
    """Base of the family."""

    a: NumberOrArray = 0.0
    b: NumberOrArray = 0.0


class AddArray(ArithmeticNode):
    """The sum of two arrays or numbers."""

    def process(self, context: ProcessingContext) -> NumberOrArray:
        return combined(np.add, self.a, self.b)


class SubtractArray(ArithmeticNode):
    """The first of two arrays or numbers minus the second."""

    def process(self, context: ProcessingContext) -> NumberOrArray:
        return combined(np.subtract, self.a, self.b)


class MultiplyArray(ArithmeticNode):
    """The product of two arrays or numbers."""

    def process(self, context: ProcessingContext) -> NumberOrArray:
        return combined(np.multiply, self.a, self.b)


class DivideArray(ArithmeticNode):
    """The first of two arrays or numbers divided by the second; by 0 it is infinite, or no number."""

    def process(self, context: ProcessingContext) -> NumberOrArray:
        return combined(np.divide, self.a, self.b)


class ModulusArray(ArithmeticNode):
    """What is left when the first of two arrays or numbers is divided by the second; it has its sign."""

    def process(self, context: ProcessingContext) -> NumberOrArray:
        return combined(np.mod, self.a, self.b)
