"""Panel: a workflow as a form, with its strategy and limits, Run, Cancel, the live view, and its past runs.

What the user does is only noted by the callbacks of widgets; ``Errands`` does it. The feed draws the run.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ipywidgets import HTML, Button, HBox, Layout, VBox, Widget

from nodetool_jupyter.errors import NodeToolError, OptionError
from nodetool_jupyter.job import Job
from nodetool_jupyter.model.graph import Workflow
from nodetool_jupyter.model.job import JobStatus
from nodetool_jupyter.session import Session, Source, as_workflow
from nodetool_jupyter.views import form_html
from nodetool_jupyter.views.form import form_of
from nodetool_jupyter.views.form_html import Kept
from nodetool_jupyter.views.places import LIMITS, limit_reason, places, read_limits
from nodetool_jupyter.views.snapshot import JobView
from nodetool_jupyter.widgets import panel_fields as fields
from nodetool_jupyter.widgets.display import VIEW_TYPE, Output, choose
from nodetool_jupyter.widgets.feed import get_feed
from nodetool_jupyter.widgets.here import origin_here, session_here
from nodetool_jupyter.widgets.live import LiveView, close_all, of_job, reach_while_busy
from nodetool_jupyter.widgets.panel_errands import Errands
from nodetool_jupyter.widgets.panel_past import PastRuns, past_runs
from nodetool_jupyter.widgets.panel_values import ValueLine, streaming_inputs


class Panel:
    """A form for a workflow, shown by the cell whose value it is.

    ``workflow`` is a Workflow, a graph, a dict or a workflow file. ``values`` are the params as they stand in
    the form, ``load`` puts others there, ``job`` is the last job that Run has started. Raises WorkflowError,
    InvalidGraph.
    """

    def __init__(self, workflow: Source, *, session: Callable[[], Session] | None = None) -> None:
        self.workflow = _named(as_workflow(workflow), workflow)
        self.job: Job | None = None
        self._session = session or session_here
        self._origin = origin_here()
        opened = self._session()
        self._form = form_of(self.workflow, opened.registry.get)
        self._places = places(opened.settings)
        self._view: JobView | None = None
        self._kept: list[Output] = []
        self._is_refused = False
        self._errands = Errands(self._tell)
        self._fields = {field.name: fields.make(field) for field in self._form.fields}
        self._limits = {name: fields.limit(*words) for name, words in LIMITS.items()}
        self._strategy = self._strategy_field(opened.settings.strategy)
        self._run = _button("Run", "Run the workflow with what is entered", "primary")
        self._cancel = _button("Cancel", "Cancel the run", disabled=True)
        self._message = _html()
        self._box = VBox(layout=Layout(width="100%", overflow="visible"))
        self._line = ValueLine(
            *(lambda do=do: self._ask(do) for do in (self._push, self._end_input, self._resume))
        )
        own, _ = self._form.read(self._form.start())
        self._past = PastRuns(own, lambda: self._ask(self._show_past), lambda: self._ask(self._load_past))
        self.widget = self._arranged()
        self._listen()
        self._check()
        self._list_past()

    @property
    def values(self) -> dict[str, Any]:
        """The params as they stand in the form; raises OptionError where an entry will not do."""
        params, problems = self._form.read(self._entries())
        if problems:
            raise OptionError("; ".join(f"{name}: {text}" for name, text in problems.items()))
        return params

    def load(self, params: Mapping[str, Any]) -> None:
        """Put params into the form, the workflow's own values in all other fields; raises OptionError where
        one can't be shown there.
        """
        problems = self._enter(params)
        if problems:
            raise OptionError(_joined(problems))

    def close(self) -> None:
        """Remove the panel from the page; a job that runs goes on."""
        for field in self._fields.values():
            field.close()
        close_all(self.widget)

    def _ipython_display_(self) -> None:
        """Two outputs: the panel, and what is kept of it, which is seen where the panel can't be."""
        if choose("auto") == "widget":
            shown = {"version_major": 2, "version_minor": 0, "model_id": self.widget.model_id}
            Output().change({VIEW_TYPE: shown, "text/plain": ""})
        self._kept.append(Output(self._bundle()))

    def _bundle(self) -> dict[str, Any]:
        limits = {name: field.entry for name, field in self._limits.items()}
        return Kept(self._form, self._entries(), self._strategy.entry, limits, self._view).bundle()

    def _entries(self) -> dict[str, Any]:
        return {name: field.entry for name, field in self._fields.items()}

    def _strategy_field(self, preferred: str) -> fields.FieldWidget:
        names = [place.name for place in self._places if place.is_available]
        return fields.choice("Strategy", names, preferred if preferred in names else names[0])

    def _arranged(self) -> VBox:
        sheet = HTML(form_html.PANEL_STYLE, layout=Layout(display="none"))
        head = _html(form_html.heading(self._form))
        missing = [place for place in self._places if not place.is_available]
        absent = [fields.absent(place.name, place.sentence) for place in missing]
        grid = VBox([field.widget for field in self._limits.values()]).add_class("ntj-limits")
        more = _html(form_html.MORE).add_class("ntj-more")
        actions = HBox([self._run, self._cancel]).add_class("ntj-actions")
        inputs = [field.widget for field in self._fields.values()]
        where = [self._strategy.widget, *absent, more, grid]
        below = [self._message, self._line.widget, self._box, self._past.widget]
        parts = [sheet, head, *inputs, *where, actions, *below]
        return VBox(parts).add_class("ntj").add_class("ntj-card").add_class("ntj-panel")

    def _listen(self) -> None:
        for field in (*self._fields.values(), *self._limits.values(), self._strategy):
            field.hear(lambda: self._ask(self._review))
        self._run.on_click(lambda _: self._ask(self._start))
        self._cancel.on_click(lambda _: self._ask(self._end))

    def _ask(self, do: Callable[[], None]) -> None:
        self._errands.ask(do.__name__, do)

    def _review(self) -> None:
        if not self._check() and self._is_refused:
            self._message.value, self._is_refused = "", False

    def _check(self, *, all_fields: bool = False) -> dict[str, str]:
        """Show below each field what is wrong with it; below those never touched only if asked for."""
        _, problems = self._form.read(self._entries())
        for name, field in self._fields.items():
            field.show_problem(problems.get(name, "") if field.is_touched or all_fields else "")
            field.refresh()
        return problems | self._check_limits()

    def _check_limits(self) -> dict[str, str]:
        place = next(place for place in self._places if place.name == self._strategy.entry)
        _, problems = read_limits(self._limit_entries())
        for name, field in self._limits.items():
            reason = limit_reason(name, place, self._places)
            is_set = bool(field.entry.strip())
            if reason and is_set:
                problems[name] = reason
            field.control.disabled = bool(reason) and not is_set
            field.tell(reason if not is_set else "")
            field.show_problem(problems.get(name, ""))
        return {LIMITS[name][0]: text for name, text in problems.items()}

    def _limit_entries(self) -> dict[str, str]:
        return {name: field.entry for name, field in self._limits.items()}

    def _start(self) -> None:
        if self._run.disabled:
            return
        problems = self._check(all_fields=True)
        if problems:
            self._say_problem(f"nothing has run yet: see {', '.join(problems)}")
            self._is_refused = True
            return
        self._set_running(True)
        try:
            limits, _ = read_limits(self._limit_entries())
            where = {"strategy": self._strategy.entry, "limits": limits, "origin": self._origin}
            self.job = self._session().submit(self.workflow, self.values, **where)
        except BaseException:
            self._set_running(False)
            raise
        of_job(self._cancel, self.job.id)
        self._message.value = ""
        self._line.take(streaming_inputs(self.workflow.graph))
        get_feed().watch(self.job, _Run(self, self._box))

    def _end(self) -> None:
        if self.job is None or not self.job.cancel():
            return
        if self._view is not None and self._view.status is JobStatus.SUSPENDED:
            get_feed().watch(self.job, _Run(self, self._box))
        self._message.value = form_html.news("the run is being cancelled")

    def _push(self) -> None:
        if self.job is not None:
            self.job.push_input(self._line.name, self._line.value)
            self._line.clear()
            self._message.value = form_html.news(f"{self._line.name} has the value")

    def _end_input(self) -> None:
        if self.job is not None:
            self.job.end_input(self._line.name)
            self._message.value = form_html.news(f"{self._line.name} is ended")

    def _resume(self) -> None:
        if self.job is not None and self._run.disabled is False:
            self.job.resume(self._line.value)
            self._line.clear()
            self._line.hide()
            self._set_running(True)
            self._message.value = ""
            get_feed().watch(self.job, _Run(self, self._box))

    def _set_running(self, is_running: bool) -> None:
        self._run.disabled = is_running
        self._cancel.disabled = not is_running

    def ended(self, view: JobView) -> None:
        """Called by the feed when the run has ended."""
        self._view = view
        self._set_running(False)
        self._line.hide()
        error = self.job.error if self.job is not None else None
        if view.status is JobStatus.SUSPENDED:
            self._cancel.disabled = False
            self._line.ask(str(error))
        if error is not None and view.status is JobStatus.FAILED:
            self._tell(error)
        else:
            self._message.value = form_html.news(f"the run is {view.status.value}")
        for kept in self._kept:
            kept.change(self._bundle())
        self._ask(self._list_past)

    def _list_past(self) -> None:
        self._past.update(past_runs(self._session(), self.workflow))

    def _show_past(self) -> None:
        self._past.show(self._session())

    def _load_past(self) -> None:
        if self._past.chosen is None:
            self._say_problem("choose a past run first")
            return
        request = self._session().find(self._past.chosen).request
        problems = self._enter(request.params)
        if any(place.name == request.strategy and place.is_available for place in self._places):
            self._strategy.entry = request.strategy
        limits = request.resource_limits.named()
        for name, field in self._limits.items():
            field.entry = str(limits.get(name, ""))
        self._check()
        if problems:
            self._say_problem(_joined(problems))
        else:
            self._message.value = form_html.news("the form has the params of the chosen run")

    def _enter(self, params: Mapping[str, Any]) -> dict[str, str]:
        entries, problems = self._form.enter(params)
        for name, entry in entries.items():
            self._fields[name].entry = entry
        self._check()
        return problems

    def _tell(self, error: Exception) -> None:
        text = str(error) if isinstance(error, NodeToolError) else f"{type(error).__name__}: {error}"
        self._say_problem(text)

    def _say_problem(self, text: str) -> None:
        self._message.value = form_html.problem(text)


