"""A job's graph as inline SVG: each node marked by a sign, a colour and a word for its state."""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Iterable

from nodetool_jupyter.model.graph import Graph
from nodetool_jupyter.views.boxes import BOX_HEIGHT, Box, Point
from nodetool_jupyter.views.folding import TURN
from nodetool_jupyter.views.layout import Layout, fitted, layout
from nodetool_jupyter.views.markup import Html, clean, cut, el, join
from nodetool_jupyter.views.parts import NodeState, NodeView
from nodetool_jupyter.views.snapshot import JobView, edge_key, title_of
from nodetool_jupyter.views.text import MARKS, items, tally_text

DRAWN = 200
CROWDED = 60
"""Nodes above which what lies around a failed one is drawn by itself, too."""
AROUND = 24
STEPS = 4
"""So many nodes are near to one, and so many edges away at most."""
SMALLEST = 0.7
"""How far a drawing shrinks to fit its page; a larger one is a map of itself, which can be opened."""
PAGE = (1_060, 440)
"""Pixels that a card has for it."""
FRAME = 5
LEGEND = 8
GROUP = "nodetool.workflows.base_node.Group"


OPENER: Html = el("details", el("summary", "Full size"), class_="ntj-zoom", hidden="hidden")
"""The line that opens a map to its full size, by the style sheet: the drawing is in the page once."""


class Dag:
    """The drawing of one job's graph; where things are is worked out once, at first use."""

    def __init__(self, view: JobView) -> None:
        self._view = view
        self._plans: dict[str, Layout] = {}

    def svg(self, *, scrolls: bool = True) -> Html:
        """The graph as it stands; a sentence beyond DRAWN nodes, nothing for a graph without nodes. After a
        large one comes what lies around the node that failed.

        Unless it ``scrolls``, that is left to what is around it, and so is the opener of a map.
        """
        view = self._view
        if not view.nodes:
            return Html("")
        if len(view.nodes) > DRAWN:
            said = f"A graph of {len(view.nodes):,} nodes: {tally_text(view)}"
            whole = el("p", said, class_="ntj-meta")
        else:
            whole = self._drawing(self._plan("", view.nodes), f"workflow graph: {tally_text(view)}", scrolls)
            whole = join([OPENER, whole]) if scrolls and self.is_map else whole
        failed = next(iter(view.failed.values()), None)
        if failed is None or len(view.nodes) <= CROWDED:
            return whole
        plan = self._plan(failed.id, neighborhood(view.graph, failed.id, view.nodes))
        about = f"around {failed.title}"
        return join([whole, el("p", f"{about}:", class_="ntj-meta"), self._drawing(plan, about, scrolls)])

    @property
    def is_map(self) -> bool:
        """Whether the whole is too large for a page."""
        nodes = self._view.nodes
        return bool(nodes) and len(nodes) <= DRAWN and _is_large(self._plan("", nodes))

    def _plan(self, key: str, node_ids: Iterable[str]) -> Layout:
        if key not in self._plans:
            titles = {node_id: self._view.nodes[node_id].title for node_id in node_ids}
            self._plans[key] = layout(self._view.graph, titles)
        return self._plans[key]

    def _drawing(self, plan: Layout, label: str, scrolls: bool) -> Html:
        view = self._view
        is_map = _is_large(plan)
        frames = _frames(plan, view.graph)
        top = LEGEND if frames else 0
        drawing = el(
            "svg",
            join(frames),
            join(self._edges(plan)),
            join(_node(box, view.nodes[box.id], view) for box in plan.boxes),
            xmlns="http://www.w3.org/2000/svg",
            viewBox=f"0 {-top} {plan.width:g} {plan.height + top:g}",
            width=plan.width,
            height=plan.height + top,
            preserveAspectRatio="xMinYMin" if is_map else None,
            style=None if is_map else f"min-width:{plan.width * SMALLEST:.0f}px",
            role="list",
            aria_label=label,
        )
        # An untrusted page loses SVG, style sheet and attributes without a value, but not the SVG's words:
        # without the sheet they stay hidden.
        frame = {
            "class_": "ntj-dag ntj-map" if is_map else "ntj-dag",
            "role": "group",
            "aria_label": label.partition(":")[0],
        }
        return el("div", drawing, hidden="hidden", tabindex=0 if scrolls else None, **frame)

    def _edges(self, plan: Layout) -> list[Html]:
        view = self._view
        edges = view.graph.edges
        drawn = []
        for number, points in plan.lines.items():
            count = view.edge_counts.get(edge_key(number, edges[number]), 0)
            source = view.nodes[edges[number].source]
            is_used = count or view.state(source) is NodeState.COMPLETED
            kind = "ntj-control" if edges[number].edge_type == "control" else None
            class_ = " ".join(filter(None, ("ntj-edge", "ntj-used" if is_used else None, kind)))
            drawn.append(el("path", class_=class_, d=_path(points), aria_hidden="true"))
            if count > 1:
                drawn.append(_count(points, count))
        return drawn


