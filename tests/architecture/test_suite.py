"""The suite keeps its own promises: leftovers are seen, waiting fails with a state, CI accepts no skip."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT
from tests.support import Leftovers, wait_until


def test_a_thread_of_ours_is_a_leftover() -> None:
    """Only threads with our name count, and only while they live."""
    leftovers = Leftovers()
    stop = threading.Event()
    threads = [threading.Thread(target=stop.wait, name=name) for name in ("nodetool-x", "somebody-else")]
    for thread in threads:
        thread.start()
    assert list(leftovers.new().values()) == ["nodetool-x"]
    stop.set()
    for thread in threads:
        thread.join()
    assert not leftovers.new()


def test_a_process_and_its_zombie_are_leftovers() -> None:
    """A child that was never waited for is one, though it has ended."""
    leftovers = Leftovers()
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    running = leftovers.new()
    assert child.stdin is not None
    child.stdin.close()
    zombie = wait_until(lambda: [text for text in leftovers.new().values() if "zombie" in text], 10)
    child.wait()
    assert list(running) == [f"process {child.pid}"]
    assert len(zombie) == 1
    assert not leftovers.new()


def test_a_temporary_folder_of_ours_is_a_leftover(temporary: Path) -> None:
    """It is looked for in the folder that this run alone uses."""
    leftovers = Leftovers()
    with tempfile.TemporaryDirectory(prefix="nodetool-") as folder:
        assert Path(folder).parent == temporary
        assert list(leftovers.new().values()) == [folder]
    assert not leftovers.new()


def test_waiting_in_vain_shows_the_last_state() -> None:
    """A test that fails by its deadline says how far things had come."""
    with pytest.raises(AssertionError, match=r"not within 0\.01 s; last state seen: 'half done'"):
        wait_until(lambda: False, 0.01, state=lambda: "half done")


def run_pytest(
    folder: Path, *arguments: str, ci: str = "", **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run the tests of a folder as ours are run, with no plugin that isn't named."""
    (folder / "conftest.py").write_text((ROOT / "conftest.py").read_text("utf-8"), "utf-8")
    settings = (
        "markers =\n  docker\n  kernel\n  only_on\n  needs_variable\naddopts = --import-mode=importlib\n"
    )
    (folder / "pytest.ini").write_text(f"[pytest]\n{settings}", "utf-8")
    others = {"CI": ci, "PYTEST_ADDOPTS": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    environment = {**os.environ, **others, **variables}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


TESTS = """
import pytest

def test_skipped():
    pytest.skip("not today")

@pytest.mark.only_on("no-such-platform")
def test_elsewhere():
    raise AssertionError

@pytest.mark.needs_variable("NO_SUCH_VARIABLE")
def test_without_data():
    raise AssertionError

@pytest.mark.xfail(reason="known")
def test_known():
    raise AssertionError
"""
MODULE = "import pytest; pytest.importorskip('no_such_module')"


@pytest.mark.parametrize(
    ("source", "ci", "outcome"),
    [
        (TESTS, "true", "1 failed, 2 skipped, 1 xfailed"),
        (TESTS, "", "3 skipped, 1 xfailed"),
        (MODULE, "true", "1 error"),
        (MODULE, "", "1 skipped"),
    ],
)
def test_ci_accepts_no_skip(source: str, ci: str, outcome: str, tmp_path: Path) -> None:
    """In CI a skipped test or module fails; the two markers that say why are excepted."""
    (tmp_path / "test_it.py").write_text(source, "utf-8")
    result = run_pytest(tmp_path, ci=ci)
    assert f"= {outcome} in " in result.stdout, result.stdout


PAIR = "def test_first(): pass\ndef test_second(): pass"
SHARED = {
    "docker": ("integration/test_docker_ends.py", "contract/test_strategies.py"),
    "browser": ("browser/test_live.py", "browser/test_kept.py"),
    "a file": ("unit/test_views.py",),
    "another": ("contract/test_store.py",),
}


def test_processes_share_a_run_by_what_belongs_together(tmp_path: Path) -> None:
    """With ``-n``: all tests in a browser have one server, all with containers one image; a file is one."""
    places = {f"tests/{file}": group for group, files in SHARED.items() for file in files}
    for place in places:
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        each = "import pytest\n@pytest.mark.parametrize('strategy', ['docker'])\ndef test_it(strategy): pass"
        path.write_text(each if "strategies" in place else PAIR, "utf-8")
    result = run_pytest(tmp_path, "-v", "-p", "xdist", "-n", "4")
    found = re.findall(r"\[(gw\d)\] \[ *\d+%\] PASSED (\S+?)::", result.stdout)
    assert len(found) == 11, result.stdout
    assert len({(places[place], worker) for worker, place in found}) == len(SHARED)


def test_a_test_with_containers_has_a_name_that_says_so(tmp_path: Path) -> None:
    """By its name alone it is kept with the others."""
    source = "import pytest\n@pytest.mark.docker\ndef test_it(): pass"
    (tmp_path / "test_it.py").write_text(source, "utf-8")
    assert "test_it.py::test_it is marked docker" in run_pytest(tmp_path).stderr


@pytest.mark.parametrize(
    ("ci", "outcome"), [("true", "1 error"), pytest.param("", "1 skipped", marks=pytest.mark.storm)]
)
def test_a_notebook_with_containers_needs_an_engine(ci: str, outcome: str, tmp_path: Path) -> None:
    """Its name says that it has them; without an engine it says so, and in CI that is an error."""
    cell = {
        "cell_type": "code",
        "id": "a",
        "execution_count": 1,
        "metadata": {},
        "outputs": [],
        "source": "1",
    }
    text = json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    (tmp_path / "02-walls-docker.ipynb").write_text(text, "utf-8")
    nowhere = {"DOCKER_HOST": f"unix://{tmp_path}/no-socket", "PYTHONPATH": str(ROOT)}
    result = run_pytest(tmp_path, "-p", "nbval.plugin", "--nbval", "-rs", ci=ci, **nowhere)
    assert f"= {outcome} in " in result.stdout, result.stdout
    assert "the Docker Engine doesn't answer" in result.stdout
