"""What the server tells of itself, and how it is found by Jupyter."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from nodetool_jupyter import __version__
from nodetool_jupyter.model.peers import Peer
from nodetool_jupyter.server.about import API, mismatch
from nodetool_jupyter.session import Session
from tests.architecture.tree import ROOT
from tests.server.client import Client

CONFIG = "nodetool_jupyter/server/jupyter-config"


class TestHealth:
    """Versions, and what can be used."""

    def test_strategies(self, client: Client) -> None:
        """Each with the sentence that a user would get."""
        health = client.get("/health").body
        found = {each["name"]: each for each in health["strategies"]}
        assert (found["threaded"]["available"], found["subprocess"]["available"]) == (False, True)
        assert "a server has none" in found["threaded"]["sentence"]
        assert (health["version"], health["api"], health["mismatch"]) == (__version__, API, None)

    @pytest.mark.parametrize(
        ("client_version", "api", "match"),
        [
            (__version__, API, None),
            ("0.1.99", API, None),
            ("", API, None),
            ("9.9.0", API, "restart the server and reload the page"),
            (__version__, API + 1, "upgrade the server"),
            (__version__, API - 1, "upgrade this page"),
        ],
    )
    def test_versions_that_fit(self, client_version: str, api: int, match: str | None) -> None:
        """A page of another version is told what to do."""
        found = mismatch(client_version, api)
        assert (found is None) if match is None else (found is not None and match in found)

    def test_a_page_is_told(self, client: Client) -> None:
        """By the same answer."""
        assert client.get("/health?client=9.9.0").body["mismatch"].startswith("nodetool_jupyter is")

    def test_kernels_are_known(self, client: Client, session: Session) -> None:
        """Each process that shares the store tells its version, and knows the server's by its note."""
        assert client.get("/health").body["others"] == []
        other = session.store.register_owner()
        other.introduce(Peer(version="9.9.0"))
        assert client.get("/health").body["others"] == ["9.9.0"]
        assert Peer(version=__version__, is_server=True) in session.store.peers(other.id)
        other.close()
        assert client.get("/health").body["others"] == []

    def test_settings_that_cannot_be_read(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        """The sentence that a cell would show."""
        monkeypatch.setenv("THREAD_POOL_SIZE", "many")
        answer = client.get("/health")
        assert (answer.status, answer.body["kind"]) == (500, "SettingsError")


class TestNodes:
    """The library, read by a process of its own."""

    def test_search(self, client: Client, session: Session) -> None:
        """By words, page by page; the server itself imports no library for it."""
        found = client.get("/nodes?query=nodetool.text%20concat").body
        assert "nodetool.text.Concat" in [node["node_type"] for node in found["nodes"]]
        every = client.get("/nodes?limit=2000").body
        assert len(every["nodes"]) == every["total"] > 400
        page = client.get("/nodes?limit=10&offset=5").body
        assert page["nodes"] == every["nodes"][5:15]


class TestFound:
    """Jupyter Server finds the extension, and nobody else notices it."""

    def test_listed_as_enabled(self, tmp_path: Path) -> None:
        """By the file that the wheel puts among Jupyter's own."""
        shutil.copytree(ROOT / CONFIG, tmp_path / "config")
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "JUPYTER_CONFIG_DIR": str(tmp_path / "config")}
        command = [sys.executable, "-m", "jupyter", "server", "extension", "list"]
        listed = subprocess.run(command, env=environment, capture_output=True, text=True)
        lines = (listed.stdout + listed.stderr).splitlines()
        at = next(number for number, line in enumerate(lines) if "nodetool_jupyter" in line)
        assert "enabled" in lines[at]
        assert any("OK" in line for line in lines[at : at + 3]), lines[at : at + 3]

    def test_the_wheel_has_the_file(self) -> None:
        """Where Jupyter Server looks for it."""
        name = "jupyter_server_config.d/nodetool_jupyter.json"
        wheel = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"][
            "targets"
        ]["wheel"]
        assert wheel["shared-data"][f"{CONFIG}/{name}"] == f"etc/jupyter/{name}"
        config = json.loads((ROOT / CONFIG / name).read_text("utf-8"))
        assert config["ServerApp"]["jpserver_extensions"] == {"nodetool_jupyter": True}

    def test_the_core_does_without(self) -> None:
        """A kernel imports neither Jupyter Server nor tornado by ours."""
        code = (
            "import sys, nodetool_jupyter, nodetool_jupyter.session, nodetool_jupyter.magics.extension;"
            "print([name for name in sys.modules if name.split('.')[0] in ('jupyter_server', 'tornado')"
            " or name.startswith('nodetool_jupyter.server')])"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
        assert done.stdout.strip() == "[]", done.stderr
