"""Jobs that a test lets through: their nodes wait at gates, and note when they begin and end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from nodetool_jupyter.engine.context import NodeCancelled, ProcessingContext
from nodetool_jupyter.engine.function import node
from nodetool_jupyter.job import Job
from nodetool_jupyter.session import Session
from tests.support import wait_until
from tests.unit.engine.support import Input, Out, graph

DEADLINE = 60.0
Open = Callable[..., Session]
"""Opens a session with these settings, and perhaps a store."""


class Gates:
    """Nodes that a test lets through, by name, and the order in which they ran."""

    def __init__(self) -> None:
        self.open: dict[str, threading.Event] = {}
        self.begun: list[str] = []
        self.ended: list[str] = []

        @node
        def passes(name: str) -> str:
            self.begun.append(name)
            try:
                while not self.gate(name).wait(0.005):
                    pass
            finally:
                self.ended.append(name)
            return name

        @node
        def is_stuck(name: str) -> str:
            self.begun.append(name)
            while not self.gate(name).is_set():
                try:
                    self.gate(name).wait(0.005)
                except NodeCancelled:
                    continue
            return name

        @node
        async def keeps(context: ProcessingContext) -> str:
            (context.temp_folder() / "file").write_text("x", "utf-8")
            return str(context.temp_folder())

        self.kinds = {"passes": passes, "is_stuck": is_stuck, "keeps": keeps, "out": Out, "in": Input}

    def gate(self, name: str) -> threading.Event:
        return self.open.setdefault(name, threading.Event())

    def wait_begun(self, *names: str) -> None:
        wait_until(lambda: set(names) <= set(self.begun), DEADLINE, state=lambda: self.begun)


def passing(session: Session, gates: Gates, name: str, **options: Any) -> Job:
    """A job that ends when its gate is opened, with its name as result."""
    nodes = {"p": (gates.kinds["passes"], {"name": name}), "o": Out}
    return session.submit(graph(nodes, "p > o.value"), name=name, **options)
