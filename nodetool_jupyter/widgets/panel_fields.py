"""The fields of a panel, of plain ipywidgets: a label above, what can be entered, a line on what is wrong.

A field holds an entry as ``views.form`` has it; whether that will do is not judged here.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

from ipywidgets import (
    HTML,
    BoundedFloatText,
    BoundedIntText,
    Button,
    Checkbox,
    Combobox,
    DatePicker,
    Dropdown,
    FileUpload,
    FloatSlider,
    HBox,
    IntSlider,
    Layout,
    Text,
    Textarea,
    VBox,
    Widget,
    jslink,
)

from nodetool_jupyter.views import form_html
from nodetool_jupyter.views.entries import Kind, Upload
from nodetool_jupyter.views.form import Field
from nodetool_jupyter.views.markup import one_line
from nodetool_jupyter.widgets.live import reach_while_busy

FILES_OFFERED = 200
LINES_SHOWN = 8
CHOOSE = "choose …"
HINTS = {Kind.LINES: "one item a line", Kind.ASSET: "path or address of a file", Kind.PATH: "path"}


class FieldWidget:
    """One labelled control. ``widget`` is what is shown; ``hear`` is called after each change by the user."""

    def __init__(self, control: Widget, *others: Widget, about: str = "") -> None:
        self.control = control
        self.is_touched = False
        self._told = _line(form_html.told(about))
        self._problem = _line()
        self.parts = (control, *others)
        self.widget = VBox([*self.parts, self._told, self._problem]).add_class("ntj-field")

    @property
    def entry(self) -> Any:
        """What is entered now."""
        return self.control.value

    @entry.setter
    def entry(self, entry: Any) -> None:
        self.control.value = entry

    def hear(self, heard: Callable[[], None]) -> None:
        """Have ``heard`` called when something was entered; it must not wait."""

        def changed(_change: object) -> None:
            self.is_touched = True
            heard()

        for part in self.parts:
            reach_while_busy(part)
            part.observe(changed, names="value")

    def refresh(self) -> None:
        """Show more of what was entered, where that takes its time; called after a change, not by widgets."""

    def close(self) -> None:
        """Remove what is no part of ``widget``."""

    def show_problem(self, text: str) -> None:
        """Say what is wrong; nothing, where the text is empty."""
        _show(self._problem, form_html.problem(text))

    def tell(self, text: str) -> None:
        """Say something about the field."""
        _show(self._told, form_html.told(text))


class NumberWidget(FieldWidget):
    """A number to type, which has a label, and a slider that moves with it in the page."""

    def __init__(self, field: Field) -> None:
        is_whole = field.taken.type.type == "int"
        bounds = {"min": field.minimum, "max": field.maximum, "step": field.step, "value": field.start}
        if is_whole:
            bounds = {name: int(value or 0) for name, value in bounds.items()}
        number = (BoundedIntText if is_whole else BoundedFloatText)(**_labelled(field.label), **bounds)
        self._slider = (IntSlider if is_whole else FloatSlider)(
            **bounds, readout=False, tooltip=field.label, layout=Layout(width="100%")
        )
        self._link = jslink((number, "value"), (self._slider, "value"))
        super().__init__(number, self._slider, about=field.description)

    @property
    def entry(self) -> Any:
        """The number."""
        return self.control.value

    @entry.setter
    def entry(self, entry: Any) -> None:
        self.control.value = self._slider.value = entry

    def close(self) -> None:
        """The link between the two."""
        self._link.close()


class AssetWidget(FieldWidget):
    """A file: by its path or address, or through the page. What was given last counts."""

    def __init__(self, field: Field) -> None:
        self._upload: Upload | None = None
        self._hint = HINTS[Kind.ASSET]
        path = Text(placeholder=self._hint, **_labelled(field.label))
        self._button = FileUpload(
            accept=field.accepts_files, description="Upload a file", tooltip=field.label
        )
        super().__init__(path, self._button, about=field.description)
        self._given = _line()
        self._given_of: Upload | None = None
        self.widget.children = (path, self._button, self._given, *self.widget.children[2:])
        self.entry = field.start
        self._button.observe(self._uploaded, names="value")

    @property
    def entry(self) -> Any:
        """A path or an address, else the Upload."""
        return self.control.value or self._upload or ""

    @entry.setter
    def entry(self, entry: Any) -> None:
        self._upload = entry if isinstance(entry, Upload) else None
        self.control.value = "" if self._upload is not None else entry
        self.control.placeholder = (
            form_html.entry_text(self._upload) if self._upload is not None else self._hint
        )

    def refresh(self) -> None:
        """The file that was given, a picture as one."""
        entry = self.entry
        upload = entry if isinstance(entry, Upload) else None
        if self._given_of is not upload:
            self._given_of = upload
            _show(self._given, form_html.uploaded(upload) if upload is not None else "")

    def _uploaded(self, change: Any) -> None:
        for file in change["new"]:
            self.entry = Upload(file["name"], bytes(file["content"]))


def make(field: Field) -> FieldWidget:
    """The widget of a field."""
    if field.kind is Kind.SLIDER:
        return NumberWidget(field)
    if field.kind is Kind.ASSET:
        return AssetWidget(field)
    return FieldWidget(_control(field), about=field.description)


def _control(field: Field) -> Widget:
    given = {"value": field.start, **_labelled(field.label)}
    if field.kind is Kind.SWITCH:
        return Checkbox(indent=False, **given)
    if field.kind is Kind.CHOICE:
        return _dropdown(field, given)
    if field.kind is Kind.DATE:
        return DatePicker(**given)
    if field.kind is Kind.PATH:
        return Combobox(options=_files(), ensure_option=False, placeholder=HINTS[Kind.PATH], **given)
    if field.kind in (Kind.PARAGRAPH, Kind.LINES, Kind.JSON):
        rows = min(max(str(field.start).count("\n") + 1, 3), LINES_SHOWN)
        return Textarea(rows=rows, placeholder=HINTS.get(field.kind, ""), **given)
    return Text(**given)


def _dropdown(field: Field, given: dict[str, Any]) -> Widget:
    options = [(one_line(str(choice), 120) or "(empty)", choice) for choice in field.choices]
    return Dropdown(options=options if field.start is not None else [(CHOOSE, None), *options], **given)


def _labelled(label: str) -> dict[str, Any]:
    return {
        "description": label,
        "style": {"description_width": "initial"},
        "layout": Layout(width="100%", height="auto"),
    }


def _files() -> list[str]:
    """Files of the notebook's folder that are offered while a path is typed."""
    try:
        return sorted(
            path.name for path in islice(Path.cwd().iterdir(), FILES_OFFERED) if path.name[0] != "."
        )
    except OSError:
        return []


def absent(name: str, why: str) -> Widget:
    """A strategy that can't be chosen, and why."""
    return HBox([Button(description=name, disabled=True, tooltip=why), _line(form_html.told(why))]).add_class(
        "ntj-absent"
    )


def limit(label: str, hint: str) -> FieldWidget:
    """A limit as a short text."""
    return FieldWidget(Text(placeholder=hint, **_labelled(label)))


def choice(label: str, options: list[str], value: str) -> FieldWidget:
    """One of several names."""
    return FieldWidget(Dropdown(options=options, value=value, **_labelled(label)))


def _line(markup: str = "") -> HTML:
    return HTML(markup, layout=Layout(width="100%", display=None if markup else "none"))


def _show(line: HTML, markup: str) -> None:
    """Change a line if it says something new; an empty one takes no room."""
    if line.value != markup:
        line.value = markup
        line.layout.display = None if markup else "none"
