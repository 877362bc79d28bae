"""The panel, with real widgets and real jobs: what a user would enter and press is done to the widgets."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import comm
import pytest
from ipywidgets import HTML, Button, FileUpload, Select, Text, Widget
from PIL import Image

from nodetool_jupyter import node
from nodetool_jupyter.authoring import CELL_NODES
from nodetool_jupyter.engine.registry import Registry
from nodetool_jupyter.errors import OptionError
from nodetool_jupyter.model.graph import Graph, Workflow
from nodetool_jupyter.nodes import FAMILIES
from nodetool_jupyter.session import get_session
from nodetool_jupyter.views.entries import Upload
from nodetool_jupyter.views.form import form_of
from nodetool_jupyter.widgets.feed import get_feed
from nodetool_jupyter.widgets.panel import Panel
from nodetool_jupyter.widgets.panel_errands import Errands
from nodetool_jupyter.widgets.panel_fields import make
from nodetool_jupyter.widgets.panel_past import past_runs
from tests.support import wait_until
from tests.unit.pages import Page
from tests.unit.test_views_form import node as input_node
from tests.unit.test_widgets_live import Recorded

GOES = threading.Event()
NOW = datetime.now(UTC)


@node
async def say(word: str, times: int) -> str:
    if word == "bad":
        raise ValueError("a bad word")
    while word == "wait" and not GOES.is_set():  # noqa: ASYNC110 - a test sets it from another thread
        await asyncio.sleep(0.01)
    return " ".join([word] * times)


@pytest.fixture(autouse=True)
def widgets(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(comm, "create_comm", Recorded)
    get_session().registry.add(say.spec)
    GOES.clear()
    yield
    GOES.set()
    get_feed().close()
    Widget.close_all()


def workflow(**about: Any) -> Workflow:
    """A workflow with a param that must be given and one with bounds."""
    nodes = [
        input_node("StringInput", "word"),
        input_node("IntegerInput", "times", value=2, min=1, max=9),
        {"id": "say", "type": say.spec.type},
        {"id": "said", "type": "nodetool.output.Output", "data": {"name": "said"}},
    ]
    edges = [
        {"source": "word", "target": "say", "targetHandle": "word"},
        {"source": "times", "target": "say", "targetHandle": "times"},
        {"source": "say", "target": "said", "targetHandle": "value"},
    ]
    return Workflow(graph=Graph.model_validate({"nodes": nodes, "edges": edges}), **about)


def parts(widget: Any) -> Iterator[Any]:
    yield widget
    for child in getattr(widget, "children", ()):
        yield from parts(child)


def named(panel: Panel, name: str) -> Any:
    """A control by its label, or a button by its text."""
    (found,) = [part for part in parts(panel.widget) if getattr(part, "description", "") == name]
    return found


def shown(panel: Panel) -> str:
    """All text of the panel that is not folded away."""
    texts = [part for part in parts(panel.widget) if isinstance(part, HTML) and part.layout.display != "none"]
    return "\n".join(Page(part.value).text for part in texts)


def seen(panel: Panel, *words: str) -> None:
    """Wait until all of these are shown."""
    wait_until(lambda: all(word in shown(panel) for word in words), state=lambda: shown(panel))


def run(panel: Panel, **entries: Any) -> None:
    """Enter something and press Run, as soon as it can be pressed."""
    for name, entry in entries.items():
        named(panel, name if name != "word" else "word *").value = entry
    wait_until(lambda: not named(panel, "Run").disabled)
    named(panel, "Run").click()


def ended(panel: Panel, status: str) -> None:
    seen(panel, f"{status}")
    wait_until(lambda: not named(panel, "Run").disabled)


def test_what_is_wrong_is_said_as_one_types() -> None:
    """Below the field, and only where something was entered or Run was pressed; nothing has run then."""
    panel = Panel(workflow())
    assert "must be given:" not in shown(panel)
    run(panel)
    seen(panel, "it must be given: a text", "nothing has run yet: see word")
    named(panel, "word *").value = "tea"
    wait_until(lambda: "nothing has run" not in shown(panel))
    assert panel.job is None
    assert panel.values == {"word": "tea", "times": 2}


def test_a_run_ends_as_a_card_with_its_result() -> None:
    """The buttons tell what can be done; the job has the params of the form."""
    panel = Panel(workflow(name="Say it"))
    run(panel, word="wait")
    seen(panel, "running", "Say it")
    assert named(panel, "Run").disabled
    GOES.set()
    ended(panel, "the run is completed")
    assert "wait wait" in shown(panel)
    assert panel.job is not None
    assert panel.job.result() == "wait wait"
    cancels = [
        part for part in parts(panel.widget) if isinstance(part, Button) and part.description == "Cancel"
    ]
    assert [part.disabled for part in cancels] == [True]


def test_cancel_ends_the_run() -> None:
    """By the button beside Run."""
    panel = Panel(workflow())
    run(panel, word="wait")
    (button, *_) = [part for part in parts(panel.widget) if getattr(part, "description", "") == "Cancel"]
    wait_until(lambda: not button.disabled and panel.job is not None)
    button.click()
    ended(panel, "the run is cancelled")


def test_a_failed_run_says_why_in_short() -> None:
    """And the next one takes its place."""
    panel = Panel(workflow())
    run(panel, word="bad")
    ended(panel, "ValueError: a bad word")
    assert "Traceback" not in shown(panel)
    run(panel, word="good")
    ended(panel, "the run is completed")
    assert "a bad word" not in shown(panel)


def test_what_can_not_start_is_said() -> None:
    """An invalid graph is known when it is to run; the panel can be used on."""
    nodes = [{"id": "x", "type": "no.such.Node"}]
    panel = Panel({"graph": {"nodes": nodes, "edges": []}})
    seen(panel, "it has no inputs")
    run(panel)
    seen(panel, "node type 'no.such.Node' is not known here")
    assert not named(panel, "Run").disabled


def test_limits_are_offered_where_they_are_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The others are greyed, with the reason; one that was entered before is refused, never ignored."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-engine.sock")
    panel = Panel(workflow())
    assert named(panel, "Memory").disabled
    seen(panel, "threaded can't limit it; subprocess can", "Engine doesn't answer")
    assert named(panel, "docker").disabled
    assert "docker" not in named(panel, "Strategy").options
    named(panel, "Strategy").value = "subprocess"
    wait_until(lambda: not named(panel, "Memory").disabled)
    named(panel, "Memory").value = "lots"
    seen(panel, "give a size such as 512m")
    named(panel, "Memory").value = "512m"
    named(panel, "Strategy").value = "threaded"
    run(panel, word="tea")
    seen(panel, "nothing has run yet: see Memory")
    assert not named(panel, "Memory").disabled
    named(panel, "Memory").value = ""
    run(panel, Timeout="20")
    ended(panel, "the run is completed")
    assert panel.job is not None
    assert panel.job.record.limits.named() == {"timeout": 20.0}


class TestPastRuns:
    def test_are_those_of_the_workflow(self) -> None:
        """By its id, else by its name, else by its graph."""
        session = get_session()
        mine = {}
        for key, about in {"id": {"id": "a", "name": "b"}, "name": {"name": "b"}, "graph": {}}.items():
            flow = workflow(**about)
            job = session.submit(flow, {"word": key})
            job.wait(10)
            mine[key] = (flow, job.id)
        other = Workflow(graph=Graph(nodes=(input_node("StringInput", "word"),)))
        session.submit(other).wait(10)
        for flow, job_id in mine.values():
            assert [record.id for record in past_runs(session, flow)] == [job_id]

    def test_show_their_end_and_fill_in_the_form(self) -> None:
        """Params, strategy and limits, as far as the form can show them; the rest is said."""
        session = get_session()
        session.submit(workflow(id="a"), {"word": "tea", "times": 3}).wait(10)
        session.submit(workflow(id="a"), {"word": "tea", "times": 30}).wait(10)
        panel = Panel(workflow(id="a"))
        chooser: Select = named(panel, "Past runs")
        assert [label.split(" · ")[0] for label, _ in chooser.options] == ["✓ completed"] * 2
        assert "times=30" in chooser.options[0][0]
        load = named(panel, "Load into the form")
        load.click()
        seen(panel, "choose a past run first")
        chooser.index = 1
        seen(panel, "tea tea tea")
        load.click()
        seen(panel, "the form has the params of the chosen run")
        assert panel.values == {"word": "tea", "times": 3}
        chooser.index = 0
        load.click()
        seen(panel, "times: 30 is not from 1 to 9")
        assert panel.values == {"word": "tea", "times": 2}

    def test_the_chosen_one_stays_when_others_come(self) -> None:
        """A list that moves would show another run than was chosen."""
        get_session().submit(workflow(id="a"), {"word": "first"}).wait(10)
        panel = Panel(workflow(id="a"))
        named(panel, "Past runs").index = 0
        chosen = named(panel, "Past runs").value
        run(panel, word="second")
        wait_until(lambda: len(named(panel, "Past runs").options) == 2)
        wait_until(lambda: named(panel, "Past runs").value == chosen)


def test_params_by_program() -> None:
    """``load`` and ``values`` are the form's other door; what doesn't fit is an error."""
    panel = Panel(workflow())
    panel.load({"word": "tea", "times": 9})
    assert panel.values == {"word": "tea", "times": 9}
    with pytest.raises(OptionError, match="times: 10 is not from 1 to 9"):
        panel.load({"times": 10})
    with pytest.raises(OptionError, match="word: it must be given"):
        _ = panel.values


def test_a_panel_that_is_closed_is_gone() -> None:
    """With all of its widgets, and no thread waits for them."""
    panel = Panel(workflow())
    panel.close()
    assert all(part.comm is None for part in parts(panel.widget))


class TestFields:
    def test_a_number_and_its_slider_are_one(self) -> None:
        """What is put in by program is shown by both; in the page they are linked."""
        widget = made("IntegerInput", value=2, min=1, max=9)
        number, slider = widget.parts
        widget.entry = 7
        assert (number.value, slider.value) == (7, 7)
        assert (number.description, number.min, number.max) == ("x", 1, 9)

    def test_the_last_file_counts(self) -> None:
        """A path takes the place of an upload, and the other way round."""
        widget = made("ImageInput", value=None)
        path, button = widget.parts
        assert isinstance(path, Text)
        assert isinstance(button, FileUpload)
        path.value = "a.png"
        button.value = (
            {"name": "b.png", "content": memoryview(b"png"), "type": "", "size": 3, "last_modified": NOW},
        )
        assert widget.entry == Upload("b.png", b"png")
        assert path.placeholder == "b.png (3 bytes)"
        path.value = "c.png"
        assert widget.entry == "c.png"

    def test_a_picture_that_was_given_is_shown(self) -> None:
        """Any other file by its name and size, and neither where a path has taken its place."""
        widget = made("ImageInput", value=None)
        file = BytesIO()
        Image.new("RGB", (4, 2)).save(file, "PNG")
        widget.entry = Upload("red.png", file.getvalue())
        widget.refresh()
        assert "<img" in given(widget)
        assert 'alt="red.png"' in given(widget)
        widget.entry = Upload("b.png", b"png")
        widget.refresh()
        assert Page(given(widget)).text == "b.png (3 bytes)"
        widget.control.value = "c.png"
        widget.refresh()
        assert not given(widget)

    def test_labels_and_choices_are_text(self) -> None:
        """No widget takes what a workflow says for markup."""
        hostile = "<img src=x onerror=alert(1)>"
        widget = made("SelectInput", name=hostile, value=hostile, options=[hostile], description=hostile)
        assert widget.control.description == hostile
        assert not widget.control.description_allow_html
        lines = [part.value for part in parts(widget.widget) if isinstance(part, HTML)]
        assert Page("".join(lines)).text == hostile


def given(widget: Any) -> str:
    """What stands below a file's button."""
    return str(widget.widget.children[2].value)


