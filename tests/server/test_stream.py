"""The stream of all jobs' messages: each once and in order, however often it breaks."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from nodetool_jupyter.model.events import JobUpdate
from nodetool_jupyter.model.job import JobStatus
from nodetool_jupyter.server import following, stream
from nodetool_jupyter.server.following import Cursor, Follower
from nodetool_jupyter.session import Session
from tests.integration.kernels import kernel, read_id
from tests.server.client import Client
from tests.server.records import logs, put, tell

COUNTS = """
@node
async def counts(lines: int) -> int:
    for line in range(lines):
        print(line)
        await asyncio.sleep(0.005)
    return lines

for _ in range(2):
    submit(counts, lines=40)
input()
"""


@pytest.fixture
def owner(session: Session) -> Any:
    owner = session.store.register_owner()
    yield owner.id
    owner.close()


def seqs(messages: list[Any]) -> list[int]:
    return [message["seq"] for message in messages]


class TestStream:
    """What a page sees."""

    def test_headers(self, client: Client) -> None:
        """No proxy keeps it back, and nobody a copy; hello says who speaks."""

        async def look() -> None:
            async with client.stream() as stream:
                assert "200 OK" in stream.headers
                for header in ("text/event-stream", "X-Accel-Buffering: no", "Cache-Control: no-store"):
                    assert header.lower() in stream.headers.lower()
                hello = await stream.next()
                assert (hello.kind, hello.data) == ("hello", {"version": "0.1.0"})

        client.run(look())

    def test_jobs_of_a_kernel(self, client: Client, session: Session, home: Path) -> None:
        """All their messages, each job's from 1 on without a gap, though the stream breaks time and again."""

        async def follow(ids: set[str]) -> dict[str, list[int]]:
            seen: dict[str, list[int]] = {job_id: [] for job_id in ids}
            place, ended = "", 0
            while ended < len(ids):
                async with client.stream(Last_Event_ID=place) as stream:
                    for _ in range(3):
                        sent = await stream.next()
                        place = sent.place or place
                        for message in sent.data if sent.kind == "messages" else ():
                            seen[message["job_id"]].append(message["seq"])
                            ended += message["type"] == "job_update" and message["status"] == "completed"
                        if ended == len(ids):
                            break
            return seen

        with kernel(home, COUNTS) as process:
            ids = {read_id(process), read_id(process)}
            seen = client.run(follow(ids))
            process.kill()
        for job_id in ids:
            count = len(session.store.read_log(job_id).read()[0])
            assert seen[job_id] == list(range(1, count + 1))

    def test_a_job_that_comes(self, client: Client, session: Session, owner: str) -> None:
        """Is told of before its messages."""

        async def look() -> None:
            async with client.stream() as stream:
                await stream.next()
                job_id = put(session.store, owner=owner, status=JobStatus.RUNNING, name="new")
                came = await stream.next()
                assert (came.kind, [job["name"] for job in came.data]) == ("jobs", ["new"])
                tell(session.store, job_id, logs(1, 2))
                assert seqs(await stream.messages(2)) == [1, 2]

        client.run(look())

    def test_from_now(self, client: Client, session: Session, owner: str) -> None:
        """What was there before isn't told."""
        job_id = put(session.store, owner=owner, status=JobStatus.RUNNING, lines=5)

        async def look() -> None:
            async with client.stream("?after=now") as stream:
                await stream.next()
                tell(session.store, job_id, logs(6, 1))
                assert seqs(await stream.messages(1)) == [6]

        client.run(look())

    def test_one_job(self, client: Client, session: Session) -> None:
        """From its start to its end, where the stream ends, too."""
        job_id = put(session.store, lines=3)
        put(session.store, lines=3)

        async def look() -> list[Any]:
            async with client.stream(f"?job={job_id}") as stream:
                return [await stream.next() for _ in range(4)]

        sent = client.run(look())
        assert [each.kind for each in sent] == ["hello", "jobs", "messages", "end"]
        assert seqs(sent[2].data) == [1, 2, 3, 4]

    def test_heartbeat(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nothing to tell is told as well, so that no one between takes the stream for dead."""
        assert stream.HEARTBEAT == 15
        monkeypatch.setattr(stream, "HEARTBEAT", 0.01)

        async def look() -> int:
            async with client.stream() as opened:
                await opened.next()
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(opened.next(), 0.7)
                return opened.comments

        assert client.run(look()) >= 2

    @pytest.mark.parametrize("place", ["a b", "x~y", "x~y=z", "~" * 5000])
    def test_what_is_no_place(self, client: Client, place: str) -> None:
        """Is refused before anything is streamed."""
        assert client.get(f"/events?after={place.replace(' ', '%20')}").status == 400


class TestManyClients:
    """Streams cost little, and end with their clients."""

    def test_a_client_that_goes(self, client: Client) -> None:
        """Is forgotten at once, though nothing happens that could be sent."""

        async def look() -> None:
            async with client.stream() as stream:
                await stream.next()
                assert len(client.backend._streams) == 1

        client.run(look())
        client.wait(lambda: not client.backend._streams)

    def test_a_client_that_does_not_read(self, client: Client, session: Session, owner: str) -> None:
        """Nothing is read for it beyond what fills its connection; others get all the same."""
        job_id = put(session.store, owner=owner, status=JobStatus.RUNNING)
        for first in range(1, 80_001, 20_000):
            tell(session.store, job_id, logs(first, 20_000))
        total = session.store.read_log(job_id).read()[1]
        read: list[int] = []
        real = Follower.read

        def counted(self: Follower) -> Any:
            news = real(self)
            read.append(sum(map(len, news.lines)))
            return news

        async def look() -> int:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(Follower, "read", counted)
                async with client.stream(buffer=2**12) as slow:
                    before = -1
                    while before != len(read):
                        before = len(read)
                        await asyncio.sleep(0.3)
                    async with client.stream() as other:
                        await other.next()
                        assert seqs(await other.messages(10))[:10] == list(range(1, 11))
                    assert slow.comments == 0
                    return sum(read[:before])

        assert client.run(look()) < total / 2

    def test_not_too_many(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        """Above the bound the next one is told so."""
        monkeypatch.setattr("nodetool_jupyter.server.backend.MOST_STREAMS", 1)

        async def look() -> str:
            async with client.stream() as first:
                await first.next()
                async with client.stream() as second:
                    return second.headers

        assert " 503 " in client.run(look())

    def test_the_server_ends(self, client: Client) -> None:
        """Open streams don't keep it."""

        async def look() -> None:
            async with client.stream() as stream:
                await stream.next()
                await client.backend.stop()
                with pytest.raises(EOFError):
                    await stream.next()

        client.run(look())


class TestFollower:
    """Places, and what keeps them small."""

    def test_a_place_is_a_text(self) -> None:
        """And comes back as what it was."""
        cursor = Cursor("0a", {"0b": 12, "0c": 0})
        assert Cursor.parse(str(cursor)) == cursor
        assert Cursor.parse("") == Cursor()

    def test_jobs_that_came_and_went_meanwhile(self, session: Session) -> None:
        """Are told from start to end, in the order in which they were added."""
        follower = Follower(session.store, "")
        place = str(follower.cursor)
        ids = [put(session.store, lines=1) for _ in range(3)]
        again = Follower(session.store, "", Cursor.parse(place))
        news = again.read()
        assert ([record.id for record in news.records], len(news.lines)) == (ids, 6)
        assert str(again.cursor) == ids[-1]
        assert again.read().lines == []

    def test_a_job_that_comes_while_it_begins(
        self, session: Session, owner: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Is told once."""
        first = put(session.store, owner=owner, status=JobStatus.RUNNING, lines=1)
        real, added = session.store.page, []

        def page(**options: Any) -> Any:
            found = real(**options)
            if not added:
                added.append(put(session.store, owner=owner, status=JobStatus.RUNNING, lines=1))
            return found

        monkeypatch.setattr(session.store, "page", page)
        follower = Follower(session.store, "")
        news = [follower.read() for _ in range(3)]
        assert [record.id for each in news for record in each.records] == [first, *added]
        assert sum(len(each.lines) for each in news) == 2

    @pytest.mark.parametrize("offset", [3, 10**6])
    def test_a_place_that_is_gone(self, session: Session, owner: str, offset: int) -> None:
        """In the midst of a line, or behind the end: there is a gap, and what lives is told anew."""
        job_id = put(session.store, owner=owner, status=JobStatus.RUNNING, lines=2)
        news = Follower(session.store, "", Cursor(job_id, {job_id: offset})).read()
        assert (news.gap is not None, len(news.lines)) == (True, 2)

    def test_the_newest_was_removed(self, session: Session) -> None:
        """Nobody knows what came after it."""
        follower = Follower(session.store, "", Cursor("0" * 26))
        put(session.store)
        assert follower.read().gap is not None

    def test_no_place_leads_to_another_users_job(self, session: Session, owner: str) -> None:
        """However it was come by."""
        job_id = put(session.store, owner=owner, status=JobStatus.RUNNING, lines=2, user_id="ann")
        for follower in (
            Follower(session.store, "bob", Cursor("", {job_id: 0})),
            Follower(session.store, "bob", Cursor(job_id)),
            Follower(session.store, "bob"),
        ):
            news = follower.read()
            assert (news.lines, news.records) == ([], [])

    def test_so_many_at_once(self, session: Session, owner: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """The others wait their turn: a place stays small, whatever the queue."""
        monkeypatch.setattr(following, "MOST_JOBS", 2)
        ids = [put(session.store, owner=owner, status=JobStatus.RUNNING, lines=1) for _ in range(4)]
        follower = Follower(session.store, "")
        assert [record.id for record in follower.read().records] == ids[:2]
        assert list(follower.cursor.offsets) == ids[:2]
        tell(session.store, ids[0], [JobUpdate(status="completed", seq=2)])
        follower.read()
        assert [record.id for record in follower.read().records] == [ids[2]]

    def test_a_long_log_keeps_no_other_back(self, session: Session, owner: str) -> None:
        """Each job has its share of a batch, and there is more to come."""
        long = put(session.store, owner=owner, status=JobStatus.RUNNING, lines=5000)
        short = put(session.store, owner=owner, status=JobStatus.RUNNING, lines=1)
        follower = Follower(session.store, "")
        news = follower.read()
        assert news.is_full
        assert any(short.encode() in line for line in news.lines)
        assert sum(map(len, news.lines)) <= following.SHARE * 2
        count = sum(long.encode() in line for line in news.lines)
        while (news := follower.read()).lines:
            count += len(news.lines)
        assert count == 5000

    def test_an_end_without_a_message(
        self, session: Session, owner: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A job that was removed, or whose log is lost, isn't followed for good."""
        monkeypatch.setattr(following, "CHECK", 0)
        job_id = put(session.store, owner=owner, status=JobStatus.RUNNING)
        follower = Follower(session.store, "", job_id=job_id)
        follower.read()
        record = session.store.get(job_id)
        session.store.update(record.model_copy(update={"status": JobStatus.FAILED}))
        follower.read()
        assert follower.is_over
