"""``%%nodetool --strategy subprocess`` in a real kernel: the notebook's nodes and values go along."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.integration.live_kernel import PATIENCE, Kernel, Reply, open_kernel
from tests.support import wait_until

pytestmark = pytest.mark.kernel
SETUP = """
%load_ext nodetool_jupyter
import os, enum, threading
from dataclasses import dataclass
from typing import Any, NamedTuple
import numpy, pandas
from PIL import Image
from pydantic import BaseModel
from nodetool_jupyter import BaseNode, ProcessingContext, node

OFFSET = 10

class Color(enum.Enum):
    RED = "red"

@dataclass
class Point:
    x: int
    color: Color = Color.RED

class Model(BaseModel):
    name: str

class Pair(NamedTuple):
    a: int
    b: int

class Plain:
    def __init__(self, value):
        self.value = value

def helper(x):
    return x + OFFSET

@node
def pid() -> int:
    return os.getpid()

@node
def shifted(x: int) -> int:
    return helper(x)

@node
async def give(value: Any) -> Any:
    return value

@node
def moved(point: Point) -> Point:
    assert isinstance(point, Point), type(point)
    return Point(point.x + 1, point.color)

class Doubled(BaseNode):
    value: int = 0

    async def process(self, context: ProcessingContext) -> int:
        return helper(self.value) * 2
"""


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    folder = tmp_path_factory.mktemp("subprocess")
    (folder / "beside.py").write_text("def tripled(x):\n    return 3 * x\n", "utf-8")
    with open_kernel(folder) as kernel:
        assert kernel.run(SETUP).status == "ok"
        yield kernel


def run(kernel: Kernel, body: str, check: str, options: str = "") -> Reply:
    """Run a cell in a process of its own, then ``check`` of its result ``r``."""
    reply = kernel.run(f"%%nodetool -s subprocess -o r --progress none {options}\n{body}")
    assert reply.status == "ok", reply.text
    reply = kernel.run(f"assert {check}, repr(r)")
    assert reply.status == "ok", reply.text
    return reply


def test_it_runs_in_another_process(kernel: Kernel) -> None:
    """Each job in one of its own."""
    run(kernel, "(pid(), pid())", "r[0] == r[1] != os.getpid()")


@pytest.mark.parametrize(
    ("body", "check"),
    [
        ("shifted(x=1)", "r == 11"),
        ("Doubled(value=shifted(x=1))", "r == 42"),
        ("give(value=[shifted(x=n) for n in range(3)])", "r == [10, 11, 12]"),
    ],
)
def test_nodes_of_the_notebook_go_along(kernel: Kernel, body: str, check: str) -> None:
    """With the functions and globals that they use; classes too."""
    run(kernel, body, check)


def test_they_go_along_as_they_are_now(kernel: Kernel) -> None:
    """What is defined anew, or was changed in the notebook, counts for the next job."""
    assert kernel.run("OFFSET = 20").status == "ok"
    run(kernel, "shifted(x=1)", "r == 21")
    assert kernel.run("OFFSET = 10").status == "ok"


@pytest.mark.parametrize(
    ("value", "check"),
    [
        ("None", "r is None"),
        ("2**70", "r == 2**70"),
        ("float('inf')", "r == float('inf')"),
        ("b'\\x00\\xff'", "r == b'\\x00\\xff'"),
        ("{'python': 1, 'type': 'image'}", "r == {'python': 1, 'type': 'image'}"),
        ("Color.RED", "r is Color.RED"),
        ("[Point(1), Point(2)]", "r == [Point(1), Point(2)] and type(r[0]) is Point"),
        ("Model(name='m')", "r == Model(name='m')"),
        ("Pair(1, 2)", "r == Pair(1, 2) and type(r) is Pair"),
        ("Plain(5)", "type(r) is Plain and r.value == 5"),
        ("helper", "r(1) == 11"),
        ("numpy.arange(100_000)", "(r == numpy.arange(100_000)).all()"),
        (
            "pandas.DataFrame({'a': [1, 2], 'b': ['x', None]})",
            "r.equals(sent) and (r.dtypes == sent.dtypes).all()",
        ),
        ("Image.new('CMYK', (30, 20))", "(r.mode, r.size) == ('CMYK', (30, 20))"),
    ],
)
def test_values_come_back_as_what_they_were(kernel: Kernel, value: str, check: str) -> None:
    """From a variable of the notebook to a node and from there to the result."""
    assert kernel.run(f"sent = {value}").status == "ok"
    run(kernel, "give(value=sent)", check)


def test_values_as_params(kernel: Kernel) -> None:
    """By -p as well."""
    assert kernel.run("start = Point(4)").status == "ok"
    run(kernel, "moved(point=Input('at', Point))", "r == Point(5)", "-p at=$start")


def test_figures_come_back_as_themselves(kernel: Kernel) -> None:
    """They can be drawn on."""
    code = """
