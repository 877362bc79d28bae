"""What is told of one node: how long it will take still, where it can be known."""

from __future__ import annotations

import pytest

from nodetool_jupyter.model.events import NodeProgress
from nodetool_jupyter.views import html
from nodetool_jupyter.views.parts import NodeState, NodeView
from nodetool_jupyter.views.text import left_text
from tests.unit.pages import Page
from tests.unit.watched_jobs import START, chain, folded, node, running


def running_node(*told: tuple[float, float], total: float | None = 100) -> NodeView:
    """A node that says at some seconds how far it is."""
    view = NodeView("n", "n", "notebook.n", NodeState.RUNNING)
    for second, done in told:
        view.advance(done, total, START + second)
    return view


def test_it_goes_on_as_it_has_gone() -> None:
    """From its first word on, not from its start: what it did before may have been something else."""
    node = running_node((0, 20), (10, 40))
    assert node.remaining(START + 10) == pytest.approx(30)
    assert node.remaining(START + 12) == pytest.approx(28)


def test_it_is_not_told_by_guess() -> None:
    """Neither after a moment, nor of a few steps, nor without a total, nor of a node that stands still."""
    assert running_node().remaining(START + 5) is None
    assert running_node((0, 1), (1, 30)).remaining(START + 1) is None
    assert running_node((0, 1), (30, 3)).remaining(START + 30) is None
    assert running_node((0, 1), (30, 20), total=None).remaining(START + 30) is None
    assert running_node((0, 10), (10, 20)).remaining(START + 21) is None
    assert running_node((0, 10), (10, 100)).remaining(START + 10) is None
    assert running_node((0, 10), (-10, 50)).remaining(START) is None


def test_a_node_that_begins_anew_is_watched_anew() -> None:
    """A second pass over its items says nothing of the first one's speed."""
    assert running_node((0, 10), (10, 90), (11, 5), (12, 20)).remaining(START + 12) is None
    assert running_node((0, 10), (10, 90), (11, 0), (21, 50)).remaining(START + 21) == pytest.approx(10)


def test_it_stands_in_the_node_s_row() -> None:
    """Behind its percent, and no more once it has ended."""
    told = (NodeProgress(node_id="a", progress=at, total=100, timestamp=START + at) for at in (0, 20))
    view = folded(chain("a", "b"), [running(), node("a", "running"), *told])
    assert "20 % · about 1 min left" in Page(html.rows(view, START + 20)).text
    assert "left" not in Page(html.rows(view, START + 200)).text
    view.fold(node("a", "completed"))
    assert "left" not in Page(html.rows(view, START + 20)).text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "a few seconds left"),
        (9.9, "a few seconds left"),
        (12, "about 10 s left"),
        (57.4, "about 55 s left"),
        (58, "about 1 min left"),
        (200, "about 3 min left"),
        (3_500, "about 58 min left"),
        (3_599, "about 1 h left"),
        (90_000, "about 25 h left"),
    ],
)
def test_it_is_told_no_finer_than_it_is_known(seconds: float, text: str) -> None:
    """A number that changes every second is believed more than it deserves."""
    assert left_text(seconds) == text
