"""subprocess: a job runs in a process of its own, forked from a warm zygote, and survives the kernel.

Its messages lie in the run directory, written by the worker; here they are only read, when a byte on the bell
says that there are new ones. What this process knows of a job, another one can find out in the same way.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic_core import from_json, to_json

from nodetool_jupyter.engine.telling import EventSink
from nodetool_jupyter.errors import ErrorCode, NodeToolError, OptionError, StoreError, UnsupportedLimit
from nodetool_jupyter.model.batch import Batch, KeptBatch
from nodetool_jupyter.model.events import Fault, JobUpdate, encode_event
from nodetool_jupyter.model.graph import Graph
from nodetool_jupyter.model.request import ResourceLimits, RunJobRequest
from nodetool_jupyter.settings import Settings, get_environment
from nodetool_jupyter.strategies.base import Capabilities, Fingerprint, JobExecution, Launch, Strategy
from nodetool_jupyter.values.codec import encode
from nodetool_jupyter.values.files import ValueFolder
from nodetool_jupyter.worker import limits, wire
from nodetool_jupyter.worker.folder import CANCEL, EXIT, ORDER, REFUSAL, SUPERVISOR, RunFolder
from nodetool_jupyter.worker.following import Followed, Follower, Followers
from nodetool_jupyter.worker.inputs import InputWriter
from nodetool_jupyter.worker.nursery import Nursery
from nodetool_jupyter.worker.order import (
    Order,
    classes_in,
    digest_of,
    dump,
    encode_graph,
    encode_params,
    pack_code,
    reread,
)
from nodetool_jupyter.worker.outputs import read_outputs, unpickler
from nodetool_jupyter.worker.verdict import log_fault

TICKET = 1
"""Version of the recovery ticket."""
PATIENCE = 2.0
"""Seconds that a supervisor of our own gets to end after its last word."""


@dataclass(slots=True, eq=False)
class SubprocessJobExecution(JobExecution):
    """A job in its own process, or the view of one that another kernel has started."""

    strategy: SubprocessStrategy = field(kw_only=True)
    digest: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _connection: socket.socket | None = None
    _process: subprocess.Popen[bytes] | None = None
    _is_second: bool = False
    _is_cancelled: bool = False
    _fault: Fault | None = None
    _inputs: InputWriter | None = None

    @property
    def folder(self) -> RunFolder:
        """Its run directory."""
        return RunFolder(self.launch.directory)

    @property
    def is_started(self) -> bool:
        """Whether a supervisor looks after it, or has done so."""
        folder = self.folder
        return folder.is_locked() or bool(folder.read_record(SUPERVISOR) or folder.read_record(EXIT))

    def discard(self) -> None:
        """Remove the run directory."""
        shutil.rmtree(self.folder.path, ignore_errors=True)

    def start(self) -> None:
        """Have a supervisor forked, and tell it what to run."""
        with self._lock:
            is_cancelled = self._is_cancelled
            if not is_cancelled:
                bell = self._start_supervisor()
        if is_cancelled:
            self._tell_end()
            return
        self.strategy.followers.add(
            Follower(self.folder, self.job_id, self, bell=bell, first_seq=self.launch.first_seq)
        )

    def _start_supervisor(self) -> int:
        ours, theirs = socket.socketpair()
        bell, rings = os.pipe()
        os.set_blocking(bell, False)
        try:
            with theirs:
                self._process = self.strategy.nursery.start_supervisor(theirs, rings)
            hello = wire.hello(str(self.launch.directory), self.digest, get_environment())
            ours.sendall(wire.encode_message(hello))
        except BaseException:
            ours.close()
            os.close(bell)
            raise
        finally:
            os.close(rings)
        self._connection = ours
        return bell

    def start_again(self) -> int | None:
        """See Followed.start_again: a zygote that was killed just then has lost the request."""
        folder = self.folder
        records = (SUPERVISOR, EXIT, REFUSAL)
        with self._lock:
            old = self._connection
            if old is None or self._is_second or any(map(folder.read_record, records)):
                return None
            self._is_second = True
            bell = self._start_supervisor()
            old.close()
            if self._is_cancelled and self._connection is not None:
                self._connection.sendall(wire.encode_message(wire.Cancel(fault=self._fault)))
        return bell

    def adopt(self) -> None:
        """Follow a job that another process has started."""
        self.strategy.followers.add(Follower(self.folder, self.job_id, self, first_seq=self.launch.first_seq))

    def push_input(self, name: str, value: Any, timeout: float | None) -> None:
        """See JobExecution.push_input; the value is in the run directory when this returns."""
        self._input_writer().push(name, value, timeout, lambda: self.status.is_at_rest)

    def end_input(self, name: str) -> None:
        """See JobExecution.end_input."""
        self._input_writer().end(name)

    def _input_writer(self) -> InputWriter:
        with self._lock:
            if self._inputs is None:
                self._inputs = InputWriter(self.folder)
            return self._inputs

    def cancel(self) -> None:
        """Have the whole tree of processes end."""
        self._end(None)

    def fail(self, fault: Fault) -> None:
        """The same, for a reason."""
        self._end(fault)

    def _end(self, fault: Fault | None) -> None:
        with self._lock:
            if self._is_cancelled or self.status.is_at_rest:
                return
            self._is_cancelled = True
            self._fault = fault
            connection = self._connection
        message = wire.encode_message(wire.Cancel(fault=fault))
        try:
            if connection is not None:
                connection.sendall(message)
                return
        except OSError:  # another supervisor has the job, if any has
            pass
        try:
            send_to(self.folder, message)
        except OSError:
            with suppress(OSError):  # it has ended by itself, or is about to listen
                self.folder.write(CANCEL, message)
                send_to(self.folder, message)

    def _tell_end(self) -> None:
        """It was cancelled before it was started."""
        status = "cancelled" if self._fault is None else "failed"
        error = self._fault.message if self._fault else None
        update = JobUpdate(status=status, error=error, fault=self._fault, timestamp=time.time())
        self.tell(Batch([update], self.job_id, self.launch.first_seq))

    # --- Followed ---------------------------------------------------------------------------------

    def take(self, batch: KeptBatch) -> None:
        """See Followed.take."""
        self.tell(batch)

    def close(self) -> None:
        """See Followed.close."""
        with self._lock:
            connection, self._connection = self._connection, None
            inputs = self._inputs
        if connection is not None:
            connection.close()
        if inputs is not None:
            inputs.close()
        if self._process is not None:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(PATIENCE)

    def _outputs(self) -> dict[str, list[Any]]:
        lines, _ = self.folder.reader().read()
        values = ValueFolder(self.folder.values, f"job {self.job_id}")
        return read_outputs(lines, values.find, unpickler(self.strategy.name, self.request.options))


def send_to(folder: RunFolder, message: bytes) -> None:
    """Give a message to a job's supervisor by its control socket; raises OSError where nobody listens."""
    with socket.socket(socket.AF_UNIX) as connection, wire.short_address(folder.control) as name:
        connection.connect(name)
        connection.sendall(message)


