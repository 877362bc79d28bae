"""What a node raised, as the error that users and records see: bounded, and safe from hostile exceptions."""

from __future__ import annotations

import asyncio
import traceback
from dataclasses import replace
from types import CoroutineType

from nodetool_jupyter.engine.plan import PlanNode
from nodetool_jupyter.errors import ErrorCode, NodeError, NodeToolError
from nodetool_jupyter.model.events import Fault

MAX_REASON = 2_000
MAX_TRACEBACK = 20_000


def node_error(
    node: PlanNode,
    job_id: str,
    reason: str,
    *,
    cause: BaseException | None = None,
    code: ErrorCode = ErrorCode.NODE_ERROR,
    handle: str | None = None,
) -> NodeError:
    """The error of a node, with the exception behind it as its cause."""
    where = f", handle {handle}" if handle else ""
    error = NodeError(
        f"node {node.id} ({node.spec.type}{where}): {reason}",
        node_id=node.id,
        node_type=node.spec.type,
        handle=handle,
        hint=cause.hint if isinstance(cause, NodeToolError) else None,
        job_id=job_id,
        code=code,
        details=details_of(cause),
    )
    error.__cause__ = cause
    return error


def fault_of(error: NodeError) -> Fault:
    """A node's error as the job's record keeps it."""
    return Fault(
        code=error.code or ErrorCode.NODE_ERROR,
        message=error.message,
        hint=error.hint,
        node_id=error.node_id,
        node_type=error.node_type,
        handle=error.handle,
        traceback=error.details,
    )


def uncancellable(reason: Fault | None, who: str, grace: float) -> Fault:
    """Why a job failed that could not be stopped; a reason it had before stays the first one."""
    message = f"{who} could not be stopped within {grace:g} s and may still be running"
    hint = "it ends with this process: restart the kernel"
    if reason is None:
        return Fault(code=ErrorCode.UNCANCELLABLE, message=message, hint=hint)
    return replace(reason, message=f"{reason.message}; {message}", hint=reason.hint or hint)


def engine_failed(bug: BaseException) -> Fault:
    """Why a job failed whose run broke down by itself."""
    return Fault(
        code=ErrorCode.ENGINE_ERROR,
        message=f"the engine failed: {reason_of(bug)}",
        hint="this is a fault of nodetool_jupyter; please report it with %nodetool traceback",
        traceback=details_of(bug),
    )


def engine_error(bug: BaseException) -> NodeError:
    """The same while the run can still end by itself."""
    fault = engine_failed(bug)
    error = NodeError(fault.message, node_id="", code=fault.code, hint=fault.hint, details=fault.traceback)
    error.__cause__ = bug
    return error


def reason_of(error: BaseException) -> str:
    """The exception in one line; a hostile ``__str__`` is not trusted."""
    if isinstance(error, NodeToolError):
        return error.message
    name = type(error).__name__
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - a broken __str__ must not hide the error itself
        return f"{name} (its message can't be shown)"
    return f"{name}: {text[:MAX_REASON]}" if text else name


def code_of(error: BaseException) -> ErrorCode:
    """A node that tried to end the process is told apart from one that failed."""
    exits = (SystemExit, KeyboardInterrupt, GeneratorExit)
    return ErrorCode.NODE_EXIT if isinstance(error, exits) else ErrorCode.NODE_ERROR


def details_of(error: BaseException | None) -> str | None:
    """The traceback, bounded."""
    if error is None:
        return None
    try:
        text = "".join(traceback.format_exception(error))
    except Exception as broken:  # noqa: BLE001 - likewise
        return f"{type(error).__name__} (its traceback can't be shown: {type(broken).__name__})"
    return text if len(text) <= MAX_TRACEBACK else f"…{text[-MAX_TRACEBACK:]}"


def node_in(lane: asyncio.Task[None]) -> str | None:
    """The id of the node that a lane steps. Its frame is asked, so that a step needs not note it down."""
    coroutine = lane.get_coro()
    frame = coroutine.cr_frame if isinstance(coroutine, CoroutineType) else None
    item = frame.f_locals.get("item") if frame is not None else None
    return None if item is None else item.id
