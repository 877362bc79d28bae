"""The supervisor: a small process that owns one worker, and outlives the kernel that has started it.

It holds the run directory's lock until it has written the end, which is how others know that the job lives;
bounds time and output; and kills the whole tree. Nothing of a user's runs in it.
"""

from __future__ import annotations

import os
import resource
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeVar

from nodetool_jupyter.errors import ErrorCode, NodeToolError, WorkflowError
from nodetool_jupyter.model.events import Fault, JobUpdate
from nodetool_jupyter.model.faults import container_stopped, timed_out
from nodetool_jupyter.worker import wire
from nodetool_jupyter.worker.cgroup import ControlGroup, make_groups, own_groups
from nodetool_jupyter.worker.child import WorkerProcess
from nodetool_jupyter.worker.folder import EXIT, ORDER, OUTPUT, REFUSAL, SUPERVISOR, RunFolder
from nodetool_jupyter.worker.order import Order, read_order
from nodetool_jupyter.worker.pipes import Told, expect_end
from nodetool_jupyter.worker.process import (
    become_subreaper,
    descendants_of,
    group_of,
    identity_of,
    refuse_tracers,
    signal_group,
    signal_process,
)
from nodetool_jupyter.worker.tail import append_end, running_nodes, write_exit
from nodetool_jupyter.worker.verdict import Ending, judge, supervisor_failed

T = TypeVar("T")
PATIENCE = 0.5
"""Seconds after which a lock is somebody else's who looks after the job, and not just looks."""
INSISTENCE = 4
"""How often within the grace a worker is told to stop."""
LATENESS = 6
"""So often the grace, but 2 to 30 seconds, may a worker that was killed take to end."""
FIRST_INSISTENCE = 0.3
"""Seconds after which it is told again at the latest: in a node that keeps its loop busy, only that helps."""


def supervise(connection: socket.socket, bell: int, worker: WorkerProcess) -> int:
    """Have the worker run what the launcher behind ``connection`` asks for; gives the exit code."""
    os.set_blocking(bell, False)
    folder = None
    try:
        lines = wire.Lines()
        start, *more = wire.receive_first(connection, lines)
        if not isinstance(start, wire.Start):
            raise WorkflowError("the kernel did not say what to run")
        folder = RunFolder(Path(start.folder))
        worker = _briefed(worker, start, bell, (connection.fileno(), bell))
        wire.check_versions(start)
        lock = folder.try_lock(PATIENCE)
        if lock is None or folder.read_record(EXIT):
            worker.dismiss()
            return 0  # somebody else looks after this job, or has ended it
        order = read_order((folder.path / ORDER).read_bytes(), start.digest)  # as the worker does meanwhile
    except (OSError, NodeToolError) as error:
        code = ErrorCode.VERSION_MISMATCH if isinstance(error, wire.Mismatch) else ErrorCode.SPAWN_FAILED
        fault = Fault(code=code, message=f"the worker can't start: {error}")
        if folder is not None:
            with suppress(OSError):
                folder.write_record(REFUSAL, asdict(fault))  # whoever follows the job tells its end
        worker.dismiss()
        return 0
    supervisor = Supervisor(order, folder, (bell, lock), worker)
    supervisor.listen_to(connection, lines, more)
    supervisor.run()
    supervisor.close()
    return 0


def _briefed(worker: WorkerProcess, start: wire.Start, bell: int, others: Iterable[int]) -> WorkerProcess:
    """The worker, told what it will run; another one, forked without ``others``, where it has been killed."""
    try:
        worker.brief(start, bell)
    except OSError:
        worker.dismiss()
        worker = WorkerProcess.fork(others)
        worker.brief(start, bell)
    return worker


def prepare(others: Iterable[int], rehearse: Callable[[], None] | None = None) -> WorkerProcess:
    """Be a supervisor from now on, with a worker that waits; ``others`` and ``rehearse`` as it has them."""
    _detach()
    return WorkerProcess.fork(others, rehearse)


def _detach() -> None:
    """Leave the kernel's session and signals; what the worker leaves behind comes to us."""
    with suppress(OSError):  # it is the leader already where it was started as one
        os.setsid()
    os.umask(0o077)
    become_subreaper()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)


