"""The past runs of a panel's workflow: a list to choose from, and what the chosen one has left."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from ipywidgets import HTML, Button, HBox, Layout, Select, VBox

from nodetool_jupyter.model.graph import Workflow
from nodetool_jupyter.model.job import JobRecord
from nodetool_jupyter.session import Session
from nodetool_jupyter.views import form_html
from nodetool_jupyter.views.form_html import past_label
from nodetool_jupyter.widgets.feed import JobReader
from nodetool_jupyter.widgets.live import reach_while_busy

SHOWN = 20
LOOKED_AT = 200
"""Jobs among which those of a workflow without an id are looked for."""
ROWS = 5


def past_runs(session: Session, workflow: Workflow) -> list[JobRecord]:
    """The newest runs of a workflow: those of its id; without one, those of its name and, where it has no
    name either, of its very graph.
    """
    found = []
    for record in _candidates(session, workflow):
        found.append(session.store.get(record.id))
        if len(found) == SHOWN:
            break
    return found


def _candidates(session: Session, workflow: Workflow) -> Iterator[JobRecord]:
    if workflow.id:
        yield from session.store.page(limit=SHOWN, workflow_id=workflow.id)
        return
    for record in session.store.page(limit=LOOKED_AT, workflow_id=""):
        if record.name != workflow.name:
            continue
        if workflow.name or session.store.request(record.id).graph == workflow.graph:
            yield record


class PastRuns:
    """``widget`` lists runs, with the params that aren't the workflow's ``own``; ``choose`` and ``load`` are
    called when one was chosen, or its params wanted.
    """

    def __init__(self, own: Mapping[str, Any], choose: Callable[[], None], load: Callable[[], None]) -> None:
        self._own = own
        self._list = Select(
            options=[],
            rows=ROWS,
            description="Past runs",
            style={"description_width": "initial"},
            layout=Layout(width="100%", height="auto"),
        )
        self._load = Button(
            description="Load into the form", tooltip="Put the params of the chosen run into the form"
        )
        self._card = HTML(layout=Layout(width="100%"))
        for part in (self._list, self._load):
            reach_while_busy(part)
        self._list.observe(lambda _: choose(), names="value")
        self._load.on_click(lambda _: load())
        field = VBox([self._list]).add_class("ntj-field").add_class("ntj-past")
        actions = HBox([self._load]).add_class("ntj-actions")
        self.widget = VBox([field, actions, self._card], layout=Layout(display="none", overflow="visible"))

    @property
    def chosen(self) -> str | None:
        """The id of the chosen run."""
        chosen: str | None = self._list.value
        return chosen

    def update(self, records: list[JobRecord]) -> None:
        """List these runs; the chosen one stays so, if it is still there."""
        chosen = self.chosen
        options = [(past_label(record, _time(record.created_at), self._own), record.id) for record in records]
        if options != list(self._list.options):
            self._list.options = options
            self._list.value = chosen if any(chosen == job_id for _, job_id in options) else None
        self.widget.layout.display = "flex" if options else "none"

    def show(self, session: Session) -> None:
        """Show how the chosen run ended, or stands."""
        if self.chosen is None:
            self._card.value = ""
            return
        reader = JobReader(session.find(self.chosen))
        reader.close()
        self._card.value = form_html.results(reader.view)


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M:%S")
