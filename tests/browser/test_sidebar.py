"""The sidebar of JupyterLab: the jobs of all kernels, live, and what can be done with them from there."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Locator, expect

from nodetool_jupyter import __version__
from tests.browser.cells import GO, SETUP, STREAM
from tests.browser.lab import DARK, Lab
from tests.browser.server import Server

pytestmark = pytest.mark.browser

WORKFLOW = {
    "name": "a greeting",
    "graph": {
        "nodes": [
            {"id": "a", "type": "nodetool.constant.String", "data": {"value": "good "}},
            {"id": "b", "type": "nodetool.input.StringInput", "data": {"name": "time", "value": "day"}},
            {"id": "s", "type": "nodetool.text.Concat"},
            {"id": "o", "type": "nodetool.output.Output", "data": {"name": "words"}},
        ],
        "edges": [
            {"source": "a", "sourceHandle": "output", "target": "s", "targetHandle": "a"},
            {"source": "b", "sourceHandle": "output", "target": "s", "targetHandle": "b"},
            {"source": "s", "sourceHandle": "output", "target": "o", "targetHandle": "value"},
        ],
    },
}
RUN_TYPE = "application/vnd.nodetool.run+json"
BUSY = "while not Path('quiet').exists():\n    sum(range(1000))"


def sidebar(lab: Lab) -> Locator:
    lab.command("nodetool:show-jobs")
    shown = lab.page.locator("#nodetool-jobs")
    expect(shown).to_be_visible()
    return shown


def row(lab: Lab, name: str) -> Locator:
    """The newest job of a name."""
    return sidebar(lab).get_by_role("listitem").filter(has_text=name).first


def start(lab: Lab, strategy: str) -> Locator:
    """A job in the background that runs until it is let go, of a kernel that computes meanwhile."""
    cell = f"%%nodetool -b --name rows-{strategy} --strategy {strategy}\n{STREAM.strip()}"
    lab.open([SETUP, cell, BUSY])
    lab.run(0, 1)
    lab.start(2)
    job = row(lab, f"rows-{strategy}")
    expect(job).to_contain_text("running")
    return job


@pytest.mark.parametrize("strategy", ["threaded", "subprocess"])
def test_a_job_of_a_busy_kernel_is_seen_and_cancelled(lab: Lab, strategy: str) -> None:
    """Its nodes, its log and its end come by the server; the kernel need not have time for that."""
    job = start(lab, strategy)
    expect(lab.page.locator(".jp-SideBar.jp-mod-left").get_by_text("1", exact=True)).to_be_visible()
    expect(job).to_contain_text("read rows")
    job.get_by_role("button", name="What its nodes have printed").click()
    log = job.locator(".ntl-logs")
    expect(log).to_contain_text("row 10 read")
    lines = log.locator("div").count()
    expect(log.locator("div")).not_to_have_count(lines)
    lab.picture(f"sidebar-{strategy}-running")
    job.get_by_role("button", name="Cancel this job").click()
    expect(job).to_contain_text("cancelled")
    expect(job.get_by_role("button", name="Cancel this job")).to_be_hidden()
    lab.interrupt()


def test_a_workflow_file_is_drawn_and_run(lab: Lab) -> None:
    """By the commands of the file browser's menu."""
    lab.open(["'nothing'"])
    path = lab.folder / "greeting.json"
    path.write_text(json.dumps(WORKFLOW), "utf-8")
    lab.command("filebrowser:go-to-path", path=lab.folder.name)
    lab.page.get_by_role("listitem", name="Name: greeting.json").click(button="right")
    entries = lab.page.locator(".lm-Menu")
    expect(entries).to_contain_text("Run with NodeTool")
    entries.get_by_text("Draw NodeTool Workflow").click()
    picture = lab.page.locator(".ntl-viewer .ntl-dag")
    expect(picture.locator("rect")).to_have_count(4)
    expect(picture).to_contain_text("nodetool.text.Concat")
    lab.page.set_viewport_size({"width": 900, "height": 1200})
    wide = "viewer => viewer.scrollWidth > viewer.clientWidth"
    assert lab.page.locator(".ntl-viewer").evaluate(wide)
    lab.page.get_by_role("button", name="Fit").click()
    assert not lab.page.locator(".ntl-viewer").evaluate(wide)
    lab.page.set_viewport_size({"width": 1280, "height": 1200})
    lab.page.get_by_role("button", name="Run with NodeTool").click()
    asked = lab.page.get_by_role("dialog")
    asked.get_by_label("time").fill("night")
    lab.picture("sidebar-run-file")
    asked.get_by_role("button", name="Run").click()
    job = row(lab, "a greeting")
    expect(job).to_contain_text("completed")
    lab.picture("sidebar-workflow-file")
    job.get_by_role("button", name="Run the same again").click()
    expect(sidebar(lab).get_by_role("listitem").filter(has_text="a greeting")).to_have_count(2)
    sidebar(lab).get_by_placeholder("find a job").fill("A GREETING")
    expect(sidebar(lab).get_by_role("listitem")).to_have_count(2)
    sidebar(lab).get_by_role("combobox").select_option("failed")
    expect(sidebar(lab).get_by_role("listitem")).to_have_count(0)
    sidebar(lab).get_by_role("combobox").select_option("completed")
    expect(sidebar(lab).get_by_role("listitem")).to_have_count(2)


