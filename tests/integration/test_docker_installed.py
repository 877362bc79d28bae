"""NodeTool's own nodes in containers: an image has their packages, or the command that builds one is told."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from nodetool_jupyter.strategies.docker.client import Engine
from tests.docker import BASE
from tests.integration.installed_programs import CLASSES, START
from tests.integration.test_installed_nodes import VARIABLE, Programs

pytestmark = [pytest.mark.docker, pytest.mark.needs_variable(VARIABLE), pytest.mark.timeout(900)]
JOBS = f"""{START}{CLASSES}
get_session().registry.add_namespace(globals())
def result(*args, **more):
    try:
        return run(graph(*args), strategy="docker", **more).result()
    except Exception as error:
        return error
core = ("nodetool.workflows.base_node.ToolResult", {{"more": 5}}, "result")
"""


@pytest.fixture
def programs(tmp_path: Path) -> Programs:
    return Programs(tmp_path)


def test_an_image_has_their_packages(programs: Programs, docker_image: str, tmp_path: Path) -> None:
    """Without them nothing starts, and the sentence says what to do: it works as it stands there."""
    said = programs.run(
        f"""{JOBS}
for job in (core, ("notebook.Repeat", {{"text": "ab"}}), ("acme.speech.Louder", {{"text": "hi"}})):
    print(" ".join(str(result(*job, image="{docker_image}")).split()))
print(len(get_session().jobs()))
"""
    ).splitlines()
    assert f"the image {docker_image} doesn't have nodetool-core==" in said[0]
    assert "which the nodes nodetool.workflows.base_node.ToolResult need" in said[0]
    assert "which the nodes notebook.Repeat need" in said[1]
    assert "the nodes of acme.speech are in no package that pip has installed" in said[2]
    assert said[3] == "0"
    told = re.search(r"printf '(.*)' > nodes.txt; nodetool-jupyter (.*) nodes.txt; .* --image (\S+)", said[0])
    assert told is not None
    requirements, command, name = told.groups()
    (tmp_path / "nodes.txt").write_text(requirements.replace(r"\n", "\n"), "utf-8")
    base = os.environ.get("NODETOOL_TEST_BASE", BASE)
    try:
        printed = programs.run(
            f"""{JOBS}
from nodetool_jupyter.cli.main import main
main([*{command.split()!r}, {str(tmp_path / "nodes.txt")!r}, "--base", "{base}"])
print(result(*core, image="{name}"))
print(result("notebook.Repeat", {{"text": "ab", "times": 2}}, image="{name}"))
"""
        )
        assert printed.splitlines() == [name, "[{'more': 5}]", "abab"]
    finally:
        engine = Engine()
        if engine.image(name) is not None:
            engine.remove_image(name)
        engine.close()
