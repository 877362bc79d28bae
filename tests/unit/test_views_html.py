"""The static card and the fragments of the live view: what they say, to whom, and that they are safe."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nodetool_jupyter.errors import ErrorCode
from nodetool_jupyter.model.events import Event, Fault, JobUpdate, Notification, PreviewUpdate
from nodetool_jupyter.model.graph import Edge, Graph, Node
from nodetool_jupyter.values.codec import encode
from nodetool_jupyter.views import html
from nodetool_jupyter.views.bundle import NODES, RUN_TYPE, bundle, metadata, pictures, run_json
from nodetool_jupyter.views.dag import Dag
from nodetool_jupyter.views.snapshot import JobView
from nodetool_jupyter.views.style import LIVE_STYLE, STYLE
from nodetool_jupyter.views.text import MARKS, end_text
from tests.unit.pages import Page
from tests.unit.watched_jobs import (
    START,
    chain,
    completed,
    failed,
    folded,
    logged,
    moved,
    node,
    output,
    progress,
    ran,
    running,
    text,
)

GRAPH = chain("fetch", "shout", "count")
ROUGH: list[Event] = [
    running(),
    *ran("fetch"),
    logged("shout", "about to fail", "warning"),
    node("shout", "error", "boom"),
    failed("shout", "boom", "look at it"),
]


PIECES = (
    "<zzevil zzattr=1>",
    "\"'><zzevil>",
    "' zzattr='",
    "</style><zzevil>",
    "</title></svg><zzevil>",
    "<!--",
    "]]>",
    "<![CDATA[",
    "&lt;zzevil&gt;",
    "&#60;",
    "\x1b[31m",
    "\u202e",
    "\x00",
    "\ud800",
    "\n",
)


def hostile() -> st.SearchStrategy[str]:
    """Any text, and the pieces that break out of careless markup."""
    pieces = st.sampled_from(PIECES)
    return st.lists(st.text(max_size=5) | pieces, max_size=4).map("".join)


@st.composite
def hostile_views(draw: st.DrawFn) -> JobView:
    """A job all of whose texts come from someone who means no good."""
    word = lambda: draw(hostile())  # noqa: E731 - a name for a draw, used in a dozen places
    ids = draw(st.lists(hostile(), min_size=2, max_size=4, unique=True))
    nodes = tuple(Node(id=name, type=word(), ui_properties={"title": word()}) for name in ids)
    edges = (Edge(id=word() or None, source=ids[0], target=ids[1], sourceHandle=word(), targetHandle=word()),)
    first, second = ids[0], ids[1]
    values: list[Any] = [word(), {"type": "dataframe", "columns": [word()], "data": [[word()]]}, [word()]]
    values += [
        {"type": "image", "uri": word()},
        {word(): word()},
        {"type": word(), "python": word(), "items": []},
    ]
    events: list[Event] = [
        JobUpdate(status="running", message=word()),
        node(first, "running"),
        progress(first, 1, None, chunk=word()),
        text(first, word()),
        logged(first, word(), draw(st.sampled_from(["info", "warning", "error"]))),
        moved(edges[0].id or "edge-0", 3),
        Notification(node_id=first, content=word(), severity="error"),
        *(output(value, word()) for value in values),
        *(
            PreviewUpdate(node_id=name, value=value)
            for name, value in zip([*ids, word()], values, strict=False)
        ),
        node(second, "error", word()),
    ]
    if draw(st.booleans()):
        fault = Fault(
            code=ErrorCode.NODE_ERROR, message=word(), hint=word(), node_id=draw(st.sampled_from(ids))
        )
        events.append(JobUpdate(status="failed", fault=fault, message=word()))
    view = JobView(Graph(nodes=nodes, edges=edges), word(), word())
    for event in events:
        view.fold(event)
    return view


def fragments(view: JobView) -> list[str]:
    """All that is ever put into a page."""
    logs = [html.log(tail) for _, tail in view.logging.values()]
    parts = [html.head(view, START, "note"), html.overall(view), html.rows(view), html.notices(view)]
    return [*parts, *logs, html.previews(view), html.fault(view) or "", Dag(view).svg(), html.static(view)]


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(hostile_views())
def test_no_tag_or_attribute_ever_comes_from_a_workflow(view: JobView) -> None:
    """Names, types, ids, logs, values, errors and hints are text, wherever they are shown."""
    for fragment in fragments(view):
        page = Page(fragment)
        assert all(not re.search("zz", f"{tag}{list(found)}") for tag, found in page.elements)
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", fragment)
        for tag, found in page.elements:
            assert not found.get("src", "data:image/").partition("data:image/")[0], tag
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", end_text(view))


def test_names_are_isolated_from_what_stands_beside_them() -> None:
    """A name that runs right to left can't turn its neighbors."""
    view = folded(chain("محاسبة"), ROUGH, "שלום")
    page = Page(html.static(view) + html.rows(view))
    for name in ("محاسبة", "שלום"):
        assert f">{name}</bdi>" in html.static(view)
    assert page.named("bdi")


