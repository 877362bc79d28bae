"""Values for a run of a panel: pushed to a streaming input while it goes on, or given to a node that waits.

What is entered is JSON where it reads as such, else the text itself. It is checked by the job, not here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ipywidgets import HTML, Button, Dropdown, HBox, Layout, Text, VBox
from pydantic_core import from_json

from nodetool_jupyter.model.graph import Graph
from nodetool_jupyter.views import form_html
from nodetool_jupyter.widgets.live import reach_while_busy

INPUTS = ("nodetool.input.", "nodetool_jupyter.authoring.ValueInput")


def streaming_inputs(graph: Graph) -> list[str]:
    """The names of the inputs that take values while the workflow runs."""
    return [
        str(node.data["name"])
        for node in graph.nodes
        if node.type.startswith(INPUTS) and node.data.get("stream") is True and node.data.get("name")
    ]


class ValueLine:
    """``widget`` is hidden until ``take`` or ``ask``; its buttons call ``push``, ``end`` and ``resume``."""

    def __init__(self, push: Callable[[], None], end: Callable[[], None], resume: Callable[[], None]) -> None:
        wide = Layout(width="100%")
        self._told = HTML(layout=wide)
        self._names = Dropdown(description="Input", layout=Layout(width="auto"))
        self._text = Text(
            description="Value", placeholder="text or JSON", continuous_update=False, layout=wide
        )
        self._push = _button("Push", "Give this value to the running workflow", push)
        self._end = _button("End input", "No more values come: the workflow goes on to its end", end)
        self._resume = _button("Resume", "Let the suspended run go on with this value", resume)
        for part in (self._names, self._text):
            reach_while_busy(part)
        actions = HBox([self._push, self._end, self._resume]).add_class("ntj-actions")
        line = VBox([self._names, self._text]).add_class("ntj-field")
        self.widget = VBox([self._told, line, actions], layout=Layout(display="none", overflow="visible"))

    @property
    def name(self) -> str:
        """The chosen input."""
        return str(self._names.value)

    @property
    def value(self) -> Any:
        """What is entered; None where nothing is."""
        text = self._text.value
        try:
            return from_json(text) if text.strip() else None
        except ValueError:
            return text

    def take(self, names: Sequence[str]) -> None:
        """Offer to push values to these inputs; hides where there are none."""
        self._names.options = list(names)
        self._names.index = 0 if names else None
        self._told.value = ""
        self._show([self._names, self._push, self._end] if names else [])

    def ask(self, reason: str) -> None:
        """Offer to resume the run, which has suspended itself for this reason."""
        self._told.value = form_html.told(reason)
        self._show([self._resume])

    def clear(self) -> None:
        """After a value was taken."""
        self._text.value = ""

    def hide(self) -> None:
        self._show([])

    def _show(self, parts: Sequence[Any]) -> None:
        for part in (self._names, self._push, self._end, self._resume):
            part.layout.display = "" if part in parts else "none"
        self.widget.layout.display = "flex" if parts else "none"


def _button(text: str, tooltip: str, do: Callable[[], None]) -> Button:
    button = Button(description=text, tooltip=tooltip)
    reach_while_busy(button)
    button.on_click(lambda _: do())
    return button
