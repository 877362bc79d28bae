"""A job as HTML: the fragments of the live view and the static card that stays in the notebook.

The card is the same for each run that goes the same way: no ids of jobs, no times. It reads well without
its style sheet and without its drawing, which some pages strip.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from nodetool_jupyter.model.job import JobStatus
from nodetool_jupyter.views.dag import Dag
from nodetool_jupyter.views.images import is_image
from nodetool_jupyter.views.markup import Html, clean, el, escape, join, name_el, one_line
from nodetool_jupyter.views.parts import LogTail, NodeState, NodeView
from nodetool_jupyter.views.snapshot import JobView
from nodetool_jupyter.views.style import LIVE_STYLE, STYLE
from nodetool_jupyter.views.text import (
    MARKS,
    STATUS_MARKS,
    amount,
    duration_text,
    items,
    left_text,
    nodes_text,
    output_text,
    spoken_text,
    tally_text,
)
from nodetool_jupyter.views.values import as_html, inline

ROWS_SHOWN = 12
NODES_SHOWN = 50
LOGS_SHOWN = 20
LOG_CHARS = 40_000
"""Of all logs of a card together; the notebook that keeps it stays small."""
CHUNK_SHOWN = 400
_COLUMNS = ("", "node", "state", "type", "")


def page(*parts: str | None, is_live: bool = False) -> Html:
    """Parts in the frame that carries theme and style sheet."""
    return el("div", LIVE_STYLE if is_live else STYLE, *parts, class_="ntj ntj-card")


def head(view: JobView, now: float | None = None, note: str = "") -> Html:
    """Name, state, strategy, counts and, at the time ``now``, the time that has passed."""
    chip = el(
        "span", f"{STATUS_MARKS[view.status]} {view.status.value}", class_=f"ntj-chip ntj-{view.status.value}"
    )
    total = len(view.nodes)
    facts = [view.strategy] if view.strategy else []
    if view.status is JobStatus.COMPLETED or not total:
        facts.append(nodes_text(total))
    else:
        facts.append(f"{view.counts[NodeState.COMPLETED]:,} of {nodes_text(total)} done")
    elapsed = view.elapsed(now) if now is not None else None
    facts += [duration_text(elapsed)] if elapsed is not None else []
    facts += [one_line(text, 200) for text in (view.message, note) if text]
    words = [chip, name_el(view.name, "ntj-title"), el("span", " · ".join(facts), class_="ntj-meta")]
    return el("div", join(words, " "), class_="ntj-head")


def bar(fraction: float | None, label: str, text: str = "", class_: str = "", phase: float = 0.0) -> Html:
    """A progress bar, from 0 to 1, or one that only says that something goes on.

    ``phase`` (seconds) is where its motion stands: each drawing is a new element, which would begin anew.
    """
    percent = None if fraction is None else round(fraction * 100)
    style = f"animation-delay:-{phase % 60:.2f}s" if percent is None else f"width:{percent}%"
    return el(
        "span",
        el("span", style=style),
        class_=f"ntj-bar {'ntj-busy' if percent is None else ''} {class_}".strip(),
        role="progressbar",
        aria_label=one_line(label, 120),
        aria_valuemin=0,
        aria_valuemax=100,
        aria_valuenow=percent,
        aria_valuetext=text or None,
    )


def overall(view: JobView, phase: float = 0.0) -> Html:
    """The job's own bar."""
    said = f"{view.done:,} of {nodes_text(len(view.nodes))} done" if view.nodes else "no nodes"
    fraction = None if view.fraction == 0 and view.status is JobStatus.RUNNING else view.fraction
    return bar(fraction, f"progress of {view.name}", said, f"ntj-overall ntj-{view.status.value}", phase)


def rows(view: JobView, now: float = 0.0) -> Html:
    """A row for each node that has failed or is running, as many as can be read; ``now`` in epoch seconds."""
    shown = [*islice(view.failed.values(), ROWS_SHOWN), *islice(view.running.values(), ROWS_SHOWN)][
        :ROWS_SHOWN
    ]
    if not shown:
        return Html("")
    more = len(view.failed) + len(view.running) - len(shown)
    note = el("div", f"… and {nodes_text(more)} more", class_="ntj-meta") if more else None
    return el(
        "div",
        join(_row(node, view.state(node), now) for node in shown),
        note,
        class_="ntj-rows",
        role="list",
    )


def _row(node: NodeView, state: NodeState, now: float) -> Html:
    left = node.remaining(now)
    numbers = [text for text in (amount(node), items(node)) if text]
    numbers += [left_text(left)] if left is not None else []
    done = node.fraction if node.total else None
    progress = bar(done, node.title, phase=now) if state is NodeState.RUNNING else el("span")
    word = "" if state is NodeState.RUNNING else state.value
    chunk = tail(node.chunk, CHUNK_SHOWN).strip()
    return el(
        "div",
        el("span", MARKS[state], class_="ntj-sign", title=state.value, role="img", aria_label=state.value),
        name_el(node.title),
        progress,
        el("span", " · ".join([word, *numbers] if word else numbers), class_="ntj-meta"),
        el("div", el("bdi", chunk), class_="ntj-wide ntj-chunk") if chunk else None,
        el("div", el("bdi", clean(node.error, 1_000)), class_="ntj-wide") if node.error else None,
        class_=f"ntj-row ntj-{state.value}",
        role="listitem",
    )


def tail(text: str, limit: int) -> str:
    """The end of a text; an ellipsis says that there was more."""
    return text if len(text) <= limit else "…" + text[-limit:]


