"""The layer rule and the point rules of the imports hold, without exceptions."""

from __future__ import annotations

import subprocess
import sys
import tomllib

import grimp
import pytest

from tests.architecture.contracts import OnlyIn
from tests.architecture.tree import ROOT

CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]


def test_every_contract_is_kept() -> None:
    """Lower layers don't know higher ones, and outside packages stay in the rooms that are theirs."""
    program = "from importlinter.cli import lint_imports_command as run; run()"
    command = [sys.executable, "-c", program, "--no-logo", "--no-cache"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract["id"])
def test_contract_has_no_exceptions(contract: dict[str, object]) -> None:
    """An import that breaks a rule is moved, not excused."""
    assert "ignore_imports" not in contract
    assert "exhaustive_ignores" not in contract


@pytest.mark.parametrize(
    ("importer", "is_kept"),
    [("house.front", True), ("house.front.door", True), ("house.frontier", False), ("house", False)],
)
def test_a_package_is_kept_to_its_room(importer: str, is_kept: bool) -> None:
    """The contract of our own kind finds an import outside of the room, and a room's name is not a prefix."""
    graph = grimp.ImportGraph()
    graph.add_module("paint", is_squashed=True)
    graph.add_import(importer=importer, imported="paint")
    contract = OnlyIn(
        name="only in front",
        session_options={},
        contract_options={"packages": ["paint", "never_used"], "rooms": ["house.front"]},
    )
    assert contract.check(graph, verbose=False).kept is is_kept
