"""The feed: follows logs from a thread of its own, draws within bounds, and never misses the end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from time import monotonic

import pytest

from nodetool_jupyter.errors import StoreError
from nodetool_jupyter.model.events import JobUpdate, NodeProgress
from nodetool_jupyter.model.job import JobStatus
from nodetool_jupyter.views.snapshot import JobView
from nodetool_jupyter.widgets.feed import FAILURES, PATIENCE, RENDERS, Feed, JobReader, get_feed
from tests.support import wait_until
from tests.unit.watched_jobs import MemoryJob, chain, completed, node, output, progress, ran, running

GRAPH = chain("a", "b")


class Drawings:
    """A renderer that remembers what it drew, when and in which thread."""

    def __init__(self) -> None:
        self.drawn: list[tuple[float, int]] = []
        self.ends: list[JobStatus] = []
        self.threads: set[str] = set()
        self.trouble: Exception | None = None

    def render(self, view: JobView) -> None:
        self.drawn.append((monotonic(), view.revision))
        self._note()

    def finish(self, view: JobView) -> None:
        self.ends.append(view.status)
        self._note()

    def _note(self) -> None:
        self.threads.add(threading.current_thread().name)
        if self.trouble is not None:
            raise self.trouble


@pytest.fixture
def feed() -> Iterator[Feed]:
    feed = Feed(interval=0.01)
    yield feed
    feed.close()


def live(name: str = "quickstart") -> MemoryJob:
    job = MemoryJob(GRAPH, name)
    job.tell(running(), node("a", "running"))
    return job


def end(job: MemoryJob) -> None:
    job.tell([*ran("a", "b"), completed()])


def test_a_job_is_followed_to_its_end(feed: Feed) -> None:
    """Drawn while it runs, from the feed's thread, and at its end once; then the thread ends by itself."""
    job, drawings = live(), Drawings()
    watch = feed.watch(job, drawings)
    wait_until(lambda: drawings.drawn)
    job.tell(progress("a", 1, 2))
    wait_until(lambda: len(drawings.drawn) > 1)
    end(job)
    assert watch.finished.wait(5)
    assert drawings.ends == [JobStatus.COMPLETED]
    assert drawings.threads == {"nodetool-feed"}
    wait_until(lambda: "nodetool-feed" not in {thread.name for thread in threading.enumerate()})


def test_a_quick_job_is_not_drawn_before_its_end(feed: Feed) -> None:
    """Opening a live view costs more than such a job does."""
    job, drawings = live(), Drawings()
    watch = feed.watch(job, drawings)
    started = monotonic()
    end(job)
    assert watch.finished.wait(5)
    assert monotonic() - started < PATIENCE + 2
    assert not drawings.drawn or drawings.drawn[0][0] >= started + PATIENCE
    assert drawings.ends == [JobStatus.COMPLETED]


def test_the_caller_can_have_the_end_at_once(feed: Feed) -> None:
    """``finish`` draws in the caller's thread, whatever the feed was doing; a second time does nothing."""
    job, drawings = live(), Drawings()
    watch = feed.watch(job, drawings, ends_itself=False)
    end(job)
    wait_until(lambda: watch.view.ended)
    assert not drawings.ends
    feed.finish(watch)
    feed.finish(watch)
    assert drawings.ends == [JobStatus.COMPLETED]
    assert drawings.threads >= {threading.current_thread().name}


def test_who_settles_has_the_ends_at_once() -> None:
    """In the caller's thread; what runs on, and what its own cell ends, is left alone."""
    feed = Feed(interval=5)
    jobs, drawings = [live(), live(), live()], [Drawings() for _ in range(3)]
    for job, drawing in zip(jobs, drawings, strict=True):
        feed.watch(job, drawing, ends_itself=job is not jobs[2])
    end(jobs[0])
    end(jobs[2])
    assert feed.settle()
    assert [drawing.ends for drawing in drawings] == [[JobStatus.COMPLETED], [], []]
    assert drawings[0].threads == {threading.current_thread().name}
    feed.close()
    assert not feed.settle()


def test_drawing_keeps_to_the_beat() -> None:
    """A thousand events a second make no more drawings than rounds."""
    feed, job, drawings = Feed(interval=0.05), live(), Drawings()
    watch = feed.watch(job, drawings)
    started = monotonic()
    pause = threading.Event()
    for number in range(600):
        job.tell(progress("a", number, 600))
        pause.wait(0.001)
    end(job)
    assert watch.finished.wait(5)
    assert 1 <= len(drawings.drawn) <= (monotonic() - started) / 0.05 + 2
    assert watch.view.ended


def test_many_jobs_share_the_rounds(feed: Feed) -> None:
    """Of more jobs than can be drawn in a round each gets its turn, and every one its end."""
    jobs = [live(f"job {number}") for number in range(3 * RENDERS)]
    drawings = [Drawings() for _ in jobs]
    watches = [feed.watch(job, drawing) for job, drawing in zip(jobs, drawings, strict=True)]
    wait_until(lambda: all(drawing.drawn for drawing in drawings))
    for job in jobs:
        end(job)
    assert all(watch.finished.wait(5) for watch in watches)
    assert all(drawing.ends == [JobStatus.COMPLETED] for drawing in drawings)


