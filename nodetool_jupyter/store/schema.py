"""How jobs lie in the database: tables, statements, and the way between rows and the model.

A small job is one row, from its params to its log: each page that a commit touches costs more than all else.
What is large lies in ``content``, at no cost to a page of the list. Numbers grow as jobs are added.
"""
# ruff: noqa: S608 - what is put into statements are constants of this module; values are bound

from __future__ import annotations

import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

from pydantic import TypeAdapter
from pydantic_core import PydanticSerializationError, from_json, to_json

from nodetool_jupyter.errors import NodeToolError, StoreError, ValueCrossingError
from nodetool_jupyter.model.events import Fault
from nodetool_jupyter.model.job import LIVE, JobRecord, JobStatus
from nodetool_jupyter.model.request import NO_LIMITS, RunJobRequest
from nodetool_jupyter.values.base import KIND, marker
from nodetool_jupyter.values.codec import decode, encode
from nodetool_jupyter.values.preview import preview

PACK_ABOVE = 16 * 1024
INLINE = 2048
"""Bytes of params and graph up to which they lie in the job's row: updating it writes them again."""
_FAULT = TypeAdapter(Fault)
_REQUEST = TypeAdapter(RunJobRequest).serializer

COLUMNS = (
    "id",
    "name",
    "workflow_id",
    "user_id",
    "strategy",
    "status",
    "owner",
    "attempt",
    "ticket",
    "created_at",
    "started_at",
    "finished_at",
    "duration",
    "limits",
    "fault",
    "origin",
)
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE job (
            number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
            workflow_id TEXT NOT NULL, user_id TEXT NOT NULL, strategy TEXT NOT NULL, status TEXT NOT NULL,
            owner TEXT NOT NULL, attempt INTEGER NOT NULL, ticket TEXT, created_at REAL NOT NULL,
            started_at REAL, finished_at REAL, duration REAL, limits BLOB, fault BLOB,
            params BLOB, request BLOB, request_params BLOB, log BLOB
        )""",
        "CREATE INDEX job_status ON job (status, user_id) WHERE status <> 'completed'",
        "CREATE INDEX job_user ON job (user_id) WHERE user_id <> ''",
        "CREATE INDEX job_name ON job (user_id, name) WHERE name <> ''",
        "CREATE INDEX job_workflow ON job (user_id, workflow_id) WHERE workflow_id <> ''",
        """CREATE TABLE content (
            number INTEGER PRIMARY KEY, params BLOB NOT NULL, request BLOB NOT NULL, request_params BLOB
        )""",
    ),
    ("ALTER TABLE job ADD COLUMN origin BLOB",),
)
"""Statements that lead from schema version n to n + 1; the version is the database's ``user_version``."""


def _quoted(statuses: Collection[JobStatus]) -> str:
    return ", ".join(sorted(f"'{status.value}'" for status in statuses))


_LISTED = ", ".join(COLUMNS)
_ENDED = _quoted([status for status in JobStatus if status.is_terminal])
_LIVE = _quoted(LIVE)
_IS_LIVE = f"status IN ({_LIVE}) AND status <> 'completed'"  # the second half names the index
_COMPLETE = "job LEFT JOIN content ON content.number = job.number"
_PARAMS = "coalesce(job.params, content.params)"

INSERT_JOB = f"""INSERT INTO job ({_LISTED}, params, request, request_params)
    VALUES ({", ".join("?" * (len(COLUMNS) + 3))})"""
INSERT_CONTENT = "INSERT INTO content VALUES (last_insert_rowid(), ?, ?, ?)"
UPDATE_JOB = f"""UPDATE job
    SET status = ?, owner = ?, attempt = ?, ticket = ?,
        started_at = ?, finished_at = ?, duration = ?, fault = ?, log = ?
    WHERE id = ? AND status NOT IN ({_ENDED}) AND (owner IN (?, '') OR attempt < ?)"""
SELECT_JOB = f"SELECT {_LISTED}, {_PARAMS} FROM {_COMPLETE} WHERE id = ?"
SELECT_REQUEST = f"""SELECT coalesce(job.request, content.request),
        coalesce(job.request_params, content.request_params, {_PARAMS})
    FROM {_COMPLETE} WHERE id = ?"""
