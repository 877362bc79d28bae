"""What holds for tests and notebooks alike: a home of their own, and nothing skipped in CI."""

from __future__ import annotations

import gc
import os
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any, TypeVar

import pytest

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)

ALLOWED = pytest.StashKey[bool]()
FOLDERS = pytest.StashKey[tuple[Path, pytest.MonkeyPatch]]()


def pytest_configure(config: pytest.Config) -> None:
    """Fresh folders for this run and every kernel and program it starts: no one's own jobs are met."""
    home = Path(tempfile.mkdtemp(prefix="pytest-home-"))
    patch = pytest.MonkeyPatch()
    patch.setenv("NODETOOL_HOME", str(home / "nodetool"))
    patch.setenv("IPYTHONDIR", str(home / "ipython"))
    config.stash[FOLDERS] = (home, patch)
    # Tests interrupt themselves and what they start, also where a script has put their run in the background,
    # which makes it deaf to that.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_unconfigure(config: pytest.Config) -> None:
    home, patch = config.stash[FOLDERS]
    patch.undo()
    shutil.rmtree(home, ignore_errors=True)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected lives as long as the run: looking for garbage in it takes time and finds none."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A notebook's cells are tests with a kernel, so that other versions of ipykernel get them too. One more
    example is left to .ci/long where it takes a container.
    """
    for item in items:
        if item.path.suffix == ".ipynb":
            item.add_marker("kernel")
            if group_of(item.nodeid) == "docker":
                item.add_marker("docker")
        if item.get_closest_marker("docker") and item.get_closest_marker("further"):
            item.add_marker("storm")
        for name in ("browser", "docker"):
            if item.get_closest_marker(name) and group_of(item.nodeid) != name:
                raise pytest.UsageError(f"{item.nodeid} is marked {name}: give it a name that group_of knows")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With ``-n``, processes share a run by whole files in their order: waiting overlaps with work."""
    if config.getoption("dist") != "load":
        return None
    from xdist.scheduler import LoadFileScheduling

    class Files(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    config.option.loadscopereorder = False
    return Files(config, log)


def group_of(test: str) -> str:
    """All tests in a browser share its server, those with containers their image; a file's share fixtures."""
    file = test.partition("::")[0]
    if file.startswith("tests/browser/"):
        return "browser"
    return "docker" if re.search(r"/test_docker|[\[-]docker\b", test) else file


def pytest_runtest_setup(item: pytest.Item) -> None:
    """The two skips that are allowed, each by a marker that says why; and the image that a notebook needs."""
    for mark in item.iter_markers("only_on"):
        if sys.platform != mark.args[0]:
            skip(item, f"only on {mark.args[0]}")
    for mark in item.iter_markers("needs_variable"):
        if not os.environ.get(mark.args[0]):
            skip(item, f"{mark.args[0]} is not set")
    if item.path.suffix == ".ipynb" and item.get_closest_marker("docker"):
        from tests.docker import image_of

        image_of(item.config)


def skip(item: pytest.Item, reason: str) -> None:
    item.stash[ALLOWED] = True
    pytest.skip(reason)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    return report if item.stash.get(ALLOWED, False) else refuse_skip(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return refuse_skip((yield))


def refuse_skip(report: Report) -> Report:
    """In CI a test that does not run is a test that fails: nobody reads a list of skips."""
    if os.environ.get("CI") and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, and in CI nothing may be: {report.longrepr}"
    return report
