"""What a cell leaves in its notebook: seen when the job ends, and again when there is no kernel any more."""

from __future__ import annotations

import nbformat
import pytest
from playwright.sync_api import Locator, expect

from nodetool_jupyter.views.markup import TIMES
from tests.browser.cells import SETUP, SHOWCASE
from tests.browser.lab import DARK, Lab

pytestmark = pytest.mark.browser

WIDGET_TYPE = "application/vnd.jupyter.widget-view+json"


def finished(lab: Lab, *cells: str) -> Locator:
    """The card of a job that has ended."""
    lab.open([SETUP, *cells])
    lab.run(0)
    lab.start(1)
    lab.wait_for_end(1)
    expect(lab.card(1)).to_have_count(1)
    expect(lab.live(1)).to_have_count(0)
    return lab.card(1)


def unfold(card: Locator) -> None:
    """Open all that is folded, none of which is."""
    for summary in card.locator("details > summary").all():
        summary.click()


def test_failed_job_says_why(lab: Lab) -> None:
    """The error is short and names the node, the card shows where; the rest is a command away."""
    cell = "%%nodetool --name rows\nworkflow.Preview(value=check(value=tell(value=1)))"
    card = finished(lab, cell, "%nodetool traceback")
    error = lab.output(1).locator(".jp-OutputArea-output").last
    expect(error).to_contain_text("NodeError: node check_1 (notebook.check): ValueError: 'some' is not what")
    expect(error).to_contain_text("%nodetool traceback")
    expect(error).not_to_contain_text("Traceback (most recent call last)")
    expect(card.locator(".ntj-chip")).to_contain_text("failed")
    expect(card.get_by_role("listitem", name="check_1: error")).to_be_visible()
    expect(card.get_by_role("note")).to_contain_text("ValueError: 'some' is not what")
    lab.run(2)
    expect(lab.output(2)).to_contain_text("raise ValueError(")
    unfold(card)
    lab.picture("failed")


def test_finished_job_shows_results(lab: Lab) -> None:
    """States, outputs and previews are there at the end, in the colors of either theme."""
    card = finished(lab, f"%%nodetool --name showcase -o shown\n{SHOWCASE.strip()}")
    expect(card.locator(".ntj-chip")).to_contain_text("completed")
    expect(card.locator(".ntj-outputs")).to_contain_text("some")
    expect(card.get_by_role("table").first).to_contain_text("square")
    widths = lab.output(1).locator("img").evaluate_all("images => images.map(image => image.naturalWidth)")
    assert widths == [300, 500]
    for name in ("the table", "the plot"):
        expect(card.get_by_role("listitem", name=f"{name}: completed")).to_be_visible()
    expect(lab.output(1).locator(".jp-OutputArea-output", has_text="the plot").last).to_have_text("the plot")
    unfold(card)
    lab.picture("finished-light")
    light = color(card)
    lab.set_theme(DARK)
    lab.picture("finished-dark")
    assert color(card) != light


def color(card: Locator) -> str:
    return str(card.evaluate("element => getComputedStyle(element).backgroundColor"))


def test_reopened_notebook_still_shows_it(lab: Lab) -> None:
    """Nothing in the file needs a kernel, also where the page does not trust it and strips the style, and
    where there is no JupyterLab.
    """
    finished(lab, f"%%nodetool --name showcase -o shown\n{SHOWCASE.strip()}")
    saved = lab.save()
    assert not [output for output in saved.cells[1].outputs if WIDGET_TYPE in output.get("data", {})]
    assert not saved.metadata.get("widgets")
    lab.shut_down()
    lab.load()
    assert_kept(lab.output(1))
    expect(lab.card(1).locator(".ntj-dag svg")).to_be_visible()
    lab.picture("reopened")
    saved.cells.append(nbformat.v4.new_markdown_cell("From somebody else."))
    lab.write(saved)
    lab.load()
    assert_kept(lab.output(1))
    lab.picture("reopened-untrusted")
    lab.convert()
    assert_kept(lab.page.locator("body"))
    expect(lab.page.locator(".ntj-dag svg")).to_be_visible()
    lab.page.locator("img").last.scroll_into_view_if_needed()
    lab.picture("converted")


def assert_kept(shown: Locator) -> None:
    """What can be read of the end: state, outputs, previews; and no widget in vain."""
    expect(shown).to_contain_text("completed")
    expect(shown).to_contain_text(f"table 3 {TIMES} 2")
    expect(shown.locator("img")).to_have_count(2)
    expect(shown).not_to_contain_text("model not found")
    expect(shown).not_to_contain_text("Error displaying widget")
