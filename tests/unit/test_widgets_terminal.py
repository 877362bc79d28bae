"""Text progress: what a terminal, a pipe or a cell with ``--progress text`` gets."""

from __future__ import annotations

import io

import pytest

from nodetool_jupyter.widgets.terminal import CLEAR, LinePrinter, TextPrinter
from tests.unit.watched_jobs import MemoryJob, chain, completed, failed, logged, node, output, ran, running

GRAPH = chain("fetch", "shout")


def test_a_terminal_has_one_line_that_is_rewritten() -> None:
    """The line changes in place, only if there is something new, and gives way to the end state."""
    job, stream = MemoryJob(GRAPH), io.StringIO()
    printer = LinePrinter(job, stream)
    printer.update()
    job.tell(running(0.0), *ran("fetch"), node("shout", "running"))
    printer.update()
    job.tell(node("shout", "completed"), output("ABC"), completed())
    printer.close()
    first, second, last = stream.getvalue().split(CLEAR)[1:]
    assert first.startswith("○ quickstart  ────")
    assert second.startswith("● quickstart  ━━━━━━━━━━──────────  1/2")
    assert "\n" not in first + second
    assert last == "✓ quickstart: completed, 2 nodes (threaded)\n  ✓ fetch\n  ✓ shout\n  result = ABC\n"


def test_an_unchanged_line_is_not_written_again() -> None:
    """A waiting job costs nothing."""
    job, stream = MemoryJob(GRAPH), io.StringIO()
    printer = LinePrinter(job, stream)
    for _ in range(5):
        printer.update()
    assert stream.getvalue().count(CLEAR) == 1


def test_a_line_never_wraps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or it could not be rewritten: also names in wide characters and narrow terminals fit."""
    monkeypatch.setenv("COLUMNS", "40")
    job, stream = MemoryJob(GRAPH, "\u8a9e" * 50), io.StringIO()
    LinePrinter(job, stream).update()
    line = stream.getvalue().removeprefix(CLEAR)
    assert line.count("\u8a9e") >= 15
    assert sum(2 if char == "\u8a9e" else 1 for char in line) < 40


def test_text_is_a_line_per_change() -> None:
    """Nodes were told as they went, so that the end names them only where there is something to say."""
    job, stream = MemoryJob(GRAPH), io.StringIO()
    printer = TextPrinter(job, stream)
    job.tell(running(), *ran("fetch"), logged("shout", "hello"))
    printer.update()
    job.tell(node("shout", "error", "boom"), failed("shout", "boom", "look at it"))
    printer.close()
    assert stream.getvalue() == (
        "● quickstart (threaded): running\n"
        "  ● fetch  running\n"
        "  ✓ fetch\n"
        "    shout │ hello\n"
        "  ✕ shout  boom\n"
        "✕ quickstart: failed, 1 of 2 nodes completed (threaded)\n"
        "  shout: boom\n"
        "  → look at it\n"
    )


def test_a_stream_of_another_encoding_still_gets_its_text() -> None:
    """A pipe in a C locale has no marks; the words arrive."""
    data = io.BytesIO()
    stream = io.TextIOWrapper(data, "ascii")
    job = MemoryJob(GRAPH)
    job.tell(running(), completed())
    TextPrinter(job, stream).close()
    assert data.getvalue().startswith(b"? quickstart (threaded): running\n? quickstart: completed, 2 nodes")
