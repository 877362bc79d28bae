"""The commands that run jobs of the past again, and those that let go of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from nodetool_jupyter.authoring.option_line import read_any
from nodetool_jupyter.environment import parse_bytes
from nodetool_jupyter.errors import OptionError
from nodetool_jupyter.job import Job
from nodetool_jupyter.magics.arguments import Arguments
from nodetool_jupyter.magics.cell import told
from nodetool_jupyter.magics.notebook import Notebook
from nodetool_jupyter.magics.tables import tell
from nodetool_jupyter.magics.waiting import CellJob, Interrupts
from nodetool_jupyter.session import Session
from nodetool_jupyter.store.pruning import Bounds
from nodetool_jupyter.worker.limits import sized

LAST = "last"
VALUE = "--value"
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
AGE = re.compile(r"(\d{1,6})([smhdw])")


def retry(notebook: Notebook, given: Arguments) -> Any:
    """``retry``: the job once more, from the start."""
    return _follow(notebook, given, lambda session, ref: session.retry(ref))


def resume(notebook: Notebook, given: Arguments) -> Any:
    """``resume``: the job once more, from the results that it has left; a suspended one goes on, with a value
    where one is given.
    """
    if not given.has(VALUE):
        return _follow(notebook, given, lambda session, ref: session.retry(ref, resume=True))
    value = read_any(VALUE, given.values[VALUE], notebook.namespace)

    def begin(session: Session, ref: str) -> Job:
        job = session.find(ref)
        job.resume(value)
        return job

    return _follow(notebook, given, begin)


def _follow(notebook: Notebook, given: Arguments, begin: Callable[[Session, str], Job]) -> Any:
    from nodetool_jupyter.widgets.display import show, watch

    session = notebook.session()
    mode = str(notebook.defaults.progress or session.settings.progress)
    with Interrupts() as interrupts:
        job = begin(session, given.word or LAST)
        interrupts.sentence += f"; %nodetool status {job.id} says how its job stands"
        if given.has("--background"):
            watch(job, mode)
            return job
        show(CellJob(job, interrupts), mode)
        return _result(job)


def _result(job: Job) -> Any:
    if job.error is not None:
        raise told(job.error)
    return job.result()


def prune(notebook: Notebook, given: Arguments) -> None:
    """``prune``: what is beyond the bounds that were given."""
    bounds = Bounds(_age(given), _count(given), _size(given))
    session, dry_run = notebook.session(), given.has("--dry-run")
    verb = "would go" if dry_run else "removed"
    if given.has("--cache"):
        count, size = session.prune_cache(dry_run=dry_run)
        tell(f"{_counted(count, 'cached result')} {verb}, {sized(size)}")
        if bounds == Bounds():
            return
    if bounds == Bounds():
        raise OptionError(
            "%nodetool prune: say what may go",
            hint="such as --older-than 30d, --keep 100, --size 2g or --cache",
        )
    pruned = session.prune(bounds, dry_run=dry_run)
    tell(f"{_counted(len(pruned.job_ids), 'job')} {verb}, with {sized(pruned.size)} of files")
    for phrase in session.remove_leftovers(dry_run=dry_run):
        tell(f"{phrase} {verb}")


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' * (count != 1)}"


def _age(given: Arguments) -> float | None:
    text = given.values.get("--older-than")
    if text is None:
        return None
    found = AGE.fullmatch(text)
    if found is None:
        raise OptionError(f"--older-than can't be {text!r}", hint="give a time such as 12h, 30d or 8w")
    return float(int(found[1]) * SECONDS[found[2]])


def _count(given: Arguments) -> int | None:
    text = given.values.get("--keep")
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal()) or len(text) > 9:
        raise OptionError(f"--keep can't be {text!r}", hint="give a number of jobs, such as 100")
    return int(text)


def _size(given: Arguments) -> int | None:
    text = given.values.get("--size")
    if text is None:
        return None
    try:
        return int(str(parse_bytes(text)))
    except ValueError:
        raise OptionError(f"--size can't be {text!r}", hint="give a size such as 500m or 2g") from None
