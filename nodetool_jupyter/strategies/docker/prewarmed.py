"""Containers that were started ahead, each for one job that has the same spec: idle, with the same isolation
and a run directory of their own, in which nothing of a user's has run.

A job takes one over by changing places: its files are linked into the container's run directory, which is
then exchanged for the job's in one step. So whoever looks at the job's directory always finds all of it.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from nodetool_jupyter.errors import NodeToolError
from nodetool_jupyter.strategies.docker.client import Engine
from nodetool_jupyter.strategies.docker.exchange import exchange
from nodetool_jupyter.strategies.docker.facts import Container
from nodetool_jupyter.strategies.docker.spec import FOLDER, FOLDER_LABEL, ContainerSpec, User, name_of
from nodetool_jupyter.worker.contained import LAUNCH, give, listen
from nodetool_jupyter.worker.folder import RunFolder

PREFIX = ".ahead-"
"""Their run directories lie beside those of jobs."""
AHEAD = "ahead-"
"""What their names begin with, where others have the job's id."""
ARRIVAL = 30.0
"""Seconds that one gets until it is idle."""
PAUSE = 0.5
"""Seconds after a job has taken one until the next is made: the job needs the processors more."""

GiveFolder = Callable[[Path, User], None]


@dataclass(slots=True, eq=False)
class Idle:
    """A container that waits for its one job. The lock of its run directory says that it has an owner."""

    container: str
    folder: Path
    user: User
    _visitor: socket.socket
    _lock: int

    def is_alive(self) -> bool:
        """Whether something waits in it still."""
        try:
            return bool(self._visitor.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        except BlockingIOError:
            return True
        except OSError:
            return False

    def become(self, directory: Path, give_folder: GiveFolder) -> None:
        """Make its run directory the job's, which lies in ``directory``; raises OSError."""
        shutil.copytree(directory, self.folder, copy_function=os.link, dirs_exist_ok=True)
        give_folder(self.folder, self.user)
        exchange(self.folder, directory)
        shutil.rmtree(self.folder)
        self.folder.symlink_to(directory)  # the engine knows the mount by this name

    def meet(self, theirs: socket.socket, rings: int) -> None:
        """Give it a supervisor's descriptors; raises OSError. The lock is the supervisor's from now on."""
        os.close(self._lock)
        self._lock = -1
        with self._visitor:
            give(self._visitor, theirs, rings)

    def discard(self, engine: Engine) -> None:
        """Remove it with its folder. One that a job has taken loses the name of its folder alone."""
        self._visitor.close()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1
        with suppress(NodeToolError):  # the reaper finds it later
            engine.remove(self.container)
            remove_folder(self.folder)


def name_ahead(directory: Path) -> str | None:
    """The name that a job's container had while it waited, where the job has taken one that another kernel
    had started ahead.
    """
    for path in directory.parent.glob(f"{PREFIX}*"):
        if path.is_symlink() and path.readlink() == directory:
            return name_of(f"{AHEAD}{path.name.removeprefix(PREFIX)}")
    return None


def remove_container(engine: Engine, container: Container | None) -> None:
    """Remove a container that another kernel has made; raises DockerError."""
    if container is not None:
        engine.remove(container.name)
        if FOLDER_LABEL in container.labels:
            engine.remove_volume(container.name)
        for source, target in container.mounts:
            if target == FOLDER:
                remove_folder(Path(source))


def remove_folder(folder: Path) -> None:
    """Remove the run directory of one that was started ahead, or its name where a job has the directory."""
    if not folder.name.startswith(PREFIX):
        return
    if folder.is_symlink():
        folder.unlink(missing_ok=True)
    else:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class _Kind:
    """What has to be the same: the spec without what is each job's own, and the very image."""

    spec: str
    image: str


def _kind(spec: ContainerSpec, image: str) -> _Kind:
    return _Kind(repr(replace(spec, job_id="", directory=Path())), image)


@dataclass(slots=True, eq=False)
class Pool:
    """``size`` idle containers of the kind that was asked for last. Thread-safe."""

    size: int
    engine: Engine
    give_folder: GiveFolder
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _idle: list[Idle] = field(default_factory=list)
    _kind: _Kind | None = None
    _filler: threading.Thread | None = None
    _closing: threading.Event = field(default_factory=threading.Event)

    def take(self, spec: ContainerSpec, image: str) -> Idle | None:
        """One that is there and of this kind; None where there is none. Then others of it are made."""
        if not self.size or spec.resumed is not None:
            return None
        kind = _kind(spec, image)
        with self._lock:
            useless: list[Idle] = []
            if kind != self._kind:
                useless, self._idle, self._kind = self._idle, [], kind
            found = None
            while self._idle and found is None:
                idle = self._idle.pop(0)
                found = idle if idle.is_alive() else None
                useless += [] if found else [idle]
            self._begin_to_fill(spec, kind, useless)
        return found

    def _begin_to_fill(self, spec: ContainerSpec, kind: _Kind, useless: list[Idle]) -> None:
        if self._filler is not None and self._filler.is_alive() and not useless:
            return
        if self._closing.is_set():
            return
        before = self._filler
        self._filler = threading.Thread(
            target=self._fill, args=(spec, kind, useless, before), name="nodetool-prewarm", daemon=True
        )
        self._filler.start()

    def _fill(
        self, spec: ContainerSpec, kind: _Kind, useless: list[Idle], before: threading.Thread | None
    ) -> None:
        if before is not None:
            before.join()
        for idle in useless:
            idle.discard(self.engine)
        while not self._closing.wait(PAUSE) and self._lacks(kind):
            try:
                idle = self._make(spec)
            except (OSError, NodeToolError):  # jobs start theirs as ever; the next one has this tried again
                return
            with self._lock:
                is_wanted = self._kind == kind and not self._closing.is_set()
                if is_wanted:
                    self._idle.append(idle)
            if not is_wanted:
                idle.discard(self.engine)

    def _lacks(self, kind: _Kind) -> bool:
        with self._lock:
            return self._kind == kind and len(self._idle) < self.size

    def _make(self, spec: ContainerSpec) -> Idle:
        """Start one and wait until it is idle; raises OSError, DockerError."""
        name = secrets.token_hex(8)
        folder = RunFolder(spec.directory.parent / f"{PREFIX}{name}")
        folder.make()
        lock, made = folder.try_lock(), ""
        assert lock is not None
        try:
            with listen(folder.path) as listener:
                listener.settimeout(ARRIVAL)
                self.give_folder(folder.path, spec.user)
                ahead = replace(spec, job_id=f"{AHEAD}{name}", directory=folder.path)
                made = self.engine.create(ahead.name, ahead.to_config(is_ahead=True))
                self.engine.start(made)
                visitor, _ = listener.accept()
            (folder.path / LAUNCH).unlink(missing_ok=True)
        except BaseException:
            os.close(lock)
            with suppress(NodeToolError):
                if made:
                    self.engine.remove(made)
            remove_folder(folder.path)
            raise
        return Idle(made, folder.path, spec.user, visitor, lock)

    def close(self) -> list[Idle]:
        """Make no more; gives those that are to be discarded."""
        self._closing.set()
        with self._lock:
            left, self._idle = self._idle, []
        return left

    def join(self, patience: float) -> None:
        """Wait for one that is being made."""
        if self._filler is not None:
            self._filler.join(patience)