def made(kind: str, **data: Any) -> Any:
    registry = Registry({**FAMILIES, **CELL_NODES})
    flow = Workflow(graph=Graph(nodes=(input_node(kind, data.pop("name", "x"), **data),)))
    return make(form_of(flow, registry.get).fields[0])


class TestErrands:
    def test_asking_waits_for_nothing(self) -> None:
        """What is asked for twice before it was begun is done once, and all in order."""
        gate, done = threading.Event(), list[str]()
        errands = Errands(lambda error: done.append(str(error)))

        def first() -> None:
            gate.wait(5)
            done.append("first")

        steps: Mapping[str, Callable[[], None]] = {
            "b": lambda: done.append("b"),
            "c": lambda: done.append("c"),
        }
        errands.ask("a", first)
        for name in "bcb":
            errands.ask(name, steps[name])
        assert done == []
        gate.set()
        wait_until(lambda: done == ["first", "b", "c"], state=lambda: done)

    def test_an_error_is_told_and_ends_nothing(self) -> None:
        """Also where telling it fails."""
        told: list[str] = []

        def tell(error: Exception) -> None:
            told.append(str(error))
            raise RuntimeError

        def fail() -> None:
            raise ValueError("no")

        errands = Errands(tell)
        for number in range(2):
            errands.ask("a", fail)
            wait_until(lambda wanted=number + 1: len(told) == wanted)  # type: ignore[misc]
        assert told == ["no", "no"]