class _Run:
    """Draws one run in a panel: live, then as a card that stays until the next one."""

    def __init__(self, panel: Panel, box: Any) -> None:
        self._panel = panel
        self._box = box
        self._live: LiveView | None = None

    def render(self, view: JobView) -> None:
        if self._live is None:
            self._live = LiveView(view)
            self._put(self._live.widget)
        else:
            self._live.render(view)

    def finish(self, view: JobView) -> None:
        try:
            self._put(_html(form_html.results(view)))
            if self._live is not None:
                self._live.close()
        finally:
            self._panel.ended(view)

    def _put(self, widget: Widget) -> None:
        before = self._box.children
        self._box.children = (widget,)
        for shown in before:
            close_all(shown)


def _html(markup: str = "") -> HTML:
    return HTML(markup, layout=Layout(width="100%"))


def _button(text: str, tooltip: str, style: str = "", *, disabled: bool = False) -> Button:
    button = Button(description=text, tooltip=tooltip, button_style=style, disabled=disabled)
    reach_while_busy(button)
    return button


def _joined(problems: Mapping[str, str]) -> str:
    return "; ".join(f"{name}: {text}" for name, text in problems.items())


def _named(workflow: Workflow, source: Source) -> Workflow:
    """A workflow of a file that gives none has the file's name."""
    if workflow.name or not isinstance(source, (str, os.PathLike)):
        return workflow
    return workflow.model_copy(update={"name": Path(source).stem})
