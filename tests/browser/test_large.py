"""A large workflow: its map, the way to its full size, and the way to the node that has failed."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.cells import GO
from tests.browser.lab import DARK, Lab

pytestmark = pytest.mark.browser

NODES = 197
"""Of 200, with those that stream and the output."""
SETUP = """
%load_ext nodetool_jupyter
import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from nodetool_jupyter import node

@node
async def step(a: int = 0, b: int = 0) -> int:
    return 1

@node
async def read(value: int) -> AsyncIterator[int]:
    while not Path("go").exists():
        yield value
        await asyncio.sleep(0.02)

@node
async def sum_up(values: AsyncIterator[int]) -> int:
    total = 0
    async for value in values:
        total += value
    raise ValueError("orders-2026-03.csv has no column 'price'")
"""
RUN = f"""
%%nodetool --name orders
steps = [step()]
for number in range(1, {NODES}):
    steps.append(step(a=steps[number // 3], b=steps[max(0, number - 7)]))
sum_up(values=read(value=steps[90]))
"""


def width(drawing: Locator) -> float:
    return float(drawing.evaluate("svg => svg.getBoundingClientRect().width"))


@pytest.mark.usefixtures("anew")
def test_a_workflow_of_200_nodes(lab: Lab) -> None:
    """All of it fits into the card and opens to its full size, also while it is drawn anew each second."""
    lab.open([SETUP, RUN])
    lab.run(0)
    lab.start(1)
    live = lab.live(1)
    drawing = live.locator(".ntj-map svg").first
    expect(live.locator(".ntj-dag").get_by_role("listitem")).to_have_count(200)
    expect(drawing.get_by_role("listitem", name="sum_up_1: running")).to_be_visible()
    assert_fits(live, drawing)
    lab.picture("large-live")
    live.get_by_text("Full size").press("Enter")
    full = float(drawing.get_attribute("width") or 0)
    assert width(drawing) == pytest.approx(full, abs=1)
    shown = drawing.evaluate_handle("svg => svg")
    lab.page.wait_for_function("svg => !svg.isConnected", arg=shown)
    assert width(drawing) == pytest.approx(full, abs=1)
    lab.picture("large-live-opened")
    (lab.folder / GO).touch()
    lab.wait_for_end(1)
    card = lab.card(1)
    expect(card.get_by_role("group", name="around sum_up_1")).to_be_in_viewport()
    expect(card.get_by_role("listitem", name="sum_up_1: error").last).to_be_visible()
    drawing = card.locator(".ntj-map svg").first
    assert_fits(card, drawing)
    lab.picture("large-failed")
    card.get_by_text("Full size").click()
    assert width(drawing) == pytest.approx(full, abs=1)
    lab.set_theme(DARK)
    lab.picture("large-failed-dark")


def assert_fits(card: Locator, drawing: Locator) -> None:
    around, inner = card.bounding_box(), drawing.bounding_box()
    assert around is not None
    assert inner is not None
    assert inner["width"] <= around["width"]
    assert inner["height"] <= 460