_REMOVED = f"id IN (SELECT value FROM json_each(?)) AND status IN ({_ENDED})"
SELECT_REMOVED = f"SELECT id FROM job WHERE {_REMOVED}"
DELETE_CONTENT = f"DELETE FROM content WHERE number IN (SELECT number FROM job WHERE {_REMOVED})"
DELETE_JOBS = f"DELETE FROM job WHERE {_REMOVED}"
SELECT_LOG = "SELECT log FROM job WHERE id = ? AND log IS NOT NULL"
SELECT_NUMBER = "SELECT number FROM job WHERE id = ?"
SELECT_IDS = (
    "SELECT id FROM job WHERE id >= ?1 AND id < ?1 || char(1114111) AND user_id = ?2 ORDER BY id LIMIT ?3"
)
SELECT_NAMED = "SELECT id FROM job WHERE user_id = ? AND name = ? AND name <> '' ORDER BY number DESC LIMIT 1"
SELECT_LIVE_OWNERS = f"SELECT DISTINCT owner FROM job WHERE {_IS_LIVE}"
_OWNED = f"{_IS_LIVE} AND owner IN (SELECT value FROM json_each(?))"
SELECT_OWNED = f"SELECT {_LISTED}, {_PARAMS} FROM {_COMPLETE} WHERE {_OWNED} ORDER BY job.number"
UPDATE_OWNED = f"UPDATE job SET owner = ? WHERE {_OWNED}"


class Query(NamedTuple):
    """A statement and its arguments."""

    sql: str
    args: tuple[Any, ...]


def select_page(
    limit: int,
    after: int | None,
    statuses: Collection[JobStatus] | None,
    user_id: str,
    workflow_id: str | None,
) -> Query:
    """Newest first, of the numbers below ``after``: one range of an index, or one for each status, merged."""
    conditions, args = ["user_id = ?"], [user_id]
    if user_id:
        conditions.append("user_id <> ''")
    if workflow_id is not None:
        conditions.append("workflow_id = ?" + (" AND workflow_id <> ''" if workflow_id else ""))
        args.append(workflow_id)
    tail: tuple[Any, ...] = (limit,)
    if after is not None:
        conditions.append("number < ?")
        tail = (after, limit)
    order = "ORDER BY number DESC LIMIT ?"
    if statuses is None or workflow_id is not None or JobStatus.COMPLETED in statuses:
        if statuses is not None:
            # The plus keeps SQLite from taking the index of statuses for the workflow's.
            conditions.append(f"+status IN ({_quoted(statuses)})")
        return Query(f"SELECT {_LISTED} FROM job WHERE {' AND '.join(conditions)} {order}", (*args, *tail))
    each = (
        f"SELECT * FROM (SELECT {_LISTED}, number FROM job"
        f" WHERE status = ? AND status <> 'completed' AND {' AND '.join(conditions)} {order})"
    )
    values = [value for status in sorted(statuses) for value in (status.value, *args, *tail)]
    return Query(f"{' UNION ALL '.join([each] * len(statuses))} {order}", (*values, limit))


def row_of(record: JobRecord) -> tuple[Any, ...]:
    """The columns of a new job."""
    limits = (
        None
        if record.limits is NO_LIMITS or record.limits == NO_LIMITS
        else to_json(record.limits, exclude_none=True)
    )
    return (
        record.id,
        record.name,
        record.workflow_id,
        record.user_id,
        record.strategy,
        record.status.value,
        record.owner,
        record.attempt,
        record.ticket,
        record.created_at,
        record.started_at,
        record.finished_at,
        record.duration,
        limits,
        fault_json(record.fault),
        None if record.origin is None else to_json(record.origin),
    )


def changes_of(record: JobRecord, lines: bytes) -> tuple[Any, ...]:
    """The arguments of UPDATE_JOB. ``lines`` is the whole log of a job that ends, where it has no file."""
    return (
        record.status.value,
        record.owner,
        record.attempt,
        record.ticket,
        record.started_at,
        record.finished_at,
        record.duration,
        fault_json(record.fault),
        pack(lines) if lines else None,
        record.id,
        record.owner,
        record.attempt,
    )


