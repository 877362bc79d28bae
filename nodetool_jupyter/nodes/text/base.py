"""Base of the text nodes.

Those whose work has no bound have a plain ``process``: in the thread pool it can't hold up the job's loop.
"""

from __future__ import annotations

from nodetool_jupyter.engine.node import BaseNode

MAX_LENGTH = 10_000_000
"""Characters that a node makes out of a short text at most."""


class TextNode(BaseNode, prefix="nodetool.text", abstract=True):
    """Base of the family."""
