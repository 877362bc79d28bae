"""A graph, with the states of a run or without: a drawing, and a list of nodes that stands for it in text."""

from __future__ import annotations

from nodetool_jupyter.model.graph import Graph
from nodetool_jupyter.views.dag import Dag
from nodetool_jupyter.views.sheet import Drawing, Grid
from nodetool_jupyter.views.snapshot import JobView

LISTED = 200


def drawn(graph: Graph, name: str = "", view: JobView | None = None) -> Drawing:
    """The graph as SVG and as text; ``view`` gives the states of a run."""
    view = view or JobView(graph, name)
    return Drawing(Dag(view).svg(), listing(graph).text())


def listing(graph: Graph) -> Grid:
    """A row per node: its id, its type, and where its inputs come from."""
    sources: dict[str, list[str]] = {}
    for edge in graph.edges:
        sources.setdefault(edge.target, []).append(f"{edge.targetHandle} ← {edge.source}.{edge.sourceHandle}")
    nodes = [(node.id, node.type, ", ".join(sources.get(node.id, ()))) for node in graph.nodes[:LISTED]]
    more = len(graph.nodes) - len(nodes)
    return Grid([*nodes, *([(f"… and {more:,} more", "", "")] if more else [])], ("node", "type", "inputs"))
