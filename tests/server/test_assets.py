"""Assets over REST: to their user, and to whoever has an address that was signed for a time."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from nodetool_jupyter.server import assets as served
from nodetool_jupyter.session import Session
from tests.server.client import Client

PATH = "/nodetool/api"


@pytest.fixture
def kept(session: Session) -> str:
    """The name of an asset of the server's one user."""
    return session.manager.assets.of("").save(b"\x89PNG", ".png") + ".png"


def signed(client: Client, name: str, **more: object) -> str:
    """The path of an address that the server has signed."""
    answer = client.post(f"/assets/{name}/url", more)
    assert answer.status == 200, answer.body
    address = urlsplit(answer.body["url"])
    assert (
        f"{address.scheme}://{address.netloc}" == client.root.partition(client.app.base_url + "nodetool")[0]
    )
    return f"{address.path.partition(PATH)[2]}?{address.query}"


def test_its_user_gets_it(client: Client, kept: str) -> None:
    """As an attachment of its kind; one that isn't there is a sentence, whatever is asked for."""
    found = client.get(f"/assets/{kept}")
    assert (found.status, found.body, found.headers["Content-Type"]) == (200, b"\x89PNG", "image/png")
    assert "attachment" in found.headers["Content-Disposition"]
    for name in ("0" * 32, "..%2f..%2fetc%2fpasswd", "a.b.c"):
        answer = client.get(f"/assets/{name}")
        assert (answer.status, answer.body["kind"]) == (404, "AssetNotFound"), name
    assert client.post(f"/assets/{'0' * 32}/url", {}).status == 404


def test_a_signed_address_needs_no_login(client: Client, kept: str) -> None:
    """It is good for this asset, this user and this time, and for nothing else."""
    path = signed(client, kept, seconds=60)
    assert client.get(path, headers={}).body == b"\x89PNG"
    query = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
    place = path.partition("?")[0]
    for name, value in {"user": "bob", "expires": "99999999999", "signature": "0" * 64}.items():
        assert client.get(f"{place}?{urlencode({**query, name: value})}", headers={}).status == 403, name
    other = f"/signed/{'0' * 32}.png?{urlencode(query)}"
    assert client.get(other, headers={}).status == 403
    assert client.get(place, headers={}).status == 403


def test_its_time_ends(client: Client, kept: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounded, and over when it is over."""
    path = signed(client, kept, seconds=60)
    now = served.time.time()
    monkeypatch.setattr(served.time, "time", lambda: now + 61)
    assert client.get(path, headers={}).status == 403
    for seconds in (0, -1, served.LONGEST_TIME + 1):
        assert client.post(f"/assets/{kept}/url", {"seconds": seconds}).status == 400
