"""Events on their way from the engine to whoever keeps them: numbered, encoded once, objects on demand.

A large graph tells two node updates a node. They travel as plain tuples and are written by hand, at a third
of what building and encoding a NodeUpdate costs; ``Batch`` is a sequence of Events all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from json.encoder import encode_basestring as quoted
from typing import Any, overload

from pydantic_core import to_json

from nodetool_jupyter.model.events import (
    Event,
    JobUpdate,
    NodeStatus,
    NodeUpdate,
    decode_event,
    encode_event,
)

JOB_UPDATE = b'"job_update"'


class Signature:
    """Who tells: the fields that all updates of one node share, and their JSON, made once."""

    __slots__ = ("id", "json", "kind", "name")

    def __init__(self, node_id: str, name: str, kind: str) -> None:
        self.id = node_id
        self.name = name
        self.kind = kind
        self.json = ""

    def encoded(self) -> str:
        """The end of each of its lines, kept in ``json`` from now on."""
        names = f'"node_id":{quoted(self.id)},"node_name":{quoted(self.name)}'
        self.json = f'{names},"node_type":{quoted(self.kind)}}}\n'
        return self.json


Moment = tuple[Signature, NodeStatus, dict[str, Any] | None, int]
"""A node update as the engine tells it: node, status, result, nanoseconds since the epoch."""


class Batch(Sequence[Event]):
    """Some consecutive events of one job, the first of which has the number ``first_seq``."""

    __slots__ = ("_events", "_items", "first_seq", "job_id")

    is_kept = False
    """Whether they are in the job's log already, written by the process that runs the job."""

    def __init__(self, items: Sequence[Event | Moment], job_id: str, first_seq: int) -> None:
        self._items = items
        self._events: list[Event] | None = None
        self.job_id = job_id
        self.first_seq = first_seq

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Event]:
        return iter(self._made())

    @overload
    def __getitem__(self, at: int) -> Event: ...
    @overload
    def __getitem__(self, at: slice) -> list[Event]: ...
    def __getitem__(self, at: int | slice) -> Event | list[Event]:
        return self._made()[at]

    def _made(self) -> list[Event]:
        if self._events is None:
            self._events = list(self._numbered())
        return self._events

    def _numbered(self) -> Iterator[Event]:
        for seq, item in enumerate(self._items, self.first_seq):
            yield self._stamped(_update_of(item) if isinstance(item, tuple) else item, seq)

    def _stamped(self, event: Event, seq: int) -> Event:
        event.seq = seq  # type: ignore[misc]  # stamped before anyone sees it
        event.job_id = self.job_id  # type: ignore[misc]
        return event

    @property
    def job_updates(self) -> Iterable[JobUpdate]:
        """Those that change the job's status."""
        return [item for item in self._items if isinstance(item, JobUpdate)]

    def without_end(self) -> tuple[Batch, JobUpdate | None]:
        """The same without the message that ends the job, and that message, if it has it: the last one."""
        last = self._items[-1] if self._items else None
        if not isinstance(last, JobUpdate) or last.status == "running":
            return self, None
        return Batch(list(self._items)[:-1], self.job_id, self.first_seq), last

    @property
    def lines(self) -> bytes:
        """JSON lines, each ended by a newline."""
        try:
            return "".join(self._texts()).encode()
        except ValueError:  # a lone surrogate, for which the other way has a word
            return b"".join(encode_event(event) + b"\n" for event in self)

    def _texts(self) -> list[str]:
        head = f'{{"type":"node_update","job_id":{quoted(self.job_id)},"seq":'
        texts: list[str] = []
        for seq, item in enumerate(self._items, self.first_seq):
            if not isinstance(item, tuple):
                texts.append(encode_event(self._stamped(item, seq)).decode() + "\n")
                continue
            node, status, result, at = item
            shown = "" if result is None else f'"result":{_json_of(result)},'
            digits = str(at)  # writing a float takes longer than all the rest
            time = f"{digits[:-9]}.{digits[-9:-3]}"
            texts.append(
                f'{head}{seq},"timestamp":{time},"status":"{status}",{shown}{node.json or node.encoded()}'
            )
        return texts


class KeptBatch(Batch):
    """Events that have come by the job's log: lines, made to objects where somebody asks for them."""

    __slots__ = ("_lines",)

    is_kept = True

    def __init__(self, lines: Sequence[bytes], job_id: str, first_seq: int) -> None:
        super().__init__((), job_id, first_seq)
        self._lines = lines

    def __len__(self) -> int:
        return len(self._lines)

    def _numbered(self) -> Iterator[Event]:
        return map(decode_event, self._lines)

    @property
    def job_updates(self) -> Iterable[JobUpdate]:
        marked = (decode_event(line) for line in self._lines if JOB_UPDATE in line)
        return [event for event in marked if isinstance(event, JobUpdate)]

    @property
    def lines(self) -> bytes:
        return b"\n".join([*self._lines, b""])


def _update_of(moment: Moment) -> NodeUpdate:
    node, status, result, at = moment
    return NodeUpdate(
        node_id=node.id,
        node_name=node.name,
        node_type=node.kind,
        status=status,
        result=result,
        timestamp=at / 1e9,
    )


def _json_of(result: dict[str, Any]) -> str:
    if len(result) == 1:
        ((handle, value),) = result.items()
        if type(value) is int:
            return f"{{{quoted(handle)}:{value}}}"
        if type(value) is str:
            return f"{{{quoted(handle)}:{quoted(value)}}}"
    return to_json(result, inf_nan_mode="null").decode()
