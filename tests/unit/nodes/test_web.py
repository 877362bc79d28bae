"""Who may be asked by a workflow's nodes, and how much they may answer."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from nodetool_jupyter import run
from nodetool_jupyter.errors import NodeError
from nodetool_jupyter.nodes import web
from nodetool_jupyter.nodes.http import FetchPage, GetRequest, HeadRequest, PostRequest
from nodetool_jupyter.session import close_session
from tests.unit.nodes.servers import Server, serving
from tests.unit.nodes.support import inside, run_node


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


def get(url: str, allowed: str = "") -> Any:
    return run_node(GetRequest, {"url": url}, context=inside(Path(), allowed))


class TestAddresses:
    @pytest.mark.parametrize(
        "address",
        [
            *(
                "127.0.0.1",
                "127.9.9.9",
                "0.0.0.0",
                "10.0.0.1",
                "172.16.0.1",
                "192.168.1.1",
                "169.254.169.254",
            ),
            *("100.64.0.1", "192.0.2.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "198.18.0.1"),
            *("::", "::1", "fe80::1", "fc00::1", "ff02::1", "2001:db8::1", "fec0::1", "4000::1"),
            *(
                "::ffff:127.0.0.1",
                "::ffff:10.0.0.1",
                "64:ff9b::7f00:1",
                "64:ff9b::a9fe:a9fe",
                "2002:7f00:1::",
            ),
        ],
    )
    def test_what_is_not_public(self, address: str) -> None:
        """Of this machine, its network and its cloud; also where a v6 address only stands for one of them."""
        assert not web.is_public(ipaddress.ip_address(address))

    @pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
    def test_what_is_public(self, address: str) -> None:
        assert web.is_public(ipaddress.ip_address(address))

    @pytest.mark.parametrize(
        "host", ["127.0.0.1", "localhost", "127.1", "0x7f.1", "2130706433", "[::1]", "[::ffff:127.0.0.1]"]
    )
    def test_no_spelling_reaches_this_machine(self, server: Server, host: str) -> None:
        """It is the address that counts, and no request is made."""
        before = len(server.seen)
        with pytest.raises(ValueError, match=r"which is not public, so workflows don't reach it|isn't known"):
            get(f"http://{host}:{server.server_address[1]}/text")
        assert len(server.seen) == before

    def test_the_error_says_who_may_allow_it(self, server: Server) -> None:
        with pytest.raises(ValueError, match=f"NODETOOL_HTTP_ALLOWED_HOSTS={server.host}"):
            get(server.url("/text"))

    @pytest.mark.parametrize(
        "url",
        ["", "file:///etc/passwd", "ftp://a.example/", "gopher://x", "a.example/x", "http://"],
    )
    def test_other_schemes(self, url: str) -> None:
        with pytest.raises(ValueError, match="is no address"):
            get(url)

    def test_a_host_that_is_not_there(self) -> None:
        with pytest.raises(ValueError, match=r"the host 'nothing\.invalid' isn't known"):
            get("http://nothing.invalid/")


class TestAllowing:
    def test_by_host_or_by_host_and_port(self, server: Server) -> None:
        assert get(server.url("/text"), "127.0.0.1") == "Grüße"
        assert get(server.url("/text"), f"other.example {server.host}") == "Grüße"
        with pytest.raises(ValueError, match="is not public"):
            get(server.url("/text"), "127.0.0.1:1 localhost")

    @pytest.mark.parametrize("strategy", ["threaded", "subprocess"])
    def test_by_the_environment_and_no_other_way(
        self, server: Server, monkeypatch: pytest.MonkeyPatch, strategy: str
    ) -> None:
        """The setting reaches the nodes of a job, wherever it runs."""
        graph = {
            "nodes": [
                {"id": "get", "type": "lib.http.GetRequest", "data": {"url": server.url("/text")}},
                {"id": "out", "type": "nodetool.output.Output", "data": {"name": "text"}},
            ],
            "edges": [{"source": "get", "sourceHandle": "output", "target": "out", "targetHandle": "value"}],
        }
        close_session()
        with pytest.raises(NodeError, match="is not public"):
            run(graph, strategy=strategy)
        close_session()
        monkeypatch.setenv(web.VARIABLE, server.host)
        assert run(graph, strategy=strategy).result() == "Grüße"
        close_session()


class TestPinning:
    def test_a_name_is_resolved_once(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        """A second look could give another address than the one that was checked."""
        looked: list[str] = []
        real = socket.getaddrinfo

        def resolve(host: str, *arguments: Any, **named: Any) -> Any:
            looked.append(host)
            return real("127.0.0.1" if host == "rebound.example" else host, *arguments, **named)

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        url = f"http://rebound.example:{server.server_address[1]}/echo"
        assert f'"host": "rebound.example:{server.server_address[1]}"' in get(url, "rebound.example")
        assert looked.count("rebound.example") == 1

    def test_the_name_is_told_and_not_the_address(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A server with several names needs it, and its certificate is checked against it."""
        real = socket.getaddrinfo
        monkeypatch.setattr(
            socket, "getaddrinfo", lambda _host, *rest, **named: real("127.0.0.1", *rest, **named)
        )
        greeting = bytearray()
        with socket.create_server(("127.0.0.1", 0)) as listener:

            def listen() -> None:
                connection, _ = listener.accept()
                with connection:
                    greeting.extend(connection.recv(4096))

            thread = threading.Thread(target=listen)
            thread.start()
            with pytest.raises(ValueError, match=r"can't be reached|failed"):
                get(f"https://named.example:{listener.getsockname()[1]}/", "named.example")
            thread.join()
        assert b"named.example" in greeting

    def test_one_address_among_public_ones_is_enough_to_refuse(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Which of them is taken would be chance."""

        def resolve(*_arguments: Any, **_named: Any) -> Any:
            return [(socket.AF_INET, 1, 6, "", (address, 80)) for address in ("8.8.8.8", "10.0.0.1")]

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        with pytest.raises(ValueError, match=r"has the address 10\.0\.0\.1"):
            get("http://mixed.example/")


class TestRedirects:
    def test_they_are_followed_and_checked(self, server: Server) -> None:
        """An allowed or public host can't lead to one that isn't."""
        assert get(server.url("/redirect?to=/text"), server.host) == "Grüße"
        inner = f"http://localhost:{server.server_address[1]}/text"
        with pytest.raises(ValueError, match=r"the host 'localhost' has the address .* which is not public"):
            get(server.url(f"/redirect?to={inner}"), server.host)
        with pytest.raises(ValueError, match="is no address that begins with http"):
            get(server.url("/redirect?to=file:///etc/passwd"), server.host)

    def test_there_are_not_too_many(self, server: Server) -> None:
        with pytest.raises(ValueError, match="redirects more than 10 times"):
            get(server.url("/loop"), server.host)

    @pytest.mark.parametrize(
        ("status", "method", "body"), [(303, "GET", ""), (302, "GET", ""), (307, "POST", "x")]
    )
    def test_what_is_sent_on(self, server: Server, status: int, method: str, body: str) -> None:
        """As browsers do: only 307 and 308 send the text again."""
        post = {"url": server.url(f"/redirect?status={status}&to=/echo"), "data": "x"}
        answer = run_node(PostRequest, post, context=inside(Path(), server.host))
        assert f'"method": "{method}"' in answer
        assert f'"body": "{body}"' in answer

    def test_a_head_stays_one(self, server: Server) -> None:
        run_node(HeadRequest, {"url": server.url("/redirect?to=/text")}, context=inside(Path(), server.host))
        assert [seen[0] for seen in server.seen[-2:]] == ["HEAD", "HEAD"]


class TestBounds:
    def test_size(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        """What counts is what it unpacks to."""
        monkeypatch.setattr(web, "MAX_BYTES", 2**20)
        with pytest.raises(ValueError, match="sends more than 1 MiB"):
            get(server.url("/bomb"), server.host)

    def test_time(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        start = monotonic()
        found = run_node(
            FetchPage, {"url": server.url("/slow"), "wait_time": 0}, context=inside(Path(), server.host)
        )
        assert (found["success"], found["html"]) == (False, "")
        assert "took longer than 1 s" in found["error_message"]
        monkeypatch.setattr(web, "SECONDS_OF_SILENCE", 0.05)
        with pytest.raises(ValueError, match="failed: ReadTimeout"):
            get(server.url("/slow"), server.host)
        assert monotonic() - start < 10

    def test_a_cancel_does_not_wait(self, server: Server) -> None:
        async def cancelled() -> float:
            context = inside(Path(), server.host)
            waiting = asyncio.create_task(web.read(context, server.url("/slow")))
            await asyncio.sleep(0.1)
            start = monotonic()
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            return monotonic() - start

        assert asyncio.run(cancelled()) < 1

    @pytest.mark.parametrize(
        ("path", "message"),
        [
            ("/nothing", "GET 'http://.*/nothing' was answered with the status 404"),
            ("/status?code=500", "status 500"),
        ],
    )
    def test_what_is_no_success_is_an_error(self, server: Server, path: str, message: str) -> None:
        with pytest.raises(web.Unsuccessful, match=message):
            get(server.url(path), server.host)

    def test_a_port_where_no_one_listens(self) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
            with pytest.raises(ValueError, match="can't be reached"):
                get(url, "127.0.0.1")


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://a.example/b/c.txt?d=e", "c.txt"),
        ("http://a.example/", "file"),
        ("http://a.example/..", "file"),
        ("http://a.example/a%2F..%2Fb", "a_2F.._2Fb"),
        ("http://a.example/.hidden", "hidden"),
        ("http://a.example/" + "x" * 300, "x" * 100),
    ],
)
def test_a_name_leads_nowhere_else(url: str, name: str) -> None:
    assert web.file_name(web.Answer(url, 200, {}, b"", "utf-8"), "file") == name