@node
def draw() -> Any:
    from matplotlib.figure import Figure
    figure = Figure()
    figure.add_subplot().plot([1, 2, 3])
    return figure
"""
    assert kernel.run(code).status == "ok"
    run(kernel, "draw()", "len(r.axes[0].lines) == 1 and r.axes[0].set_title('t')")


def test_modules_beside_the_notebook_import(kernel: Kernel) -> None:
    """As they do in the notebook itself."""
    code = "@node\ndef beside(x: int) -> int:\n    import beside\n    return beside.tripled(x)"
    assert kernel.run(code).status == "ok"
    run(kernel, "beside(x=2)", "r == 6")


def test_what_cannot_go_is_named(kernel: Kernel) -> None:
    """With the reason, and nothing has run."""
    code = "lock = threading.Lock()\n@node\ndef locked() -> int:\n    with lock:\n        return 1"
    assert kernel.run(code).status == "ok"
    reply = kernel.run("%%nodetool -s subprocess\n(locked(), give(value=1))")
    assert reply.status == "error"
    assert "notebook.locked can't go to another process" in reply.text
    assert "lock" in reply.text
    reply = kernel.run("%%nodetool -s subprocess\ngive(value=lock)")
    assert "give_1" in reply.text
    assert "property value" in reply.text


def test_an_error_shows_the_line_of_the_notebook(kernel: Kernel) -> None:
    """As it does where the job runs in the kernel itself."""
    code = "@node\ndef broken(x: int) -> float:\n    return x / 0"
    assert kernel.run(code).status == "ok"
    reply = kernel.run("%%nodetool -s subprocess --progress none\nbroken(x=1)")
    assert "ZeroDivisionError" in reply.text
    assert "return x / 0" in kernel.run("%nodetool traceback").text


def test_an_interrupt_cancels(kernel: Kernel, tmp_path: Path) -> None:
    """The process and all that it has started are gone."""
    code = """
import asyncio
@node
async def hangs(path: str) -> str:
    from pathlib import Path
    Path(path).write_text(str(os.getpid()))
    await asyncio.sleep(3600)
    return "never"
"""
    assert kernel.run(code).status == "ok"
    started = tmp_path / "started"
    request = kernel.send(f"%%nodetool -s subprocess --progress none\nhangs(path={str(started)!r})")
    wait_until(started.exists, PATIENCE)
    kernel.interrupt()
    reply = kernel.reply(request)
    assert reply.content["ename"] == "JobCancelled"
    assert not psutil.pid_exists(int(started.read_text("utf-8")))


def test_a_second_interrupt_kills(kernel: Kernel, tmp_path: Path) -> None:
    """Long before the grace, which the first one would have left a node that doesn't stop."""
    code = """
import asyncio
from pathlib import Path
@node
async def resists(path: str) -> str:
    Path(path).write_text(str(os.getpid()))
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            Path(path).with_suffix(".asked").touch()
"""
    assert kernel.run(code).status == "ok"
    started = tmp_path / "started"
    options = "-s subprocess --progress none"
    request = kernel.send(f"%%nodetool {options}\nresists(path={str(started)!r})")
    wait_until(started.exists, PATIENCE)
    kernel.interrupt()
    wait_until(started.with_suffix(".asked").exists, PATIENCE)
    kernel.interrupt()
    reply = kernel.reply(request)
    assert reply.content["ename"] == "JobCancelled"
    assert not psutil.pid_exists(int(started.read_text("utf-8")))
