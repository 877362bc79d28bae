"""The streaming inputs of one job, as whoever pushes to it sees them: by name, and with their types.

A value is checked before it goes anywhere; what can't be pushed is an OptionError that says why.
"""

from __future__ import annotations

import difflib
from typing import Any

from nodetool_jupyter.engine.feeding import InputEnded, accepted
from nodetool_jupyter.engine.plan import Plan, PlanNode
from nodetool_jupyter.engine.spec import Role
from nodetool_jupyter.errors import OptionError
from nodetool_jupyter.manager.managed import ManagedJob
from nodetool_jupyter.model.job import JobStatus

HOW = 'declare it as a stream: Input(…, stream=True) in a cell, "stream": true among its properties in JSON'


class JobInputs:
    """Of a job that this process looks after, by its plan."""

    def __init__(self, managed: ManagedJob, plan: Plan) -> None:
        self._managed = managed
        self._fed = {node.param: node for node in plan.fed}
        self._others = {node.param for node in plan.nodes if node.spec.role is Role.INPUT} - self._fed.keys()

    def push(self, name: str, value: Any, timeout: float | None) -> None:
        """Push a value; raises OptionError, TimeoutError, ValueCrossingError."""
        node = self._node(name)
        checked = accepted(name, node, value)
        execution = self._managed.execution
        assert execution is not None
        try:
            execution.push_input(name, checked, timeout)
        except InputEnded:
            raise _ended(name) from None
        except TimeoutError:
            raise TimeoutError(
                f"input {name!r} of job {self._managed.record.id} has taken nothing for {timeout:g} s: "
                "as many values wait for its nodes as may"
            ) from None
        check_live(self._managed.record.id, execution.status)

    def end(self, name: str) -> None:
        """End an input; raises OptionError."""
        self._node(name)
        assert self._managed.execution is not None
        try:
            self._managed.execution.end_input(name)
        except InputEnded:
            raise _ended(name) from None

    def _node(self, name: Any) -> PlanNode:
        check_live(self._managed.record.id, self._managed.record.status)
        name = name if isinstance(name, str) else repr(name)
        node = self._fed.get(name)
        if node is not None:
            return node
        if name in self._others:
            raise OptionError(f"input {name!r} of this job is no stream: it has one value", hint=HOW)
        near = difflib.get_close_matches(name, self._fed, n=1)
        there = ", ".join(map(repr, sorted(self._fed)))
        hint = f"did you mean {near[0]!r}?" if near else f"it has {there}" if there else HOW
        raise OptionError(f"this job has no streaming input {name!r}", hint=hint)


def check_live(job_id: str, status: JobStatus) -> None:
    """Raise OptionError for a job that has ended."""
    if status.is_terminal:
        raise OptionError(
            f"job {job_id} has ended ({status.value}): it takes no more input", hint="run it again"
        )


def _ended(name: str) -> OptionError:
    return OptionError(f"input {name!r} has been ended: it takes no more values", hint="start another job")
