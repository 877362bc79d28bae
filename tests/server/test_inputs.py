"""Values for jobs over REST: pushed to one that runs, or given to one that is suspended."""

from __future__ import annotations

from typing import Any

import pytest

from nodetool_jupyter import node
from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.model.graph import Graph, Node
from nodetool_jupyter.model.job import JobStatus
from nodetool_jupyter.session import Session
from tests.server.client import Client
from tests.server.records import SUM, put

pytestmark = pytest.mark.usefixtures("one_zygote")

STREAM = {
    "nodes": [
        {"id": "in", "type": "nodetool.input.IntegerInput", "data": {"name": "x", "stream": True}},
        {"id": "o", "type": "nodetool.output.Output", "data": {"name": "seen"}},
    ],
    "edges": [{"source": "in", "target": "o", "targetHandle": "value"}],
}


@node
async def ask(context: ProcessingContext) -> str:
    if context.resumption is None:
        context.suspend("what is it?")
    return str(context.resumption.value)


@pytest.fixture
def fed(client: Client) -> str:
    """A job of the server that waits for its input."""
    job_id: str = client.post("/jobs", {"workflow": STREAM}).body["id"]
    return job_id


class TestPush:
    """Into a job that the server looks after."""

    def test_values_and_the_end(self, client: Client, session: Session, fed: str) -> None:
        """In their order, some now and some later; the job ends with its input."""
        first = client.post(f"/jobs/{fed}/inputs", {"name": "x", "values": [1, 2]})
        assert (first.status, first.body) == (200, {"taken": 2, "ended": False})
        last = client.post(f"/jobs/{fed}/inputs", {"name": "x", "values": [3], "end": True})
        assert last.body == {"taken": 1, "ended": True}
        client.wait(lambda: session.store.get(fed).status is JobStatus.COMPLETED)
        assert session.find(fed).outputs == {"seen": [1, 2, 3]}
        late = client.post(f"/jobs/{fed}/inputs", {"name": "x", "values": [4]})
        assert (late.status, "has ended" in late.body["message"]) == (400, True)

    @pytest.mark.parametrize(
        ("body", "match"),
        [
            ({"name": "y", "values": [1]}, "no streaming input"),
            ({"name": "x", "values": ["one"]}, "x"),
            ({"name": "x", "values": 1}, "wrong type"),
            ({"values": [1]}, "lacks the field name"),
        ],
    )
    def test_refused(self, client: Client, fed: str, body: dict[str, Any], match: str) -> None:
        """With a sentence; the job goes on."""
        answer = client.post(f"/jobs/{fed}/inputs", body)
        assert (answer.status, match in answer.body["message"]) == (400, True), answer.body
        assert client.post(f"/jobs/{fed}/inputs", {"name": "x", "end": True}).body["ended"]

    def test_of_another_user(self, client: Client, session: Session) -> None:
        """It isn't there."""
        job_id = put(session.store, user_id="someone")
        assert client.post(f"/jobs/{job_id}/inputs", {"name": "x"}).status == 404


class TestResume:
    """Of a suspended job, with what it has asked for."""

    def test_with_a_value(self, client: Client, session: Session) -> None:
        """The same job goes on, and its node has the value."""
        session.registry.add(ask.spec)
        graph = Graph(
            nodes=(
                Node(id="n", type=ask.spec.type),
                Node(id="o", type="nodetool.output.Output", data={"name": "answer"}),
            ),
            edges=({"source": "n", "target": "o", "targetHandle": "value"},),
        )
        job = session.submit(graph, strategy="subprocess")
        client.wait(lambda: session.store.get(job.id).status is JobStatus.SUSPENDED)
        answer = client.post(f"/jobs/{job.id}/resume", {"value": "tea"})
        assert (answer.status, answer.body["id"], answer.body["attempt"]) == (201, job.id, 2), answer.body
        client.wait(lambda: session.store.get(job.id).status is JobStatus.COMPLETED)
        assert session.find(job.id).result() == "tea"

    def test_a_value_that_nobody_waits_for(self, client: Client, session: Session) -> None:
        """It is refused, not thrown away."""
        made = client.post("/jobs", {"workflow": SUM}).body
        client.wait(lambda: session.store.get(made["id"]).status is JobStatus.COMPLETED)
        answer = client.post(f"/jobs/{made['id']}/resume", {"value": 1})
        assert (answer.status, "no node of it waits" in answer.body["message"]) == (400, True)
