"""What a running node may ask for: progress, logs, cancellation, secrets, a temp folder.

The engine knows none of the owners: they are handed in as ``Services``, and a service that isn't there says
so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, get_args

from nodetool_jupyter.errors import NodeToolError
from nodetool_jupyter.model.events import Severity
from nodetool_jupyter.values.base import Spill

if TYPE_CHECKING:
    from nodetool_jupyter.engine.plan import PlanNode
    from nodetool_jupyter.engine.reporter import Reporter


class NodeCancelled(BaseException):
    """Raised inside a node when its job is cancelled; not an Exception, so that ``except Exception`` lets it
    pass.
    """


class NodeSuspended(BaseException):
    """Raised inside a node to suspend its job; no Exception, so that ``except Exception`` lets it pass."""

    def __init__(self, reason: str, state: Any) -> None:
        super().__init__(reason)
        self.reason = reason
        self.state = state


@dataclass(frozen=True, slots=True)
class Resumption:
    """What a job goes on with: the node that had suspended it, its state, and the value given to resume."""

    node_id: str
    state: Any
    value: Any = None


def _no_secret(name: str) -> str:
    raise NodeToolError(
        f"no secret {name!r} is available here", hint=f"set it in the environment of this kernel as {name}"
    )


def _no_folder() -> Path:
    raise NodeToolError("this run has no temp folder", hint="run it as a job, by %%nodetool or submit()")


def _no_read(_context: ProcessingContext, uri: str) -> bytes:
    raise NodeToolError(f"{uri[:80]!r} can't be read here", hint="pass the data itself, or a data: URI")


def _finite(number: float | None) -> float | None:
    try:
        return None if number is None or not isfinite(number) else float(number)
    except OverflowError:  # a whole number that no float can hold
        return None


def _checked(severity: Severity) -> Severity:
    if severity not in get_args(Severity):
        raise ValueError(f"expected severity {', '.join(get_args(Severity))}, found {severity!r}")
    return severity


class ResultKeeper(Protocol):
    """Keeps results while a run goes on, for another one."""

    def keep(self, node: PlanNode, outputs: Mapping[str, Any]) -> None:
        """A node has completed that gives at most one value a handle."""

    def suspend(self, node_id: str, state: Any) -> None:
        """A node suspends the job; raises NodeToolError or OSError where its state can't be kept."""

    def close(self, *, is_completed: bool) -> None:
        """The run is over, which nobody knows yet."""


RESULT_KEY = re.compile(r"[0-9a-f]{64}")


class ResultCache(Protocol):
    """Results by content that jobs share. Thread-safe, and never raises: what fails was not there."""

    def get(self, key: str) -> bytes | None:
        """What is kept under a key."""

    def keep(self, key: str, data: bytes) -> None:
        """Keep it, in place of what was there."""

    def drop(self, key: str) -> None:
        """It is damaged."""


class Assets(Protocol):
    """Content that outlives its job, by id, of the job's user alone. Thread-safe; its methods block, and
    raise NodeToolError.
    """

    def read(self, asset_id: str) -> bytes:
        """The content of an asset."""

    def save(self, content: bytes, suffix: str) -> str:
        """Keep new content, whose kind the ending says, such as ``.png``; gives its id."""


class _NoAssets:
    def read(self, asset_id: str) -> bytes:
        raise NodeToolError(
            f"the asset {asset_id[:80]!r} can't be read here", hint="pass the data itself, or a data: URI"
        )

    def save(self, content: bytes, suffix: str) -> str:  # noqa: ARG002 - the protocol's
        raise NodeToolError("no asset can be kept here", hint="give the content as the node's result")


NO_ASSETS = _NoAssets()


@dataclass(frozen=True, slots=True)
class Services:
    """What the owner of a job provides to its nodes."""

    secret: Callable[[str], str] = _no_secret
    temp_folder: Callable[[], Path] = _no_folder
    read_uri: Callable[[ProcessingContext, str], bytes] = _no_read
    assets: Assets = NO_ASSETS
    spill: Spill | None = None
    """Where large outputs are written; None keeps them all in the event log."""
    keeper: ResultKeeper | None = None
    """Keeps what nodes give; None where nobody will go on from it."""
    resumption: Resumption | None = None
    """Of a job that goes on after it was suspended."""
    pickle: Callable[[Any], bytes] | None = None
    """How outputs are written that nothing else can write; None where nobody would read a pickle."""
    is_trusted: bool = True
    """Whether whoever reads the outputs will unpickle them: else what has another form takes that."""
    results: ResultCache | None = None
    """What nodes with ``cache=True`` have given in any job; None where they always run."""
    gpus: tuple[str, ...] = ()
    """The GPUs that there are."""
    allowed_hosts: frozenset[str] = frozenset()
    """``host`` or ``host:port`` that http nodes may reach though its address isn't public."""