def test_the_card_reads_without_color_style_and_drawing() -> None:
    """State, counts, cause and hint are words, so that a page that strips style sheets and SVG shows them."""
    markup = html.static(folded(GRAPH, ROUGH))
    bare = re.sub(
        r"<style.*?</style>|<div [^>]*hidden=\"hidden\".*?</svg></div>", "", markup, flags=re.DOTALL
    )
    assert "svg" not in bare
    words = Page(bare).text
    assert words.startswith("✕ failed quickstart threaded · 1 of 3 nodes done")
    assert "shout: boom→ look at it" in words
    assert "3 nodes: 1 completed, 1 error, 1 skipped" in words
    assert "warning: about to fail" in words


def test_states_are_marked_for_eyes_and_ears() -> None:
    """Each node of the drawing has its mark and a name for screen readers; bars have a role and a value."""
    view = folded(GRAPH, [*ROUGH[:-2], node("shout", "running"), progress("shout", 4, 10)])
    page = Page(Dag(view).svg())
    labels = [found["aria-label"] for found in page.named("g", role="listitem")]
    assert labels == ["fetch: completed", "shout: running", "count: waiting"]
    assert "✓fetch" in page.text
    assert "●shout" in page.text
    rows = Page(html.rows(view) + html.overall(view))
    bars = [
        (found["aria-label"], found["aria-valuenow"], found.get("aria-valuetext"))
        for found in rows.named("span", role="progressbar", aria_valuemin="0", aria_valuemax="100")
    ]
    assert bars == [("shout", "40", None), ("progress of quickstart", "47", "1 of 3 nodes done")]


def test_a_bar_without_a_known_end_says_no_number() -> None:
    """Its motion goes on from drawing to drawing, and it claims no percentage."""
    view = folded(GRAPH, [running(), node("fetch", "running"), progress("fetch", 7)])
    (bar,) = Page(html.rows(view, now=61.5)).named("span", role="progressbar")
    assert "aria-valuenow" not in bar
    assert "animation-delay:-1.50s" in html.rows(view, now=61.5)
    assert "7" in Page(html.rows(view)).text


def test_motion_and_color_are_left_to_the_user() -> None:
    """The style sheet keeps to the theme, else to the browser's preference, and to less motion."""
    assert "var(--jp-layout-color1,var(--vscode-editor-background,#ffffff))" in STYLE
    assert "@media (prefers-color-scheme:dark)" in STYLE
    assert "@media (prefers-reduced-motion:reduce)" in LIVE_STYLE
    assert STYLE.count("{") == STYLE.count("}")
    assert LIVE_STYLE.count("{") == LIVE_STYLE.count("}")
    assert len(STYLE) < 8_000


def test_rows_are_those_that_matter() -> None:
    """Failed ones first, then running ones, as many as can be read."""
    names = [f"n{number}" for number in range(50)]
    view = folded(chain(*names), [running(), *(node(name, "running") for name in names)])
    view.fold(node("n49", "error", "boom"))
    page = Page(html.rows(view))
    assert len(page.named("div", role="listitem")) == html.ROWS_SHOWN
    assert page.text.startswith("✕n49errorboom")
    assert "… and 38 nodes more" in page.text
    assert html.rows(folded(GRAPH, [running()])) == ""


