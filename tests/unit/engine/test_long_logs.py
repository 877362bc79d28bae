"""A node that prints without end fills neither memory nor disk: its log has a head and a tail."""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import AsyncIterator

import pytest

from nodetool_jupyter.engine import reporter
from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.function import node
from nodetool_jupyter.engine.reporter import HEAD_CHARACTERS, HEAD_LINES, MAX_LINE, TAIL_LINES
from tests.unit.engine.support import Bench


@node
def prints(lines: int, width: int = 0, fails: bool = False) -> None:
    for number in range(lines):
        sys.stdout.write(f"{number}{'x' * width}\n")
    if fails:
        raise ValueError("at last")


@node(retries=1)
def logs(context: ProcessingContext, lines: int) -> None:
    for number in range(lines):
        context.log(number)
    raise ValueError("again")


@node
async def logs_each(context: ProcessingContext) -> AsyncIterator[int]:
    for number in range(30):
        context.log(number)
        yield number


def test_up_to_the_bound_all_is_told(bench: Bench) -> None:
    """Nothing is left out, and nothing is said of it."""
    count = HEAD_LINES - 1
    assert bench.run({"a": (prints, {"lines": count})}).lines() == list(map(str, range(count)))


@pytest.mark.parametrize("fails", [False, True])
def test_beyond_it_there_are_head_and_tail(bench: Bench, fails: bool) -> None:
    """Also where the node fails: its last lines say most."""
    count = HEAD_LINES + 5_000
    ran = bench.run({"a": (prints, {"lines": count, "fails": fails})})
    lines = ran.lines()
    assert lines[:HEAD_LINES] == list(map(str, range(HEAD_LINES)))
    assert lines[HEAD_LINES].startswith("… this log is long")
    assert lines[HEAD_LINES + 1] == f"… {5_000 - TAIL_LINES:,} lines left out"
    assert lines[HEAD_LINES + 2 :] == list(map(str, range(count - TAIL_LINES, count)))
    assert (ran.status == "failed") == fails


def test_long_lines_count_by_their_length(bench: Bench) -> None:
    """Ten thousand of them would be a hundred megabytes."""
    lines = bench.run({"a": (prints, {"lines": 2_000, "width": MAX_LINE})}).lines()
    assert sum(map(len, lines)) < HEAD_CHARACTERS + (TAIL_LINES + 5) * (MAX_LINE + 100)
    assert lines[-1].startswith("1999x")


def test_each_try_tells_its_end(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was held back is told once, and in its place."""
    monkeypatch.setattr(reporter, "HEAD_LINES", 5)
    monkeypatch.setattr(reporter, "TAIL_LINES", 2)
    lines = bench.run({"a": (logs, {"lines": 8})}).lines()
    assert lines[:5] == ["0", "1", "2", "3", "4"]
    assert lines[6:9] == ["… 1 line left out", "6", "7"]
    assert [line for line in lines[9:] if line.isdigit()] == ["6", "7"]
    assert lines[9] == "… 7 lines left out"


def test_nodes_have_logs_of_their_own(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long one takes nothing from another."""
    monkeypatch.setattr(reporter, "HEAD_LINES", 10)
    ran = bench.run({"a": logs_each, "b": (prints, {"lines": 3})})
    assert ran.lines("b") == ["0", "1", "2"]
    assert ran.lines("a")[-20:] == list(map(str, range(10, 30)))


def test_memory_stays_flat(bench: Bench) -> None:
    """Many lines take what the kept ones take."""
    tracemalloc.start()
    try:
        lines = bench.run({"a": (prints, {"lines": 60_000})}).lines()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(lines) == HEAD_LINES + TAIL_LINES + 2
    assert peak < 20_000_000
