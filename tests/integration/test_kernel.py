"""Cells in real kernels, as a front end drives them: interrupts, background jobs, what is displayed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest

from tests.integration.live_kernel import PATIENCE, Kernel, open_kernel
from tests.support import wait_until

pytestmark = pytest.mark.kernel

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


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """One kernel for the tests of this module, with a store of its own."""
    with open_kernel(tmp_path_factory.mktemp("kernel")) as kernel:
        assert kernel.run(SETUP).status == "ok"
        yield kernel


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
