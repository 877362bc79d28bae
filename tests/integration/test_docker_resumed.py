"""A job in a container goes on from the results that another one has left in its run directory."""

from __future__ import annotations

import hashlib
import os

import pytest

from nodetool_jupyter.engine.function import node
from nodetool_jupyter.errors import NodeError, OptionError
from nodetool_jupyter.job import Job
from nodetool_jupyter.model.events import OutputUpdate
from nodetool_jupyter.model.request import RunJobRequest
from nodetool_jupyter.session import Session
from tests.unit.engine.support import Out, graph, spec_of

pytestmark = pytest.mark.docker
DEADLINE = 60.0
SIZE = 3_000_000
"""Bytes that go by a file of their own."""


@node
def chances() -> bytes:
    """Never the same twice."""
    return os.urandom(SIZE)


@node
def digests(data: bytes, number: int) -> str:
    if not number:
        raise ValueError("not yet")
    return hashlib.sha256(data).hexdigest()


def asked(session: Session, number: int, strategy: str = "docker", resume: str | None = None) -> Job:
    """A job whose last node fails for 0."""
    for kind in (chances, digests):
        session.registry.add(spec_of(kind))
    nodes = {"a": chances, "b": (digests, {"number": number}), "o": Out, "p": (Out, {"name": "data"})}
    chain = graph(nodes, "a > b.data", "b > o.value", "a > p.value")
    return session.submit_request(RunJobRequest(graph=chain, execution_strategy=strategy), resume=resume)


def test_what_has_completed_does_not_run_again(docker_session: Session) -> None:
    """It gives what it gave, whatever its size; and once more to the one after that."""
    failed = asked(docker_session, 0)
    with pytest.raises(NodeError, match="not yet"):
        failed.result(DEADLINE)
    (update,) = (event for event in failed.events() if isinstance(event, OutputUpdate))
    assert update.output_name == "data"
    first = asked(docker_session, 1, resume=failed.id).result(DEADLINE)
    assert len(first["data"]) == SIZE
    assert first["result"] == hashlib.sha256(first["data"]).hexdigest()
    again = docker_session.retry(failed.id, resume=True)
    with pytest.raises(NodeError, match="not yet"):
        again.result(DEADLINE)
    assert asked(docker_session, 2, resume=again.id).result(DEADLINE)["data"] == first["data"]


def test_results_of_another_strategy(docker_session: Session) -> None:
    """A container's user can't read them, which is told before anything starts."""
    failed = asked(docker_session, 0, strategy="subprocess")
    with pytest.raises(NodeError, match="not yet"):
        failed.result(DEADLINE)
    if os.geteuid() == 0:  # else all jobs are of the kernel's own user
        with pytest.raises(OptionError, match="of another strategy"):
            asked(docker_session, 1, resume=failed.id)
    else:
        assert len(asked(docker_session, 1, resume=failed.id).result(DEADLINE)["data"]) == SIZE
