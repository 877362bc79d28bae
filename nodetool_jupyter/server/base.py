"""What all handlers share: who asks, bounded JSON in, JSON out, errors as sentences.

Methods of handlers carry ``@web.authenticated`` and ``@authorized`` themselves: nothing is opened by
``ServerApp.allow_unauthenticated_access``, which has Jupyter's default of True.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from pydantic_core import to_json
from tornado import web
from tornado.httputil import HTTPServerRequest

from nodetool_jupyter.authoring.documents import DocumentError, ReadLimits, parse_json
from nodetool_jupyter.errors import (
    AssetNotFound,
    InvalidGraph,
    JobNotFound,
    JobUnreachable,
    NodeToolError,
    OptionError,
    SettingsError,
    StoreError,
    StrategyError,
    StrategyUnavailable,
    ValueCrossingError,
    WorkflowError,
)
from nodetool_jupyter.server.backend import Backend, NotThere
from nodetool_jupyter.server.sharing import user_id_of

T = TypeVar("T")
Method = TypeVar("Method", bound=Callable[..., Any])

SETTING = "nodetool_jupyter"
RESOURCE = "nodetool"
"""What an authorizer is asked about, with the actions read, write and execute."""
BODY = ReadLimits(size=8 * 2**20, depth=64, values=1_000_000)
STATUSES: tuple[tuple[type[NodeToolError], int], ...] = (
    (JobNotFound, 404),
    (AssetNotFound, 404),
    (NotThere, 404),
    (JobUnreachable, 503),
    (StrategyUnavailable, 503),
    (StrategyError, 400),
    (OptionError, 400),
    (WorkflowError, 400),
    (ValueCrossingError, 400),
    (StoreError, 500),
    (SettingsError, 500),
    (NodeToolError, 409),
)


def executes(method: Method) -> Method:
    """Of a handler's method: it runs something, which an authorizer is asked about as such."""
    decorated: Method = authorized("execute")(method)
    return decorated


class Refused(web.HTTPError):
    """An error of ours on its way to the client."""

    def __init__(self, error: NodeToolError, status: int | None = None) -> None:
        super().__init__(status or next(code for kind, code in STATUSES if isinstance(error, kind)))
        self.error = error


@web.stream_request_body
class Handler(APIHandler):
    """A handler of ours. Bodies are counted as they come in, so that none is held beyond its bound."""

    auth_resource = RESOURCE
    request: HTTPServerRequest

    def initialize(self) -> None:
        """Tornado calls it for each request."""
        self._received = bytearray()
        self._is_too_large = False

    async def prepare(self) -> None:  # type: ignore[override] # as in jupyter_server
        """Before the body has come: refuse what needs no look at it."""
        await super().prepare()
        try:
            reason = self.backend.closed_because()
        except SettingsError as error:
            raise Refused(error) from error
        if reason is not None:
            raise Refused(NodeToolError(reason), 503)
        length = self.request.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > BODY.size:
            raise _too_large()

    def data_received(self, chunk: bytes) -> None:
        """A piece of the body; what is too much is thrown away."""
        self._is_too_large = self._is_too_large or len(self._received) + len(chunk) > BODY.size
        if not self._is_too_large:
            self._received += chunk

    @property
    def backend(self) -> Backend:
        """What is done off the loop."""
        backend: Backend = self.settings[SETTING]
        return backend

    @property
    def user_id(self) -> str:
        """Whose jobs this request may see."""
        return user_id_of(self.identity_provider, self.current_user.username)

    async def run(self, work: Callable[..., T], *args: Any) -> T:
        """Do blocking work in a thread; errors of ours become answers."""
        try:
            return await self.backend.run(work, *args)
        except NodeToolError as error:
            raise Refused(error) from error

    def json_body(self, known: Mapping[str, type | tuple[type, ...]]) -> dict[str, Any]:
        """The fields of the body, an empty one for none. Raises Refused for a field that isn't ``known``."""
        if self._is_too_large:
            raise _too_large()
        if not self._received:
            return {}
        kind = self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise Refused(OptionError(f"a body is application/json, found {kind or 'no content type'}"), 415)
        try:
            document = parse_json(bytes(self._received), BODY)
        except DocumentError as error:
            raise Refused(OptionError(f"the body can't be read: {error}")) from error
        if document.flaws:
            flaw = document.flaws[0]
            place = ".".join(map(str, flaw.path)) or "the body"
            raise Refused(OptionError(f"{place} {flaw.message}"))
        return _checked(document.value, known)

    def number(self, name: str, default: int, most: int) -> int:
        """A whole number from 0 on of the query; raises Refused."""
        text = self.get_query_argument(name, str(default))
        if not (text.isascii() and text.isdigit() and len(text) <= 18 and int(text) <= most):
            raise Refused(OptionError(f"{name} is a whole number from 0 to {most}, found {text[:40]!r}"))
        return int(text)

    def answer(self, value: Any, status: int = 200) -> None:
        """Finish with a value as JSON."""
        self.set_status(status)
        self.finish(to_json(value, inf_nan_mode="null", bytes_mode="base64"))

    def write_error(self, status_code: int, **kwargs: Any) -> None:  # noqa: ARG002 - tornado gives it
        """An error as a sentence; of a bug nothing but that it is in the server's log."""
        error = kwargs.get("exc_info", (None, None))[1]
        shown: dict[str, Any] = {"kind": "HTTPError", "hint": None}
        if isinstance(error, Refused):
            problems = error.error.problems if isinstance(error.error, InvalidGraph) else ()
            shown["kind"] = type(error.error).__name__
            shown["message"] = error.error.message
            shown["hint"] = error.error.hint
            shown["problems"] = [str(problem) for problem in problems[:1000]]
        elif isinstance(error, web.HTTPError):
            shown["message"] = error.log_message or self._reason
        else:
            shown["message"] = "this is a fault of nodetool_jupyter; the server's log has more"
        self.finish(to_json(shown))


def _too_large() -> Refused:
    return Refused(OptionError(f"a body has at most {BODY.size:,} bytes"), 413)


def _checked(value: Any, known: Mapping[str, type | tuple[type, ...]]) -> dict[str, Any]:
    """The body's fields; null is the same as a field left out."""
    if not isinstance(value, dict):
        raise Refused(OptionError("a body is an object"))
    given = {name: item for name, item in value.items() if item is not None}
    for name, item in given.items():
        if name not in known:
            fields = ", ".join(known) or "none"
            raise Refused(OptionError(f"the body has no field {name[:60]!r}", hint=f"it has {fields}"))
        if not isinstance(item, known[name]):
            raise Refused(OptionError(f"field {name} has the wrong type", hint="openapi.yaml describes it"))
    return given
