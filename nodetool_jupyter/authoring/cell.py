"""Cell text → Authored: the graph that a ``%%nodetool`` cell means. Nothing has run when this returns.

A Python body runs once, under a GraphBuilder, in a scope that begins as a copy of the user's namespace.
Every mistake becomes a CellError with the line of the cell; the user's own exception is its cause.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nodetool_jupyter.authoring import files
from nodetool_jupyter.authoring.documents import DEFAULT_LIMITS, DocumentError
from nodetool_jupyter.authoring.lines import NodeLines, placed
from nodetool_jupyter.authoring.options import CellOptions
from nodetool_jupyter.authoring.python_body import PythonBody
from nodetool_jupyter.engine.spec import NodeSpec
from nodetool_jupyter.errors import CellError, InvalidGraph, OptionError
from nodetool_jupyter.model.graph import Graph, Workflow

Transform = Callable[[str], str]
YAML_KEY = re.compile(r"^(?:nodes|graph)[ \t]*:(?:[ \t]|$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Authored:
    """What a user wrote. Where a Python body made no nodes, ``graph`` is None, ``value`` its last value.

    ``line_of_node``: node id → line, counted from 1 below the magic's, or in the file. ``specs``: type name
    → node type used, to be known to the registry of the run. ``required``: params that a run must give.
    """

    graph: Graph | None
    name: str = ""
    workflow_id: str = ""
    value: Any = None
    line_of_node: Mapping[str, int] = field(default_factory=dict)
    specs: Mapping[str, NodeSpec] = field(default_factory=dict)
    required: frozenset[str] = frozenset()


def read_cell(
    text: str,
    options: CellOptions | None = None,
    namespace: Mapping[str, Any] | None = None,
    transform: Transform = str,
) -> Authored:
    """Read a cell's body, or the file that ``--file`` names.

    ``namespace`` is the user's; it is seen, never written. ``transform`` makes Python of IPython's syntax.
    Raises CellError, OptionError or WorkflowError (InvalidGraph with all problems of a workflow's fields).
    """
    scope = namespace or {}
    options = options or CellOptions()
    if options.file is not None:
        if text.strip():
            raise OptionError(
                "--file gives the workflow, but the cell has a body too", hint="leave one of them out"
            )
        return _read_file(options.file, options.format, scope, transform)
    kind = options.format or detect_format(text, transform)
    if kind == "python":
        return _read_python(text, scope, transform)
    return _of_workflow(_read_document(text, kind), NodeLines(text, kind))


def detect_format(text: str, transform: Transform = str) -> str:
    """``json``, ``yaml`` or ``python``: what starts with ``{`` is JSON; what has a workflow's keys at the
    start of a line and isn't Python is YAML.
    """
    if text.lstrip("\ufeff \t\r\n").startswith("{"):
        return "json"
    return "yaml" if YAML_KEY.search(text) and not _is_python(text, transform) else "python"


def _is_python(text: str, transform: Transform) -> bool:
    """Whether it is a Python program; bare annotations (``nodes: []``) are Python too, but do nothing."""
    try:
        body = ast.parse(transform(text)).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return not all(isinstance(part, ast.AnnAssign) and part.value is None for part in body)


def _read_file(path: Path, kind: str | None, scope: Mapping[str, Any], transform: Transform) -> Authored:
    kind = kind or files.format_of(path)
    if kind != "python":
        return _of_workflow(*files.read_file(path, kind), path.stem)
    text = files.read_text(path, DEFAULT_LIMITS.size)
    try:
        return _read_python(text, scope, transform, path.stem)
    except CellError as error:
        error.message = f"in {path}: {error.message}"
        raise


def _read_document(text: str, kind: str) -> Workflow:
    try:
        document = files.parse(text, kind)
    except DocumentError as error:
        lines = text.split("\n")
        line = error.line
        shown = lines[line - 1][:200] if line is not None and line <= len(lines) else ""
        raise CellError(
            f"the cell can't be read as {kind.upper()}: {error.message}",
            line=line,
            text=shown,
            hint=f"the body was taken for {kind.upper()}; if it is Python, add --format python",
        ) from None
    try:
        return files.to_workflow(document)
    except InvalidGraph as error:
        raise InvalidGraph(
            placed(error.problems, NodeLines(text, kind), "the cell"), hint=error.hint
        ) from None


def _of_workflow(workflow: Workflow, lines: NodeLines, name: str = "") -> Authored:
    return Authored(workflow.graph, workflow.name or name, workflow.id, line_of_node=lines)


def _read_python(text: str, scope: Mapping[str, Any], transform: Transform, name: str = "") -> Authored:
    body = PythonBody(text, transform)
    value = body.run(scope)
    builder = body.builder
    if not builder.has_nodes:
        return Authored(None, name, value=value)
    return Authored(
        graph=builder.graph(),
        name=name,
        line_of_node=builder.line_of_node,
        specs=builder.specs,
        required=frozenset(builder.required),
    )
