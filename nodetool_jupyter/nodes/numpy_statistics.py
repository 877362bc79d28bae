"""lib.numpy.statistics: arrays reduced along one of their axes; of one row of values to a number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.nodes.numpy_arrays import NO_ARRAY, NumberResult, PlaceResult, connected, plain, told
from nodetool_jupyter.values.fields import Array


class StatisticsNode(BaseNode, prefix="lib.numpy.statistics", abstract=True):
    """Base of the family."""

    values: Array = NO_ARRAY
    axis: int = Field(default=0, description="Along which axis; below 0 counts from the last.")

    def _reduced(self, function: Callable[..., Any], what: str) -> Any:
        values = np.atleast_1d(connected(self.values))
        if not values.size and function is not np.sum:
            raise ValueError(f"an empty array has no {what}")
        with told():
            return plain(function(values, axis=self.axis))


class SumArray(StatisticsNode):
    """The sum along an axis."""

    def process(self, context: ProcessingContext) -> NumberResult:
        return self._reduced(np.sum, "sum")


class MeanArray(StatisticsNode):
    """The arithmetic mean along an axis."""

    def process(self, context: ProcessingContext) -> NumberResult:
        return self._reduced(np.mean, "mean")


class MinArray(StatisticsNode):
    """The smallest value along an axis."""

    def process(self, context: ProcessingContext) -> NumberResult:
        return self._reduced(np.min, "smallest value")


class MaxArray(StatisticsNode):
    """The largest value along an axis."""

    def process(self, context: ProcessingContext) -> NumberResult:
        return self._reduced(np.max, "largest value")


class ArgMinArray(StatisticsNode):
    """Where the smallest value along an axis is, from 0; the first, if several are as small."""

    def process(self, context: ProcessingContext) -> PlaceResult:
        return self._reduced(np.argmin, "smallest value")


class ArgMaxArray(StatisticsNode):
    """Where the largest value along an axis is, from 0; the first, if several are as large."""

    def process(self, context: ProcessingContext) -> PlaceResult:
        return self._reduced(np.argmax, "largest value")