def record_of(row: Sequence[Any], params: bytes | None = None) -> JobRecord:
    """The record of a row in the order of COLUMNS; without params it is a listed one."""
    values = dict(zip(COLUMNS, row, strict=False))
    limits = values["limits"]
    values["limits"] = NO_LIMITS if limits is None else from_json(limits)
    for name in ("fault", "origin"):
        if values[name] is not None:
            values[name] = from_json(values[name])
    if params is not None:
        values["params"] = from_json(unpack(params))
    return JobRecord.model_validate(values)


class Content(NamedTuple):
    """What a job was asked to run, as the database keeps it; ``request_params`` only where they differ."""

    params: bytes
    request: bytes
    request_params: bytes | None

    @property
    def is_small(self) -> bool:
        """Whether it lies in the job's row."""
        return len(self.params) + len(self.request) + len(self.request_params or b"") <= INLINE


MARK = f'"{KIND}":'.encode()
"""In the JSON of params that are not all plain values."""
LARGEST_PARAM = 1024 * 1024
"""Bytes of a part of a param that is kept with its job."""
ELSEWHERE = (None, None, None)
"""In a job's row, for content that isn't small."""


def content_of(record: JobRecord, request: RunJobRequest) -> Content:
    """Encode params and request; the request's params so that they are read with their types. What has no
    JSON, or is large, is kept as a preview.

    Raises ValueCrossingError for text that has no encoding.
    """
    try:
        record.name.encode()
        params = own = to_json(record.params, fallback=preview, bytes_mode="base64")
        if request.params is not record.params:
            own = to_json(request.params, fallback=preview, bytes_mode="base64")
        own = _typed(request.params, own)
        text = _REQUEST.to_json(request, exclude={"params"}, exclude_defaults=True, fallback=preview)
    except (PydanticSerializationError, UnicodeEncodeError) as error:
        raise ValueCrossingError(
            f"job {record.id} can't be kept, a value of its params or graph can't be written: {error}",
            hint="text must not hold lone surrogates" if "surrogate" in str(error) else "make it in a node",
        ) from error
    return Content(pack(params), pack(text), None if own == params else pack(own))


def _typed(params: Mapping[str, Any], text: bytes) -> bytes:
    """Params as they can be read back: ``text``, their JSON, where that is what they are."""
    if MARK not in text and _is_same(params, text):
        return text
    return to_json({name: _encoded(value) for name, value in params.items()})


def _is_same(params: Mapping[str, Any], text: bytes) -> bool:
    try:
        return bool(from_json(text) == params)
    except Exception:  # noqa: BLE001 - arrays, and whatever classes of the user's say of being equal
        return False


def _encoded(value: Any) -> Any:
    try:
        return encode(value, _NoFile(), LARGEST_PARAM)
    except NodeToolError:
        return preview(value)


class _NoFile:
    """In place of the files of large values: a job that has not run has none."""

    def write(self, name_hint: str, _suffix: str, _data: object) -> str:
        raise StoreError(f"{name_hint} is too large to be kept")


def request_of(text: bytes, params: bytes) -> RunJobRequest:
    """Decode what ``content_of`` has encoded; of a value whose class isn't here there is only a preview."""
    given = unpack(params)
    request = RunJobRequest.model_validate_json(b'{"params":' + given + b"," + unpack(text)[1:])
    if MARK not in given:
        return request
    return request.model_copy(
        update={"params": {key: _decoded(value) for key, value in request.params.items()}}
    )


def _decoded(value: Any) -> Any:
    try:
        return decode(value)
    except NodeToolError as error:
        return marker("object", "preview", repr=error.message)


def fault_json(fault: Fault | None) -> bytes | None:
    """A fault as JSON; characters that have no encoding are replaced: a failure can always be recorded."""
    if fault is None:
        return None
    try:
        return _FAULT.dump_json(fault, exclude_none=True)
    except (PydanticSerializationError, UnicodeEncodeError):
        return to_json({key: _encodable(value) for key, value in asdict(fault).items() if value is not None})


def _encodable(value: Any) -> Any:
    return value.encode(errors="replace").decode() if type(value) is str else value


def pack(text: bytes) -> bytes:
    """JSON, compressed where that pays; the first byte tells them apart."""
    return text if len(text) <= PACK_ABOVE else zlib.compress(text, 1)


def unpack(data: bytes) -> bytes:
    """The JSON that was packed; zlib's header is no character that JSON begins with."""
    return zlib.decompress(data) if data[:1] == b"\x78" else data
