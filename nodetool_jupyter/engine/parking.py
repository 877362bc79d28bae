"""Who waits for another node of the same run: counted, so that a run can tell a stall from waiting for the
outside.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nodetool_jupyter.engine.inbox import Inbox

FED_LIMIT = 4096
"""How far an inbox grows at most while something may still come from outside."""


class Parking:
    """Counts the nodes that wait for one another, and relieves them where all do."""

    def __init__(self) -> None:
        self.parked = 0
        self.full: dict[Inbox, int] = {}
        """Inboxes that producers wait on for space, with how many wait."""
        self.check_stall: Callable[[], None] = lambda: None

    async def wait(self, waiter: asyncio.Future[None]) -> None:
        """Wait for another node of this run."""
        self.parked += 1
        self.check_stall()
        try:
            await waiter
        finally:
            self.parked -= waiter.cancelled()

    def wake(self, waiters: list[asyncio.Future[None]]) -> None:
        """Let go on who waits; from now on they are not parked any more."""
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
                self.parked -= 1

    async def wait_for_space(self, inbox: Inbox, handle: str) -> None:
        """Wait until a handle has room again."""
        while inbox.is_full(handle):
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            if inbox.space is None:
                inbox.space = {}
            inbox.space.setdefault(handle, []).append(waiter)
            self.full[inbox] = self.full.get(inbox, 0) + 1
            try:
                await self.wait(waiter)
            finally:
                self.full[inbox] -= 1
                if not self.full[inbox]:
                    del self.full[inbox]

    def relieve(self, *, is_fed: bool) -> None:
        """All nodes wait for one another: the smallest full inbox grows (Parks' rule for bounded networks).

        Where the job is ``is_fed`` from outside they may wait for that just as well: then only up to a bound.
        """
        smallest = min(self.full, key=lambda inbox: inbox.limit)
        if is_fed and smallest.limit >= FED_LIMIT:
            return
        smallest.limit *= 2
        smallest.wake_producers()
