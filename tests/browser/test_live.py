"""A job that is watched in JupyterLab while its cell blocks, and ended from there."""

from __future__ import annotations

import ipykernel
import pytest
from playwright.sync_api import expect

from tests.browser.cells import SETUP, STREAM
from tests.browser.lab import Lab

pytestmark = pytest.mark.browser


def test_live(lab: Lab) -> None:
    lab.open([SETUP, f"%%nodetool --name rows -o told\n{STREAM}", "told"])
    lab.run(0)
    lab.start(1)
    live = lab.live(1)
    expect(live).to_be_visible()
    import time
    time.sleep(4)
    lab.picture("live")
    print(live.inner_html())
    (lab.folder / "go").touch()
    lab.wait_for_end(1)
    lab.picture("finished")
