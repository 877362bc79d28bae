"""Where the boxes and lines of a graph go: pure geometry, from the file's own positions or in layers."""

from __future__ import annotations

import math
import unicodedata
from bisect import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, pairwise

from nodetool_jupyter.model.graph import Graph, Node
from nodetool_jupyter.views.boxes import BOX_HEIGHT, COLUMN_GAP, ROW_GAP, Box, Point
from nodetool_jupyter.views.folding import Bands, in_bands, in_columns

MIN_WIDTH = 76
MAX_WIDTH = 200
CHAR_WIDTH = 7.2
WIDTHS = {"mwMW@%—": 11.0, "ABCDEGHKNOPQRSTUVXYZ&_": 8.4, "fijlrtI.,:;'|!()[]/- ": 5.0}
"""Pixels of letters that differ from CHAR_WIDTH, in the widest of the usual fonts."""
MARK_WIDTH = 42
MARGIN = 6
MAX_CANVAS = 2_400
SCALES = (0.35, 0.45, 0.55, 0.7, 0.85, 1.0)
SWEEPS = 6
FAR = 1e6
MANY = 8
LINE_GAP = 4
"""Pixels between lines that pass a layer, where they are many."""
MAX_BENDS = 1_000
"""Points at which long lines may bend around boxes, for a whole graph."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Boxes in the graph's order, and for each edge's number the points that its line goes through."""

    boxes: tuple[Box, ...]
    lines: dict[int, tuple[Point, ...]]
    width: float
    height: float


def layout(graph: Graph, titles: dict[str, str]) -> Layout:
    """Place the nodes that have a title; edges between others are left out."""
    nodes = [node for node in graph.nodes if node.id in titles]
    boxes = {node.id: Box(node.id, box_width(titles[node.id])) for node in nodes}
    edges = {
        number: (edge.source, edge.target)
        for number, edge in enumerate(graph.edges)
        if edge.source in boxes and edge.target in boxes and edge.source != edge.target
    }
    chains: dict[int, tuple[Box, ...]] = {}
    bands = None
    if not _place_given(graph, nodes, boxes):
        chains, bands = _place_layers(boxes, edges)
    _to_origin([*boxes.values(), *(bend for chain in chains.values() for bend in chain)], bands)
    lines = {
        number: _line((boxes[a], *chains.get(number, ()), boxes[b]), bands)
        for number, (a, b) in edges.items()
    }
    points = [point for line in lines.values() for point in line]
    points += [(box.x + box.width, box.y + box.height) for box in boxes.values()]
    width = max((x for x, _ in points), default=0.0) + MARGIN
    height = max((y for _, y in points), default=0.0) + MARGIN
    return Layout(tuple(boxes.values()), lines, width, height)


def box_width(title: str) -> float:
    """The width of a box for a title, in pixels."""
    return float(round(min(max(sum(map(_char_width, title)) + MARK_WIDTH, MIN_WIDTH), MAX_WIDTH)))


def fitted(title: str) -> str:
    """As much of a title as its box holds; an ellipsis says that there is more."""
    room = MAX_WIDTH - MARK_WIDTH
    ends = list(accumulate(map(_char_width, title)))
    if not ends or ends[-1] <= room:
        return title
    return title[: bisect(ends, room - CHAR_WIDTH)] + "…"


@cache
def _char_width(char: str) -> float:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Cf"):
        return 0.0
    if unicodedata.east_asian_width(char) in "WF":
        return 13.0
    return next((width for chars, width in WIDTHS.items() if char in chars), CHAR_WIDTH)


def _line(boxes: Sequence[Box], bands: Bands | None) -> tuple[Point, ...]:
    """From the first box to the last one, through those between: level within a box, curved before and after
    it.
    """
    points = []
    for one, other in pairwise(boxes):
        points.append((one.x + one.width, one.middle))
        points += bands.way(one, other) if bands is not None else []
        points.append((other.x, other.middle))
    return tuple(points)


def _to_origin(boxes: Sequence[Box], bands: Bands | None) -> None:
    left = min((box.x for box in boxes), default=0.0) - MARGIN
    top = min((box.y for box in boxes), default=0.0) - MARGIN
    if bands is not None:
        left = bands.left - MARGIN
        bands.move(-left, -top)
    for box in boxes:
        box.x, box.y = round(box.x - left, 1), round(box.y - top, 1)


def _place_given(graph: Graph, nodes: Sequence[Node], boxes: dict[str, Box]) -> bool:
    """Use ``ui_properties.position`` if every node has one and they can be drawn apart; says whether."""
    everyone = {node.id: node for node in graph.nodes}
    places: dict[str, tuple[float, float]] = {}
    for node in nodes:
        place = _position(node, everyone)
        if place is None:
            return False
        places[node.id] = place
    for scale in SCALES:
        for node_id, (x, y) in places.items():
            boxes[node_id].x, boxes[node_id].y = x * scale, y * scale
        if not _overlap(list(boxes.values())):
            return _extent(boxes.values()) <= MAX_CANVAS
    return False


def _position(node: Node, everyone: dict[str, Node]) -> tuple[float, float] | None:
    """A node's place on the canvas; NodeTool keeps that of a group's member relative to the group."""
    x = y = 0.0
    seen: set[str] = set()
    inner: Node | None = node
    while inner is not None and inner.id not in seen:
        seen.add(inner.id)
        position = inner.ui_properties.get("position")
        if not isinstance(position, dict):
            return None
        left, top = position.get("x"), position.get("y")
        if not isinstance(left, (int, float)) or not isinstance(top, (int, float)):
            return None
        x, y = x + left, y + top
        inner = everyone.get(inner.parent_id) if inner.parent_id else None
    return (x, y) if abs(x) < FAR and abs(y) < FAR else None


