"""What nodes of NodeTool's kind may ask of their context, answered by a job's own.

Conversions are NodeTool's. Where it would go to its server, its storage or its database, this one goes to
the job, or says which method can't be had here and what to do. Assets live as long as the node runs: what it
gives on has become a value by then.
"""

from __future__ import annotations

import asyncio
import io
import uuid
from pathlib import PurePosixPath
from types import SimpleNamespace
from typing import IO, TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

from nodetool.runtime.resources import ResourceScope
from nodetool.workflows.processing_context import ProcessingContext as NodeToolContext

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.errors import NodeToolError
from nodetool_jupyter.nodes import web

if TYPE_CHECKING:
    import httpx

IN_A_NODE = "do it inside of a @node function, with the package that it belongs to"
AS_RESULT = "let the node give the asset as its result: it becomes a Python value"
UNSUPPORTED = {
    "get_provider": IN_A_NODE,
    "convert_value_for_prediction": IN_A_NODE,
    "is_huggingface_model_cached": IN_A_NODE,
    "asset_storage_url": AS_RESULT,
    "upload_assets_to_temp": AS_RESULT,
    "assets_to_storage_url": AS_RESULT,
    "pop_message_async": "read job.events(): messages go there at once",
}
"""Methods that need NodeTool's server → what to do."""


class _Scope(ResourceScope):  # type: ignore[misc]  # nodetool-core need not be installed
    """What NodeTool's conversions look for beside the context: an asset's address, no way around it."""

    def get_asset_storage(self) -> Any:
        return SimpleNamespace(get_url=lambda name: f"asset://{name}")

    def get_temp_storage(self) -> Any:
        _refuse("get_temp_storage", AS_RESULT)

    def get_http_client(self) -> Any:
        _refuse("get_http_client", "use context.http_get, http_post, … instead")


class InstalledContext(NodeToolContext):  # type: ignore[misc]  # nodetool-core need not be installed
    """One node's view of its job, in NodeTool's words."""

    def __init__(self, job: ProcessingContext) -> None:
        super().__init__(
            user_id=job.user_id or None,
            workflow_id=job.workflow_id,
            job_id=job.job_id,
            workspace_dir=str(job.workspace),
        )
        self.job = job
        self._memory: dict[str, Any] = {}
        self._assets: dict[str, bytes] = {}
        self._unshown: set[str] = set()

    def __getattribute__(self, name: str) -> Any:
        if name in UNSUPPORTED:
            _refuse(name, UNSUPPORTED[name])
        return super().__getattribute__(name)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"context.{name} isn't available in a notebook's job: {IN_A_NODE}")

    async def enter(self) -> None:
        """Before the node runs, in its task: the task's end is the scope's."""
        await _Scope().__aenter__()

    def copy(self) -> InstalledContext:
        return InstalledContext(self.job)

    @property
    def is_cancelled(self) -> bool:
        return self.job.is_cancelled

    def raise_if_cancelled(self) -> None:
        self.job.raise_if_cancelled()

    async def get_secret(self, key: str) -> str | None:
        try:
            return self.job.secret(key)
        except NodeToolError:
            return None

    async def get_secret_required(self, key: str) -> str:
        return self.job.secret(key)

    def post_message(self, message: Any) -> None:
        match message.type:
            case "node_progress":
                self.job.progress(message.progress, message.total, message.chunk)
            case "chunk" if message.content_type == "text":
                self.job.progress(0, None, message.content)
            case "log_update":
                self.job.log(message.content, message.severity)
            case "notification":
                self.job.notify(message.content, message.severity)
            case "preview_update":
                self.job.preview(message.value)
            case other:
                self._say_unshown(other)

    def _say_unshown(self, kind: str) -> None:
        if kind not in self._unshown:
            self._unshown.add(kind)
            self.job.log(f"messages of the type {kind} are not shown in a notebook", "warning")

    def has_messages(self) -> bool:
        return False

    def _memory_get(self, key: str) -> Any:
        return self._memory.get(key)

    def _memory_set(self, key: str, value: Any) -> None:
        self._memory[key] = value

    def clear_memory(self, pattern: str | None = None) -> int:
        names = [key for key in self._memory if pattern is None or PurePosixPath(key).match(pattern)]
        for name in names:
            del self._memory[name]
        return len(names)

    def get_memory_stats(self) -> dict[str, Any]:
        return {"total": len(self._memory)}

    def held(self, reference: Any) -> Any:
        """The very object that a reference stands for, where there is one."""
        return self._memory.get(reference.uri, reference.data)

    def has_content(self, reference: Any) -> bool:
        """Whether what a reference stands for is here, so that it can be read without asking anyone."""
        is_here = reference.uri in self._memory or reference.uri.startswith("data:")
        return is_here or reference.data is not None or reference.asset_id in self._assets

    async def create_asset(  # noqa: PLR0917 - NodeTool's signature
        self,
        name: str,
        content_type: str,
        content: IO[bytes] | None = None,
        parent_id: str | None = None,
        instructions: IO[bytes] | None = None,
        node_id: str | None = None,
    ) -> SimpleNamespace:
        stream = content or instructions
        if stream is None:
            raise ValueError(f"the asset {name!r} has no content")
        stream.seek(0)
        data = stream.read()
        asset_id = uuid.uuid4().hex
        self._assets[asset_id] = data
        return SimpleNamespace(
            id=asset_id,
            name=name,
            content_type=content_type,
            file_name=name,
            size=len(data),
            parent_id=parent_id,
            user_id=self.user_id,
            workflow_id=self.workflow_id,
            node_id=node_id or self.job.node_id,
        )

    async def download_asset(self, asset_id: str) -> IO[bytes]:
        if asset_id in self._assets:
            return io.BytesIO(self._assets[asset_id])
        return io.BytesIO(await asyncio.to_thread(self.job.read_uri, f"asset://{asset_id}"))

    async def download_file(self, url: str) -> IO[bytes]:
        scheme = urlsplit(url).scheme.lower()
        if scheme in web.PORTS:
            return io.BytesIO((await web.read(self.job, url)).content)
        if scheme == "asset":
            return await self.download_asset(url[8:].partition(".")[0])
        if scheme in ("", "data", "file") and not url.startswith("/api/storage/"):
            found: IO[bytes] = await super().download_file(url)
            return found
        return io.BytesIO(await asyncio.to_thread(self.job.read_uri, url))

    async def _http_request_with_retries(self, method: str, url: str, **given: Any) -> httpx.Response:
        """All of NodeTool's http methods come here; who may be asked is for ``web`` to say."""
        import httpx

        known = {"content", "data", "files", "json", "params", "headers", "cookies"}
        request = httpx.Request(method, url, **{key: given[key] for key in known & given.keys()})
        headers = {key: value for key, value in request.headers.items() if key not in ("host", "accept")}
        try:
            answer = await web.request(
                self.job, method, str(request.url), await request.aread() or None, headers=headers
            )
        except web.Unsuccessful as error:
            response = httpx.Response(error.status, request=request)
            raise httpx.HTTPStatusError(str(error), request=request, response=response) from error
        plain = {
            key: value
            for key, value in answer.headers.items()
            if key.lower() not in ("content-encoding", "content-length", "transfer-encoding")
        }
        return httpx.Response(answer.status, headers=plain, content=answer.content, request=request)


def _refuse(name: str, advice: str) -> NoReturn:
    raise NodeToolError(f"context.{name} isn't available in a notebook's job", hint=advice)
