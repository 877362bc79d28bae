"""Fixtures of the browser tests: one server for all of them, a browser and a page for a module's, and for
each a notebook and a kernel. JupyterLab is loaded once for a module's tests, and for those that want it anew.

Server and browser are started before a test's leftovers are counted, so they are none; everything else is.
"""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from secrets import token_hex
from shutil import which

import pytest
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

from tests.browser.lab import WANTED, Lab
from tests.browser.pages import Pages
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
    chosen = os.environ.get(WANTED)
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


@pytest.fixture(scope="module")
def pages(browser: BrowserContext, server: Server) -> Iterator[Pages]:
    """The page that is open."""
    with closing(Pages(browser, server.url)) as pages:
        yield pages


@pytest.fixture
def anew(pages: Pages) -> Iterator[None]:
    """Tests that are about a page's beginning, or change it for good, have one to themselves."""
    pages.close()
    yield
    pages.close()


@pytest.fixture
def page(pages: Pages) -> Page:
    """The one in which the test before has left nothing open, or a new one."""
    return pages.current()


@pytest.fixture
def lab(page: Page, server: Server, pictures: Path, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """JupyterLab in the page; the kernels it starts end with the test."""
    name = re.sub(r"\W+", "-", request.node.name).strip("-")
    lab = Lab(page, server, name, pictures)
    yield lab
    lab.leave()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that fails leaves a picture of what it saw last, and its page to no other."""
    report = yield
    lab = getattr(item, "funcargs", {}).get("lab")
    if report.when == "call" and report.failed and isinstance(lab, Lab):
        lab.keep(f"failed-{lab.folder.name}")
        lab.page.close()
    return report