def test_a_view_that_can_not_be_drawn_harms_no_other(feed: Feed, capfd: pytest.CaptureFixture[str]) -> None:
    """It is left alone after some tries, its end is tried once, and nothing is printed from the thread."""
    bad, good = Drawings(), Drawings()
    bad.trouble = RuntimeError("the front end is gone")
    jobs = [live(), live()]
    watches = [feed.watch(job, drawing) for job, drawing in zip(jobs, (bad, good), strict=True)]
    for number in range(3 * FAILURES):
        drawn = len(good.drawn)
        for job in jobs:
            job.tell(progress("a", number))
        wait_until(lambda: len(good.drawn) > drawn)  # noqa: B023 - waited for in this round of the loop
    for job in jobs:
        end(job)
    assert all(watch.finished.wait(5) for watch in watches)
    assert len(bad.drawn) == FAILURES
    assert bad.ends == good.ends == [JobStatus.COMPLETED]
    assert capfd.readouterr() == ("", "")


def test_a_log_without_an_end_ends_by_the_job(feed: Feed) -> None:
    """Where the disk was full, or another manager took over, the job's status is what counts."""
    job, drawings = live(), Drawings()
    watch = feed.watch(job, drawings)
    job.status = JobStatus.FAILED
    assert watch.finished.wait(5)
    assert drawings.ends == [JobStatus.FAILED]


def test_a_new_job_may_come_as_the_last_one_goes(feed: Feed) -> None:
    """Between two cells the thread ends and another one begins; no job falls into the gap."""
    for _ in range(30):
        job, drawings = live(), Drawings()
        watch = feed.watch(job, drawings)
        end(job)
        assert watch.finished.wait(5)
        assert drawings.ends


def test_closing_ends_the_thread_at_once() -> None:
    """Also while jobs run, and however long a round is."""
    feed = Feed(interval=60)
    feed.watch(live(), Drawings())
    started = monotonic()
    feed.close()
    assert monotonic() - started < 2
    assert "nodetool-feed" not in {thread.name for thread in threading.enumerate()}


def test_there_is_one_feed() -> None:
    """All of a process's jobs share a thread."""
    assert get_feed() is get_feed()


def test_a_reader_takes_lines_as_they_come() -> None:
    """A torn line waits for its rest, a line that is no message is skipped, nothing is folded twice."""
    job = live()
    reader = JobReader(job)
    assert len(list(reader.advance())) == 2
    job.log.data += b'{"type": "node_update"}\nnot json\n\xff\xfe\n{"type": "node_pro'
    assert not list(reader.advance())
    assert reader.unreadable == 3
    job.log.data += b'gress", "node_id": "a", "progress": 5}\n'
    assert [type(event) for event in reader.advance()] == [NodeProgress]
    assert reader.view.nodes["a"].progress == 5


def test_a_reader_stops_at_its_deadline() -> None:
    """A storm of events is folded over several rounds; the end waits for none of them."""
    job = live()
    job.tell([progress("a", number) for number in range(30_000)])
    reader = JobReader(job)
    reader.drain(monotonic() - 1)
    assert reader.view.revision == 1
    reader.drain(monotonic() + 0.001)
    assert 1 < reader.view.revision < 30_000
    end(job)
    reader.close()
    assert reader.view.ended
    assert reader.view.revision == 30_007


def test_a_log_that_can_not_be_read_now_is_read_later() -> None:
    """A locked or vanished file is no end."""
    job = live()
    reader = JobReader(job)
    read = job.log.read
    job.log.read = unreadable  # type: ignore[method-assign]
    reader.close()
    assert not reader.view.ended
    job.log.read = read  # type: ignore[method-assign]
    job.tell(output(1), *ran("a"), completed())
    reader.close()
    assert reader.view.status is JobStatus.COMPLETED


def test_an_end_that_somebody_else_wrote_is_not_shown() -> None:
    """A node may write to its job's log; how the job has ended, the job says."""
    job = live()
    reader = JobReader(job)
    job.tell(completed())
    job.status = JobStatus.FAILED
    reader.close()
    assert reader.view.status is JobStatus.FAILED


def unreadable(offset: int = 0, *, limit: int | None = None) -> tuple[list[bytes], int]:
    raise StoreError("the folder is read-only")


def test_a_job_that_was_resumed_is_watched_to_its_end(feed: Feed) -> None:
    """Its log says that it is suspended until what comes after has been written."""
    job, drawings = live(), Drawings()
    job.tell(JobUpdate(status="suspended", timestamp=1.0))
    job.status = JobStatus.QUEUED
    watch = feed.watch(job, drawings)
    wait_until(lambda: drawings.drawn)
    assert not watch.finished.is_set()
    end(job)
    wait_until(watch.finished.is_set)
    assert drawings.ends == [JobStatus.COMPLETED]