def write_ticket(digest: str, first_seq: int = 1) -> str:
    """The recovery ticket: which order in the run directory is the job's own. It lies in the store, where no
    job can write. ``first_seq`` is the number of the attempt's first message.
    """
    later = {"first_seq": first_seq} if first_seq > 1 else {}
    return to_json({"version": TICKET, "order": digest, **later}).decode()


def read_ticket(ticket: str | None) -> str:
    """The digest of the order; raises StoreError for a ticket of another version."""
    found = from_json(ticket or "{}")
    if found.get("version") != TICKET:
        raise StoreError(
            f"its recovery ticket is of version {found.get('version')}, this version knows {TICKET}",
            hint="upgrade nodetool-jupyter",
        )
    return str(found["order"])


def _unreadable(error: Exception, limits: ResourceLimits) -> Fault:
    if isinstance(error, StoreError):
        return log_fault(error, limits)
    reason = error.message if isinstance(error, NodeToolError) else str(error)
    return Fault(
        code=ErrorCode.PROTOCOL_ERROR,
        message=f"the job's messages can't be read: {reason}",
        hint="%nodetool logs shows what there is",
    )


class SubprocessStrategy(Strategy):
    """Runs jobs in processes. ``grace`` in seconds is what they get to stop."""

    name = "subprocess"
    capabilities = Capabilities(
        limits=limits.ENFORCED,
        options=frozenset({"sandbox", "trust"}),
        survives_kernel=True,
        ends_its_nodes=True,
    )

    def __init__(self, *, thread_pool_size: int, grace: float, is_warm: bool = True) -> None:
        self.nursery = Nursery(is_warm=is_warm)
        self.followers = Followers(self._cannot_follow)
        self._thread_pool_size = thread_pool_size
        self._grace = grace

    @classmethod
    def from_settings(cls, settings: Settings) -> SubprocessStrategy:
        """See Strategy.from_settings."""
        return cls(thread_pool_size=settings.thread_pool_size, grace=settings.cancel_grace)

    def fingerprint(self) -> Fingerprint:
        """Wherever processes can be forked."""
        if not hasattr(os, "fork"):
            return Fingerprint(False, "this system has no fork; use --strategy threaded")
        return Fingerprint(True, "runs in a process of its own")

    def check(self, request: RunJobRequest) -> None:
        """Refuse limits that this machine can't enforce."""
        super().check(request)
        sandbox = request.options.get("sandbox", "off")
        if sandbox != "off":
            raise OptionError(
                f"the subprocess strategy has no sandbox {sandbox!r} here yet", hint="leave --sandbox out"
            )
        reason = limits.refusal(request.resource_limits)
        if reason is not None:
            raise UnsupportedLimit(
                f"the subprocess strategy can't keep that limit here: {reason}",
                hint="leave it out, or use --strategy docker",
            )

    def create(self, launch: Launch, sink: EventSink) -> SubprocessJobExecution:
        """Write the order into the run directory, so that another kernel could start the job, too.

        Raises ValueCrossingError for a value or a node that can't go to another process.
        """
        folder = RunFolder(launch.directory)
        folder.make()
        if launch.attempt > 1:
            for name in (EXIT, SUPERVISOR, REFUSAL, CANCEL):  # of the attempt before: nothing has begun yet
                (folder.path / name).unlink(missing_ok=True)
        try:
            data = self._order(launch, ValueFolder(folder.values)).to_bytes()
            folder.write(ORDER, data)
        except BaseException:
            if launch.attempt == 1:
                shutil.rmtree(folder.path, ignore_errors=True)
            raise
        digest = digest_of(data)
        ticket = write_ticket(digest, launch.first_seq)
        return SubprocessJobExecution(
            launch=launch,
            sink=sink,
            strategy=self,
            ticket=ticket,
            digest=digest,
        )

    def _order(self, launch: Launch, spill: ValueFolder) -> Order:
        families = launch.families
        ours = {module for modules in families.values() for module in modules}
        plan = launch.plan
        assert plan is not None
        sources = {
            node.spec.type: node.spec.source
            for node in plan.nodes
            if node.spec.source is not None and node.spec.source.__module__ not in ours
        }
        request = launch.request
        graph, params = encode_graph(request.graph, spill), encode_params(request.params, spill)
        return Order(
            job_id=launch.job_id,
            graph=graph,
            params=params,
            families={prefix: list(modules) for prefix, modules in families.items()},
            limits=request.resource_limits,
            code=pack_code(sources, classes_in(graph, params)),
            workflow_id=launch.context.workflow_id,
            user_id=launch.context.user_id,
            workspace=str(launch.context.workspace),
            working_directory=os.getcwd(),  # noqa: PTH109 - as the system has it
            path=[entry or os.getcwd() for entry in sys.path],  # noqa: PTH109
            thread_pool_size=self._thread_pool_size,
            grace=self._grace,
            first_seq=launch.first_seq,
            attempt=launch.attempt,
            resume_value=encode(launch.resume_value, spill, name="the value to resume with", pickle=dump),
            resumed=None if launch.resumed is None else str(launch.resumed),
            reads_pickles=launch.reads_pickles,
        )

    def reread(self, directory: Path, ticket: str) -> tuple[Graph, dict[str, Any], Mapping[str, Any]]:
        """See Strategy.reread. The order is trusted if it is the one that the ticket names."""
        return reread(RunFolder(directory), read_ticket(ticket))

    def recover(self, launch: Launch, sink: EventSink, ticket: str | None) -> SubprocessJobExecution:
        """See Strategy.recover."""
        digest = read_ticket(ticket)
        launch = replace(launch, first_seq=from_json(ticket or "{}").get("first_seq", 1))
        return SubprocessJobExecution(launch=launch, sink=sink, strategy=self, ticket=ticket, digest=digest)

    def _cannot_follow(self, followed: Followed, error: Exception, seq: int) -> None:
        """A job whose log can't be read, or was written to by somebody else, has failed: its supervisor says
        so, or we with the number ``seq`` where it can't.
        """
        assert isinstance(followed, SubprocessJobExecution)
        fault = _unreadable(error, followed.request.resource_limits)
        followed.fail(fault)
        if not seq:
            return
        update = JobUpdate(
            status="failed",
            job_id=followed.job_id,
            seq=seq,
            timestamp=time.time(),
            error=fault.message,
            fault=fault,
        )
        followed.tell(KeptBatch([encode_event(update)], followed.job_id, seq))

    def close(self, grace: float) -> None:  # noqa: ARG002 - they need none
        """Let the jobs go on, and follow them no more."""
        self.followers.close()
        self.nursery.close()
