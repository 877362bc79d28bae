"""An answer of the engine's holds until the engine tells of a change, or has gone."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator

import pytest

from nodetool_jupyter.errors import DockerError
from nodetool_jupyter.strategies.docker.changes import Changes
from tests.support import wait_until

DEADLINE = 5.0


class Told:
    """What an engine tells; None is its end."""

    def __init__(self) -> None:
        self.events: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self.is_closed = False

    def __iter__(self) -> Iterator[object]:
        return iter(self.events.get, None)

    def close(self) -> None:
        self.is_closed = True
        self.events.put(None)


@pytest.fixture
def engines() -> list[Told]:
    """Those that will be listened to, one after the other; without any there is none."""
    return []


@pytest.fixture
def changes(engines: list[Told]) -> Iterator[Changes]:
    def tell() -> Told:
        if not engines:
            raise DockerError("the Docker Engine doesn't answer")
        return engines.pop(0)

    changes = Changes(tell)
    yield changes
    changes.close()
    assert "nodetool-docker" not in {thread.name for thread in threading.enumerate()}


@pytest.fixture
def told(engines: list[Told], changes: Changes) -> Told:
    """An engine that is listened to."""
    told = Told()
    engines.append(told)
    changes.listen()
    wait_until(lambda: hears(changes), DEADLINE)
    return told


def hears(changes: Changes) -> bool:
    return changes.ask(str).change is not None


def test_nobody_listens(changes: Changes) -> None:
    """Then it holds for its seconds; also where the engine can't be listened to."""
    for _ in range(2):
        answer = changes.ask(lambda: "there")
        assert answer.said == "there"
        assert changes.holds(answer, 60)
        assert not changes.holds(answer, 0)
        changes.listen()
    assert not hears(changes)


def test_a_change(told: Told, engines: list[Told], changes: Changes) -> None:
    """Nothing that was asked before it holds; the engine's end is one, too."""
    for event in ("tag", None):
        answer = changes.ask(str)
        assert changes.holds(answer, 0)
        told.events.put(event)
        wait_until(lambda answer=answer: not changes.holds(answer, 60), DEADLINE)
    engines.append(Told())
    wait_until(lambda: changes.listen() or hears(changes), DEADLINE)


def test_a_change_while_it_is_asked(told: Told, changes: Changes) -> None:
    """Nobody knows whether the answer is from before or after."""
    before = changes.ask(str)

    def question() -> str:
        told.events.put("untag")
        wait_until(lambda: not changes.holds(before, 0), DEADLINE)
        return "old"

    assert not changes.holds(changes.ask(question), 60)


def test_closed(told: Told, changes: Changes) -> None:
    """It listens no more, and never again."""
    changes.close()
    assert told.is_closed
    changes.listen()
    assert not hears(changes)
