"""The form of a workflow as HTML and text: the parts of the panel, and what a saved notebook keeps of it.

What is kept holds what was entered and the end of the last run, but no id and no time: it is the same for
runs that go the same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nodetool_jupyter.model.job import JobRecord
from nodetool_jupyter.views import html
from nodetool_jupyter.views.entries import Upload
from nodetool_jupyter.views.form import Form
from nodetool_jupyter.views.images import picture
from nodetool_jupyter.views.markup import Html, clean, el, isolate, join, name_el, one_line, raw
from nodetool_jupyter.views.snapshot import JobView
from nodetool_jupyter.views.style import LIVE_STYLE
from nodetool_jupyter.views.text import STATUS_MARKS, duration_text, end_text
from nodetool_jupyter.views.values import as_html, inline

_PANEL = """
.ntj-panel{margin-right:20px;gap:2px}.ntj-panel .widget-html{margin:0}
.ntj-panel .widget-html-content{overflow-wrap:anywhere}
.ntj-panel>*,.ntj-panel .ntj-field>*{max-width:100%;box-sizing:border-box}
.ntj-panel .ntj-field{margin:4px 0;width:100%;max-width:620px;overflow:visible}
.ntj-panel .ntj-field .widget-inline-hbox{flex-direction:column;align-items:stretch;height:auto;width:100%;
margin:0}.ntj-panel .ntj-field .widget-label{text-align:left;width:auto;color:var(--ntj-fg);font-weight:600;
height:auto;line-height:20px;white-space:normal;overflow-wrap:anywhere;margin:0}
.ntj-panel .ntj-field .widget-inline-hbox>:not(.widget-label){width:100%;max-width:100%;flex:0 0 auto}
.ntj-panel .ntj-field .widget-checkbox .widget-label-basic{display:flex;align-items:center;gap:6px;
font-weight:600;width:auto;justify-content:flex-start}
.ntj-panel .ntj-field select,.ntj-panel .ntj-field input:not([type=checkbox]),
.ntj-panel .ntj-field textarea{width:100%;max-width:100%;box-sizing:border-box}
.ntj-panel .ntj-field select:not([size]){height:28px;background-image:
linear-gradient(45deg,transparent 50%,var(--ntj-fg) 0),
linear-gradient(-45deg,transparent 50%,var(--ntj-fg) 0);
background-size:5px 5px;background-position:right 13px center,right 8px center;background-repeat:no-repeat}
.ntj-panel .ntj-field input[type=checkbox]{width:auto;margin:0;flex:none}
.ntj-panel .ntj-field textarea{font-family:var(--jp-code-font-family,
ui-monospace,monospace);min-height:4.6em}
.ntj-panel .ntj-field .widget-inline-hbox>.slider-container{width:auto;margin:8px 10px 4px}
.ntj-panel .ntj-told{color:var(--ntj-soft);font-size:12px}
.ntj-panel .ntj-absent{align-items:center;gap:8px;margin:2px 0;overflow:visible}
.ntj-panel .ntj-absent button{flex:none;width:auto;margin:0}.ntj-panel .ntj-absent .widget-html{flex:1 1 0}
.ntj-panel img.ntj-thumb{display:block;max-width:160px;max-height:96px;min-width:16px;margin:4px 0 0;
border-radius:4px;outline:1px solid var(--ntj-line)}
.ntj-panel .ntj-problem{color:var(--ntj-bad);font-size:12px}
.ntj-panel .ntj-problem::before{content:"✕ ";content:"✕ " / ""}
.ntj-panel .ntj-limits{display:grid;grid-template-columns:repeat(auto-fill,minmax(150px,1fr));gap:4px 12px;
width:100%;overflow:visible}.ntj-panel .ntj-limits .ntj-field{margin:0}
.ntj-panel .ntj-actions{gap:8px;flex-flow:row wrap;margin:8px 0 4px;overflow:visible}
.ntj-panel .ntj-actions button{width:auto;min-width:90px;margin:0}
.ntj-panel :is(input,textarea,select,button,.noUi-handle,[tabindex]):focus-visible{
outline:2px solid var(--ntj-run);outline-offset:1px}
.ntj-panel .ntj-live,.ntj-panel .ntj-card{margin-right:0;max-width:100%}
.ntj-panel .ntj-live .ntj-cancel{display:none}.ntj-panel .ntj-live .ntj-head::before{content:none}
.ntj-panel .ntj-more:not(:has(details[open]))+.ntj-limits{display:none}
.ntj-panel .noUi-handle{background:var(--ntj-run);border-color:var(--ntj-run)}
.ntj-panel .ntj-field.ntj-past{max-width:100%}.ntj-panel .ntj-past select{font-size:12px}
.ntj-panel.jupyter-widgets-disconnected::before,
.ntj-panel .jupyter-widgets-disconnected::before{content:none!important}
.ntj-panel.jupyter-widgets-disconnected::after{
content:"The kernel is gone. Run the cell again to use the panel.";order:-1;
color:var(--ntj-warn);font-weight:600}
.jp-OutputArea-child:has(.ntj-panel)+.jp-OutputArea-child:has(.ntj-kept){display:none}
"""
PANEL_STYLE: Html = join([LIVE_STYLE, raw(f"<style>{_PANEL}</style>")])
"""For a panel of widgets. Where that is shown, what is kept of it below is not."""


def heading(form: Form) -> Html:
    """The workflow's name, and what its author says of it."""
    title = el("div", name_el(form.title, "ntj-title"), class_="ntj-head", role="heading", aria_level=3)
    told = el("div", el("bdi", form.description), class_="ntj-told") if form.description else None
    mark = " * must be given" if any(field.is_required for field in form.fields) else ""
    count = "it has no inputs" if not form.fields else ""
    note = el("div", count or mark, class_="ntj-told") if count or mark else None
    return join(part for part in (title, told, note) if part is not None)


