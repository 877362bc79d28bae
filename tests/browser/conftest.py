"""Fixtures of the browser tests: one server for all of them, a browser for a module's, and for each a page
that knows nothing of those before, a notebook and a kernel.

Server and browser are started before a test's leftovers are counted, so they are none; everything else is.
"""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Iterator
from pathlib import Path
from secrets import token_hex
from shutil import which

import pytest
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

from tests.browser.lab import Lab
from tests.browser.server import Server

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # no name is looked up: a page that wants something from elsewhere does not wait for it
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
SIZE = {"width": 1280, "height": 1200}
PATIENCE = 30_000
"""Milliseconds that a test waits for what it expects."""


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running Jupyter server."""
    server = Server(tmp_path_factory.mktemp("server"), token_hex(16))
    try:
        server.wait_until_ready()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go."""
    chosen = os.environ.get("NODETOOL_SCREENSHOTS")
    folder = Path(chosen) if chosen else tmp_path_factory.mktemp("pictures")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where browsers keep what they have fetched and compiled of JupyterLab."""
    return tmp_path_factory.mktemp("profile")


@pytest.fixture(scope="module")
def browser(server: Server, profile: Path) -> Iterator[BrowserContext]:
    """A browser; tests of other modules could run no event loop beside it."""
    expect.set_options(timeout=PATIENCE)
    program = next(filter(None, map(which, BROWSERS)), BROWSERS[0])
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile, executable_path=program, args=FLAGS, viewport=SIZE, color_scheme="light"
        )
        context.set_default_timeout(PATIENCE)
        try:
            yield context
        finally:
            context.close()


@pytest.fixture
def page(browser: BrowserContext, server: Server) -> Iterator[Page]:
    """A page that finds nothing which another has stored: no cookie, no state of JupyterLab."""
    page = browser.new_page()
    session = browser.new_cdp_session(page)
    session.send("Storage.clearDataForOrigin", {"origin": server.url, "storageTypes": "all"})
    session.detach()
    yield page
    page.close()


@pytest.fixture
def lab(page: Page, server: Server, pictures: Path, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """JupyterLab in the page; the kernels it starts end with the test."""
    name = re.sub(r"\W+", "-", request.node.name).strip("-")
    lab = Lab(page, server, name, pictures)
    yield lab
    lab.shut_down()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that fails leaves a picture of what it saw last."""
    report = yield
    lab = getattr(item, "funcargs", {}).get("lab")
    if report.when == "call" and report.failed and isinstance(lab, Lab):
        lab.picture(f"failed-{lab.folder.name}")
    return report
