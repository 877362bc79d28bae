"""The firing of a node that has a time limit, more than one try, or GPUs to hold.

Tries follow one another after a pause that doubles, more or less: nodes that failed together don't come back
together. What a failed try has sent is not taken back.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from time import monotonic
from typing import TYPE_CHECKING, Any

from nodetool_jupyter.engine.devices import Devices
from nodetool_jupyter.engine.failure import reason_of
from nodetool_jupyter.errors import ErrorCode, NodeError

if TYPE_CHECKING:
    from nodetool_jupyter.engine.actor import Actor

FIRST_PAUSE = 0.1
"""Seconds after the first try."""
LONGEST_PAUSE = 30.0
JITTER = (0.75, 1.25)

Fire = Callable[[Mapping[str, Any]], Awaitable[None]]


class Tries:
    """All firings of one node in one run."""

    def __init__(self, actor: Actor, fire: Fire) -> None:
        self._actor = actor
        self._fire = fire
        self._policy = actor.node.spec.policy
        self._random = random.SystemRandom()  # a forked worker would have another one's numbers
        needed = self._policy.resources
        self.devices = (
            Devices(needed, actor.run.context.services.gpus) if needed is not None and needed.gpu else None
        )

    async def fire(self, values: Mapping[str, Any]) -> None:
        """Fire until it succeeds, or its tries are used up; raises NodeError for the last failure."""
        for number in range(self._policy.retries + 1):
            failure = await self._try(values)
            if failure is None:
                return
            if number == self._policy.retries or self._actor.run.is_ending:
                raise failure
            pause = pause_after(number)
            message = f"try {number + 1} failed: {failure.message}; trying again in about {pause:g} s"
            self._actor.report_log(message, "warning")
            await asyncio.sleep(pause * self._random.uniform(*JITTER))

    async def _try(self, values: Mapping[str, Any]) -> NodeError | None:
        """Why it failed, if it did."""
        limit = self._policy.timeout
        timer: asyncio.Timeout | None = None
        try:
            async with self._holding():
                start, timer = monotonic(), asyncio.timeout(limit)
                async with timer:
                    await self._fire(values)
                if limit is None or monotonic() - start <= limit:
                    return None
        except Exception as error:  # noqa: BLE001 - whatever node code raises becomes its error
            if isinstance(error, NodeError):
                return error
            is_late = timer is not None and timer.expired()
            return self._late(error) if is_late else self._actor.error(reason_of(error), error)
        return self._late()  # it never let the loop go on, so the limit could not end it

    def _holding(self) -> AbstractAsyncContextManager[None]:
        return nullcontext() if self.devices is None else self.devices.holding()

    def _late(self, cause: Exception | None = None) -> NodeError:
        return self._actor.error(
            f"took longer than its timeout of {self._policy.timeout:g} s", cause, ErrorCode.TIMED_OUT
        )


def pause_after(number: int) -> float:
    """Seconds before the next try, on average; ``number`` counts the tries from 0."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(number, 64))
