"""A disk that is full: the job fails and says so, its end is recorded, the store goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from pydantic_core import from_json

from tests.integration.kernels import ROOT

pytestmark = pytest.mark.only_on("linux")

PROGRAM = """
import json, subprocess, sys
from pathlib import Path
from nodetool_jupyter.session import Session
from nodetool_jupyter.settings import Settings
from nodetool_jupyter.worker.folder import EXIT, RunFolder
from tests.programs import limits, output, processes
from tests.unit.engine.support import Out, graph

home, cases = Path(sys.argv[1]), json.loads(sys.argv[2])
(home / "jobs").mkdir(parents=True)
session = Session(Settings(home=home, cancel_grace=0.5))
session.registry.add(Out.spec())
session.registry.add(processes.sees.spec)


def run(size, module, name, data):
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", home / "jobs"], check=True)
    node = getattr({"limits": limits, "output": output, "processes": processes}[module], name)
    session.registry.add(node.spec)
    job = session.submit(graph({"n": (node, data), "o": Out}, "n > o.value"), strategy="subprocess")
    assert job.wait(30)
    fault = job.record.fault
    events = list(job.events())
    folder = RunFolder(session.store.run_directory(job.id))
    told = {
        "status": job.status.value,
        "code": fault and fault.code.value,
        "message": fault and fault.message,
        "hint": fault and fault.hint,
        "gapless": [event.seq for event in events] == list(range(1, len(events) + 1)),
        "end": events and events[-1].status,
        "exit": bool(folder.read_record(EXIT)),
    }
    for path in folder.path.rglob("*"):
        if path.is_file():
            path.unlink()
    again = session.submit(graph({"n": (processes.sees, {"name": "HOME"})}), strategy="subprocess")
    again.wait(30)
    return {**told, "again": again.status.value}


print(json.dumps([run(*case) for case in cases]))
session.close()
"""
CASES = [
    ("1m", "limits", "prints_lines", {"count": 9_000, "length": 400}),
    ("1m", "output", "fills_its_folder", {}),
    ("1m", "processes", "large", {"size": 4_000_000}),
    ("40k", "processes", "sees", {"name": "HOME"}),
]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What became of each case, on a disk of its own in a mount namespace of its own."""
    home = tmp_path_factory.mktemp("home")
    unshare = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    command = [*unshare, sys.executable, "-c", PROGRAM, str(home), json.dumps(CASES)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    told: list[dict[str, Any]] = from_json(ran.stdout.splitlines()[-1])
    return told


@pytest.mark.parametrize("case", range(3))
def test_a_disk_that_runs_full(ran: list[dict[str, Any]], case: int) -> None:
    """By the job's messages, by its files, by its values: the end is there, and no torn message before it."""
    told = ran[case]
    assert (told["status"], told["code"]) == ("failed", "disk_full"), told
    assert "disk is full" in told["message"]
    assert told["hint"]
    assert (told["gapless"], told["end"], told["exit"]) == (True, "failed", True)
    assert told["again"] == "completed"


def test_a_disk_that_is_full_from_the_start(ran: list[dict[str, Any]]) -> None:
    """Not even the reserve fits: the job fails all the same, and says why."""
    assert (ran[3]["status"], ran[3]["code"]) == ("failed", "disk_full"), ran[3]
