"""Large drawings have the shape of a page: tall layers in columns, long rows in bands, a map of all."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nodetool_jupyter.views.boxes import PITCH
from nodetool_jupyter.views.dag import DRAWN, OPENER, Dag
from nodetool_jupyter.views.folding import LONG, TALL
from nodetool_jupyter.views.layout import Layout
from nodetool_jupyter.views.snapshot import JobView
from tests.unit.test_views_dag import assert_apart, graph, placed

ROW = list(pairwise(range(DRAWN)))
FAN = [(0, number) for number in range(1, DRAWN - 1)]
FUNNEL = [*FAN, *((number, DRAWN - 1) for number in range(1, DRAWN - 1))]


def turns(plan: Layout) -> int:
    """How many lines go back to the left on their way."""
    return sum(
        any(after < before for (before, _), (after, _) in pairwise(line)) for line in plan.lines.values()
    )


def test_a_long_row_is_set_in_bands() -> None:
    """Read like a text: each node stands right of the one before it, or in the band below."""
    plan = placed(graph(DRAWN, ROW))
    assert_apart(plan)
    assert plan.width < 2 * LONG
    assert 1 < plan.width / plan.height < 4
    heights = sorted({box.y for box in plan.boxes})
    assert turns(plan) == len(heights) - 1
    for one, other in pairwise(plan.boxes):
        assert other.x > one.x if other.y == one.y else other.y == heights[heights.index(one.y) + 1]


def test_a_line_to_the_next_band_crosses_no_box() -> None:
    """It runs back between the two, within the drawing."""
    plan = placed(graph(DRAWN, ROW))
    for line in plan.lines.values():
        for (left, y), (right, _) in pairwise(line):
            if right < left:
                assert all(not box.y <= y <= box.y + box.height for box in plan.boxes)
                assert 0 < right < left < plan.width


@pytest.mark.parametrize("links", [FAN, FUNNEL], ids=["fan", "funnel"])
def test_a_tall_layer_is_set_in_columns(links: list[tuple[int, int]]) -> None:
    """In the order that it had; what it leads to stands beside its middle."""
    plan = placed(graph(DRAWN, links))
    assert_apart(plan)
    assert plan.height < (TALL + 2) * PITCH
    assert plan.boxes[0].x < min(box.x for box in plan.boxes[1 : DRAWN - 1])
    assert all(line[-1][0] > line[0][0] for line in plan.lines.values())


def test_what_fits_is_left_as_it_is() -> None:
    """A dozen in a row, or in a layer."""
    row, fan = placed(graph(12, ROW[:11])), placed(graph(12, FAN[:11]))
    assert len({box.y for box in row.boxes}) == 1
    assert len({box.x for box in fan.boxes}) == 2


many = st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), min_size=20, max_size=150)


@settings(max_examples=40, deadline=None)
@given(many, st.integers(1, 99))
def test_boxes_stay_apart(links: list[tuple[int, int]], far: int) -> None:
    """Whatever is tall or long in a graph."""
    near = [(a, min(a + b % far, 99)) for a, b in links]
    assert_apart(placed(graph(100, near)))


def test_what_a_page_can_not_hold_is_a_map() -> None:
    """It fits, and the line above it opens it to its full size, unless others do that."""
    large, small = Dag(JobView(graph(DRAWN, ROW))), Dag(JobView(graph(12, ROW[:8])))
    assert (large.is_map, small.is_map) == (True, False)
    assert large.svg().startswith(OPENER + "<div ")
    assert 'class="ntj-dag ntj-map"' in large.svg()
    assert "min-width" not in large.svg()
    assert "ntj-zoom" not in large.svg(scrolls=False)
    assert "ntj-zoom" not in small.svg()
    assert not Dag(JobView(graph(0, []))).is_map
    assert not Dag(JobView(graph(DRAWN + 1, []))).is_map
