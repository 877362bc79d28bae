"""The kernel's end of the zygote: starts it when it is first needed, asks it for supervisors, replaces it.

The kernel itself never forks: it is large and has threads. Without a zygote a supervisor is started from
nothing, and is the same code from its first line on.
"""

from __future__ import annotations

import os
import re
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from nodetool_jupyter.environment import get_environment
from nodetool_jupyter.worker.wire import FORK, USED

MODULE = "nodetool_jupyter.worker"
NEEDED = re.compile(
    r"PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|TZ|TMPDIR|TEMP|TMP|SYSTEMROOT|VIRTUAL_ENV"
    r"|(LC_|LD_|DYLD_|MALLOC_|PYTHON|CONDA_|COVERAGE_).*"
)
"""Variables of the kernel's that Python itself needs. A job gets all others by the wire, if it may have them:
what a process was started with can be read in it for ever.
"""
SPARE_SECONDS = 300.0
PATIENCE = 2.0
"""Seconds that a zygote gets to end by itself."""


class Nursery:
    """Where supervisors come from. Thread-safe."""

    def __init__(self, *, is_warm: bool = True, spare_seconds: float = SPARE_SECONDS) -> None:
        """``spare_seconds`` is how long a process that was forked ahead waits for its job; 0 forks none."""
        self._is_warm = is_warm
        self._spare_seconds = spare_seconds
        self._lock = threading.Lock()
        self._zygote: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._spares: list[socket.socket] = []
        """The ends of those that wait for a job."""
        self._seen: object = None

    def start_supervisor(self, connection: socket.socket, bell: int) -> subprocess.Popen[bytes] | None:
        """Have a supervisor serve ``connection`` and ring ``bell``, of which it gets copies. Gives its
        process where that is a child of this one, to be waited for. Raises OSError.
        """
        if not self._is_warm:
            fds = [connection.fileno(), bell]
            return _run(["supervise", *map(str, fds)], fds, PYDANTIC_DISABLE_PLUGINS="1")
        fds = [connection.fileno(), bell]
        with self._lock:
            if self._control is None or self._is_outdated():
                self._replace()
            if self._use_spare(fds):
                return None
            try:
                self._ask(FORK, fds)
            except OSError:  # it has died
                self._replace()
                self._ask(FORK, fds)
        return None

    def _ask(self, word: bytes, fds: list[int]) -> None:
        assert self._control is not None
        socket.send_fds(self._control, [word], fds)

    def _use_spare(self, fds: list[int]) -> bool:
        """Give the job to a supervisor that was forked ahead; False where none waits."""
        self._hear_offers()
        while self._spares:
            with self._spares.pop() as spare, suppress(OSError):  # it has waited too long, or was killed
                socket.send_fds(spare, [FORK], fds)
                self._ask(USED, [])
                return True
        return False

    def _hear_offers(self) -> None:
        assert self._control is not None
        with suppress(OSError):  # the zygote has died, which is met next
            waiting = select.poll()
            waiting.register(self._control, select.POLLIN)
            while waiting.poll(0):  # recv_fds heeds no flags
                word, fds, _, _ = socket.recv_fds(self._control, 1, 1)
                for fd in fds:
                    os.set_inheritable(fd, False)
                    self._spares.append(socket.socket(fileno=fd))
                if not word:
                    return

    def _replace(self) -> None:
        self._end_zygote()
        ours, theirs = socket.socketpair()
        with theirs:
            self._zygote = _run(["zygote", str(theirs.fileno()), str(self._spare_seconds)], [theirs.fileno()])
        self._control = ours
        self._seen = _packages()

    def _is_outdated(self) -> bool:
        """Whether packages were installed, or the import path was changed, since the zygote was started."""
        return self._seen != _packages()

    def _end_zygote(self) -> None:
        control, self._control = self._control, None
        zygote, self._zygote = self._zygote, None
        while self._spares:
            self._spares.pop().close()
        if control is not None:
            control.close()
        if zygote is not None:
            with suppress(subprocess.TimeoutExpired):
                zygote.wait(PATIENCE)
                return
            zygote.kill()
            zygote.wait()

    def close(self) -> None:
        """End the zygote; what it has forked goes on."""
        with self._lock:
            self._end_zygote()


def _run(arguments: list[str], fds: list[int], **variables: str) -> subprocess.Popen[bytes]:
    """This package's worker in a new process; -P keeps files beside the notebook from hiding libraries. The
    ``variables`` hold until it has taken on its job's environment.
    """
    return subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-P", "-m", MODULE, *arguments],
        pass_fds=fds,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={
            **_needed(get_environment()),
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            **variables,
        },
    )


def _needed(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if NEEDED.fullmatch(name)}


def _packages() -> tuple[tuple[str, int], ...]:
    """What tells that packages have come, gone or changed: the import path, and when its folders changed."""
    found = []
    for entry in sys.path:
        with suppress(OSError):
            found.append((entry, Path(entry or ".").stat().st_mtime_ns if "-packages" in entry else 0))
    return tuple(found)
