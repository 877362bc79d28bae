"""Cancel at any moment and from anywhere: one end, and nothing left behind."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nodetool_jupyter.strategies.followed import send_to
from nodetool_jupyter.worker import wire
from nodetool_jupyter.worker.folder import CANCEL
from tests.integration.kernels import ROOT
from tests.integration.workers import WorkerJob, Workers, open_workers
from tests.programs import ends, processes
from tests.programs.limits import prints_then_waits
from tests.support import wait_until

pytestmark = pytest.mark.only_on("linux")

FREEZER = Path("/sys/fs/cgroup/freezer")
ANOTHER = """
import sys
from pathlib import Path
from nodetool_jupyter.strategies.followed import send_to
from nodetool_jupyter.worker import wire
from nodetool_jupyter.worker.folder import RunFolder
for _ in range(3):
    try:
        send_to(RunFolder(Path(sys.argv[1])), wire.encode_message(wire.Cancel()))
    except OSError:
        print("it has ended")
"""


def waiting(workers: Workers) -> WorkerJob:
    """A job whose node runs and waits."""
    job = workers.start(prints_then_waits)
    wait_until(lambda: job.logs, 10)
    return job


def test_before_the_start(workers: Workers, tmp_path: Path) -> None:
    """Nothing of the job has run."""
    job = WorkerJob(workers.strategy, workers.home, processes.writes_name, path=str(tmp_path / "f"))
    job.cancel()
    job.start()
    assert job.ended.wait(10)
    assert job.status == "cancelled"
    assert not (tmp_path / "f").exists()


def test_while_it_is_started(workers: Workers, tmp_path: Path) -> None:
    """The word comes together with the order: nothing of the job runs, whose zygote stood still just then."""
    zygote = workers.strategy.nursery._zygote
    assert zygote is not None
    zygote.send_signal(signal.SIGSTOP)
    job = workers.start(processes.writes_name, path=str(tmp_path / "f"))
    job.cancel()
    zygote.send_signal(signal.SIGCONT)
    assert job.wait().status == "cancelled"
    assert not (tmp_path / "f").exists()


def test_before_anyone_listens(workers: Workers, tmp_path: Path) -> None:
    """Another process leaves word for a supervisor that does not listen yet."""
    job = WorkerJob(workers.strategy, workers.home, processes.writes_name, path=str(tmp_path / "f"))
    job.folder.write(CANCEL, wire.encode_message(wire.Cancel()))
    assert job.start().wait().status == "cancelled"
    assert not (tmp_path / "f").exists()


def test_twice_and_from_two_processes(workers: Workers) -> None:
    """One end, and what comes after it changes nothing."""
    job = waiting(workers)
    command = [sys.executable, "-c", ANOTHER, str(job.folder.path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as another:
        wait_until(lambda: another.poll() is not None or job.ended.is_set(), 20)
        job.cancel()
        job.cancel()
        another.wait()
    assert job.wait().status == "cancelled"
    with pytest.raises(OSError, match="No such file"):
        send_to(job.folder, wire.encode_message(wire.Cancel()))
    job.cancel()
    assert job.wait().status == "cancelled"


def test_a_stopped_worker(workers: Workers, tmp_path: Path) -> None:
    """It is woken to clean up, so that nobody has to wait for the grace."""
    job = workers.start(ends.stops, path=str(tmp_path / "begun"))
    wait_until((tmp_path / "begun").exists, 10)
    job.cancel()
    assert job.wait().end.message is None


def test_one_that_resists(workers: Workers, tmp_path: Path) -> None:
    """Is killed after the grace, with all of its children, and its end says so."""
    path = tmp_path / "children"
    job = workers.start(processes.resists, path=str(path), count=3)
    wait_until(lambda: path.exists() and path.read_text(), 10)
    job.cancel()
    assert job.wait().status == "cancelled"
    assert job.end.message == "it did not stop by itself and was killed"


def test_one_that_resists_and_is_killed(tmp_path: Path) -> None:
    """At once, whatever grace is left to it; a second word of it changes nothing."""
    path = tmp_path / "children"
    with open_workers(tmp_path / "home", grace=600.0) as workers:
        job = workers.start(processes.resists, path=str(path), count=3)
        wait_until(lambda: path.exists() and path.read_text(), 10)
        job.cancel()
        assert not job.ended.wait(0.2)
        job.execution.kill()
        job.execution.kill()
        assert job.wait().status == "cancelled"
    assert job.end.message == "it did not stop by itself and was killed"


def test_one_that_cannot_be_killed(tmp_path: Path) -> None:
    """As a disk that doesn't answer holds it, here a frozen group: the job ends, and is not called cancelled.
    Where no such group can be made, the job is cancelled as any is.
    """
    group, begun = FREEZER / f"nodetool-test-{os.getpid()}", tmp_path / "begun"
    with open_workers(tmp_path / "home", grace=0.2) as workers:
        job = workers.start(processes.enters_a_group, group=str(group), path=str(begun))
        wait_until(begun.exists, 10)
        with frozen(group) as is_frozen:
            job.cancel()
            assert job.ended.wait(20)
            expected = ("failed", "uncancellable") if is_frozen else ("cancelled", None)
            assert (job.status, job.end.fault and job.end.fault.code.value) == expected
        job.wait()


@contextmanager
def frozen(group: Path) -> Iterator[bool]:
    """While this lasts, what is in a control group can't even be killed; gives whether there is one."""
    if not group.exists():
        yield False
        return
    try:
        (group / "freezer.state").write_text("FROZEN")
        yield True
    finally:
        (group / "freezer.state").write_text("THAWED")
        wait_until(lambda: not (group / "cgroup.procs").read_text(), 10)
        group.rmdir()


def test_it_may_clean_up(workers: Workers, tmp_path: Path) -> None:
    """The nodes and the programs that they have started."""
    job = workers.start(processes.cleans_up, folder=str(tmp_path))
    wait_until((tmp_path / "begun").exists, 10)
    job.cancel()
    assert job.wait().status == "cancelled"
    assert {path.name for path in tmp_path.iterdir()} == {"begun", "node", "child"}


@pytest.mark.parametrize("holds", [True, False])
def test_daemons(workers: Workers, tmp_path: Path, *, holds: bool) -> None:
    """In sessions of their own, with their parents gone, on the pipes or off them: all end with the job."""
    path = tmp_path / "daemons"
    job = workers.run(processes.leaves_daemons, path=str(path), count=5, holds=holds)
    assert job.result == "left"
    assert all(not Path(f"/proc/{pid}").exists() for pid in path.read_text().split())


def storm(workers: Workers, count: int, seed: int, most: float) -> None:
    """Cancel many jobs at random moments between their start and their end."""
    chance = random.Random(seed)
    timers = []
    jobs = []
    for _ in range(count):
        job = workers.start(processes.sees, name="HOME")
        timers.append(threading.Timer(chance.uniform(0, most), job.cancel))
        timers[-1].start()
        jobs.append(job)
    for timer in timers:
        timer.join()
    for job in jobs:
        assert job.ended.wait(30), (seed, job.events)
    statuses = {job.wait().status for job in jobs}
    assert statuses <= {"completed", "cancelled"}, (seed, statuses)


def test_a_small_storm(workers: Workers) -> None:
    """Each job is cancelled or completed, and has one end."""
    storm(workers, 20, seed=1, most=0.05)


@pytest.mark.storm
@pytest.mark.timeout(600)
def test_storms(workers: Workers) -> None:
    """The same for a thousand jobs."""
    for seed in range(5):
        storm(workers, 200, seed, most=0.02 * (seed + 1))