@dataclass(slots=True)
class ProcessingContext:
    """One job's surroundings; a node gets a view of it that is bound to the node.

    All methods may be called from a node function in the thread pool as well as from a coroutine.
    """

    job_id: str = ""
    workflow_id: str = ""
    user_id: str = ""
    workspace: Path = field(default_factory=Path.cwd)
    services: Services = field(default_factory=Services)
    reporter: Reporter | None = None
    """The running node's; None outside of a node."""

    def bound_to(self, reporter: Reporter) -> ProcessingContext:
        """The same surroundings as seen by one node."""
        return ProcessingContext(
            self.job_id, self.workflow_id, self.user_id, self.workspace, self.services, reporter
        )

    @property
    def node_id(self) -> str:
        """The running node's id; empty outside of a node."""
        return self.reporter.id if self.reporter else ""

    @property
    def devices(self) -> tuple[str, ...]:
        """The GPUs that this node has for itself, by its resource hint."""
        return self.reporter.devices if self.reporter else ()

    def progress(self, done: float, total: float | None = None, chunk: str = "") -> None:
        """Report ``done`` of ``total`` units of work; ``chunk`` is text to stream. Cheap: coalesced to 20 a
        second. A number that isn't finite counts as unknown.
        """
        if self.reporter:
            self.reporter.report_progress(_finite(done) or 0.0, _finite(total), str(chunk))

    def log(self, content: object, severity: Severity = "info") -> None:
        """Add a line to the node's log; what is no str is shown as print would."""
        if self.reporter:
            self.reporter.report_log(str(content), _checked(severity))

    def notify(self, content: object, severity: Severity = "info") -> None:
        """Tell the user something now."""
        if self.reporter:
            self.reporter.report_notification(str(content), _checked(severity))

    def preview(self, value: Any) -> None:
        """Show a value while the node still runs."""
        if self.reporter:
            self.reporter.report_preview(value)

    @property
    def is_cancelled(self) -> bool:
        """Whether the job is being cancelled; a long loop in a blocking function looks at it."""
        return bool(self.reporter and self.reporter.run.is_ending)

    def raise_if_cancelled(self) -> None:
        """Raise NodeCancelled if the job is being cancelled."""
        if self.is_cancelled:
            raise NodeCancelled

    def suspend(self, reason: object, state: Any = None) -> NoReturn:
        """Suspend the job until ``job.resume(value)``, in this kernel or a later one.

        Then this node runs once more from its beginning, with ``resumption.state`` and ``resumption.value``;
        what has completed stays.
        """
        raise NodeSuspended(str(reason), state)

    @property
    def resumption(self) -> Resumption | None:
        """What this node goes on with, if it is the one that had suspended the job; else None."""
        found = self.services.resumption
        return found if found is not None and found.node_id == self.node_id else None

    def secret(self, name: str) -> str:
        """A secret's value by name; raises where there is none."""
        return self.services.secret(name)

    def temp_folder(self) -> Path:
        """A folder of this job, removed with it."""
        return self.services.temp_folder()

    def read_uri(self, uri: str) -> bytes:
        """What an address refers to: ``data:``, ``asset://``, ``/api/storage/…``, ``http(s)://``, or
        ``file://`` in the workspace. Blocks, so call it in a ``def`` node. Raises NodeToolError or
        ValueError.
        """
        return self.services.read_uri(self, uri)

    def save_asset(self, content: bytes, suffix: str = "") -> str:
        """Keep content for later jobs; gives its address, such as ``asset://3f….png``. Blocks."""
        if not isinstance(content, bytes | bytearray | memoryview):
            raise TypeError(f"save_asset takes bytes, found {type(content).__name__}")
        return f"asset://{self.services.assets.save(content, suffix)}{suffix}"
