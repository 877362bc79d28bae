"""From what a user wrote to a RunJobRequest: cell text, options, workflow files. Nothing here runs a graph.

``CELL_NODES`` is for the registry's families: the few node types that only graphs built by Python cells have.
"""

from __future__ import annotations

CELL_NODES: dict[str, tuple[str, ...]] = {
    "nodetool_jupyter.authoring": ("nodetool_jupyter.authoring.cell_nodes",)
}
