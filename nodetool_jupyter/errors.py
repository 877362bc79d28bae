"""All errors a user can meet, lowest layer of the package.

    NodeToolError
    ├── SettingsError            a setting that can't be read
    ├── OptionError              a wrong option, parameter name or argument of a command
    ├── WorkflowError            a workflow that can't be read
    │   ├── CellError            … in a line of a cell
    │   └── InvalidGraph         … whose graph can't run; holds every Problem
    ├── ValueCrossingError       a value that can't be stored or cross a process boundary
    ├── StrategyError
    │   ├── UnknownStrategy
    │   ├── StrategyUnavailable  known, but not usable here and now
    │   │   └── DockerError      … since the Docker Engine can't be reached, or refuses
    │   └── UnsupportedLimit     a limit or option that the strategy can't enforce
    ├── StoreError               the job store can't be read or written
    │   └── AssetNotFound        … since there is no such asset
    ├── JobNotFound              no job, or more than one, by that id, prefix or name
    ├── JobUnreachable           its owner lives, but doesn't answer
    ├── IllegalTransition        a status change outside of the transition table (a bug in us)
    └── JobError                 a job that did not complete; knows its job
        ├── NodeError            … because of one node
        ├── JobFailed            … because of its worker, strategy or machine
        ├── JobTimedOut
        ├── JobCancelled
        └── JobSuspended

Each message says what happened and where; ``hint`` is the next step.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant, for a hint; None where none is near."""
    from difflib import get_close_matches

    by_text = {name.lower(): name for name in known}
    close = get_close_matches(word.lower(), by_text, n=5, cutoff=0.6)
    return next((by_text[text] for text in close if is_near(word, text)), None)


def is_near(word: str, other: str) -> bool:
    """Whether one is the other with a typing mistake in every five characters at most, or its beginning."""
    short, long = sorted((word.lower(), other.lower()), key=len)
    if len(short) >= 3 and long.startswith(short):
        return True
    return _mistakes(short, long) <= 1 + len(short) // 5


def _mistakes(one: str, other: str) -> int:
    """How many characters are wrong, missing, too many, or swapped with the next."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for at, character in enumerate(one, 1):
        earlier, before, row = before, row, [at]
        for place, found in enumerate(other, 1):
            cost = min(before[place] + 1, row[-1] + 1, before[place - 1] + (character != found))
            if at > 1 and place > 1 and one[at - 2] == found and character == other[place - 2]:
                cost = min(cost, earlier[place - 2] + 1)
            row.append(cost)
    return row[-1]


class ErrorCode(str, Enum):
    """Why a job failed: a closed vocabulary, kept in its record."""

    NODE_ERROR = "node_error"
    NODE_EXIT = "node_exit"
    TIMED_OUT = "timed_out"
    UNCANCELLABLE = "uncancellable"
    KERNEL_DIED = "kernel_died"
    INVALID_GRAPH = "invalid_graph"
    UNSERIALIZABLE = "unserializable"
    OUTPUT_LIMIT = "output_limit"
    MEMORY_LIMIT = "memory_limit"
    CPU_LIMIT = "cpu_limit"
    RESOURCE_LIMIT = "resource_limit"
    DISK_FULL = "disk_full"
    STORE_FAILED = "store_failed"
    SPAWN_FAILED = "spawn_failed"
    WORKER_EXITED_EARLY = "worker_exited_early"
    WORKER_KILLED = "worker_killed"
    WORKER_CRASHED = "worker_crashed"
    OOM_KILLED = "oom_killed"
    SUPERVISOR_DIED = "supervisor_died"
    HOST_REBOOT = "host_reboot"
    DOCKER_UNAVAILABLE = "docker_unavailable"
    IMAGE_MISSING = "image_missing"
    IMAGE_INVALID = "image_invalid"
    CONTAINER_STOPPED = "container_stopped"
    CONTAINER_REMOVED = "container_removed"
    PROTOCOL_ERROR = "protocol_error"
    VERSION_MISMATCH = "version_mismatch"
    ENGINE_ERROR = "engine_error"


class NodeToolError(Exception):
    """Root of the tree: ``str(error)`` is one short message, ``hint`` the next step."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  → {self.hint}" if self.hint else self.message

    def _render_traceback_(self) -> list[str]:
        """The lines IPython shows in place of a traceback."""
        return f"{type(self).__name__}: {self}".splitlines()


