"""A Jupyter server of the browser tests' own: its settings, kernels, jobs and files lie under one folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from shutil import rmtree
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

import psutil

from tests.support import wait_until

START_SECONDS = 60.0
STOP_SECONDS = 20.0
OPTIONS = (
    "--allow-root",
    "--no-browser",
    "--ServerApp.ip=127.0.0.1",
    "--LabApp.expose_app_in_browser=True",
    "--JupyterNotebookApp.expose_app_in_browser=True",
    "--LabApp.extension_manager=readonly",
)
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "docmanager-extension/plugin": {"autosave": False},
    # cells out of sight stay in the page, where the tests look for them
    "notebook-extension/tracker": {"windowingMode": "none"},
}
DIRECT = build_opener(ProxyHandler({}))
INHERITED = ("PATH", "LANG", "LC_ALL", "CI", "VIRTUAL_ENV", "PYTHONPATH")


class Server:
    """JupyterLab in a process of its own. ``root`` is the folder that it serves."""

    def __init__(self, folder: Path, token: str) -> None:
        self.root = folder / "notebooks"
        self.url = ""
        self._runtime = folder / "runtime"
        self._log = folder / "server.log"
        self._token = token
        self._settings = folder / "lab-settings"
        self.root.mkdir()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "jupyterlab", *OPTIONS, f"--ServerApp.root_dir={self.root}"],
                env=self._environment(folder),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def process_id(self) -> int:
        """The server's own."""
        return self._process.pid

    def wait_until_ready(self) -> None:
        """Until it answers, which is when ``url`` is known."""
        self.url = wait_until(self._find_url, START_SECONDS, self._tail, interval=0.1)

    def address(self, path: str) -> str:
        """Where a browser finds something, with the right to see it."""
        return f"{self.url}{path}{'&' if '?' in path else '?'}token={self._token}"

    def end_kernels(self) -> None:
        """End all kernels, and the sessions of the notebooks that have them."""
        for session in json.loads(self._ask(f"{self.url}api/sessions")):
            self._ask(f"{self.url}api/sessions/{session['id']}", "DELETE")

    def reset_settings(self) -> None:
        """JupyterLab as the tests want it, whatever a test has set."""
        rmtree(self._settings)
        for name, values in SETTINGS.items():
            self.change_setting(f"@jupyterlab/{name}", values)

    def change_setting(self, plugin: str, values: Mapping[str, Any]) -> None:
        """A setting of the user's, for pages that are opened from now on."""
        path = self._settings / f"{plugin}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values), "utf-8")

    def stop(self) -> None:
        """End the server and see that its kernels end with it."""
        if self._process.poll() is not None:
            return
        family = psutil.Process(self._process.pid).children(recursive=True)
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        finally:
            _, left = psutil.wait_procs(family, STOP_SECONDS)
            for process in (self._process, *left):
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            self._process.wait()
        assert not left, f"outlived the server: {left}; {self._tail()}"

    def _environment(self, folder: Path) -> dict[str, str]:
        own = {
            "HOME": "user",
            "IPYTHONDIR": "ipython",
            "JUPYTERLAB_SETTINGS_DIR": "lab-settings",
            "JUPYTERLAB_WORKSPACES_DIR": "lab-workspaces",
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "NODETOOL_HOME": "nodetool",
            "TMPDIR": "temporary",
        }
        for name in own.values():
            (folder / name).mkdir(exist_ok=True)
        kept = {
            name: value
            for name, value in os.environ.items()
            if name in INHERITED or name.startswith("COVERAGE_")
        }
        folders = {name: str(folder / value) for name, value in own.items()}
        return kept | folders | {"JUPYTER_TOKEN": self._token}

    def _find_url(self) -> str:
        """The address that the server has written down, once it answers."""
        assert self._process.poll() is None, f"the server has ended: {self._tail()}"
        for path in self._runtime.glob("jpserver-*.json"):
            try:
                url = str(json.loads(path.read_text("utf-8"))["url"])
                self._ask(f"{url}api/status")
                return url
            except (OSError, ValueError):
                return ""
        return ""

    def _ask(self, url: str, method: str = "GET") -> bytes:
        request = Request(url, headers={"Authorization": f"token {self._token}"}, method=method)
        with DIRECT.open(request, timeout=STOP_SECONDS) as answer:
            content: bytes = answer.read()
            return content

    def _tail(self) -> str:
        return self._log.read_text("utf-8", errors="replace")[-4_000:]
