"""NodeTool's own node packages: found among what is installed, and run by this engine.

Nothing here imports nodetool-core before a workflow names a type of it, or a notebook has a class of it.
"""

from __future__ import annotations

from nodetool_jupyter.adapters.installed import InstalledNodes, installed_first, is_installed, prepare_cell

__all__ = ["InstalledNodes", "installed_first", "is_installed", "prepare_cell"]
