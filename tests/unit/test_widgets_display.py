"""What a cell displays of its job: in a notebook, in a terminal, in the background, when interrupted."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from ipywidgets import Button, Widget
from ipywidgets.widgets.widget import _instances
from traitlets.config import Config

from nodetool_jupyter.errors import OptionError
from nodetool_jupyter.model.events import PreviewUpdate
from nodetool_jupyter.model.job import JobStatus
from nodetool_jupyter.values.codec import encode
from nodetool_jupyter.views.bundle import RUN_TYPE
from nodetool_jupyter.widgets.display import CELL_END, VIEW_TYPE, choose, show, watch
from nodetool_jupyter.widgets.feed import get_feed
from tests.support import wait_until
from tests.unit.watched_jobs import MemoryJob, chain, completed, failed, node, output, ran, running

GRAPH = chain("fetch", "shout")
Outputs = list[dict[str, Any]]


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    """IPython as in a terminal, whose displayed outputs are recorded."""
    config = Config({"HistoryManager": {"enabled": False}})
    shell = InteractiveShell.instance(config=config, display_pub_class=CapturingDisplayPublisher)
    yield shell
    InteractiveShell.clear_instance()
    get_feed().close()
    Widget.close_all()


@pytest.fixture
def outputs(shell: InteractiveShell) -> Outputs:
    """The messages that a notebook's front end would get: its shell has a kernel."""
    shell.kernel = object()
    assert isinstance(shell.display_pub, CapturingDisplayPublisher)
    found: Outputs = shell.display_pub.outputs
    return found


def job_of(*, is_live: bool = True) -> MemoryJob:
    job = MemoryJob(GRAPH)
    job.tell(running(), *ran("fetch"), node("shout", "running"))
    if not is_live:
        end(job)
    return job


def end(job: MemoryJob) -> None:
    job.tell(node("shout", "completed"), output("ABC"), completed())


def while_shown(action: Callable[[], object]) -> threading.Thread:
    """Do something in another thread, while the main one shows a job."""
    thread = threading.Thread(target=action)
    thread.start()
    return thread


def is_live(outputs: Outputs) -> bool:
    return any(VIEW_TYPE in output["data"] for output in outputs)


def compared(outputs: Outputs) -> list[Any]:
    """What strict comparison reads: the data of outputs that are new, never of updates."""
    return [output["data"] for output in outputs if not output["update"]]


def test_a_quick_job_shows_its_end_alone(outputs: Outputs) -> None:
    """No widget is made for it; the end state is an output of its own, what is volatile is metadata."""
    view = show(job_of(is_live=False))
    first, last = outputs
    assert first["data"] == {"text/plain": ""}
    assert "display_id" in first["transient"]
    assert set(last["data"]) == {"text/html", "text/plain", RUN_TYPE}
    assert last["metadata"]["nodetool"]["job_id"] == "job-1"
    assert "job-1" not in str(last["data"])
    assert view is not None
    assert view.status is JobStatus.COMPLETED


def test_a_live_view_comes_and_goes_in_the_first_output(outputs: Outputs) -> None:
    """It is an update of the empty output, which is empty again before the end state is displayed."""
    job = job_of()
    thread = while_shown(lambda: (wait_until(lambda: is_live(outputs)), end(job)))
    show(job)
    thread.join()
    empty, live, reset, last = outputs
    assert [output["update"] for output in outputs] == [False, True, True, False]
    assert set(live["data"]) == {VIEW_TYPE, "text/plain"}
    assert empty["data"] == reset["data"] == {"text/plain": ""}
    assert empty["transient"] == live["transient"] == reset["transient"]
    assert "✓ quickstart: completed" in last["data"]["text/plain"]


def test_slow_and_quick_runs_compare_equal(outputs: Outputs) -> None:
    """How long a job took decides whether it was seen live, not what the saved notebook holds."""
    show(job_of(is_live=False))
    quick = compared(outputs)
    outputs.clear()
    job = job_of()
    thread = while_shown(lambda: (wait_until(lambda: is_live(outputs)), end(job)))
    show(job)
    thread.join()
    assert compared(outputs) == quick


def test_pictures_are_outputs_of_their_own(outputs: Outputs) -> None:
    """Image types are what strict comparison leaves out, as encoders differ from machine to machine."""
    from PIL import Image

    job = MemoryJob(GRAPH)
    picture = PreviewUpdate(node_id="shout", value=encode(Image.new("RGB", (8, 8))))
    job.tell(running(), *ran("fetch", "shout"), picture, completed())
    show(job)
    card, caption, image = (output["data"] for output in outputs[-3:])
    assert set(image) == {"image/png", "text/plain"}
    assert set(caption) == {"text/html", "text/plain"}
    assert "shout" in caption["text/html"]
    assert RUN_TYPE in card
    assert "<img" not in card["text/html"]


@pytest.mark.parametrize(
    ("version", "words"), [((6, 31), ["Cancel", "interrupt (■) cancels"]), ((7, 4), ["Cancel"])]
)
def test_the_button_says_when_it_is_not_heard(
    outputs: Outputs, monkeypatch: pytest.MonkeyPatch, version: tuple[int, int], words: list[str]
) -> None:
    """Only while the cell keeps a kernel without subshells busy, where the other one is the page's; a job in
    the background can be cancelled.
    """
    kernel = ModuleType("ipykernel")
    kernel.version_info = version  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "ipykernel", kernel)
    seen: list[str] = []
    job = job_of()
    thread = while_shown(lambda: look(job, outputs, seen))
    show(job)
    thread.join()
    watched = watch(other := job_of())
    assert watched is not None
    outputs.clear()
    look(other, outputs, seen)
    assert watched.finished.wait(5)
    assert seen == [*words, "Cancel"]


