"""A job knows the notebook and the cell that asked for it, as far as the front end says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import comm
import pytest

from nodetool_jupyter import __version__
from nodetool_jupyter.model.job import JobStatus
from nodetool_jupyter.model.request import Origin
from nodetool_jupyter.session import get_session
from nodetool_jupyter.widgets.feed import get_feed
from tests.support import wait_until
from tests.unit.magics.shells import NODES, Shell, open_shell
from tests.unit.test_widgets_live import Recorded
from tests.unit.test_widgets_panel import named

CELL = "%%nodetool --quiet\nshout(text='a')"
COMPLETED = JobStatus.COMPLETED
GRAPH = "graph = {'nodes': [{'id': 'n', 'type': 'notebook.shout', 'data': {'text': 'a'}}], 'edges': []}"
WRITE = "import json\nfrom pathlib import Path\nPath('shout.json').write_text(json.dumps(graph))"
ORIGIN = Origin(notebook="/notebooks/a.ipynb", cell="c1", version=__version__)
WAYS = {
    "magic": CELL,
    "file": f"{WRITE}\n%nodetool run shout.json --quiet",
    "submit": "from nodetool_jupyter import submit\nsubmit(graph).wait()",
    "run": "from nodetool_jupyter import run\nrun(graph, strategy='threaded')",
}


@pytest.fixture
def shell() -> Iterator[Shell]:
    with open_shell() as shell:
        yield shell


def origin_of_a_cell(shell: Shell) -> Any:
    shell.run(NODES)
    assert shell.run(CELL).error is None
    (record,) = get_session().jobs(limit=1)
    return record.origin


@pytest.mark.parametrize(
    ("metadata", "cell"),
    [({"cellId": "c1"}, "c1"), ({}, ""), ({"cellId": 7}, ""), ({"cellId": "c" * 10_000}, "")],
    ids=["told", "not told", "odd", "endless"],
)
def test_of_a_cell(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, metadata: dict[str, Any], cell: str
) -> None:
    """The notebook by its path, as Jupyter Server gives it to its kernels."""
    monkeypatch.setenv("JPY_SESSION_NAME", "/notebooks/a.ipynb")
    monkeypatch.setattr(shell.ip, "get_parent", lambda: {"metadata": metadata}, raising=False)
    origin = origin_of_a_cell(shell)
    assert (origin.notebook, origin.cell) == ("/notebooks/a.ipynb", cell)


@pytest.mark.parametrize("way", WAYS)
def test_whatever_asks(shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, way: str) -> None:
    """Python's calls and files too; they know the notebook's nodes without a cell of ours before."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JPY_SESSION_NAME", "/notebooks/a.ipynb")
    monkeypatch.setattr(shell.ip, "get_parent", lambda: {"metadata": {"cellId": "c1"}}, raising=False)
    shell.run(NODES)
    shell.run(GRAPH)
    assert shell.run(WAYS[way]).error is None
    (record,) = get_session().jobs()
    assert (record.status, record.origin) == (COMPLETED, ORIGIN)


def test_a_panel_s_runs_are_of_the_cell_that_made_it(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run is pressed while no cell, or another one, runs."""
    monkeypatch.setattr(comm, "create_comm", Recorded)
    monkeypatch.setenv("JPY_SESSION_NAME", "/notebooks/a.ipynb")
    cells = iter(({"cellId": "c1"}, {"cellId": "c2"}))
    monkeypatch.setattr(shell.ip, "get_parent", lambda: {"metadata": next(cells)}, raising=False)
    shell.run(NODES)
    panel = shell.run(f"from nodetool_jupyter import Panel\n{GRAPH}\nPanel(graph)").value
    named(panel, "Run").click()
    wait_until(lambda: panel.job is not None)
    assert panel.job.record.origin == ORIGIN
    panel.job.wait(30)
    get_feed().close()


@pytest.mark.parametrize("path", [None, "", "/" * 5_000])
def test_where_no_notebook_is_told(shell: Shell, monkeypatch: pytest.MonkeyPatch, path: str | None) -> None:
    """It runs all the same."""
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    if path is not None:
        monkeypatch.setenv("JPY_SESSION_NAME", path)
    assert origin_of_a_cell(shell) is None
