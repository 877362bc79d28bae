"""What the notebook's doctor says of its kernel."""

from __future__ import annotations

import pytest

from nodetool_jupyter.magics.doctor import kernel_finding
from nodetool_jupyter.views.doctor import Health


@pytest.mark.parametrize(
    ("version", "health", "words"),
    [
        ("6.31.0", Health.NOTE, "needs the sidebar; an interrupt cancels, too"),
        ("7.0.1", Health.BAD, "pip install -U ipykernel"),
        ("7.3.0", Health.GOOD, "Cancel in the live view works while a cell runs"),
        ("7.4.0", Health.GOOD, "by a workaround of ours"),
    ],
)
def test_kernel_versions(version: str, health: Health, words: str) -> None:
    """What each can do with the live view."""
    finding = kernel_finding(version, is_kernel=True)
    assert finding.health is health
    assert version in finding.sentence
    assert words in finding.sentence


def test_terminal_is_no_fault() -> None:
    """There progress is text."""
    assert kernel_finding("", is_kernel=False).health is Health.NOTE
