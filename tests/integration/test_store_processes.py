"""What becomes of stored jobs when several processes share them, race for them and are killed."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import IO

import pytest

from nodetool_jupyter.model.graph import Graph
from nodetool_jupyter.model.job import JobRecord, JobStatus
from nodetool_jupyter.model.request import RunJobRequest
from nodetool_jupyter.store import new_job_id
from nodetool_jupyter.store.sqlite import DATABASE, SqliteStore
from tests.support import wait_until

ROOT = Path(__file__).resolve().parents[2]
STORE = """
import sys, warnings
from pathlib import Path
from nodetool_jupyter.model.graph import Graph
from nodetool_jupyter.model.job import JobRecord, JobStatus
from nodetool_jupyter.model.request import RunJobRequest
from nodetool_jupyter.store import new_job_id
from nodetool_jupyter.store.sqlite import SqliteStore

def say(*words):
    print(*words, flush=True)

def add(name="", owner="", created_at=1.0):
    record = JobRecord(id=new_job_id(), name=name, owner=owner, created_at=created_at)
    store.add(record, RunJobRequest(graph=Graph()))
    return record

home = Path(sys.argv[1])
warnings.simplefilter("ignore")
"""
WRITER = """
store = SqliteStore(home)
while True:
    record = add()
    log = store.open_log(record.id)
    log.append(b'{"seq":1}\\n{"seq":2}\\n')
    store.update(record.model_copy(update={"status": JobStatus.COMPLETED}), log)
    say(record.id)
    log.close()
"""
CLAIMANT = """
store = SqliteStore(home)
owner = store.register_owner()
say("ready")
input()
for record in store.claim_dead(owner.id, store.owner_is_alive):
    say(record.id)
say("done")
input()
"""
OPENER = """
say("ready")
input()
store = SqliteStore(home, busy_timeout=30)
for number in range(100):
    record = add(name=sys.argv[2])
    store.update(record.model_copy(update={"status": JobStatus.RUNNING}))
store.close()
"""
OWNER = """
import os, signal
store = SqliteStore(home)
owner = store.register_owner()
child = os.fork()
if not child:
    signal.pause()
say(owner.id, child)
signal.pause()
"""


class Programs:
    """Processes that share a store, ended with their test."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.stack = ExitStack()

    def start(self, body: str, *args: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", STORE + body, str(self.home), *args]
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT)
        self.stack.enter_context(process)
        self.stack.callback(process.kill)
        return process

    def race(self, body: str, count: int) -> list[subprocess.Popen[str]]:
        """Start several, and let them go at once when all are ready."""
        racers = [self.start(body, str(number)) for number in range(count)]
        for racer in racers:
            assert out(racer).readline() == "ready\n"
        for racer in racers:
            go_on(racer)
        return racers


def add(store: SqliteStore, owner: str) -> str:
    record = JobRecord(id=new_job_id(), created_at=1, owner=owner)
    store.add(record, RunJobRequest(graph=Graph()))
    return record.id


def out(process: subprocess.Popen[str]) -> IO[str]:
    assert process.stdout is not None
    return process.stdout


def go_on(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


@pytest.fixture
def programs(home: Path) -> Iterator[Programs]:
    programs = Programs(home)
    with programs.stack:
        yield programs


def test_a_damaged_store_is_set_aside_once(home: Path, programs: Programs) -> None:
    """Of processes that open it at once, none takes another's new store for the damaged one."""
    home.mkdir()
    (home / DATABASE).write_bytes(b"not a database " * 500)
    racers = programs.race(OPENER, 4)
    assert [racer.wait(60) for racer in racers] == [0] * 4
    assert len(list(home.glob(f"{DATABASE}.corrupt-*"))) == 1
    with closing(SqliteStore(home)) as store:
        assert len(store.page(limit=1000)) == 400


def test_processes_that_write_at_once_never_meet_a_locked_store(home: Path, programs: Programs) -> None:
    """Nor do they when all of them find no store and make it: 4 processes, 800 writes, every row is there."""
    racers = programs.race(OPENER, 4)
    assert [racer.wait(60) for racer in racers] == [0] * 4
    with closing(SqliteStore(home)) as store:
        rows = store.page(limit=1000, statuses={JobStatus.RUNNING})
    assert Counter(row.name for row in rows) == dict.fromkeys("0123", 100)
    assert not list(home.glob(f"{DATABASE}.corrupt-*"))


@pytest.mark.parametrize("rounds", range(3))
def test_kill_loses_no_acknowledged_job(home: Path, programs: Programs, rounds: int) -> None:
    """Killed amid writing: rows, ends and log lines of all jobs it had told of are there, and sound."""
    writer = programs.start(WRITER)
    told = [out(writer).readline().strip() for _ in range(20 + rounds * 17)]
    writer.send_signal(signal.SIGKILL)
    told += [line.strip() for line in out(writer) if line.endswith("\n")]
    with closing(SqliteStore(home)) as store:
        assert {store.get(job_id).status for job_id in told} == {JobStatus.COMPLETED}
        assert {tuple(store.read_log(job_id).read()[0]) for job_id in told} == {(b'{"seq":1}', b'{"seq":2}')}
    with closing(sqlite3.connect(home / DATABASE)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_processes_that_race_claim_each_job_once(home: Path, programs: Programs) -> None:
    """Six managers find the jobs of dead ones at the same moment; owners are judged by their locks."""
    with closing(SqliteStore(home)) as store:
        owners = [store.register_owner() for _ in range(4)]
        made = {owner.id: [add(store, owner.id) for _ in range(50)] for owner in owners}
        for owner in owners[1:]:
            owner.close()
        racers = programs.race(CLAIMANT, 6)
        claimed = [line.strip() for racer in racers for line in iter(out(racer).readline, "done\n")]
        dead = [job_id for owner in owners[1:] for job_id in made[owner.id]]
        assert sorted(claimed) == sorted(dead)
        assert {each.owner for each in store.page(limit=1000)} & {owner.id for owner in owners} == {
            owners[0].id
        }
        owners[0].close()


def test_an_owner_dies_with_its_process(home: Path, programs: Programs) -> None:
    """Killed, it leaves a file but no lock, though a process that it had forked lives on."""
    process = programs.start(OWNER)
    owner_id, child = out(process).readline().split()
    try:
        with closing(SqliteStore(home)) as store:
            assert store.owner_is_alive(owner_id)
            process.kill()
            process.wait(10)
            os.kill(int(child), 0)
            wait_until(lambda: not store.owner_is_alive(owner_id))
            store.register_owner().close()
        assert not list((home / "owners").glob("*.lock"))
    finally:
        os.kill(int(child), signal.SIGKILL)
