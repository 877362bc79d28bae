"""Who gets in: nobody without a token, no page of another origin, no other user, nothing that is too much."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jupyter_server.auth import Authorizer, IdentityProvider, User

from nodetool_jupyter.model.job import JobStatus
from nodetool_jupyter.server.base import BODY
from nodetool_jupyter.server.routes import ROUTES
from nodetool_jupyter.session import Session
from tests.server.client import Client
from tests.server.records import SUM, put

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
EVERY = [
    (method, route.path) for route in ROUTES for method in METHODS if method.lower() in vars(route.handler)
]
SIGNED = "/signed/"
"""Where a signature takes the place of a login."""
FILLED = {"{job_id}": "0" * 26, "{name}": "value-0.bin", "{path}": "a.json"}


def filled(path: str) -> str:
    for place, value in FILLED.items():
        path = path.replace(place, value)
    return path


class TestNobody:
    """Requests that no user makes; Jupyter's own switch is left as it comes, which is open."""

    def test_no_token_no_answer(self, client: Client) -> None:
        """Each method of each route, also without the check that Jupyter Server could make for all."""
        assert len(EVERY) == 18
        assert client.app.allow_unauthenticated_access is True
        for method, path in EVERY:
            for headers in ({}, {"Authorization": "token wrong"}):
                body = b"{}" if method == "POST" else None
                answer = client.ask(method, filled(path), headers=headers, body=body)
                assert answer.status == 403, (method, path)

    def test_other_methods_are_refused(self, client: Client) -> None:
        """No route has a method that isn't in its handler; none is open by what it inherits."""
        for route in ROUTES:
            for method in {*METHODS} - {method for method, path in EVERY if path == route.path}:
                body = b"{}" if method in ("POST", "PUT", "PATCH") else None
                status = client.run(client._fetch(method, filled(route.path), {}, body)).code
                assert status in (403, 405), (method, route.path)

    def test_a_cookie_needs_the_xsrf_token(self, client: Client) -> None:
        """What a page of another origin could send is refused; with the header the same is heard."""
        login = client.run(
            client._fetch("GET", f"/health?token={client.app.identity_provider.token}", {}, None)
        )
        cookies = [cookie.partition(";")[0] for cookie in login.headers.get_list("Set-Cookie")]
        page = client.run(client._fetch("GET", "/../../api/me", {"Cookie": "; ".join(cookies)}, None))
        cookies += [cookie.partition(";")[0] for cookie in page.headers.get_list("Set-Cookie")]
        headers = {"Cookie": "; ".join(cookies), "Content-Type": "application/json"}
        assert client.get("/health", headers=headers).status == 200
        for method, path in EVERY:
            if method == "POST":
                assert client.post(filled(path), {}, headers=headers).status == 403, path
        xsrf = next(each.partition("=")[2] for each in cookies if each.startswith("_xsrf="))
        assert client.post("/jobs", {}, headers={**headers, "X-XSRFToken": xsrf}).status == 400


class Asked(Authorizer):
    """Allows nothing, and notes what was asked."""

    seen: list[tuple[str, str]] = []  # noqa: RUF012 - traits of a class

    def is_authorized(self, handler: Any, user: User, action: str, resource: str) -> bool:
        self.seen.append((action, resource))
        return False


class TestAuthorizer:
    """A server's authorizer decides about each route."""

    @pytest.fixture
    def jp_server_config(self) -> dict[str, Any]:
        server = {"jpserver_extensions": {"nodetool_jupyter": True}, "authorizer_class": Asked}
        return {"ServerApp": server}

    def test_it_is_asked_for_all(self, client: Client) -> None:
        """By a resource of ours and what the route does."""
        Asked.seen.clear()
        asked = [(method, path) for method, path in EVERY if not path.startswith(SIGNED)]
        for method, path in EVERY:
            assert client.ask(method, filled(path), body=b"" if method == "POST" else None).status == 403
        actions = [
            "read" if method == "GET" else "write" if path.endswith(("/cancel", "/url")) else "execute"
            for method, path in asked
        ]
        assert Asked.seen == [(action, "nodetool") for action in actions]


