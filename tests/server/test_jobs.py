"""Jobs over REST: those of kernels and of the server, wherever they run."""

from __future__ import annotations

from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from nodetool_jupyter.model.job import JobStatus
from nodetool_jupyter.model.request import Origin
from nodetool_jupyter.session import Session
from nodetool_jupyter.worker.folder import ORDER
from tests.integration.kernels import kernel, read_id
from tests.server.client import Client
from tests.server.records import SUM, logs, put, tell

pytestmark = pytest.mark.usefixtures("one_zygote")

BUSY = """
@node
async def waits() -> int:
    await asyncio.sleep(60)
    return 1

session.registry.add(waits.spec)
graph = Graph(nodes=(Node(id="n", type=waits.spec.type),), edges=())
job = session.submit(graph, strategy=arguments[0])
print(job.id, flush=True)
while True:  # as a cell that computes: no other thread gets much time
    sum(range(1000))
"""
FAILS = """
@node
def fails() -> int:
    print("about to fail")
    raise ValueError("no")

@node
def two() -> int:
    return 2

job = submit(fails)
job.wait()
input()
"""


@pytest.fixture
def ended(client: Client, session: Session) -> dict[str, Any]:
    """A job that the server ran."""
    made = client.post("/jobs", {"workflow": SUM, "name": "sum", "limits": {"timeout": 60}})
    assert (made.status, made.body["strategy"], made.body["name"]) == (201, "subprocess", "sum"), made.body
    client.wait(lambda: session.store.get(made.body["id"]).status.is_terminal)
    found: dict[str, Any] = client.get(f"/jobs/{made.body['id']}").body
    return found


class TestSubmit:
    """What is sent runs in a process of its own, or is refused before anything is on record."""

    def test_it_runs(self, ended: dict[str, Any], session: Session) -> None:
        """With its limits, to its result; its graph is there to be drawn."""
        assert (ended["status"], ended["limits"]["timeout"]) == ("completed", 60)
        assert [node["id"] for node in ended["graph"]["nodes"]] == ["a", "o"]
        assert session.find(ended["id"]).result() == 2

    def test_its_notebook_is_named_by_its_place_under_the_root(
        self, client: Client, session: Session, jp_root_dir: Path
    ) -> None:
        """One that lies elsewhere is none of the page's business."""
        for path, place in (
            (jp_root_dir / "a" / "b.ipynb", {"notebook": "a/b.ipynb", "cell": "c", "version": "1"}),
            (jp_root_dir.parent / "b.ipynb", None),
            (jp_root_dir / ".." / "b.ipynb", None),
        ):
            job_id = put(session.store, origin=Origin(notebook=str(path), cell="c", version="1"))
            assert client.get(f"/jobs/{job_id}").body["origin"] == place

    @pytest.mark.parametrize(
        ("changes", "status", "match"),
        [
            ({"strategy": "threaded"}, 400, "a server has none"),
            ({"strategy": "dokcer"}, 400, "no strategy 'dokcer'"),
            ({"limits": {"memory": "much"}}, 400, "memory"),
            ({"limits": {"gpus": "all"}}, 400, "gpus"),
            ({"limits": {"colour": 1}}, 400, "colour"),
            ({"options": {"trust": True}}, 400, "trust can't be given here"),
            ({"options": {"mount": "/"}}, 400, "no option 'mount'"),
            ({"name": "x" * 201}, 400, "at most 200"),
            ({"workflow": {"nodes": [{"id": "x", "type": "no.such.Node"}], "edges": []}}, 400, "1 problem"),
            ({"workflow": {}}, 400, "a workflow has a graph"),
            ({"workflow": None}, 400, "lacks the field workflow"),
        ],
    )
    def test_refused(
        self, client: Client, session: Session, changes: dict[str, Any], status: int, match: str
    ) -> None:
        """With a sentence; the problems of a graph come as a list."""
        answer = client.post("/jobs", {"workflow": SUM, **changes})
        assert (answer.status, match in answer.body["message"]) == (status, True), answer.body
        assert session.jobs() == []
        if answer.body["kind"] == "InvalidGraph":
            assert "no.such.Node" in answer.body["problems"][0]


