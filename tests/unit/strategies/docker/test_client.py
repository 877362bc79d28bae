"""Without an engine: one sentence with the cause and the way out, at once."""

from __future__ import annotations

import hashlib
import json
import socket
from pathlib import Path

import pytest

from nodetool_jupyter.environment import get_environment
from nodetool_jupyter.errors import DockerError, ErrorCode
from nodetool_jupyter.settings import Settings
from nodetool_jupyter.strategies.docker.client import Engine, find_address
from nodetool_jupyter.strategies.docker.facts import Image
from nodetool_jupyter.strategies.docker.image import PYTHON_LABEL, default_image, labels_of, misfit
from nodetool_jupyter.strategies.docker.refusals import NotSeen
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


@pytest.mark.parametrize("address", ["ssh://somebody@192.0.2.1", "tcp://192.0.2.1:2376"])
def test_an_engine_with_keys(address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It is told by its address, which nobody tries to reach, with the way to it."""
    monkeypatch.setenv("DOCKER_HOST", address)
    if address.startswith("tcp"):
        for name in ("ca", "cert", "key"):
            (tmp_path / f"{name}.pem").touch()
        monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
    fingerprint = DockerStrategy(Settings()).fingerprint()
    assert not fingerprint.available
    assert f"DOCKER_HOST names an engine with keys of its own ({address})" in fingerprint.sentence
    assert "ssh -L" in fingerprint.sentence


@pytest.fixture
def contexts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Docker's own configuration: the contexts ``near``, which is used, and ``far``."""
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "config.json").write_text('{"currentContext": "near"}', "utf-8")
    for name, host in {"near": f"unix://{tmp_path}/near.sock", "far": "ssh://somebody@192.0.2.1"}.items():
        folder = tmp_path / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest()
        folder.mkdir(parents=True)
        meta = {"Name": name, "Metadata": {}, "Endpoints": {"docker": {"Host": host}}}
        (folder / "meta.json").write_text(json.dumps(meta), "utf-8")
    return tmp_path


def test_context_that_is_used(contexts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As ``docker context use`` says, unless DOCKER_CONTEXT or, before all, DOCKER_HOST names another."""
    assert find_address(get_environment()) == (
        "docker's context near",
        {"base_url": f"unix://{contexts}/near.sock", "tls": None},
    )
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{contexts}/near.sock")
        with pytest.raises(DockerError, match="doesn't answer: Connection refused"):
            Engine().facts()
    monkeypatch.setenv("DOCKER_CONTEXT", "far")
    with pytest.raises(NotSeen, match=r"docker's context far names an engine with keys of its own \(ssh://"):
        Engine().facts()
    monkeypatch.setenv("DOCKER_HOST", f"unix://{contexts}/no.sock")
    with pytest.raises(DockerError, match="doesn't answer: No such file"):
        Engine().facts()


@pytest.mark.usefixtures("contexts")
def test_default_context(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is this machine's engine, as if no context were named."""
    monkeypatch.setenv("DOCKER_CONTEXT", "default")
    assert find_address(get_environment()) == ("docker's context default", {})


def test_contexts_that_can_not_be_used(contexts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """None is taken for the default: a job would run on another engine than its user thinks."""
    for meta in contexts.glob("contexts/meta/*/meta.json"):
        meta.write_text("{", "utf-8")
    with pytest.raises(DockerError, match="docker's context near can't be read"):
        Engine().facts()
    monkeypatch.setenv("DOCKER_CONTEXT", "gone")
    with pytest.raises(DockerError, match="docker's context gone is not there") as caught:
        Engine().facts()
    assert "docker context ls" in (caught.value.hint or "")


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
