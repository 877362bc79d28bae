"""A disk that is full: the job fails and says so, its end is recorded, the store goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
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

home, size, kind, data = Path(sys.argv[1]), sys.argv[2], sys.argv[3], json.loads(sys.argv[4])
(home / "jobs").mkdir(parents=True)
subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", home / "jobs"], check=True)
session = Session(Settings(home=home, cancel_grace=0.5))
module, _, name = kind.partition(".")
node = getattr({"limits": limits, "output": output, "processes": processes}[module], name)
for each in (node, processes.sees):
    session.registry.add(each.spec)
session.registry.add(Out.spec())
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
    "end": events[-1].status,
    "kept": len(events),
    "exit": bool(folder.read_record(EXIT)),
}
for path in folder.path.rglob("*"):
    if path.is_file():
        path.unlink()
again = session.submit(graph({"n": (processes.sees, {"name": "HOME"})}), strategy="subprocess")
again.wait(30)
told["again"] = again.status.value
print(json.dumps(told))
session.close()
"""


def run_on(size: str, home: Path, kind: str, data: dict[str, Any]) -> dict[str, Any]:
    """Run one job whose run directory lies on a disk of this size, in a mount namespace of its own."""
    unshare = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    command = [*unshare, sys.executable, "-c", PROGRAM, str(home), size, kind, json.dumps(data)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    told: dict[str, Any] = from_json(ran.stdout.splitlines()[-1])
    return told


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("limits.prints_lines", {"count": 9_000, "length": 400}),
        ("output.fills_its_folder", {}),
        ("processes.large", {"size": 4_000_000}),
    ],
)
def test_a_disk_that_runs_full(tmp_path: Path, kind: str, data: dict[str, Any]) -> None:
    """By the job's messages, by its files, by its values: the end is there, and no torn message before it."""
    told = run_on("1m", tmp_path / "home", kind, data)
    assert (told["status"], told["code"]) == ("failed", "disk_full"), told
    assert "o space left" in told["message"] or "disk is full" in told["message"]
    assert told["hint"]
    assert (told["gapless"], told["end"], told["exit"]) == (True, "failed", True)
    assert told["again"] == "completed"


def test_a_disk_that_is_full_from_the_start(tmp_path: Path) -> None:
    """Not even the reserve fits: the job fails all the same, and says why."""
    told = run_on("40k", tmp_path / "home", "processes.sees", {"name": "HOME"})
    assert (told["status"], told["code"]) == ("failed", "disk_full"), told
