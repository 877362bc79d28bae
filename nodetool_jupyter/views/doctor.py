"""``doctor``: looks at all that a run needs here, and says in a sentence what is wrong and what to do.

Each check stands for itself: one that can't be made is a finding, not the end of the others.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from nodetool_jupyter.errors import NodeToolError
from nodetool_jupyter.session import Session, get_session
from nodetool_jupyter.settings import Settings, load_settings
from nodetool_jupyter.strategies.registry import load_strategy, strategy_names
from nodetool_jupyter.views.sheet import Grid
from nodetool_jupyter.worker.limits import sized

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


Check = Callable[[], Iterator[Finding]]


def made(check: Check) -> list[Finding]:
    """The findings of one check; an error of ours is one."""
    try:
        return list(check())
    except (NodeToolError, OSError) as error:
        return [Finding(check.__name__.removeprefix("check_"), Health.BAD, str(error))]


def installed(distribution: str) -> str:
    """The version of a distribution; empty where it isn't installed."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""


def check_settings() -> Iterator[Finding]:
    """Whether they can be read."""
    load_settings()
    yield Finding("settings", Health.GOOD, "all can be read; %nodetool config lists them")


def check_store() -> Iterator[Finding]:
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
    session = get_session()
    count = len(session.jobs(limit=1))
    yield Finding("store", Health.GOOD, f"{folder} ({'with jobs' if count else 'no jobs yet'})")
    yield cache_finding(session, settings)
    free = shutil.disk_usage(existing).free
    health = Health.GOOD if free > ROOM else Health.NOTE
    words = "" if free > ROOM else ": little; make room, or set NODETOOL_HOME to another folder"
    yield Finding("disk", health, f"{free / 2**30:.1f} GB free{words}")


def cache_finding(session: Session, settings: Settings) -> Finding:
    """What the results take that jobs share."""
    count, size = session.manager.results.taken()
    room = f"at most {sized(settings.cache_size)} (NODETOOL_CACHE_SIZE)"
    if not count:
        return Finding("cache", Health.GOOD, f"no results of nodes with cache=True yet; {room}")
    sentence = f"those of nodes with cache=True: {count:,}, with {sized(size)}, {room}"
    return Finding("cache", Health.GOOD, f"{sentence}; %nodetool prune --cache")


def check_server() -> Iterator[Finding]:
    """Whether a Jupyter server shows the jobs of this store, and is of this release."""
    session = get_session()
    servers = sorted({peer.version for peer in session.peers() if peer.is_server})
    mismatch = session.server_mismatch()
    if mismatch is not None:
        yield Finding("Jupyter server", Health.NOTE, mismatch)
    elif servers:
        yield Finding("Jupyter server", Health.GOOD, f"nodetool_jupyter {', '.join(servers)} in it, as here")
    elif load_settings().store != "memory":
        sentence = "none has opened this store: a sidebar in JupyterLab would not show the jobs that run here"
        yield Finding("Jupyter server", Health.NOTE, sentence)


def check_threads() -> Iterator[Finding]:
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


def check_strategies() -> Iterator[Finding]:
    """Which strategies can be used here and now, or why not."""
    settings = load_settings()
    for name in strategy_names():
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


def check_packages() -> Iterator[Finding]:
    """What node families need beyond the core."""
    for module, purpose in OPTIONAL.items():
        name = DISTRIBUTIONS.get(module, module)
        if find_spec(module) is None:
            yield Finding(name, Health.NOTE, f"not installed: {purpose} need it; pip install {name}")
        else:
            yield Finding(name, Health.GOOD, installed(name))


CHECKS: tuple[Check, ...] = (
    check_settings,
    check_store,
    check_server,
    check_threads,
    check_strategies,
    check_packages,
)
"""What matters to whoever runs jobs; front ends have checks of their own beside these."""


def findings_grid(findings: Iterable[Finding]) -> Grid:
    """A row a finding."""
    rows = [(finding.health.value, finding.what, finding.sentence) for finding in findings]
    return Grid(rows, ("", "what", "finding"))