class TestList:
    """Pages by key, newest first."""

    def test_pages(self, client: Client, session: Session) -> None:
        """Each job once, also while new ones come; the last page says that it is one."""
        ids = [put(session.store, name=f"j{number}") for number in range(5)]
        seen, query = [], "/jobs?limit=2"
        while query:
            page = client.get(query).body
            seen += [job["id"] for job in page["jobs"]]
            query = f"/jobs?limit=2&before={page['next']}" if page["next"] else ""
            put(session.store)
        assert seen == ids[::-1]

    def test_filters(self, client: Client, session: Session) -> None:
        """By status and by workflow."""
        failed = put(session.store, status=JobStatus.FAILED, workflow_id="w")
        put(session.store, workflow_id="w")
        put(session.store)
        listed = client.get("/jobs?status=failed,cancelled").body["jobs"]
        assert [(job["id"], job["status"]) for job in listed] == [(failed, "failed")]
        assert len(client.get("/jobs?workflow_id=w").body["jobs"]) == 2

    @pytest.mark.parametrize(
        "query", ["status=done", "limit=501", "limit=-1", "limit=x", "limit=" + "9" * 40]
    )
    def test_what_no_list_can_be(self, client: Client, query: str) -> None:
        """The answer says what may be asked."""
        assert client.get(f"/jobs?{query}").status == 400

    @pytest.mark.parametrize("name", ["..", "%2e%2e", "a%2Fb", "-", "x" * 129])
    def test_ids_that_no_job_has(self, client: Client, name: str) -> None:
        """None leads to another folder, and none is taken for a prefix or a name."""
        assert client.get(f"/jobs/{name}").status == 404

    def test_only_full_ids(self, client: Client, session: Session) -> None:
        """What a user types is for users: a program has the id."""
        job_id = put(session.store, name="mine")
        assert client.get(f"/jobs/{job_id}").status == 200
        for ref in ("mine", "last", job_id[:10]):
            assert client.get(f"/jobs/{ref}").status == 404


class TestCancel:
    """Any job, whichever process looks after it."""

    @pytest.mark.parametrize("strategy", ["threaded", "subprocess"])
    def test_of_a_busy_kernel(self, client: Client, session: Session, home: Path, strategy: str) -> None:
        """It has ended within half a second of the request, though the kernel's main thread never rests."""
        with kernel(home, BUSY, strategy) as process:
            job_id = read_id(process)
            client.wait(lambda: session.store.get(job_id).status is JobStatus.RUNNING)
            begun = monotonic()
            answer = client.post(f"/jobs/{job_id}/cancel")
            client.wait(lambda: session.store.get(job_id).status.is_terminal)
            took = monotonic() - begun
            process.kill()
        assert (answer.status, answer.body["cancelling"]) == (200, True)
        assert session.store.get(job_id).status is JobStatus.CANCELLED
        assert took < 0.5

    def test_after_the_end(self, client: Client, ended: dict[str, Any]) -> None:
        """Nothing happens, any number of times."""
        for _ in range(2):
            answer = client.post(f"/jobs/{ended['id']}/cancel", {})
            assert (answer.status, answer.body["cancelling"]) == (200, False)

    def test_an_owner_that_does_not_answer(self, client: Client, session: Session) -> None:
        """It lives, but its door is shut: not now, rather than not at all."""
        owner = session.store.register_owner()
        job_id = put(session.store, owner=owner.id, status=JobStatus.RUNNING)
        answer = client.post(f"/jobs/{job_id}/cancel")
        assert (answer.status, answer.body["kind"]) == (503, "JobUnreachable")
        owner.close()


