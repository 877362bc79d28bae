"""The short way of a node that fires at most once: a coroutine, fed by edges that carry at most one value.

Most nodes of most graphs are such. They need no inbox and no back-pressure: values are laid ready until the
last edge has ended, then the node runs, or is skipped where an input never came.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nodetool_jupyter.engine.capture import RUNNING
from nodetool_jupyter.engine.inbox import InputError
from nodetool_jupyter.engine.plan import NOTHING, PlanNode
from nodetool_jupyter.engine.reporter import Reporter
from nodetool_jupyter.model.graph import DEFAULT_HANDLE

if TYPE_CHECKING:
    from nodetool_jupyter.engine.run import Run


async def run_once(run: Run, node: PlanNode) -> None:
    """Fire, send the result on, and end. Raises NodeError."""
    values = run.take_values(node)
    if len(values) == len(node.wiring.producers):
        reporter = Reporter(node, run)
        reporter.tell_running()
        RUNNING.set(reporter)
        try:
            if node.wiring.checks:
                _check(node, values)
            plain = node.spec.plain
            if plain is None:
                result = await _call(run, reporter, values)
            else:
                result = await plain(**{**node.properties, **values} if node.properties else values)
        except BaseException as error:  # noqa: BLE001 - whatever node code raises becomes its error
            reporter.raise_for(error)
        finally:
            RUNNING.set(None)
        if node.spec.result_checks is not None:
            result = reporter.checked(result)
        routed = reporter.routed(result) if node.spec.routes else {DEFAULT_HANDLE: result}
        reporter.flush_reports()
        reporter.tell_completed(routed)
        _end(run, node, routed)
    else:
        _end(run, node, NOTHING)


def _call(run: Run, reporter: Reporter, values: dict[str, Any]) -> Any:
    node = reporter.node
    context = run.context.bound_to(reporter) if node.spec.wants_context else None
    return node.spec.bind(node.properties, node.dynamic_properties).call(values, context, None)


def _check(node: PlanNode, values: dict[str, Any]) -> None:
    for handle, check in node.wiring.checks.items():
        try:
            values[handle] = check(values[handle])
        except ValueError as error:
            raise InputError(handle, str(error)) from None


def _end(run: Run, node: PlanNode, values: Mapping[str, Any]) -> None:
    run.lane_goes_on = True
    run.end_edges(node, values)
    run.lane_goes_on = False
    run.node_ended()
