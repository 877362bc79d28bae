"""Shared results on disk: bounds, and what a key may be; and what their keys tell apart."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nodetool_jupyter.engine.caching import Uncacheable, digest_of_code
from nodetool_jupyter.engine.function import NodeFunction, node
from nodetool_jupyter.store.results import StoredResults


def key(number: int) -> str:
    return f"{number:064x}"


def test_above_the_bounds_those_go_that_were_asked_for_longest_ago(tmp_path: Path) -> None:
    """Asking for a result makes it young."""
    results = StoredResults(lambda: tmp_path, count=4)
    for number in range(4):
        results.keep(key(number), b"x")
        os.utime(tmp_path / "00" / key(number), (number, number))
    assert results.get(key(0)) == b"x"
    results.keep(key(4), b"x")
    results.trim(1000, 4)
    assert results.taken() == (3, 3)
    assert results.get(key(0)) == b"x"
    assert results.get(key(1)) is None


def test_a_key_is_never_a_path(tmp_path: Path) -> None:
    """A worker that makes up a key reaches no other file."""
    with pytest.raises(ValueError, match="no key"):
        StoredResults(lambda: tmp_path).get("../../secret")


def made(body: str, **names: object) -> NodeFunction[..., object]:
    """A node ``f`` with this body; ``names`` are the globals that it sees."""
    scope: dict[str, object] = {"__name__": "__main__", **names}
    exec(f"def f(a: int) -> int:\n    return {body}", scope)
    return node(cache=True)(scope["f"])  # type: ignore[arg-type]


def test_other_code_is_another_result() -> None:
    """Also that of a helper, and a global value; not a name that nothing reads."""
    first, second = made("a + 1").function, made("a + 2").function
    nodes = [
        made("a + 1"),
        made("a + 2"),
        made("a + b", b=1),
        made("a + b", b=2),
        made("g(a)", g=first),
        made("g(a)", g=second),
    ]
    digests = [digest_of_code(each.spec) for each in nodes]
    assert len(set(digests)) == len(digests)
    assert digest_of_code(made("a + 1", unread=object()).spec) == digests[0]


def test_code_that_reads_what_cannot_be_compared_is_not_cached() -> None:
    with pytest.raises(Uncacheable, match="its code uses b"):
        digest_of_code(made("a + b", b=object()).spec)
