"""Values that a panel gives to its run: pushed to a streaming input, or to a node that waits."""

from __future__ import annotations

from typing import Any

from nodetool_jupyter import node
from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.model.graph import Graph, Workflow
from nodetool_jupyter.session import get_session
from nodetool_jupyter.widgets.panel import Panel
from tests.support import wait_until
from tests.unit.test_widgets_panel import ended, named, seen, widgets  # noqa: F401 - a fixture


@node
async def ask(context: ProcessingContext) -> str:
    if context.resumption is None:
        context.suspend("which word?")
    return str(context.resumption.value)


def one_node(kind: str, **data: Any) -> Workflow:
    """A node whose value is the output ``said``."""
    nodes = [
        {"id": "n", "type": kind, "data": data},
        {"id": "o", "type": "nodetool.output.Output", "data": {"name": "said"}},
    ]
    edge = {"source": "n", "target": "o", "targetHandle": "value"}
    return Workflow(
        graph=Graph.model_validate({"nodes": nodes, "edges": [edge]}), name=data.get("name", "ask")
    )


def is_hidden(panel: Panel) -> bool:
    return panel._line.widget.layout.display == "none"


class TestValues:
    """For a run that goes on, or that waits."""

    def test_they_are_pushed_until_the_input_is_ended(self) -> None:
        """As text or JSON; one of a wrong type is refused with a sentence, and the run goes on."""
        panel = Panel(one_node("nodetool.input.IntegerInput", name="number", stream=True, value=1))
        assert is_hidden(panel)
        named(panel, "Run").click()
        wait_until(lambda: not is_hidden(panel))
        assert panel._line.name == "number"
        for text in ("2", "three", "4"):
            named(panel, "Value").value = text
            named(panel, "Push").click()
            seen(panel, "number has the value" if text != "three" else "number")
            wait_until(lambda text=text: named(panel, "Value").value == ("" if text != "three" else text))
        named(panel, "End input").click()
        ended(panel, "completed")
        assert panel.job is not None
        assert panel.job.outputs["said"][-2:] == [2, 4]
        assert is_hidden(panel)

    def test_a_suspended_run_goes_on_with_one(self) -> None:
        """The reason is shown beside the field for the answer."""
        get_session().registry.add(ask.spec)
        panel = Panel(one_node(ask.spec.type))
        named(panel, "Run").click()
        ended(panel, "suspended")
        seen(panel, "which word?")
        named(panel, "Value").value = "tea"
        named(panel, "Resume").click()
        ended(panel, "completed")
        assert panel.job is not None
        assert (panel.job.result(), is_hidden(panel)) == ("tea", True)

    def test_a_suspended_run_can_be_cancelled(self) -> None:
        """Nothing waits for an answer then."""
        get_session().registry.add(ask.spec)
        panel = Panel(one_node(ask.spec.type))
        named(panel, "Run").click()
        ended(panel, "suspended")
        wait_until(lambda: not named(panel, "Cancel").disabled)
        named(panel, "Cancel").click()
        ended(panel, "cancelled")
        wait_until(lambda: is_hidden(panel))
