"""nodetool.list: lists. No node changes the list it was given, since other nodes may hold it too."""

from __future__ import annotations

import operator
import random
from collections.abc import AsyncGenerator, Iterable, Iterator
from typing import Any, Literal, TypedDict

from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.nodes import files
from nodetool_jupyter.nodes.fields import Number, Numbers, Text, text_reference
from nodetool_jupyter.nodes.math import calculated

MAX_ITEMS = 10_000_000
MAX_DEPTH = 10_000


class ListNode(BaseNode, prefix="nodetool.list", abstract=True):
    """Base of the family."""


class Length(ListNode):
    """How many elements a list has."""

    values: list[Any] = []

    async def process(self, context: ProcessingContext) -> int:
        return len(self.values)


class ListRange(ListNode):
    """The integers from ``start`` up to, but without, ``stop``."""

    start: int = 0
    stop: int = 0
    step: int = Field(default=1, description="The distance of two numbers; below 0 to count down.")

    async def process(self, context: ProcessingContext) -> list[int]:
        numbers = stepped(self.start, self.stop, self.step)
        if numbers[MAX_ITEMS:]:
            raise ValueError(f"the range has more than {MAX_ITEMS:,} numbers; GenerateSequence streams them")
        return list(numbers)


class GenerateSequence(ListNode):
    """Streams the integers from ``start`` up to, but without, ``stop``."""

    start: int = 0
    stop: int = 0
    step: int = Field(default=1, description="The distance of two numbers; below 0 to count down.")

    class OutputType(TypedDict):
        output: int

    async def gen_process(self, context: ProcessingContext) -> AsyncGenerator[OutputType, None]:
        for number in stepped(self.start, self.stop, self.step):
            yield {"output": number}


class Slice(ListNode):
    """A part of a list, by positions as in Python."""

    values: list[Any] = []
    start: int = Field(default=0, description="The first position; below 0 counts from the end.")
    stop: int = Field(default=0, description="The position after the last; 0 stands for the end of the list.")
    step: int = Field(default=1, description="Every how many elements; below 0 goes backwards.")

    async def process(self, context: ProcessingContext) -> list[Any]:
        return self.values[part(self.start, self.stop, self.step)]


class SelectElements(ListNode):
    """The elements at several positions, in the order of the positions."""

    values: list[Any] = []
    indices: list[int] = Field(default=[], description="Positions; below 0 counts from the end.")

    async def process(self, context: ProcessingContext) -> list[Any]:
        return [element(self.values, index) for index in self.indices]


class GetElement(ListNode):
    """The element at one position."""

    values: list[Any] = []
    index: int = Field(default=0, description="The position; below 0 counts from the end.")

    async def process(self, context: ProcessingContext) -> Any:
        return element(self.values, self.index)


class Append(ListNode):
    """The list with one more element at its end."""

    values: list[Any] = []
    value: Any = Field(default=[], description="The new last element.")

    async def process(self, context: ProcessingContext) -> list[Any]:
        return [*self.values, self.value]


class Extend(ListNode):
    """Two lists, one after the other."""

    values: list[Any] = []
    other_values: list[Any] = []

    async def process(self, context: ProcessingContext) -> list[Any]:
        return self.values + self.other_values


class Dedupe(ListNode):
    """Each element once, at the place where it first stands; numbers in the order of a Python set."""

    values: list[Any] = []

    async def process(self, context: ProcessingContext) -> list[Any]:
        if are_numbers(self.values):
            return list(set(self.values))
        return list(keyed(self.values).values())


class Reverse(ListNode):
    """The list from its end to its start."""

    values: list[Any] = []

    async def process(self, context: ProcessingContext) -> list[Any]:
        return self.values[::-1]


class Randomize(ListNode):
    """The elements in a random order."""

    values: list[Any] = []

    async def process(self, context: ProcessingContext) -> list[Any]:
        return random.sample(self.values, len(self.values))


class Sort(ListNode):
    """The elements in order; they must be comparable with one another."""

    values: list[Any] = []
    order: Literal["ascending", "descending"] = "ascending"

    async def process(self, context: ProcessingContext) -> list[Any]:
        try:
            return sorted(self.values, reverse=self.order == "descending")
        except TypeError as error:
            raise ValueError(f"these elements have no order: {error}") from None


class Intersection(ListNode):
    """What is in both lists, each once, in the order of the first; numbers in that of a Python set."""

    list1: list[Any] = []
    list2: list[Any] = []

    async def process(self, context: ProcessingContext) -> list[Any]:
        if are_numbers(self.list1, self.list2):
            return list(set(self.list1).intersection(set(self.list2)))
        others = keyed(self.list2)
        return [value for key, value in keyed(self.list1).items() if key in others]


class Union(ListNode):
    """What is in either list, each once, the first list's first; numbers in the order of a set."""

    list1: list[Any] = []
    list2: list[Any] = []

    async def process(self, context: ProcessingContext) -> list[Any]:
        if are_numbers(self.list1, self.list2):
            return list(set(self.list1).union(set(self.list2)))
        return list(keyed(self.list1 + self.list2).values())