def test_kernel_and_server_know_each_other(lab: Lab) -> None:
    """By what each tells in the store that they share: the kernel's doctor and the server's health say so."""
    lab.open([SETUP, "%nodetool doctor"])
    sidebar(lab)
    lab.run(0, 1)
    expect(lab.output(1)).to_contain_text(f"nodetool_jupyter {__version__} in it, as here")
    ask = "async () => (await (await fetch('/nodetool/api/health')).json()).others"
    assert lab.page.evaluate(ask) == [__version__]


def test_what_a_run_left_is_shown_without_its_html(lab: Lab) -> None:
    """By the extension's renderer, where a front end or a filter has kept the HTML away."""
    run = {"status": "failed", "name": "sales", "counts": {"completed": 3}, "fault": {"message": "no file"}}
    lab.open([f"from IPython.display import display\ndisplay({{{RUN_TYPE!r}: {run!r}}}, raw=True)"])
    lab.run(0)
    left = lab.output(0).locator(".ntl-run")
    expect(left).to_contain_text("failed sales")
    expect(left).to_contain_text("3 completed")
    expect(left).to_contain_text("no file")


@pytest.mark.usefixtures("anew")
def test_a_job_is_found_again_after_a_restart(lab: Lab) -> None:
    """It goes on, the way back to its cell is there, and so is its end."""
    start(lab, "subprocess")
    lab.interrupt()
    lab.restart_kernel()
    lab.page.reload()
    job = row(lab, "rows-subprocess")
    expect(job).to_contain_text("running")
    job.get_by_role("button", name="Open the notebook at its cell").click()
    lab.page.wait_for_function("window.jupyterapp.shell.currentWidget?.content?.activeCellIndex === 1")
    (lab.folder / GO).touch()
    expect(job).to_contain_text("completed")
    lab.set_theme(DARK)
    lab.picture("sidebar-completed-dark")


@pytest.mark.usefixtures("anew")
def test_an_end_out_of_sight_is_told(lab: Lab, server: Server) -> None:
    """By a notification that shows the sidebar; not of a cell that the user looks at."""
    server.change_setting("nodetool-jupyter/jobs", {"notifyAfter": 0})
    cells = (f"%%nodetool -b --name {name}\n{STREAM.strip()}" for name in ("in-sight", "out-of-sight"))
    lab.open([SETUP, *cells])
    lab.run(0, 1)
    expect(row(lab, "in-sight")).to_contain_text("running")
    (lab.folder / GO).touch()
    expect(row(lab, "in-sight")).to_contain_text("completed")
    (lab.folder / GO).unlink()
    lab.run(2)
    expect(row(lab, "out-of-sight")).to_contain_text("running")
    lab.command("launcher:create")
    expect(lab.cell(2)).to_have_count(0)
    lab.command("application:toggle-left-area")
    (lab.folder / GO).touch()
    told = lab.page.get_by_role("alert").filter(has_text="NodeTool job")
    expect(told).to_have_count(1)
    expect(told).to_contain_text("NodeTool job out-of-sight has completed")
    lab.picture("sidebar-notification")
    told.get_by_role("button", name="Show").click()
    expect(lab.page.locator("#nodetool-jobs")).to_be_visible()


@pytest.mark.usefixtures("anew")
def test_without_the_server_extension_it_says_what_is_missing(lab: Lab) -> None:
    """Notebooks go on without it."""
    lab.page.route("**/nodetool/api/**", lambda route: route.fulfill(status=404, body="{}"))
    lab.open(["'nothing'"])
    expect(sidebar(lab)).to_contain_text("has no NodeTool extension")
    expect(sidebar(lab)).to_contain_text("Install nodetool-jupyter in the server's environment")
    lab.picture("sidebar-without-server")


@pytest.mark.usefixtures("anew")
def test_in_jupyter_notebook(lab: Lab) -> None:
    """Live view and sidebar are the same there."""
    lab.open([SETUP, f"%%nodetool --name rows\n{STREAM.strip()}"])
    lab.load_in_notebook()
    lab.run(0)
    lab.start(1)
    expect(lab.live(1).locator(".ntj-chunk")).to_contain_text("squares sum up to")
    job = row(lab, "rows")
    expect(job).to_contain_text("running")
    lab.picture("sidebar-notebook")
    job.get_by_role("button", name="Cancel this job").click()
    lab.wait_for_end(1)
    expect(lab.output(1)).to_contain_text("JobCancelled")
    expect(job).to_contain_text("cancelled")
