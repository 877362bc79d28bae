"""Both ends of the wire between a launcher, a supervisor and its worker: lines of JSON over a socket.

The launcher says hello with versions and what to run, later what to do; anyone of this user may do the latter
by the control socket in the run directory. Messages of the job never travel here: they are in its log, and
one byte on the bell says that there are new ones.
"""

from __future__ import annotations

import os
import platform
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import MISSING, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic_core import CoreSchema, SchemaValidator, ValidationError, from_json, to_json
from pydantic_core import core_schema as core

from nodetool_jupyter.errors import ErrorCode, WorkflowError
from nodetool_jupyter.model.events import Fault

PROTOCOL = 1
LONGEST = 64 * 1024 * 1024
"""Bytes that one message may have; large values go by file."""
BLOCK = 64 * 1024
NEWLINE = b"\n"
FORK, USED, SPARE = b"f", b"u", b"s"
"""To a zygote: fork a supervisor for the job that comes along, or the spare one has a job; and from it: here
is one that waits for a job.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What to run: the order that lies in ``folder``, known by its ``digest``. The environment travels here
    alone, never by a file.
    """

    protocol: int
    package: str
    python: str
    folder: str
    digest: str
    environment: dict[str, str] | None = None
    type: Literal["start"] = "start"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """End the job: as cancelled, or as failed with ``fault``; ``is_urgent`` if it gets no time to stop."""

    fault: Fault | None = None
    is_urgent: bool = False
    type: Literal["cancel"] = "cancel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """From a supervisor to its worker: run what was briefed, in these control groups, with controllers."""

    groups: dict[str, list[str]]
    type: Literal["begin"] = "begin"


Message = Start | Cancel | Begin


def _schema(cls: type, **schemas: CoreSchema) -> CoreSchema:
    """What pydantic would find out by itself, which takes a fifth of the time in which a container starts."""
    found = []
    for each in fields(cls):
        schema = schemas.get(each.name, TEXT)
        if each.default is not MISSING:
            schema = core.with_default_schema(schema, default=each.default)
        found.append(core.dataclass_field(each.name, schema))
    names = [each.name for each in fields(cls)]
    arguments = core.dataclass_args_schema(cls.__name__, found)
    return core.dataclass_schema(cls, arguments, names, slots=True)


TEXT = core.str_schema()
_TEXTS = core.nullable_schema(TEXT)
_CODE = core.enum_schema(ErrorCode, list(ErrorCode), sub_type="str")
_FAULT = _schema(
    Fault, **dict.fromkeys((each.name for each in fields(Fault)), _TEXTS) | {"code": _CODE, "message": TEXT}
)
_ENVIRONMENT = core.nullable_schema(core.dict_schema(TEXT, TEXT))
_MESSAGE = SchemaValidator(
    core.tagged_union_schema(
        {
            "start": _schema(Start, protocol=core.int_schema(), environment=_ENVIRONMENT),
            "cancel": _schema(Cancel, fault=core.nullable_schema(_FAULT), is_urgent=core.bool_schema()),
            "begin": _schema(Begin, groups=core.dict_schema(TEXT, core.list_schema(TEXT))),
        },
        discriminator="type",
    )
)


class WireError(WorkflowError):
    """What came over the wire is no message."""


@cache
def package_version() -> str:
    """The version of this package."""
    from importlib.metadata import version

    return version("nodetool-jupyter")


def python_version() -> str:
    """The version of this Python, as far as code depends on it: ``3.11``."""
    return ".".join(platform.python_version_tuple()[:2])


def encode_message(message: Message) -> bytes:
    """A message as one line."""
    return to_json(message, exclude_none=True) + NEWLINE


class Lines:
    """Makes messages of the bytes that come in pieces of any size."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """The messages that ``data`` completes; raises WireError for what is none, or is too long."""
        self._rest += data
        lines: list[bytearray] = []
        if NEWLINE in data:  # else it need not be looked for in all that has come before
            *lines, self._rest = self._rest.split(NEWLINE)
        if len(self._rest) > LONGEST:
            raise WireError(f"a message of more than {LONGEST // 2**20} MiB came in")
        return [decode_message(bytes(line)) for line in lines]


def decode_message(line: bytes) -> Message:
    """Read one line; raises WireError."""
    try:
        message: Message = _MESSAGE.validate_python(from_json(line, cache_strings="none"))
        return message
    except (ValidationError, ValueError) as error:
        raise WireError(f"not a message of ours: {str(error).splitlines()[0][:200]}") from None


def receive(connection: socket.socket, lines: Lines) -> list[Message] | None:
    """What has come over a connection that is ready to be read; None at its end."""
    try:
        data = connection.recv(BLOCK)
    except (BlockingIOError, InterruptedError):
        return []
    except OSError:
        return None
    return lines.feed(data) if data else None


def receive_first(connection: socket.socket, lines: Lines) -> list[Message]:
    """What has come at first: what to run, and perhaps that it should not be run after all. Raises
    WorkflowError where whoever would say so has gone.
    """
    while True:
        messages = receive(connection, lines)
        if messages is None:
            raise WorkflowError("the kernel has gone before it said what to run")
        if messages:
            return messages


@contextmanager
def short_address(path: Path) -> Iterator[str]:
    """A name for a socket at ``path`` that fits into its address, which holds some 100 bytes."""
    fd = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        through = f"/proc/self/fd/{fd}"
        yield f"{through}/{path.name}" if os.path.exists(through) else str(path)  # noqa: PTH110
    finally:
        os.close(fd)


def hello(folder: str, digest: str, environment: dict[str, str] | None) -> Start:
    """The first message of a launcher."""
    return Start(
        protocol=PROTOCOL,
        package=package_version(),
        python=python_version(),
        folder=folder,
        digest=digest,
        environment=environment,
    )


class Mismatch(WireError):
    """Launcher and worker are of versions that don't go together."""


def check_versions(start: Start) -> None:
    """Raises Mismatch where this process can't run what that launcher wants."""
    ours: dict[str, Any] = {
        "protocol": PROTOCOL,
        "package": package_version(),
        "python": python_version(),
    }
    for name, mine in ours.items():
        theirs = getattr(start, name)
        if theirs != mine:
            raise Mismatch(f"the kernel has {name} {theirs}, the worker {name} {mine}")
