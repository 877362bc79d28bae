"""Whether a thread is inside of node code: only there may it be interrupted."""

from __future__ import annotations

from types import FrameType

from nodetool_jupyter.engine.actor import Actor
from nodetool_jupyter.engine.once import run_once

NODE_CODE = (Actor.step.__code__, run_once.__code__)


def is_in_node(frame: FrameType | None) -> bool:
    """Whether a thread with this innermost frame is."""
    while frame is not None:
        if frame.f_code in NODE_CODE:
            return True
        frame = frame.f_back
    return False
