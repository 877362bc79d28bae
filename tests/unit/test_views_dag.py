"""Where nodes and edges of a drawing go."""

from __future__ import annotations

from itertools import combinations, pairwise
from time import thread_time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nodetool_jupyter.model.graph import Edge, Graph, Node
from nodetool_jupyter.views.dag import AROUND, CROWDED, DRAWN, GROUP, STEPS, Dag, neighborhood
from nodetool_jupyter.views.layout import MAX_WIDTH, Layout, box_width, fitted, layout
from nodetool_jupyter.views.snapshot import JobView
from tests.unit.pages import Page
from tests.unit.watched_jobs import chain, folded, moved, node, ran, running


def graph(count: int, pairs: list[tuple[int, int]], **properties: Any) -> Graph:
    nodes = tuple(Node(id=str(number), type="lib.Add", ui_properties=properties) for number in range(count))
    edges = tuple(Edge(source=str(a), target=str(b), targetHandle="x") for a, b in pairs)
    return Graph(nodes=nodes, edges=edges)


def placed(shown: Graph) -> Layout:
    return layout(shown, {node.id: f"node {node.id}" for node in shown.nodes})


def at(positions: dict[str, Any]) -> Graph:
    """A graph whose nodes have these positions, in a row."""
    nodes = tuple(
        Node(id=name, type="lib.Add", ui_properties={"position": position})
        for name, position in positions.items()
    )
    names = list(positions)
    edges = tuple(Edge(source=a, target=b, targetHandle="x") for a, b in pairwise(names))
    return Graph(nodes=nodes, edges=edges)


def assert_apart(plan: Layout) -> None:
    """No two boxes overlap, and all is within the drawing."""
    for one, other in combinations(plan.boxes, 2):
        beside = one.x + one.width <= other.x or other.x + other.width <= one.x
        assert beside or one.y + one.height <= other.y or other.y + other.height <= one.y, (one, other)
    for box in plan.boxes:
        assert 0 <= box.x <= plan.width - box.width
        assert 0 <= box.y <= plan.height - box.height


pairs = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=30)


@settings(max_examples=60)
@given(st.integers(1, 12), pairs)
def test_computed_layouts_keep_boxes_apart(count: int, links: list[tuple[int, int]]) -> None:
    """Any graph can be drawn, also one with cycles, doubled edges and edges to itself."""
    plan = placed(graph(count, [(a % count, b % count) for a, b in links]))
    assert len(plan.boxes) == count
    assert_apart(plan)


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=30))
def test_edges_of_an_acyclic_graph_go_to_the_right(links: list[tuple[int, int]]) -> None:
    """A reader follows the flow from left to right; a long edge never goes back on its way."""
    forward = [(min(link), max(link)) for link in links if link[0] != link[1]]
    for points in placed(graph(12, forward)).lines.values():
        xs = [x for x, _ in points]
        assert xs == sorted(xs)
        assert xs[0] < xs[-1]


def test_a_chain_is_straight() -> None:
    """Nodes with one neighbor stand at its height."""
    plan = placed(graph(6, [(number, number + 1) for number in range(5)]))
    assert len({box.y for box in plan.boxes}) == 1
    assert [box.x for box in plan.boxes] == sorted(box.x for box in plan.boxes)


def test_a_long_edge_goes_around_the_boxes_between() -> None:
    """An edge that skips a layer passes beside the nodes of that layer."""
    plan = placed(graph(3, [(0, 1), (1, 2), (0, 2)]))
    middle = plan.boxes[1]
    heights = [y for x, y in plan.lines[2] if middle.x <= x <= middle.x + middle.width]
    assert heights
    assert all(not middle.y <= y <= middle.y + middle.height for y in heights)


def test_positions_of_the_file_are_kept() -> None:
    """Where every node has a place, the drawing has the same arrangement, only smaller."""
    plan = placed(at({"a": {"x": 0, "y": 400}, "b": {"x": 900.5, "y": 0}, "c": {"x": 1_200, "y": 800}}))
    assert_apart(plan)
    a, b, c = plan.boxes
    assert a.x < b.x < c.x
    assert b.y < a.y < c.y
    assert (b.x - a.x) / (c.x - a.x) == pytest.approx(900.5 / 1_200, rel=0.01)


NAN, INFINITE = float("nan"), float("inf")


@pytest.mark.parametrize(
    "odd",
    [
        None,
        {},
        "here",
        {"x": 1},
        {"x": "1", "y": 2},
        {"x": 1, "y": None},
        {"x": 1e300, "y": 0},
        {"x": NAN, "y": 0},
        {"x": INFINITE, "y": -INFINITE},
        {"x": 0, "y": 0},
    ],
)
def test_positions_that_are_of_no_use_are_left(odd: Any) -> None:
    """If one is missing, no number, out of this world or the same as another's, all are computed."""
    plan = placed(at({"a": {"x": 0, "y": 0}, "b": odd, "c": {"x": 500, "y": 0}}))
    assert_apart(plan)
    assert [box.x for box in plan.boxes] == sorted({box.x for box in plan.boxes})


