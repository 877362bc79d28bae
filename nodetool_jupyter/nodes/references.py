"""What an address refers to: content of its own, a file of the workspace, an asset of the user, a web page.

Whoever owns a job hands ``read_uri`` to its context. Files and hosts are those that nodes may reach anyway.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.reading import STORAGE
from nodetool_jupyter.nodes import files
from nodetool_jupyter.nodes.matching import shortened
from nodetool_jupyter.values import convert

T = TypeVar("T")
POLL = 0.05
"""Seconds after which a wait looks whether the node is told to stop."""


def read_uri(context: ProcessingContext, uri: str) -> bytes:
    """See ProcessingContext.read_uri."""
    if uri.startswith(STORAGE):
        return context.services.assets.read(_name(uri))
    match urlsplit(uri).scheme.lower():
        case "asset":
            return context.services.assets.read(_name(uri[len("asset:") :]))
        case "http" | "https":
            from nodetool_jupyter.nodes import web

            return _awaited(web.read(context, uri)).content
        case "file":
            return files.read_bytes(files.existing_file(context.workspace, convert.to_path(uri)))
        case "data":
            return convert.read_uri(uri)
        case _:
            raise ValueError(
                f"{shortened(uri)} is no address that is read here: those begin with asset://, data:, "
                f"file://, http://, https:// or {STORAGE}"
            )


def _name(address: str) -> str:
    """The name of an asset's file, at the end of its address."""
    return unquote(address.partition("?")[0].rstrip("/").rpartition("/")[2])


def _awaited(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine, on a loop and in a thread of its own: this one may have a loop that runs.
    The wait wakes up again and again, so that it can be interrupted.
    """
    result: Future[T] = Future()
    cancel = threading.Event()

    async def run() -> T:
        task = asyncio.ensure_future(work)
        while not task.done():
            if cancel.is_set():
                task.cancel()
            await asyncio.wait({task}, timeout=POLL)
        return task.result()

    def run_thread() -> None:
        try:
            result.set_result(asyncio.run(run()))
        except BaseException as error:  # noqa: BLE001 - it is raised again where the result is asked for
            result.set_exception(error)

    thread = threading.Thread(target=run_thread, name="nodetool-read", daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(POLL)
    finally:
        cancel.set()
    return result.result()