def _overlap(boxes: list[Box]) -> bool:
    """Whether any two boxes are nearer to each other than a small gap."""
    boxes.sort(key=lambda box: box.x)
    for number, box in enumerate(boxes):
        for other in boxes[number + 1 :]:
            if other.x >= box.x + box.width + MARGIN:
                break
            if abs(other.y - box.y) < BOX_HEIGHT + MARGIN:
                return True
    return False


def _extent(boxes: Iterable[Box]) -> float:
    boxes = list(boxes)
    if not boxes:
        return 0.0
    width = max(box.x + box.width for box in boxes) - min(box.x for box in boxes)
    return max(width, max(box.y for box in boxes) - min(box.y for box in boxes))


def _place_layers(
    boxes: dict[str, Box], edges: dict[int, tuple[str, str]]
) -> tuple[dict[int, tuple[Box, ...]], Bands | None]:
    """Left to right in layers, nodes beside their neighbors; long edges bend in each layer they cross."""
    layer_of = _layers(boxes, edges.values())
    layers: list[list[Box]] = [[] for _ in range(max(layer_of.values(), default=-1) + 1)]
    for node_id, box in boxes.items():
        layers[layer_of[node_id]].append(box)
    bends, links = _bend(boxes, edges, layer_of, layers)
    _columns(layers)
    for sweep in range(SWEEPS):
        ahead = sweep % 2 == 0
        for layer in layers if ahead else reversed(layers):
            _settle(layer, links[0] if ahead else links[1], is_sorting=sweep < SWEEPS - 2)
    _fold(layers, links)
    return bends, in_bands(layers)


def _fold(layers: list[list[Box]], links: Links) -> None:
    """Set tall layers in columns; the others then go to where their neighbors are now."""
    tall = set()
    shift = 0.0
    for number, layer in enumerate(layers):
        for box in layer:
            box.x += shift
        before = max((box.width for box in layer), default=0.0)
        width = in_columns(layer)
        if width:
            tall.add(number)
            shift += width - before
    if tall:
        for neighbors in links:
            for number, layer in enumerate(layers):
                if number not in tall:
                    _settle(layer, neighbors, is_sorting=False)


def _layers(boxes: dict[str, Box], edges: Iterable[tuple[str, str]]) -> dict[str, int]:
    """Each node's longest way from a source; what a cycle holds back goes last."""
    targets: dict[str, list[str]] = {node_id: [] for node_id in boxes}
    waiting = dict.fromkeys(boxes, 0)
    for source, target in edges:
        targets[source].append(target)
        waiting[target] += 1
    layer_of = dict.fromkeys(boxes, 0)
    ready = [node_id for node_id, count in waiting.items() if not count]
    for node_id in ready:
        for target in targets[node_id]:
            layer_of[target] = max(layer_of[target], layer_of[node_id] + 1)
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    last = max((layer_of[node_id] for node_id in ready), default=-1) + 1
    return {node_id: layer if not waiting[node_id] else last for node_id, layer in layer_of.items()}


Links = tuple[dict[int, list[Box]], dict[int, list[Box]]]
"""The neighbors of each box, by its identity: those before it and those after it."""


def _bend(
    boxes: dict[str, Box],
    edges: dict[int, tuple[str, str]],
    layer_of: dict[str, int],
    layers: list[list[Box]],
) -> tuple[dict[int, tuple[Box, ...]], Links]:
    before: dict[int, list[Box]] = {}
    after: dict[int, list[Box]] = {}
    bends: dict[int, tuple[Box, ...]] = {}
    room = MAX_BENDS
    for number, (source, target) in edges.items():
        between = range(layer_of[source] + 1, layer_of[target])
        chain = tuple(Box("", 0.0, height=0.0) for _ in between) if len(between) <= room else ()
        room -= len(chain)
        for layer, bend in zip(between, chain, strict=False):
            layers[layer].append(bend)
        bends[number] = chain
        for one, other in pairwise((boxes[source], *chain, boxes[target])):
            after.setdefault(id(one), []).append(other)
            before.setdefault(id(other), []).append(one)
    return bends, (before, after)


def _columns(layers: list[list[Box]]) -> None:
    x = 0.0
    for layer in layers:
        width = max(box.width for box in layer)
        for row, box in enumerate(layer):
            box.x, box.y = x, row * (BOX_HEIGHT + ROW_GAP)
            if not box.id:
                box.width = width
        x += width + COLUMN_GAP


def _settle(layer: list[Box], neighbors: dict[int, list[Box]], *, is_sorting: bool) -> None:
    """Move each box of a layer towards its neighbors' middle, without any two coming too near."""
    wanted = {id(box): _mean(neighbors.get(id(box), ()), box.middle) for box in layer}
    if is_sorting:
        layer.sort(key=lambda box: wanted[id(box)])
    is_crowded = sum(not box.id for box in layer) > MANY
    lowest, before = -math.inf, None
    for box in layer:
        gap = LINE_GAP if is_crowded and before is not None and not before.id + box.id else ROW_GAP
        box.y = max(wanted[id(box)] - box.height / 2, lowest + gap)
        lowest, before = box.y + box.height, box
    shift = _mean_of([wanted[id(box)] - box.middle for box in layer])
    for box in layer:
        box.y += shift


def _mean(boxes: Sequence[Box], default: float) -> float:
    return _mean_of([box.middle for box in boxes]) if boxes else default


def _mean_of(values: Sequence[float]) -> float:
    return sum(values) / len(values)
