"""What watching costs and how late it is, in a real page: the sidebar, and the view of a large workflow."""

from __future__ import annotations

import json
from statistics import median, quantiles
from time import time

import psutil
import pytest
from playwright.sync_api import expect

from tests.browser.lab import Lab
from tests.browser.server import Server
from tests.support import wait_until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.benchmark,
    pytest.mark.timeout(600),
    pytest.mark.usefixtures("anew"),
]

JOBS = 50
A_SECOND = 100
SECONDS = 10
SETUP = f"""
import asyncio, json, os, time
os.environ["MAX_WORKFLOW_THREADS"] = "{JOBS}"
%load_ext nodetool_jupyter
from pathlib import Path
from nodetool_jupyter import node, submit
from nodetool_jupyter.model.graph import Edge, Graph, Node

@node
async def tick(context) -> int:
    told = dict()
    for number in range(1, 60):
        await asyncio.sleep(0.25 + number % 7 / 100)
        told[number] = time.time() * 1000
        context.progress(number, 100)
    Path("told.json").write_text(json.dumps(told))
    return number

@node
async def talk(context) -> int:
    start, told = time.monotonic(), 0
    while not Path("quiet").exists():
        while told < (time.monotonic() - start) * {A_SECOND}:
            context.log(f"line {{told}}")
            told += 1
        context.progress(told % 1000, 1000)
        await asyncio.sleep(0.02)
    return told

@node
async def step(value: int = 0) -> int:
    await asyncio.sleep(0.01)
    return value + 1
"""
TALK = f"""
out = Node(id="o", type="nodetool.output.Output", data=dict(name="told"))
nodes = (Node(id="n", type=talk.spec.type), out)
edges = (Edge(source="n", target="o", targetHandle="value"),)
jobs = [submit(Graph(nodes=nodes, edges=edges)) for _ in range({JOBS})]
"""
COUNT = """
told = [job.result() for job in jobs]
kept = [[event.content for event in job.events() if event.type == "log_update"] for job in jobs]
lost = sum(lines != [f"line {number}" for number in range(count)] for lines, count in zip(kept, told))
f"{lost} logs have lost something, {sum(told)} lines were told"
"""
LARGE = """
%%nodetool --name large
value = 0
for _ in range(1000):
    value = step(value=value)
value
"""
WATCH = """() => {
  window.seen = {};
  const look = () => {
    for (const row of document.querySelectorAll('#nodetool-jobs .ntl-running')) {
      const found = /tick (\\d+) %/.exec(row.textContent);
      if (found) { window.seen[found[1]] ??= Date.now(); }
    }
    requestAnimationFrame(look);
  };
  look();
}"""
FRAMES = """seconds => new Promise(resolve => {
  const frames = [];
  let last = performance.now();
  const end = last + seconds * 1000;
  const next = now => {
    frames.push(now - last);
    last = now;
    now < end ? requestAnimationFrame(next) : resolve(frames);
  };
  requestAnimationFrame(next);
})"""


def slow_frame(lab: Lab, seconds: float) -> float:
    """Milliseconds that no more than one in twenty frames of the page takes longer than."""
    frames = lab.page.evaluate(FRAMES, seconds)
    return quantiles(frames, n=20)[-1]


def share_of(process: psutil.Process, lab: Lab, seconds: float) -> float:
    """Of one core, what a process takes while the page goes on."""
    before = process.cpu_times()
    lab.page.wait_for_timeout(seconds * 1000)
    after = process.cpu_times()
    return (after.user + after.system - before.user - before.system) / seconds


def test_an_event_is_soon_seen_in_the_sidebar(lab: Lab) -> None:
    """From the worker process that tells it to the page that shows it."""
    lab.open([SETUP, "%%nodetool -b --strategy subprocess\ntick()"])
    lab.command("nodetool:show-jobs")
    lab.page.evaluate(WATCH)
    lab.run(0, 1)
    told = lab.folder / "told.json"
    wait_until(told.exists, 60.0, lambda: "the job has not ended", interval=0.2)
    lab.page.wait_for_timeout(1000)
    seen = lab.page.evaluate("window.seen")
    late = [seen[number] - at for number, at in json.loads(told.read_text()).items() if number in seen]
    print(f"event to sidebar: median {median(late):.0f} ms, of {len(late)}")
    assert len(late) > 40
    assert median(late) < 250


def test_many_jobs_are_cheap_to_watch(lab: Lab, server: Server) -> None:
    """The page stays smooth, and the server has little more to do than without it."""
    lab.open([SETUP, TALK, COUNT])
    process = psutil.Process(server.process_id)
    lab.run(0, 1)
    lab.command("nodetool:show-jobs")
    lab.page.wait_for_function("document.querySelectorAll('.ntl-job[data-status=running]').length >= 40")
    frame = slow_frame(lab, SECONDS)
    watched = share_of(process, lab, SECONDS)
    lab.page.goto("about:blank")
    alone = share_of(process, lab, SECONDS)
    (lab.folder / "quiet").touch()
    lab.load()
    lab.run(2)
    text = lab.output(2).inner_text()
    print(f"{JOBS} jobs: frames {frame:.0f} ms at 95 %, server {watched:.1%} of a core, alone {alone:.1%}")
    print(text)
    assert frame < 50
    assert watched - alone < 0.1
    assert "0 logs have lost something" in text


@pytest.mark.parametrize("strategy", ["threaded", "subprocess"])
def test_cancel_in_the_sidebar_is_quick(lab: Lab, server: Server, strategy: str) -> None:
    """From the click to the job's end, though its kernel computes."""
    cell = f"%%nodetool -b --name endless --strategy {strategy}\ntalk()"
    lab.open([SETUP, cell, "while not Path('quiet').exists():\n    sum(range(1000))"])
    lab.run(0, 1)
    lab.start(2)
    lab.command("nodetool:show-jobs")
    job = lab.page.locator(".ntl-job", has_text="endless").first
    expect(job).to_contain_text("running")
    clicked = time()
    job.get_by_role("button", name="Cancel this job").click()
    expect(job).to_contain_text("cancelled")
    answer = lab.page.request.get(server.address("nodetool/api/jobs?limit=1"))
    took = answer.json()["jobs"][0]["finished_at"] - clicked
    (lab.folder / "quiet").touch()
    print(f"cancel in the sidebar, {strategy}: {took * 1000:.0f} ms")
    assert took < 1


def test_a_large_workflow_is_smooth(lab: Lab) -> None:
    """A thousand nodes, live in the cell."""
    lab.open([SETUP, LARGE])
    lab.run(0)
    lab.start(1)
    lab.page.wait_for_selector(".ntj-live")
    frame = slow_frame(lab, SECONDS / 2)
    lab.wait_for_end(1)
    print(f"1,000 nodes: frames {frame:.0f} ms at 95 %")
    assert frame < 50
