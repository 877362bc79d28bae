"""lib.http: requests to the web. ``web`` decides who may be asked, and bounds sizes and times.

They wait on the job's loop, so that a cancel ends them at once; work on what came is done in threads.
"""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypedDict, TypeVar

from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.nodes import fields, files, web
from nodetool_jupyter.nodes.fields import PlainDict
from nodetool_jupyter.nodes.packages import need
from nodetool_jupyter.values import convert
from nodetool_jupyter.values.fields import DataFrame, Image, RecordType

MAX_AT_ONCE = 20
MAX_WAIT = 120
JSON = {"content-type": "application/json"}
NO_COLUMNS = {"type": "record_type", "columns": []}
Item = TypeVar("Item")


class HTTPNode(BaseNode, prefix="lib.http", abstract=True):
    """Base of the family."""

    url: str = Field(default="", description="An address that begins with http:// or https://")


class GetRequest(HTTPNode):
    """The text at an address."""

    async def process(self, context: ProcessingContext) -> str:
        return (await web.read(context, self.url)).text()


class GetRequestBinary(HTTPNode):
    """The bytes at an address."""

    async def process(self, context: ProcessingContext) -> bytes:
        return (await web.read(context, self.url)).content


class GetRequestDocument(HTTPNode):
    """The document at an address: a reference that brings its content along."""

    async def process(self, context: ProcessingContext) -> fields.Document:
        answer = await web.read(context, self.url)
        return {**fields.asset("document"), "uri": answer.url, "data": answer.content}


class HeadRequest(HTTPNode):
    """What a server says of an address in its headers, whose names are in lower case."""

    async def process(self, context: ProcessingContext) -> dict[str, str]:
        return dict((await web.request(context, "HEAD", self.url)).headers)


class DeleteRequest(HTTPNode):
    """Ask a server to delete what is at an address; give out its answer."""

    async def process(self, context: ProcessingContext) -> str:
        return (await web.request(context, "DELETE", self.url)).text()


class PostRequest(HTTPNode):
    """Send a text to an address; give out the answer."""

    data: str = ""

    async def process(self, context: ProcessingContext) -> str:
        return (await web.request(context, "POST", self.url, files.encoded(self.data))).text()


class PutRequest(HTTPNode):
    """Put a text in place of what is at an address; give out the answer."""

    data: str = ""

    async def process(self, context: ProcessingContext) -> str:
        return (await web.request(context, "PUT", self.url, files.encoded(self.data))).text()


class PostRequestBinary(HTTPNode):
    """Send bytes or a text to an address; give out the bytes of the answer."""

    data: str | bytes = ""

    async def process(self, context: ProcessingContext) -> bytes:
        content = self.data if isinstance(self.data, bytes) else files.encoded(self.data)
        return (await web.request(context, "POST", self.url, content)).content


class JSONGetRequest(HTTPNode):
    """The JSON object at an address."""

    async def process(self, context: ProcessingContext) -> PlainDict:
        return await web.json_object(await web.read(context, self.url))


class SendJSONNode(HTTPNode, abstract=True):
    """Base of those that send an object."""

    data: PlainDict = {}

    async def _sent(self, context: ProcessingContext, method: str) -> dict[str, Any]:
        try:
            content = (await asyncio.to_thread(json.dumps, self.data)).encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise ValueError(f"data can't be written as JSON: {error}") from None
        return await web.json_object(await web.request(context, method, self.url, content, headers=JSON))


class JSONPostRequest(SendJSONNode):
    """Send a JSON object to an address; give out the object that is the answer."""

    async def process(self, context: ProcessingContext) -> PlainDict:
        return await self._sent(context, "POST")


class JSONPutRequest(SendJSONNode):
    """Put a JSON object in place of what is at an address; give out the object that is the answer."""

    async def process(self, context: ProcessingContext) -> PlainDict:
        return await self._sent(context, "PUT")


class JSONPatchRequest(SendJSONNode):
    """Change what is at an address by a JSON object; give out the object that is the answer."""

    async def process(self, context: ProcessingContext) -> PlainDict:
        return await self._sent(context, "PATCH")


class FetchPage(HTTPNode):
    """The HTML of a page as the server sends it; no script runs. What went wrong is told, not raised."""

    wait_time: int = Field(default=10, description="Seconds to wait for it at most.")

    class OutputType(TypedDict):
        html: str
        success: bool
        error_message: str

    async def process(self, context: ProcessingContext) -> OutputType:
        seconds = max(1, min(self.wait_time, MAX_WAIT))
        try:
            answer = await web.read(context, self.url, seconds=seconds)
        except ValueError as error:
            return {"html": "", "success": False, "error_message": str(error)}
        return {"html": answer.text(), "success": True, "error_message": ""}


