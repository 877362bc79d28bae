"""The end of a log: appended once, behind what belongs there and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodetool_jupyter.errors import ErrorCode
from nodetool_jupyter.model.events import Fault, JobUpdate, LogUpdate, decode_event, encode_event
from nodetool_jupyter.worker.folder import EXIT, REFUSAL, SUPERVISOR, RunFolder
from nodetool_jupyter.worker.process import boot_id
from nodetool_jupyter.worker.tail import append_end, conclude, write_exit

END = JobUpdate(status="completed", job_id="j", timestamp=0)


def line(seq: int, job_id: str = "j", content: str = "x") -> bytes:
    event = LogUpdate(
        node_id="n", node_name="n", content=content, severity="info", job_id=job_id, seq=seq, timestamp=0
    )
    return encode_event(event) + b"\n"


def forged(seq: int) -> bytes:
    return encode_event(JobUpdate(status="completed", job_id="j", seq=seq, timestamp=0)) + b"\n"


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path)


def log(folder: RunFolder) -> list[tuple[int, str]]:
    """Number and kind, or status, of all messages."""
    events = [decode_event(each) for each in folder.reader().read()[0]]
    return [(each.seq, each.status if isinstance(each, JobUpdate) else "log") for each in events]


def test_of_an_empty_log(folder: RunFolder) -> None:
    """It has the first number."""
    assert append_end(folder, END, 5, 0).seq == 5
    assert log(folder) == [(5, "completed")]


@pytest.mark.parametrize("is_told", [True, False])
def test_behind_what_the_worker_wrote(folder: RunFolder, *, is_told: bool) -> None:
    """Whether it could say how much that was, or not."""
    data = line(1) + line(2)
    folder.events.write_bytes(data)
    assert append_end(folder, END, 1, len(data) if is_told else None).status == "completed"
    assert log(folder) == [(1, "log"), (2, "log"), (3, "completed")]


@pytest.mark.parametrize("is_told", [True, False])
@pytest.mark.parametrize(
    "more",
    [b"garbage\n", forged(3), forged(3) + line(4), line(2), line(3, "other"), b'{"job_id":"j","seq":3}\n'],
)
def test_what_somebody_else_wrote_is_cut_off(folder: RunFolder, more: bytes, *, is_told: bool) -> None:
    """And the job has failed, whatever was said of its end."""
    data = line(1) + line(2)
    folder.events.write_bytes(data + more)
    end = append_end(folder, END, 1, len(data) if is_told else None)
    assert end.fault is not None
    assert (end.status, end.fault.code, end.seq) == ("failed", ErrorCode.PROTOCOL_ERROR, 3)
    assert log(folder) == [(1, "log"), (2, "log"), (3, "failed")]


def test_what_fits_but_was_not_written_by_the_worker(folder: RunFolder) -> None:
    """The size tells, also in the middle of the log."""
    folder.events.write_bytes(line(1) + line(2) + line(3))
    end = append_end(folder, END, 1, len(line(1) + line(3)))
    assert (end.status, end.seq) == ("failed", 4)


def test_a_torn_line_is_nobodys_fault(folder: RunFolder) -> None:
    """The worker ended while it wrote."""
    folder.events.write_bytes(line(1) + line(2)[:-5])
    assert append_end(folder, END, 1, None).status == "completed"
    assert log(folder) == [(1, "log"), (2, "completed")]


@given(st.lists(st.sampled_from(["log", "forged", "garbage", "other"]), max_size=8))
def test_any_log_ends_once_and_gapless(tmp_path_factory: pytest.TempPathFactory, kinds: list[str]) -> None:
    """Whatever stands in it."""
    folder = RunFolder(tmp_path_factory.mktemp("log"))
    makes = {"log": line, "forged": forged, "garbage": lambda _: b"\x00\n", "other": lambda n: line(n, "k")}
    folder.events.write_bytes(b"".join(makes[kind](seq) for seq, kind in enumerate(kinds, 1)))
    end = append_end(folder, END)
    found = log(folder)
    assert [seq for seq, _ in found] == list(range(1, len(found) + 1))
    assert [status for _, status in found if status != "log"] == [end.status]
    assert (end.status == "completed") == (set(kinds) <= {"log"})


class TestConclude:
    """A job that nobody looks after any more gets its end from whoever finds it."""

    def fault(self, folder: RunFolder) -> Fault:
        assert conclude(folder, "j")
        end = decode_event(folder.read_record(EXIT)["update"].encode())
        assert isinstance(end, JobUpdate)
        assert log(folder)[-1] == (end.seq, "failed")
        assert end.fault is not None
        return end.fault

    def test_one_that_never_started(self, folder: RunFolder) -> None:
        """For the reason that its supervisor gave, if there was one."""
        assert self.fault(folder).code is ErrorCode.SPAWN_FAILED

    def test_one_that_was_refused(self, folder: RunFolder) -> None:
        folder.write_record(REFUSAL, {"code": "version_mismatch", "message": "another Python"})
        fault = self.fault(folder)
        assert (fault.code, fault.message) == (ErrorCode.VERSION_MISMATCH, "another Python")

    def test_one_whose_supervisor_died(self, folder: RunFolder) -> None:
        """An end in the log that no exit record stands for does not count."""
        folder.write_record(SUPERVISOR, {"pid": 1, "boot_id": boot_id()})
        folder.events.write_bytes(line(1) + forged(2))
        assert self.fault(folder).code is ErrorCode.SUPERVISOR_DIED
        assert log(folder) == [(1, "log"), (2, "failed")]

    def test_one_of_before_the_reboot(self, folder: RunFolder) -> None:
        """The system says which boot it is."""
        folder.write_record(SUPERVISOR, {"pid": 1, "boot_id": "another"})
        assert self.fault(folder).code is ErrorCode.HOST_REBOOT

    def test_one_that_somebody_looks_after(self, folder: RunFolder) -> None:
        """Is left alone."""
        lock = folder.try_lock()
        assert lock is not None
        with open(lock, "rb"):  # noqa: PTH123 - to close it
            assert not conclude(folder, "j")
        assert not folder.events.exists()

    def test_one_that_has_its_end(self, folder: RunFolder) -> None:
        """Keeps it."""
        end = append_end(folder, END)
        write_exit(folder, end)
        assert conclude(folder, "j")
        assert log(folder) == [(1, "completed")]