class SettingsError(NodeToolError):
    """A setting whose value can't be used; names variable, value and what is accepted."""


class OptionError(NodeToolError):
    """A wrong option, parameter or argument."""


class WorkflowError(NodeToolError):
    """A workflow that can't be read."""


class CellError(WorkflowError):
    """A mistake in a cell's body; ``line`` counts from 1 below the magic line."""

    def __init__(
        self, message: str, *, line: int | None = None, text: str = "", hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.line = line
        self.text = text

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line is not None else ""
        shown = f"\n    {self.text.strip()}" if self.text.strip() else ""
        return f"{where}{self.message}{shown}" + (f"\n  → {self.hint}" if self.hint else "")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a graph: where, and what was expected and found."""

    message: str
    node_id: str | None = None
    handle: str | None = None
    edge_id: str | None = None
    expected: str | None = None
    found: str | None = None

    def __str__(self) -> str:
        place = [f"node {self.node_id}"] if self.node_id is not None else []
        if self.edge_id is not None:
            place.append(f"edge {self.edge_id}")
        if self.handle is not None:
            place.append(f"handle {self.handle}")
        where = ", ".join(place)
        text = f"{where}: {self.message}" if where else self.message
        if self.expected is not None:
            text += f" (expected {self.expected}"
            text += f", found {self.found})" if self.found is not None else ")"
        return text


class InvalidGraph(WorkflowError):
    """A graph that can't run; ``problems`` has all of them, the message the first twenty."""

    SHOWN = 20

    def __init__(self, problems: Sequence[Problem], *, hint: str | None = None) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        lines = [f"the workflow has {count} problem{'s' if count != 1 else ''}; nothing has run"]
        lines += [f"  - {problem}" for problem in self.problems[: self.SHOWN]]
        if count > self.SHOWN:
            lines.append(f"  … and {count - self.SHOWN} more")
        super().__init__("\n".join(lines), hint=hint)


class ValueCrossingError(NodeToolError):
    """A value that can't be kept or sent; names its Python type and, where known, node and output."""


class StrategyError(NodeToolError):
    """Something about where a job should run."""


class UnknownStrategy(StrategyError):
    """No strategy of that name."""


class StrategyUnavailable(StrategyError):
    """A strategy that can't be used here and now; the message says why."""


class DockerError(StrategyUnavailable):
    """The Docker Engine can't be reached, or refuses; ``code`` says which in a job's record."""

    def __init__(
        self, message: str, *, hint: str | None = None, code: ErrorCode = ErrorCode.DOCKER_UNAVAILABLE
    ) -> None:
        super().__init__(message, hint=hint)
        self.code = code


class UnsupportedLimit(StrategyError):
    """A limit that this strategy, or this machine, can't enforce."""


class StoreError(NodeToolError):
    """The job store can't be read or written."""


class AssetNotFound(StoreError):
    """No asset of this user has that id."""


class JobNotFound(NodeToolError):
    """No job, or more than one, answers to that name."""


class JobUnreachable(NodeToolError):
    """Another process looks after the job, and can't be reached now."""


class IllegalTransition(NodeToolError):
    """A job was told to change from a status to one that can't follow."""


class JobError(NodeToolError):
    """A job that did not complete. ``details`` is the full traceback, where there is one."""

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        job_id: str | None = None,
        code: ErrorCode | None = None,
        details: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.job_id = job_id
        self.code = code
        self.details = details


class JobFailed(JobError):
    """The job's worker, strategy or machine failed."""


class JobTimedOut(JobError):
    """The job was ended at its time limit."""


class JobCancelled(JobError):
    """The job was cancelled."""


class JobSuspended(JobError):
    """The job waits to be resumed; the message is the reason that its node has given."""


class NodeError(JobError):
    """A node raised; names node, type and cause."""

    def __init__(
        self,
        message: str,
        *,
        node_id: str,
        node_type: str = "",
        handle: str | None = None,
        hint: str | None = None,
        job_id: str | None = None,
        code: ErrorCode | None = ErrorCode.NODE_ERROR,
        details: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint, job_id=job_id, code=code, details=details)
        self.node_id = node_id
        self.node_type = node_type
        self.handle = handle