def told(text: str) -> Html:
    """A line below a field."""
    return el("div", el("bdi", text), class_="ntj-told") if text else Html("")


def problem(text: str) -> Html:
    """What is wrong, below a field or the buttons; a screen reader says it at once."""
    return el("div", el("bdi", clean(text, 600)), class_="ntj-problem", role="alert") if text else Html("")


def news(text: str) -> Html:
    """What a button has done; a screen reader says it when it has said what it is at."""
    return el("div", el("bdi", clean(text, 600)), class_="ntj-told", role="status") if text else Html("")


MORE: Html = el("details", el("summary", "Limits"))
"""The line that opens the limits below it: the style sheet does that, so that they need not be drawn anew."""


def uploaded(upload: Upload) -> Html:
    """A file that was given through the page: its name and size, and itself where it is a picture."""
    shown = picture({"type": "image", "data": upload.data})
    name = one_line(upload.name, 60)
    thumb = el("img", src=shown.uri, alt=name, title=name, class_="ntj-thumb") if shown is not None else None
    return join(part for part in (told(entry_text(upload)), thumb) if part is not None)


def past_label(record: JobRecord, started: str, own: Mapping[str, Any]) -> str:
    """One line on a run of the past, for a list to choose from: with those params that aren't the workflow's
    ``own``.
    """
    took = duration_text(record.duration) if record.duration is not None else ""
    given = {name: inline(value, 30) for name, value in record.params.items()}
    params = ", ".join(
        f"{one_line(name, 30)}={text}"
        for name, text in given.items()
        if name not in own or text != inline(own[name], 30)
    )
    facts = [f"{STATUS_MARKS[record.status]} {record.status.value}", started, record.strategy, took, params]
    return one_line(" · ".join(filter(None, facts)), 200)


def results(view: JobView) -> Html:
    """The end of a run as a card, and below it what its outputs got, as far as that can be shown."""
    parts = [html.static(view)]
    for name, output in view.outputs.items():
        shown = join(el("div", as_html(value)) for value in output.values)
        parts.append(el("details", el("summary", "Result ", name_el(name)), shown))
    return join(parts)


@dataclass(frozen=True, slots=True)
class Kept:
    """What a saved notebook keeps of a panel."""

    form: Form
    entries: Mapping[str, Any]
    strategy: str
    limits: Mapping[str, str]
    view: JobView | None = None
    """The end of the last run."""

    def bundle(self) -> dict[str, Any]:
        """As HTML and as text."""
        return {"text/html": str(self._html()), "text/plain": self._text()}

    def _rows(self) -> list[tuple[str, str]]:
        rows = [(field.label, entry_text(self.entries[field.name])) for field in self.form.fields]
        rows.append(("strategy", self.strategy))
        return rows + [(name, text) for name, text in self.limits.items() if text]

    def _html(self) -> Html:
        pairs = [
            part
            for label, text in self._rows()
            for part in (el("dt", name_el(label)), el("dd", el("bdi", text)))
        ]
        form = html.page(heading(self.form), el("dl", *pairs, class_="ntj-outputs"))
        card = html.static(self.view) if self.view is not None else None
        return el("div", form, card, class_="ntj-kept")

    def _text(self) -> str:
        lines = [f"panel of {isolate(self.form.title)}"]
        lines += [f"  {isolate(label)}: {isolate(text)}" for label, text in self._rows()]
        return "\n".join(lines + ([end_text(self.view)] if self.view is not None else []))


def entry_text(entry: Any) -> str:
    """An entry on one line."""
    if isinstance(entry, Upload):
        return f"{one_line(entry.name, 60)} ({len(entry.data):,} bytes)"
    if isinstance(entry, bool):
        return "yes" if entry else "no"
    return one_line(str("" if entry is None else entry), 200)