def _is_large(plan: Layout) -> bool:
    width, height = PAGE
    scale = min(max(width / plan.width, SMALLEST), 1.0)
    return plan.width * scale > width or plan.height * scale > height


def neighborhood(graph: Graph, node_id: str, among: Container[str]) -> list[str]:
    """The nodes that are nearest to one by the edges, in both directions; itself first."""
    beside: dict[str, list[str]] = {}
    for edge in graph.edges:
        beside.setdefault(edge.source, []).append(edge.target)
        beside.setdefault(edge.target, []).append(edge.source)
    steps = {node_id: 0}
    waiting = deque([node_id])
    while waiting and len(steps) < AROUND:
        at = waiting.popleft()
        for other in beside.get(at, ()) if steps[at] < STEPS else ():
            if other not in steps and other in among and len(steps) < AROUND:
                steps[other] = steps[at] + 1
                waiting.append(other)
    return list(steps)


def _frames(plan: Layout, graph: Graph) -> list[Html]:
    """A frame with a legend around the members of each group, where no other node stands among them."""
    inner: dict[str, list[Box]] = {}
    group_of = {node.id: node.parent_id for node in graph.nodes if node.parent_id}
    for box in plan.boxes:
        if box.id in group_of:
            inner.setdefault(group_of[box.id], []).append(box)
    groups = [node for node in graph.nodes if node.type == GROUP and node.id in inner]
    drawn = []
    for group in groups:
        left, top, right, bottom = _extent(inner[group.id])
        strangers = (box for box in plan.boxes if group_of.get(box.id) != group.id)
        if any(_is_within(box, left, top, right, bottom) for box in strangers):
            continue
        frame = el(
            "rect",
            class_="ntj-edge ntj-control",
            x=left - FRAME,
            y=top - FRAME,
            width=right - left + 2 * FRAME,
            height=bottom - top + 2 * FRAME,
            rx=8,
            aria_hidden="true",
        )
        legend = el("text", fitted(title_of(group)), class_="ntj-count", x=left + 4, y=top - 2)
        drawn += [frame, legend]
    return drawn


def _extent(boxes: list[Box]) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of boxes together."""
    return (
        min(box.x for box in boxes),
        min(box.y for box in boxes),
        max(box.x + box.width for box in boxes),
        max(box.y + box.height for box in boxes),
    )


def _is_within(box: Box, left: float, top: float, right: float, bottom: float) -> bool:
    beside = box.x + box.width <= left or right <= box.x
    return not (beside or box.y + box.height <= top or bottom <= box.y)


def _path(points: tuple[Point, ...]) -> str:
    """A smooth line through the points: level through a column, curved between two."""
    text = f"M{points[0][0]:g} {points[0][1]:g}"
    for number in range(1, len(points)):
        (x1, y1), (x2, y2) = points[number - 1], points[number]
        if number % 2 == 0:
            text += f"H{x2:g}"
            continue
        reach = max(abs(x2 - x1) / 2, 18 if x2 > x1 else 60)
        leaving = -TURN if _goes_back(points, number - 1) else reach
        coming = -TURN if _goes_back(points, number + 1) else reach
        text += f"C{x1 + leaving:g} {y1:g} {x2 - coming:g} {y2:g} {x2:g} {y2:g}"
    return text


def _goes_back(points: tuple[Point, ...], number: int) -> bool:
    """Whether the level part of a line that ends with this point runs to the left, to the next band."""
    return 0 < number < len(points) and points[number][0] < points[number - 1][0]


def _count(points: tuple[Point, ...], count: int) -> Html:
    x, y = points[-1]
    return el(
        "text", f"{count:,}", class_="ntj-count", x=round(x - 5, 1), y=round(y - 5, 1), text_anchor="end"
    )


def _node(box: Box, node: NodeView, view: JobView) -> Html:
    state = view.state(node)
    word = f"{node.title}: {state.value}{items(node, ', ')}"
    what = f"{word}\n{node.type}" + (f"\n{cut(node.error, 300)}" if node.error else "")
    return el(
        "g",
        el("title", clean(what)),
        el("rect", class_="ntj-box", width=box.width, height=BOX_HEIGHT, rx=6),
        el("rect", class_="ntj-tint", width=box.width, height=BOX_HEIGHT, rx=6),
        el("text", MARKS[state], class_="ntj-mark", x=16, y=20, text_anchor="middle", aria_hidden="true"),
        el("text", fitted(node.title), class_="ntj-label", x=29, y=19.5),
        class_=f"ntj-node ntj-{state.value}",
        transform=f"translate({box.x:g} {box.y:g})",
        role="listitem",
        aria_label=word,
    )
