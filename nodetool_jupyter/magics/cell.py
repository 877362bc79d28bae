"""The way of a cell: options and body → request → job → result; ``%nodetool run`` goes it with a file.

A variable is set only by a cell that succeeds; whatever keeps it from that is raised, and remembered for
``%nodetool traceback``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from nodetool_jupyter.authoring.cell import Authored, read_cell
from nodetool_jupyter.authoring.lines import placed
from nodetool_jupyter.authoring.option_line import from_values, parse
from nodetool_jupyter.authoring.options import CellOptions
from nodetool_jupyter.authoring.request import build_request
from nodetool_jupyter.errors import InvalidGraph, JobError, OptionError
from nodetool_jupyter.job import Job
from nodetool_jupyter.magics.notebook import CellSource, Notebook
from nodetool_jupyter.magics.results import deliver, hand_back
from nodetool_jupyter.magics.waiting import CellJob, Interrupted, Interrupts
from nodetool_jupyter.model.request import RunJobRequest
from nodetool_jupyter.session import Session
from nodetool_jupyter.strategies.registry import load_strategy
from nodetool_jupyter.widgets.here import origin_here

REST = "%nodetool traceback shows the rest"


def run_cell(notebook: Notebook, line: str, body: str) -> Any:
    """What ``%%nodetool`` does: the value that IPython shows as the cell's result."""
    options = read_options(notebook, line)
    value = run(notebook, options, body)
    return deliver(notebook.shell, value, options)


def run_file(notebook: Notebook, path: str, line: str) -> Any:
    """What ``%nodetool run FILE`` does; its value may be assigned, so it is always returned."""
    read = from_values({"file": path}).file
    options = read_options(notebook, line)
    if options.file is not None:
        raise OptionError("%nodetool run: the file is given twice", hint="leave --file out")
    value = run(notebook, replace(options, file=read), "")
    return hand_back(notebook.shell, value, options)


def read_options(notebook: Notebook, line: str) -> CellOptions:
    """The line's options over the notebook's; raises OptionError."""
    return parse(line, notebook.namespace).over(notebook_defaults(notebook))


def notebook_defaults(notebook: Notebook) -> CellOptions:
    """What ``%config NodeToolMagics`` sets; a wrong value is an OptionError that names it."""
    chosen = CellOptions()
    for name, value in notebook.defaults.given().items():
        try:
            chosen = from_values({name: value}).over(chosen)
        except OptionError as error:
            error.message = f"%config NodeToolMagics.{name}: {error.message}"
            raise
    return chosen


def run(notebook: Notebook, options: CellOptions, body: str) -> Any:
    """Run what the options and the body say: the result, with ``-b`` the Job, with ``--dry-run`` None."""
    try:
        if options.strategy is not None:
            load_strategy(options.strategy)  # also where no node will want it: a wrong word is always told
        authored = read_body(notebook, options, body)
        if authored.graph is None:
            return authored.value
        source = CellSource(body.split("\n"), authored.line_of_node)
        return _run_graph(notebook, options, authored, source)
    except BaseException as error:
        notebook.failure = error
        raise


def read_body(notebook: Notebook, options: CellOptions, body: str = "") -> Authored:
    """The workflow of a cell's body, or of the file that the options name; nothing runs."""
    try:
        return read_cell(body, options, notebook.namespace, notebook.shell.transform_cell)
    except KeyboardInterrupt as error:
        raise Interrupted("the cell was interrupted while it built its graph; nothing has run") from error


def _run_graph(notebook: Notebook, options: CellOptions, authored: Authored, source: CellSource) -> Any:
    session = notebook.session()
    for spec in authored.specs.values():
        session.registry.add(spec)
    mode = "quiet" if options.quiet else options.progress or session.settings.progress
    defaults = CellOptions(strategy=session.settings.strategy)
    request = build_request(authored, options, session.registry.get, defaults=defaults)
    request = request.model_copy(update={"origin": origin_here()})
    try:
        if options.dry_run:
            _draw(session, request)
            return None
        with Interrupts() as interrupts:
            job = session.submit_request(request, resume=options.resume)
            notebook.remember(job.id, source)
            interrupts.sentence += f"; %nodetool status {job.id} says how its job stands"
            return _follow(job, interrupts, mode, in_background=bool(options.background))
    except InvalidGraph as error:
        where = "the cell" if options.file is None else str(options.file)
        raise InvalidGraph(placed(error.problems, source.line_of_node, where), hint=error.hint) from None


def _follow(job: Job, interrupts: Interrupts, mode: str, *, in_background: bool) -> Any:
    from nodetool_jupyter.widgets.display import show, watch

    if in_background:
        watch(job, mode)
        return job
    show(CellJob(job, interrupts), mode)
    if job.error is not None:
        raise told(job.error) from (KeyboardInterrupt() if interrupts.count else None)
    return job.result()


def told(error: JobError) -> JobError:
    """The error with the next command in its hint."""
    if error.details:
        error.hint = f"{error.hint}\n  → {REST}" if error.hint else REST
    return error


def _draw(session: Session, request: RunJobRequest) -> None:
    """``--dry-run``: check all that is checked before a job starts, and draw the graph."""
    from nodetool_jupyter.magics.tables import put
    from nodetool_jupyter.views.drawing import drawn
    from nodetool_jupyter.views.sheet import Heading, Sheet, Words
    from nodetool_jupyter.views.text import nodes_text

    session.check(request)
    count = len(request.graph.nodes)
    words = f"{nodes_text(count)}, strategy {request.strategy}: it can run; nothing has run"
    put(Sheet([Heading(request.name or "workflow"), Words(words), drawn(request.graph, request.name)]))
