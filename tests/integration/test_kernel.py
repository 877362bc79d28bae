"""Cells in real kernels, as a front end drives them: interrupts, background jobs, what is displayed."""

from __future__ import annotations

import os
import queue
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

import nbclient
import nbformat
import pytest
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import KernelManager

from tests.support import wait_until

pytestmark = pytest.mark.kernel

PATIENCE = 60.0
RUN_TYPE = "application/vnd.nodetool.run+json"
SETUP = """
%load_ext nodetool_jupyter
import asyncio
from pathlib import Path
from nodetool_jupyter import node

@node
def shout(text: str) -> str:
    return text.upper()

@node
def fail(text: str) -> str:
    raise ValueError(f"no {text}")

@node
async def hang(path: str) -> str:
    Path(path).touch()
    await asyncio.sleep(3600)
    return "never"

@node
async def wait_for(path: str) -> str:
    print("waiting")
    while not Path(path).exists():
        await asyncio.sleep(0.01)
    return "there"

@node
async def resist(path: str) -> str:
    Path(path).touch()
    while not Path(path + ".end").exists():
        try:
            await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            Path(path + ".cancelled").touch()
    return "late"
"""


@dataclass
class Reply:
    """What came back for one cell. ``outputs`` are the messages of IOPub, with their types."""

    content: dict[str, Any]
    outputs: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    @property
    def status(self) -> str:
        return str(self.content["status"])

    def data(self, kind: str) -> list[dict[str, Any]]:
        """The MIME bundles of one type of message."""
        return [content["data"] for name, content in self.outputs if name == kind]

    @property
    def text(self) -> str:
        """What was printed, and the lines of the error."""
        printed = [content["text"] for name, content in self.outputs if name == "stream"]
        return "".join(printed) + "\n".join(self.content.get("traceback", ()))


class Kernel:
    """A kernel and its client, with the extension loaded."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self.manager = manager
        self.client = client

    def send(self, code: str) -> str:
        """Queue a cell; the id of its request."""
        return self.client.execute(code, stop_on_error=True)

    def reply(self, request: str) -> Reply:
        """Wait for the end of a cell, with all that it displayed until the kernel was idle again."""
        while (message := self.client.get_shell_msg(timeout=PATIENCE))["parent_header"].get(
            "msg_id"
        ) != request:
            continue
        reply = Reply(message["content"])
        if reply.status != "aborted":
            self._collect(request, reply)
        return reply

    def _collect(self, request: str, reply: Reply) -> None:
        while True:
            message = self.client.get_iopub_msg(timeout=PATIENCE)
            if message["parent_header"].get("msg_id") != request:
                continue
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                return
            reply.outputs.append((message["msg_type"], message["content"]))

    def run(self, code: str) -> Reply:
        """Run a cell to its end."""
        return self.reply(self.send(code))

    def interrupt(self) -> None:
        """What the stop button does."""
        self.manager.interrupt_kernel()

    def wait_for_message(self, matches: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The next message of IOPub that matches, whichever cell it belongs to."""
        deadline = monotonic() + PATIENCE
        while monotonic() < deadline:
            try:
                message: dict[str, Any] = self.client.get_iopub_msg(timeout=1)
            except queue.Empty:
                continue
            if matches(message):
                return message
        raise AssertionError("no such message came")

    def value(self, expression: str) -> str:
        """The repr of an expression in the kernel."""
        reply = self.run(expression)
        assert reply.status == "ok", reply.text
        return str(reply.data("execute_result")[0]["text/plain"])


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """One kernel for the tests of this module, with a store of its own."""
    home = tmp_path_factory.mktemp("kernel")
    manager = KernelManager(kernel_name="python3")
    environment = {**os.environ, "NODETOOL_HOME": str(home), "NODETOOL_CANCEL_GRACE": "30"}
    manager.start_kernel(env=environment)
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=PATIENCE)
        kernel = Kernel(manager, client)
        assert kernel.run(SETUP).status == "ok"
        yield kernel
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()
        manager.context.destroy(linger=0)


def test_interrupt_cancels_the_job_and_stops_the_cells_behind(kernel: Kernel, tmp_path: Path) -> None:
    """The cell ends with JobCancelled, the job is cancelled in the store, and "Run all" goes no further."""
    started = tmp_path / "started"
    first = kernel.send(f"%%nodetool --name long -o kept\nhang(path={str(started)!r})")
    second = kernel.send("behind = True")
    wait_until(started.exists, PATIENCE)
    kernel.interrupt()
    reply = kernel.reply(first)
    assert (reply.status, reply.content.get("ename")) == ("error", "JobCancelled")
    assert "Traceback" not in reply.text
    assert kernel.reply(second).status == "aborted"
    assert kernel.value("'behind' in globals(), 'kept' in globals()") == "(False, False)"
    assert "cancelled" in kernel.run("%nodetool status long").data("display_data")[0]["text/plain"]


def test_second_interrupt_ends_the_waiting(kernel: Kernel, tmp_path: Path) -> None:
    """A node that resists holds the cell no longer than the user wants; the job says what it is."""
    started = tmp_path / "started"
    cell = kernel.send(f"%%nodetool --name stubborn\nresist(path={str(started)!r})")
    wait_until(started.exists, PATIENCE)
    kernel.interrupt()
    wait_until((tmp_path / "started.cancelled").exists, PATIENCE)
    kernel.interrupt()
    reply = kernel.reply(cell)
    assert reply.content.get("ename") == "JobCancelled"
    assert "no longer waits" in reply.text
    (tmp_path / "started.end").touch()
    kernel.run("from nodetool_jupyter.session import get_session")
    assert kernel.value("get_session().find('stubborn').wait(30)") == "True"


