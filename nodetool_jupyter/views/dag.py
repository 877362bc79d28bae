"""A job's graph as inline SVG: each node marked by a sign, a colour and a word for its state."""

from __future__ import annotations

from nodetool_jupyter.views.layout import BOX_HEIGHT, Box, Layout, fitted, layout
from nodetool_jupyter.views.markup import Html, clean, cut, el, join
from nodetool_jupyter.views.snapshot import JobView, NodeState, NodeView, edge_key
from nodetool_jupyter.views.text import MARKS, items, tally_text

DRAWN = 200
SMALLEST = 0.7
"""How far a wide drawing shrinks to fit its page, before it scrolls."""


class Dag:
    """The drawing of one job's graph; where things are is worked out once, at first use."""

    def __init__(self, view: JobView) -> None:
        self._view = view
        self._layout: Layout | None = None

    def svg(self, *, scrolls: bool = True) -> Html:
        """The graph as it stands; a sentence beyond DRAWN nodes, nothing for a graph without nodes.

        Unless it ``scrolls``, that is left to what is around it.
        """
        view = self._view
        if not view.nodes:
            return Html("")
        if len(view.nodes) > DRAWN:
            return el("p", f"A graph of {len(view.nodes):,} nodes: {tally_text(view)}", class_="ntj-meta")
        if self._layout is None:
            self._layout = layout(view.graph, {node.id: node.title for node in view.nodes.values()})
        plan = self._layout
        drawing = el(
            "svg",
            join(self._edges(plan)),
            join(_node(box, view.nodes[box.id], view) for box in plan.boxes),
            xmlns="http://www.w3.org/2000/svg",
            viewBox=f"0 0 {plan.width:g} {plan.height:g}",
            width=plan.width,
            height=plan.height,
            style=f"min-width:{plan.width * SMALLEST:.0f}px",
            role="list",
            aria_label=f"workflow graph: {tally_text(view)}",
        )
        # An untrusted page loses SVG, style sheet and attributes without a value, but not the SVG's words:
        # without the sheet they stay hidden.
        frame = {"class_": "ntj-dag", "role": "group", "aria_label": "workflow graph"}
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


def _path(points: tuple[tuple[float, float], ...]) -> str:
    """A smooth line through the points: level through a column, curved between two."""
    text = f"M{points[0][0]:g} {points[0][1]:g}"
    for number in range(1, len(points)):
        (x1, y1), (x2, y2) = points[number - 1], points[number]
        if number % 2 == 0:
            text += f"H{x2:g}"
            continue
        reach = max(abs(x2 - x1) / 2, 18 if x2 > x1 else 60)
        text += f"C{x1 + reach:g} {y1:g} {x2 - reach:g} {y2:g} {x2:g} {y2:g}"
    return text


def _count(points: tuple[tuple[float, float], ...], count: int) -> Html:
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
