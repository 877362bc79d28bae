"""A second Python process that values go to and come back from, as a worker's do."""

from __future__ import annotations

import importlib
import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cloudpickle
from pydantic_core import from_json, to_json

from nodetool_jupyter.values.codec import decode, encode
from nodetool_jupyter.values.files import ValueFolder
from tests.architecture.tree import ROOT

LIMIT = 4_096
PROGRAM = "from tests.unit import values_child; values_child.serve()"


class Child:
    """The other end. What it is asked is an expression about ``value``; its answer is a value again."""

    def __init__(self, folder: Path) -> None:
        self.files = ValueFolder(folder)
        command = [sys.executable, "-c", PROGRAM, str(folder)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def close(self) -> None:
        self._process.communicate(timeout=60)

    def ask(self, question: str, value: Any = None, *, pickles: bool = True) -> Any:
        dump, load = (cloudpickle.dumps, pickle.loads) if pickles else (None, None)
        sent: dict[str, Any] = {
            "question": question,
            "pickles": pickles,
            "value": encode(value, self.files, LIMIT, pickle=dump),
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(to_json(sent) + b"\n")
        self._process.stdin.flush()
        answer = from_json(self._process.stdout.readline())
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return decode(answer["value"], self.files.find, unpickle=load)

    def there_and_back(self, value: Any, *, pickles: bool = True) -> Any:
        return self.ask("value", value, pickles=pickles)


def serve() -> None:
    """The child's main loop: a line in, a line out."""
    files = ValueFolder(Path(sys.argv[1]))
    for line in sys.stdin.buffer:
        try:
            answer = {"value": _answer(from_json(line), files)}
        except Exception as error:  # noqa: BLE001 - told to the other end
            answer = {"error": f"{type(error).__name__}: {error}"}
        sys.stdout.buffer.write(to_json(answer) + b"\n")
        sys.stdout.buffer.flush()


def _answer(asked: dict[str, Any], files: ValueFolder) -> Any:
    dump, load = (cloudpickle.dumps, pickle.loads) if asked["pickles"] else (None, None)
    value = decode(asked["value"], files.find, import_class, unpickle=load)
    given = eval(asked["question"], {"value": value, "json": json})
    return encode(given, files, LIMIT, pickle=dump)


def import_class(module: str, name: str) -> type | None:
    """What a worker does for the classes of its own notebook's modules: they are imported first."""
    if not module.startswith("tests."):
        return None
    found: Callable[..., Any] = getattr(importlib.import_module(module), name, None)  # type: ignore[assignment]
    return found if isinstance(found, type) else None
