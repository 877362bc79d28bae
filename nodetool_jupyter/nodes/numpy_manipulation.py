"""lib.numpy.manipulation: parts of arrays, and arrays put together."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.nodes.matching import shortened
from nodetool_jupyter.nodes.numpy_arrays import NO_ARRAY, Values, check_size, connected, told
from nodetool_jupyter.values.fields import Array

MAX_PARTS = 100_000
AXIS = "Along which axis; below 0 counts from the last."


class ManipulationNode(BaseNode, prefix="lib.numpy.manipulation", abstract=True):
    """Base of the family."""


class AxisNode(ManipulationNode, abstract=True):
    """Base of those that work along an axis of one array."""

    values: Array = NO_ARRAY

    def _along(self, axis: int) -> tuple[Values, int]:
        """The array, and its axis counted from the first."""
        values = np.atleast_1d(connected(self.values))
        if not -values.ndim <= axis < values.ndim:
            raise ValueError(f"an array of the shape {values.shape} has no axis {axis}")
        return values, axis % values.ndim


class SliceArray(AxisNode):
    """A part of an array, by positions as in Python."""

    start: int = Field(default=0, description="The first position; below 0 counts from the end.")
    stop: int = Field(default=0, description="The position after the last; 0 stands for the end.")
    step: int = Field(default=1, description="Every how many elements; below 0 goes backwards.")
    axis: int = Field(default=0, description=AXIS)

    def process(self, context: ProcessingContext) -> Array:
        if self.step == 0:
            raise ValueError("step must not be 0")
        values, axis = self._along(self.axis)
        start = None if self.step < 0 and self.start == 0 else self.start
        part = slice(start, self.stop or None, self.step)
        return values[(slice(None),) * axis + (part,)]


class IndexArray(AxisNode):
    """The elements of an array at several positions, in the order of the positions."""

    indices: str = Field(
        default="", description="Positions with commas between; below 0 counts from the end."
    )
    axis: int = Field(default=0, description=AXIS)

    def process(self, context: ProcessingContext) -> Array:
        values, axis = self._along(self.axis)
        try:
            positions = [int(part) for part in self.indices.split(",")]
        except ValueError:
            raise ValueError(
                f"indices must be whole numbers with commas between, found {shortened(self.indices)}"
            ) from None
        check_size(len(positions) * (values.size // max(values.shape[axis], 1)))
        with told():
            return np.take(values, positions, axis=axis)


class TransposeArray(ManipulationNode):
    """An array with its axes in reverse order: rows become columns."""

    values: Array = NO_ARRAY

    def process(self, context: ProcessingContext) -> Array:
        return np.transpose(connected(self.values))


class SplitArray(AxisNode):
    """An array in parts along an axis; where it doesn't divide, the first ones are longer by one."""

    num_splits: int = Field(default=0, description="How many parts, at least 1.")
    axis: int = Field(default=0, description=AXIS)

    def process(self, context: ProcessingContext) -> list[Array]:
        values, axis = self._along(self.axis)
        if not 1 <= self.num_splits <= MAX_PARTS:
            raise ValueError(f"num_splits must be from 1 to {MAX_PARTS:,}, found {self.num_splits}")
        return list(np.array_split(values, self.num_splits, axis=axis))


class Stack(ManipulationNode):
    """Arrays of one shape put together along a new axis."""

    arrays: list[Array] = []
    axis: int = Field(default=0, ge=0, description="Where the new axis goes.")

    def process(self, context: ProcessingContext) -> Array:
        arrays = [connected(array) for array in self.arrays]
        if not arrays:
            raise ValueError("there are no arrays to stack")
        check_size(sum(array.size for array in arrays))
        with told():
            return np.stack(arrays, axis=self.axis)


class MatMul(ManipulationNode):
    """The matrix product of two arrays."""

    a: Array = NO_ARRAY
    b: Array = NO_ARRAY

    def process(self, context: ProcessingContext) -> Array:
        first, second = connected(self.a), connected(self.b)
        # At most so many: each element of one with each row or column of the other.
        if min(first.ndim, second.ndim) > 1:
            check_size(first.size // max(first.shape[-1], 1) * (second.size // max(second.shape[-2], 1)))
        with told():
            return np.asarray(np.matmul(first, second))
