"""Jobs in processes of their own, against what the machine takes for the bare moves in the same run."""

from __future__ import annotations

import compileall
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter

import pytest

import nodetool_jupyter
import tests
from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.function import node
from nodetool_jupyter.model.events import Notification
from nodetool_jupyter.model.request import RunJobRequest
from nodetool_jupyter.session import Session
from nodetool_jupyter.settings import Settings
from nodetool_jupyter.strategies.subprocess import SubprocessStrategy
from nodetool_jupyter.worker.event_log import NAME, LogReader
from tests.benchmarks.compare import compare
from tests.benchmarks.steps import increment, text, upper
from tests.benchmarks.test_engine import chain_of
from tests.integration.kernels import kernel, read_id
from tests.support import wait_until
from tests.unit.engine.support import graph

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(900)]

PAIRS = 40
EVENTS = 100_000
JOBS = 100
LOG = 16_384
"""Bytes of a log that is read in the floor of adoption."""
WRITER = f"""
import json, sys
for number in range({EVENTS}):
    sys.stdout.write(json.dumps({{"type": "notification", "node_id": "n", "content": str(number),
        "severity": "info", "job_id": "0" * 26, "seq": number, "timestamp": 1.5}}) + "\\n")
"""
WAITS = """
@node
async def waits(path: str) -> str:
    print("x" * 7_000)
    print("x" * 7_000)
    while not Path(path).exists():
        await asyncio.sleep(0.5)
    return "done"

for _ in range(int(arguments[0])):
    submit(waits, path=arguments[1])
print("all", flush=True)
input()
"""


@node
async def notifies(count: int, context: ProcessingContext) -> int:
    for number in range(count):
        context.notify(str(number))
    return count


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    """As an installer leaves a package, also where this environment keeps Python from writing bytecode: the
    floors import what was compiled, too.
    """
    for folder in (Path(nodetool_jupyter.__file__).parent, Path(__file__).parent):
        assert compileall.compile_dir(folder, quiet=1)
    assert compileall.compile_file(Path(tests.__file__), quiet=1)


@pytest.fixture(params=["warm", "cold"])
def session(request: pytest.FixtureRequest, home: Path) -> Iterator[Session]:
    """With or without a zygote."""
    session = Session(Settings(home=home))
    is_warm = request.param == "warm"
    strategy = SubprocessStrategy(thread_pool_size=2, grace=5.0, is_warm=is_warm)
    session._make_strategy = lambda _name: strategy  # type: ignore[method-assign]
    session.manager.strategies.make = lambda _name: strategy
    yield session
    session.close()


def interpreter(*arguments: str) -> Callable[[], object]:
    return lambda: subprocess.run([sys.executable, *arguments], check=True)


def test_job(session: Session, request: pytest.FixtureRequest) -> None:
    """Three chained functions: submit to result, with supervisor, worker, run directory and row."""
    is_warm = request.node.callspec.params["session"] == "warm"
    for function in (increment, text, upper):
        session.registry.add(function.spec)
    asked = RunJobRequest(graph=chain_of(increment, text, upper), execution_strategy="subprocess")

    def job() -> None:
        assert session.submit_request(asked).result() == "2"

    for _ in range(5 if is_warm else 1):
        job()
    if is_warm:
        floor = interpreter("-I", "-c", "pass")
        compare("a job of 3 nodes in a warm process, to a bare interpreter", job, floor, 0.4, pairs=PAIRS)
    else:
        floor = interpreter("-c", "import pydantic, asyncio")
        compare("the same cold, to importing pydantic and asyncio", job, floor, 1.5, pairs=PAIRS // 4)


@pytest.mark.parametrize("session", ["warm"], indirect=True)
def test_events(session: Session) -> None:
    """A hundred thousand messages of one node to its job's end, none lost, to JSON lines over a pipe."""
    session.registry.add(notifies.spec)
    asked = RunJobRequest(graph=graph({"n": (notifies, {"count": EVENTS})}), execution_strategy="subprocess")

    def job() -> None:
        ran = session.submit_request(asked)
        assert ran.wait(300)
        lines = ran.log.read()[0]
        assert sum(b'"notification"' in line for line in lines) == EVENTS

    def pipe() -> None:
        with subprocess.Popen([sys.executable, "-c", WRITER], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert sum(1 for _ in map(json.loads, process.stdout)) == EVENTS

    job()
    compare(f"{EVENTS:,} messages of one node, to JSON over a pipe", job, pipe, 1.0, pairs=5, each=EVENTS)
    assert Notification is not None


def test_adopting(home: Path, tmp_path: Path) -> None:
    """A hundred running jobs of a killed kernel, until each has an owner again, to reading their logs."""
    gate = tmp_path / "gate"
    with kernel(home, WAITS, str(JOBS), str(gate)) as process:
        ids = [read_id(process) for _ in range(JOBS)]
        logs = [home / "jobs" / job_id / NAME for job_id in ids]
        wait_until(lambda: all(log.exists() and log.stat().st_size > 12_000 for log in logs), 300)
        process.kill()
    start = perf_counter()
    for log in logs:
        LogReader(log).read(limit=LOG)
    floor = perf_counter() - start
    start = perf_counter()
    session = Session(Settings(home=home, max_workflow_threads=JOBS))
    took = perf_counter() - start
    live = session.manager.list_jobs()
    figures = f"{took * 1e3:.0f} ms to {floor * 1e3:.1f} ms"
    print(f"\nadopting {JOBS} jobs: {took / floor:.1f} of the floor's time (goal: at most 10); {figures}")
    gate.touch()
    assert len(live) == JOBS
    assert all(session.find(job_id).wait(120) for job_id in ids)
    session.close()
