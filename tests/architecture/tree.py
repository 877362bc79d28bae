"""The source tree as the architecture tests see it."""

from __future__ import annotations

import ast
import gc
import json
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "nodetool_jupyter"
TESTS = ROOT / "tests"

Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py") if ".ipynb_checkpoints" not in path.parts)


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def parsed(path: Path) -> ast.Module:
    gc.disable()  # it would go through the trees again and again, which are kept to the end of the run
    try:
        return ast.parse(path.read_text("utf-8"), filename=str(path))
    finally:
        gc.freeze()
        gc.enable()


def statements(node: ast.AST) -> Iterator[ast.AST]:
    """A node and all statements in it, however deep; expressions hold none, so they are passed over."""
    yield node
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt | ast.excepthandler | ast.match_case):
            yield from statements(child)


def functions(path: Path) -> Iterator[Function]:
    return (node for node in statements(parsed(path)) if isinstance(node, Function))


def body_lines(function: Function) -> int:
    """From the first statement after the docstring to the end."""
    body = function.body[1:] if ast.get_docstring(function, clean=False) is not None else function.body
    return (function.end_lineno or 0) - body[0].lineno + 1 if body else 0


def code_lines(path: Path) -> int:
    """Lines that hold code: no blank lines, comments or docstrings."""
    text = path.read_text("utf-8").splitlines()
    lines = {number for number, line in enumerate(text, 1) if line.strip() and line.lstrip()[0] != "#"}
    for node in statements(parsed(path)):
        if isinstance(node, ast.Module | ast.ClassDef | Function) and ast.get_docstring(node, clean=False):
            lines.difference_update(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    return len(lines)


@cache
def project_files() -> list[Path]:
    """What is or would be in the repository: tracked files, and new ones that are not ignored."""
    command = [
        "git",
        "-c",
        "safe.directory=*",
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
        "-z",
    ]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [path for name in sorted(set(names.split("\0"))) if name and (path := ROOT / name).is_file()]


@cache
def notebooks() -> dict[str, dict[str, Any]]:
    """By name, as they are stored."""
    return {
        path.name: json.loads(path.read_text("utf-8"))
        for path in sorted((ROOT / "notebooks").glob("*.ipynb"))
    }
