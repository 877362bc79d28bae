"""The worker: runs one order with the engine in this process, appends its messages to the log, and hands its
end to the supervisor.

It never writes the terminal message itself: whether the job has completed is for the supervisor to say, who
sees how this process ends.
"""

from __future__ import annotations

import errno
import faulthandler
import os
import pickle
import resource
import signal
import sys
import tempfile
import threading
from _thread import start_new_thread
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from nodetool_jupyter.adapters import InstalledNodes
from nodetool_jupyter.engine.context import NodeCancelled, ProcessingContext, Resumption, Services
from nodetool_jupyter.engine.failure import details_of, engine_failed
from nodetool_jupyter.engine.feeding import Feeds
from nodetool_jupyter.engine.keeping import Keeper, read_kept, read_state
from nodetool_jupyter.engine.outcome import Outcome
from nodetool_jupyter.engine.plan import Plan, compile_graph
from nodetool_jupyter.engine.registry import Registry
from nodetool_jupyter.engine.runner import WorkflowRunner
from nodetool_jupyter.engine.stack import is_in_node
from nodetool_jupyter.engine.threads import ThreadPool
from nodetool_jupyter.environment import get_environment, read_gpu_devices, read_secret, set_environment
from nodetool_jupyter.errors import ErrorCode, InvalidGraph, NodeToolError, StoreError
from nodetool_jupyter.model.events import Fault, JobUpdate
from nodetool_jupyter.model.request import ResourceLimits
from nodetool_jupyter.nodes.references import read_uri
from nodetool_jupyter.values.codec import decode
from nodetool_jupyter.values.files import ValueFolder, make_private
from nodetool_jupyter.worker import limits
from nodetool_jupyter.worker.cgroup import ControlGroup
from nodetool_jupyter.worker.folder import RunFolder
from nodetool_jupyter.worker.inputs import InputReader
from nodetool_jupyter.worker.line import ASSET_PATIENCE, PATIENCE, Line, SharedAssets, SharedResults
from nodetool_jupyter.worker.loop import WorkerLoop
from nodetool_jupyter.worker.order import Order, decode_graph, decode_params, dump, unpack_code
from nodetool_jupyter.worker.pipes import WorkerEnds
from nodetool_jupyter.worker.process import COOKIE
from nodetool_jupyter.worker.teller import Teller
from nodetool_jupyter.worker.verdict import closed_descriptors, log_fault

PULSE = 0.1
"""Seconds between two tellings of what a node says while it blocks the loop."""
NOT_CONTAINED = (
    "a container gets none of the kernel's variables that mean its machine, such as NODETOOL_* and DOCKER_*, "
    "and in --sandbox untrusted none at all"
)


class Lines(NamedTuple):
    """What the worker asks its owner by: one waits for none of the other's answers."""

    results: Line
    assets: Line


def work(
    order: Order,
    folder: RunFolder,
    pipes: WorkerEnds,
    environment: Mapping[str, str] | None,
    begin: Callable[[], Sequence[ControlGroup]],
) -> int:
    """Run the order, with the streams put aside; gives the exit code: 0 once the end has been handed over.

    ``begin`` returns when code of the job's may run, with the control groups that it runs in.
    """
    teller = Teller(folder, pipes, order.limits)
    os.register_at_fork(after_in_child=teller.let_go)
    try:
        _offer_first()
        loop, lines = WorkerLoop(), _lines(folder)
        if order.sandbox is None:
            _settle(order, environment)
        groups = begin()  # until then another worker may have this job: nothing is written
        teller.open()
        if order.sandbox is not None:
            _prepare_sandbox(folder, lines)
            _settle(order, environment)
        for group in groups:
            group.enter()
        is_grouped = any("pids" in group.controllers for group in groups)
        limits.apply(order.limits, is_grouped=is_grouped)
        if order.sandbox is not None:
            _enter_sandbox(order, order.sandbox, folder)
        worker = _Worker(order, folder, teller, lines, loop)
    except BaseException as error:  # noqa: BLE001 - whatever it is, the supervisor is told why nothing ran
        return teller.hand_over(_update_of(_unable(error, order.limits), order))
    return worker.run()


def rehearse(order: Order, folder: RunFolder, pipes: WorkerEnds, environment: Mapping[str, str]) -> None:
    """Do what ``work`` does, so far as it can be done more than once in a process: threads, signals, limits
    and what a fork has to mind are left to the one that counts.
    """
    teller = Teller(folder, pipes, order.limits)
    _settle(order, environment)
    teller.open()
    with closing(WorkerLoop()) as loop:
        teller.hand_over(_Worker(order, folder, teller, _lines(folder), loop).play())
    teller.close()


