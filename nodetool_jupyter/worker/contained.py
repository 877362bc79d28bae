"""The entry point of a container: it comes to the launcher, which waits at a socket in the run directory, is
given the two descriptors that a supervisor has, and is one from then on.

They cross the container's border as they do any process's, so a container needs no network, and neither its
command line nor its environment says what it runs.
"""

from __future__ import annotations

import importlib
import socket
from pathlib import Path

from nodetool_jupyter.model.events import JobUpdate, NodeUpdate, encode_event
from nodetool_jupyter.worker.child import WorkerProcess
from nodetool_jupyter.worker.supervisor import prepare
from nodetool_jupyter.worker.wire import short_address
from nodetool_jupyter.worker.zygote import DESCRIPTORS, become_supervisor

LAUNCH = "launch"
"""The launcher's socket in the run directory."""
USUAL = ("nodetool_jupyter.engine.function", "nodetool_jupyter.worker.pickling")
"""What the nodes of a notebook are run and read with."""
NOBODY = 69
"""Exit code where no launcher waits any more: nothing has run."""


def serve_folder(folder: str, *, is_ahead: bool = False) -> int:
    """Run the job whose run directory is ``folder``; gives an exit code only where nobody waits. One that was
    started ahead of its job uses the time.
    """
    worker = _rehearsed() if is_ahead else prepare([], get_ready)
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            with short_address(Path(folder) / LAUNCH) as name:
                connection.connect(name)
            _, descriptors, _, _ = socket.recv_fds(connection, 1, DESCRIPTORS)
        except OSError:
            return NOBODY
    if len(descriptors) != DESCRIPTORS:
        return NOBODY
    become_supervisor(descriptors, worker)
    return 0


def _rehearsed() -> WorkerProcess:
    from nodetool_jupyter.worker.rehearsal import rehearse_all, rehearse_worker

    rehearse_all()
    return prepare([], rehearse_worker)


def get_ready() -> None:
    """In the worker, while its supervisor fetches the job: what it will need, whatever the job is."""
    for name in USUAL:
        importlib.import_module(name)
    for message in (
        JobUpdate(status="running"),
        NodeUpdate(node_id="", node_name="", node_type="", status="running"),
    ):
        encode_event(message)


def listen(folder: Path) -> socket.socket:
    """The launcher's end: a socket that one container comes to."""
    path = folder / LAUNCH
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    try:
        with short_address(path) as name:
            listener.bind(name)
        listener.listen(1)
    except BaseException:
        listener.close()
        raise
    return listener


def hand_over(listener: socket.socket, connection: socket.socket, bell: int) -> None:
    """Give whoever has come copies of a supervisor's descriptors; raises OSError."""
    visitor, _ = listener.accept()
    with visitor:
        give(visitor, connection, bell)


def give(visitor: socket.socket, connection: socket.socket, bell: int) -> None:
    """Give one that has come copies of a supervisor's descriptors; raises OSError."""
    socket.send_fds(visitor, [b"f"], [connection.fileno(), bell])
