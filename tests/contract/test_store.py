"""What every store promises, over each of them: records, requests, pages, finding, ownership."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from nodetool_jupyter.errors import ErrorCode, JobNotFound, StoreError, ValueCrossingError
from nodetool_jupyter.model.events import Fault
from nodetool_jupyter.model.graph import Edge, Graph, Node
from nodetool_jupyter.model.job import JobRecord, JobStatus
from nodetool_jupyter.model.peers import Peer
from nodetool_jupyter.model.request import ResourceLimits, RunJobRequest
from nodetool_jupyter.store import Store, new_job_id
from nodetool_jupyter.store.memory import MemoryStore
from tests.contract.stores import REQUEST


def changed(record: JobRecord, **fields: Any) -> JobRecord:
    return record.model_copy(update=fields)


def ids(records: list[JobRecord]) -> list[str]:
    return [record.id for record in records]


def test_ids_sort_as_they_were_made() -> None:
    """The newest job has the greatest id, also of many that are made within one tick of the clock."""
    made = [new_job_id() for _ in range(5000)]
    assert made == sorted(set(made))
    assert {len(job_id) for job_id in made} == {26}


def test_a_record_comes_back_as_it_was(store: Store, add: Callable[..., JobRecord]) -> None:
    """Every field survives, the absent ones too."""
    fault = Fault(code=ErrorCode.NODE_ERROR, message="it failed", node_id="a", traceback="line 1\nline 2")
    full = add(
        name="nämé",
        workflow_id="w",
        user_id="u",
        strategy="subprocess",
        status=JobStatus.FAILED,
        params={"n": 1, "list": [1.5, None, "x" * 50_000], "nan": math.inf},
        limits=ResourceLimits(memory=2**30, cpus=1.5),
        attempt=3,
        ticket="v1:ticket",
        started_at=2.25,
        finished_at=3.5,
        duration=1.25,
        fault=fault,
    )
    bare = add()
    assert store.get(full.id) == full
    assert store.get(bare.id) == bare


def test_a_request_comes_back_as_it_was(store: Store) -> None:
    """Fields that only NodeTool knows are kept, and a large graph is as whole as a small one."""
    nodes = tuple(
        Node.model_validate({"id": str(n), "type": "test.A", "position": [n, 0]}) for n in range(10_000)
    )
    edges = tuple(Edge(source=str(n), target=str(n + 1), targetHandle="x") for n in range(9_999))
    request = RunJobRequest(
        graph=Graph(nodes=nodes, edges=edges),
        params={"p": [1, {"q": None}]},
        execution_strategy="subprocess",
        resource_limits=ResourceLimits(timeout=5),
        options={"sandbox": "default"},
    )
    record = JobRecord(id=new_job_id(), created_at=1, params=request.params)
    store.add(record, request)
    assert store.request(record.id) == request


def test_params_of_record_and_request_may_differ(store: Store) -> None:
    """Each keeps its own, and numbers that JSON doesn't know stay numbers."""
    record = JobRecord(id=new_job_id(), created_at=1, params={"n": 2})
    store.add(record, REQUEST.model_copy(update={"params": {"n": "2", "x": math.nan}}))
    params = store.request(record.id).params
    assert params["n"] == "2"
    assert math.isnan(params["x"])
    assert store.get(record.id).params == {"n": 2}


def test_an_id_is_taken_once(store: Store, add: Callable[..., JobRecord]) -> None:
    """A second job of the same id is refused, changes nothing of the first and keeps no other from coming."""
    record = add(name="first")
    with pytest.raises(StoreError, match="has a job of this id already"):
        store.add(changed(record, name="second"), REQUEST)
    third = add()
    assert store.page() == [third, record]


@pytest.mark.parametrize("value", ["\ud800", {1, "\ud800"}])
def test_a_param_that_cannot_be_written_is_refused(store: Store, value: object) -> None:
    """Nothing of the job is kept, so no half of it can be listed."""
    record = JobRecord(id=new_job_id(), created_at=1, params={"p": value})
    with pytest.raises(ValueCrossingError, match=record.id):
        store.add(record, REQUEST)
    assert store.page() == []


def test_update_keeps_the_life_of_a_job(store: Store, add: Callable[..., JobRecord]) -> None:
    """What changes in a job's life is kept; what was asked for stays, also of a listed record."""
    record = add(name="job", params={"n": 1})
    running = changed(store.page()[0], status=JobStatus.RUNNING, started_at=5.0, ticket="t", name="other")
    store.update(running)
    assert store.get(record.id) == changed(record, status=JobStatus.RUNNING, started_at=5.0, ticket="t")