def notices(view: JobView) -> Html:
    """What nodes want the user to know."""
    return join(
        el("div", el("b", f"{severity}: "), el("bdi", text), class_=f"ntj-log ntj-{severity}")
        for severity, text in view.notices
    )


def previews(view: JobView, *, images: bool = True) -> Html:
    """The values that preview nodes show; without ``images`` those only say that they are one."""
    parts = []
    for node_id, value in view.previews.items():
        node = view.nodes.get(node_id)
        shown = as_html(value) if images or not is_image(value) else escape(inline(value))
        label = el("div", name_el(node.title if node else node_id), class_="ntj-meta")
        parts.append(el("div", label, shown, class_="ntj-preview"))
    return join(parts)


def log(
    logs: LogTail, limit: int = 200, chars: int = LOG_CHARS, *, scrolls: bool = True, find: str = ""
) -> Html:
    """The last lines of a node's log, or those of them that have the letters ``find``; warnings and errors
    are marked by a word.

    Unless it ``scrolls``, that is left to what is around it.
    """
    kept: list[Html] = []
    for severity, text in reversed(logs.lines):
        if find.casefold() not in text.casefold():
            continue
        chars -= len(text)
        if chars < 0 or len(kept) == limit:
            break
        mark = None if severity == "info" else el("b", f"{severity}: ", class_=f"ntj-{severity}")
        kept.append(join([mark or "", text]))
    first = [escape(_missing(logs, len(kept), find))] if len(kept) < logs.seen else []
    return el("pre", join([*first, *reversed(kept)], "\n"), class_="ntj-log", tabindex=0 if scrolls else None)


def _missing(logs: LogTail, count: int, find: str) -> str:
    """What is not shown of a log."""
    if find:
        return f"{count:,} of the last {len(logs.lines):,} lines have “{one_line(find, 40)}”"
    missing = logs.seen - count
    return f"… {missing:,} earlier line{'' if missing == 1 else 's'} in the job's log"


def log_head(title: str) -> Html:
    """The line that opens a log, in a part of the page of its own: what is open stays so as lines come."""
    return el("details", el("summary", "Log of ", name_el(title)))


def spoken(view: JobView) -> Html:
    """What a screen reader says while a job runs: little, and only when something has changed."""
    return el("span", spoken_text(view), role="status")


def caption(title: str) -> Html:
    """What stands above a picture that is an output of its own."""
    return el("div", name_el(title), style="font-size:12px;opacity:.75;margin-top:8px")


def fault(view: JobView) -> Html | None:
    """Why the job did not complete, and the next step."""
    if view.fault is None:
        return None
    node = view.nodes.get(view.fault.node_id or "")
    where = [name_el(node.title), ": "] if node else []
    message = node.reason(view.fault.message) if node else view.fault.message
    hint = el("div", f"→ {clean(view.fault.hint, 500)}", class_="ntj-hint") if view.fault.hint else None
    return el("div", *where, el("bdi", clean(message, 1_000)), hint, class_="ntj-fault", role="note")


def static(view: JobView, *, images: bool = True) -> Html:
    """The end state as one card; without ``images``, previews of images only say that they are one."""
    running = None if view.ended else overall(view)
    parts = [head(view), running, Dag(view).svg(), fault(view), _outputs(view), notices(view)]
    parts += [previews(view, images=images), _nodes(view), join(_logs(view))]
    return page(*parts, is_live=not view.ended)


def _outputs(view: JobView) -> Html | None:
    if not view.outputs:
        return None
    pairs = [
        (el("dt", name_el(name)), el("dd", el("bdi", output_text(output))))
        for name, output in view.outputs.items()
    ]
    return el("dl", *(part for pair in pairs for part in pair), class_="ntj-outputs")


def _nodes(view: JobView) -> Html | None:
    if not view.nodes:
        return None
    cells = [_node_cells(node, view.state(node)) for node in islice(view.interesting(), NODES_SHOWN)]
    more = len(view.nodes) - len(cells)
    note = el("div", f"… and {nodes_text(more)} more", class_="ntj-meta") if more else None
    header = el("tr", *(el("th", text or None, scope="col" if text else None) for text in _COLUMNS))
    table = el("table", el("thead", header), el("tbody", join(cells)), class_="ntj-table")
    summary = el("summary", f"{nodes_text(len(view.nodes))}: {tally_text(view)}")
    return el("details", summary, el("div", table, note, class_="ntj-scroll"))


def _node_cells(node: NodeView, state: NodeState) -> Html:
    return el(
        "tr",
        el("td", el("span", MARKS[state], class_=f"ntj-sign ntj-{state.value}", aria_hidden="true")),
        el("td", name_el(node.title)),
        el("td", state.value),
        el("td", el("bdi", one_line(node.type, 120)), class_="ntj-meta"),
        el("td", items(node), class_="ntj-meta"),
    )


def _logs(view: JobView) -> Iterator[Html]:
    """Folded: each node's streamed text and log."""
    left = LOG_CHARS
    for node in view.nodes.values():
        if node.chunk.strip():
            text = el("pre", node.chunk, class_="ntj-pre", tabindex=0)
            yield el("details", el("summary", "Text of ", name_el(node.title)), text)
    for node, logs in islice(view.logging.values(), LOGS_SHOWN):
        count = f" ({logs.seen:,} line{'' if logs.seen == 1 else 's'})"
        yield el("details", el("summary", "Log of ", name_el(node.title), count), log(logs, chars=left))
        left = max(left - logs.chars, 2_000)
