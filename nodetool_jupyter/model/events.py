"""The messages of a job, with NodeTool's names and fields, and their JSON lines.

Every message carries ``job_id``, ``seq`` (from 1, gapless within a job) and ``timestamp`` (seconds since the
epoch, UTC). They are slotted dataclasses rather than models, because a large graph makes hundreds of
thousands: building and encoding one costs a third of what a pydantic model does; what comes from outside is
validated by ``decode_event``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache
from typing import Annotated, Any, Literal, TypeVar, dataclass_transform

from pydantic import Field, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError, SchemaSerializer, to_json

from nodetool_jupyter.errors import ErrorCode, WorkflowError

T = TypeVar("T")


@dataclass_transform(kw_only_default=True, frozen_default=True)
def message(cls: type[T]) -> type[T]:
    """A dataclass that type checkers hold to be frozen; only the runner stamps ``seq``, before anyone sees
    it.
    """
    return dataclass(slots=True, kw_only=True)(cls)


NodeStatus = Literal["running", "completed", "error", "waiting", "suspended"]
Severity = Literal["info", "warning", "error"]
ContentType = Literal["text", "audio", "image", "video", "document"]


@message
class Fault:
    """Why a job failed: ours beside NodeTool's ``error`` text. ``traceback`` is bounded by the runner."""

    code: ErrorCode
    message: str
    hint: str | None = None
    node_id: str | None = None
    node_type: str | None = None
    handle: str | None = None
    traceback: str | None = None


@message
class JobUpdate:
    """The job changed its status. ``result`` is ``{output name: [values in order]}``; ``duration`` in
    seconds.
    """

    status: str
    job_id: str = ""
    seq: int = 0
    timestamp: float = 0.0
    workflow_id: str | None = None
    message: str | None = None
    result: dict[str, list[Any]] | None = None
    error: str | None = None
    traceback: str | None = None
    run_state: dict[str, Any] | None = None
    duration: float | None = None
    fault: Fault | None = None
    type: Literal["job_update"] = "job_update"


@message
class NodeUpdate:
    """A node started, ended or waits; one ``running`` and one end for each node that ran, however often it
    fired.
    """

    node_id: str
    node_name: str
    node_type: str
    status: NodeStatus
    job_id: str = ""
    seq: int = 0
    timestamp: float = 0.0
    error: str | None = None
    result: Any = None
    properties: dict[str, Any] | None = None
    workflow_id: str | None = None
    type: Literal["node_update"] = "node_update"


@message
class NodeProgress:
    """A node has done ``progress`` of ``total``; ``chunk`` is streamed text."""

    node_id: str
    progress: float
    total: float | None = None
    job_id: str = ""
    seq: int = 0
    timestamp: float = 0.0
    chunk: str = ""
    workflow_id: str | None = None
    type: Literal["node_progress"] = "node_progress"


@message
class EdgeUpdate:
    """``counter`` values have passed an edge so far."""

    edge_id: str
    status: Literal["message_sent", "drained"]
    job_id: str = ""
    seq: int = 0
    timestamp: float = 0.0
    counter: int | None = None
    workflow_id: str | None = None
    type: Literal["edge_update"] = "edge_update"


@message
class OutputUpdate:
    """An output node got a value."""

    node_id: str
    node_name: str
    output_name: str
    value: Any = None
    output_type: str = "any"
    job_id: str = ""
    seq: int = 0
    timestamp: float = 0.0
    metadata: dict[str, Any] | None = None
    workflow_id: str | None = None
    type: Literal["output_update"] = "output_update"


@message
class PreviewUpdate:
    """A preview node shows a value."""

    node_id: str
    value: Any = None
    job_id: str = ""
    seq: int = 0
    timestamp: float = 0.0
    type: Literal["preview_update"] = "preview_update"


@message
class SaveUpdate:
    """A node saved a value as an asset."""

    node_id: str
    name: str
    value: Any = None
    output_type: str = "any"
    job_id: str = ""
    seq: int = 0
    timestamp: float = 0.0
    metadata: dict[str, Any] | None = None
    type: Literal["save_update"] = "save_update"


@message
class LogUpdate:
    """A line of a node's log: what it printed or logged."""

    node_id: str
    node_name: str
    content: str
    severity: Severity = "info"
    job_id: str = ""
    seq: int = 0
    timestamp: float = 0.0
    workflow_id: str | None = None
    type: Literal["log_update"] = "log_update"


@message
class Notification:
    """Something the user should know now."""

    node_id: str
    content: str
    severity: Severity = "info"
    job_id: str = ""
    seq: int = 0
    timestamp: float = 0.0
    workflow_id: str | None = None
    type: Literal["notification"] = "notification"


@message
class Chunk:
    """A piece of streamed content."""

    node_id: str | None = None
    content: str = ""
    content_type: ContentType = "text"
    done: bool = False
    job_id: str = ""
    seq: int = 0
    timestamp: float = 0.0
    thread_id: str | None = None
    content_metadata: dict[str, Any] | None = None
    thinking: bool = False
    type: Literal["chunk"] = "chunk"


Event = (
    JobUpdate
    | NodeUpdate
    | NodeProgress
    | EdgeUpdate
    | OutputUpdate
    | PreviewUpdate
    | SaveUpdate
    | LogUpdate
    | Notification
    | Chunk
)


@cache
def _adapter_of(cls: type[T]) -> TypeAdapter[T]:
    return TypeAdapter(cls)


class _Serializers(dict[type, SchemaSerializer]):
    """By the class of message, each made at its first use: a worker's start would wait for all of them."""

    def __missing__(self, cls: type) -> SchemaSerializer:
        return self.setdefault(cls, _adapter_of(cls).serializer)


_SERIALIZERS = _Serializers()


@cache
def _adapter() -> TypeAdapter[Event]:
    return TypeAdapter(Annotated[Event, Field(discriminator="type")])


def encode_events(events: Iterable[Event]) -> bytes:
    """Events as JSON lines, each ended by a newline; fields that are None are left out."""
    lines = [encode_event(event) for event in events]
    lines.append(b"")
    return b"\n".join(lines)


def encode_event(event: Event) -> bytes:
    """One event as JSON, without a newline."""
    try:
        return _SERIALIZERS[type(event)].to_json(event, exclude_none=True)
    except (PydanticSerializationError, UnicodeEncodeError):
        return to_json(_encodable(asdict(event)), exclude_none=True)


def _encodable(value: Any) -> Any:
    """The same with ``?`` for lone surrogates, which no file can hold: a hostile text must not end a job."""
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, dict):
        return {_encodable(key): _encodable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_encodable(item) for item in value]
    return value


def decode_event(line: bytes | str) -> Event:
    """Read one JSON line; raises WorkflowError for what is no message."""
    try:
        return _adapter().validate_json(line)
    except ValidationError as error:
        raise WorkflowError(f"not a message of a job: {error.errors()[0]['msg']}") from None


def decode_update(line: bytes | str) -> JobUpdate:
    """The same where it can only be a job's status: its reader is made in a fraction of the time."""
    try:
        update: JobUpdate = _adapter_of(JobUpdate).validate_json(line)
    except ValidationError as error:
        raise WorkflowError(f"not an update of a job: {error.errors()[0]['msg']}") from None
    return update
