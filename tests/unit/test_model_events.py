"""The messages of a job and their JSON lines: NodeTool's names, each line readable, hostile text harmless."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodetool_jupyter.errors import ErrorCode, WorkflowError
from nodetool_jupyter.model.batch import Batch, Moment, Signature
from nodetool_jupyter.model.events import (
    Chunk,
    EdgeUpdate,
    Event,
    Fault,
    JobUpdate,
    LogUpdate,
    NodeProgress,
    NodeUpdate,
    Notification,
    OutputUpdate,
    PreviewUpdate,
    SaveUpdate,
    decode_event,
    encode_events,
)

FAULT = Fault(code=ErrorCode.NODE_ERROR, message="broken", hint="mend it", node_id="a", traceback="1\n2")
EVENTS: list[Event] = [
    JobUpdate(status="failed", seq=1, job_id="j", fault=FAULT, error="broken", duration=1.5, timestamp=2.5),
    JobUpdate(status="completed", result={"r": [1, None, {"a": []}]}),
    NodeUpdate(node_id="a", node_name="A", node_type="x.A", status="running", result={"output": [1, "b"]}),
    NodeProgress(node_id="a", progress=1, total=3.5, chunk="text"),
    EdgeUpdate(edge_id="e", status="drained", counter=7),
    OutputUpdate(node_id="o", node_name="O", output_name="r", value={"type": "bytes", "data": ""}),
    PreviewUpdate(node_id="p", value=[1.5, None]),
    SaveUpdate(node_id="s", name="file", value=b"".decode(), output_type="str"),
    LogUpdate(node_id="a", node_name="A", content="a\nb\r\x00\u2028ä", severity="warning"),
    Notification(node_id="a", content="look", severity="error"),
    Chunk(content="piece", done=True, content_type="image"),
]


@pytest.mark.parametrize("event", EVENTS, ids=[event.type for event in EVENTS])
def test_a_message_comes_back_as_it_was(event: Event) -> None:
    """One line each, whatever is in it."""
    data = encode_events([event])
    assert (data.count(b"\n"), data[-1:]) == (1, b"\n")
    assert decode_event(data) == event


def test_lines_are_json_with_nodetool_s_names() -> None:
    """A reader of NodeTool's stream understands them; what is None is left out."""
    [line] = encode_events([EVENTS[4]]).splitlines()
    assert json.loads(line) == {
        "type": "edge_update",
        "edge_id": "e",
        "status": "drained",
        "counter": 7,
        "job_id": "",
        "seq": 0,
        "timestamp": 0.0,
    }


def test_no_messages_are_no_bytes() -> None:
    """An empty batch leaves a log as it is."""
    assert encode_events([]) == b""


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"{",
        b'{"type":"no_such"}',
        b'{"type":"log_update"}',
        b'{"type":"log_update","node_id":"a","node_name":"A","content":"x","severity":"loud"}',
        b'{"type":"node_progress","node_id":"a","progress":"much"}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_what_is_no_message_is_refused(line: bytes) -> None:
    """With an error of ours, whatever a file may hold."""
    with pytest.raises(WorkflowError, match="not a message of a job"):
        decode_event(line)


def test_unknown_fields_are_ignored() -> None:
    """A log that a later version wrote can be read."""
    event = decode_event(b'{"type":"edge_update","edge_id":"e","status":"drained","new":1}')
    assert event == EdgeUpdate(edge_id="e", status="drained")


@given(st.text(st.characters(exclude_categories=()), max_size=20))
def test_any_text_can_be_written_and_read(text: str) -> None:
    """Lone surrogates have no place in a file: they become question marks, and the line stays a line."""
    event = LogUpdate(node_id=text, node_name=text, content=text, seq=3)
    data = encode_events([event])
    assert data.count(b"\n") == 1
    read = decode_event(data)
    shown = text.encode(errors="replace").decode()
    assert (read.seq, getattr(read, "content", None)) == (3, shown)


class TestBatch:
    """Events on their way: some still plain tuples, all numbered."""

    A = Signature("a", "A", "x.A")
    MOMENTS: tuple[Moment, ...] = (
        (A, "running", None, 1_500_000_000),
        (A, "completed", {"output": 5}, 2_500_000_000),
        (
            Signature("b", 'quote " and \\ and \n', "x.B"),
            "completed",
            {"o": "t\u2028ä", "p": [1, {"q": None}]},
            1_700_000_000_123_456_000,
        ),
        (Signature("c", "C", "x.C"), "completed", {}, 3_000_000_000),
        (A, "completed", {'"': True}, 3_000_000_000),
        (A, "completed", {"output": 2.5}, 3_000_000_000),
        (A, "completed", {"output": "\x00\x1f\x7f"}, 3_000_000_000),
    )

    def batch(self, *items: Any) -> Batch:
        return Batch(items, "job", 7)

    def test_it_is_a_sequence_of_events(self) -> None:
        """Numbered from its first number on, with the job's id."""
        events = list(self.batch(*self.MOMENTS, *map(dataclasses.replace, EVENTS)))
        assert [event.seq for event in events] == list(range(7, 7 + len(events)))
        assert {event.job_id for event in events} == {"job"}
        assert events[1] == NodeUpdate(
            node_id="a",
            node_name="A",
            node_type="x.A",
            status="completed",
            result={"output": 5},
            timestamp=2.5,
            job_id="job",
            seq=8,
        )

    def test_its_lines_are_those_of_its_events(self) -> None:
        """What is written by hand is what the encoder would write."""
        batch = self.batch(*self.MOMENTS, *map(dataclasses.replace, EVENTS))
        assert [decode_event(line) for line in batch.lines.splitlines()] == list(batch)

    @pytest.mark.parametrize("text", ["\ud800", 'a\udfff"', "\ud83d\ude00"])
    @pytest.mark.parametrize("place", ["id", "name", "handle", "value", "nested"])
    def test_lone_surrogates_leave_no_gap(self, text: str, place: str) -> None:
        """A hostile text costs its characters, not the line's number or its place in the job."""
        results: dict[str, Any] = {"handle": {text: 1}, "value": {"o": text}, "nested": {"o": [text], "p": 1}}
        node = Signature(text if place == "id" else "a", text if place == "name" else "A", "x.A")
        item = (node, "completed", results.get(place), 1_000_000_000)
        batch = self.batch(item, self.MOMENTS[0])
        decoded = [decode_event(line) for line in batch.lines.splitlines()]
        assert [(event.seq, event.job_id) for event in decoded] == [(7, "job"), (8, "job")]

    @pytest.mark.parametrize("value", [math.nan, math.inf, 10**400, {"a": math.nan}])
    def test_numbers_that_json_lacks(self, value: Any) -> None:
        """The line stays JSON that any reader takes."""
        [line] = self.batch((self.A, "completed", {"o": value}, 1_000_000_000)).lines.splitlines()

        def refuse(constant: str) -> None:
            raise AssertionError(constant)

        assert json.loads(line, parse_constant=refuse)["seq"] == 7

    def test_job_updates(self) -> None:
        """Those that change the job's status are found without making the other events."""
        update = JobUpdate(status="running")
        assert list(self.batch(*self.MOMENTS, update).job_updates) == [update]