class DownloadDataframe(HTTPNode):
    """The table in a file on the web."""

    file_format: Literal["csv", "json", "tsv"] = "csv"
    columns: RecordType = Field(default=NO_COLUMNS, description="The columns to keep; none for all of them.")
    encoding: str = "utf-8"
    delimiter: str = Field(default=",", description="What is between the values of a line; of tsv a tab.")

    async def process(self, context: ProcessingContext) -> DataFrame:
        answer = await web.read(context, self.url)
        return await asyncio.to_thread(self._table, answer.content)

    def _table(self, content: bytes) -> Any:
        pandas = need("pandas", "pandas", "data")
        from nodetool_jupyter.nodes import data_frames as frames

        try:
            text = content.decode(self.encoding)
        except (LookupError, UnicodeError) as error:
            raise ValueError(f"the file can't be read as text: {error}") from None
        if self.file_format == "json":
            table = frames.table_from_json(text)
        else:
            delimiter = "\t" if self.file_format == "tsv" else self.delimiter
            if len(delimiter) != 1:
                raise ValueError(f"delimiter must be one character, found {delimiter!r}")
            try:
                table = pandas.read_csv(io.StringIO(text), sep=delimiter, low_memory=False)
            except (pandas.errors.ParserError, pandas.errors.EmptyDataError, ValueError) as error:
                raise ValueError(f"the file can't be read: {str(error).strip()}") from None
        names = [str(column.get("name", "")) for column in self.columns.get("columns") or []]
        return table[[frames.find_column(table, name) for name in names]] if names else table


class DownloadFiles(BaseNode, prefix="lib.http"):
    """Load files from the web into a folder of the workspace, several at once, each under a free name."""

    urls: list[str] = []
    output_folder: str = Field(default="downloads", description="A folder of the workspace, made if missing.")
    max_concurrent_downloads: int = 5

    class OutputType(TypedDict):
        success: list[str]
        failed: list[str]

    async def process(self, context: ProcessingContext) -> OutputType:
        need("httpx", "httpx", "http")
        folder = files.inside_workspace(context.workspace, self.output_folder)
        with files.told(f"the folder {self.output_folder!r} can't be made"):
            folder.mkdir(parents=True, exist_ok=True)

        async def load(url: str) -> str:
            answer = await web.read(context, url)
            # Between the choice of a name and the file nothing else runs on this loop.
            path = files.free(folder / web.file_name(answer, "download"))
            files.write_bytes(path, b"")
            await asyncio.to_thread(files.write_bytes, path, answer.content)
            return files.named_by(context.workspace, self.output_folder, path)

        loaded = await each(context, self.urls, load, self.max_concurrent_downloads)
        return {
            "success": [path for path in loaded if path is not None],
            "failed": [url for url, path in zip(self.urls, loaded, strict=True) if path is None],
        }


class FilterValidURLs(HTTPNode):
    """The addresses of a list at which a server has something."""

    url: str = Field(default="", description="What relative addresses are relative to.")
    urls: list[str] = []
    max_concurrent_requests: int = 10

    async def process(self, context: ProcessingContext) -> list[str]:
        async def ask(url: str) -> bool:
            try:
                await web.request(context, "HEAD", joined(self.url, url))
            except web.Unsuccessful as error:
                if error.status not in (405, 501):
                    raise
                await web.read(context, joined(self.url, url))
            return True

        answers = await each(context, self.urls, ask, self.max_concurrent_requests)
        return [url for url, answer in zip(self.urls, answers, strict=True) if answer]


class ImageDownloader(BaseNode, prefix="lib.http"):
    """The images at a list of addresses, several loaded at once, and the addresses that had none."""

    images: list[str] = []
    base_url: str = Field(default="", description="What relative addresses are relative to.")
    max_concurrent_downloads: int = 10

    class OutputType(TypedDict):
        images: list[Image]
        failed_urls: list[str]

    async def process(self, context: ProcessingContext) -> OutputType:
        async def load(url: str) -> Any:
            answer = await web.read(context, joined(self.base_url, url))
            return await asyncio.to_thread(convert.to_image, answer.content)

        loaded = await each(context, self.images, load, self.max_concurrent_downloads)
        return {
            "images": [image for image in loaded if image is not None],
            "failed_urls": [url for url, image in zip(self.images, loaded, strict=True) if image is None],
        }


async def each(
    context: ProcessingContext,
    urls: list[str],
    ask: Callable[[str], Awaitable[Item]],
    at_once: int,
) -> list[Item | None]:
    """What ``ask`` gives for each address; None, and a line in the log, where it fails."""
    turns = asyncio.Semaphore(max(1, min(at_once, MAX_AT_ONCE)))
    need("httpx", "httpx", "http")

    async def one(url: str) -> Item | None:
        async with turns:
            try:
                return await ask(url)
            except ValueError as error:
                context.log(str(error), "warning")
                return None

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(url)) for url in urls]
    return [task.result() for task in tasks]


def joined(base: str, url: str) -> str:
    """The address as seen from the base, if there is one."""
    from urllib.parse import urljoin

    return urljoin(base, url) if base else url
