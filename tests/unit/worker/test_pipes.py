"""Only what the worker itself says of its end counts."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from nodetool_jupyter.model.events import JobUpdate
from nodetool_jupyter.worker.pipes import Pipes, spoken

UPDATE = JobUpdate(status="completed", job_id="j", timestamp=0)


@pytest.fixture
def pipes() -> Iterator[Pipes]:
    pipes = Pipes()
    yield pipes
    pipes.close()
    pipes.close_in_supervisor()


def say(pipes: Pipes, data: bytes) -> None:
    os.write(pipes.worker_ends.end, data)
    pipes.drain()


def test_an_end(pipes: Pipes) -> None:
    """With the size of the log that the worker has written."""
    say(pipes, spoken(pipes.worker_ends.token, 17, UPDATE))
    told = pipes.told()
    assert told.update is not None
    assert (told.update.status, told.log_size, told.fault) == ("completed", 17, None)


@pytest.mark.parametrize("length", [0, 5, 32, 33, 40])
def test_the_beginning_of_an_end_is_none(pipes: Pipes, length: int) -> None:
    """A worker may be killed while it tells it."""
    say(pipes, spoken(pipes.worker_ends.token, 17, UPDATE)[:length])
    told = pipes.told()
    assert (told.update, told.fault) == (None, None)


@pytest.mark.parametrize(
    "make",
    [
        lambda _token: b"\n",
        lambda _token: b"garbage",
        lambda _token: spoken(b"0" * 32, 17, UPDATE),
        lambda token: b"x" + spoken(token, 17, UPDATE),
        lambda token: spoken(token, 17, UPDATE) * 2,
        lambda token: spoken(token, 17, UPDATE) + b"more",
        lambda token: token + b" 1 {}\n",
        lambda token: spoken(token, 17, JobUpdate(status="running", job_id="j", timestamp=0)),
    ],
)
def test_anything_else_is_a_fault(pipes: Pipes, make: object) -> None:
    """Whoever has written it: it can't be told what the worker has said."""
    assert callable(make)
    say(pipes, make(pipes.worker_ends.token))
    told = pipes.told()
    assert told.update is None
    assert told.fault is not None
    assert told.fault.code.value == "protocol_error"


def test_each_job_has_a_token_of_its_own(pipes: Pipes) -> None:
    """What one worker knows is of no use in another's pipe."""
    other = Pipes()
    assert other.worker_ends.token != pipes.worker_ends.token
    other.close()
    other.close_in_supervisor()
