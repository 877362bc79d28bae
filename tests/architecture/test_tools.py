"""Style, format and types are what the tools say, with every rule that is switched off explained."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.architecture.tree import ROOT

SWITCHED_OFF = re.compile(r"(?m)^(?:ignore|\"[^\"]+\") = \[\n(.*?)^\]", re.DOTALL)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "arguments",
    [["ruff", "check", "--no-cache"], ["ruff", "format", "--check", "--no-cache"], ["mypy"]],
    ids=" ".join,
)
def test_tool_is_content(arguments: list[str]) -> None:
    """ruff's rules, ruff's format, and strict types; a file that is not right is named."""
    result = subprocess.run([sys.executable, "-m", *arguments], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_each_ignored_rule_has_its_reason() -> None:
    """A rule is switched off with a reason beside it, or not at all."""
    ruff = (ROOT / "pyproject.toml").read_text("utf-8").split("[tool.ruff.lint]")[1].split("[tool.mypy]")[0]
    rules = [line for block in SWITCHED_OFF.findall(ruff) for line in block.splitlines()]
    assert rules, "the blocks of ignored rules are not where this test looks for them"
    assert not [line for line in rules if not re.fullmatch(r'\s+"[A-Z]+\d*",\s+# \S.*', line)]