def test_streamed_text_shows_its_end() -> None:
    """Of a long text the last part is shown in the live view, and more of it in the card."""
    view = folded(
        GRAPH, [running(), node("fetch", "running"), text("fetch", "start " + "word " * 300 + "end")]
    )
    assert "…" in Page(html.rows(view)).text
    assert "start" not in Page(html.rows(view)).text
    assert "start word" in Page(html.static(view)).text


def test_a_log_says_what_it_leaves_out() -> None:
    """Lines that were dropped are counted; a card's logs have a bound together."""
    view = folded(GRAPH, [logged("fetch", f"line {number}") for number in range(1_000)])
    assert Page(html.log(view.logging["fetch"][1])).text.startswith(
        "… 800 earlier lines in the job's log\nline 800"
    )
    many = folded(chain(*[f"n{number}" for number in range(60)]), [running()])
    for number in range(60):
        for _ in range(200):
            many.fold(logged(f"n{number}", "x" * 2_000))
    assert len(html.static(many)) < 250_000


def test_the_card_is_the_same_for_each_run() -> None:
    """Strict comparison of saved notebooks needs it: ids and times are in the metadata alone."""
    shown = []
    for number in (1, 2):
        events = [
            running(START * number),
            *ran("fetch", "shout", "count"),
            output(3),
            completed(number * 1.5),
        ]
        view = folded(GRAPH, events)
        shown.append((bundle(view), metadata(view, f"job-{number}")))
    (first, about), (second, other) = shown
    assert first == second
    assert set(first) == {"text/html", "text/plain", RUN_TYPE}
    assert about == {"nodetool": {"job_id": "job-1", "started": START, "duration": 1.5}}
    assert about != other


def test_what_a_program_reads_of_the_end() -> None:
    """Status, nodes, counts and the cause, bounded for large graphs."""
    assert run_json(folded(GRAPH, ROUGH)) == {
        "version": 1,
        "name": "quickstart",
        "strategy": "threaded",
        "status": "failed",
        "counts": {"completed": 1, "error": 1, "skipped": 1},
        "nodes": {"fetch": "completed", "shout": "error", "count": "skipped"},
        "outputs": {},
        "fault": {"code": "node_error", "message": "boom", "node_id": "shout"},
    }
    assert len(run_json(folded(chain(*[f"n{number}" for number in range(900)]), []))["nodes"]) == NODES


def test_previews_are_shown_in_place_or_by_themselves() -> None:
    """Tables and text are part of the card; pictures may be outputs of their own, which are not compared."""
    from PIL import Image

    image = encode(Image.new("RGB", (8, 8)))
    events = [
        running(),
        PreviewUpdate(node_id="fetch", value="some text"),
        PreviewUpdate(node_id="shout", value=image),
    ]
    view = folded(GRAPH, [*events, *ran("fetch", "shout", "count"), completed()])
    assert len(Page(html.static(view)).named("img")) == 1
    assert not Page(html.static(view, images=False)).named("img")
    assert "some text" in Page(html.static(view, images=False)).text
    ((title, shown),) = pictures(view)
    assert (title, shown.mime, shown.original) == ("shout", "image/png", (8, 8))


@pytest.mark.parametrize("status", ["completed", "cancelled", "suspended", "queued", "running"])
def test_empty_graphs_have_a_card_too(status: str) -> None:
    """Zero nodes are no special case for the user."""
    page = Page(html.static(folded(chain(), [JobUpdate(status=status)])))
    assert status in page.text
    assert not page.named("svg")


def test_large_graphs_are_told_by_a_sentence() -> None:
    """Beyond 200 nodes nothing is drawn, and the card stays small."""
    names = [f"n{number}" for number in range(10_000)]
    markup = html.static(folded(chain(*names), [running(), *ran(*names), completed()]))
    assert "A graph of 10,000 nodes: 10,000 completed" in Page(markup).text
    assert len(markup) < 40_000
    assert len(Page(html.static(folded(chain(*names[:200]), []))).named("g")) == 200
    assert len(set(MARKS.values())) == len(MARKS)
