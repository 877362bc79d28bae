"""``WorkflowRunner``: what the owner of a job holds of its run."""

from __future__ import annotations

from typing import Any

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.feeding import Feeds
from nodetool_jupyter.engine.outcome import Outcome
from nodetool_jupyter.engine.plan import Plan
from nodetool_jupyter.engine.run import Run
from nodetool_jupyter.engine.telling import EventSink
from nodetool_jupyter.engine.threads import ThreadPool
from nodetool_jupyter.model.events import Fault

EAGER = 64
"""Nodes of a process whose start is told at once."""


class WorkflowRunner:
    """Runs one plan once. ``run`` is awaited on the nodes' own loop; everything else is thread-safe."""

    def __init__(
        self,
        plan: Plan,
        context: ProcessingContext,
        sink: EventSink,
        pool: ThreadPool,
        *,
        first_seq: int = 1,
        grace: float = 5.0,
        is_mortal: bool = False,
        is_nested: bool = False,
        feeds: Feeds | None = None,
    ) -> None:
        self._run = Run(plan, context, sink, pool, first_seq=first_seq, grace=grace)
        self._run.is_mortal = is_mortal
        self._run.is_nested = is_nested
        self._run.feeds = Feeds(plan.fed) if feeds is None else feeds
        self._run.telling.eager = EAGER if is_mortal else 0

    async def run(self) -> Outcome:
        """Run to the end; never raises for what nodes do. The last event told is the terminal job_update."""
        return await self._run.main()

    def cancel(self, fault: Fault | None = None) -> None:
        """End all nodes; from any thread, any number of times. With a ``fault`` the run has failed by it."""
        self._run.cancel(fault)

    def abandon(self, outcome: Outcome) -> None:
        """Tell the end of a run whose loop answers no more."""
        self._run.tell_end(outcome)

    def give_up(self, grace: float) -> None:
        """Tell the end of a run whose nodes have not stopped within ``grace`` seconds; from any thread."""
        self._run.tell_end(self._run.given_up(grace))

    @property
    def is_ending(self) -> bool:
        """Whether its nodes have been told to stop: it was cancelled, or a node has failed."""
        return self._run.is_ending

    def pulse(self) -> None:
        """Tell what has been reported so far, also while a node blocks the loop; from any thread."""
        self._run.telling.pulse()

    @property
    def outputs(self) -> dict[str, list[Any]]:
        """What the output nodes have got so far."""
        return self._run.outputs
