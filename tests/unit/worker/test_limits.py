"""Which limits can be kept here, and what an exceeded one looks like."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from nodetool_jupyter.model.request import NO_LIMITS, ResourceLimits
from nodetool_jupyter.worker.limits import reached, refusal, sized

ALL = ResourceLimits(memory=2**30, processes=3, open_files=40, file_size=2**20)  # type: ignore[arg-type]
APPLY = """
import json, resource, sys
from nodetool_jupyter.model.request import ResourceLimits
from nodetool_jupyter.worker.limits import apply
apply(ResourceLimits(**json.loads(sys.argv[1])))
print([resource.getrlimit(each) for each in (resource.RLIMIT_DATA, resource.RLIMIT_CPU,
    resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE, resource.RLIMIT_CORE)])
"""


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (MemoryError(), "memory_limit", "limit memory of 1 GiB (2 KiB were in use at most)"),
        (OSError(errno.EFBIG, "x"), "resource_limit", "limit file_size of 1 MiB"),
        (OSError(errno.EMFILE, "x"), "resource_limit", "limit open_files of 40"),
        (BlockingIOError(errno.EAGAIN, "x"), "resource_limit", "limit processes of 3"),
        (OSError(errno.ENOSPC, "No space", "f"), "disk_full", "the disk is full (No space: f)"),
    ],
)
def test_reached(error: BaseException, code: str, said: str) -> None:
    """Name, value and use of the limit that an exception comes from."""
    fault = reached(error, ALL, 2048)
    assert fault is not None
    assert (fault.code.value, said in fault.message, bool(fault.hint)) == (code, True, True)


@pytest.mark.parametrize(
    "error", [MemoryError(), OSError(errno.EFBIG, "x"), OSError(errno.ENOENT, "x"), OSError("x"), KeyError()]
)
def test_without_a_limit_an_error_is_the_nodes_own(error: BaseException) -> None:
    """It is told as it is."""
    assert reached(error, NO_LIMITS, 0) is None


def test_refusals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each with its reason; what can be kept has none."""
    assert refusal(NO_LIMITS) is None
    assert "open_files must be at least" in (refusal(ResourceLimits(open_files=5)) or "")
    monkeypatch.setattr("nodetool_jupyter.worker.limits.can_limit", lambda _: False)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert "root user" in (refusal(ResourceLimits(processes=5)) or "")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert refusal(ResourceLimits(processes=5)) is None
    monkeypatch.setattr(sys, "platform", "darwin")
    assert "only be limited on Linux" in (refusal(ResourceLimits(memory=2**30)) or "")  # type: ignore[arg-type]


@pytest.mark.only_on("linux")
def test_apply() -> None:
    """In this process and those that it starts; never above what the system allows."""
    given = '{"memory": 1000000000, "cpu_seconds": 7, "open_files": 50, "file_size": 4096}'
    command = [sys.executable, "-c", APPLY, given]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[3], check=True)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = min(50, most)
    assert ran.stdout.strip() == str([(10**9, 10**9), (7, 8), (files, files), (4096, 4096), (0, 0)])


NOBODY = """
import os, sys
from nodetool_jupyter.model.request import ResourceLimits
from nodetool_jupyter.worker.limits import apply
os.setuid(int(sys.argv[1]))
apply(ResourceLimits(processes=4))
apply(ResourceLimits(processes=4), is_grouped=True)
children = []
try:
    for _ in range(100):
        child = os.fork()
        if child == 0:
            os.read(0, 1)
            os._exit(0)
        children.append(child)
except BlockingIOError:
    print(len(children))
"""


@pytest.mark.only_on("linux")
def test_processes_of_a_user_without_control_groups() -> None:
    """So many more than the user has already."""
    user = 54_321 if os.getuid() == 0 else os.getuid()
    command = [sys.executable, "-c", NOBODY, str(user)]
    ran = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=Path(__file__).parents[3]
    )
    assert 1 <= int(ran.stdout or -1) <= 6, ran.stderr


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 bytes"), (1536, "1.5 KiB"), (2**29, "512 MiB"), (2**42, "4096 GiB")]
)
def test_sized(count: float, text: str) -> None:
    """In the unit that people use."""
    assert sized(count) == text
