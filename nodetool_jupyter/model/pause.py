"""Where a large graph is read or planned: thousands of objects are made at once, and all of them stay.

The garbage collector would look through them and all else that the kernel holds, again and again, and find
nothing: half of the time that a large file took. So it waits, for milliseconds and never over a node's code,
and then goes on as it did before.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

LARGE = 500
"""Nodes from which it is worth it: a small graph leaves the process alone."""


@contextmanager
def uncollected(nodes: int) -> Iterator[None]:
    """No automatic collection while the block makes objects of about so many ``nodes``. Where the user has
    turned it off, it stays off.
    """
    if nodes < LARGE or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
