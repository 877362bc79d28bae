"""``%nodetool prune`` says what went, and of what."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.magics.shells import Shell, open_shell

COUNTS = """
from nodetool_jupyter import node

@node(cache=True)
def doubled(number: int) -> int:
    return number * 2
"""


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Shell]:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-engine.sock")
    with open_shell() as shell:
        assert shell.run(COUNTS).error is None
        for number in range(3):
            assert shell.run(f"%%nodetool --quiet\ndoubled(number={number})").error is None
        yield shell


def test_cached_results(shell: Shell) -> None:
    """All of them, and no job."""
    assert shell.run("%nodetool prune --cache --dry-run").text.startswith("3 cached results would go, ")
    assert shell.run("%nodetool prune --cache").text.startswith("3 cached results removed, ")
    assert shell.run("%nodetool prune --cache").text == "0 cached results removed, 0 bytes\n"
    assert shell.run("%nodetool prune --keep 0 --dry-run").text.startswith("3 jobs would go, ")


def test_jobs_with_them(shell: Shell) -> None:
    """Both, where both are asked for."""
    lines = shell.run("%nodetool prune --cache --keep 2").text.splitlines()
    assert lines[0].startswith("3 cached results removed, ")
    assert lines[1].startswith("1 job removed, with ")
