"""Real kernels, as a front end drives them."""

from __future__ import annotations

import os
import queue
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import KernelManager

PATIENCE = 60.0


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


@contextmanager
def open_kernel(folder: Path, home: Path | None = None) -> Iterator[Kernel]:
    """A kernel in ``folder``, with a store of its own there."""
    manager = KernelManager(kernel_name="python3")
    environment = {**os.environ, "NODETOOL_HOME": str(home or folder / "home"), "NODETOOL_CANCEL_GRACE": "30"}
    manager.start_kernel(env=environment, cwd=str(folder))
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=PATIENCE)
        yield Kernel(manager, client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()
        manager.context.destroy(linger=0)