class Named(IdentityProvider):
    """Users by a header, as a provider with users has them."""

    def get_user(self, handler: Any) -> User | None:
        name = handler.request.headers.get("X-User")
        return User(name) if name else None

    def is_token_authenticated(self, handler: Any) -> bool:
        return True


class TestUsers:
    """Users meet their own jobs alone, and learn of no others."""

    @pytest.fixture
    def jp_server_config(self) -> dict[str, Any]:
        server = {"jpserver_extensions": {"nodetool_jupyter": True}, "identity_provider_class": Named}
        return {"ServerApp": server}

    def test_another_users_job_is_not_there(self, client: Client, session: Session) -> None:
        """The answers are those for a job that no one has, on every route."""
        job_id = put(session.store, user_id="ann", lines=1)
        nobodys = "0" * 26
        for method, path in EVERY:
            if "{job_id}" in path:
                answers = []
                for each in (job_id, nobodys):
                    place = path.replace("{job_id}", each).replace("{name}", "value-0.bin")
                    body = b"" if method == "POST" else None
                    answer = client.ask(method, place, headers={"X-User": "bob"}, body=body)
                    answers.append((answer.status, json.dumps(answer.body).replace(each, "ID")))
                assert answers[0] == answers[1], path
                assert answers[0][0] == 404
        for query in (f"/jobs?before={job_id}", f"/events?job={job_id}"):
            assert client.get(query, headers={"X-User": "bob"}).status == 404

    def test_lists_are_apart(self, client: Client, session: Session) -> None:
        """Also from jobs without a user, which are those of this server's kernels."""
        ids = {user: put(session.store, user_id=user) for user in ("ann", "bob", "")}
        for user in ("ann", "bob"):
            listed = client.get("/jobs", headers={"X-User": user}).body["jobs"]
            assert [job["id"] for job in listed] == [ids[user]]
        assert client.get(f"/jobs/{ids['ann']}", headers={"X-User": "ann"}).status == 200

    def test_what_a_user_submits_is_theirs(self, client: Client, session: Session) -> None:
        """The user is who asks; a request can't name another one."""
        headers = {"X-User": "ann", "Content-Type": "application/json"}
        made = client.post("/jobs", {"workflow": SUM}, headers=headers)
        assert made.status == 201, made.body
        assert session.store.get(made.body["id"]).user_id == "ann"
        client.wait(lambda: session.store.get(made.body["id"]).status.is_terminal)
        again = client.post(f"/jobs/{made.body['id']}/retry", headers=headers)
        assert session.store.get(again.body["id"]).user_id == "ann"
        client.wait(lambda: session.store.get(again.body["id"]).status.is_terminal)
        refused = client.post("/jobs", {"workflow": SUM, "user_id": "bob"}, headers=headers)
        assert (refused.status, refused.body["kind"]) == (400, "OptionError")


