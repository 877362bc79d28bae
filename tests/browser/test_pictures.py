"""The README's pictures: what they show is looked at, then put into notebooks/images."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.architecture.tree import ROOT
from tests.browser.cells import GO
from tests.browser.lab import Lab

pytestmark = pytest.mark.browser

LARGEST = 100_000
SETUP = """
%load_ext nodetool_jupyter
import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from nodetool_jupyter import Panel, node

@node
async def read_orders(context, until: str = "go") -> AsyncIterator[dict]:
    for number in range(4000):
        context.progress(number, 4000)
        if number % 50 == 0:
            context.log(f"orders-{number // 50:03}.csv read")
        yield {"month": number % 12 + 1, "price": 10 + number % 7}
        await asyncio.sleep(0 if Path(until).exists() else 0.005)

@node
async def with_tax(order: dict) -> dict:
    return {**order, "price": round(order["price"] * 1.19, 2)}

@node
async def per_month(orders: AsyncIterator[dict]) -> list[float]:
    sums = [0.0] * 12
    async for order in orders:
        sums[order["month"] - 1] += order["price"]
    return sums

@node
def best(sums: list[float]) -> str:
    return f"month {sums.index(max(sums)) + 1}"

@node
def share(sums: list[float]) -> list[float]:
    return [round(part / sum(sums), 3) for part in sums]

@node
def convert(amounts: list[float], rate: float) -> list[float]:
    if rate <= 0:
        raise ValueError(f"a rate of {rate} converts nothing")
    return [amount * rate for amount in amounts]
"""
RUN = """
%%nodetool --name sales
sums = per_month(orders=with_tax(order=read_orders()))
output(best=best(sums=sums), share=share(sums=sums))
"""
EARLIER = """
%%nodetool --name rates --quiet
share(sums=[1.0, 3.0, 2.0])
"""
BROKEN = """
%%nodetool --name dollars --quiet
convert(amounts=[1.0, 2.0], rate=0)
"""
PANEL = """
def param(kind, name, **data):
    return {"id": name, "type": f"nodetool.input.{kind}Input", "data": {"name": name, **data}}

amount, rate = param("Float", "amount", value=20), param("Float", "rate", value=1.08, min=0.5, max=2)
multiply = {"id": "product", "type": "lib.math.Multiply"}
result = {"id": "out", "type": "nodetool.output.Output", "data": {"name": "converted"}}
Panel({"name": "Convert", "description": "An amount in another currency.", "graph": {
    "nodes": [amount, rate, param("Select", "into", value="USD", options=["USD", "CHF"]), multiply, result],
    "edges": [
        {"source": "amount", "target": "product", "targetHandle": "a"},
        {"source": "rate", "target": "product", "targetHandle": "b"},
        {"source": "product", "target": "out", "targetHandle": "value"},
    ]}})
"""


@pytest.mark.tour
def test_pictures_of_the_readme(lab: Lab) -> None:
    """A run that is watched, with the sidebar beside it; a form."""
    lab.page.set_viewport_size({"width": 1180, "height": 640})
    lab.open([SETUP, EARLIER, BROKEN, RUN, PANEL])
    lab.run(0, 1, 2)
    lab.command("nodetool:show-jobs")
    lab.start(3)
    live = lab.live(3)
    expect(live.get_by_text("s left").first).to_be_visible()
    lab.cell(3).evaluate("cell => cell.scrollIntoView()")
    live.locator("summary").first.click()
    lab.small_picture("lab")
    (lab.folder / GO).touch()
    lab.wait_for_end(3)
    lab.run(4)
    panel = lab.output(4).locator(".ntj-panel")
    lab.page.set_viewport_size({"width": 1180, "height": 1040})
    panel.get_by_role("button", name="Run", exact=True).click()
    expect(panel.locator(".ntj-chip").first).to_contain_text("completed")
    lab.small_picture("panel", of=panel)


def test_the_readme_shows_them() -> None:
    """All that are there, and none that is large."""
    shown = re.findall(r"!\[[^]]+\]\((notebooks/images/[^)]+)\)", (ROOT / "README.md").read_text("utf-8"))
    there = sorted(str(path.relative_to(ROOT)) for path in Path(ROOT, "notebooks", "images").iterdir())
    assert sorted(shown) == there
    assert all((ROOT / name).stat().st_size < LARGEST for name in shown)
