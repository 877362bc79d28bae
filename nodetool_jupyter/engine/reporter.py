"""What one node tells: its state, its errors, and what its code reports and prints.

Reports may come from any thread; progress is held back until the next pulse of the run.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from time import time, time_ns
from typing import TYPE_CHECKING, Any, NoReturn

from nodetool_jupyter.engine.context import NodeCancelled, NodeSuspended
from nodetool_jupyter.engine.failure import code_of, node_error, reason_of
from nodetool_jupyter.engine.inbox import InputError
from nodetool_jupyter.engine.plan import PlanNode
from nodetool_jupyter.errors import ErrorCode, NodeError
from nodetool_jupyter.model.control import CONTROL
from nodetool_jupyter.model.events import (
    LogUpdate,
    NodeProgress,
    NodeUpdate,
    Notification,
    PreviewUpdate,
    Severity,
)
from nodetool_jupyter.model.graph import DEFAULT_HANDLE
from nodetool_jupyter.values.preview import preview

if TYPE_CHECKING:
    from nodetool_jupyter.engine.run import Run

MAX_LINE = 10_000
MAX_SHOWN = 65_536
HEAD_LINES = 10_000
HEAD_CHARACTERS = 5_000_000
"""A node's log has its first lines, up to either bound, as they come; of the others the last, at its end."""
TAIL_LINES = 100


class _Log:
    """How much a node has logged, and what of it is held back."""

    __slots__ = ("characters", "left_out", "lines", "tail")

    def __init__(self) -> None:
        self.lines = 0
        self.characters = 0
        self.left_out = 0
        self.tail: deque[tuple[str, Severity]] = deque()

    def is_full(self) -> bool:
        """Whether what comes is held back."""
        return self.lines >= HEAD_LINES or self.characters >= HEAD_CHARACTERS

    def hold(self, content: str, severity: Severity) -> None:
        """Keep a line, and let go of the oldest one where there are many."""
        if len(self.tail) >= TAIL_LINES:
            self.tail.popleft()
            self.left_out += 1
        self.tail.append((content, severity))

    def take(self) -> list[tuple[str, Severity]]:
        """What has been held back, in order, with the number of lines that are not there."""
        held = list(self.tail)
        if self.left_out:
            held.insert(
                0, (f"… {self.left_out:,} {'line' if self.left_out == 1 else 'lines'} left out", "warning")
            )
        self.tail.clear()
        self.left_out = 0
        return held


