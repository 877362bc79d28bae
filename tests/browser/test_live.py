"""A job that is watched in JupyterLab while its cell blocks, and that is ended from there."""

from __future__ import annotations

import ipykernel
import jupyterlab
import pytest
from packaging.version import Version
from playwright.sync_api import Locator, expect

from tests.browser.cells import GO, SETUP, STREAM
from tests.browser.lab import Lab

pytestmark = pytest.mark.browser

KERNEL_HEARS = ipykernel.version_info >= (7,)
HAS_SUBSHELLS = KERNEL_HEARS and Version(jupyterlab.__version__) >= Version("4.4")
"""Without them in kernel and page nothing that is pressed reaches Python while a cell runs."""
RUNNING = "[*]:"
NOT_RUN = "[ ]:"


def bar(view: Locator, name: str) -> Locator:
    return view.get_by_role("progressbar", name=name)


def drawn(view: Locator, text: str) -> Locator:
    """A node of the drawing, by what a screen reader says of it."""
    return view.locator(".ntj-dag").get_by_role("listitem", name=text)


def wait_for_move(moving: Locator) -> int:
    """Until a bar stands elsewhere than now; gives its place then."""
    place = moving.get_attribute("aria-valuenow") or ""
    expect(moving).not_to_have_attribute("aria-valuenow", place)
    return int(moving.get_attribute("aria-valuenow") or 0)


def start(lab: Lab, *others: str, options: str = "--name rows -o told") -> Locator:
    """The live view of a job that runs; other cells stand below its own and are not executed."""
    lab.open([SETUP, f"%%nodetool {options}\n{STREAM.strip()}", *others])
    lab.run(0)
    lab.start(1)
    live = lab.live(1)
    expect(drawn(live, "add_up_1: running")).to_be_visible()
    return live


def start_blocking(lab: Lab) -> Locator:
    """The live view of a job whose cell blocks, with another cell queued behind it."""
    live = start(lab, "'next'")
    lab.start(2)
    expect(lab.prompt(2)).to_have_text(RUNNING)
    return live


def assert_cancelled(lab: Lab) -> None:
    """The cell says so in short, what was queued is not run, and the end state stays."""
    lab.wait_for_end(1)
    expect(lab.output(1)).to_contain_text("JobCancelled")
    expect(lab.output(1)).not_to_contain_text("Traceback")
    expect(lab.prompt(2)).to_have_text(NOT_RUN)
    expect(lab.output(2)).to_be_empty()
    expect(lab.live(1)).to_have_count(0)
    card = lab.card(1)
    expect(card).to_have_count(1)
    expect(card.locator(".ntj-chip")).to_contain_text("cancelled")
    expect(drawn(card, "read_rows_1: cancelled")).to_be_visible()
    expect(drawn(card, "tell_1: skipped")).to_be_visible()


def test_bars_move_while_the_cell_blocks(lab: Lab) -> None:
    """States, bars and text of nodes are seen as they come, though the kernel does nothing else."""
    live = start_blocking(lab)
    rows = bar(live, "read_rows_1")
    assert wait_for_move(rows) < wait_for_move(rows)
    wait_for_move(bar(live, "progress of rows"))
    expect(drawn(live, "tell_1: waiting")).to_be_visible()
    expect(live.locator(".ntj-chunk")).to_contain_text("squares sum up to")
    assert_open_by_keyboard(lab, live)
    assert_accessible(lab)
    expect(lab.prompt(1)).to_have_text(RUNNING)
    lab.picture("live")
    (lab.folder / GO).touch()
    lab.wait_for_end(2)
    expect(lab.live(1)).to_have_count(0)
    expect(lab.card(1).locator(".ntj-chip")).to_contain_text("completed")
    expect(lab.output(2)).to_contain_text("'next'")


def assert_open_by_keyboard(lab: Lab, live: Locator) -> None:
    """A log is the next stop after Cancel; it opens, stays open as lines come, is searched, and folds."""
    line, log = live.get_by_text("Log of read_rows_1"), live.locator(".ntj-log")
    expect(line).to_be_visible()
    expect(log).to_be_hidden()
    expect(live.get_by_placeholder("find in the logs")).to_be_hidden()
    if HAS_SUBSHELLS:
        live.get_by_role("button", name="Cancel").focus()
        lab.page.keyboard.press("Tab")
        expect(live.locator("summary")).to_be_focused()
    live.locator("summary").press("Space")
    expect(log).to_be_visible()
    lines = log.text_content() or ""
    expect(log).not_to_have_text(lines)
    expect(log).to_be_in_viewport()
    if HAS_SUBSHELLS:
        live.get_by_placeholder("find in the logs").fill("ROW 10 ")
        expect(log).to_contain_text("row 10 read")
        expect(log).not_to_contain_text("row 20 read")
        live.get_by_placeholder("find in the logs").fill("")
        expect(log).to_contain_text("row 20 read")
    live.locator("summary").press("Enter")
    expect(log).to_be_hidden()
    assert [found["expanded"] for found in lab.accessible(".ntj-live", "DisclosureTriangle")] == [False]
    live.locator("summary").press("Enter")
    expect(log).to_be_visible()
    assert [found["expanded"] for found in lab.accessible(".ntj-live", "DisclosureTriangle")] == [True]


