"""A Docker daemon of a test's own, which may be stopped, killed and started again. It has a network to
itself, where it can't take the bridge away from the one that others use.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nodetool_jupyter.errors import DockerError
from nodetool_jupyter.strategies.docker.client import Engine
from nodetool_jupyter.strategies.docker.spec import STORE_LABEL
from tests.support import wait_until

DEADLINE = 60.0
OPTIONS = ("--bridge=none", "--iptables=false", "--ip6tables=false")
HIDE = 'mount -t tmpfs none "$0" && exec "$@"'


class PrivateDockerd:
    """Its data outlives its process. ``address`` is what DOCKER_HOST has to say, ``hidden`` a folder in whose
    place it sees an empty one.
    """

    def __init__(self, folder: Path, hidden: Path | None = None) -> None:
        self._folder = folder
        hide = ["--mount", "sh", "-c", HIDE, str(hidden)] if hidden else []
        self._command = ["unshare", "--net", *hide, "dockerd", *OPTIONS]
        self._process: subprocess.Popen[bytes] | None = None
        self.address = f"unix://{folder}/socket"

    def start(self, *options: str) -> None:
        """Start it, unless it runs, and wait until it answers."""
        if self._process is not None:
            return
        folder = self._folder
        folders = (f"--data-root={folder}/data", f"--exec-root={folder}/run", f"--pidfile={folder}/pid")
        with (folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._command, *folders, f"--host={self.address}", *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        with self.engine() as engine:
            wait_until(lambda: self._answers(engine), DEADLINE, state=self._said)

    def _answers(self, engine: Engine) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._said()
        try:
            return bool(engine.facts().version)
        except DockerError:
            return False

    def _said(self) -> str:
        return (self._folder / "log").read_text("utf-8")[-2000:]

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End it by a signal and wait until it has gone."""
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait(DEADLINE)
        self._process = None
        # A zombie of that number, or another process, would keep the next one from starting.
        for name in ("pid", "run/containerd/containerd.pid"):
            (self._folder / name).unlink(missing_ok=True)

    @contextmanager
    def engine(self) -> Iterator[Engine]:
        """A connection to it."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DOCKER_HOST", self.address)
            engine = Engine(timeout=DEADLINE)
            yield engine
            engine.close()

    def load(self, image: str) -> None:
        """Give it an image of the other engine's."""
        theirs = Engine(timeout=DEADLINE)
        data = theirs._connected().get_image(image)
        with self.engine() as engine:
            engine._connected().load_image(data)
        theirs.close()

    def remove_containers(self) -> list[str]:
        """Remove what there is; gives its names."""
        with self.engine() as engine:
            names = [container.name for container in engine.containers(STORE_LABEL)]
            for name in names:
                engine.remove(name)
        return names

    def close(self) -> None:
        """End it with all that it has."""
        self.start()
        self.remove_containers()
        self.stop()
        # One that was killed has left its data mounted over itself.
        subprocess.run(["umount", "--recursive", "--lazy", self._folder / "data"], stderr=subprocess.DEVNULL)
        shutil.rmtree(self._folder)


@contextmanager
def private_dockerd(image: str | None, hidden: Path | None = None) -> Iterator[PrivateDockerd]:
    """One that has an image, or none."""
    # It needs a network and mounts of its own; in CI this skip is a failure.
    if os.geteuid() or shutil.which("dockerd") is None:
        pytest.skip("a Docker daemon can be started by root alone, where there is one")
    # Sockets lie below: the path has to be short.
    dockerd = PrivateDockerd(Path(tempfile.mkdtemp(prefix="nodetool-dockerd-", dir="/tmp")), hidden)
    dockerd.start()
    try:
        if image is not None:
            dockerd.load(image)
        yield dockerd
    finally:
        dockerd.close()
