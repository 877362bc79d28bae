"""The zygote: a warm parent that has the engine imported and forks a supervisor with its worker for each job.

Single-threaded at every fork, and small: it never imports numpy, pandas or anything of a user's. It ends with
the kernel that has started it; what it has forked goes on.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import sys
import traceback
from contextlib import suppress

from nodetool_jupyter.worker.child import WorkerProcess
from nodetool_jupyter.worker.supervisor import prepare, supervise

READY = b"r"
DESCRIPTORS = 2
"""That come with each request: the connection to the launcher, and its bell."""


def serve(control: socket.socket, patience: float) -> None:
    """Fork a supervisor for each request, until the kernel has gone. One is forked ahead, and waits for its
    job for so many seconds; for none, each is forked when it is asked for.
    """
    from nodetool_jupyter.worker.rehearsal import rehearse_all

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # supervisors tell their end by themselves
    rehearse_all()
    gc.collect()
    gc.freeze()
    control.send(READY)
    while True:
        spare = _fork_spare(control) if patience else None
        if spare is not None and not select.select([control], [], [], patience)[0]:
            spare.close()
            spare = None
        data, descriptors, _, _ = socket.recv_fds(control, 1, DESCRIPTORS)
        if not data:
            return
        _give(control, spare, descriptors)
        for fd in descriptors:
            os.close(fd)
        if spare is not None:
            spare.close()


def _fork_spare(control: socket.socket) -> socket.socket:
    """The next job's supervisor, forked ahead with its worker: it waits at the other end of the socket for
    what to run, and ends if nothing comes.
    """
    ours, theirs = socket.socketpair()
    if os.fork() == 0:
        control.close()
        ours.close()
        _wait_for_job(theirs)
    theirs.close()
    return ours


def _wait_for_job(orders: socket.socket) -> None:
    from nodetool_jupyter.worker.rehearsal import rehearse_supervisor, rehearse_worker

    worker = prepare([orders.fileno()], rehearse_worker)
    rehearse_supervisor()
    data, descriptors, _, _ = socket.recv_fds(orders, 1, DESCRIPTORS)
    orders.close()
    if not data:
        worker.dismiss()
        os._exit(0)
    become_supervisor(descriptors, worker)


def _give(control: socket.socket, spare: socket.socket | None, descriptors: list[int]) -> None:
    """Give the job to the spare supervisor, or where there is none, or it was killed, to a new one."""
    if spare is not None:
        with suppress(OSError):
            socket.send_fds(spare, [READY], descriptors)
            return
    if os.fork() == 0:
        control.close()
        if spare is not None:
            spare.close()
        become_supervisor(descriptors, prepare(descriptors))


def become_supervisor(descriptors: list[int], worker: WorkerProcess) -> None:
    """Supervise one job, by the connection and the bell that have come, then end this process."""
    code = 70
    connection, bell = descriptors
    try:
        code = supervise(socket.socket(fileno=connection), bell, worker)
    except BaseException:  # noqa: BLE001 - there is no one to raise it to
        traceback.print_exc()
    finally:
        os._exit(code)


def main(arguments: list[str]) -> int:
    """``zygote FD SECONDS`` serves the socket FD, its spares wait so long; ``supervise FD BELL`` runs one
    job; ``contained FOLDER`` the one whose run directory a container has there, ``ahead FOLDER`` that one
    later; ``far FOLDER`` that of a kernel which has no files in common with the container.
    """
    match arguments:
        case ["zygote", fd, seconds]:
            serve(socket.socket(fileno=int(fd)), float(seconds))
            return 0
        case ["supervise", *fds]:
            connection, bell = map(int, fds)
            return supervise(socket.socket(fileno=connection), bell, prepare([connection, bell]))
        case ["contained", folder]:
            from nodetool_jupyter.worker.contained import serve_folder

            return serve_folder(folder)
        case ["ahead", folder]:
            from nodetool_jupyter.worker.contained import serve_folder

            return serve_folder(folder, is_ahead=True)
        case ["far", folder]:
            from nodetool_jupyter.worker.ferry import serve_far

            return serve_far(folder)
        case _:
            sys.stderr.write("this module is started by nodetool_jupyter\n")
            return 64
