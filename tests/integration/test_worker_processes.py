"""Nodes that start processes and threads of their own, or change what belongs to the whole process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.integration.workers import Workers
from tests.programs import processes
from tests.programs.limits import prints_then_waits
from tests.support import wait_until

pytestmark = pytest.mark.only_on("linux")


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_pools(workers: Workers, method: str) -> None:
    """As in any program, with every start method; nothing of them outlives the job."""
    assert workers.run(processes.pools, method=method).result == [0, 2, 4, 6]


def test_executors(workers: Workers) -> None:
    """The pools of concurrent.futures, too."""
    assert workers.run(processes.executes, method="fork").result == [0, 2, 4, 6]


def test_a_child_can_be_terminated(workers: Workers) -> None:
    """By SIGTERM, even in the first moment of its life: it has not inherited the worker's answer to it."""
    assert workers.run(processes.terminates_a_child).result == -15


@pytest.mark.parametrize(
    ("kind", "result"),
    [
        (processes.runs_async_processes, "hello"),
        (processes.joins_threads, list(range(8))),
        (processes.handles_signals, ["SIGALRM", "SIGCHLD", "SIGUSR1"]),
    ],
)
def test_ordinary_means(workers: Workers, kind: Any, result: Any) -> None:
    """Processes by asyncio, threads, signal handlers: a node is free to use them."""
    assert workers.run(kind).result == result


def test_a_changed_process(workers: Workers, tmp_path: Path) -> None:
    """Another folder, umask, environment, import path, limit of files: the job's end needs none of them."""
    assert workers.run(processes.changes_the_process, folder=str(tmp_path)).result == str(tmp_path)


def test_what_a_blocking_node_says_is_seen_at_once(workers: Workers) -> None:
    """Its loop can't tell it; somebody else does."""
    job = workers.start(prints_then_waits)
    wait_until(lambda: job.logs == ["waiting"], 10)
    assert not job.ended.is_set()
    job.cancel()
    job.wait()
