"""Digests of code are the same in each process, whatever order sets have there."""

from __future__ import annotations

from typing import Any

import pytest

from nodetool_jupyter.engine.caching import digest_of_code
from nodetool_jupyter.engine.code import in_words
from nodetool_jupyter.engine.function import node
from nodetool_jupyter.engine.resuming import keys_of
from tests.unit.engine.support import plan

ONE, OTHER = frozenset([0, 8]), frozenset([8, 0])
"""The same set, in the two orders that it has in processes whose hashes differ."""


def made(constant: object, default: object = None) -> Any:
    """A node whose code has this constant, as a compiler would have left it there."""

    def f(value: int = 0) -> bool:
        return value in {1, 2}

    constants = tuple(constant if isinstance(each, frozenset) else each for each in f.__code__.co_consts)
    f.__code__ = f.__code__.replace(co_consts=constants)
    f.__defaults__ = (default,)
    return node(cache=True)(f)


def digests(kind: Any) -> tuple[str, str]:
    """For the results that a job goes on from, and for those that jobs share."""
    return keys_of(plan({"n": kind}))["n"], digest_of_code(kind.spec)


@pytest.mark.parametrize(("one", "other"), [(ONE, OTHER), ((1, ONE), (1, OTHER))])
def test_a_set_has_no_order(one: object, other: object) -> None:
    assert repr(one) != repr(other)
    assert digests(made(one)) == digests(made(other))
    assert keys_of(plan({"n": made(ONE, one)})) == keys_of(plan({"n": made(ONE, other)}))


def test_other_constants_are_other_code() -> None:
    """Also one that looks alike."""
    constants: list[Any] = [ONE, frozenset([0, 9]), (0, 8), "{0, 8}", frozenset(["0", "8"]), b"{0, 8}", None]
    found = [digests(made(constant)) for constant in constants]
    assert len({resumed for resumed, _ in found}) == len({shared for _, shared in found}) == len(constants)


def test_odd_constants_have_words() -> None:
    assert in_words(("\ud800", frozenset(["é", (2, 1)]))) == r"('\ud800', {'\xe9', (2, 1)})"
