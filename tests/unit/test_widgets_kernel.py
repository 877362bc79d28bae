"""Showing jobs in a real kernel: what its messages make of the notebook that is saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from nodetool_jupyter.views.bundle import RUN_TYPE

ROOT = Path(__file__).resolve().parents[2]
SETUP = """
import threading, time
from nodetool_jupyter.widgets.display import show, watch
from tests.unit.watched_jobs import MemoryJob, chain, completed, node, output, progress, ran, running

def start(seconds):
    job = MemoryJob(chain("fetch", "shout"))
    def run():
        job.tell(running(time.time()), *ran("fetch"), node("shout", "running"))
        for number in range(20):
            job.ended.wait(seconds / 20)
            job.tell(progress("shout", number, 20))
        job.tell(node("shout", "completed"), output("ABC"), completed(seconds))
    threading.Thread(target=run).start()
    return job
"""
CELLS = [
    SETUP,
    "view = show(start(0.8))",
    "view = show(start(0))",
    "watched = watch(start(0.5))",
    "watched.finished.wait(10)",
    "view = show(start(0.3), 'text')",
]


@pytest.fixture(scope="module")
def cells() -> list[Any]:
    """The outputs of each cell, as they are saved."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in CELLS])
    resources = {"metadata": {"path": str(ROOT)}}
    NotebookClient(notebook, timeout=60, store_widget_state=False, resources=resources).execute()
    return [cell.outputs for cell in notebook.cells]


pytestmark = pytest.mark.kernel


def test_a_cell_that_waits_keeps_an_empty_output_and_the_end(cells: list[Any]) -> None:
    """No live view is saved, whose model would be missing when the notebook is opened again."""
    for outputs in (cells[1], cells[2]):
        first, last = outputs
        assert dict(first["data"]) == {"text/plain": ""}
        assert set(last["data"]) == {"text/html", "text/plain", RUN_TYPE}
        assert set(last["metadata"]["nodetool"]) == {"job_id", "started", "duration"}
    assert cells[1][1]["data"] == cells[2][1]["data"]


def test_a_background_cell_gets_its_end_later(cells: list[Any]) -> None:
    """Into its own output, while another cell runs, which gets nothing of it."""
    (shown,) = cells[3]
    assert "✓ quickstart: completed" in shown["data"]["text/plain"]
    assert [output["output_type"] for output in cells[4]] == ["execute_result"]


def test_text_is_the_cells_own_output(cells: list[Any]) -> None:
    """As a stream, in order."""
    text = "".join(output["text"] for output in cells[5])
    assert text.startswith(
        "● quickstart (threaded): running\n  ● fetch  running\n  ✓ fetch\n  ● shout  running\n"
    )
    assert text.endswith("✓ quickstart: completed, 2 nodes (threaded)\n  result = ABC\n")
