"""What the nodes of ``lib.numpy`` share: arrays within bounds, and numpy's refusals as sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator

from nodetool_jupyter.model.types import parse_type
from nodetool_jupyter.values import convert

MAX_ELEMENTS = 100_000_000
NO_ARRAY = {"type": "np_array", "value": None, "dtype": "<i8", "shape": [1]}

Values = NDArray[Any]
FloatOrArray = Annotated[
    Any, parse_type("union[float, int, np_array]"), BeforeValidator(convert.to_number_or_array)
]
"""As ``values.fields.NumberOrArray``; NodeTool names the float first in some families."""
WaveResult = Annotated[Any, parse_type("union[float, np_array]")]
NumberResult = Annotated[Any, parse_type("union[np_array, float, int]")]
PlaceResult = Annotated[Any, parse_type("union[np_array, int]")]
Scalar = Annotated[Any, parse_type("union[float, int]")]


def connected(value: Any) -> Values:
    """The array at an input; ValueError where none is connected, or a very large one."""
    array: Values = convert.to_array(value)
    check_size(array.size)
    if array.dtype.kind not in "biufc":
        raise ValueError(f"expected an array of numbers, found one of {array.dtype.name}")
    return array


def check_size(elements: int) -> None:
    if elements > MAX_ELEMENTS:
        raise ValueError(f"an array of {elements:,} elements is too large; at most {MAX_ELEMENTS:,}")


@contextmanager
def told() -> Iterator[None]:
    """Turns numpy's errors into ValueErrors of one line; what is no number becomes inf or nan, silently."""
    try:
        with np.errstate(all="ignore"):
            yield
    except (ValueError, TypeError, IndexError, OverflowError, MemoryError) as error:
        raise ValueError(str(error).partition("\n")[0] or type(error).__name__) from None


def combined(operation: Callable[..., Any], first: Any, second: Any) -> Any:
    """An operation on each pair of elements; of two numbers it is a number."""
    shapes = [np.shape(value) for value in (first, second)]
    with told():
        shape = np.broadcast_shapes(*shapes)
    size = 1
    for length in shape:
        size *= length
    check_size(size)
    with told():
        return plain(operation(*map(_array, (first, second))))


def _array(value: Any) -> Values:
    """A number too large for numpy's integers is a float."""
    array = np.asarray(value)
    return array.astype(float) if array.dtype.hasobject else array


def plain(result: Any) -> Any:
    """An array without dimensions as a number of Python."""
    return result.item() if getattr(result, "ndim", 1) == 0 else result
