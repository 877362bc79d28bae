"""What is done before there is a job."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from nodetool_jupyter.model import events
from nodetool_jupyter.worker.rehearsal import rehearse_supervisor, rehearse_worker

pytestmark = pytest.mark.only_on("linux")


def test_a_supervisor_can_read_an_end() -> None:
    """Its reader takes its time to make: each job would wait for that at its end."""
    events._adapter_of.cache_clear()
    rehearse_supervisor()
    assert events._adapter_of.cache_info().currsize == 1


@pytest.fixture
def as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of this process is put back."""
    monkeypatch.setattr(os, "environ", os.environ.copy())
    monkeypatch.setattr(sys, "path", list(sys.path))


@pytest.mark.usefixtures("as_before")
@pytest.mark.parametrize("rehearse", [rehearse_supervisor, rehearse_worker])
def test_nothing_of_a_rehearsal_is_left(rehearse: Callable[[], None]) -> None:
    """It is played more than once in one process, which then runs a job."""
    rehearse()
    seen = surroundings()
    rehearse()
    assert surroundings() == seen


def surroundings() -> tuple[object, ...]:
    """What a rehearsal could leave behind in this process."""
    answers = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGCHLD)]
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    return (
        answers,
        descriptors,
        threading.active_count(),
        Path.cwd(),
        sorted(Path(tempfile.gettempdir()).iterdir()),
    )


@pytest.mark.parametrize("rehearse", [rehearse_supervisor, rehearse_worker])
def test_where_nothing_can_be_written(
    rehearse: Callable[[], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jobs are slower to start there, and no more."""
    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
        rehearse()
