"""The worker: runs one order with the engine in this process, appends its messages to the log, and hands its
end to the supervisor.

It never writes the terminal message itself: whether the job has completed is for the supervisor to say, who
sees how this process ends.
"""

from __future__ import annotations

import asyncio
import faulthandler
import os
import resource
import signal
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

from nodetool_jupyter.engine.context import NodeCancelled, ProcessingContext, Services
from nodetool_jupyter.engine.failure import details_of, engine_failed
from nodetool_jupyter.engine.plan import Plan, compile_graph
from nodetool_jupyter.engine.registry import Registry, source_spec
from nodetool_jupyter.engine.runner import Outcome, WorkflowRunner
from nodetool_jupyter.engine.stack import is_in_node
from nodetool_jupyter.engine.threads import ThreadPool
from nodetool_jupyter.errors import ErrorCode, InvalidGraph, NodeToolError
from nodetool_jupyter.model.batch import Batch
from nodetool_jupyter.model.events import Fault, JobUpdate, encode_event
from nodetool_jupyter.settings import get_environment, read_secret, set_environment
from nodetool_jupyter.values.files import ValueFolder, make_private
from nodetool_jupyter.worker import limits
from nodetool_jupyter.worker.cgroup import ControlGroup
from nodetool_jupyter.worker.folder import RunFolder
from nodetool_jupyter.worker.order import Order, decode_graph, decode_params, dump, unpack_code
from nodetool_jupyter.worker.pipes import WorkerEnds
from nodetool_jupyter.worker.process import COOKIE

LATENESS = 1.0
"""Seconds that tasks which outlive their node get to end."""


def work(
    order: Order,
    folder: RunFolder,
    pipes: WorkerEnds,
    environment: Mapping[str, str] | None,
    groups: Iterable[ControlGroup] = (),
) -> int:
    """Run the order; gives the exit code: 0 once the end has been handed over."""
    _put_streams_aside(pipes.output)
    teller = _Teller(folder, pipes)
    try:
        _settle(order, environment)
        for group in groups:
            group.enter()
        limits.apply(order.own_limits)
        worker = _Worker(order, folder, teller)
    except BaseException as error:  # noqa: BLE001 - whatever it is, the supervisor is told why nothing ran
        teller.hand_over(_update_of(_unable(error), order))
        return 0
    worker.run()
    return 0


def _put_streams_aside(output: int) -> None:
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
    os.chdir(order.working_directory)
    sys.path[:] = order.path or sys.path


class _Teller:
    """The sink of the run's messages: to the log, with one byte on the bell; the terminal one stays here."""

    def __init__(self, folder: RunFolder, pipes: WorkerEnds) -> None:
        self._log = folder.writer()
        self._pipes = pipes
        self.update: JobUpdate | None = None

    def __call__(self, batch: Batch) -> None:
        batch, update = batch.without_end()
        if batch:
            self._log.append(batch.lines)
            with suppress(OSError):  # full of rings that nobody has heard yet, or the kernel has gone
                os.write(self._pipes.bell, b".")
        if update is not None:
            self.update = update

    def hand_over(self, update: JobUpdate) -> None:
        """Give the end to the supervisor."""
        data = encode_event(update) + b"\n"
        while data:
            data = data[os.write(self._pipes.end, data) :]


class _Worker:
    """One order, ready to run."""

    def __init__(self, order: Order, folder: RunFolder, teller: _Teller) -> None:
        self._order = order
        self._folder = folder
        self._teller = teller
        self._pool = ThreadPool(order.thread_pool_size)
        self._is_cancelled = False
        self.runner = WorkflowRunner(
            self._plan(),
            self._context(),
            teller,
            self._pool,
            first_seq=order.first_seq,
            grace=order.grace,
            is_mortal=True,
        )

    def _plan(self) -> Plan:
        order = self._order
        registry = Registry({prefix: tuple(modules) for prefix, modules in order.families.items()})
        sources, classes = unpack_code(order.code)
        for name, source in sources.items():
            registry.add(replace(source_spec(source), type=name))
        find = ValueFolder(self._folder.values).find
        known = {(each.__module__, each.__qualname__): each for each in classes}

        def find_class(module: str, name: str) -> type | None:
            return known.get((module, name))

        graph = decode_graph(order, find, find_class)
        return compile_graph(graph, registry, decode_params(order, find, find_class))

    def _context(self) -> ProcessingContext:
        order = self._order
        services = Services(
            secret=_secret,
            temp_folder=self._temp_folder,
            spill=ValueFolder(self._folder.values, f"job {order.job_id}"),
            pickle=dump,
        )
        return ProcessingContext(
            order.job_id, order.workflow_id, order.user_id, Path(order.workspace), services
        )

    def _temp_folder(self) -> Path:
        make_private(self._folder.temporary)
        return self._folder.temporary

    def run(self) -> None:
        """Run to the end and hand it over."""
        signal.signal(signal.SIGTERM, self._on_terminate)
        try:
            outcome = self._complete()
        except BaseException as bug:  # noqa: BLE001 - whatever it is, the job must end
            self.runner.abandon(Outcome("failed", fault=engine_failed(bug)))
            outcome = None
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        update = self._teller.update
        assert update is not None
        self._teller.hand_over(self._with_limit(update, outcome))

    def _complete(self) -> Outcome:
        """Run the loop until the run has ended, also where a node's task stops it or raises SystemExit."""
        loop = asyncio.new_event_loop()
        main = loop.create_task(self.runner.run())
        _drive(loop, main)
        left = asyncio.all_tasks(loop)
        if left:
            for task in left:
                task.cancel()
            _drive(loop, loop.create_task(_wait_for(left)))
        return main.result()

    def _on_terminate(self, _signal: int, frame: FrameType | None) -> None:
        """Cancel; told again, raise inside of the node that keeps the loop from doing so."""
        is_first, self._is_cancelled = not self._is_cancelled, True
        self.runner.cancel()
        if not is_first and is_in_node(frame):
            raise NodeCancelled

    def _with_limit(self, update: JobUpdate, outcome: Outcome | None) -> JobUpdate:
        """The end with the limit's name, where it was a limit that a node has met."""
        error = outcome.error if outcome is not None else None
        if error is None or update.fault is None or error.__cause__ is None:
            return update
        fault = limits.reached(error.__cause__, self._order.limits, _most_memory())
        if fault is None:
            return update
        said = f"node {error.node_id} ({error.node_type}): {fault.message}"
        named = replace(update.fault, code=fault.code, message=said, hint=fault.hint)
        return replace(update, fault=named, error=said)


def _drive(loop: asyncio.AbstractEventLoop, main: asyncio.Task[Any]) -> None:
    while not main.done():
        try:
            loop.run_until_complete(main)
        except BaseException:  # noqa: BLE001, S112 - a task of a node's own raised SystemExit, or stopped the loop
            continue


async def _wait_for(tasks: set[asyncio.Task[Any]]) -> None:
    """What nodes have left behind gets a moment to clean up."""
    await asyncio.wait(tasks, timeout=LATENESS)


def _secret(name: str) -> str:
    value = read_secret(name)
    if value is None:
        raise NodeToolError(
            f"there is no secret {name!r}", hint=f"set the environment variable {name} and run it again"
        )
    return value


def _most_memory() -> int:
    """Bytes of memory that this process has had at most."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _unable(error: BaseException) -> Fault:
    """Why nothing could be run."""
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
