"""One way to measure: subject and floor in turn, and the median of the ratios of the pairs."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import perf_counter

PAIRS = 300


def seconds(action: Callable[[], object]) -> float:
    """How long it took."""
    start = perf_counter()
    action()
    return perf_counter() - start


def compare(
    what: str,
    subject: Callable[[], object],
    floor: Callable[[], object],
    goal: float | None = None,
    *,
    pairs: int = PAIRS,
    each: int = 1,
) -> None:
    """Time both in turn and print the ratio; ``each`` is how many things of ``what`` one call does."""
    timed = [(seconds(subject), seconds(floor)) for _ in range(pairs)]
    ratio = median(ours / theirs for ours, theirs in timed)
    ours, theirs = (median(side) * 1e6 / each for side in zip(*timed, strict=True))
    aim = f" (goal: at most {goal}; less is better)" if goal is not None else ""
    print(f"\n{what}: {ratio:.2f} of the floor's time{aim}; {ours:.2f} µs to {theirs:.2f} µs")
