"""Jobs that a kernel before this one has left are taken over soon after loading, without a word.

In a thread, and a moment later: neither loading nor the next cell waits for it.
"""

from __future__ import annotations

import threading
from contextlib import suppress

DELAY = 0.5
"""Seconds after loading."""

_timer: threading.Timer | None = None


def adopt_later() -> None:
    """Look for them once."""
    global _timer
    cancel()
    _timer = threading.Timer(DELAY, _adopt)
    _timer.name = "nodetool-adopt"
    _timer.daemon = True
    _timer.start()


def cancel() -> None:
    """Look no more, if that has not begun."""
    global _timer
    timer, _timer = _timer, None
    if timer is not None:
        timer.cancel()


def _adopt() -> None:
    from nodetool_jupyter.errors import NodeToolError
    from nodetool_jupyter.session import adopt_left_jobs

    with suppress(NodeToolError):  # settings or a store that can't be read are the next cell's to tell
        adopt_left_jobs()