class Supervisor:
    """One job's worker, from its fork to the end of all that it has left behind."""

    def __init__(
        self, order: Order, folder: RunFolder, descriptors: tuple[int, int], worker: WorkerProcess
    ) -> None:
        self._order = order
        self._folder = folder
        self._bell, self._lock = descriptors
        self._selector = selectors.DefaultSelector()
        self._process = worker
        self._worker = worker.pid
        self._has_begun = False
        self._wait_status: int | None = None
        self._cancelled_at: float | None = None
        self._insist_at = 0.0
        self._fault: Fault | None = None
        self._is_forced = self._is_stuck = False
        self._groups: tuple[ControlGroup, ...] = ()
        self._signals: tuple[socket.socket, ...] = ()
        self._usage: resource.struct_rusage | None = None
        self._told = Told()
        self._pipes = worker.pipes
        self._started = time.monotonic()

    def run(self) -> None:
        """From its beginning to its end. Whatever goes wrong, the job gets its end."""
        try:
            self._listen_to_signals()
            self._hear_word()
            if self._cancelled_at is None:  # else nothing of it is to run
                self._begin()
                self._listen_to_all()
                while self._wait_status is None and not self._is_stuck:
                    self._step()
            self._process.end_tree()
            self._pipes.drain()
            self._told = self._pipes.told()
            update = judge(self._ending())
        except Exception as bug:  # noqa: BLE001 - a job without an end would wait for ever
            self._process.end_tree()
            update = supervisor_failed(bug)
        self._finish(update)

    # --- listening --------------------------------------------------------------------------------

    def _listen(self, source: Any, call: Callable[[], object]) -> None:
        self._selector.register(source, selectors.EVENT_READ, call)

    def _listen_until(self, fd: int, read: Callable[[], bool]) -> None:
        """Until there is no more to read."""

        def read_once() -> None:
            if not read():
                self._selector.unregister(fd)

        self._listen(fd, read_once)

    def listen_to(
        self, connection: socket.socket, lines: wire.Lines, messages: Iterable[wire.Message] = ()
    ) -> None:
        """Do what comes over a connection; ``messages`` have come already."""
        connection.setblocking(False)

        def read() -> None:
            try:
                messages = wire.receive(connection, lines)
            except WorkflowError:
                messages = None  # whoever speaks no word of ours is not listened to
            if messages is None:
                self._selector.unregister(connection)
                connection.close()
            self._obey(messages or ())

        self._listen(connection, read)
        self._obey(messages)

    def _obey(self, messages: Iterable[wire.Message]) -> None:
        for message in messages:
            if isinstance(message, wire.Cancel):
                self._cancel(message.fault)
                if message.is_urgent and self._cancelled_at is not None:
                    self._cancelled_at = min(self._cancelled_at, time.monotonic() - self._order.grace)

    def _listen_to_all(self) -> None:
        """The control socket, by which another kernel or the command line reaches this job."""
        listener = socket.socket(socket.AF_UNIX)
        with wire.short_address(self._folder.control) as name:
            with suppress(FileNotFoundError):
                os.unlink(name)  # noqa: PTH108 - the short name of a socket
            listener.bind(name)
        listener.listen(16)
        listener.setblocking(False)

        def accept() -> None:
            with suppress(OSError):
                self.listen_to(listener.accept()[0], wire.Lines())

        self._listen(listener, accept)
        self._hear_word()

    def _hear_word(self) -> None:
        """What was left for this supervisor by who could not reach it yet."""
        with suppress(WorkflowError):
            self._obey(wire.Lines().feed(self._folder.left_word()))

    def _listen_to_signals(self) -> None:
        ours, theirs = socket.socketpair()
        for end in (ours, theirs):
            end.setblocking(False)
        signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, _ignore)
        signal.signal(signal.SIGTERM, _ignore)
        self._signals = (ours, theirs)

        def read() -> None:
            for number in ours.recv(4096):
                if number == signal.SIGTERM:
                    self._cancel(container_stopped() if self._order.is_contained else None)
            self._look_for_end()

        self._listen(ours, read)

    # --- the worker -------------------------------------------------------------------------------

    def _begin(self) -> None:
        order = self._order
        if order.is_contained:  # of the container's other processes none but this one speaks for the job
            refuse_tracers()
        self._groups = tuple(own_groups() if order.is_contained else make_groups(order.job_id, order.limits))
        groups = [str(group.path) for group in self._groups]
        record = {**identity_of(os.getpid()), "attempt": order.attempt, "groups": groups}
        # Before the worker begins: without this record nothing of the user's has ever run.
        self._folder.write_record(SUPERVISOR, record)
        self._process.begin(self._groups)
        self._has_begun = True
        self._folder.make_reserve()  # while the worker begins
        expect_end()
        self._listen_until(self._pipes.output_fd, self._pipes.read_output)
        self._listen_until(self._pipes.end_fd, self._pipes.read_end)
        self._look_for_end()  # it may have ended before its end was listened for

    def _step(self) -> None:
        """Wait for the next thing that happens, or the next moment to do something."""
        for key, _ in self._selector.select(self._patience()):
            key.data()
        now = time.monotonic()
        timeout = self._order.limits.timeout
        if timeout is not None and self._cancelled_at is None and now - self._started > timeout:
            self._cancel(timed_out(timeout))
        if self._cancelled_at is not None and self._wait_status is None:
            self._insist(now)

    def _patience(self) -> float | None:
        now = time.monotonic()
        moments = []
        if self._is_forced:
            moments = [self._insist_at]
        elif self._cancelled_at is not None:
            moments = [self._insist_at, self._cancelled_at + self._order.grace]
        elif self._order.limits.timeout is not None:
            moments = [self._started + self._order.limits.timeout]
        return max(0.0, min(moments) - now) + 0.001 if moments else None

    def _cancel(self, fault: Fault | None) -> None:
        """Begin to end the job; what comes first counts."""
        if self._cancelled_at is not None:
            return
        self._fault = fault
        self._cancelled_at = time.monotonic()
        if self._has_begun:
            self._tell_to_stop()

    def _tell_to_stop(self) -> None:
        """SIGTERM for all: nodes may clean up, and so may the programs that they have started, also those
        that had been made to stand still.
        """
        self._insist_at = time.monotonic() + min(FIRST_INSISTENCE, self._order.grace / INSISTENCE)
        for number in (signal.SIGTERM, signal.SIGCONT):
            signal_group(self._worker, number)
            for child in descendants_of(os.getpid()):
                if child != self._worker and group_of(child) != self._worker:
                    signal_process(child, number)

    def _insist(self, now: float) -> None:
        assert self._cancelled_at is not None
        if now >= self._cancelled_at + self._order.grace:
            self._is_forced = True
            self._kill()
            late = now - self._cancelled_at - self._order.grace
            self._is_stuck = late > min(30.0, max(2.0, LATENESS * self._order.grace))
        elif now >= self._insist_at:
            self._insist_at = now + self._order.grace / INSISTENCE
            signal_process(self._worker, signal.SIGTERM)

    def _kill(self) -> None:
        signal_group(self._worker, signal.SIGKILL)
        for child in descendants_of(os.getpid()):
            signal_process(child, signal.SIGKILL)
        self._insist_at = time.monotonic() + 0.05

    def _look_for_end(self) -> None:
        if not self._has_begun or self._wait_status is not None:
            return
        ended = self._process.collect()
        if ended is not None:
            self._wait_status, self._usage = ended

    # --- the end ----------------------------------------------------------------------------------

    def _ending(self) -> Ending:
        usage, told = self._usage, self._told
        together = max((group.most_memory() for group in self._groups), default=0)
        return Ending(
            wait_status=self._wait_status,
            update=told.update,
            running=running_nodes(self._folder) if told.update is None else (),
            is_cancelled=self._cancelled_at is not None or told.fault is not None,
            fault=told.fault or self._fault,
            is_forced=self._is_forced,
            stuck=self._worker if self._is_stuck else None,
            is_out_of_memory=any(group.oom_kills() for group in self._groups),
            refused_forks=sum(group.refused_forks() for group in self._groups),
            limits=self._order.limits,
            most_memory=max(together, usage.ru_maxrss * 1024 if usage else 0),
            cpu_seconds=usage.ru_utime + usage.ru_stime if usage else 0.0,
            output=self._pipes.output.last_lines(),
        )

    def _finish(self, update: JobUpdate) -> None:
        """Log first, exit record last: whoever sees the record finds all else in its place."""
        self._folder.remove_temporary()
        for group in self._groups:
            group.remove()
        update = replace(update, job_id=self._order.job_id, duration=time.monotonic() - self._started)
        with suppress(OSError):
            if kept := self._pipes.output.whole():
                self._folder.write(OUTPUT, kept)
        try:
            update = self._with_reserve(
                lambda: append_end(self._folder, update, self._order.first_seq, self._told.log_size)
            )
        except (OSError, NodeToolError) as error:
            sys.stderr.write(f"the end of job {self._order.job_id} can't be written: {error}\n")
        with suppress(OSError):
            self._with_reserve(lambda: self._write_exit(update))
        with suppress(OSError):
            self._folder.control.unlink()
        os.close(self._lock)  # from now on the record is ours
        with suppress(OSError):
            os.write(self._bell, b".")
        self._folder.use_reserve()  # the room it had is needed no more

    def close(self) -> None:
        """Let go of all that it has listened to."""
        signal.set_wakeup_fd(-1)
        heard = [key.fileobj for key in self._selector.get_map().values()]
        for each in (*self._signals, *(each for each in heard if isinstance(each, socket.socket))):
            each.close()
        self._selector.close()
        self._pipes.close()

    def _with_reserve(self, write: Callable[[], T]) -> T:
        """Write a part of the end; where that can't be, once more with the room that was kept for it."""
        try:
            return write()
        except (OSError, NodeToolError):
            self._folder.use_reserve()
            return write()

    def _write_exit(self, update: JobUpdate) -> None:
        write_exit(
            self._folder,
            update,
            attempt=self._order.attempt,
            wait_status=self._wait_status,
            dropped_bytes=self._pipes.output.dropped,
        )


def _ignore(_signal: int, _frame: object) -> None:
    """Only the wakeup descriptor is needed."""
