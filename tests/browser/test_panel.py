"""A panel in JupyterLab: filled in by keyboard, run, watched, cancelled, looked back from, and failed."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.cells import GO, SETUP
from tests.browser.lab import Lab
from tests.browser.test_hostile import HOSTILE, Strikes

pytestmark = pytest.mark.browser

NODES = """
@node
async def count(word: str, times: int, until: str, context) -> str:
    if word == "bad":
        raise ValueError("a bad word")
    while not Path(until).exists():
        context.progress(1, 2)
        await asyncio.sleep(0.02)
    return " ".join([word] * times)
"""