def look(job: MemoryJob, outputs: Outputs, seen: list[str]) -> None:
    """What is written on the buttons that there are, once a live view is open; then the job ends."""
    try:
        wait_until(lambda: is_live(outputs))
        seen += [
            str(widget.description) for widget in list(_instances.values()) if isinstance(widget, Button)
        ]
    finally:
        end(job)


def test_a_background_job_changes_its_own_output(outputs: Outputs) -> None:
    """The cell returns at once; the end takes the live view's place, by display id."""
    job = job_of()
    watched = watch(job)
    assert watched is not None
    wait_until(lambda: is_live(outputs))
    end(job)
    assert watched.finished.wait(5)
    assert [output["update"] for output in outputs] == [False, True, True]
    assert set(outputs[-1]["data"]) == {"text/html", "text/plain", RUN_TYPE}
    assert len({str(output["transient"]) for output in outputs}) == 1


def test_the_end_of_a_cell_shows_a_background_job_s_end(shell: InteractiveShell, outputs: Outputs) -> None:
    """nbclient keeps what comes while a cell runs: after one that waited for a job, no dead view is left."""
    job = job_of()
    watch(job)
    shell.run_cell("1")
    end(job)
    assert shell.events.callbacks[CELL_END]
    shell.run_cell("2")
    assert RUN_TYPE in outputs[-1]["data"]
    assert not shell.events.callbacks[CELL_END]


def test_the_first_interrupt_cancels(outputs: Outputs) -> None:
    """The wait goes on until the job has ended, and its end is shown."""
    job = job_of()
    thread = while_shown(lambda: press_stop(outputs))
    view = show(job)
    thread.join()
    assert job.cancels == 1
    assert view is not None
    assert view.status is JobStatus.CANCELLED
    assert "■ quickstart: cancelled" in outputs[-1]["data"]["text/plain"]


class Stubborn(MemoryJob):
    """A job that takes its time to be cancelled."""

    def cancel(self) -> bool:
        self.cancels += 1
        return True


def test_the_second_interrupt_goes_to_the_caller(outputs: Outputs) -> None:
    """Nothing is left behind: no live view, no thread; the state at that time is shown."""
    job = Stubborn(GRAPH)
    job.tell(running(), node("fetch", "running"))
    thread = while_shown(lambda: (press_stop(outputs), wait_until(lambda: job.cancels), press_stop(outputs)))
    with pytest.raises(KeyboardInterrupt):
        show(job)
    thread.join()
    assert job.cancels == 1
    assert "● quickstart: running" in outputs[-1]["data"]["text/plain"]


def test_who_only_looks_cancels_nothing(outputs: Outputs) -> None:
    """An interrupt ends the looking."""
    job = job_of()
    thread = while_shown(lambda: press_stop(outputs))
    with pytest.raises(KeyboardInterrupt):
        show(job, cancels=False)
    thread.join()
    assert job.cancels == 0


def press_stop(outputs: Outputs) -> None:
    """Once the job is seen: SIGINT, for the main thread."""
    wait_until(lambda: is_live(outputs))
    main = threading.main_thread().ident
    assert main is not None
    signal.pthread_kill(main, signal.SIGINT)


@pytest.mark.parametrize("mode", ["none", "quiet"])
def test_nothing_is_shown_on_request(mode: str, outputs: Outputs, capsys: pytest.CaptureFixture[str]) -> None:
    """The job is waited for all the same."""
    job = job_of()
    thread = while_shown(lambda: end(job))
    assert show(job, mode) is None
    thread.join()
    assert watch(job, mode) is None
    assert not outputs
    assert capsys.readouterr().out == ""


def test_text_on_request(outputs: Outputs, capsys: pytest.CaptureFixture[str]) -> None:
    """In a notebook, too, text goes to the cell's own stdout and nothing is displayed."""
    job = job_of()
    job.tell(node("shout", "error", "boom"), failed("shout", "boom"))
    show(job, "text")
    assert capsys.readouterr().out.startswith(
        "● quickstart (threaded): running\n  ● fetch  running\n  ✓ fetch\n"
    )
    assert watch(job, "text") is None
    assert not outputs


def test_the_way_fits_the_place(shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Widgets in a kernel that has them, a line in a terminal, else text; never an error."""
    assert choose("auto") == choose("widget") == "text"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert choose("auto") == "line"
    assert choose("text") == "text"
    shell.kernel = object()
    assert choose("auto") == choose("widget") == "widget"
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    assert choose("auto") == "text"


def test_threads_show_nothing(outputs: Outputs) -> None:
    """What another thread displayed would land in whatever cell is running."""
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(choose("auto")))
    thread.start()
    thread.join()
    assert found == ["none"]


def test_an_unknown_mode_is_refused() -> None:
    """With the ones there are."""
    with pytest.raises(OptionError, match="'loud'"):
        choose("loud")
