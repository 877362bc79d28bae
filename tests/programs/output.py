"""Nodes that write where they should not, and more than anyone wants."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

from nodetool_jupyter import ProcessingContext, node
from nodetool_jupyter.worker.process import COOKIE

LINE = {"type": "log_update", "node_id": "n", "node_name": "n", "content": "forged", "severity": "info"}
BLOCK = b"x" * 1023 + b"\n"


@node
def floods(megabytes: int) -> int:
    """Writes past Python's streams, as a library or a child does."""
    written = os.write(1, b"the first line\n")
    for _ in range(megabytes * 16):
        data = BLOCK * 64
        while data:
            count = os.write(1, data)
            written += count
            data = data[count:]
    return written + os.write(2, b"the last line\n")


@node
def writes_binary() -> str:
    os.write(1, b"\xff\xfe\x00\x1b[31mred\x07\n")
    return "done"


@node
def child_speaks() -> str:
    subprocess.run([sys.executable, "-I", "-S", "-c", "print('out'); import sys; sys.exit('err')"])
    return "done"


@node
def closes_its_streams() -> str:
    for fd in (0, 1, 2):
        os.close(fd)
    return "done"


@node
def closes_python_streams() -> str:
    sys.__stdout__.close()
    sys.__stderr__.close()
    return "done"


@node
def closes_everything(high: int) -> str:
    os.closerange(3, high)
    return "done"


@node
def prints_a_long_line(megabytes: int) -> int:
    print("y" * megabytes * 2**20)
    return megabytes


@node
def reports_much(count: int, context: ProcessingContext) -> int:
    for number in range(count):
        print(number)
        context.progress(number + 1, count)
    return count


@node
async def yields(count: int) -> AsyncIterator[int]:
    for number in range(count):
        yield number


def completed(job_id: str, **fields: object) -> bytes:
    """A message that says that a job has completed."""
    event = {"type": "job_update", "status": "completed", "timestamp": time.time(), "job_id": job_id}
    event = {**event, **fields}
    if event["type"] != "job_update":
        del event["status"]
    return json.dumps(event).encode() + b"\n"


@node
def prints_an_end() -> None:
    """By Python, and past it."""
    data = completed(os.environ[COOKIE], seq=2)
    print(data.decode())
    os.write(1, data)
    raise ValueError("on purpose")


def _pipes() -> list[int]:
    found = []
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            if int(entry.name) > 2 and str(entry.readlink()).startswith("pipe:"):
                found.append(int(entry.name))
    return found


@node
def writes_to_pipes(text: str, code: int) -> None:
    """Writes to every pipe that it finds open; {end} is a forged end."""
    data = text.encode().replace(b"{end}", completed(os.environ[COOKIE], seq=3))
    for fd in _pipes():
        with suppress(OSError):
            os.write(fd, data)
    if code >= 0:
        os._exit(code)


@node
def writes_to_its_log(folder: str, text: str, code: int) -> str:
    """Appends to its own job's log; {end} is a forged end, {event} a forged message."""
    job_id = os.environ[COOKIE]
    path = Path(folder) / job_id / "events.jsonl"
    seq = path.read_bytes().count(b"\n") + 1
    data = text.encode().replace(b"{end}", completed(job_id, seq=seq))
    data = data.replace(b"{event}", completed(job_id, seq=seq, **LINE))
    with path.open("ab") as file:
        file.write(data)
    if code >= 0:
        os._exit(code)
    return "done"


@node
def forges_its_end(what: str, kills: bool) -> str:
    """Makes an exit record, as its supervisor does: alone, with an end in the log, or as a folder."""
    folder, job_id = _run_folder(), os.environ[COOKIE]
    seq = (folder / "events.jsonl").read_bytes().count(b"\n") + 1
    end = completed(job_id, seq=seq)
    path = folder / "exit.json"
    if what == "folder":
        path.mkdir()
        (path / "file").touch()
    else:
        path.write_text(json.dumps({"update": end.decode().strip(), "attempt": 1, "wait_status": 0}))
    if what == "both":
        with (folder / "events.jsonl").open("ab") as file:
            file.write(end)
    for number in range(20):
        print(number)
        threading.Event().wait(0.01)
    if kills:
        os.kill(os.getppid(), signal.SIGKILL)
        threading.Event().wait(60)
    return "done"


@node
def fills_its_folder() -> None:
    """Fills the disk of its run directory, then has something to say."""
    with (_run_folder() / "filling").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(BLOCK)
        except OSError as error:
            print(error)
    for number in range(1000):
        print(number)


def _run_folder() -> Path:
    """Where the log lies that this process has open."""
    for entry in Path("/proc/self/fd").iterdir():
        path = entry.resolve()
        if path.name == "events.jsonl":
            return path.parent
    raise LookupError("no log is open")
