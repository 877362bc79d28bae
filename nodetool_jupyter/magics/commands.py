"""The table of ``%nodetool``'s commands: help, completion and dispatch are made from it."""

from __future__ import annotations

from nodetool_jupyter.authoring.options import Completion
from nodetool_jupyter.magics import again, doctor, jobs, library, panel, setup, traceback_text
from nodetool_jupyter.magics.arguments import MAGIC, OPTIONS, Arguments, Command, Flag
from nodetool_jupyter.magics.cell import run_file
from nodetool_jupyter.magics.notebook import Notebook
from nodetool_jupyter.magics.tables import put
from nodetool_jupyter.model.job import JobStatus
from nodetool_jupyter.views.sheet import Grid, Heading, Sheet, Words

JOB = (Completion.JOB_IDS,)
BACKGROUND = Flag("--background", "return the Job at once")
STATUSES = tuple(status.value for status in JobStatus)
LATER: tuple[str, ...] = ()
"""Commands that a later version has."""


def _run(notebook: Notebook, given: Arguments) -> object:
    return run_file(notebook, given.word, given.values[OPTIONS])


def _help(_notebook: Notebook, _given: Arguments) -> None:
    """``help``, and no command at all: the table itself."""
    rows = [(command.usage, command.help) for command in COMMANDS]
    note = "an ID may be a unique beginning of it, a job's name, or last; %%nodetool? shows a cell's options"
    put(Sheet([Heading(f"{MAGIC} …"), Grid(rows), Words(note)]))


COMMANDS: tuple[Command, ...] = (
    Command(
        "run",
        "run a workflow file, with the options of a cell",
        _run,
        "FILE",
        (Completion.FILES,),
        takes_options=True,
    ),
    Command(
        "jobs",
        "the newest jobs",
        jobs.show_jobs,
        flags=(Flag("--all", "all of them"), Flag("--status", "only those", "STATUS", STATUSES)),
    ),
    Command("status", "how a job stands", jobs.show_status, "[ID]", JOB),
    Command(
        "logs",
        "what a job's nodes printed",
        jobs.show_logs,
        "[ID]",
        JOB,
        (Flag("--node", "of one node", "NODE"), Flag("--follow", "go on until the job ends")),
    ),
    Command("attach", "a job's live view again", jobs.attach, "[ID]", JOB),
    Command("cancel", "end a job", jobs.cancel, "ID", JOB),
    Command("result", "a job's result, once it has ended", jobs.give_result, "[ID]", JOB),
    Command("retry", "run a job again as a new one", again.retry, "[ID]", JOB, (BACKGROUND,)),
    Command(
        "resume",
        "go on from the results that a job has left",
        again.resume,
        "[ID]",
        JOB,
        (
            Flag(again.VALUE, "what a suspended job goes on with", "JSON|$var", is_value=True),
            BACKGROUND,
        ),
    ),
    Command(
        "prune",
        "remove jobs of the past, with their files",
        again.prune,
        flags=(
            Flag("--older-than", "those that ended longer ago", "30d"),
            Flag("--keep", "all but the newest", "N"),
            Flag("--size", "the oldest, until the others take no more room", "2g"),
            Flag("--cache", "all results of nodes with cache=True"),
            Flag("--dry-run", "only say which"),
        ),
    ),
    Command(
        "graph",
        "draw a workflow file, or a job's graph with its states",
        library.show_graph,
        "FILE|ID",
        (Completion.FILES, Completion.JOB_IDS),
    ),
    Command(
        "export",
        "save a workflow of the notebook, or what a job ran, as a file that NodeTool opens",
        library.export,
        "NAME|ID FILE",
        (Completion.JOB_IDS, Completion.FILES),
    ),
    Command(
        "nodes",
        "node types that match, one alone with fields, outputs and an example",
        library.show_nodes,
        "[QUERY]",
        (Completion.NODE_TYPES,),
    ),
    Command(
        "panel",
        "a workflow file as a form, or the workflow of the last job",
        panel.show_panel,
        "[FILE]",
        (Completion.FILES,),
    ),
    Command("config", "each value and where it came from", setup.show_config),
    Command("doctor", "what works here, and what to do where it doesn't", doctor.show_doctor),
    Command(
        "traceback", "all about the last failure, or a job's", traceback_text.show_traceback, "[ID]", JOB
    ),
    Command("help", "this list", _help),
)
