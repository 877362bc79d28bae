"""The notebooks are stored as a reader should find them, and nbval compares all that can be compared."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.architecture.tree import ROOT, notebooks

IGNORED = "nbval-ignore-output"
RAISES = "raises-exception"
PICTURES = ("image/png", "image/jpeg")
VOLATILE = re.compile(
    r"""(?x)
    (?<![\w.:/<])/(?:[\w.-]+/)+      # a path that begins at the root
    | \b[0-9a-f]{26}\b               # a job's id
    | \b0x[0-9a-f]{6,}               # where an object happens to be
    | \b\d\d:\d\d:\d\d\b             # a time of day
    | \b\d+\.\d\d\ss\b               # how long something took
    | \b[\d.]+\s[KMG]iB\swere\b       # how much memory it used
    """
)

pytestmark = pytest.mark.parametrize("name", notebooks())


def code_cells(name: str) -> list[dict[str, Any]]:
    return [cell for cell in notebooks()[name]["cells"] if cell["cell_type"] == "code"]


def tags(cell: dict[str, Any]) -> set[str]:
    return set(cell["metadata"].get("tags", ()))


def compared(data: dict[str, Any]) -> dict[str, Any]:
    return {kind: text for kind, text in data.items() if kind not in PICTURES}


def volatile(cell: dict[str, Any]) -> list[str]:
    """What would differ in another run, in all that nbval compares: pictures aren't."""
    shown = [(compared(out.get("data", {})), out.get("text"), out.get("evalue")) for out in cell["outputs"]]
    return [match.group() for match in VOLATILE.finditer(json.dumps(shown, ensure_ascii=False))]


def test_it_is_stored_as_it_ran(name: str) -> None:
    """nbval passes a cell that never ran, and widget state without its kernel is an empty box."""
    counts = [cell["execution_count"] for cell in code_cells(name)]
    assert counts == list(range(1, len(counts) + 1)), "it was not executed from top to bottom"
    assert "widgets" not in notebooks()[name]["metadata"], "it holds widget state"


def test_what_is_compared_is_the_same_everywhere(name: str) -> None:
    """No path, id, time or address of the machine that executed it."""
    found = {cell["id"]: volatile(cell) for cell in code_cells(name) if IGNORED not in tags(cell)}
    assert not {cell: parts for cell, parts in found.items() if parts}


def test_only_what_must_be_is_ignored(name: str) -> None:
    """A background job's view comes and goes, ids and times differ; all other outputs are compared."""
    ignored = [cell for cell in code_cells(name) if IGNORED in tags(cell)]
    needless = [cell for cell in ignored if not volatile(cell) and " -b" not in "".join(cell["source"])]
    assert not [cell["id"] for cell in needless]


def test_errors_are_those_that_are_shown_on_purpose(name: str) -> None:
    """A cell that is meant to raise does, and no other."""
    for cell in code_cells(name):
        raised = any(output["output_type"] == "error" for output in cell["outputs"])
        assert raised == (RAISES in tags(cell)), cell["id"]


def test_no_live_view_is_left(name: str) -> None:
    """Of a widget without its kernel a reader sees nothing."""
    view = "application/vnd.jupyter.widget-view+json"
    shown = [(cell["id"], output.get("data", ())) for cell in code_cells(name) for output in cell["outputs"]]
    assert not [cell_id for cell_id, data in shown if view in data]


def test_readers_find_it(name: str) -> None:
    """The README has a row for it, and the workflow files that it names are there."""
    assert f"| `notebooks/{name}` |" in (ROOT / "README.md").read_text("utf-8")
    sources = "\n".join("".join(cell["source"]) for cell in notebooks()[name]["cells"])
    files = {Path(path) for path in re.findall(r"workflows/[\w.-]+", sources)}
    assert not [path for path in files if not (ROOT / "notebooks" / path).is_file()]
