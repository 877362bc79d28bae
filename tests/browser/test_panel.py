"""A panel in JupyterLab: filled in by keyboard, run, watched, cancelled, looked back from, failed, kept."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Locator, expect

from tests.browser.cells import GO, SAY, SETUP
from tests.browser.lab import DARK, Lab
from tests.browser.test_live import HAS_SUBSHELLS, RUNNING

pytestmark = pytest.mark.browser

NAMES = ("word *", "times", "tone", "twice", "words", "picture", "table", "day", "Strategy")
PANEL = ".ntj-panel"
BUSY = f"""
import threading
while not Path({GO!r}).exists():
    threading.Event().wait(0.05)
"""


def panel(lab: Lab, number: int = 1) -> Locator:
    return lab.output(number).locator(PANEL)


def png(text: str) -> bytes:
    """A small picture."""
    file = BytesIO()
    seen = Image.new("RGB", (240, 120), "#0b63c5")
    ImageDraw.Draw(seen).text((20, 50), text, "white")
    seen.save(file, "PNG")
    return file.getvalue()


def button(shown: Locator, name: str) -> Locator:
    return shown.get_by_role("button", name=name, exact=True)


def press(lab: Lab, *keys: str) -> None:
    for key in keys:
        lab.page.keyboard.press(key)


def test_a_day_with_a_panel(lab: Lab) -> None:
    """Nothing but the keyboard is needed, every field has a name, and each step is seen."""
    lab.page.set_viewport_size({"width": 1280, "height": 2000})
    cells = ("panel = Panel(say)\npanel", "panel.values['times'], panel.job.result()", BUSY)
    lab.open([SETUP + SAY, *cells])
    lab.run(0, 1)
    shown = panel(lab)
    for name in NAMES:
        expect(shown.get_by_label(name, exact=True)).to_be_visible()
    expect(lab.output(1).locator(".ntj-kept")).to_be_hidden()
    fill_in_by_keyboard(lab, shown)
    watch_and_cancel(lab, shown)
    look_back(lab, shown)
    fail(lab, shown)
    keep(lab)


def fill_in_by_keyboard(lab: Lab, shown: Locator) -> None:
    """What is wrong is said below the field as one types; Run refuses, and says where to look."""
    button(shown, "Run").focus()
    press(lab, "Enter")
    expect(shown.get_by_role("alert")).to_have_count(2)
    expect(shown.get_by_role("alert").last).to_have_text("nothing has run yet: see word")
    lab.picture("panel-required")
    shown.get_by_label("word *").focus()
    lab.page.keyboard.type("tea")
    expect(shown.get_by_role("alert")).to_have_count(0)
    press(lab, "Tab", "ArrowUp", "Tab")
    expect(shown.get_by_role("slider")).to_be_focused()
    expect(shown.get_by_role("slider")).to_have_attribute("aria-valuenow", "3.0")
    press(lab, "ArrowRight")
    expect(shown.get_by_role("spinbutton", name="times")).to_have_value("4")
    table = shown.get_by_label("table")
    table.fill('{"type":')
    expect(shown.get_by_role("alert")).to_contain_text("expected JSON")
    table.fill('{"type": "dataframe"}')
    expect(shown.get_by_role("alert")).to_have_count(0)
    shown.locator("summary", has_text="Limits").press("Enter")
    expect(shown.get_by_label("Memory", exact=True)).to_be_disabled()
    shown.get_by_label("Strategy").select_option("subprocess")
    expect(shown.get_by_label("Memory", exact=True)).to_be_enabled()
    shown.get_by_label("Strategy").select_option("threaded")
    expect(shown.get_by_label("Memory", exact=True)).to_be_disabled()
    lab.picture("panel-filled")


def watch_and_cancel(lab: Lab, shown: Locator) -> None:
    """Run draws the live view; Cancel ends the job, also while a cell keeps the kernel busy."""
    button(shown, "Run").press("Enter")
    expect(shown.locator(".ntj-live")).to_be_visible()
    expect(shown.get_by_role("progressbar", name="count")).to_be_visible()
    expect(button(shown, "Run")).to_be_disabled()
    lab.picture("panel-live")
    if HAS_SUBSHELLS:
        lab.start(3)
        expect(lab.prompt(3)).to_have_text(RUNNING)
    shown.locator(".ntj-actions").first.get_by_role("button", name="Cancel").press("Enter")
    expect(shown.locator(".ntj-live")).to_have_count(0)
    expect(shown.locator(".ntj-chip").first).to_contain_text("cancelled")
    if HAS_SUBSHELLS:
        expect(lab.prompt(3)).to_have_text(RUNNING)
    (lab.folder / GO).touch()
    shown.get_by_role("spinbutton", name="times").fill("2")
    press(lab, "Tab")
    button(shown, "Run").press("Enter")
    expect(shown.locator(".ntj-chip").first).to_contain_text("completed")
    lab.run(2)
    expect(lab.output(2)).to_contain_text("(2, 'tea tea')")


def look_back(lab: Lab, shown: Locator) -> None:
    """A past run shows its end, and gives its params back to the form."""
    past = shown.get_by_label("Past runs")
    expect(past.locator("option")).to_have_count(2)
    past.select_option(index=1)
    expect(shown.locator(".ntj-chip").last).to_contain_text("cancelled")
    button(shown, "Load into the form").press("Enter")
    expect(shown.get_by_role("spinbutton", name="times")).to_have_value("4")
    lab.picture("panel-past")


def fail(lab: Lab, shown: Locator) -> None:
    """The short error stands below the buttons, and in the card."""
    shown.get_by_label("word *").fill("bad")
    button(shown, "Run").press("Enter")
    expect(shown.get_by_role("alert")).to_contain_text("ValueError: a bad word")
    expect(shown.get_by_role("alert")).not_to_contain_text("Traceback")
    expect(shown.locator(".ntj-chip").first).to_contain_text("failed")
    lab.set_theme(DARK)
    lab.picture("panel-failed-dark")


def keep(lab: Lab) -> None:
    """In a narrow window it fits; without its kernel a saved notebook shows the last state."""
    lab.command("application:toggle-left-area")
    lab.page.set_viewport_size({"width": 480, "height": 2000})
    wide = "e => e.scrollWidth > e.clientWidth"
    expect(panel(lab)).to_be_visible()
    assert not panel(lab).evaluate(wide)
    lab.picture("panel-narrow")
    lab.save()
    lab.restart_kernel()
    expect(panel(lab)).to_contain_class("jupyter-widgets-disconnected")
    lab.load()
    kept = lab.output(1).locator(".ntj-kept")
    expect(kept).to_be_visible()
    expect(kept.locator(".ntj-chip")).to_contain_text("failed")
    expect(kept.locator("dd").first).to_have_text("bad")
    lab.picture("panel-kept")
    lab.run(0, 1)
    expect(panel(lab)).to_be_visible()
    expect(kept).to_be_hidden()


def test_what_is_not_there_is_greyed(lab: Lab) -> None:
    """With the reason, and nobody can choose it; a limit that only it knows is greyed likewise."""
    lab.page.set_viewport_size({"width": 1280, "height": 1400})
    no_engine = "import os\nos.environ['DOCKER_HOST'] = 'unix:///nowhere/engine.sock'\nPanel(say)"
    lab.open([SETUP + SAY, no_engine])
    lab.run(0, 1)
    shown = panel(lab)
    strategy = shown.get_by_label("Strategy")
    expect(strategy.locator("option")).to_have_text(["threaded", "subprocess"])
    absent = shown.get_by_role("button", name="docker", exact=True)
    expect(absent).to_be_disabled()
    expect(shown).to_contain_text("Engine doesn't answer")
    shown.locator("summary", has_text="Limits").press("Enter")
    expect(shown.get_by_label("GPUs", exact=True)).to_be_disabled()
    lab.picture("panel-unavailable")


def test_it_comes_back_after_restart_and_run_all(lab: Lab) -> None:
    """With the runs of before, and as good as new: a file is given, a value out of bounds can't be."""
    lab.page.set_viewport_size({"width": 1280, "height": 1600})
    lab.open([SETUP + SAY, "Panel(say | {'name': 'again'})"])
    lab.run(0, 1)
    (lab.folder / GO).touch()
    for word in ("tea", "milk"):
        shown = panel(lab)
        shown.get_by_label("word *").fill(word)
        shown.get_by_label("Strategy").select_option("subprocess")
        picture = {"name": f"{word}.png", "mimeType": "image/png", "buffer": png(word)}
        with lab.page.expect_file_chooser() as chosen:
            shown.get_by_role("button", name="Upload a file").click()
        chosen.value.set_files([picture])
        expect(shown.get_by_role("img", name=f"{word}.png")).to_be_visible()
        shown.get_by_role("spinbutton", name="times").fill("40")
        press(lab, "Tab")
        expect(shown.get_by_role("spinbutton", name="times")).to_have_value("9")
        button(shown, "Run").click()
        expect(shown.locator(".ntj-chip").first).to_contain_text("completed")
        expect(shown).to_contain_text(" ".join([word] * 9))
        lab.picture(f"panel-again-{word}")
        lab.restart_kernel()
        lab.command("notebook:run-all-cells")
        expect(panel(lab)).not_to_contain_class("jupyter-widgets-disconnected")
        expect(panel(lab).get_by_label("Past runs").locator("option").first).to_contain_text(f"word={word}")
    expect(panel(lab).get_by_label("Past runs").locator("option")).to_have_count(2)
