"""``%nodetool traceback``: all that is known of the last failure, with the user's own line of the cell."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType

from nodetool_jupyter import engine
from nodetool_jupyter.errors import CellError, JobError, NodeError
from nodetool_jupyter.magics.arguments import Arguments
from nodetool_jupyter.magics.jobs import find, last_failed
from nodetool_jupyter.magics.notebook import Notebook
from nodetool_jupyter.magics.tables import tell

CELL_FILE = "<nodetool-cell-"
ENGINE = str(Path(engine.__file__).parent)
PLACE = re.compile(r'^  File "([^"\n]*)", ', re.MULTILINE)
FRAME = re.compile(
    r"""^  File "(?P<file>[^"\n]*)", line \d+.*\n(?:    .*\n|  \[Previous line .*\n)*""", re.MULTILINE
)


def show_traceback(notebook: Notebook, given: Arguments) -> None:
    """``traceback``: of the last cell of this notebook that failed, of the newest failed job, or of a job."""
    error = _error_of(notebook, given.word)
    tell("nothing has failed yet" if error is None else "\n".join(_lines(notebook, error)))


def _error_of(notebook: Notebook, ref: str) -> BaseException | None:
    if ref:
        job = find(notebook, ref)
        return job.error
    if notebook.failure is not None:
        return notebook.failure
    job_or_none = last_failed(notebook.session())
    return job_or_none.error if job_or_none is not None else None


def _lines(notebook: Notebook, error: BaseException) -> Iterator[str]:
    yield f"{type(error).__name__}: {error.message if isinstance(error, JobError) else error}"
    if isinstance(error, JobError):
        yield from _job_lines(notebook, error)
    elif isinstance(error, CellError) and error.__cause__ is not None:
        yield ""
        yield from _trace(error.__cause__)
    elif not isinstance(error, CellError):
        yield ""
        yield from _trace(error)


def _job_lines(notebook: Notebook, error: JobError) -> Iterator[str]:
    if error.job_id:
        yield f"job {error.job_id}"
    if isinstance(error, NodeError):
        line = notebook.source_of(error.job_id).line_text(error.node_id)
        if line:
            yield f"node {error.node_id} was made in {line}"
    yield ""
    if not error.details:
        yield "there is no traceback: no node raised anything"
        return
    yield with_cells(without_engine(error.details), notebook.shell.compile.format_code_name)


def with_cells(text: str, name_of: Callable[[str], tuple[str, str] | None]) -> str:
    """The traceback with IPython's words for its cells (``Cell In[3]``); their files mean nothing."""

    def named(match: re.Match[str]) -> str:
        words = name_of(match[1])
        return f"  {' '.join(words)}, " if words else match[0]

    return PLACE.sub(named, text)


def without_engine(text: str) -> str:
    """A node's traceback without the engine's frames; all of it where no other frame is there."""
    frames = list(FRAME.finditer(text))
    theirs = [frame for frame in frames if not frame.group("file").startswith(ENGINE)]
    if not theirs or len(theirs) == len(frames):
        return text.rstrip()
    kept = FRAME.sub(lambda frame: "" if frame.group("file").startswith(ENGINE) else frame.group(), text)
    return f"{kept.rstrip()}\n({len(frames) - len(theirs)} frames of the engine are left out)"


def _trace(error: BaseException) -> Iterator[str]:
    """The traceback from the cell on; what leads to the cell is ours and the shell's."""
    start: TracebackType | None = error.__traceback__
    while start is not None and not start.tb_frame.f_code.co_filename.startswith(CELL_FILE):
        start = start.tb_next
    formatted = traceback.format_exception(type(error), error, start or error.__traceback__)
    yield "".join(formatted).rstrip()
