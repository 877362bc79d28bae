"""Names, logs and values that are markup stay text wherever JupyterLab shows them."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Dialog, Page, expect

from tests.browser.cells import GO, SAY, SETUP
from tests.browser.lab import Lab

pytestmark = pytest.mark.browser

PROBE = "ntj-probe"
HOSTILE = f"<img src=/{PROBE} onerror='window.struck=1'><script>window.struck=1</script>"
STRANGE_NODES = f"""
hostile = {HOSTILE!r}

@node
async def shout(text: str, until: str, fails: bool, context) -> str:
    print(text)
    context.log(text, severity="error")
    context.notify(text, severity="warning")
    context.progress(1, 2, chunk=text)
    context.preview({{text: [text]}})
    while not Path(until).exists():
        await asyncio.sleep(0.01)
    if fails:
        raise ValueError(text)
    return text
"""
HOSTILE_PANEL = """
bad = [
    param("StringInput", hostile, value=hostile, description=hostile),
    param("SelectInput", "choice" + hostile, value=hostile, options=[hostile]),
    param("StringListInput", "list" + hostile, value=[hostile]),
    param("FilePathInput", "file" + hostile, value=""),
    {"id": "said", "type": "nodetool.output.Output", "data": {"name": hostile}},
]
edges = [{"source": hostile, "target": "said", "targetHandle": "value"}]
Panel({"name": hostile, "description": hostile, "graph": {"nodes": bad, "edges": edges}})
"""
LOOKS = tuple(f"%nodetool {command}" for command in ("jobs", "status", "logs", "graph last", "traceback"))


def strange_graph(*, fails: bool) -> str:
    """A workflow that is hostile wherever it may hold text."""
    title = {"title": HOSTILE}
    shout = {"text": HOSTILE, "until": GO, "fails": fails}
    nodes = [
        {"id": HOSTILE, "type": "notebook.shout", "data": shout, "ui_properties": title},
        {"id": "o", "type": "nodetool.output.Output", "data": {"name": HOSTILE}, "ui_properties": title},
    ]
    edge = {"id": HOSTILE, "source": HOSTILE, "sourceHandle": "output"}
    edge |= {"target": "o", "targetHandle": "value"}
    return json.dumps({"name": HOSTILE, "graph": {"nodes": nodes, "edges": [edge]}})


class Strikes:
    """What text would do to a page that took it for markup."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.seen: list[str] = []
        page.on("dialog", self._dialog)
        page.on("request", lambda request: self._request(request.url))

    def assert_none(self) -> None:
        """Nothing was fetched or executed, and no element of theirs is in the page."""
        outputs = self.page.locator(".jp-Cell-outputArea")
        expect(outputs.locator(f"script, [onerror], [src*={PROBE}]")).to_have_count(0)
        assert self.page.evaluate("window.struck") is None
        assert not self.seen

    def _dialog(self, dialog: Dialog) -> None:
        self.seen.append(dialog.message)
        dialog.dismiss()

    def _request(self, url: str) -> None:
        # JupyterLab asks the server about whatever reads like a path, by a query
        if PROBE in urlsplit(url).path:
            self.seen.append(url)


def test_markup_in_a_job_is_text(lab: Lab) -> None:
    """In the live view, at the end, in errors, in what the line commands show, and in a panel."""
    strikes = Strikes(lab.page)
    cells = [f"%%nodetool\n{strange_graph(fails=fails)}" for fails in (False, True)]
    lab.open([SETUP + SAY + STRANGE_NODES, *cells, *LOOKS, "hostile", HOSTILE_PANEL])
    lab.run(0)
    lab.start(1)
    live = lab.live(1)
    expect(live.locator(".ntj-title")).to_have_text(HOSTILE)
    expect(live.locator(".ntj-chunk")).to_have_text(HOSTILE)
    expect(live.locator(".ntj-warning")).to_contain_text(HOSTILE)
    expect(live.locator(".ntj-log").last).to_contain_text(HOSTILE)
    strikes.assert_none()
    lab.picture("hostile-live")
    (lab.folder / GO).touch()
    lab.wait_for_end(1)
    expect(lab.card(1).locator(".ntj-outputs")).to_contain_text(HOSTILE[:60])
    lab.start(2)
    lab.wait_for_end(2)
    expect(lab.card(2).get_by_role("note")).to_contain_text(HOSTILE[:60])
    lab.run(*range(3, 3 + len(LOOKS)))
    for number in range(1, 3 + len(LOOKS)):
        expect(lab.output(number)).to_contain_text("<img src=")
    strikes.assert_none()
    assert_panel_shows_text(lab, 4 + len(LOOKS))
    strikes.assert_none()


def assert_panel_shows_text(lab: Lab, number: int) -> None:
    """Names, descriptions, choices, values, files of the folder, and what is left of them after a run."""
    (lab.folder / f"a {HOSTILE.replace('/', '')}").touch()
    lab.run(number)
    shown = lab.output(number).locator(".ntj-panel")
    expect(shown.locator(".ntj-title").first).to_have_text(HOSTILE)
    expect(shown.locator("label", has_text=HOSTILE)).to_have_count(4)
    shown.get_by_role("button", name="Run", exact=True).click()
    expect(shown.locator(".ntj-chip").first).to_contain_text("completed")
    shown.get_by_label("Past runs").select_option(index=0)
    expect(shown.locator(".ntj-chip")).to_have_count(2)
    lab.picture("panel-hostile")
