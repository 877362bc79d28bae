"""The life of one job's container, in a thread of its own: made, started, handed its order, waited for,
asked why it has ended where it doesn't say so itself, and removed.

What the job tells is followed beside it. The container's own supervisor ends it, in time and by cancel;
this thread ends the container where that supervisor doesn't.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from nodetool_jupyter.environment import get_environment
from nodetool_jupyter.errors import DockerError, NodeToolError, OptionError
from nodetool_jupyter.model.events import Fault, JobUpdate
from nodetool_jupyter.model.faults import timed_out
from nodetool_jupyter.strategies.docker import ending
from nodetool_jupyter.strategies.docker.facts import Container
from nodetool_jupyter.strategies.docker.ferry import Ferry
from nodetool_jupyter.strategies.docker.prewarmed import Idle, name_ahead, remove_container
from nodetool_jupyter.strategies.docker.spec import (
    FAR_FOLDER,
    FOLDER,
    ContainerSpec,
    environment_for,
    name_of,
)
from nodetool_jupyter.strategies.followed import FollowedJobExecution, connect_to
from nodetool_jupyter.worker import wire
from nodetool_jupyter.worker.carried import carried
from nodetool_jupyter.worker.contained import LAUNCH, hand_over, listen
from nodetool_jupyter.worker.ferry import MARK
from nodetool_jupyter.worker.folder import EXIT, REFUSAL
from nodetool_jupyter.worker.following import Follower
from nodetool_jupyter.worker.inputs import InputWriter
from nodetool_jupyter.worker.tail import conclude
from nodetool_jupyter.worker.verdict import Ending, judge

if TYPE_CHECKING:
    from nodetool_jupyter.strategies.docker.strategy import DockerStrategy

TICK = 0.2
"""Seconds between two looks at what only this process knows: whether the job is to be ended, or left."""
LOOK = 1.0
"""Seconds between two looks at the engine."""
ARRIVAL = 60.0
"""Seconds that a container gets to begin; a busy machine needs some."""
LATENESS = 2.0
"""Seconds after the grace at which a container is ended whose supervisor doesn't do it."""
PATIENCE = 10.0
"""Seconds that a container gets to end after its supervisor."""


class NotStarted(NodeToolError):
    """The container was to be ended before its job had begun."""


