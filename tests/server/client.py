"""A client of the server under test. What it gets is validated against openapi.yaml, whatever the test."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import yaml
from jsonschema import Draft202012Validator
from jupyter_server.serverapp import ServerApp
from tornado.httpclient import AsyncHTTPClient, HTTPResponse

from nodetool_jupyter.server.backend import Backend
from nodetool_jupyter.server.base import SETTING
from nodetool_jupyter.server.extension import ROOT
from nodetool_jupyter.server.routes import ROUTES
from tests.architecture.tree import PACKAGE

PATIENCE = 20.0


@cache
def openapi() -> Any:
    """The description of the interface."""
    return yaml.safe_load((PACKAGE / "server" / "openapi.yaml").read_text("utf-8"))


@dataclass
class Answer:
    """What came back."""

    status: int
    body: Any
    headers: Any


class Client:
    """Asks as the user that has the token. ``run`` lets the server's loop go on until something is done."""

    def __init__(self, app: ServerApp, port: int, loop: asyncio.AbstractEventLoop) -> None:
        self.app = app
        self.root = f"http://127.0.0.1:{port}{app.base_url.rstrip('/')}{ROOT}"
        self.loop = loop

    @property
    def token(self) -> dict[str, str]:
        return {"Authorization": f"token {self.app.identity_provider.token}"}

    @property
    def backend(self) -> Backend:
        backend: Backend = self.app.web_app.settings[SETTING]
        return backend

    def get(self, path: str, **options: Any) -> Answer:
        return self.ask("GET", path, **options)

    def post(self, path: str, value: Any = None, **options: Any) -> Answer:
        body = b"" if value is None else json.dumps(value).encode()
        return self.ask("POST", path, body=body, **options)

    def ask(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, body: bytes | None = None
    ) -> Answer:
        """One request; ``headers`` take the place of token and content type."""
        if headers is None:
            headers = {**self.token, **({"Content-Type": "application/json"} if body else {})}
        response = self.run(self._fetch(method, path, headers, body))
        return checked(method, path.partition("?")[0], response)

    async def _fetch(
        self, method: str, path: str, headers: dict[str, str], body: bytes | None
    ) -> HTTPResponse:
        client = AsyncHTTPClient(force_instance=True)
        try:
            return await client.fetch(
                self.root + path,
                method=method,
                headers=headers,
                body=body,
                raise_error=False,
                request_timeout=PATIENCE,
                follow_redirects=False,
            )
        finally:
            client.close()

    @asynccontextmanager
    async def stream(self, query: str = "", *, buffer: int = 2**24, **headers: str) -> AsyncIterator[Stream]:
        """Open ``/events`` over a connection of its own, as a browser does."""
        address = urlsplit(self.root)
        reader, writer = await asyncio.open_connection(address.hostname, address.port, limit=buffer)
        lines = [f"GET {address.path}/events{query} HTTP/1.1", f"Host: {address.netloc}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in {**self.token, **headers}.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        stream = Stream(reader)
        try:
            stream.headers = (await reader.readuntil(b"\r\n\r\n")).decode()
            yield stream
        finally:
            writer.close()

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(asyncio.wait_for(work, 2 * PATIENCE))

    def wait(self, condition: Callable[[], Any]) -> Any:
        """The condition's value once it is true, while the server goes on."""

        async def wait() -> Any:
            while not (value := condition()):  # noqa: ASYNC110 - no event tells
                await asyncio.sleep(0.01)
            return value

        return self.run(wait())


@dataclass
class Sent:
    """One server-sent event."""

    kind: str
    data: Any
    place: str = ""


class Stream:
    """An open stream; ``next`` waits for one event, passing over comments, which are counted."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self.headers = ""
        self.comments = 0

    async def next(self) -> Sent:
        fields: dict[str, str] = {}
        while True:
            line = (await asyncio.wait_for(self._line(), PATIENCE)).decode().rstrip("\n")
            if line.startswith(":"):
                self.comments += 1
            elif line:
                name, _, value = line.partition(": ")
                fields[name] = value
            elif "data" in fields:
                return Sent(fields["event"], json.loads(fields["data"]), fields.get("id", ""))

    async def _line(self) -> bytes:
        """A line of the body. Lines of chunk sizes are hexadecimal digits with a carriage return."""
        while True:
            line = await self._reader.readline()
            if line in (b"", b"0\r\n"):
                raise EOFError
            if not line.endswith(b"\r\n"):
                return line

    async def messages(self, count: int) -> list[Any]:
        """So many messages of jobs at least, whatever else comes."""
        found: list[Any] = []
        while len(found) < count:
            sent = await self.next()
            found += sent.data if sent.kind == "messages" else []
            self.place = sent.place or self.place
        return found

    place = ""


def checked(method: str, path: str, response: HTTPResponse) -> Answer:
    """The answer, if it is one that openapi.yaml has for its route; a login's refusals come from Jupyter."""
    kind = response.headers.get("Content-Type", "")
    body = json.loads(response.body) if kind.startswith("application/json") else response.body
    answer = Answer(response.code, body, response.headers)
    if template := template_of(path):
        validate(template, method, answer, kind)
    return answer


def template_of(path: str) -> str | None:
    """The route that answers there; tornado compares with the path as it was sent."""
    return next((route.path for route in ROUTES if re.fullmatch(route.pattern, path)), None)


def validate(template: str, method: str, answer: Answer, kind: str) -> None:
    operation = openapi()["paths"][template][method.lower()]
    known = operation["responses"].get(str(answer.status)) or operation["responses"]["default"]
    if "$ref" in known:
        known = openapi()["components"]["responses"][known["$ref"].rpartition("/")[2]]
    content = known["content"]
    assert kind.partition(";")[0] in content or "*/*" in content, (template, answer.status, kind)
    schema = content.get(kind.partition(";")[0], {}).get("schema")
    if schema is not None and kind.startswith("application/json"):
        Draft202012Validator({**schema, "components": openapi()["components"]}).validate(answer.body)
