"""Workflow files: read within bounds, with all field problems at once; written without losing anything."""

from __future__ import annotations

import difflib
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from nodetool_jupyter.authoring.documents import (
    DEFAULT_LIMITS,
    SHOWN_KEY,
    Document,
    DocumentError,
    ReadLimits,
    decode,
    find_flaws,
    parse_json,
)
from nodetool_jupyter.authoring.lines import NodeLines, placed
from nodetool_jupyter.authoring.places import with_places
from nodetool_jupyter.engine.annotations import describe
from nodetool_jupyter.errors import InvalidGraph, Problem, WorkflowError
from nodetool_jupyter.model.graph import Graph, Workflow
from nodetool_jupyter.model.pause import uncollected

FORMATS = {".json": "json", ".yaml": "yaml", ".yml": "yaml", ".py": "python"}
NODE_SIZE = 250
"""Characters that a node takes in a file, with its edges, or more."""
EXPECTED = {
    "string_type": "a text",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "tuple_type": "a list",
    "list_type": "a list",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
}


def read_workflow(
    text: str | bytes,
    format: str = "json",  # noqa: A002 - as the option is called
    limits: ReadLimits = DEFAULT_LIMITS,
) -> Workflow:
    """Read a workflow, or a bare graph, from ``json`` or ``yaml`` text.

    Raises WorkflowError where the text can't be read, InvalidGraph with the problems of all nodes and edges.
    """
    try:
        with uncollected(len(text) // NODE_SIZE):
            return to_workflow(parse(text, format, limits), limits)
    except DocumentError as error:
        raise WorkflowError(f"the workflow can't be read: {error}") from None


def parse(text: str | bytes, kind: str, limits: ReadLimits = DEFAULT_LIMITS) -> Document:
    """Text of a format, ``json`` or ``yaml``, → plain values; raises DocumentError."""
    if kind == "json":
        return parse_json(text, limits)
    if kind == "yaml":
        from nodetool_jupyter.authoring.yaml_text import parse_yaml

        return parse_yaml(text, limits)
    raise WorkflowError(f"no workflow is read from the format {kind!r}", hint="choose json or yaml")


def to_workflow(document: Document, limits: ReadLimits = DEFAULT_LIMITS) -> Workflow:
    """Plain values → Workflow; raises WorkflowError or InvalidGraph."""
    value = document.value
    if not isinstance(value, dict):
        raise WorkflowError(
            f"a workflow is an object with nodes and edges, found {describe(value)}",
            hint='save it from NodeTool, or write {"nodes": […], "edges": […]}',
        )
    graph = value.get("graph", value)
    if "graph" not in value and "nodes" not in value:
        found = ", ".join(sorted(map(str, value))[:8]) or "nothing"
        raise WorkflowError(f"a workflow has a graph, or nodes and edges; found: {found}")
    _check_counts(graph, limits)
    problems = [_problem(graph, flaw.path, flaw.message) for flaw in document.flaws]
    try:
        workflow = Workflow.model_validate(value)
    except ValidationError as error:
        problems += [_field_problem(graph, item) for item in error.errors(include_url=False)]
    if problems:
        raise InvalidGraph(problems)
    return workflow


def _check_counts(graph: Any, limits: ReadLimits) -> None:
    if not isinstance(graph, dict):
        return
    problems = [
        Problem(f"the graph has {len(items):,} {name}; at most {limit:,} are accepted")
        for name, limit in (("nodes", limits.nodes), ("edges", limits.edges))
        if isinstance(items := graph.get(name), (list, tuple)) and len(items) > limit
    ]
    if problems:
        raise InvalidGraph(
            problems, hint="loop inside of a node, or stream the items by nodetool.control.ForEach"
        )


def _field_problem(graph: Any, error: Mapping[str, Any]) -> Problem:
    kind, path = error["type"], tuple(error["loc"])
    if kind == "missing":
        return _problem(graph, path, "is missing")
    expected = EXPECTED.get(kind) or error.get("ctx", {}).get("expected")
    message = "has the wrong type" if kind in EXPECTED else "can't be used"
    return _problem(graph, path, message, expected or str(error["msg"]), describe(error["input"]))


def _problem(
    graph: Any,
    path: tuple[str | int, ...],
    message: str,
    expected: str | None = None,
    found: str | None = None,
) -> Problem:
    """A problem at the node or edge that a path leads to. ``graph`` is the plain value of the graph."""
    rest = path[1:] if path[:1] == ("graph",) else path
    place: dict[str, Any] = {}
    where = "" if rest else "the graph " if path else "the workflow "
    if len(rest) > 1 and rest[0] in ("nodes", "edges") and isinstance(rest[1], int):
        kind = "node" if rest[0] == "nodes" else "edge"
        name = _id_of(graph, rest[0], rest[1])
        if name is None:
            where = f"the {_ordinal(rest[1] + 1)} {kind}: "
        else:
            place[f"{kind}_id"] = name
        rest = rest[2:]
        if "node_id" in place and len(rest) > 1 and rest[0] == "data":
            place["handle"] = str(rest[1])
            rest = rest[1:] if len(rest) > 2 else ()
    field = f"field {'.'.join(str(part)[:SHOWN_KEY] for part in rest)} " if rest else ""
    return Problem(f"{where}{field}{message}", expected=expected, found=found, **place)


def _id_of(graph: Any, kind: str, at: int) -> str | None:
    try:
        found = graph[kind][at]["id"]
    except (KeyError, IndexError, TypeError):
        return None
    return found if isinstance(found, str) and found else None


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def read_text(path: Path, limit: int) -> str:
    """The text of a file of at most ``limit`` bytes; raises WorkflowError naming the path."""
    try:
        if not path.is_file():
            raise _no_file(path)
        with path.open("rb") as file:
            return decode(file.read(limit + 1), limit)
    except OSError as error:
        raise WorkflowError(f"{path} can't be read: {error.strerror or error}") from None
    except DocumentError as error:
        raise WorkflowError(f"{path} can't be read: {error}") from None


def _no_file(path: Path) -> WorkflowError:
    if path == Path():
        return WorkflowError("the path of the workflow file is empty", hint="name a file, such as flow.json")
    if path.exists():
        return WorkflowError(f"{path} is no file")
    folder = path.parent
    names = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
    near = difflib.get_close_matches(path.name, names, n=1)
    return WorkflowError(
        f"there is no file {path}", hint=f"did you mean {folder / near[0]}?" if near else None
    )


def format_of(path: Path) -> str:
    """``json``, ``yaml`` or ``python`` by the name of a file; json where it says nothing."""
    return FORMATS.get(path.suffix.lower(), "json")


def load_workflow(
    path: str | os.PathLike[str],
    format: str | None = None,  # noqa: A002 - as the option is called
    limits: ReadLimits = DEFAULT_LIMITS,
) -> Workflow:
    """Read a workflow file; ``format`` is ``json`` or ``yaml``, by default by the name.

    Raises WorkflowError or InvalidGraph; nothing of an unreadable file is used.
    """
    return read_file(path, format, limits)[0]


def read_file(
    path: str | os.PathLike[str],
    format: str | None = None,  # noqa: A002 - likewise
    limits: ReadLimits = DEFAULT_LIMITS,
) -> tuple[Workflow, NodeLines]:
    """Likewise, with the lines of its nodes."""
    file = Path(path).expanduser()
    text = read_text(file, limits.size)
    kind = format or format_of(file)
    lines = NodeLines(text, kind)
    try:
        return read_workflow(text, kind, limits), lines
    except InvalidGraph as error:
        problems = placed(error.problems, lines, "the file")
        raise InvalidGraph(problems, hint=error.hint or f"the file is {file}") from None
    except WorkflowError as error:
        raise WorkflowError(f"{file}: {error.message}", hint=error.hint) from None


def save_workflow(workflow: Workflow | Graph, path: str | os.PathLike[str], *, replace: bool = False) -> Path:
    """Write a workflow as JSON that NodeTool reads, atomically; returns the path.

    Unknown fields are written as they were read; nodes without a position get one. Raises WorkflowError for a
    value that JSON can't hold, and, unless ``replace`` is set, where the file has fields that this workflow
    lacks.
    """
    file = Path(os.path.realpath(Path(path).expanduser()))
    if FORMATS.get(file.suffix.lower(), "json") != "json":
        raise WorkflowError(
            f"workflows are saved as JSON, not to {file.name}", hint=f"save to {file.stem}.json"
        )
    whole = workflow if isinstance(workflow, Workflow) else Workflow(graph=workflow)
    value = _plain(whole.model_copy(update={"graph": with_places(whole.graph)}))
    if not replace and file.exists():
        _refuse_loss(file, value)
    text = json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False)
    try:
        _write(file, f"{text}\n".encode())
    except OSError as error:
        raise WorkflowError(f"{file} can't be written: {error.strerror or error}") from None
    return file


