"""Assets of a user: given to whoever is that user, or has an address that was signed for a time.

A signature covers user, name and end of time, by a key that lies beside the store's files. Who has the
address needs no login: that is what it is for.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from pathlib import Path
from urllib.parse import urlencode

from jupyter_server.auth.decorator import allow_unauthenticated, authorized
from jupyter_server.utils import url_path_join
from tornado import web

from nodetool_jupyter.errors import OptionError
from nodetool_jupyter.server.backend import Backend
from nodetool_jupyter.server.base import Handler, Refused
from nodetool_jupyter.server.files import KINDS
from nodetool_jupyter.store.bucket import UserAssets
from nodetool_jupyter.values.files import make_private, read_plain, write_private

KEY = "signing.key"
LONGEST_TIME = 7 * 24 * 3600
"""Seconds for which an address may be good."""
USUAL_TIME = 3600


class UserAssetHandler(Handler):
    """One asset of the user who asks."""

    @web.authenticated
    @authorized
    async def get(self, name: str) -> None:
        """Its bytes."""
        give(self, name, await self.run(_assets(self.backend, self.user_id).read, name))


class AssetUrlHandler(Handler):
    """An address of an asset for others."""

    @web.authenticated
    @authorized
    async def post(self, name: str) -> None:
        """The address, good for ``seconds``: the bucket's own, where it makes such, else this server's."""
        seconds = self.json_body({"seconds": int}).get("seconds", USUAL_TIME)
        if isinstance(seconds, bool) or not 0 < seconds <= LONGEST_TIME:
            raise Refused(OptionError(f"seconds are from 1 to {LONGEST_TIME}, found {seconds}"))
        expires = int(time.time()) + seconds
        url = await self.run(_address, self.backend, self.user_id, name, seconds, expires)
        base = f"{self.request.protocol}://{self.request.host}"
        is_whole = "://" in url
        self.answer(
            {"url": url if is_whole else base + url_path_join(self.base_url, url), "expires": expires}
        )


class SignedAssetHandler(Handler):
    """One asset, for whoever has its signed address."""

    @allow_unauthenticated
    async def get(self, name: str) -> None:
        """Its bytes; refused without a word on whether there is such an asset."""
        user, expires = self.get_query_argument("user", ""), self.get_query_argument("expires", "")
        signature = self.get_query_argument("signature", "")
        is_good = await self.run(_is_signed, self.backend, user, name, expires, signature)
        if not is_good:
            raise web.HTTPError(403, "this address is not signed, or its time is over")
        give(self, name, await self.run(_assets(self.backend, user).read, name))


def give(handler: Handler, name: str, content: bytes) -> None:
    """Finish with an asset. Only images are said to be what they are: nothing here is a page to show."""
    kind = KINDS.get(name.rpartition(".")[2], "application/octet-stream")
    handler.set_header("Content-Disposition", f'attachment; filename="{name}"')
    handler.write(content)
    handler.finish(set_content_type=kind)


def _assets(backend: Backend, user_id: str) -> UserAssets:
    return backend.session.manager.assets.of(user_id)


def _address(backend: Backend, user_id: str, name: str, seconds: int, expires: int) -> str:
    assets = _assets(backend, user_id)
    found = assets.find(name)
    assets.read(found)  # no address of what isn't there
    signature = _signature(backend, user_id, found, str(expires))
    query = urlencode({"user": user_id, "expires": expires, "signature": signature})
    return assets.address(found, seconds) or f"/nodetool/api/signed/{found}?{query}"


def _is_signed(backend: Backend, user_id: str, name: str, expires: str, signature: str) -> bool:
    is_in_time = expires.isascii() and expires.isdigit() and len(expires) < 20 and int(expires) >= time.time()
    wanted = _signature(backend, user_id, name, expires)
    return hmac.compare_digest(wanted.encode(), signature.encode("utf-8", "replace")) and is_in_time


def _signature(backend: Backend, *parts: str) -> str:
    message = "\0".join(parts).encode("utf-8", "replace")
    return hmac.new(_key(backend.store.cache_directory().parent), message, hashlib.sha256).hexdigest()


def _key(folder: Path) -> bytes:
    """The store's own, made at first use; of two that make it at once both have the first one's."""
    path = folder / KEY
    try:
        make_private(folder)
        write_private(path, secrets.token_bytes(32))
    except FileExistsError:
        pass
    return read_plain(path, 64)
