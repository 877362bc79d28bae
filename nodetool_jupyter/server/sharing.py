"""Whose server this is: the user behind a request, and whether strangers could reach it without a login.

In doubt it is closed, and says why.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from jupyter_server.auth import IdentityProvider
from jupyter_server.auth.identity import LegacyIdentityProvider, PasswordIdentityProvider

from nodetool_jupyter.settings import Settings

OF_ONE_USER = (IdentityProvider, PasswordIdentityProvider, LegacyIdentityProvider)
"""Jupyter's own: whoever has the token or password is the one user, under a name made up for each browser."""


def user_id_of(identity_provider: IdentityProvider, username: str) -> str:
    """Whose jobs a request may see; the empty user has those of this server's kernels."""
    return "" if type(identity_provider) in OF_ONE_USER else username


def is_public(serverapp: Any) -> bool:
    """Whether other machines can reach the server, by the address that it listens on."""
    if serverapp.sock:
        return False
    host: str = serverapp.ip.strip("[]")
    try:
        return not ip_address(host).is_loopback
    except ValueError:  # a name; the empty one and * are all addresses
        return host != "localhost"


def closed_because(settings: Settings, serverapp: Any) -> str | None:
    """Why nothing is answered here; None where all is well."""
    provider = serverapp.identity_provider
    wanted = settings.auth_provider
    found = getattr(provider, "auth_provider", "jupyter")
    if wanted not in ("jupyter", found):
        return (
            f"AUTH_PROVIDER={wanted} is set, but this server knows its users by {type(provider).__name__}; "
            "configure the identity provider, or unset AUTH_PROVIDER"
        )
    if provider.auth_enabled:
        return None
    if settings.origin("auth_provider") != "default":
        return "AUTH_PROVIDER is set, but this server asks nobody who they are; give it a token or password"
    if is_public(serverapp):
        return (
            f"this server listens on {serverapp.ip or 'all addresses'} and asks nobody who they are; "
            "give it a token or password, or let it listen on localhost"
        )
    return None
