"""Requests to the web for the nodes that make them; who may be asked is decided here and nowhere else.

A workflow may come from anyone, so it reaches public addresses only: a host's name is resolved once, all of
its addresses are checked, and the connection goes to one of those. Each redirect is checked likewise. Hosts
that the setting ``NODETOOL_HTTP_ALLOWED_HOSTS`` names are excepted.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.nodes.matching import shortened
from nodetool_jupyter.nodes.packages import need

if TYPE_CHECKING:
    import httpx

MAX_BYTES = 64 * 2**20
MAX_REDIRECTS = 10
MAX_SECONDS = 120.0
SECONDS_TO_CONNECT = 10.0
SECONDS_OF_SILENCE = 30.0
PORTS = {"http": 80, "https": 443}
VARIABLE = "NODETOOL_HTTP_ALLOWED_HOSTS"
HEADERS = {"user-agent": "nodetool-jupyter", "accept": "*/*"}
# A v4 address within a v6 one is reached by the networks that translate it.
TRANSLATED = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Unsuccessful(ValueError):
    """A server answered, and with no success."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered in the end."""

    url: str
    status: int
    headers: Mapping[str, str]
    content: bytes
    encoding: str

    def text(self) -> str:
        return self.content.decode(self.encoding, "replace")


async def request(
    context: ProcessingContext,
    method: str,
    url: str,
    content: bytes | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    seconds: float = MAX_SECONDS,
) -> Answer:
    """The answer to a request, after its redirects; ValueError where it can't be had or isn't a success."""
    need("httpx", "httpx", "http")
    try:
        async with asyncio.timeout(seconds):
            answer = await _followed(context, method, url, content, {**HEADERS, **(headers or {})})
    except TimeoutError:
        raise ValueError(f"{shortened(url)} took longer than {seconds:g} s") from None
    if answer.status >= 400:
        raise Unsuccessful(
            f"{method} {shortened(url)} was answered with the status {answer.status}", answer.status
        )
    return answer


async def read(context: ProcessingContext, url: str, *, seconds: float = MAX_SECONDS) -> Answer:
    """What is at an address."""
    return await request(context, "GET", url, seconds=seconds)


async def _followed(
    context: ProcessingContext, method: str, url: str, content: bytes | None, headers: dict[str, str]
) -> Answer:
    import httpx

    for _ in range(MAX_REDIRECTS + 1):
        answer = await _once(context, method, url, content, headers)
        location = answer.headers.get("location")
        if location is None or answer.status not in (301, 302, 303, 307, 308):
            return answer
        try:
            url = str(httpx.URL(url).join(location))
        except httpx.InvalidURL as error:
            raise ValueError(f"{shortened(url)} redirects to no address: {error}") from None
        if answer.status not in (307, 308) and method != "HEAD":
            method, content = "GET", None
    raise ValueError(f"{shortened(url)} redirects more than {MAX_REDIRECTS} times")


async def _once(
    context: ProcessingContext, method: str, url: str, content: bytes | None, headers: dict[str, str]
) -> Answer:
    """One request, to one checked address; the server sees and proves the name that was asked for."""
    import httpx

    target = parsed(url)
    addresses = await allowed_addresses(context, target)
    timeout = httpx.Timeout(SECONDS_OF_SILENCE, connect=SECONDS_TO_CONNECT)
    # No proxy of the environment: it would resolve names itself, behind the check.
    async with httpx.AsyncClient(timeout=timeout, verify=_tls(), trust_env=False) as client:
        for number, address in enumerate(addresses):
            pinned = client.build_request(
                method,
                target.copy_with(host=address),
                content=content,
                headers={**headers, "host": target.netloc.decode("ascii")},
                extensions={"sni_hostname": target.raw_host.decode("ascii")},
            )
            try:
                return await _answer(client, pinned, target)
            except httpx.ConnectError as error:
                if number == len(addresses) - 1:
                    raise ValueError(f"{shortened(url)} can't be reached: {error}") from None
            except httpx.HTTPError as error:
                raise ValueError(f"{shortened(url)} failed: {str(error) or type(error).__name__}") from None
    raise AssertionError("a host has an address")


@cache
def _tls() -> ssl.SSLContext:
    """The authorities that are trusted; to read them takes longer than many a request."""
    import httpx

    return httpx.create_ssl_context()


async def _answer(client: httpx.AsyncClient, pinned: httpx.Request, target: httpx.URL) -> Answer:
    response = await client.send(pinned, stream=True)
    try:
        parts: list[bytes] = []
        size = 0
        async for part in response.aiter_bytes(64 * 1024):
            size += len(part)
            if size > MAX_BYTES:
                raise ValueError(f"{shortened(str(target))} sends more than {MAX_BYTES // 2**20} MiB")
            parts.append(part)
    finally:
        await response.aclose()
    encoding = response.encoding or "utf-8"
    return Answer(str(target), response.status_code, dict(response.headers), b"".join(parts), encoding)


def parsed(url: str) -> httpx.URL:
    """The address; ValueError unless it is one of http or https with a host."""
    import httpx

    try:
        target = httpx.URL(url.strip())
    except httpx.InvalidURL as error:
        raise ValueError(f"{shortened(url)} is no address: {error}") from None
    if target.scheme not in PORTS or not target.host:
        raise ValueError(f"{shortened(url)} is no address that begins with http:// or https://")
    return target


async def allowed_addresses(context: ProcessingContext, target: httpx.URL) -> list[str]:
    """The addresses of a host; ValueError if one of them isn't public and no setting allows the host."""
    host = target.raw_host.decode("ascii").lower()
    port = target.port or PORTS[target.scheme]
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ValueError(f"the host {host!r} isn't known: {error}") from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if is_allowed(context, host, port):
        return addresses
    for address in addresses:
        if not is_public(ipaddress.ip_address(address)):
            raise ValueError(
                f"the host {host!r} has the address {address}, which is not public, so workflows don't reach "
                f"it; whoever runs them may allow it by the environment variable {VARIABLE}={host}:{port}"
            )
    return addresses


def is_allowed(context: ProcessingContext, host: str, port: int) -> bool:
    """Whether the setting names the host, with this port or with none."""
    name = f"[{host}]" if ":" in host else host
    return not {name, f"{name}:{port}"}.isdisjoint(context.services.allowed_hosts)


def is_public(address: Address) -> bool:
    """Whether an address, and the one that it may stand for, is of the public internet."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if address in TRANSLATED:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        if address.is_site_local:
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


async def json_object(answer: Answer) -> dict[str, Any]:
    """The JSON object that a server answered with; read beside the loop, since it may be large."""
    where = shortened(answer.url)
    try:
        value = await asyncio.to_thread(json.loads, answer.content)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the answer of {where} is no JSON: {error}") from None
    if isinstance(value, dict):
        return value
    found = type(value).__name__
    raise ValueError(f"expected a JSON object from {where}, found a {found}; use GetRequest and ParseJSON")


def file_name(answer: Answer, default: str) -> str:
    """A name for what was loaded, from the end of its address; without anything that leads elsewhere."""
    name = urlsplit(answer.url).path.rpartition("/")[2]
    safe = "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in name)
    return safe.lstrip(".")[:100] or default