class TestAgain:
    """Retry and resume, of what is data."""

    def test_retry(self, client: Client, session: Session, ended: dict[str, Any]) -> None:
        """A new job of the same request."""
        again = client.post(f"/jobs/{ended['id']}/retry")
        assert (again.status, again.body["name"]) == (201, "sum")
        assert again.body["id"] != ended["id"]
        client.wait(lambda: session.store.get(again.body["id"]).status.is_terminal)
        assert session.find(again.body["id"]).result() == 2

    def test_resume_of_what_completed(self, client: Client, ended: dict[str, Any]) -> None:
        """There is nothing to go on with."""
        answer = client.post(f"/jobs/{ended['id']}/resume")
        assert (answer.status, "has completed" in answer.body["message"]) == (409, True)

    def test_of_one_that_runs(self, client: Client, session: Session) -> None:
        """Its end comes first."""
        owner = session.store.register_owner()
        job_id = put(session.store, owner=owner.id, status=JobStatus.RUNNING, strategy="subprocess")
        answer = client.post(f"/jobs/{job_id}/retry")
        owner.close()
        assert answer.status == 409, answer.body

    def test_of_threaded_ones(self, client: Client, session: Session) -> None:
        """They ran in a kernel, and there they can run again."""
        answer = client.post(f"/jobs/{put(session.store)}/retry")
        assert (answer.status, "a server has none" in answer.body["message"]) == (400, True)

    def test_code_of_a_notebook_is_not_loaded(self, client: Client, session: Session, home: Path) -> None:
        """Its nodes came as a pickle, which no server reads; the log of that job can be read."""
        with kernel(home, FAILS) as process:
            job_id = read_id(process)
            client.wait(lambda: session.store.get(job_id).status.is_terminal)
            for again in ("retry", "resume"):
                answer = client.post(f"/jobs/{job_id}/{again}")
                assert (answer.status, "doesn't load" in answer.body["message"]) == (409, True)
                assert answer.body["hint"] == f"in the notebook: %nodetool retry {job_id}"
            lines = client.get(f"/jobs/{job_id}/logs").body["logs"]
            assert [line["content"] for line in lines if line["severity"] == "info"] == ["about to fail"]

    def test_an_order_with_a_pickle(self, client: Client, session: Session, ended: dict[str, Any]) -> None:
        """Values that only a pickle holds are as much code as a function is."""
        order = session.store.run_directory(ended["id"]) / ORDER
        order.write_bytes(order.read_bytes().replace(b'"params":{}', b'"params":{"p":{"kind":"pickle"}}'))
        assert b'"pickle"' in order.read_bytes()
        answer = client.post(f"/jobs/{ended['id']}/retry")
        assert (answer.status, "doesn't load" in answer.body["message"]) == (409, True)


class TestLogs:
    """Log lines, some at a time."""

    def test_on_and_on(self, client: Client, session: Session) -> None:
        """From where the last answer ended, until the job's end; of one node or all."""
        owner = session.store.register_owner()
        job_id = put(session.store, owner=owner.id, status=JobStatus.RUNNING, lines=3)
        first = client.get(f"/jobs/{job_id}/logs").body
        assert [line["content"] for line in first["logs"]] == ["line 1", "line 2", "line 3"]
        tell(session.store, job_id, logs(4, 1))
        rest = client.get(f"/jobs/{job_id}/logs?offset={first['next']}").body
        assert ([line["seq"] for line in rest["logs"]], rest["is_over"]) == ([4], False)
        assert client.get(f"/jobs/{job_id}/logs?offset={rest['next']}").body["logs"] == []
        assert [line["seq"] for line in client.get(f"/jobs/{job_id}/logs?node=n1").body["logs"]] == [1, 3]
        owner.close()

    def test_the_end(self, client: Client, session: Session) -> None:
        """Said once nothing can come any more."""
        job_id = put(session.store, lines=1)
        first = client.get(f"/jobs/{job_id}/logs").body
        last = client.get(f"/jobs/{job_id}/logs?offset={first['next']}").body
        assert (len(first["logs"]), last["logs"], last["is_over"]) == (1, [], True)

    def test_an_offset_of_no_line(self, client: Client, session: Session) -> None:
        """A place that no answer gave is a mistake of the client."""
        job_id = put(session.store, lines=2)
        assert client.get(f"/jobs/{job_id}/logs?offset=7").status == 400


class TestAdoption:
    """The server takes over what a dead kernel has left."""

    def test_of_a_killed_kernel(self, client: Client, session: Session, home: Path) -> None:
        """A threaded job has failed with it; one in a process of its own goes on, and can be ended."""
        found = {}
        for strategy in ("threaded", "subprocess"):
            with kernel(home, BUSY, strategy) as process:
                job_id = read_id(process)
                client.wait(lambda job_id=job_id: session.store.get(job_id).status is JobStatus.RUNNING)
                process.kill()
            found[strategy] = client.get(f"/jobs/{job_id}").body
        assert found["threaded"]["fault"]["code"] == "kernel_died"
        assert found["subprocess"]["status"] == "running"
        job_id = found["subprocess"]["id"]
        assert session.store.get(job_id).owner == session.manager.owner.id
        assert client.post(f"/jobs/{job_id}/cancel").body["cancelling"]
        client.wait(lambda: session.store.get(job_id).status is JobStatus.CANCELLED)
        answer = client.post(f"/jobs/{job_id}/retry")
        assert (answer.status, "notebook" in answer.body["message"]) == (409, True)

    def test_without_being_asked(
        self, client: Client, session: Session, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It looks again and again, while nobody has the page open."""
        job_id = put(session.store, owner="gone", status=JobStatus.RUNNING)
        monkeypatch.setattr("nodetool_jupyter.server.backend.LOOK", 0.01)
        client.backend.adopt_repeatedly()
        client.wait(lambda: session.store.get(job_id).status is JobStatus.FAILED)
