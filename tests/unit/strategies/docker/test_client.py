"""Without an engine: one sentence with the cause and the way out, at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from nodetool_jupyter.errors import DockerError, ErrorCode
from nodetool_jupyter.settings import Settings
from nodetool_jupyter.strategies.docker.client import Engine, Image
from nodetool_jupyter.strategies.docker.image import PYTHON_LABEL, default_image, labels_of, misfit
from nodetool_jupyter.strategies.docker.strategy import DockerStrategy


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")


@pytest.mark.usefixtures("nowhere")
def test_no_engine() -> None:
    """The strategy isn't available, and says what to do."""
    strategy = DockerStrategy(Settings())
    fingerprint = strategy.fingerprint()
    assert not fingerprint.available
    assert "the Docker Engine doesn't answer: No such file or directory" in fingerprint.sentence
    assert "--strategy subprocess" in fingerprint.sentence
    strategy.close(0)
    with pytest.raises(DockerError) as caught:
        Engine().inspect("x")
    assert caught.value.code is ErrorCode.DOCKER_UNAVAILABLE


@pytest.mark.parametrize("address", ["tcp://192.0.2.1:2375", "ssh://somebody@192.0.2.1"])
def test_an_engine_on_another_machine(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told by its address, which nobody tries to reach."""
    monkeypatch.setenv("DOCKER_HOST", address)
    fingerprint = DockerStrategy(Settings()).fingerprint()
    assert not fingerprint.available
    assert f"an engine on another machine ({address})" in fingerprint.sentence
    assert "--strategy subprocess" in fingerprint.sentence


def test_names_of_images() -> None:
    """Found again by package, Python and requirements, whatever blank lines those have."""
    assert default_image() == default_image(b" \n")
    assert default_image(b"numpy\n") != default_image(b"pandas\n")
    assert default_image(b"numpy\n").startswith(f"{default_image()}-")


def test_images_that_do_not_fit() -> None:
    """As far as they say so."""
    labels = labels_of("c")
    assert misfit(Image("i", (), labels, "", 0)) is None
    assert misfit(Image("i", (), {}, "", 0)) is None
    reason = misfit(Image("i", (), {**labels, PYTHON_LABEL: "3.4"}, "", 0))
    assert reason is not None
    assert "it has python 3.4" in reason