def assert_accessible(lab: Lab) -> None:
    """As assistive technology is told it: bars with names and values, a button, one quiet live region."""
    bars = {found["name"]: found for found in lab.accessible(".ntj-live", "progressbar")}
    assert list(bars) == ["progress of rows", "read_rows_1", "square_1", "add_up_1"]
    assert 0 <= bars["progress of rows"]["value"] < 100
    assert 0 < bars["read_rows_1"]["value"] < 100
    assert (bars["read_rows_1"]["valuemin"], bars["read_rows_1"]["valuemax"]) == (0, 100)
    buttons = [found["name"] for found in lab.accessible(".ntj-live", "button")]
    assert buttons == ["Cancel"]
    assert [found["live"] for found in lab.accessible(".ntj-live", "status")] == ["polite"]
    expect(lab.live(1).get_by_role("status")).to_have_text("rows: running")


@pytest.mark.parametrize("way", ["click", "Enter"])
def test_cancel_button_while_the_cell_blocks(lab: Lab, way: str) -> None:
    """By mouse and by keyboard, it ends the job: by the kernel where that hears it, else by the server."""
    live = start_blocking(lab)
    button = live.get_by_role("button", name="Cancel")
    button.click() if way == "click" else button.press(way)
    assert_cancelled(lab)
    lab.picture("cancelled")


def test_interrupt_cancels(lab: Lab) -> None:
    """The stop button ends the job as gracefully as Cancel does, with every kernel."""
    start_blocking(lab)
    lab.interrupt()
    assert_cancelled(lab)


def test_background_job_lives_on(lab: Lab) -> None:
    """The cell returns at once; the view goes on without it, may be had twice, ends as a card that needs no
    kernel, and may be had again from another one.
    """
    attach = "%nodetool attach last"
    others = (attach, "job.status.value", "%load_ext nodetool_jupyter", attach)
    live = start(lab, *others, options="--name rows -b -o job")
    lab.run(2, 3)
    expect(lab.output(3)).to_contain_text("'running'")
    wait_for_move(bar(live, "read_rows_1"))
    wait_for_move(bar(lab.live(2), "read_rows_1"))
    lab.picture("background")
    (lab.folder / GO).touch()
    for number in (1, 2):
        expect(lab.live(number)).to_have_count(0)
        expect(lab.card(number).locator(".ntj-chip")).to_contain_text("completed")
    lab.restart_kernel()
    expect(lab.card(1).locator(".ntj-chip")).to_contain_text("completed")
    lab.run(4, 5)
    expect(lab.card(5).locator(".ntj-chip")).to_contain_text("completed")
    expect(drawn(lab.card(5), "add_up_1: completed")).to_be_visible()


def test_cancel_button_of_a_background_job(lab: Lab) -> None:
    """With every kernel, as the kernel is free to hear it."""
    live = start(lab, options="--name rows -b")
    live.get_by_role("button", name="Cancel").click()
    expect(lab.live(1)).to_have_count(0)
    expect(lab.card(1).locator(".ntj-chip")).to_contain_text("cancelled")
    expect(lab.output(1)).not_to_contain_text("JobCancelled")


@pytest.mark.usefixtures("anew")
def test_a_button_that_nobody_hears_says_what_cancels(lab: Lab) -> None:
    """Without the server's extension the kernel alone counts: one without subshells offers no Cancel."""
    lab.page.route("**/nodetool/api/**", lambda route: route.fulfill(status=404, body="{}"))
    live = start_blocking(lab)
    if KERNEL_HEARS:
        expect(live.get_by_role("button", name="Cancel")).to_be_enabled()
    else:
        expect(live.get_by_role("button", name="interrupt (■) cancels")).to_be_disabled()
        lab.picture("deaf")
    lab.interrupt()
    assert_cancelled(lab)