def _plain(workflow: Workflow) -> dict[str, Any]:
    try:
        value = _as_lists(workflow.model_dump())
        flaws = find_flaws(value, DEFAULT_LIMITS)
    except (DocumentError, RecursionError, ValueError) as error:
        why = "a value is nested too deep" if isinstance(error, RecursionError) else str(error)
        raise WorkflowError(f"the workflow can't be saved: {why}") from None
    for name in ("created_at", "updated_at", "tags"):
        if value[name] is None:
            del value[name]
    if flaws:
        problems = [_problem(value["graph"], flaw.path, flaw.message) for flaw in flaws]
        listed = "\n".join(f"  - {problem}" for problem in problems[: InvalidGraph.SHOWN])
        raise WorkflowError(
            f"the workflow can't be saved:\n{listed}",
            hint="make such values in a node, or pass them as params",
        )
    return value  # type: ignore[no-any-return]


def _as_lists(value: Any) -> Any:
    """The value with tuples as lists, which is what the model keeps and JSON has."""
    if isinstance(value, dict):
        return {key: _as_lists(item) for key, item in value.items()}
    return [_as_lists(item) for item in value] if type(value) in (list, tuple) else value


def _refuse_loss(file: Path, value: Mapping[str, Any]) -> None:
    """A file that holds more was probably loaded, its graph changed, and is now saved without the rest."""
    try:
        old = parse_json(read_text(file, DEFAULT_LIMITS.size)).value
    except DocumentError:
        raise WorkflowError(
            f"{file} is no workflow; it stays as it is", hint="choose another name, or save with replace=True"
        ) from None
    lost = _lost(old, value)
    if lost:
        raise WorkflowError(
            f"{file} has fields that this workflow lacks: {', '.join(lost)}",
            hint="change the loaded workflow by model_copy(update={…}), or save with replace=True",
        )


def _lost(old: Any, value: Mapping[str, Any]) -> Sequence[str]:
    if not isinstance(old, dict) or "graph" not in old:
        return ()
    return sorted(name for name, item in old.items() if name not in value and item not in (None, "", [], {}))


def _write(file: Path, data: bytes) -> None:
    temporary = file.with_name(f".{file.name}.{secrets.token_hex(4)}.tmp")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        with os.fdopen(descriptor, "wb") as out:
            if file.exists():
                os.fchmod(descriptor, file.stat().st_mode & 0o7777)
            out.write(data)
            out.flush()
            os.fsync(descriptor)
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)
