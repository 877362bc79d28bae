"""Jobs in processes of their own while real kernels are interrupted, restarted and killed around them."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nodetool_jupyter.session import Session
from nodetool_jupyter.settings import Settings
from tests.integration.live_kernel import PATIENCE, Kernel, open_kernel
from tests.support import wait_until
from tests.unit.engine.support import check_events

pytestmark = [pytest.mark.kernel, pytest.mark.only_on("linux")]

SETUP = """
%load_ext nodetool_jupyter
import asyncio, os, signal
from pathlib import Path
from nodetool_jupyter import node, run

@node
async def waits(path: str) -> str:
    print("waiting")
    number = 0
    while not Path(path).exists():
        print(number)
        number += 1
        await asyncio.sleep(0.01)
    return "there"

@node
def dies(number: int) -> None:
    os.kill(os.getpid(), number)

@node
def speaks() -> str:
    os.write(1, b"past all streams\\x1b[31m\\x07\\n")
    return "said"

@node
def takes(size: int) -> int:
    return len(bytearray(size))
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of all kernels here."""
    return tmp_path_factory.mktemp("kernels")


@contextmanager
def ready_kernel(home: Path) -> Iterator[Kernel]:
    """A kernel that has run the notebook's first cell."""
    with open_kernel(home, home) as kernel:
        assert kernel.run(SETUP).status == "ok"
        yield kernel


@pytest.fixture(scope="module")
def kernel(home: Path) -> Iterator[Kernel]:
    """One kernel for the tests that leave it as it is."""
    with ready_kernel(home) as kernel:
        yield kernel


def begin(kernel: Kernel, home: Path, gate: Path, name: str) -> None:
    """Start a job in the background that runs until there is a gate."""
    cell = f"%%nodetool -b -s subprocess --name {name} --quiet\nwaits(path={str(gate)!r})"
    reply = kernel.run(cell)
    assert reply.status == "ok", reply.text
    session = Session(Settings(home=home))
    job = session.find(name)
    wait_until(lambda: len(job.logs) > 3, PATIENCE)
    session.close()


def renew(kernel: Kernel) -> None:
    """The notebook's first cell again, in a kernel that is new."""
    kernel.client.wait_for_ready(timeout=PATIENCE)
    assert kernel.run(SETUP).status == "ok"


def check_end(kernel: Kernel, home: Path, gate: Path, name: str) -> None:
    """The kernel of now has the job's result, and not one message was lost or came twice."""
    gate.touch()
    assert kernel.run(f"%nodetool result {name}").data("execute_result")[0]["text/plain"] == "'there'"
    session = Session(Settings(home=home))
    job = session.find(name)
    check_events(list(job.events()))
    lines = [log.content for log in job.logs]
    assert lines == ["waiting", *map(str, range(len(lines) - 1))]
    session.close()


def test_interrupt(kernel: Kernel, home: Path, tmp_path: Path) -> None:
    """The stop button ends the cell; a job in the background goes on."""
    begin(kernel, home, tmp_path / "gate", "interrupted")
    busy = kernel.send("import time\nprint('busy', flush=True)\nfor _ in range(600): time.sleep(0.1)")
    kernel.wait_for_message(lambda message: message["msg_type"] == "stream")
    kernel.interrupt()
    assert kernel.reply(busy).content["ename"] == "KeyboardInterrupt"
    check_end(kernel, home, tmp_path / "gate", "interrupted")


def test_restarts(home: Path, tmp_path: Path) -> None:
    """By the button, or by the server after a crash: the next kernel has the job."""
    with ready_kernel(home) as kernel:
        for way in ("button", "kill"):
            begin(kernel, home, tmp_path / way, way)
            if way == "kill":
                kernel.manager.signal_kernel(signal.SIGKILL)
            kernel.manager.restart_kernel(now=way != "button")
            renew(kernel)
            listed = kernel.run("%nodetool jobs --status running")
            assert way in listed.data("display_data")[0]["text/plain"]
            check_end(kernel, home, tmp_path / way, way)


def test_two_kernels(kernel: Kernel, home: Path, tmp_path: Path) -> None:
    """Another process sees the job and cancels it; both tell the same."""
    begin(kernel, home, tmp_path / "gate", "shared")
    session = Session(Settings(home=home))
    job = session.find("shared")
    assert job.cancel()
    assert job.wait(PATIENCE)
    assert not job.cancel()
    assert "cancelled" in kernel.run("%nodetool cancel shared").text
    session.close()


def test_a_dying_worker(kernel: Kernel) -> None:
    """The kernel is untouched, and the cell says what became of the worker in a few lines."""
    reply = kernel.run("%%nodetool -s subprocess\ndies(number=9)")
    assert reply.status == "error"
    assert "signal 9 (SIGKILL), possibly out of memory" in reply.text
    assert "Traceback" not in reply.text
    reply = kernel.run("%%nodetool -s subprocess\ndies(number=11)")
    assert "signal 11 (SIGSEGV)" in reply.text
    assert "Segmentation fault" in kernel.run("%nodetool traceback").text
    assert kernel.value("1 + 1") == "2"


def test_memory(kernel: Kernel) -> None:
    """By the option and by the argument."""
    reply = kernel.run("%%nodetool --memory 300m -s subprocess\ntakes(size=500_000_000)")
    assert "limit memory of 300 MiB" in reply.text
    assert "--memory" in reply.text
    code = "try: run({graph}, strategy='subprocess', memory='300m')\nexcept Exception as e: print(e)"
    graph = "{'nodes': [{'id': 'n', 'type': takes.spec.type, 'data': {'size': 5 * 10**8}}], 'edges': []}"
    assert "limit memory of 300 MiB" in kernel.run(code.replace("{graph}", graph)).text


def test_logs_show_what_the_process_wrote(kernel: Kernel) -> None:
    """After what the nodes printed, without what would act on a terminal."""
    kernel.run("%%nodetool -s subprocess --quiet --name speaking\nspeaks()")
    assert "(process) │ past all streams\n" in kernel.run("%nodetool logs speaking").text
    assert "(process) │ past all streams\n" in kernel.run("%nodetool logs speaking --follow").text