def test_interrupt_of_a_look_leaves_the_job_alone(kernel: Kernel, tmp_path: Path) -> None:
    """Who follows a background job's log and stops that has not cancelled the job."""
    go = tmp_path / "go"
    assert kernel.run(f"%%nodetool -b -o job\nwait_for(path={str(go)!r})").status == "ok"
    following = kernel.send("%nodetool logs --follow")
    kernel.wait_for_message(
        lambda message: message["msg_type"] == "stream" and "waiting" in message["content"]["text"]
    )
    kernel.interrupt()
    reply = kernel.reply(following)
    assert reply.content.get("ename") == "Interrupted"
    assert "goes on; %nodetool cancel" in reply.text
    assert kernel.value("job.status.value") == "'running'"
    go.touch()
    assert kernel.value("job.result(30)") == "'there'"


def end_of(kernel: Kernel, name: str) -> dict[str, Any]:
    """The end state of a job that takes the place of its live view."""
    message = kernel.wait_for_message(
        lambda message: (
            message["msg_type"] == "update_display_data"
            and message["content"]["data"].get(RUN_TYPE, {}).get("name") == name
        )
    )
    data: dict[str, Any] = message["content"]["data"]
    return data


def test_background_job_runs_on_and_shows_its_end(kernel: Kernel, tmp_path: Path) -> None:
    """The cell returns at once, the next one runs, and the end state takes the live view's place."""
    go = tmp_path / "go"
    reply = kernel.run(f"%%nodetool -b -o job --name later\nwait_for(path={str(go)!r})")
    assert reply.status == "ok"
    assert kernel.value("job.status.value") in ("'starting'", "'running'")
    go.touch()
    assert "later: completed" in end_of(kernel, "later")["text/plain"]


def test_attach_shows_a_running_job_again(kernel: Kernel, tmp_path: Path) -> None:
    """And returns at once; also where its own cell showed nothing."""
    go = tmp_path / "go"
    kernel.run(f"%%nodetool -b -o job --name shy --progress none\nwait_for(path={str(go)!r})")
    assert kernel.run("%nodetool attach shy").status == "ok"
    assert kernel.value("job.status.value") in ("'starting'", "'running'")
    go.touch()
    assert "shy: completed" in end_of(kernel, "shy")["text/plain"]


def test_interrupt_while_the_graph_is_built(kernel: Kernel) -> None:
    """The user's own loop in a body is broken off; one line says that nothing has run."""
    cell = kernel.send("%%nodetool\nprint('building', flush=True)\nwhile True:\n    pass")
    kernel.wait_for_message(lambda message: message["msg_type"] == "stream")
    kernel.interrupt()
    reply = kernel.reply(cell)
    assert reply.content["ename"] == "Interrupted"
    assert reply.content["traceback"] == [
        "KeyboardInterrupt: the cell was interrupted while it built its graph; nothing has run"
    ]


def test_cell_shows_the_same_each_time(kernel: Kernel) -> None:
    """What nbval compares is the same in each run that goes the same way."""
    replies = [kernel.run("%%nodetool --name same\nshout(text=shout(text='a'))") for _ in range(2)]
    shown = [(reply.data("display_data"), reply.data("execute_result")) for reply in replies]
    assert shown[0] == shown[1]
    assert shown[0][1] == [{"text/plain": "'A'"}]
    assert shown[0][0][-1][RUN_TYPE]["outputs"] == {"result": 1}


def test_failed_cell_keeps_the_variable_and_is_short(kernel: Kernel) -> None:
    """Three lines, not a traceback; the variable has what it had."""
    kernel.run("%%nodetool -o kept\nshout(text='a')")
    reply = kernel.run("%%nodetool -o kept\nfail(text='b')")
    assert reply.content["ename"] == "NodeError"
    assert reply.content["traceback"] == [
        "NodeError: node fail_1 (notebook.fail): ValueError: no b",
        "  → %nodetool traceback shows the rest",
    ]
    assert kernel.value("kept, _") == "('A', 'A')"


def test_options_complete_in_a_kernel(kernel: Kernel) -> None:
    """By the protocol, as Tab does it."""
    code = "%%nodetool --progress w"
    kernel.client.complete(code, len(code))
    content = kernel.client.get_shell_msg(timeout=PATIENCE)["content"]
    assert (content["matches"], content["cursor_start"]) == (["widget"], len(code) - 1)


def test_failed_cell_stops_a_program_that_runs_notebooks(tmp_path: Path) -> None:
    """nbclient, and with it papermill and nbconvert, see a failed job as a failed cell."""
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [
        nbformat.v4.new_code_cell(SETUP),
        nbformat.v4.new_code_cell("%%nodetool\nfail(text='x')"),
        nbformat.v4.new_code_cell("'never'"),
    ]
    client = nbclient.NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(tmp_path)}})
    with pytest.raises(nbclient.exceptions.CellExecutionError, match="no x"):
        client.execute()
    assert notebook.cells[2].execution_count is None
