"""``nodetool-jupyter image`` on a real engine: what is built is found again, and leaves nothing behind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import pytest

from nodetool_jupyter.cli.main import main
from nodetool_jupyter.errors import DockerError
from nodetool_jupyter.strategies.docker import image as images
from nodetool_jupyter.strategies.docker.client import Engine
from tests.docker import BASE, remove_built
from tests.integration.test_docker_ends import make_image

pytestmark = pytest.mark.docker
NAME = "nodetool-jupyter:of-a-test"


@pytest.fixture
def base(engine: Engine) -> Iterator[str]:
    yield os.environ.get("NODETOOL_TEST_BASE", BASE)
    if engine.image(NAME) is not None:
        engine.remove_image(NAME)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What the command line prints."""
    assert main(["image", *arguments]) == 0
    return capsys.readouterr().out


def test_build(capsys: pytest.CaptureFixture[str], engine: Engine, base: str) -> None:
    """The same again is only found, and listed; another one in its place leaves none without a name."""
    assert run(capsys, "build", "--base", base, "--tag", NAME).strip() == NAME
    first = engine.image(NAME)
    assert first is not None
    run(capsys, "build", "--base", base, "--tag", NAME)
    assert engine.image(NAME) == first
    assert NAME in run(capsys, "list")


@contextmanager
def small(more: str = "") -> Iterator[None]:
    """Images with hardly anything in them are soon built, and have names and labels like all."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(images, "RECIPE", f"FROM {{base}}\nCOPY site/ /site/\n{more}")
        patch.setattr(images, "LIBRARIES", ("platformdirs",))
        yield


def test_requirements(capsys: pytest.CaptureFixture[str], engine: Engine, base: str, tmp_path: Path) -> None:
    """They are in the image, which says so, and has their name: the one that a refusal tells."""
    package = f"typing-extensions=={version('typing-extensions')}"
    path = tmp_path / "nodes.txt"
    path.write_text(f"{package}\n", "utf-8")
    with small():
        name = run(capsys, "build", "--requirements", str(path), "--base", base).strip()
    image = engine.image(name)
    assert image is not None
    engine.remove_image(name)
    assert images.missing_in(image, [package, "nodetool-core==1"]) == ["nodetool-core==1"]
    assert images.how_to_add([package]).endswith(f" --image {name}")


def test_another_in_its_place(capsys: pytest.CaptureFixture[str], engine: Engine, base: str) -> None:
    """What had the name before is gone, also where it is only renamed."""
    ids = []
    for more in ("", "ENV ANOTHER=1\n"):
        with small(more):
            run(capsys, "build", "--base", base, "--tag", NAME)
        image = engine.image(NAME)
        assert image is not None
        ids.append(image.id)
    assert engine.image(ids[0]) is None
    run(capsys, "build", "--base", base, "--tag", NAME)
    assert engine.image(ids[1]) is None


def test_prune(capsys: pytest.CaptureFixture[str], engine: Engine, base: str) -> None:
    """What a kernel of this version can't use goes; a dry run only says so, and what fits stays."""
    labels = [f"LABEL {images.CONTENT_LABEL}=old", f"LABEL {images.PROTOCOL_LABEL}=0"]
    make_image(engine, NAME, {"a": b"a"}, *labels)
    assert NAME in run(capsys, "prune", "--dry-run")
    assert engine.image(NAME) is not None
    assert NAME in run(capsys, "prune")
    assert engine.image(NAME) is None
    assert engine.image(images.default_image()) is not None


def test_what_a_run_of_tests_has_built(engine: Engine, base: str, docker_image: str, tmp_path: Path) -> None:
    """It is gone afterwards, or the run fails; what was there before stays."""
    make_image(engine, NAME, {"a": b"a"}, f"LABEL {images.CONTENT_LABEL}=of-a-test")
    image = engine.image(NAME)
    assert image is not None
    made = engine.create("nodetool-of-a-test", {"Image": NAME, "Cmd": ["a"]})
    with (tmp_path / "built").open("w+", encoding="ascii") as file:
        file.write(image.id)
        with pytest.raises(DockerError, match="container"):
            remove_built(engine, file)
        engine.remove(made)
        remove_built(engine, file)
    assert engine.image(NAME) is None
    assert engine.image(docker_image) is not None
    assert (tmp_path / "built").read_text("ascii") == ""
