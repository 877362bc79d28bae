"""Nodes that tests of cancelling stop, and the moments at which they do."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from nodetool_jupyter.engine.context import NodeCancelled, ProcessingContext
from nodetool_jupyter.engine.function import NodeFunction, node
from nodetool_jupyter.model.events import Event, LogUpdate


def printed(event: Event) -> bool:
    """When some node has printed: it is inside of its code."""
    return isinstance(event, LogUpdate)


def all_printed(*node_ids: str) -> Any:
    """When each of these nodes has printed."""
    left = set(node_ids)

    def when(event: Event) -> bool:
        if isinstance(event, LogUpdate):
            left.discard(event.node_id)
        return not left

    return when


class Stops:
    """Notes of nodes about how they ended."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.release = threading.Event()

    def coroutine(self) -> NodeFunction[..., Any]:
        @node
        async def coroutine() -> None:
            try:
                print("on")
                await asyncio.Event().wait()
            finally:
                self.notes.append("coroutine")

        return coroutine

    def busy_thread(self) -> NodeFunction[..., Any]:
        @node
        def busy_thread() -> None:
            print("on")
            try:
                while True:
                    sum(range(100))
            finally:
                self.notes.append("thread")

        return busy_thread

    def careful_thread(self) -> NodeFunction[..., Any]:
        @node
        def careful_thread(context: ProcessingContext) -> None:
            print("on")
            try:
                while True:
                    context.raise_if_cancelled()
            except NodeCancelled:
                self.notes.append("careful")
                raise

        return careful_thread

    def stuck_thread(self) -> NodeFunction[..., Any]:
        """Waits in C, where no interrupt reaches it."""

        @node
        def stuck_thread() -> None:
            print("on")
            try:
                self.release.wait()
            finally:
                self.notes.append("stuck")

        return stuck_thread
