"""What is made of a worker's end, of all that can be known of it."""

from __future__ import annotations

import errno
import signal
from typing import Any

import pytest

from nodetool_jupyter.errors import ErrorCode, StoreError
from nodetool_jupyter.model.events import Fault, JobUpdate
from nodetool_jupyter.model.request import NO_LIMITS, ResourceLimits
from nodetool_jupyter.worker.verdict import LOST_DESCRIPTORS, Ending, judge, log_fault

LATE = Fault(code=ErrorCode.TIMED_OUT, message="too late")
LIMITED = ResourceLimits(memory=2**20, processes=5, cpu_seconds=3)  # type: ignore[arg-type]


def exited(code: int) -> int:
    """The system's word for an exit with a code."""
    return code << 8


def told(status: str, code: ErrorCode | None = None) -> JobUpdate:
    fault = Fault(code=code, message="a node failed", node_id="n") if code else None
    return JobUpdate(status=status, fault=fault, timestamp=0)  # type: ignore[arg-type]


def verdict(**known: Any) -> tuple[str, str | None]:
    """Status and error code."""
    update = judge(Ending(**{"wait_status": 0, **known}))
    assert (update.fault is None) == (update.status != "failed")
    assert update.error == (update.fault and update.fault.message)
    return update.status, update.fault.code.value if update.fault else None


def test_only_a_told_end_with_exit_code_0_is_completed() -> None:
    """Neither alone is enough."""
    assert verdict(update=told("completed")) == ("completed", None)
    assert verdict() == ("failed", "worker_exited_early")
    assert verdict(update=told("completed"), wait_status=exited(1)) == ("failed", "worker_exited_early")
    assert verdict(update=told("completed"), wait_status=signal.SIGSEGV) == ("failed", "worker_crashed")


def test_what_completed_before_a_cancel_has_completed() -> None:
    """And before a time limit."""
    assert verdict(update=told("completed"), is_cancelled=True, fault=LATE) == ("completed", None)


@pytest.mark.parametrize("wait_status", [None, 0, exited(1), signal.SIGTERM, signal.SIGKILL])
def test_a_cancel_is_a_cancel_however_the_worker_ends(wait_status: int | None) -> None:
    """With a reason it has failed, for that reason."""
    assert verdict(wait_status=wait_status, is_cancelled=True) == ("cancelled", None)
    assert verdict(wait_status=wait_status, is_cancelled=True, fault=LATE) == ("failed", "timed_out")
    assert verdict(update=told("cancelled"), is_cancelled=True, fault=LATE) == ("failed", "timed_out")


@pytest.mark.parametrize("update", [None, told("cancelled"), told("completed")])
def test_what_could_not_be_killed_was_not_cancelled(update: JobUpdate | None) -> None:
    """It may still hold what it has; why it was to end is told, too."""
    known = {"wait_status": None, "update": update, "is_cancelled": True, "is_forced": True, "stuck": 123}
    assert verdict(**known) == ("failed", "uncancellable")
    said = judge(Ending(**known, fault=LATE)).error or ""
    assert said.startswith("too late; the worker (process 123) was killed and has not ended")


def test_a_cancel_that_nobody_asked_for() -> None:
    """The worker was told to stop by somebody else."""
    assert verdict(update=told("cancelled")) == ("failed", "worker_killed")
    assert verdict(update=told("cancelled"), is_cancelled=True) == ("cancelled", None)


def test_a_forced_cancel_says_so() -> None:
    """As its nodes had no time to clean up."""
    update = judge(Ending(signal.SIGKILL, is_cancelled=True, is_forced=True))
    assert update.message == "it did not stop by itself and was killed"


@pytest.mark.parametrize(
    ("known", "code"),
    [
        ({"wait_status": signal.SIGKILL}, "worker_killed"),
        ({"wait_status": signal.SIGKILL, "is_out_of_memory": True}, "oom_killed"),
        ({"wait_status": signal.SIGKILL, "cpu_seconds": 3.2}, "cpu_limit"),
        ({"wait_status": signal.SIGXCPU, "cpu_seconds": 3.0}, "cpu_limit"),
        ({"wait_status": signal.SIGABRT}, "worker_crashed"),
        ({"wait_status": signal.SIGHUP}, "worker_killed"),
        ({"wait_status": exited(LOST_DESCRIPTORS)}, "protocol_error"),
        ({"update": told("failed", ErrorCode.NODE_ERROR)}, "node_error"),
        ({"update": told("failed", ErrorCode.NODE_ERROR), "is_out_of_memory": True}, "memory_limit"),
        ({"update": told("failed", ErrorCode.NODE_ERROR), "refused_forks": 1}, "resource_limit"),
        ({"update": told("failed", ErrorCode.NODE_EXIT), "is_out_of_memory": True}, "node_exit"),
    ],
)
def test_causes(known: dict[str, Any], code: str) -> None:
    """Whatever is known goes into the code; limits that were set are named with value and use."""
    ending = Ending(**{"wait_status": 0, "limits": LIMITED, "most_memory": 2**20, **known})
    update = judge(ending)
    assert update.fault is not None
    assert update.fault.code.value == code
    named = {"oom_killed": "memory of 1 MiB (1 MiB were", "memory_limit": "memory of 1 MiB (1 MiB were"}
    named |= {"cpu_limit": "cpu_seconds of 3 (3.", "resource_limit": "processes of 5"}
    assert named.get(code, "") in update.fault.message


def test_the_last_lines_go_along() -> None:
    """A crash report is found in the traceback."""
    update = judge(Ending(signal.SIGSEGV, output="Fatal Python error"))
    assert "Fatal Python error" in (update.traceback or "")


@pytest.mark.parametrize(
    ("number", "limits", "code"),
    [
        (errno.ENOSPC, NO_LIMITS, "disk_full"),
        (errno.EFBIG, NO_LIMITS, "disk_full"),
        (errno.EFBIG, ResourceLimits(file_size=10), "resource_limit"),  # type: ignore[arg-type]
        (errno.EBADF, NO_LIMITS, "protocol_error"),
        (errno.EIO, NO_LIMITS, "store_failed"),
    ],
)
def test_a_log_that_cannot_be_written(number: int, limits: ResourceLimits, code: str) -> None:
    """Each cause has its code, and a next step."""
    error = StoreError("it can't be written", hint="look there")
    error.__cause__ = OSError(number, "reason")
    fault = log_fault(error, limits)
    assert fault.code.value == code
    assert fault.hint


@pytest.mark.parametrize(
    ("running", "words"),
    [
        (("a",), ", while node a ran"),
        (("a", "b"), ", while nodes a, b ran"),
        (tuple("abcdefg"), ", while nodes a, b, c, d, e and 2 others ran"),
    ],
)
def test_the_nodes_that_ran_are_named(running: tuple[str, ...], words: str) -> None:
    """Of a worker that ended without a word they are all that is known of where."""
    assert str(judge(Ending(wait_status=signal.SIGSEGV, running=running)).error).endswith(words)
