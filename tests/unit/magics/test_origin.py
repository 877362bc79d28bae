"""A job knows the notebook and the cell that asked for it, as far as the front end says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from nodetool_jupyter.session import get_session
from tests.unit.magics.shells import NODES, Shell, open_shell

CELL = "%%nodetool --quiet\nshout(text='a')"


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


@pytest.mark.parametrize("path", [None, "", "/" * 5_000])
def test_where_no_notebook_is_told(shell: Shell, monkeypatch: pytest.MonkeyPatch, path: str | None) -> None:
    """It runs all the same."""
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    if path is not None:
        monkeypatch.setenv("JPY_SESSION_NAME", path)
    assert origin_of_a_cell(shell) is None