def test_the_end_of_a_job_is_final(store: Store, add: Callable[..., JobRecord]) -> None:
    """Whoever ends a job first decides how it ended; saying the same again is harmless."""
    ended = changed(add(params={"n": 1}), status=JobStatus.CANCELLED, finished_at=9.0)
    store.update(ended)
    store.update(ended)
    with pytest.raises(StoreError, match="has ended as cancelled and can't become completed"):
        store.update(changed(ended, status=JobStatus.COMPLETED, attempt=2))
    assert store.get(ended.id) == ended


def test_only_its_owner_changes_a_job(store: Store, add: Callable[..., JobRecord]) -> None:
    """Another one is refused, unless nobody owns the job or it begins a later attempt."""
    record = add(owner="me")
    stolen = changed(record, owner="you", status=JobStatus.STARTING)
    with pytest.raises(StoreError, match=r"belongs to another process \(owner me, attempt 1\)"):
        store.update(stolen)
    assert store.get(record.id) == record
    store.update(changed(stolen, attempt=2))
    assert store.get(record.id).owner == "you"
    free = add(owner="")
    store.update(changed(free, owner="you"))
    assert store.get(free.id).owner == "you"


def test_a_failure_can_always_be_recorded(store: Store, add: Callable[..., JobRecord]) -> None:
    """Characters that can't be encoded, as in names of files, don't keep a failed job running."""
    fault = Fault(code=ErrorCode.NODE_ERROR, message="no file 'a\udcff'")
    record = changed(add(), status=JobStatus.FAILED, fault=fault)
    store.update(record)
    kept = store.get(record.id).fault
    assert kept is not None
    assert (kept.code, kept.message) == (ErrorCode.NODE_ERROR, "no file 'a?'")


def test_an_unknown_job_is_not_found(store: Store) -> None:
    """Wherever a full id is asked for."""
    missing = new_job_id()
    asked: list[Callable[[], object]] = [
        lambda: store.get(missing),
        lambda: store.request(missing),
        lambda: store.update(JobRecord(id=missing, created_at=1)),
        lambda: store.page(before=missing),
    ]
    for ask in asked:
        with pytest.raises(JobNotFound, match=missing):
            ask()


def test_a_job_is_found_by_what_users_type(store: Store, add: Callable[..., JobRecord]) -> None:
    """Its full id, though another begins with it; a prefix; its name (the newest of that name); or `last`."""
    old, new = add(id="abcd1", name="train"), add(id="abce234", name="train")
    longer = add(id="abcd12", params={"n": 1})
    expected = {"abcd1": old, "abce234": new, "abce": new, "abcd12": longer, "train": new, "last": longer}
    assert {ref: store.find(ref) for ref in expected} == expected


@pytest.mark.parametrize(
    ("ref", "message"),
    [
        (
            "abcd",
            r"(?s)more than one job begins with 'abcd'.*- abcd1  queued  train\n.*… and more\n  → give more",
        ),
        ("trian", "no job has the id, prefix or name 'trian'\n  → did you mean train"),
        ("q", "needs at least 4 characters"),
        ("", "needs at least 4 characters"),
        ("something else", "%nodetool jobs lists the jobs"),
    ],
)
def test_what_is_not_found_is_explained(
    store: Store, add: Callable[..., JobRecord], ref: str, message: str
) -> None:
    """The candidates of a prefix, the nearest name, or where to look."""
    for number in range(1, 8):
        add(id=f"abcd{number}", name="train")
    with pytest.raises(JobNotFound, match=message):
        store.find(ref)


def test_there_is_no_last_of_no_jobs(store: Store) -> None:
    """A new user gets a word of how to begin."""
    with pytest.raises(JobNotFound, match="there is no job yet"):
        store.find("last")


def test_a_user_finds_and_lists_only_their_own(store: Store, add: Callable[..., JobRecord]) -> None:
    """Neither by id nor by name nor in a page; and the empty user is one of them, not all."""
    add(id="hers1", name="secret", user_id="her")
    mine = add(id="mine1", user_id="me")
    assert ids(store.page(user_id="me")) == [mine.id]
    assert store.page() == []
    for ref in ("hers1", "hers", "secret"):
        with pytest.raises(JobNotFound):
            store.find(ref, user_id="me")
    assert store.find("last", user_id="me") == mine


