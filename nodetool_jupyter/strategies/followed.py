"""What strategies share whose jobs run apart from the kernel: an order goes into the job's run directory, a
supervisor there runs it, and the kernel follows what its worker writes.

Nothing here starts anything; how a supervisor comes to be is each strategy's own.
"""

from __future__ import annotations

import os
import shutil
import socket
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from pydantic_core import from_json, to_json

from nodetool_jupyter.engine.plan import PlanNode
from nodetool_jupyter.engine.spec import Role
from nodetool_jupyter.errors import ErrorCode, NodeToolError, StoreError
from nodetool_jupyter.model.batch import Batch, KeptBatch
from nodetool_jupyter.model.events import Fault, JobUpdate, encode_event
from nodetool_jupyter.model.graph import Graph
from nodetool_jupyter.model.request import ResourceLimits
from nodetool_jupyter.strategies.base import JobExecution, Launch, Strategy
from nodetool_jupyter.values.codec import encode
from nodetool_jupyter.values.files import ValueFolder
from nodetool_jupyter.worker import wire
from nodetool_jupyter.worker.asked import Owner, assets_in
from nodetool_jupyter.worker.ferry import MARK
from nodetool_jupyter.worker.folder import CANCEL, EXIT, ORDER, REFUSAL, SUPERVISOR, RunFolder
from nodetool_jupyter.worker.following import Followed, Followers
from nodetool_jupyter.worker.inputs import InputWriter
from nodetool_jupyter.worker.line import NAME as LINE
from nodetool_jupyter.worker.line import LineServer
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


@dataclass(slots=True, eq=False)
class FollowedJobExecution(JobExecution):
    """A job with a supervisor of its own, or the view of one that another kernel has started."""

    strategy: FollowedStrategy = field(kw_only=True)
    digest: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _connection: socket.socket | None = None
    _is_cancelled: bool = False
    _fault: Fault | None = None
    _inputs: InputWriter | None = None
    _line: LineServer | None = None

    @property
    def folder(self) -> RunFolder:
        """Its run directory."""
        return RunFolder(self.launch.directory)

    @property
    def is_started(self) -> bool:
        """Whether a supervisor looks after it, or has done so."""
        folder = self.folder
        return folder.is_locked() or any(map(folder.read_record, (SUPERVISOR, EXIT, MARK)))

    def discard(self) -> None:
        """Remove the run directory."""
        shutil.rmtree(self.folder.path, ignore_errors=True)

    def push_input(self, name: str, value: Any, timeout: float | None) -> None:
        """See JobExecution.push_input; the value is in the run directory when this returns."""
        self._input_writer().push(name, value, timeout, lambda: self.status.is_at_rest)

    def end_input(self, name: str) -> None:
        """See JobExecution.end_input."""
        self._input_writer().end(name)

    def _input_writer(self) -> InputWriter:
        with self._lock:
            if self._inputs is None:
                self._inputs = self._new_inputs()
            return self._inputs

    def _new_inputs(self) -> InputWriter:
        return InputWriter(self.folder)

    def open_line(self, *, is_locked_in: bool) -> None:
        """Let the worker ask for what is shared, if a node may do so; see worker.asked."""
        plan, services, request = self.launch.plan, self.context.services, self.request
        if plan is not None and not any(map(_may_ask, plan.nodes)):
            return
        if plan is None and self.is_started and not (self.folder.path / LINE).exists():
            return  # the kernel that had started it knew that it would not ask
        given = partial(assets_in, request.graph, request.params) if is_locked_in else None
        self._line = LineServer(self.folder.path, Owner(services.results, services.assets, given).answer)
        with suppress(OSError):  # then nobody answers
            self._line.start()

    def close_line(self) -> None:
        """Answer no more."""
        if self._line is not None:
            self._line.close(is_over=self.status.is_at_rest)

    def cancel(self) -> None:
        """Have the whole tree of processes end."""
        self._end(None)

    def kill(self) -> None:
        """The same, with SIGKILL at once."""
        self.cancel()
        if not self.status.is_at_rest:
            self._send(wire.Cancel(fault=self._fault, is_urgent=True))

    def fail(self, fault: Fault) -> None:
        """The same, for a reason."""
        self._end(fault)

    def _end(self, fault: Fault | None) -> None:
        with self._lock:
            if self._is_cancelled or self.status.is_at_rest:
                return
            self._is_cancelled = True
            self._fault = fault
        self._send(wire.Cancel(fault=fault))

    def _send(self, cancel: wire.Cancel) -> None:
        """Tell the supervisor, or leave it for the one that is about to listen."""
        message = wire.encode_message(cancel)
        with self._lock:
            connection = self._connection
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

    def start_again(self) -> int | None:
        """See Followed.start_again."""
        return None

    def take(self, batch: KeptBatch) -> None:
        """See Followed.take."""
        self.tell(batch)

    def close(self) -> None:
        """See Followed.close."""
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        self.close_inputs()
        self.close_line()

    def close_inputs(self) -> None:
        """Take no more input."""
        with self._lock:
            inputs = self._inputs
        if inputs is not None:
            inputs.close()

    def _outputs(self) -> dict[str, list[Any]]:
        lines, _ = self.folder.reader().read()
        values = ValueFolder(self.folder.values, f"job {self.job_id}")
        return read_outputs(lines, values.find, unpickler(self.strategy.name, self.request.options))


def _may_ask(node: PlanNode) -> bool:
    """Whether a node may ask for results that jobs share, or for assets."""
    spec = node.spec
    return spec.policy.cache or (spec.wants_context and spec.role is Role.NODE)