@dataclass(slots=True, eq=False)
class DockerJobExecution(FollowedJobExecution):
    """A job in its own container, or the view of one that another kernel has started."""

    strategy: DockerStrategy = field(kw_only=True)
    spec: ContainerSpec | None = None
    _made: str = ""
    """The id of the container that was made here: a later attempt's has the same name."""
    _ferry: Ferry | None = None
    """The way to its container, where that has none of this machine's files."""
    _idle: Idle | None = None
    """The container that was started ahead, where the job has taken one."""
    _is_named: bool = False
    """Whether that container has been given the job's name."""
    _over: threading.Event = field(default_factory=threading.Event)
    """Set when the container is gone, or left to the reaper."""
    _wake: threading.Event = field(default_factory=threading.Event)
    """Set when the job is to be ended."""

    @property
    def name(self) -> str:
        """The container's name; one that was started ahead has it once its job has run for a moment."""
        return name_of(self.job_id)

    def _look(self) -> Container | None:
        """What the engine knows of the container, also of one that another kernel has made."""
        engine = self.strategy.engine
        found = engine.inspect(self._made or self.name)
        if found is None and not self._made and (ahead := name_ahead(self.launch.directory)):
            found = engine.inspect(ahead)
        return found

    def start(self) -> None:
        """Have the container made and started, as soon as one more may run; returns at once."""
        self.open_line(is_locked_in=True)
        self.strategy.berths.enter(self._run)

    def adopt(self) -> None:
        """Follow a job that another process has started."""
        self.open_line(is_locked_in=True)
        self.strategy.berths.enter(self._run_on, is_running=True)

    @property
    def _is_far(self) -> bool:
        """Whether its container has none of this machine's files."""
        return bool(self.folder.read_record(MARK)) if self.spec is None else self.spec.is_far

    def _new_inputs(self) -> InputWriter:
        if self._is_far:
            raise OptionError(
                "a Docker Engine that doesn't see this machine's files takes no streaming inputs yet",
                hint="use an engine of this machine, or --strategy subprocess",
            )
        return InputWriter(self.folder, carried)

    def _end(self, fault: Fault | None) -> None:
        FollowedJobExecution._end(self, fault)  # super() knows no class that slots have replaced
        self._wake.set()

    # --- the thread -------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._launch()
        except NotStarted:
            self._bury_unborn(None)
            return
        except (OSError, NodeToolError) as error:
            # Whoever cancels just then leaves word in the run directory, where it may be met half written.
            self._bury_unborn(None if self._is_cancelled else ending.fault_of_launch(error))
            return
        self.strategy.reap_once()
        self._attend()

    def _run_on(self) -> None:
        """The rest of a life that began in another kernel."""
        self.strategy.reap_once()
        if self._is_far:
            self._follow_far()
        else:
            self._follow(None)
            with suppress(OSError):  # it has just ended, or soon will: the lock tells
                self._connection = connect_to(self.folder)
        self._attend()

    def _launch(self) -> None:
        """Up to the order; raises NotStarted where it is to be ended, DockerError, OSError."""
        self._unless_cancelled()
        spec = self.spec or self.strategy.spec_for(self.launch)
        idle = self._take_idle(spec)
        if idle is not None:
            self._meet(idle.meet)
            return
        if spec.is_far:
            self._launch_far(spec)
            return
        listener = listen(self.folder.path)
        try:
            listener.settimeout(TICK)
            self.strategy.give_folder(self.folder.path, spec.user)
            self._made = self.strategy.make(spec, self._unless_cancelled)
            self._unless_cancelled()
            self.strategy.engine.start(spec.name)
            self._meet(partial(self._wait_for_arrival, listener))
        finally:
            listener.close()
            with suppress(OSError):
                (self.folder.path / LAUNCH).unlink()

    def _launch_far(self, spec: ContainerSpec) -> None:
        """The same for an engine that sees none of this machine's files."""
        self._made = self.strategy.make(spec, self._unless_cancelled)
        self._unless_cancelled()
        self._ferry = Ferry(self.strategy.engine, self._made, self.folder, self._unless_cancelled)
        self._ferry.start(spec)
        self._meet(self._ferry.give)

    def _follow_far(self) -> None:
        """Go on from what is here of a job of another kernel's, if its container lives."""
        container = str(self.folder.read_record(MARK).get("container"))
        try:
            self._ferry = Ferry(self.strategy.engine, container, self.folder, self._unless_cancelled)
            self._ferry.attach()
            self._meet(self._ferry.give, is_new=False)
        except (DockerError, OSError, NotStarted):  # it has gone, and what it had not told yet
            self._follow(None)

    def _take_idle(self, spec: ContainerSpec) -> Idle | None:
        """A container that was started ahead, its run directory now the job's; None where there is none."""
        idle = self.strategy.take_idle(spec)
        if idle is None:
            return None
        with self._lock:  # nothing is pushed to the job meanwhile
            try:
                if self._inputs is None:
                    idle.become(self.folder.path, self.strategy.give_folder)
                    self._idle, self._made = idle, idle.container
                    return idle
            except OSError:  # this file system can't
                pass
        idle.discard(self.strategy.engine)
        return None

    def _meet(self, give: Callable[[socket.socket, int], None], *, is_new: bool = True) -> None:
        """Give the container its descriptors, and tell one that is new what to run."""
        ours, theirs = socket.socketpair()
        bell, rings = os.pipe()
        os.set_blocking(bell, False)
        try:
            with theirs:
                give(theirs, rings)
            if is_new:
                environment = environment_for(get_environment(), self.strategy.profile_of(self.request))
                folder = FOLDER if self._ferry is None else FAR_FOLDER
                ours.sendall(wire.encode_message(wire.hello(folder, self.digest, environment)))
            with self._lock:
                self._unless_cancelled()
                self._connection = ours
        except BaseException:
            ours.close()
            os.close(bell)
            raise
        finally:
            os.close(rings)
        self._follow(bell)

    def _wait_for_arrival(self, listener: socket.socket, theirs: socket.socket, rings: int) -> None:
        deadline = time.monotonic() + ARRIVAL
        look = time.monotonic() + LOOK
        while True:
            try:
                hand_over(listener, theirs, rings)
                return
            except (TimeoutError, BrokenPipeError, ConnectionResetError):
                # Nobody has come; or one that has been removed since, of a kernel that was killed.
                self._unless_cancelled()
            if time.monotonic() < look:
                continue
            look = time.monotonic() + LOOK
            container = self.strategy.engine.inspect(self.name)
            if container is None or not container.is_alive or time.monotonic() > deadline:
                raise ending.not_arrived(container, self.strategy.engine.logs(self.name))

    def _unless_cancelled(self) -> None:
        if self._is_cancelled:
            raise NotStarted("it was cancelled")

    def _follow(self, bell: int | None) -> None:
        follower = Follower(
            self.folder, self.job_id, self, bell=bell, first_seq=self.launch.first_seq, concludes=False
        )
        self.strategy.followers.add(follower)

    def _attend(self) -> None:
        """Wait for the supervisor's end, and see to it that it comes; then for the container's."""
        try:
            is_killed = self._listen()
        finally:
            with self._lock:
                connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()
        if self._is_left:
            if self._ferry is not None:
                self._ferry.leave()
            return
        # One that was suspended may be going on already, with another container and no exit record.
        if self.status.is_at_rest or self.folder.read_record(EXIT):
            self._remove()
        else:
            self._tell_loss(is_killed=is_killed)

    def _listen(self) -> bool:
        """Until the supervisor has gone; gives whether its container had to be killed for that."""
        kill_at, is_killed = self._deadline(), False
        while not self._is_left:
            if self._wake.is_set() and kill_at > (soon := time.monotonic() + self.strategy.grace + LATENESS):
                kill_at = soon
            if time.monotonic() > kill_at and not is_killed:
                is_killed = self._kill()
                kill_at = time.monotonic() + LOOK
            if not self._hear():
                break
            self._take_name()
        return is_killed

    def _take_name(self) -> None:
        """Have a container that was started ahead be found under the job's name, now that the job takes its
        time: the result of one that doesn't would wait for the engine.
        """
        if self._idle is not None and not self._is_named:
            self._is_named = True
            self.strategy.rename(self._made, self.name)

    @property
    def _is_left(self) -> bool:
        """Whether this kernel ends before the job does: then the next one attends to it."""
        return self.strategy.is_closed and not self.status.is_at_rest

    def _hear(self) -> bool:
        """Wait a moment; False once the supervisor has gone. That a connection closes is seen at once, even
        without the engine; without a connection, the lock tells.
        """
        connection = self._connection
        if connection is None:
            self._wake.wait(TICK)
            return self.folder.is_locked()
        try:
            connection.settimeout(TICK)
            return bool(connection.recv(wire.BLOCK))
        except TimeoutError:
            return True
        except OSError:
            return False

    def _deadline(self) -> float:
        """When the container is ended at the latest, should its supervisor keep no time limit."""
        timeout = self.request.resource_limits.timeout
        if timeout is None:
            return float("inf")
        age = max(0.0, time.time() - self.launch.created_at) if self._connection is None else 0.0
        return time.monotonic() + max(0.0, timeout - age) + self.strategy.grace + LATENESS

    def _kill(self) -> bool:
        try:
            if (container := self._look()) is not None:
                self.strategy.engine.kill(self._made or container.name)
        except DockerError:
            return False
        return True

    def _tell_loss(self, *, is_killed: bool) -> None:
        """The end of a job whose supervisor has not told it; nothing may write any more by then."""
        end = None
        if not self.folder.read_record(REFUSAL):
            end = self._loss(is_killed=is_killed)
        self._remove()
        try:
            self.folder.remove_odd()
            conclude(self.folder, self.job_id, self.launch.first_seq, end)
        except (OSError, NodeToolError) as error:
            self.strategy.give_up(self, error)

    def _loss(self, *, is_killed: bool) -> JobUpdate:
        timeout = self.request.resource_limits.timeout
        is_asked = self._is_cancelled or is_killed
        fault = self._fault if is_asked else self._cause()
        if is_killed and not self._is_cancelled and timeout is not None:
            fault = timed_out(timeout)
        return judge(Ending(None, is_cancelled=True, fault=fault, is_forced=is_killed))

    def _cause(self) -> Fault:
        """Why a container has ended without an end of its job, which nobody has asked for."""
        engine = self.strategy.engine
        limits = self.spec.limits if self.spec else self.request.resource_limits
        try:
            end = time.monotonic() + PATIENCE
            while (container := self._look()) is not None and container.is_alive:
                if time.monotonic() > end:
                    engine.kill(self._made or container.name)
                self._over.wait(TICK)
            log = self._ferry.said if self._ferry else engine.logs(container.name if container else self.name)
            return ending.fault_of(container, limits, log)
        except DockerError as error:
            return ending.unknown(error)

    def _bury_unborn(self, fault: Fault | None) -> None:
        """The end of a job that has not begun, and of its container as far as there is one."""
        self._remove()
        self._fault = fault or self._fault
        self._tell_end()

    def _remove(self) -> None:
        engine = self.strategy.engine
        if not self._made or self.status.is_at_rest:
            self.strategy.berths.leave()
        try:
            if self._idle is not None:
                self._idle.discard(engine)
            elif self._made:
                engine.remove(self._made)
            else:
                remove_container(engine, self._look())
            if self._is_far:
                engine.remove_volume(self.name)
        except DockerError:  # the reaper finds it later
            return
        finally:
            self._over.set()

    def close(self) -> None:
        """See Followed.close: its connection stays until the container has gone."""
        self.close_inputs()
        self.close_line()