def test_members_of_a_group_are_placed_within_it() -> None:
    """NodeTool keeps their positions relative to the group's."""
    group = Node(
        id="g", type="nodetool.workflows.base_node.Group", ui_properties={"position": {"x": 1_000, "y": 0}}
    )
    inside = Node(id="in", type="lib.A", parent_id="g", ui_properties={"position": {"x": 10, "y": 10}})
    left = Node(id="left", type="lib.A", ui_properties={"position": {"x": 500, "y": 0}})
    loop = Node(id="loop", type="lib.A", parent_id="loop", ui_properties={"position": {"x": 0, "y": 0}})
    plan = layout(Graph(nodes=(group, inside, left, loop)), {"in": "in", "left": "left", "loop": "loop"})
    assert [box.id for box in sorted(plan.boxes, key=lambda box: box.x)] == ["loop", "left", "in"]


def test_the_largest_drawing_is_made_in_time() -> None:
    """200 nodes, each with edges to many: laid out once, and drawn again quickly."""
    links = [(a, b) for a in range(DRAWN) for b in range(a + 1, min(a + 12, DRAWN))]
    dag = Dag(JobView(graph(DRAWN, links)))
    started = thread_time()
    first = dag.svg()
    assert thread_time() - started < 5
    assert dag.svg() == first
    assert max(box.width for box in placed(graph(3, [])).boxes) <= MAX_WIDTH


@pytest.mark.parametrize("title", ["W" * 60, "i" * 60, "漢字" * 30, "a" * 21, "é" * 30, ""])
def test_a_label_stays_in_its_box(title: str) -> None:
    """Letters differ in width: of wide ones fewer are shown, and an ellipsis says that there are more."""
    shown = fitted(title)
    assert shown == title or shown == title[: len(shown) - 1] + "…"
    assert box_width(shown) <= MAX_WIDTH
    assert len(fitted("W" * 60)) < len(fitted("漢" * 60)) + 5 < len(fitted("i" * 60))


def test_streams_and_use_show_on_edges() -> None:
    """An edge that carried something is drawn stronger, and counted if it carried more than one item."""
    view = folded(chain("a", "b", "c"), [running(), *ran("a"), moved("e1", 1_200)])
    page = Page(Dag(view).svg())
    assert [found["class"] for found in page.named("path")] == ["ntj-edge ntj-used", "ntj-edge"]
    assert "1,200" in page.text


def test_control_edges_look_different() -> None:
    """They carry no values."""
    edge = Edge(source="a", target="b", targetHandle="__control__", edge_type="control")
    drawn = chain("a", "b").model_copy(update={"edges": (edge,)})
    assert Page(Dag(JobView(drawn)).svg()).named("path", class_="ntj-edge ntj-control")


def in_a_group(*places: tuple[float, float]) -> Graph:
    """Two members of a group, and a node beside or among them."""
    group = Node(id="g", type=GROUP, ui_properties={"position": {"x": 0, "y": 0}, "title": "<the> inputs"})
    inside = [
        Node(id=f"in{y}", type="lib.A", parent_id="g", ui_properties={"position": {"x": 0, "y": y}})
        for y in (0, 200)
    ]
    others = [
        Node(id=f"other{number}", type="lib.A", ui_properties={"position": {"x": x, "y": y}})
        for number, (x, y) in enumerate(places)
    ]
    return Graph(nodes=(group, *inside, *others))


def test_a_group_is_drawn_around_its_members() -> None:
    """With its title, and within the drawing; a node that only stands among them is not taken in."""
    page = Page(Dag(JobView(in_a_group((500, 0)))).svg())
    frame = page.named("rect", class_="ntj-edge ntj-control")[0]
    members = page.named("rect", class_="ntj-box")
    assert (len(members), float(frame["height"]) > float(members[0]["height"]) * 2) == (3, True)
    assert "<the> inputs" in page.text
    assert float(page.named("svg")[0]["viewbox"].split()[1]) < float(frame["y"])
    assert not Page(Dag(JobView(in_a_group((0, 100)))).svg()).named("rect", class_="ntj-edge ntj-control")


@pytest.mark.parametrize("count", [CROWDED + 1, 1_000])
def test_a_large_graph_shows_what_lies_around_a_failed_node(count: int) -> None:
    """Nobody has to look for it among all the others; until a node fails nothing is added."""
    names = [f"n{number}" for number in range(count)]
    events = [running(), *ran("n0"), node("n50", "error", "no")]
    view = folded(chain(*names), events[:-1])
    dag = Dag(view)
    assert "around" not in Page(dag.svg()).text
    view.fold(events[-1])
    shown = Page(dag.svg()).named("svg", aria_label="around n50")
    assert len(shown) == 1
    near = neighborhood(chain(*names), "n50", view.nodes)
    assert (near[0], sorted(near[1:3]), len(near)) == ("n50", ["n49", "n51"], 1 + 2 * STEPS)
    text = Page(dag.svg()).text
    assert ("n50: error" in text, "n52: waiting" in text) == (True, True)


def test_of_many_neighbors_some_are_drawn() -> None:
    """A node that feeds all others has its own drawing still."""
    star = graph(300, [(0, number) for number in range(1, 300)])
    assert len(neighborhood(star, "0", {node.id for node in star.nodes})) == AROUND


def test_a_drawing_around_a_failed_node_is_made_in_time() -> None:
    """Also in the largest of graphs, where it is done once."""
    names = [f"n{number}" for number in range(10_000)]
    dag = Dag(folded(chain(*names), [running(), node("n5000", "error", "no")]))
    dag.svg()
    started = thread_time()
    dag.svg()
    assert thread_time() - started < 1
