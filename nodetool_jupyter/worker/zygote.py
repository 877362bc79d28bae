"""The zygote: a warm parent that has the engine imported and forks a supervisor with its worker for each job.

Single-threaded at every fork, and small: it never imports numpy, pandas or anything of a user's. It ends with
the kernel that has started it; what it has forked goes on.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import socket
import sys
import traceback
from contextlib import suppress
from functools import partial

from nodetool_jupyter.worker.child import WorkerProcess
from nodetool_jupyter.worker.process import signal_process
from nodetool_jupyter.worker.supervisor import prepare, supervise
from nodetool_jupyter.worker.wire import FORK, SPARE, USED

DESCRIPTORS = 2
"""That come with each request: the connection to the launcher, and its bell."""
HEAD_START = 0.1
"""Seconds that a job has the machine for itself, if it takes that long, before the next one's is prepared."""


class Zygote:
    """Forks a supervisor for each request that comes by ``control``, until the kernel has gone. One is forked
    ahead and offered to the kernel: it waits for its job for ``patience`` seconds; for none, none is.
    """

    def __init__(self, control: socket.socket, patience: float) -> None:
        self._control = control
        self._patience = patience
        self._life, self._own_life = os.pipe()  # whoever waits sees by its end that this process has gone
        self._newest: int | None = None
        self._spare: int | None = None
        """The processes of the newest job and of the one that waits, where there are such."""

    def serve(self) -> None:
        """Do so, once all is imported that most jobs need."""
        from nodetool_jupyter.worker.rehearsal import leave_behind, rehearse_all

        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # supervisors tell their end by themselves
        rehearse_all()
        leave_behind()
        while True:
            if self._patience and not self._has_spare() and self._is_quiet():
                self._offer_spare()
            word, descriptors, _, _ = socket.recv_fds(self._control, 1, DESCRIPTORS)
            if not word:
                return
            if word == FORK and self._fork() == 0:
                os.close(self._life)
                become_supervisor(descriptors, prepare(descriptors))
            for fd in descriptors:
                os.close(fd)
            if word == USED:
                self._spare = None

    def _fork(self) -> int:
        self._newest = os.fork()
        if self._newest == 0:
            self._control.close()
            os.close(self._own_life)
        return self._newest

    def _has_spare(self) -> bool:
        return self._spare is not None and signal_process(self._spare, 0)

    def _is_quiet(self) -> bool:
        """Whether there is time to fork ahead: the newest supervisor's job has ended, or has had its head
        start, and no other one is asked for.
        """
        ends: list[int] = []
        head_start = 0.0 if self._newest is None else HEAD_START
        if self._newest is not None and hasattr(os, "pidfd_open"):
            try:
                ends.append(os.pidfd_open(self._newest))
            except ProcessLookupError:
                head_start = 0.0
        control = self._control.fileno()
        ready, _, _ = select.select([control, *ends], [], [], head_start)
        for end in ends:
            os.close(end)
        return control not in ready

    def _offer_spare(self) -> None:
        """Fork the next job's supervisor, with its worker, and give the kernel the socket at whose other end
        it waits for what to run.
        """
        ours, theirs = socket.socketpair()
        self._spare = self._fork()
        if self._spare == 0:
            ours.close()
            self._wait_for_job(theirs)
        theirs.close()
        with ours, suppress(OSError):  # the kernel has gone, as is heard next
            socket.send_fds(self._control, [SPARE], [ours.fileno()])

    def _wait_for_job(self, orders: socket.socket) -> None:
        from nodetool_jupyter.worker.rehearsal import (
            leave_behind,
            new_stage,
            prepare_worker,
            rehearse_supervisor,
        )

        path = new_stage()
        worker = prepare([orders.fileno(), self._life], partial(prepare_worker, path))
        rehearse_supervisor()
        leave_behind()
        worker.wait_until_ready()
        shutil.rmtree(path, ignore_errors=True)  # it is gone, but where it was killed at it
        descriptors: list[int] = []
        if orders.fileno() in select.select([orders.fileno(), self._life], [], [], self._patience)[0]:
            _, descriptors, _, _ = socket.recv_fds(orders, 1, DESCRIPTORS)
        orders.close()
        os.close(self._life)
        if not descriptors:
            worker.dismiss()
            os._exit(0)
        become_supervisor(descriptors, worker)


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
            Zygote(socket.socket(fileno=int(fd)), float(seconds)).serve()
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
