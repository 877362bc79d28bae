"""subprocess: a job runs in a process of its own, forked from a warm zygote, and survives the kernel.

Its messages lie in the run directory, written by the worker; here they are only read, when a byte on the bell
says that there are new ones. What this process knows of a job, another one can find out in the same way.
"""

from __future__ import annotations

import os
import socket
import subprocess
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from nodetool_jupyter.engine.telling import EventSink
from nodetool_jupyter.environment import get_environment
from nodetool_jupyter.errors import OptionError, UnsupportedLimit
from nodetool_jupyter.model.request import RunJobRequest
from nodetool_jupyter.model.resources import Provision
from nodetool_jupyter.settings import Settings
from nodetool_jupyter.strategies.base import Capabilities, Fingerprint, Launch
from nodetool_jupyter.strategies.followed import (
    FollowedJobExecution,
    FollowedStrategy,
    import_path,
    read_ticket,
    with_ticket,
    write_ticket,
)
from nodetool_jupyter.worker import limits, sandbox, wire
from nodetool_jupyter.worker.carried import carried
from nodetool_jupyter.worker.folder import EXIT, REFUSAL, SUPERVISOR, RunFolder
from nodetool_jupyter.worker.following import Follower
from nodetool_jupyter.worker.nursery import SPARE_SECONDS, Nursery

PATIENCE = 2.0
"""Seconds that a supervisor of our own gets to end after its last word."""


@dataclass(slots=True, eq=False)
class SubprocessJobExecution(FollowedJobExecution):
    """A job in its own process, or the view of one that another kernel has started."""

    strategy: SubprocessStrategy = field(kw_only=True)
    _process: subprocess.Popen[bytes] | None = None
    _is_second: bool = False

    def start(self) -> None:
        """Have a supervisor forked, and tell it what to run."""
        with self._lock:
            is_cancelled = self._is_cancelled
            if not is_cancelled:
                self._open_line()
                bell = self._start_supervisor()
        if is_cancelled:
            self._tell_end()
            return
        self.strategy.followers.add(
            Follower(self.folder, self.job_id, self, bell=bell, first_seq=self.launch.first_seq)
        )

    def _open_line(self) -> None:
        self.open_line(is_locked_in=sandbox_of(self.request) is not None)

    def _start_supervisor(self) -> int:
        ours, theirs = socket.socketpair()
        bell, rings = os.pipe()
        os.set_blocking(bell, False)
        try:
            with theirs:
                self._process = self.strategy.nursery.start_supervisor(theirs, rings)
            environment = get_environment()
            if (name := sandbox_of(self.request)) is not None:
                environment = sandbox.environment_in(name, environment, self.folder)
            hello = wire.hello(str(self.launch.directory), self.digest, environment)
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
        self._open_line()
        self.strategy.followers.add(Follower(self.folder, self.job_id, self, first_seq=self.launch.first_seq))

    def close(self) -> None:
        """See Followed.close."""
        super(SubprocessJobExecution, self).close()
        if self._process is not None:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(PATIENCE)


def sandbox_of(request: RunJobRequest) -> str | None:
    """The sandbox that is asked for; None for none."""
    name = request.options.get("sandbox") or sandbox.OFF
    return None if name == sandbox.OFF else str(name)


def _check_sandbox(name: str) -> None:
    """Raise OptionError or UnsupportedLimit for a sandbox that isn't known, or can't be kept here."""
    if name not in sandbox.SANDBOXES:
        known = ", ".join((sandbox.OFF, *sandbox.SANDBOXES))
        raise OptionError(f"the subprocess strategy has no sandbox {name[:80]!r}", hint=f"choose of {known}")
    reason = sandbox.refusal()
    if reason is not None:
        raise UnsupportedLimit(
            f"the subprocess strategy can't keep a sandbox here: {reason}",
            hint="use --strategy docker, or leave --sandbox out",
        )


class SubprocessStrategy(FollowedStrategy):
    """Runs jobs in processes. ``grace`` in seconds is what they get to stop."""

    name = "subprocess"
    capabilities = Capabilities(
        limits=limits.ENFORCED,
        options=frozenset({"sandbox", "trust"}),
        survives_kernel=True,
        ends_its_nodes=True,
    )

    def __init__(
        self,
        *,
        thread_pool_size: int,
        grace: float,
        is_warm: bool = True,
        spare_seconds: float = SPARE_SECONDS,
    ) -> None:
        super().__init__(thread_pool_size=thread_pool_size, grace=grace)
        self.nursery = Nursery(is_warm=is_warm, spare_seconds=spare_seconds)

    @classmethod
    def from_settings(cls, settings: Settings) -> SubprocessStrategy:
        """See Strategy.from_settings."""
        return cls(
            thread_pool_size=settings.thread_pool_size,
            grace=settings.cancel_grace,
            spare_seconds=0 if settings.env == "test" else SPARE_SECONDS,
        )

    def fingerprint(self) -> Fingerprint:
        """Wherever processes can be forked."""
        if not hasattr(os, "fork"):
            return Fingerprint(False, "this system has no fork; use --strategy threaded")
        return Fingerprint(True, f"runs in a process of its own; {sandbox.sentence()}")

    def check(self, request: RunJobRequest) -> None:
        """Refuse limits and sandboxes that this machine can't enforce."""
        super().check(request)
        name = sandbox_of(request)
        if name is not None:
            _check_sandbox(name)
        reason = limits.refusal(sandbox.limits_in(name, request.resource_limits))
        if reason is not None:
            raise UnsupportedLimit(
                f"the subprocess strategy can't keep that limit here: {reason}",
                hint="leave it out, or use --strategy docker",
            )

    def provides(self, request: RunJobRequest, gpus: tuple[str, ...]) -> Provision:
        """See Strategy.provides; a sandbox has no devices."""
        return super().provides(request, gpus if sandbox_of(request) is None else ())

    def create(self, launch: Launch, sink: EventSink) -> SubprocessJobExecution:
        """Write the order into the run directory, so that another kernel could start the job, too.

        Raises ValueCrossingError for a value or a node that can't go to another process.
        """
        name = sandbox_of(launch.request)
        digest = self.write_order(launch) if name is None else self._write_confined(launch, name)
        return SubprocessJobExecution(
            launch=launch,
            sink=sink,
            strategy=self,
            ticket=write_ticket(digest, launch.first_seq),
            digest=digest,
        )

    def _write_confined(self, launch: Launch, name: str) -> str:
        """The order of a job that sees packages and its own folders, and nothing of the notebook's."""
        private = (Path(os.getcwd()), Path.home(), launch.directory)  # noqa: PTH109 - as the system has it
        path = sandbox.import_path(import_path(), private)
        scratch = str(RunFolder(launch.directory).temporary)
        with carried(path):
            return self.write_order(
                launch,
                sandbox=name,
                limits=sandbox.limits_in(name, launch.request.resource_limits),
                path=path,
                workspace=scratch,
                working_directory=scratch,
            )

    def recover(self, launch: Launch, sink: EventSink, ticket: str | None) -> SubprocessJobExecution:
        """See Strategy.recover."""
        digest, launch = read_ticket(ticket), with_ticket(launch, ticket)
        return SubprocessJobExecution(launch=launch, sink=sink, strategy=self, ticket=ticket, digest=digest)

    def close(self, grace: float) -> None:  # noqa: ARG002 - they need none
        """Let the jobs go on, and follow them no more."""
        self.followers.close()
        self.nursery.close()