def _lines(folder: RunFolder) -> Lines:
    return Lines(Line(folder.path, PATIENCE), Line(folder.path, ASSET_PATIENCE))


def put_streams_aside(output: int) -> None:
    """Nothing that is printed may reach the protocol: fd 0 is empty, 1 and 2 are the supervisor's pipe."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - for the life of the process
    sys.stdout = open(1, "w", 1, "utf-8", "backslashreplace", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", 1, "utf-8", "backslashreplace", closefd=False)  # noqa: SIM115
    faulthandler.enable(2)


def _settle(order: Order, environment: Mapping[str, str] | None) -> None:
    """Be where the kernel is: its environment, folder and import path; a container's own are added to."""
    if order.is_contained:
        environment = {**get_environment(), **(environment or {})}
    set_environment(environment, {COOKIE: order.job_id})
    tempfile.tempdir = None  # what a rehearsal has found in another environment
    os.chdir(order.working_directory)
    sys.path[:] = order.path or sys.path


def _offer_first() -> None:
    """Where memory runs out, the kernel should not be the victim."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500", "ascii")


def _prepare_sandbox(folder: RunFolder, lines: Lines) -> None:
    """What can't be had any more from inside."""
    from nodetool_jupyter.worker import sandbox

    sandbox.make_places(folder)
    for line in lines:
        line.connect()


def _enter_sandbox(order: Order, name: str, folder: RunFolder) -> None:
    """From here on nothing is believed of this process."""
    from nodetool_jupyter.worker import sandbox

    sandbox.enter(name, folder, order.path, order.resumed)


class _Worker:
    """One order, ready to run."""

    def __init__(
        self, order: Order, folder: RunFolder, teller: Teller, lines: Lines, loop: WorkerLoop
    ) -> None:
        self._order = order
        self._lines = lines
        self._folder = folder
        self._teller = teller
        self._pool = ThreadPool(order.thread_pool_size)
        self._is_cancelled = False
        self._loop = loop
        plan = self._plan()
        self._feeds = Feeds(plan.fed)
        self.runner = WorkflowRunner(
            plan,
            self._context(self._keeper(plan)),
            teller,
            self._pool,
            first_seq=order.first_seq,
            grace=order.grace,
            is_mortal=True,
            feeds=self._feeds,
        )
        self._is_fed = bool(plan.fed)
        teller.on_failure = self.runner.cancel

    def _be_ordinary(self) -> None:
        """In a process that a node forks: SIGTERM ends it, as whoever starts it expects."""
        if signal.getsignal(signal.SIGTERM) == self._on_terminate:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        _let_signals_come()

    def _plan(self) -> Plan:
        order = self._order
        families = {prefix: tuple(modules) for prefix, modules in order.families.items()}
        registry = Registry(families, others=InstalledNodes())
        sources, classes = unpack_code(order.code)
        for name, source in sources.items():
            registry.add(replace(registry.spec_of(source), type=name))
        find = ValueFolder(self._folder.values).find
        known = {(each.__module__, each.__qualname__): each for each in classes}

        def find_class(module: str, name: str) -> type | None:
            return known.get((module, name))

        graph = decode_graph(order, find, find_class)
        return compile_graph(graph, registry, decode_params(order, find, find_class))

    def _keeper(self, plan: Plan) -> Keeper:
        order, folder = self._order, self._folder
        keeper = Keeper(plan, folder.path, folder.values, dump)
        if order.resumed is not None:
            before = RunFolder(Path(order.resumed))
            unpickle = pickle.loads if order.reads_pickles else None
            keeper.resume(dict(read_kept(before.path, before.values, unpickle)))
        return keeper

    def _context(self, keeper: Keeper) -> ProcessingContext:
        order = self._order
        services = Services(
            secret=partial(_secret, is_contained=order.is_contained),
            temp_folder=self._temp_folder,
            read_uri=read_uri,
            spill=ValueFolder(self._folder.values, f"job {order.job_id}"),
            keeper=keeper,
            resumption=self._resumption(),
            pickle=dump,
            is_trusted=order.is_trusted,
            results=SharedResults(self._lines.results),
            assets=SharedAssets(self._lines.assets),
            gpus=read_gpu_devices() if order.is_contained else order.gpus,
            allowed_hosts=frozenset(order.allowed_hosts),
        )
        return ProcessingContext(
            order.job_id, order.workflow_id, order.user_id, Path(order.workspace), services
        )

    def _resumption(self) -> Resumption | None:
        order, folder = self._order, self._folder
        if order.attempt == 1:
            return None
        value = decode(order.resume_value, ValueFolder(folder.values).find, unpickle=pickle.loads)
        return read_state(folder.path, folder.values, value, pickle.loads)

    def _temp_folder(self) -> Path:
        make_private(self._folder.temporary)
        return self._folder.temporary

    def run(self) -> int:
        """Run to the end and hand it over; gives the exit code."""
        os.register_at_fork(
            before=_hold_back_signals, after_in_parent=_let_signals_come, after_in_child=self._be_ordinary
        )
        signal.signal(signal.SIGTERM, self._on_terminate)
        start_new_thread(self._pulse, ())  # which isn't waited for, as a Thread's start is
        if self._is_fed:
            InputReader(self._folder, self._feeds, self.runner.cancel).start()
        update = self.play()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        return self._teller.hand_over(update)

    def play(self) -> JobUpdate:
        """Run to the end; gives the terminal message."""
        try:
            outcome = self._loop.run_to_end(self.runner.run())
        except BaseException as bug:  # noqa: BLE001 - whatever it is, the job must end
            self.runner.abandon(Outcome("failed", fault=_breakdown(bug)))
            outcome = None
        update = self._teller.update
        assert update is not None
        return self._with_limit(update, outcome)

    def _pulse(self) -> None:
        """Tell what a node has to say that blocks the loop meanwhile; there is no more to say once the end
        was told.
        """
        pause = threading.Event()
        while not pause.wait(PULSE) and self._teller.update is None:
            self.runner.pulse()

    def _on_terminate(self, _signal: int, frame: FrameType | None) -> None:
        """Cancel; told again, raise inside of the node that keeps the loop from doing so."""
        is_first, self._is_cancelled = not self._is_cancelled, True
        self.runner.cancel()
        if not is_first and is_in_node(frame):
            raise NodeCancelled

    def _with_limit(self, update: JobUpdate, outcome: Outcome | None) -> JobUpdate:
        """The end with the limit's name, where it was a limit that a node has met."""
        error = outcome.error if outcome is not None else None
        if error is None or update.fault is None:
            return update
        given, used = self._order.limits, _most_memory()
        fault = next(filter(None, (limits.reached(each, given, used) for each in _causes(error))), None)
        if fault is None:
            return self._with_hint(update, error)
        said = f"node {error.node_id} ({error.node_type}): {fault.message}"
        named = replace(update.fault, code=fault.code, message=said, hint=fault.hint)
        return replace(update, fault=named, error=said)

    def _with_hint(self, update: JobUpdate, error: BaseException) -> JobUpdate:
        """The end with what to do, where it was the sandbox that a node has met."""
        name = self._order.sandbox
        if name is None or update.fault is None or update.fault.hint is not None:
            return update
        from nodetool_jupyter.worker import sandbox

        hint = next(filter(None, (sandbox.hint_for(name, each) for each in _causes(error))), None)
        return replace(update, fault=replace(update.fault, hint=hint))


