"""The JupyterLab extension: its own tests, its version, its size, and that JupyterLab finds it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nodetool_jupyter import __version__
from nodetool_jupyter.server.about import API
from tests.architecture.tree import ROOT

SOURCE = ROOT / "labextension"
LARGEST = 150_000


def test_its_own_tests_pass() -> None:
    """By jest, where its build has installed the packages; that has also checked all types."""
    node, jest = shutil.which("node"), SOURCE / "node_modules" / "jest" / "bin" / "jest.js"
    if node is None or not jest.exists():
        # A user without Node can't run jest; in CI the conftest turns each skip into a failure.
        pytest.skip("Node or labextension/node_modules is missing: pip install -e . with Node brings it")
    done = subprocess.run([node, jest, "--ci"], cwd=SOURCE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_has_the_package_s_version() -> None:
    """The server compares them, and the interface that both know."""
    assert json.loads((SOURCE / "package.json").read_text("utf-8"))["version"] == __version__
    (known,) = re.findall(r"export const API = (\d+);", (SOURCE / "src" / "protocol.ts").read_text("utf-8"))
    assert int(known) == API


def test_nothing_becomes_markup() -> None:
    """What a workflow brings gets into the page as text."""
    for path in SOURCE.glob("src/*.ts"):
        found = re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write", path.read_text("utf-8"))
        assert found == [], path


def test_colors_are_the_theme_s() -> None:
    """Whichever that is."""
    style = (SOURCE / "style" / "base.css").read_text("utf-8")
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b|rgba?\(|hsla?\(", style) == []


def test_jupyterlab_finds_it() -> None:
    """As it was installed with this package, and small."""
    command = [sys.executable, "-m", "jupyter", "labextension", "list"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    listed = [line for line in (done.stdout + done.stderr).splitlines() if "nodetool-jupyter v" in line]
    assert len(listed) == 1, done.stdout + done.stderr
    assert f"v{__version__}" in listed[0]
    assert "OK" in listed[0]
    folder = Path(sys.prefix, "share", "jupyter", "labextensions", "nodetool-jupyter")
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < LARGEST
