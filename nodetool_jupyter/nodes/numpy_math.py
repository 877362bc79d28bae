"""lib.numpy.math: functions of each element. Where one has no real value, the result is no number (nan)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.nodes.numpy_arrays import (
    NO_ARRAY,
    FloatOrArray,
    WaveResult,
    combined,
    connected,
    plain,
    told,
)
from nodetool_jupyter.values.fields import Array


class MathNode(BaseNode, prefix="lib.numpy.math", abstract=True):
    """Base of the family."""


class OfEachNode(MathNode, abstract=True):
    """Base of those that are given an array."""

    values: Array = NO_ARRAY

    def _of_each(self, function: Callable[..., Any]) -> Any:
        with told():
            return plain(function(connected(self.values)))


class OfAngleNode(MathNode, abstract=True):
    """Base of those that are given angles."""

    angle_rad: FloatOrArray = 0.0

    def _of_each(self, function: Callable[..., Any]) -> Any:
        with told():
            return plain(function(connected(self.angle_rad)))


class AbsArray(OfEachNode):
    """Each element without its sign."""

    def process(self, context: ProcessingContext) -> Array:
        with told():
            return np.absolute(connected(self.values))


class SqrtArray(OfEachNode):
    """The square root of each element."""

    def process(self, context: ProcessingContext) -> FloatOrArray:
        return self._of_each(np.sqrt)


class ExpArray(OfEachNode):
    """e to the power of each element."""

    def process(self, context: ProcessingContext) -> FloatOrArray:
        return self._of_each(np.exp)


class LogArray(OfEachNode):
    """The natural logarithm of each element."""

    def process(self, context: ProcessingContext) -> FloatOrArray:
        return self._of_each(np.log)


class SineArray(OfAngleNode):
    """The sine of angles in radians."""

    def process(self, context: ProcessingContext) -> WaveResult:
        return self._of_each(np.sin)


class CosineArray(OfAngleNode):
    """The cosine of angles in radians."""

    def process(self, context: ProcessingContext) -> WaveResult:
        return self._of_each(np.cos)


class PowerArray(MathNode):
    """A number or array to the power of another one; a negative power of integers is a fraction."""

    base: FloatOrArray = 1.0
    exponent: FloatOrArray = 2.0

    def process(self, context: ProcessingContext) -> FloatOrArray:
        return combined(power, self.base, self.exponent)


def power(base: Any, exponent: Any) -> Any:
    """numpy refuses integers to negative powers, and lets large ones overflow without a word."""
    whole = all(np.issubdtype(part.dtype, np.integer) for part in (base, exponent))
    as_floats = np.power(base.astype(float), exponent)
    if not whole or (exponent.size and exponent.min() < 0) or (np.abs(as_floats) > 2**53).any():
        return as_floats
    return np.power(base, exponent)