class TestShared:
    """A server that strangers could reach answers to nobody as long as it asks nobody who they are."""

    @pytest.fixture
    def jp_server_config(self) -> dict[str, Any]:
        server = {"jpserver_extensions": {"nodetool_jupyter": True}, "token": "", "disable_check_xsrf": True}
        return {"ServerApp": server, "IdentityProvider": {"token": ""}}

    @pytest.mark.parametrize(("ip", "status"), [("127.0.0.1", 200), ("::1", 200), ("localhost", 200)])
    def test_alone_at_home(self, client: Client, ip: str, status: int) -> None:
        """On the machine itself a user may do without."""
        client.app.ip = ip
        assert client.get("/health", headers={}).status == status

    @pytest.mark.parametrize("ip", ["", "0.0.0.0", "::", "192.0.2.1", "example.org"])
    def test_public(self, client: Client, ip: str) -> None:
        """The reason is said, on each route."""
        client.app.ip = ip
        for method, path in EVERY:
            answer = client.ask(method, filled(path), headers={}, body=b"" if method == "POST" else None)
            assert answer.status == 503, path
            assert "asks nobody who they are" in answer.body["message"]

    def test_a_provider_that_is_not_there(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        """AUTH_PROVIDER that the server doesn't follow closes it, and never opens it as if it weren't set."""
        monkeypatch.setenv("AUTH_PROVIDER", "static")
        answer = client.get("/health", headers={})
        assert (answer.status, "AUTH_PROVIDER=static" in answer.body["message"]) == (503, True)

    def test_auth_provider_without_auth(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        """Jupyter's own, named as the one to use, has to ask."""
        monkeypatch.setenv("AUTH_PROVIDER", "jupyter")
        answer = client.get("/health", headers={})
        assert (answer.status, "AUTH_PROVIDER is set" in answer.body["message"]) == (503, True)


class TestBodies:
    """What is sent is bounded, and JSON."""

    @pytest.mark.parametrize(
        ("body", "status", "match"),
        [
            (b'{"workflow": ', 400, "can't be read"),
            (b"[" * 100_000, 400, "nested more than 64"),
            (b'{"workflow": ' + b'{"a":' * 70 + b"1" + b"}" * 71, 400, "nested more than 64"),
            (b'{"params": {"a": NaN}}', 400, "params.a holds"),
            (b'{"params": {"a": 1, "a": 2}}', 400, "params holds key 'a' twice"),
            (b'{"params": {"a": "\\ud800"}}', 400, "surrogate"),
            (b"[]", 400, "a body is an object"),
            (b'{"workflow": []}', 400, "workflow has the wrong type"),
            (b'{"pickle": "gASVAAAA"}', 400, "has no field 'pickle'"),
            (b'"' + b"x" * BODY.size + b'"', 413, "at most"),
            (b"\xff", 400, "UTF-8"),
        ],
    )
    def test_refused(self, client: Client, body: bytes, status: int, match: str) -> None:
        """With a sentence that says what is wrong with it."""
        answer = client.ask("POST", "/jobs", body=body)
        assert (answer.status, match in answer.body["message"]) == (status, True), answer.body

    def test_other_types_are_refused(self, client: Client) -> None:
        """A form or a pickle is no JSON, whatever it says."""
        for kind in ("application/x-www-form-urlencoded", "application/octet-stream", "text/plain"):
            answer = client.post("/jobs", {"workflow": SUM}, headers={**client.token, "Content-Type": kind})
            assert answer.status == 415

    def test_chunks_are_counted(self, client: Client) -> None:
        """A body that doesn't tell its size is bounded like one that does."""

        async def send() -> bytes:
            import asyncio
            from urllib.parse import urlsplit

            address = urlsplit(client.root)
            reader, writer = await asyncio.open_connection(address.hostname, address.port)
            head = f"POST {address.path}/jobs HTTP/1.1\r\nHost: {address.netloc}\r\n"
            head += f"Authorization: {client.token['Authorization']}\r\nTransfer-Encoding: chunked\r\n\r\n"
            writer.write(head.encode())
            piece = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
            for _ in range(BODY.size // 0x100000 + 2):
                writer.write(piece)
                await writer.drain()
            writer.write(b"0\r\n\r\n")
            status = await reader.readline()
            writer.close()
            return status

        assert b" 413 " in client.run(send())

    def test_a_bug_says_nothing(
        self, client: Client, session: Session, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What went wrong inside is in the server's log, not in the answer."""
        monkeypatch.setattr(session.store, "page", lambda **_: 1 / 0)
        answer = client.get("/jobs")
        assert answer.status == 500
        assert "division" not in json.dumps(answer.body)
        assert answer.body["message"].startswith("this is a fault of nodetool_jupyter")


def test_live_statuses_are_known() -> None:
    """The statuses that openapi.yaml lists are ours."""
    from tests.server.client import openapi

    assert openapi()["components"]["schemas"]["Status"]["enum"] == [status.value for status in JobStatus]
