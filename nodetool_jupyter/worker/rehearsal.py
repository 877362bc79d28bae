"""What every job does, done once without one: imports, first uses, and the memory pages that they touch.

The zygote rehearses before it forks, so that this is there for all; what waits for a job rehearses once more,
so that the pages which a job writes to are its own already. Both parts are played on a stage: a run directory
of their own, with an order in it.
"""

from __future__ import annotations

import gc
import importlib
import os
import resource
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FunctionType
from typing import Any

from nodetool_jupyter.engine.function import node
from nodetool_jupyter.environment import get_environment
from nodetool_jupyter.model.events import JobUpdate, encode_event
from nodetool_jupyter.model.graph import Edge, Graph, Node
from nodetool_jupyter.values.files import ValueFolder
from nodetool_jupyter.worker import wire
from nodetool_jupyter.worker.child import WorkerProcess, wait_for_job
from nodetool_jupyter.worker.folder import ORDER, RunFolder
from nodetool_jupyter.worker.host import rehearse
from nodetool_jupyter.worker.order import Order, digest_of, encode_graph, pack_code
from nodetool_jupyter.worker.pipes import Pipes, WorkerEnds, spoken
from nodetool_jupyter.worker.process import descendants_of
from nodetool_jupyter.worker.supervisor import supervise

PRELOADED = (
    "nodetool_jupyter.engine.function",
    "nodetool_jupyter.worker.pickling",
    "nodetool_jupyter.worker.sandbox",
    "nodetool_jupyter.nodes.constant",
    "nodetool_jupyter.nodes.input",
    "nodetool_jupyter.nodes.output",
    "nodetool_jupyter.nodes.workflow",
    "nodetool_jupyter.nodes.control",
)
UNKNOWN = "nodetool_jupyter.nodes.pairing"
"""A small module that the zygote leaves alone."""
FAMILIES = {
    "nodetool.constant": ["nodetool_jupyter.nodes.constant"],
    "nodetool.output": ["nodetool_jupyter.nodes.output"],
}
JOB = "rehearsal"


async def _as_it_is(value: str) -> str:
    return value


def _of_a_cell(function: Any) -> FunctionType:
    """The same as if a notebook had it: its code goes to a worker by value."""
    copy = FunctionType(function.__code__, {"__name__": "__main__"}, function.__name__)
    copy.__annotations__ = dict.fromkeys(function.__annotations__, str)
    return copy


CELL_NODE = node(_of_a_cell(_as_it_is))
GRAPH = Graph(
    nodes=(
        Node(id="a", type="nodetool.constant.String", data={"value": "warm"}),
        Node(id="b", type=CELL_NODE.spec.type),
        Node(id="c", type="nodetool.output.Output", data={"name": "c"}),
    ),
    edges=(
        Edge(source="a", target="b", targetHandle="value"),
        Edge(source="b", target="c", targetHandle="value"),
    ),
)


class Stage:
    """A run directory with an order, and the descriptors that come with a job."""

    def __init__(self, path: Path) -> None:
        self.folder = RunFolder(path)
        self.folder.make()
        data = Order(
            job_id=JOB,
            graph=encode_graph(GRAPH, ValueFolder(path)),
            params={},
            families=FAMILIES,
            code=pack_code({CELL_NODE.spec.type: CELL_NODE}, ()),
        ).to_bytes()
        self.folder.write(ORDER, data)
        self.start = wire.hello(str(path), digest_of(data), get_environment())
        self.bell = os.open(os.devnull, os.O_WRONLY)
        self.orders, self.heard = socket.socketpair()
        self.pipes = Pipes()

    def close(self) -> None:
        """Leave nothing of it."""
        os.close(self.bell)
        self.orders.close()
        self.heard.close()
        self.pipes.close_in_supervisor()
        shutil.rmtree(self.folder.path, ignore_errors=True)


def new_stage() -> Path:
    """A place for a stage, which goes with it."""
    try:
        return Path(tempfile.mkdtemp(prefix="nodetool-"))
    except OSError:
        return Path(os.devnull)  # nothing can be rehearsed here


@contextmanager
def _stage(path: Path | None) -> Iterator[Stage]:
    """A stage; the answers to signals are put back behind it."""
    answers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGCHLD)}
    stage = Stage(path or new_stage())
    try:
        yield stage
    finally:
        stage.close()
        for number, answer in answers.items():
            signal.signal(number, answer)


class Understudy(WorkerProcess):
    """A worker that is none: it has told its end already, and ends when it is first asked for."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(os.getpid(), stage.pipes, stage.orders)
        self._is_asked = False
        ends = self.pipes.worker_ends
        stage.folder.events.write_bytes(encode_event(JobUpdate(status="running", job_id=JOB, seq=1)) + b"\n")
        size = stage.folder.events.stat().st_size
        os.write(ends.end, spoken(ends.token, size, JobUpdate(status="completed", job_id=JOB, seq=2)))

    def collect(self) -> tuple[int, resource.struct_rusage] | None:
        """See WorkerProcess.collect."""
        if not self._is_asked:
            self._is_asked = True
            os.kill(os.getpid(), signal.SIGCHLD)
            return None
        return 0, resource.getrusage(resource.RUSAGE_SELF)

    def end_tree(self) -> None:
        """See WorkerProcess.end_tree; nothing of it is there."""
        for _ in descendants_of(os.getpid()):
            continue


def rehearse_all() -> None:
    """Import what most jobs need, and play both parts."""
    for name in PRELOADED:
        importlib.import_module(name)
    # Imported when it is asked for, which every module of nodes does.
    _ = sys.modules["nodetool_jupyter"].node
    rehearse_supervisor()
    rehearse_worker()


def rehearse_supervisor(path: Path | None = None) -> None:
    """Supervise a worker that ends at once; the stage is at ``path``."""
    with suppress(OSError), _stage(path) as stage:
        ours, theirs = socket.socketpair()
        with ours:
            ours.sendall(wire.encode_message(stage.start))
            supervise(theirs, stage.bell, Understudy(stage))


def leave_behind() -> None:
    """Have the collector look no more at what is there, which is there for good."""
    gc.collect()
    gc.freeze()


def prepare_worker(path: Path) -> None:
    """Import something, too, as most jobs do: what the zygote has imported needs no more finding."""
    importlib.import_module(UNKNOWN)
    rehearse_worker(path)
    leave_behind()


def rehearse_worker(path: Path | None = None) -> None:
    """Run a job, of the kind that a notebook has most; the stage is at ``path``."""
    with suppress(OSError), _stage(path) as stage:
        told = WorkerProcess(os.getpid(), stage.pipes, stage.orders)
        told.brief(stage.start, stage.bell)
        told.begin(())
        job = wait_for_job(stage.heard)
        assert job is not None
        ends = WorkerEnds(output=-1, end=stage.bell, token=b"", bell=job.bell)
        rehearse(job.order, job.folder, ends, stage.start.environment or {})
        job.begin()
        os.close(job.bell)
        stage.pipes.close()
