"""What there is here: versions, strategies, node types."""

from __future__ import annotations

import platform
import subprocess
import sys
import threading
from typing import Any

from jupyter_server import __version__ as server_version
from jupyter_server.auth.decorator import authorized
from pydantic_core import from_json
from tornado import web

from nodetool_jupyter.errors import NodeToolError, StrategyError
from nodetool_jupyter.model.peers import differ, version_here
from nodetool_jupyter.server.backend import Backend, check_strategy
from nodetool_jupyter.server.base import Handler
from nodetool_jupyter.strategies.registry import load_strategy, strategy_names
from nodetool_jupyter.worker.wire import PROTOCOL

API = 1
"""Raised when a client that knows the one before would misread an answer."""
PAGE = 100
LARGEST_PAGE = 2000
PATIENCE = 120.0

_lock = threading.Lock()
_catalog: list[dict[str, Any]] = []


class HealthHandler(Handler):
    """Who answers here, and what it can do."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """The server's versions, and whether they fit those of the client that asks."""
        client, api = self.get_query_argument("client", ""), self.number("api", API, 10**6)
        health = await self.run(_health, self.backend)
        self.answer({**health, "mismatch": mismatch(client, api)})


class NodesHandler(Handler):
    """The node types of the library."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Those that match all words of ``query``."""
        words = self.get_query_argument("query", "").lower().split()
        offset = self.number("offset", 0, 10**6)
        limit = self.number("limit", PAGE, LARGEST_PAGE)
        self.answer(await self.run(_search, words, offset, limit))


def mismatch(client: str, api: int) -> str | None:
    """Why this client and this server don't fit together; None where they do."""
    if api != API:
        older = "this page" if api < API else "the server"
        return f"the server's interface has version {API}, this page knows {api}: upgrade {older}"
    if client and differ(client, version_here()):
        return (
            f"nodetool_jupyter is {version_here()} in the server and {client[:40]} in this page: "
            "restart the server and reload the page"
        )
    return None


def _health(backend: Backend) -> dict[str, Any]:
    session = backend.session
    return {
        "version": version_here(),
        "api": API,
        "protocol": PROTOCOL,
        "python": platform.python_version(),
        "jupyter_server": server_version,
        "store": session.settings.store,
        "others": [peer.version for peer in session.peers() if not peer.is_server],
        "strategies": [_strategy(backend, name) for name in strategy_names()],
    }


def _strategy(backend: Backend, name: str) -> dict[str, Any]:
    try:
        check_strategy(name)
        strategy = load_strategy(name).from_settings(backend.session.settings)
    except StrategyError as error:
        return {"name": name, "available": False, "sentence": error.message}
    try:
        fingerprint = strategy.fingerprint()
    finally:
        strategy.close(0)
    return {"name": name, "available": fingerprint.available, "sentence": fingerprint.sentence}


def _search(words: list[str], offset: int, limit: int) -> dict[str, Any]:
    found = [node for node in _all_nodes() if all(word in _text(node) for word in words)]
    return {"nodes": found[offset : offset + limit], "total": len(found)}


def _text(node: dict[str, Any]) -> str:
    return f"{node['node_type']} {node['title']} {node['description']}".lower()


def _all_nodes() -> list[dict[str, Any]]:
    """Read once, by a process of its own: the libraries that the nodes import would stay in the server."""
    with _lock:
        if not _catalog:
            command = [sys.executable, "-m", "nodetool_jupyter.server.catalog"]
            try:
                done = subprocess.run(command, capture_output=True, check=True, timeout=PATIENCE)  # noqa: S603 - ours
            except (OSError, subprocess.SubprocessError) as error:
                raise NodeToolError(
                    f"the node types can't be listed: {error}", hint="%nodetool nodes"
                ) from error
            _catalog.extend(from_json(done.stdout))
        return _catalog
