"""lib.math: arithmetic. Integers stay within 4,300 digits, the most that Python writes out."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Literal

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.node import BaseNode

MAX_BITS = 14_284
"""4,300 decimal digits."""

FUNCTIONS: dict[str, Callable[[float], float]] = {
    "negate": lambda x: -x,
    "absolute": abs,
    "square": lambda x: x * x,
    "cube": lambda x: x * x * x,
    "square_root": math.sqrt,
    "cube_root": math.cbrt,
    "sine": math.sin,
    "cosine": math.cos,
    "tangent": math.tan,
    "arcsin": math.asin,
    "arccos": math.acos,
    "arctan": math.atan,
    "log": math.log,
}
DOMAINS = {
    "square_root": "a number from 0 up",
    "arcsin": "a number from -1 to 1",
    "arccos": "a number from -1 to 1",
    "log": "a number above 0",
    "sine": "a finite number",
    "cosine": "a finite number",
    "tangent": "a finite number",
}


class MathNode(BaseNode, prefix="lib.math", abstract=True):
    """Base of the family."""


class Add(MathNode):
    """The sum of two numbers."""

    a: int | float = 0.0
    b: int | float = 0.0

    async def process(self, context: ProcessingContext) -> int | float:
        return calculated(operator.add, self.a, self.b)


class Subtract(MathNode):
    """``a`` less ``b``."""

    a: int | float = 0.0
    b: int | float = 0.0

    async def process(self, context: ProcessingContext) -> int | float:
        return calculated(operator.sub, self.a, self.b)


class Multiply(MathNode):
    """The product of two numbers."""

    a: int | float = 0.0
    b: int | float = 0.0

    async def process(self, context: ProcessingContext) -> int | float:
        return calculated(operator.mul, self.a, self.b)


class Divide(MathNode):
    """``a`` divided by ``b``, always with its fraction."""

    a: int | float = 0.0
    b: int | float = 1.0

    async def process(self, context: ProcessingContext) -> int | float:
        if self.b == 0:
            raise ValueError(f"{self.a} can't be divided by 0")
        return calculated(operator.truediv, self.a, self.b)


class Modulus(MathNode):
    """What remains of ``a`` divided by ``b``; it has the sign of ``b``."""

    a: int | float = 0.0
    b: int | float = 1.0

    async def process(self, context: ProcessingContext) -> int | float:
        if self.b == 0:
            raise ValueError(f"{self.a} modulo 0 has no result")
        return calculated(operator.mod, self.a, self.b)


class Power(MathNode):
    """``base`` to the power of ``exponent``, as a floating-point number."""

    base: int | float = 0.0
    exponent: int | float = 1.0

    async def process(self, context: ProcessingContext) -> int | float:
        try:
            return calculated(math.pow, self.base, self.exponent)
        except ArithmeticError:
            raise ValueError(f"{self.base} to the power of {self.exponent} is no real number") from None


class Sqrt(MathNode):
    """The square root."""

    x: int | float = 0.0

    async def process(self, context: ProcessingContext) -> int | float:
        return apply("square_root", self.x)


class Sine(MathNode):
    """The sine of an angle in radians."""

    angle_rad: int | float = 0.0

    async def process(self, context: ProcessingContext) -> int | float:
        return apply("sine", self.angle_rad)


class Cosine(MathNode):
    """The cosine of an angle in radians."""

    angle_rad: int | float = 0.0

    async def process(self, context: ProcessingContext) -> int | float:
        return apply("cosine", self.angle_rad)


class MathFunction(MathNode):
    """A function of one number; angles are in radians, ``log`` is the natural logarithm."""

    input: int | float = 0.0
    operation: Literal[
        "negate", "absolute", "square", "cube", "square_root", "cube_root", "sine", "cosine", "tangent",
        "arcsin", "arccos", "arctan", "log",
    ] = "negate"  # fmt: skip

    async def process(self, context: ProcessingContext) -> int | float:
        return apply(self.operation, self.input)


def apply(name: str, number: float) -> float:
    """The value of a function of ``FUNCTIONS``; ValueError outside of its domain."""
    try:
        return calculated(FUNCTIONS[name], number)
    except ArithmeticError:
        raise ValueError(f"{name} needs {DOMAINS[name]}, found {number}") from None


def calculated(function: Callable[..., float], *numbers: object) -> float:
    """The function's value; ValueError where it is too large, ArithmeticError where it has none."""
    try:
        result = function(*numbers)
    except OverflowError:
        raise ValueError("too large for a floating-point number (1.8e308)") from None
    except ValueError as error:
        raise ArithmeticError(str(error)) from None
    if isinstance(result, int) and result.bit_length() > MAX_BITS:
        raise ValueError("the result has more than 4300 digits")
    return result
