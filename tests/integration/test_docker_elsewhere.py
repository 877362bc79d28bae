"""An engine that is reached by a socket of this machine, and doesn't see its files."""

from __future__ import annotations

from pathlib import Path

import pytest

from nodetool_jupyter.strategies.docker.client import NotSeen
from tests.integration.contained import looks, submit
from tests.integration.gates import Open
from tests.integration.test_docker_ends import make_image
from tests.private_dockerd import private_dockerd

pytestmark = [pytest.mark.docker, pytest.mark.only_on("linux")]
IMAGE = "nodetool-test-odd:elsewhere"


@pytest.mark.usefixtures("docker_image")
def test_it_is_refused(open_session: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything starts, with what it lacks and the ways out; nothing is left, there or here."""
    with private_dockerd(None, hidden=tmp_path) as dockerd:
        monkeypatch.setenv("DOCKER_HOST", dockerd.address)
        with dockerd.engine() as engine:
            make_image(engine, IMAGE, {"a": b"a"})
        session = open_session()
        with pytest.raises(NotSeen, match="doesn't see this machine's files") as caught:
            submit(session, looks, image=IMAGE)
        assert str(tmp_path) in caught.value.message
        assert "unset DOCKER_HOST" in (caught.value.hint or "")
        assert session.jobs() == []
        session.close()
        assert not list(session.settings.home.glob("jobs/*"))
        assert dockerd.remove_containers() == []