class Reporter:
    """The voice of one node in one run."""

    __slots__ = ("_half_lines", "_log", "_pending", "node", "run")

    def __init__(self, node: PlanNode, run: Run) -> None:
        self.node = node
        self.run = run
        self._half_lines: dict[Severity, str] | None = None
        """What has been printed and not yet ended by a newline, by the stream it went to."""
        self._log: _Log | None = None
        self._pending: tuple[float, float | None, str] | tuple[()] | None = None
        """Progress that has been reported and not yet been told; None where none has ever been."""

    @property
    def id(self) -> str:
        """The node's id."""
        return self.node.id

    @property
    def devices(self) -> tuple[str, ...]:
        """GPUs that the node holds."""
        return ()

    def raise_for(self, error: BaseException) -> NoReturn:
        """Raise what node code raised as a NodeError; the end of a run that is being cancelled passes as
        such.
        """
        if isinstance(error, NodeError) and (error.node_id, error.job_id) == (
            self.id,
            self.run.context.job_id,
        ):
            raise error  # this node's own, not that of a job which it ran
        if isinstance(error, NodeSuspended):
            self.flush_reports()
            raise error
        if isinstance(error, InputError):
            raise self.error(str(error), handle=error.handle) from None
        if isinstance(error, (asyncio.CancelledError, NodeCancelled)):
            if self.run.is_ending:
                self.flush_reports()
                raise error
            raise self.error("the node cancelled itself", error, ErrorCode.NODE_EXIT) from error
        raise self.error(reason_of(error), error, code_of(error)) from error

    def routed(self, result: Any) -> Mapping[str, Any]:
        """A result by handle, for a node with named outputs; raises NodeError for what does not fit them."""
        outputs = self.node.spec.outputs
        if not isinstance(result, Mapping):
            raise self.error(f"returned {type(result).__name__}, expected a dict with {', '.join(outputs)}")
        for handle in result:
            if handle in outputs or handle in self.node.outgoing or handle == CONTROL:
                continue
            if not self.node.spec.dynamic:
                raise self.error(
                    f"gave a value for output {handle!r}, which it doesn't have; it has {', '.join(outputs)}"
                )
        return result

    def checked(self, result: Any) -> Any:
        """A result with the types that the node declares; raises NodeError for what doesn't have them."""
        spec = self.node.spec
        checks = spec.result_checks or {}
        handle = DEFAULT_HANDLE
        try:
            if not spec.routes:
                return checks[handle](result)
            if not isinstance(result, Mapping):
                return result
            fitting = {}
            for handle, value in result.items():
                fitting[handle] = checks[handle](value) if handle in checks else value
            return fitting
        except ValueError as error:
            raise self.error(f"the result has the wrong type: {error}", handle=handle) from None

    def error(
        self,
        reason: str,
        cause: BaseException | None = None,
        code: ErrorCode = ErrorCode.NODE_ERROR,
        handle: str | None = None,
    ) -> NodeError:
        """This node's error, told after what it has reported so far."""
        self.flush_reports()
        return node_error(self.node, self.run.context.job_id, reason, cause=cause, code=code, handle=handle)

    def tell_suspended(self) -> None:
        """Tell that this node waits for the job to be resumed."""
        node = self.node
        self.run.telling.emit(
            NodeUpdate(
                node_id=node.id,
                node_name=node.label,
                node_type=node.spec.type,
                status="suspended",
                timestamp=time(),
            )
        )

    def fail(self, error: NodeError) -> None:
        """Tell that this node failed."""
        node = self.node
        self.run.telling.emit(
            NodeUpdate(
                node_id=node.id,
                node_name=node.label,
                node_type=node.spec.type,
                status="error",
                error=error.message,
                timestamp=time(),
            )
        )

    def tell_running(self) -> None:
        """Tell that the node fires for the first time."""
        telling = self.run.telling
        telling.emit((self.node.signature, "running", None, time_ns()))
        if telling.eager:
            telling.tell_eagerly()

    def tell_completed(self, last: Mapping[str, Any] | None) -> None:
        """Tell that the node has ended, with the values that it sent last, by handle."""
        node = self.node
        run = self.run
        if run.keeper is not None and last is not None and not node.streams:
            run.keeper.keep(node, last)
        shown = {name: preview(value) for name, value in last.items()} if last else None
        run.telling.emit((node.signature, "completed", shown, time_ns()))

    def flush_reports(self) -> None:
        """Tell what is still held back: half printed lines, the end of a long log, and the last progress."""
        if self._half_lines is not None:
            with self.run.telling.reporting:
                half_lines, self._half_lines = self._half_lines or {}, None
            for severity, line in half_lines.items():
                if line:
                    self.report_log(line, severity)
        if self._log is not None and self._log.tail:
            with self.run.telling.reporting:
                for content, severity in self._log.take():
                    self._tell_log(content, severity)
        if self._pending is not None:
            self.tell_progress()

    def tell_progress(self) -> None:
        """Put the latest reported progress into the stream."""
        with self.run.telling.reporting:
            if not self._pending:
                return
            (done, total, chunk), self._pending = self._pending, ()
            self.run.telling.emit(
                NodeProgress(node_id=self.id, progress=done, total=total, chunk=chunk, timestamp=time())
            )

    def report_progress(self, done: float, total: float | None, chunk: str) -> None:
        """Keep the latest progress and all chunks until the next pulse."""
        with self.run.telling.reporting:
            before = self._pending
            self._pending = (done, total, before[2] + chunk if before else chunk)
        if not before:
            self.run.telling.will_report(self)

    def report_output(self, text: str, severity: Severity) -> None:
        """What the node printed: whole lines go to its log, a half line waits for its end."""
        with self.run.telling.reporting:  # threads of one node may print at the same time
            if self._half_lines is None:
                self._half_lines = {}
            *lines, rest = (self._half_lines.get(severity, "") + text).split("\n")
            if len(rest) > MAX_LINE:
                lines.append(rest)
                rest = ""
            self._half_lines[severity] = rest
            for line in lines:
                self.report_log(line, severity)

    def report_log(self, content: str, severity: Severity = "info") -> None:
        """Add to the node's log. A line over 10,000 characters is cut, and says so, as does a long log."""
        if len(content) > MAX_LINE:
            content = f"{content[:MAX_LINE]}… ({len(content) - MAX_LINE} more characters)"
        with self.run.telling.reporting:
            log = self._log = self._log or _Log()
            if log.is_full():
                log.hold(content, severity)
                return
            log.lines += 1
            log.characters += len(content)
            self._tell_log(content, severity)
            if log.is_full():
                self._tell_log(
                    f"… this log is long: of the rest, the last {TAIL_LINES} lines are told at its end",
                    "warning",
                )

    def _tell_log(self, content: str, severity: Severity) -> None:
        self.run.telling.emit(
            LogUpdate(
                node_id=self.id,
                node_name=self.node.label,
                content=content,
                severity=severity,
                timestamp=time(),
            )
        )

    def report_notification(self, content: str, severity: Severity) -> None:
        """Tell the user something now."""
        self.run.telling.emit(
            Notification(node_id=self.id, content=content[:MAX_LINE], severity=severity, timestamp=time())
        )

    def report_preview(self, value: Any) -> None:
        """Show a value."""
        self.run.telling.emit(
            PreviewUpdate(node_id=self.id, value=preview(value, limit=MAX_SHOWN), timestamp=time())
        )
