"""What is seen by whoever turns motion off, can't see the page, or reads it in the dark."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.cells import GO, SAY, SETUP, STREAM
from tests.browser.lab import DARK, Lab

pytestmark = pytest.mark.browser

SIDEBAR = "#nodetool-jobs"
MOVING = "element => element.getAnimations({subtree: true}).filter(one => one.playState === 'running').length"
READABLE = 4.5
"""Contrast of text that WCAG asks for (1.4.3, AA)."""
CONTRASTS = """root => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = color => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = ([r, g, b, a], [x, y, z]) => [r * a + x * (1 - a), g * a + y * (1 - a), b * a + z * (1 - a)];
  const behind = element => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      layers.push(rgba(getComputedStyle(at).backgroundColor));
    }
    return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255]);
  };
  const light = color => {
    const [r, g, b] = color.map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found = {};
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const text = walker.currentNode.data.trim();
    const hidden = !element.checkVisibility() || element.closest('style, title, :disabled, .ntj-spoken');
    if (!text || hidden) { continue; }
    const style = getComputedStyle(element);
    const back = behind(element);
    const fore = over(rgba(element.closest('svg') ? style.fill : style.color), back);
    const [one, other] = [light(fore), light(back)].sort((a, b) => b - a);
    const name = `${text.slice(0, 40)} (${element.getAttribute('class') ?? element.tagName})`;
    found[name] = (one + 0.05) / (other + 0.05);
  }
  return found;
}"""


def running(lab: Lab) -> Locator:
    """The live view of a job in the background, with the sidebar beside it."""
    streams = f"%%nodetool -b --name rows\n{STREAM.strip()}"
    ends = [f"%%nodetool\n{call}" for call in ("tell(value=1)", "check(value='a')")]
    lab.open([SETUP, streams, SAY, "Panel(say)", *ends])
    lab.command("nodetool:show-jobs")
    lab.run(0, 1)
    expect(lab.live(1).locator(".ntj-chunk")).to_contain_text("squares sum up to")
    expect(lab.page.locator(SIDEBAR)).to_contain_text("read rows")
    return lab.live(1)


@pytest.mark.usefixtures("anew")
def test_nothing_moves_for_who_wants_it_so(lab: Lab) -> None:
    """The system's setting counts from the moment it is made; bars and numbers go on."""
    live = running(lab)
    assert live.evaluate(MOVING) > 0
    lab.page.emulate_media(reduced_motion="reduce")
    lab.page.wait_for_function(f"() => ({MOVING})(document.body) === 0")
    moved = live.get_by_role("progressbar", name="read_rows_1").get_attribute("aria-valuenow") or ""
    expect(live.get_by_role("progressbar", name="read_rows_1")).not_to_have_attribute("aria-valuenow", moved)
    assert lab.page.locator("body").evaluate(MOVING) == 0
    lab.picture("reduced-motion")


def test_all_that_can_be_used_has_a_name(lab: Lab) -> None:
    """In sidebar and panel: buttons, fields and lists, as the browser tells them to a screen reader."""
    running(lab)
    names = {role: named(lab, SIDEBAR, role) for role in ("button", "searchbox", "combobox", "list")}
    assert {"Cancel this job", "What its nodes have printed"} <= set(names["button"])
    assert names["list"] == ["Jobs, newest first"]
    assert all(all(found) for found in names.values()), names
    assert len(names["searchbox"]) == len(names["combobox"]) == 1
    lab.run(2, 3)
    roles = ("button", "textbox", "spinbutton", "combobox", "checkbox", "slider", "DisclosureTriangle")
    lab.output(3).get_by_role("slider").focus()
    panel = {role: named(lab, ".ntj-panel", role) for role in roles}
    assert panel["slider"] == panel["spinbutton"][:1] == ["times"]
    assert all(found and all(found) for found in panel.values()), panel


def named(lab: Lab, selector: str, role: str) -> list[Any]:
    return [found["name"] for found in lab.accessible(selector, role)]


@pytest.mark.usefixtures("anew")
@pytest.mark.parametrize("theme", ["JupyterLab Light", DARK])
def test_text_can_be_read(lab: Lab, theme: str) -> None:
    """Against what lies behind it, by the measure of WCAG: live view, card, panel and sidebar."""
    live = running(lab)
    lab.set_theme(theme)
    lab.run(2, 3)
    assert_readable(live)
    assert_readable(lab.page.locator(SIDEBAR))
    assert_readable(lab.output(3).locator(".ntj-panel"))
    name = theme.removeprefix("JupyterLab ").lower()
    lab.picture(f"readable-live-{name}")
    live.get_by_role("button", name="Cancel").click()
    expect(lab.card(1).locator(".ntj-chip")).to_contain_text("cancelled")
    assert_readable(lab.card(1))
    (lab.folder / GO).touch()
    lab.run(4, 5)
    for number, state in ((4, "completed"), (5, "failed")):
        expect(lab.card(number).locator(".ntj-chip")).to_contain_text(state)
        expect(lab.page.locator(SIDEBAR)).to_contain_text(state)
        assert_readable(lab.card(number))
    assert_readable(lab.page.locator(SIDEBAR))
    lab.picture(f"readable-ended-{name}")


def assert_readable(shown: Locator) -> None:
    contrasts = shown.evaluate(CONTRASTS)
    assert contrasts
    assert not {text: round(ratio, 2) for text, ratio in contrasts.items() if ratio < READABLE}
