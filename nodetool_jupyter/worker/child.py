"""The worker's process, as its supervisor holds it: forked before anything is known of its job.

One that waits has nothing of the supervisor's but its own ends of the pipes; whenever the supervisor ends, so
does it. Nothing of a user's runs in it before it is told to begin.
"""

from __future__ import annotations

import os
import resource
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from nodetool_jupyter.errors import WorkflowError
from nodetool_jupyter.worker import wire
from nodetool_jupyter.worker.cgroup import ControlGroup, OwnGroup
from nodetool_jupyter.worker.folder import ORDER, RunFolder
from nodetool_jupyter.worker.host import put_streams_aside, work
from nodetool_jupyter.worker.order import Order, read_order
from nodetool_jupyter.worker.pipes import Pipes
from nodetool_jupyter.worker.process import die_with_parent, kill_descendants

BELL = b"b"
"""The byte with which the bell's descriptor comes."""
READY = b"r"
UNABLE = 70
"""Exit code of a worker that could not tell what went wrong."""


class WorkerProcess:
    """One worker: ``pid``, the supervisor's ends of its pipes, and the way to tell it what to run."""

    def __init__(self, pid: int, pipes: Pipes, orders: socket.socket) -> None:
        self.pid = pid
        self.pipes = pipes
        self._orders = orders

    @classmethod
    def fork(cls, others: Iterable[int] = (), prepare: Callable[[], None] | None = None) -> WorkerProcess:
        """Fork one that waits. ``others`` are open descriptors that are none of its business; ``prepare`` is
        called in it first; see ``wait_until_ready``.
        """
        pipes = Pipes()
        ours, theirs = socket.socketpair()
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            ours.close()
            _live(parent, pipes, theirs, others, prepare)
        theirs.close()
        pipes.close_in_supervisor()
        return cls(pid, pipes, ours)

    def wait_until_ready(self) -> None:
        """Wait until one that was to prepare itself has done so, or has died."""
        with suppress(OSError):
            self._orders.recv(len(READY))

    def brief(self, start: wire.Start, bell: int) -> None:
        """Tell it what it will run, so that it reads its order; raises OSError where it has died."""
        socket.send_fds(self._orders, [BELL], [bell])
        self._orders.sendall(wire.encode_message(start))

    def begin(self, groups: Iterable[ControlGroup]) -> None:
        """Let it run, in these control groups; one that has died is met by its end."""
        named = {str(group.path): sorted(group.controllers) for group in groups}
        with suppress(OSError):
            self._orders.sendall(wire.encode_message(wire.Begin(groups=named)))

    def collect(self) -> tuple[int, resource.struct_rusage] | None:
        """How it has ended, as the system has it, and what it has used; None while it runs."""
        pid, status, usage = os.wait4(self.pid, os.WNOHANG)
        return (status, usage) if pid else None

    def end_tree(self) -> None:
        """Kill and collect all that it has left behind, and itself."""
        kill_descendants(os.getpid())

    def dismiss(self) -> None:
        """End one that was never told to begin."""
        self._orders.close()
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def _live(
    parent: int,
    pipes: Pipes,
    orders: socket.socket,
    others: Iterable[int],
    prepare: Callable[[], None] | None,
) -> None:
    """In the forked child: let go of all that is the supervisor's, wait, run, and end."""
    code = UNABLE
    try:
        os.setsid()
        die_with_parent(parent)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        for fd in others:
            os.close(fd)
        pipes.close()
        put_streams_aside(pipes.worker_ends.output)
        if prepare is not None:
            prepare()
            orders.sendall(READY)
        code = _serve(pipes, orders)
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:  # noqa: BLE001 - there is no one to raise it to
        traceback.print_exc()
    finally:
        os._exit(code)


def _serve(pipes: Pipes, orders: socket.socket) -> int:
    """Wait for a job and run it; gives the exit code."""
    job = wait_for_job(orders)
    if job is None:
        return 0
    ends = replace(pipes.worker_ends, bell=job.bell)
    return work(job.order, job.folder, ends, job.environment, job.begin)


class Briefing(NamedTuple):
    """All that a worker is told of its job. ``begin`` waits until it may run; gives its control groups."""

    order: Order
    folder: RunFolder
    bell: int
    environment: dict[str, str] | None
    begin: Callable[[], list[ControlGroup]]


def wait_for_job(orders: socket.socket) -> Briefing | None:
    """What the supervisor behind ``orders`` says to run; None where it has gone."""
    data, descriptors, _, _ = socket.recv_fds(orders, len(BELL), 1)
    if not data:
        return None
    messages = _messages(orders)
    start = next(messages)
    assert isinstance(start, wire.Start)
    folder = RunFolder(Path(start.folder))
    order = read_order((folder.path / ORDER).read_bytes(), start.digest)

    def begin() -> list[ControlGroup]:
        told = next(messages)
        assert isinstance(told, wire.Begin)
        orders.close()
        kind = OwnGroup if order.is_contained else ControlGroup
        return [kind(Path(path), frozenset(controllers)) for path, controllers in told.groups.items()]

    return Briefing(order, folder, descriptors[0], start.environment, begin)


def _messages(orders: socket.socket) -> Iterator[wire.Message]:
    lines = wire.Lines()
    while (messages := wire.receive(orders, lines)) is not None:
        yield from messages
    raise WorkflowError("the supervisor has gone")
