"""A web server of our own for nodes that make requests."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

PAGES: dict[str, tuple[str, bytes]] = {
    "/text": ("text/plain; charset=latin-1", "Grüße".encode("latin-1")),
    "/object": ("application/json", b'{"a": [1, null]}'),
    "/list": ("application/json", b"[1]"),
    "/broken": ("application/json", b"{"),
    "/table.csv": ("text/csv", b"a,b\n1,x\n2,y\n"),
    "/files/page%20one.html": ("text/html", b"<h1>Hi</h1>"),
    "/feed": ("application/rss+xml", b"<rss/>"),
}


class Handler(BaseHTTPRequestHandler):
    """Answers by the path; ``seen`` of the server has what came: method, path, host and body."""

    server: Server

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        self.server.seen.append((self.command, self.path, self.headers["host"], body))
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        answer = getattr(self, f"answer_{parts.path.strip('/')}", None)
        if answer is not None:
            answer(query)
        elif parts.path in self.server.pages:
            self.send(200, *self.server.pages[parts.path])
        else:
            self.send(404, "text/plain", b"no")

    def __getattr__(self, name: str) -> Any:
        """``do_GET`` and the like."""
        if name.startswith("do_"):
            return self.handle_any
        raise AttributeError(name)

    def send(self, status: int, kind: str, content: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"content-type": kind, "content-length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def answer_echo(self, _query: dict[str, str]) -> None:
        method, path, host, body = self.server.seen[-1]
        told = {"method": method, "path": path, "host": host, "body": body.decode()}
        told["type"] = self.headers.get("content-type") or ""
        self.send(200, "application/json", json.dumps(told).encode())

    def answer_redirect(self, query: dict[str, str]) -> None:
        self.send(int(query.get("status", "302")), "text/plain", b"", location=query["to"])

    def answer_loop(self, _query: dict[str, str]) -> None:
        self.send(302, "text/plain", b"", location="/loop")

    def answer_status(self, query: dict[str, str]) -> None:
        self.send(int(query["code"]), "text/plain", b"")

    def answer_nohead(self, _query: dict[str, str]) -> None:
        self.send(405 if self.command == "HEAD" else 200, "text/plain", b"ok")

    def answer_bomb(self, _query: dict[str, str]) -> None:
        packed = gzip.compress(b"\0" * 3 * 2**20)
        self.send(200, "text/plain", packed, **{"content-encoding": "gzip"})

    def answer_slow(self, _query: dict[str, str]) -> None:
        self.send_response(200)
        self.end_headers()
        self.server.closing.wait(20)

    def log_message(self, *_arguments: Any) -> None:
        """Says nothing."""


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.pages = dict(PAGES)
        self.seen: list[tuple[str, str, str, bytes]] = []
        self.closing = threading.Event()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    def url(self, path: str) -> str:
        return f"http://{self.host}{path}"


@contextmanager
def serving() -> Iterator[Server]:
    """A server that runs until the end of the block."""
    with Server() as server:
        thread = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.01}, name="web-server"
        )
        thread.start()
        try:
            yield server
        finally:
            server.closing.set()
            server.shutdown()
            thread.join()
