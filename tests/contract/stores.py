"""What the tests of stores share."""

from __future__ import annotations

from nodetool_jupyter.model.graph import Graph, Node
from nodetool_jupyter.model.request import RunJobRequest

REQUEST = RunJobRequest(graph=Graph(nodes=(Node(id="a", type="test.A"),)))
