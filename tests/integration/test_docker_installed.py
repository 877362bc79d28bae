"""NodeTool's own nodes in containers: an image has their packages, or the command that builds one is told."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from nodetool_jupyter.strategies.docker.client import Engine
from nodetool_jupyter.strategies.docker.image import CONTENT_LABEL, LIBRARIES_LABEL, SITE
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
NAME = f"nodetool-test-odd:installed-{os.getpid()}"


@pytest.fixture
def programs(tmp_path: Path) -> Programs:
    return Programs(tmp_path)


@pytest.fixture
def furnished(docker_image: str) -> Iterator[str]:
    """An image that says it has their packages, and imports them from this machine's folder."""
    recipe = f"FROM {docker_image}\nENV PYTHONPATH={SITE}:{os.environ[VARIABLE]}\n"
    labels = {LIBRARIES_LABEL: "nodetool-core", CONTENT_LABEL: "of-a-test"}
    engine = Engine()
    list(engine._connected().build(fileobj=io.BytesIO(recipe.encode()), tag=NAME, labels=labels, rm=True))
    yield NAME
    engine.remove_image(NAME)
    engine.close()


def test_they_run_where_an_image_has_their_packages(programs: Programs, furnished: str) -> None:
    """A type of the package, and a class of the notebook's."""
    printed = programs.run(
        f"""{JOBS}
from tests.docker import share_with_jobs
share_with_jobs(get_session(), Path("{os.environ[VARIABLE]}"))
print(result(*core, image="{furnished}"))
print(result("notebook.Repeat", {{"text": "ab", "times": 2}}, image="{furnished}"))
"""
    )
    assert printed.splitlines() == ["[{'more': 5}]", "abab"]


def refusals(programs: Programs, image: str) -> list[str]:
    """What is said of three jobs, and how many were begun."""
    printed = programs.run(
        f"""{JOBS}
for job in (core, ("notebook.Repeat", {{"text": "ab"}}), ("acme.speech.Louder", {{"text": "hi"}})):
    print(" ".join(str(result(*job, image="{image}")).split()))
print(len(get_session().jobs()))
"""
    )
    return printed.splitlines()


def told(refusal: str) -> tuple[str, ...]:
    """The requirements to write down, the words of the command that builds, and the image's name then."""
    way = re.search(r"printf '(.*)' > nodes.txt; nodetool-jupyter (.*) nodes.txt; .* --image (\S+)", refusal)
    assert way is not None
    return way.groups()


def test_an_image_without_their_packages_is_refused(programs: Programs, docker_image: str) -> None:
    """Nothing starts, and the sentence says what to do."""
    said = refusals(programs, docker_image)
    assert f"the image {docker_image} doesn't have nodetool-core==" in said[0]
    assert "which the nodes nodetool.workflows.base_node.ToolResult need" in said[0]
    assert "which the nodes notebook.Repeat need" in said[1]
    assert "the nodes of acme.speech are in no package that pip has installed" in said[2]
    assert said[3] == "0"
    requirements, command, name = told(said[0])
    assert re.fullmatch(r"nodetool-core==[\d.]+\\n", requirements)
    assert (command, name.startswith(f"{docker_image}-")) == ("image build --requirements", True)


@pytest.mark.storm
def test_the_command_of_the_refusal(programs: Programs, docker_image: str, tmp_path: Path) -> None:
    """It works as it stands there, with all that nodetool-core needs."""
    requirements, command, name = told(refusals(programs, docker_image)[0])
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
