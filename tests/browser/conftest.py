"""Fixtures of the browser tests: one server for all of them, a browser, notebook and kernel for each.

The server is started before a test's leftovers are counted, so it is none; everything else is.
"""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Iterator
from pathlib import Path
from secrets import token_hex
from shutil import which

import pytest
from playwright.sync_api import Page, expect, sync_playwright

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


@pytest.fixture
def page(server: Server, no_leftovers: None, tmp_path: Path) -> Iterator[Page]:
    """A page of a browser that was never used before."""
    expect.set_options(timeout=PATIENCE)
    browser = next(filter(None, map(which, BROWSERS)), BROWSERS[0])
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path / "profile", executable_path=browser, args=FLAGS, viewport=SIZE, color_scheme="light"
        )
        context.set_default_timeout(PATIENCE)
        try:
            yield context.pages[0]
        finally:
            context.close()


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