def test_pages_are_newest_first_and_gapless(store: Store, add: Callable[..., JobRecord]) -> None:
    """Jobs of the same moment are ordered by id, and one that comes meanwhile shifts nothing."""
    made = [add(id=f"job{number:02}", created_at=number // 3) for number in range(10)]
    first = store.page(limit=4)
    add(id="newer")
    second = store.page(limit=4, before=first[-1].id)
    third = store.page(limit=4, before=second[-1].id)
    assert ids(first + second + third) == ids(made)[::-1]
    assert store.page(before=third[-1].id) == []


def test_pages_are_filtered(store: Store, add: Callable[..., JobRecord]) -> None:
    """By one status or several, by workflow, by both, page after page."""
    kinds = [JobStatus.RUNNING, JobStatus.FAILED, JobStatus.COMPLETED]
    made = [add(status=kinds[number % 3], workflow_id="w" if number % 2 else "") for number in range(12)][
        ::-1
    ]

    def expected(statuses: list[JobStatus], workflow: str | None = None) -> list[str]:
        return [
            record.id
            for record in made
            if record.status in statuses and workflow in (None, record.workflow_id)
        ]

    assert ids(store.page(statuses=kinds[:1])) == expected(kinds[:1])
    assert ids(store.page(statuses=kinds[1:])) == expected(kinds[1:])
    assert (
        ids(store.page(statuses=kinds[1:], limit=3, before=expected(kinds[1:])[2]))
        == expected(kinds[1:])[3:6]
    )
    assert ids(store.page(workflow_id="w", statuses=kinds[1:])) == expected(kinds[1:], "w")
    assert ids(store.page(workflow_id="w")) == expected(kinds, "w")
    assert ids(store.page(workflow_id="")) == expected(kinds, "")
    assert store.page(statuses=[]) == []


def test_a_page_leaves_params_out(store: Store, add: Callable[..., JobRecord]) -> None:
    """Listing costs the same however large they are; all else is there."""
    record = add(params={"image": "x" * 100_000}, limits=ResourceLimits(memory=1), name="n")
    assert store.page() == [changed(record, params={})]


def test_the_live_jobs_of_the_dead_are_claimed(store: Store, add: Callable[..., JobRecord]) -> None:
    """They come whole and in order, once; ended jobs, and those of the living, stay where they are."""
    queued = add(owner="dead", params={"n": 1})
    running = add(owner="gone", status=JobStatus.RUNNING, user_id="u", ticket="t")
    for fields in (
        {"owner": "alive"},
        {"owner": "dead", "status": "failed"},
        {"owner": "dead", "status": "suspended"},
    ):
        add(**fields)
    claimed = store.claim_dead("me", lambda owner: owner == "alive")
    assert claimed == [changed(queued, owner="me"), changed(running, owner="me")]
    assert [store.get(record.id) for record in claimed] == claimed
    assert store.claim_dead("you", lambda owner: owner in ("alive", "me")) == []


def test_of_racing_claimants_one_gets_each_job(store: Store, add: Callable[..., JobRecord]) -> None:
    """A job that two managers adopt would run twice."""
    made = {add(owner=f"dead{number % 3}").id for number in range(60)}
    with ThreadPoolExecutor(8) as pool:
        claims = list(
            pool.map(lambda me: store.claim_dead(me, lambda owner: owner in "abcdefgh"), "abcdefgh")
        )
    claimed = [job_id for claim in claims for job_id in ids(claim)]
    assert sorted(claimed) == sorted(made)


def test_an_owner_lives_until_it_is_closed(store: Store) -> None:
    """Each is its own, and an id that never was one is not alive."""
    first, second = store.register_owner(), store.register_owner()
    assert store.owner_is_alive(first.id)
    first.close()
    first.close()
    assert not store.owner_is_alive(first.id)
    assert store.owner_is_alive(second.id)
    assert not store.owner_is_alive("")
    assert not store.owner_is_alive(new_job_id())
    second.close()


def test_owners_know_one_another(store: Store) -> None:
    """By what each has told of itself, as long as it lives; a store in memory has nobody beside it."""
    me, server, silent = (store.register_owner() for _ in range(3))
    me.introduce(Peer(version="1.0.0"))
    server.introduce(Peer(version="1.1.0", is_server=True))
    known = [] if isinstance(store, MemoryStore) else [Peer(version="1.1.0", is_server=True)]
    assert store.peers(me.id) == known
    server.close()
    assert store.peers(me.id) == []
    silent.close()
    me.close()


def test_a_closed_store_says_so(store: Store) -> None:
    """Whoever still holds one gets an error of ours."""
    store.close()
    store.close()
    with pytest.raises(StoreError, match="the job store is closed"):
        store.page()
    with pytest.raises(StoreError, match="the job store is closed"):
        store.add(JobRecord(id=new_job_id(), created_at=1), REQUEST)