def _hold_back_signals() -> None:
    """Python forgets what comes to a child before it has settled."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})


def _let_signals_come() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


def _secret(name: str, *, is_contained: bool) -> str:
    value = read_secret(name)
    if value is None:
        but = f"; {NOT_CONTAINED}" if is_contained else ""
        raise NodeToolError(
            f"there is no secret {name!r}", hint=f"set the environment variable {name} and run it again{but}"
        )
    return value


def _causes(error: BaseException) -> Iterator[BaseException]:
    """What an error came from; the chain may be of a user's making, so it is bounded."""
    for _ in range(10):
        if error.__cause__ is None:
            return
        error = error.__cause__
        yield error


def _most_memory() -> int:
    """Bytes of memory that this process has had at most."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _breakdown(bug: BaseException) -> Fault:
    """Why the run could not go on."""
    is_closed = isinstance(bug, OSError) and bug.errno == errno.EBADF
    return closed_descriptors() if is_closed else engine_failed(bug)


def _unable(error: BaseException, given: ResourceLimits) -> Fault:
    """Why nothing could be run."""
    if isinstance(error, StoreError):
        return log_fault(error, given)
    if isinstance(error, NodeToolError):
        code = ErrorCode.INVALID_GRAPH if isinstance(error, InvalidGraph) else ErrorCode.SPAWN_FAILED
        return Fault(code=code, message=error.message, hint=error.hint)
    return Fault(
        code=ErrorCode.SPAWN_FAILED,
        message=f"the worker can't run the job: {type(error).__name__}: {error}",
        hint="%nodetool doctor says what works here",
        traceback=details_of(error),
    )


def _update_of(fault: Fault, order: Order) -> JobUpdate:
    return JobUpdate(
        status="failed", job_id=order.job_id, error=fault.message, traceback=fault.traceback, fault=fault
    )
