"""``run``: a workflow file → request → job → result and exit code."""

from __future__ import annotations

import sys
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

from nodetool_jupyter.authoring.cell import Authored, read_cell
from nodetool_jupyter.authoring.documents import DEFAULT_LIMITS, DocumentError, decode
from nodetool_jupyter.authoring.files import format_of
from nodetool_jupyter.authoring.lines import placed
from nodetool_jupyter.authoring.option_line import from_values
from nodetool_jupyter.authoring.options import CellOptions
from nodetool_jupyter.authoring.request import build_request
from nodetool_jupyter.cli.arguments import cell_options
from nodetool_jupyter.cli.following import JsonLines, Printer, Signals, Silence, follow, progress
from nodetool_jupyter.cli.main import COMPLETED, exit_code
from nodetool_jupyter.cli.writing import complain, tell, tell_result
from nodetool_jupyter.errors import InvalidGraph, JobSuspended, OptionError, WorkflowError
from nodetool_jupyter.model.request import RunJobRequest
from nodetool_jupyter.session import Session, get_session
from nodetool_jupyter.strategies.registry import load_strategy

STANDARD_INPUT = "-"
STEP = 0.01


def run(given: Namespace) -> int:
    """Run a file to its end, start it in the background, or only check it."""
    options = cell_options(given)
    session = get_session()
    authored = _read(given.word, options)
    if authored.graph is None:
        tell_result(None if options.quiet else authored.value, as_json=given.json)
        return COMPLETED
    for spec in authored.specs.values():
        session.registry.add(spec)
    defaults = CellOptions(strategy=session.settings.strategy)
    request = build_request(authored, options, session.registry.get, defaults=defaults)
    try:
        if options.dry_run:
            return _check(session, request)
        if options.background:
            return _start(session, request, options)
        return _run(session, request, options, given)
    except InvalidGraph as error:
        raise InvalidGraph(
            placed(error.problems, authored.line_of_node, given.word), hint=error.hint
        ) from None


def _read(word: str, options: CellOptions) -> Authored:
    """A file, or with ``-`` what comes by standard input; Python finds the modules beside it."""
    if word == STANDARD_INPUT:
        return read_cell(_standard_input(DEFAULT_LIMITS.size), options)
    path: Path = from_values({"file": word}).file or Path(word)
    if (options.format or format_of(path)) == "python":
        sys.path.insert(0, str(path.resolve().parent))
    return read_cell("", replace(options, file=path))


def _standard_input(limit: int) -> str:
    try:
        return decode(sys.stdin.buffer.read(limit + 1), limit)
    except DocumentError as error:
        raise WorkflowError(f"standard input can't be read: {error}") from None


def _check(session: Session, request: RunJobRequest) -> int:
    """``--dry-run``: all that is checked before a job starts, and the graph as a table."""
    from nodetool_jupyter.views.drawing import listing
    from nodetool_jupyter.views.sheet import Heading, Sheet, Words
    from nodetool_jupyter.views.text import nodes_text

    session.check(request)
    count = nodes_text(len(request.graph.nodes))
    words = Words(f"{count}, strategy {request.strategy}: it can run; nothing has run")
    tell(repr(Sheet([Heading(request.name or "workflow"), words, listing(request.graph)])))
    return COMPLETED


def _start(session: Session, request: RunJobRequest, options: CellOptions) -> int:
    """``--background``: the job's id; returns once the job no longer needs this process."""
    if not load_strategy(request.strategy).capabilities.survives_kernel:
        raise OptionError(
            f"a {request.strategy} job can't go on in the background: it ends with this process",
            hint="add --strategy subprocess, or leave --background out",
        )
    if session.settings.store == "memory":
        raise OptionError(
            "a job can't go on in the background: the store is in memory, and ends with this process",
            hint="set NODETOOL_STORE=sqlite, or leave --background out",
        )
    job = session.submit_request(request, resume=options.resume)
    tell(job.id)
    managed = session.manager.get_job(job.id)
    while managed is not None and managed.execution is not None and not managed.execution.is_started:
        if job.wait(STEP):
            break
    return COMPLETED


def _run(session: Session, request: RunJobRequest, options: CellOptions, given: Namespace) -> int:
    mode = "quiet" if options.quiet else options.progress or session.settings.progress
    with Signals() as signals:
        job = session.submit_request(request, resume=options.resume)
        printer: Printer = JsonLines(job) if given.jsonl else progress(job, mode)
        follow(job, signals, printer)
    error = job.error
    if error is not None:
        if given.jsonl or isinstance(printer, Silence) or isinstance(error, JobSuspended):
            complain(str(error))
        return exit_code(error)
    if not (given.jsonl or options.quiet):
        tell_result(job.result(), as_json=given.json)
    return COMPLETED
