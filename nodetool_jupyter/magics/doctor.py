"""``doctor``: looks at all that a run needs here, and says in a sentence what is wrong and what to do.

Each check stands for itself: one that can't be made is a finding, not the end of the others.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from nodetool_jupyter import __version__
from nodetool_jupyter.errors import NodeToolError
from nodetool_jupyter.magics.arguments import Arguments
from nodetool_jupyter.magics.notebook import Notebook
from nodetool_jupyter.magics.tables import Grid, Sheet, put
from nodetool_jupyter.settings import Settings, load_settings
from nodetool_jupyter.strategies.registry import PLANNED, load_strategy, strategy_names

ROOM = 500 * 2**20
"""Bytes of free disk below which there is a warning."""
THREADS = 64
"""Threads that a kernel has besides ours."""
PIDS_MAX = Path("/sys/fs/cgroup/pids.max")
OPTIONAL = {"pandas": "the nodes of nodetool.data", "PIL": "the nodes of images"}
DISTRIBUTIONS = {"PIL": "pillow"}


class Health(str, Enum):
    """How a check went; the value is the sign that is shown."""

    GOOD = "✓"
    NOTE = "!"
    BAD = "✗"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a check."""

    what: str
    health: Health
    sentence: str


Check = Callable[[Notebook], Iterator[Finding]]


def show_doctor(notebook: Notebook, _given: Arguments) -> None:
    """``doctor``: all findings."""
    findings = [finding for check in CHECKS for finding in made(check, notebook)]
    rows = [(finding.health.value, finding.what, finding.sentence) for finding in findings]
    put(Sheet([Grid(rows, ("", "what", "finding"))]))


def made(check: Check, notebook: Notebook) -> list[Finding]:
    """The findings of one check; an error of ours is one."""
    try:
        return list(check(notebook))
    except (NodeToolError, OSError) as error:
        return [Finding(check.__name__.removeprefix("check_"), Health.BAD, str(error))]


def check_versions(notebook: Notebook) -> Iterator[Finding]:
    """The versions that matter to what is seen."""
    yield Finding("nodetool_jupyter", Health.GOOD, f"{__version__} on Python {platform.python_version()}")
    yield Finding("IPython", Health.GOOD, version("ipython"))
    yield kernel_finding(_version("ipykernel"), is_kernel=hasattr(notebook.shell, "kernel"))
    widgets = _version("ipywidgets")
    if not widgets:
        sentence = "not installed: progress is shown as text; pip install ipywidgets"
        yield Finding("ipywidgets", Health.NOTE, sentence)
    else:
        yield Finding("ipywidgets", Health.GOOD if int(widgets.split(".")[0]) >= 8 else Health.NOTE, widgets)


def kernel_finding(ipykernel: str, *, is_kernel: bool) -> Finding:
    """What the live view can do with this ipykernel."""
    if not is_kernel:
        return Finding("kernel", Health.NOTE, "a terminal, no Jupyter kernel: progress is shown as text")
    major, minor = (int(part) for part in ipykernel.split(".")[:2])
    if (major, minor) == (7, 0):
        sentence = "its live views stand still while a cell runs; progress is text; pip install -U ipykernel"
        return Finding("ipykernel", Health.BAD, f"{ipykernel}: {sentence}")
    if major < 7:
        sentence = "Cancel in the live view waits for the cell's end; interrupting the kernel cancels at once"
        return Finding("ipykernel", Health.NOTE, f"{ipykernel}: {sentence}")
    sentence = "Cancel in the live view works while a cell runs"
    if (major, minor) >= (7, 4):
        sentence += " (by a workaround of ours: this version ties widgets to the busy shell)"
    return Finding("ipykernel", Health.GOOD, f"{ipykernel}: {sentence}")


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""


def check_settings(_notebook: Notebook) -> Iterator[Finding]:
    """Whether they can be read."""
    load_settings()
    yield Finding("settings", Health.GOOD, "all can be read; %nodetool config lists them")


def check_store(notebook: Notebook) -> Iterator[Finding]:
    """Where jobs are kept, and whether there is room."""
    settings = load_settings()
    if settings.store == "memory":
        sentence = "in memory: jobs are forgotten with this kernel (NODETOOL_STORE, ENV)"
        yield Finding("store", Health.NOTE, sentence)
        return
    folder = settings.home
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(existing, os.W_OK | os.X_OK):
        sentence = f"{existing} can't be written to; set NODETOOL_HOME to another folder"
        yield Finding("store", Health.BAD, sentence)
        return
    count = len(notebook.session().jobs(limit=1))
    yield Finding("store", Health.GOOD, f"{folder} ({'with jobs' if count else 'no jobs yet'})")
    free = shutil.disk_usage(existing).free
    health = Health.GOOD if free > ROOM else Health.NOTE
    words = "" if free > ROOM else ": little; make room, or set NODETOOL_HOME to another folder"
    yield Finding("disk", health, f"{free / 2**30:.1f} GB free{words}")


def check_threads(_notebook: Notebook) -> Iterator[Finding]:
    """How many jobs and blocking nodes run at once, and whether the machine lets them."""
    settings = load_settings()
    words = (
        f"{settings.max_workflow_threads} jobs at once (MAX_WORKFLOW_THREADS), "
        f"{settings.thread_pool_size} blocking nodes at once (THREAD_POOL_SIZE)"
    )
    limit = thread_limit()
    needed = settings.max_workflow_threads + settings.thread_pool_size + THREADS
    if limit is not None and limit < needed:
        words += f", but this user may have only {limit} threads and processes"
        yield Finding("threads", Health.NOTE, words)
    else:
        yield Finding("threads", Health.GOOD, words)


def thread_limit() -> int | None:
    """The least number of threads that user and container may have; None where there is no limit."""
    limits = []
    if sys.platform != "win32":
        import resource

        soft, _ = resource.getrlimit(resource.RLIMIT_NPROC)
        limits += [soft] if soft != resource.RLIM_INFINITY else []
    try:
        text = PIDS_MAX.read_text().strip()
    except OSError:
        text = ""
    limits += [int(text)] if text.isdigit() else []
    return min(limits, default=None)


def check_strategies(_notebook: Notebook) -> Iterator[Finding]:
    """Which strategies can be used here and now, or why not."""
    settings = load_settings()
    for name in [*strategy_names(), *sorted(PLANNED.difference(strategy_names()))]:
        yield strategy_finding(name, settings)


def strategy_finding(name: str, settings: Settings) -> Finding:
    """Whether one strategy can be used."""
    try:
        strategy = load_strategy(name).from_settings(settings)
    except NodeToolError as error:
        return Finding(f"strategy {name}", Health.NOTE, error.message)
    try:
        fingerprint = strategy.fingerprint()
    finally:
        strategy.close(0)
    health = Health.GOOD if fingerprint.available else Health.NOTE
    return Finding(f"strategy {name}", health, fingerprint.sentence)


def check_packages(_notebook: Notebook) -> Iterator[Finding]:
    """What node families need beyond the core."""
    for module, purpose in OPTIONAL.items():
        name = DISTRIBUTIONS.get(module, module)
        if find_spec(module) is None:
            yield Finding(name, Health.NOTE, f"not installed: {purpose} need it; pip install {name}")
        else:
            yield Finding(name, Health.GOOD, _version(name))


CHECKS: tuple[Check, ...] = (
    check_versions,
    check_settings,
    check_store,
    check_threads,
    check_strategies,
    check_packages,
)
