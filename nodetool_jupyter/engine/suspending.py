"""A node suspends its job: its state is kept first, then the run ends like one that is given up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nodetool_jupyter.engine.context import NodeSuspended
from nodetool_jupyter.engine.reporter import Reporter
from nodetool_jupyter.errors import NodeError, NodeToolError

if TYPE_CHECKING:
    from nodetool_jupyter.engine.run import Run


def suspend(run: Run, reporter: Reporter, suspension: NodeSuspended) -> NodeError | None:
    """Keep the state and tell it; gives the node's error where that can't be."""
    if run.plan.fed:
        return reporter.error("can't suspend a job with streaming inputs: what was pushed would be lost")
    keeper = run.keeper
    try:
        if keeper is not None:
            keeper.suspend(reporter.id, suspension.state)
    except (NodeToolError, OSError) as error:
        return reporter.error(f"can't suspend the job, as its state can't be kept: {error}", error)
    run.suspension = suspension
    reporter.tell_suspended()
    return None