class Difference(ListNode):
    """What is in the first list and not in the second, each once; numbers in the order of a Python set."""

    list1: list[Any] = []
    list2: list[Any] = []

    async def process(self, context: ProcessingContext) -> list[Any]:
        if are_numbers(self.list1, self.list2):
            return list(set(self.list1).difference(set(self.list2)))
        others = keyed(self.list2)
        return [value for key, value in keyed(self.list1).items() if key not in others]


class Chunk(ListNode):
    """The list cut into lists of ``chunk_size`` elements; the last one may be shorter."""

    values: list[Any] = []
    chunk_size: int = 1

    async def process(self, context: ProcessingContext) -> list[list[Any]]:
        if self.chunk_size < 1:
            raise ValueError(f"chunk_size must be at least 1, found {self.chunk_size}")
        return [self.values[at : at + self.chunk_size] for at in range(0, len(self.values), self.chunk_size)]


class Flatten(ListNode):
    """Nested lists as one list."""

    values: list[Any] = []
    max_depth: int = Field(default=-1, ge=-1, description="How many levels to take away; -1 for all.")

    async def process(self, context: ProcessingContext) -> list[Any]:
        return list(flat(self.values, MAX_DEPTH if self.max_depth < 0 else self.max_depth))


class Sum(ListNode):
    """The sum of the numbers; 0 if there are none."""

    values: Numbers = []

    async def process(self, context: ProcessingContext) -> Number:
        return calculated(sum, self.values)


class Product(ListNode):
    """The product of the numbers; 1 if there are none."""

    values: Numbers = []

    async def process(self, context: ProcessingContext) -> Number:
        product: int | float = 1
        for value in self.values:
            product = calculated(operator.mul, product, value)
        return product


class Average(ListNode):
    """The arithmetic mean of the numbers."""

    values: Numbers = []

    async def process(self, context: ProcessingContext) -> Number:
        total = calculated(sum, some(self.values, "average"))
        return calculated(operator.truediv, total, len(self.values))


class Minimum(ListNode):
    """The smallest number."""

    values: Numbers = []

    async def process(self, context: ProcessingContext) -> Number:
        return min(some(self.values, "minimum"))


class Maximum(ListNode):
    """The largest number."""

    values: Numbers = []

    async def process(self, context: ProcessingContext) -> Number:
        return max(some(self.values, "maximum"))


class SaveList(ListNode):
    """Write the elements to a text file in the workspace, one a line, and give out a reference to it."""

    values: list[Any] = []
    name: str = Field(default="text.txt", description="A name or path; may hold date codes, such as %Y.")

    def process(self, context: ProcessingContext) -> Text:
        path = files.inside_workspace(context.workspace, files.dated(self.name))
        text = "\n".join(map(str, self.values))
        files.write_bytes(path, files.encoded(text))
        return text_reference(path, text)


def stepped(start: int, stop: int, step: int) -> range:
    """The range; ValueError for a step of 0."""
    if step == 0:
        raise ValueError("step must not be 0")
    return range(start, stop, step)


def part(start: int, stop: int, step: int) -> slice:
    """The slice, in which 0 stands for an end that isn't given: the stop's, and backwards the start's too."""
    if step == 0:
        raise ValueError("step must not be 0")
    first = None if step < 0 and start == 0 else start
    return slice(first, stop or None, step)


def element(values: list[Any], index: int) -> Any:
    """The element at a position; ValueError outside of the list."""
    try:
        return values[index]
    except IndexError:
        raise ValueError(f"there is no element {index} in a list of {len(values)}") from None


def some(values: list[int | float], what: str) -> list[int | float]:
    """The numbers; ValueError if there are none."""
    if not values:
        raise ValueError(f"an empty list has no {what}")
    return values


def are_numbers(*lists: list[Any]) -> bool:
    """Whether all elements are numbers, which a set puts into the same order in every run.

    NodeTool gives the sets of numbers out in that order, and the next nodes may go by it.
    """
    return all(isinstance(value, int | float) for values in lists for value in values)


def keyed(values: Iterable[Any]) -> dict[Any, Any]:
    """Equal elements once, by a key that is equal where they are: lists and dicts count by their content."""
    unique: dict[Any, Any] = {}
    for value in values:
        unique.setdefault(_key(value), value)
    return unique


def _key(value: Any) -> Any:
    """The value itself where it can be hashed, else what it holds; other objects count by identity."""
    if isinstance(value, list):
        return (list, *map(_key, value))
    if isinstance(value, dict):
        return (dict, frozenset((key, _key(item)) for key, item in value.items()))
    try:
        hash(value)
    except TypeError:
        return (object, id(value))
    return value


def flat(values: list[Any], depth: int) -> Iterator[Any]:
    """The elements of nested lists down to a depth; ValueError for lists nested 10,000 deep."""
    stack = [iter(values)]
    while stack:
        for value in stack[-1]:
            if isinstance(value, list) and len(stack) <= depth:
                if len(stack) == MAX_DEPTH:
                    raise ValueError(f"the lists are nested more than {MAX_DEPTH:,} deep")
                stack.append(iter(value))
                break
            yield value
        else:
            stack.pop()
