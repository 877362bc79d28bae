"""A new user's first ten minutes, each step a picture: quickstart, error, cancel, panel, restart, sidebar."""

from __future__ import annotations

from shutil import copytree

import nbformat
import pytest
from playwright.sync_api import Locator, expect

from tests.architecture.tree import ROOT
from tests.browser.cells import GO, SAY, SETUP, STREAM
from tests.browser.lab import DARK, Lab

pytestmark = [pytest.mark.browser, pytest.mark.tour]

NOTEBOOKS = ROOT / "notebooks"
ERROR = "[data-mime-type='application/vnd.jupyter.stderr']"
OWN = [
    SETUP,
    f"%%nodetool --name rows\n{STREAM.strip()}",
    f"{SAY}\nsay['name'] = 'Say it on tour'",
    "Panel(say)",
    f"%%nodetool -b --name afterwards --strategy subprocess\n{STREAM.strip()}",
]


def test_the_first_ten_minutes(lab: Lab) -> None:
    """Nothing stands in the way from the first cell to the job that is found again."""
    own = open_quickstart(lab)
    run_quickstart(lab, own)
    read_the_error(lab)
    lab.run(own)
    watch_and_cancel(lab, own + 1)
    use_the_panel(lab, own + 2)
    find_it_again(lab, own + 4)


def open_quickstart(lab: Lab) -> int:
    """The quickstart with cells of the user's own behind it; gives the number of the first of those."""
    copytree(NOTEBOOKS / "workflows", lab.folder / "workflows")
    notebook = nbformat.read(NOTEBOOKS / "01-quickstart.ipynb", as_version=4)
    own = len(notebook.cells)
    notebook.cells += [nbformat.v4.new_code_cell(cell.strip()) for cell in OWN]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    lab.write(notebook)
    lab.load()
    lab.picture("tour-1-opened")
    return own


def run_quickstart(lab: Lab, own: int) -> None:
    """Each cell in its turn. Two of them raise, as their text says."""
    kinds = lab.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell")
    raised = []
    for number in range(own):
        if kinds.nth(number).evaluate("e => e.classList.contains('jp-CodeCell')"):
            lab.run(number)
            if lab.output(number).locator(ERROR).count():
                raised.append(number)
    assert len(raised) == 2
    first = lab.page.locator(".ntj-card").first
    expect(first.locator(".ntj-chip")).to_contain_text("completed")
    first.scroll_into_view_if_needed()
    lab.picture("tour-2-ran")


def read_the_error(lab: Lab) -> None:
    """The message is short, and names the node, the cause and the next command."""
    message = lab.page.locator(ERROR).last
    message.scroll_into_view_if_needed()
    expect(message).to_contain_text("price_of")
    expect(message).to_contain_text("%nodetool traceback")
    expect(message).not_to_contain_text("site-packages")
    lab.picture("tour-3-error")


def watch_and_cancel(lab: Lab, number: int) -> None:
    """It moves while the cell blocks, and ends where the user has had enough."""
    lab.start(number)
    live = lab.live(number)
    expect(live.locator(".ntj-chunk")).to_contain_text("squares sum up to")
    live.scroll_into_view_if_needed()
    lab.picture("tour-4-watched")
    live.get_by_role("button", name="Cancel").click()
    lab.wait_for_end(number)
    expect(lab.output(number)).to_contain_text("JobCancelled")
    lab.picture("tour-5-cancelled")


def use_the_panel(lab: Lab, number: int) -> None:
    """A slider, another strategy, Run."""
    lab.run(number, number + 1)
    panel = lab.output(number + 1).locator(".ntj-panel")
    panel.scroll_into_view_if_needed()
    panel.get_by_label("word *").fill("tea")
    panel.get_by_role("slider").focus()
    lab.page.keyboard.press("ArrowRight")
    expect(panel.get_by_role("spinbutton", name="times")).to_have_value("3")
    panel.get_by_label("Strategy").select_option("subprocess")
    panel.get_by_role("button", name="Run", exact=True).click()
    expect(panel.locator(".ntj-live")).to_be_visible()
    lab.picture("tour-6-panel")
    (lab.folder / GO).touch()
    expect(panel.locator(".ntj-chip").first).to_contain_text("completed")
    expect(panel).to_contain_text("tea tea tea")
    (lab.folder / GO).unlink()
    lab.picture("tour-7-panel-ended")


def find_it_again(lab: Lab, number: int) -> None:
    """The kernel is restarted; the job isn't."""
    lab.run(number)
    lab.restart_kernel()
    lab.command("nodetool:show-jobs")
    job = in_the_sidebar(lab, "afterwards")
    expect(job).to_contain_text("running")
    lab.picture("tour-8-found")
    (lab.folder / GO).touch()
    expect(job).to_contain_text("completed")
    lab.set_theme(DARK)
    lab.picture("tour-9-ended-dark")


def in_the_sidebar(lab: Lab, name: str) -> Locator:
    return lab.page.locator("#nodetool-jobs").get_by_role("listitem").filter(has_text=name).first