def send_to(folder: RunFolder, message: bytes) -> None:
    """Give a message to a job's supervisor by its control socket; raises OSError where nobody listens."""
    with connect_to(folder) as connection:
        connection.sendall(message)


def connect_to(folder: RunFolder) -> socket.socket:
    """A connection to a job's supervisor by its control socket; raises OSError where nobody listens."""
    if folder.control.is_symlink():  # the job's own doing: it would choose whom we speak to
        raise OSError(f"{folder.control} is a symbolic link")
    connection = socket.socket(socket.AF_UNIX)
    try:
        with wire.short_address(folder.control) as name:
            connection.connect(name)
    except BaseException:
        connection.close()
        raise
    return connection


def write_ticket(digest: str, first_seq: int = 1) -> str:
    """The recovery ticket: which order in the run directory is the job's own. It lies in the store, where no
    job can write. ``first_seq`` is the number of the attempt's first message.
    """
    later = {"first_seq": first_seq} if first_seq > 1 else {}
    return to_json({"version": TICKET, "order": digest, **later}).decode()


def with_ticket(launch: Launch, ticket: str | None) -> Launch:
    """The launch of the attempt that a ticket is of."""
    return replace(launch, first_seq=from_json(ticket or "{}").get("first_seq", 1))


def read_ticket(ticket: str | None) -> str:
    """The digest of the order; raises StoreError for a ticket of another version."""
    found = from_json(ticket or "{}")
    if found.get("version") != TICKET:
        raise StoreError(
            f"its recovery ticket is of version {found.get('version')}, this version knows {TICKET}",
            hint="upgrade nodetool-jupyter",
        )
    return str(found["order"])


def import_path() -> list[str]:
    """Where this process imports from."""
    return [entry or os.getcwd() for entry in sys.path]  # noqa: PTH109


def _unreadable(error: Exception, limits: ResourceLimits) -> Fault:
    if isinstance(error, StoreError):
        return log_fault(error, limits)
    reason = error.message if isinstance(error, NodeToolError) else str(error)
    return Fault(
        code=ErrorCode.PROTOCOL_ERROR,
        message=f"the job's messages can't be read: {reason}",
        hint="%nodetool logs shows what there is",
    )


class FollowedStrategy(Strategy):
    """The kernel's side of jobs that are followed. ``grace`` in seconds is what they get to stop."""

    def __init__(self, *, thread_pool_size: int, grace: float) -> None:
        self.followers = Followers(self._cannot_follow)
        self.grace = grace
        self._thread_pool_size = thread_pool_size

    def write_order(self, launch: Launch, **facts: Any) -> str:
        """Make the run directory with the job's order, so that another kernel could start the job, too; gives
        the order's digest. ``facts`` are what the strategy knows better than ``new_order``.

        Raises ValueCrossingError for a value or a node that can't go to another process.
        """
        folder = RunFolder(launch.directory)
        folder.make()
        if launch.attempt > 1:
            for name in (EXIT, SUPERVISOR, REFUSAL, CANCEL):  # of the attempt before: nothing has begun yet
                (folder.path / name).unlink(missing_ok=True)
        try:
            data = self._new_order(launch, ValueFolder(folder.values), facts).to_bytes()
            folder.write(ORDER, data)
        except BaseException:
            if launch.attempt == 1:
                shutil.rmtree(folder.path, ignore_errors=True)
            raise
        return digest_of(data)

    def _new_order(self, launch: Launch, spill: ValueFolder, facts: Mapping[str, Any]) -> Order:
        families = launch.families
        ours = {module for modules in families.values() for module in modules}
        plan = launch.plan
        assert plan is not None
        sources = {
            spec.type: spec.source
            for spec in plan.specs()
            if spec.source is not None and spec.source.__module__ not in ours
        }
        request = launch.request
        graph, params = encode_graph(request.graph, spill), encode_params(request.params, spill)
        usual = {
            "limits": request.resource_limits,
            "workspace": str(launch.context.workspace),
            "working_directory": os.getcwd(),  # noqa: PTH109 - as the system has it
            "resumed": None if launch.resumed is None else str(launch.resumed),
            "path": import_path(),
        }
        return Order(
            job_id=launch.job_id,
            graph=graph,
            params=params,
            families={prefix: list(modules) for prefix, modules in families.items()},
            code=pack_code(sources, classes_in(graph, params)),
            workflow_id=launch.context.workflow_id,
            user_id=launch.context.user_id,
            allowed_hosts=sorted(launch.context.services.allowed_hosts),
            thread_pool_size=self._thread_pool_size,
            gpus=launch.context.services.gpus,
            grace=self.grace,
            first_seq=launch.first_seq,
            attempt=launch.attempt,
            resume_value=encode(launch.resume_value, spill, name="the value to resume with", pickle=dump),
            reads_pickles=launch.reads_pickles,
            is_trusted=unpickler(self.name, request.options) is not None,
            **{**usual, **facts},
        )

    def reread(self, directory: Path, ticket: str) -> tuple[Graph, dict[str, Any], Mapping[str, Any]]:
        """See Strategy.reread. The order is trusted if it is the one that the ticket names."""
        return reread(RunFolder(directory), read_ticket(ticket))

    def _cannot_follow(self, followed: Followed, error: Exception, seq: int) -> None:
        """A job whose log can't be read, or was written to by somebody else, has failed: its supervisor says
        so, or we with the number ``seq`` where it can't.
        """
        assert isinstance(followed, FollowedJobExecution)
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
