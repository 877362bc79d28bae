"""The real program in processes of its own or in this one, and workflow files for it."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from tempfile import TemporaryFile

from nodetool_jupyter.cli.main import main
from nodetool_jupyter.session import close_session

PROGRAM = (sys.executable, "-m", "nodetool_jupyter")
DEADLINE = 60.0
NODES = """
import asyncio
import pathlib
import threading

from nodetool_jupyter import Input, ProcessingContext, node, output


@node
def shout(text: str) -> str:
    print(f"shouting {text}")
    return text.upper()


@node
def fail(text: str) -> str:
    raise ValueError(f"no {text}")


@node
async def waits_for(path: str) -> str:
    while not pathlib.Path(path).exists():
        await asyncio.sleep(0.01)
    return "it is there"


@node
def asks(context: ProcessingContext) -> str:
    context.suspend("may it?")


@node
def is_stuck() -> str:
    threading.Event().wait(30)
    return "late"


@node
async def counts(end: int):
    for number in range(end):
        await asyncio.sleep(0)
        yield number
"""


def workflow(folder: Path, body: str, name: str = "flow.py") -> str:
    """A workflow file with these nodes; gives its path."""
    path = folder / name
    path.write_text(f"{NODES}\n{body}\n", "utf-8")
    return str(path)


def program(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run the program to its end."""
    return subprocess.run(
        [*PROGRAM, *words], input=stdin, capture_output=True, text=True, encoding="utf-8", timeout=DEADLINE
    )


def called(*words: str) -> subprocess.CompletedProcess[str]:
    """The same of a command that runs no job, in this process, which need not start; its session ends."""
    path, out, err = [*sys.path], io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(words)
    sys.path[:] = path
    close_session()
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


@contextmanager
def started(*words: str) -> Iterator[subprocess.Popen[str]]:
    """The program while it runs; it is killed if it has not ended by then."""
    process = subprocess.Popen(
        [*PROGRAM, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def in_terminal(*words: str) -> tuple[str, str]:
    """What the program writes to a terminal as its standard error, and its standard output, which is none."""
    ours, theirs = os.openpty()
    shown = b""
    with os.fdopen(ours, "rb", buffering=0) as terminal, TemporaryFile() as out:
        process = subprocess.Popen([*PROGRAM, *words], stdin=subprocess.DEVNULL, stdout=out, stderr=theirs)
        os.close(theirs)
        with suppress(OSError):  # Linux says so where the other end has been closed
            while part := terminal.read(4096):
                shown += part
        process.wait(DEADLINE)
        out.seek(0)
        return shown.decode(), out.read().decode()
