"""What every strategy promises of assets: content that a job keeps is there for later ones of its user."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nodetool_jupyter import ProcessingContext, node
from nodetool_jupyter.errors import NodeError
from nodetool_jupyter.job import Job
from nodetool_jupyter.model.graph import Edge, Graph, Node
from nodetool_jupyter.session import Session
from nodetool_jupyter.settings import Settings
from nodetool_jupyter.worker.line import NAME
from tests.integration.kernels import kernel, read_id
from tests.support import wait_until

pytestmark = pytest.mark.usefixtures("one_zygote")
DEADLINE = 60.0
WAYS = [
    ("threaded", "off"),
    ("subprocess", "off"),
    ("subprocess", "default"),
    ("subprocess", "untrusted"),
    pytest.param("docker", "off", marks=pytest.mark.docker),
]
ALL = pytest.mark.parametrize(("strategy", "sandbox"), WAYS)
LOCKED_IN = pytest.mark.parametrize("sandbox", ["default", "untrusted"])


@node
def keeps(text: str, context: ProcessingContext) -> str:
    return context.save_asset(text.encode(), ".txt")


@node
def reads(address: Any, context: ProcessingContext) -> str:
    found = address if isinstance(address, str) else f"asset://{address['asset_id']}"
    return context.read_uri(found).decode()


@node
def keeps_and_reads(text: str, context: ProcessingContext) -> str:
    return context.read_uri(context.save_asset(text.encode(), ".txt")).decode()


@node
def guesses(parts: list[str], context: ProcessingContext) -> str:
    return context.read_uri("".join(parts)).decode()


@node
def keeps_much(times: int, size: int, context: ProcessingContext) -> int:
    for _ in range(times):
        context.save_asset(b"x" * size)
    return times


@pytest.fixture
def strategy_name(request: pytest.FixtureRequest) -> str:
    """That of the test, if it is of one of several."""
    callspec = getattr(request.node, "callspec", None)
    return "" if callspec is None else str(callspec.params.get("strategy", ""))


@pytest.fixture
def session(prepare: Callable[[Session], None], home: Path) -> Iterator[Session]:
    session = Session(Settings(home=home, cancel_grace=0.5))
    prepare(session)
    yield session
    session.close()


def run(session: Session, kind: Any, strategy: str, sandbox: str, user_id: str = "", **data: Any) -> Job:
    session.registry.add(kind.spec)
    output = Node(id="o", type="nodetool.output.Output", data={"name": "result"})
    edge = Edge(source="n", target="o", targetHandle="value")
    graph = Graph(nodes=(Node(id="n", type=kind.spec.type, data=data), output), edges=(edge,))
    options = {} if sandbox == "off" else {"sandbox": sandbox}
    return session.submit(graph, strategy=strategy, options=options, user_id=user_id)


@ALL
def test_what_one_job_keeps_another_reads(session: Session, strategy: str, sandbox: str) -> None:
    """By its address, or by a reference as NodeTool writes them."""
    text = "content" * 100_000
    address = run(session, keeps, strategy, sandbox, text=text).result(DEADLINE)
    assert address.startswith("asset://")
    assert run(session, reads, strategy, sandbox, address=address).result(DEADLINE) == text
    reference = {"type": "asset", "uri": "", "asset_id": address.removeprefix("asset://")}
    assert run(session, reads, strategy, sandbox, address=reference).result(DEADLINE) == text
    assert run(session, keeps_and_reads, strategy, sandbox, text="own").result(DEADLINE) == "own"


@ALL
def test_an_asset_that_is_not_there(session: Session, strategy: str, sandbox: str) -> None:
    """Whatever is asked for, it leads to no other file."""
    for address in ("asset://0123abcd.png", "asset://..%2F..%2Fstore.db", f"asset://{'x' * 300}"):
        with pytest.raises(NodeError, match=r"no asset|no id of an asset|none that the job was given"):
            run(session, reads, strategy, sandbox, address=address).result(DEADLINE)


@ALL
def test_each_user_has_their_own(session: Session, strategy: str, sandbox: str) -> None:
    address = run(session, keeps, strategy, sandbox, "ann", text="hers").result(DEADLINE)
    assert run(session, reads, strategy, sandbox, "ann", address=address).result(DEADLINE) == "hers"
    with pytest.raises(NodeError, match="there is no asset"):
        run(session, reads, strategy, sandbox, "bob", address=address).result(DEADLINE)


@LOCKED_IN
def test_who_is_locked_in_reads_what_it_was_given(session: Session, sandbox: str) -> None:
    """An id that it has found elsewhere opens nothing."""
    address = run(session, keeps, "threaded", "off", text="secret").result(DEADLINE)
    parts = [address[:20], address[20:]]
    assert run(session, guesses, "subprocess", "off", parts=parts).result(DEADLINE) == "secret"
    with pytest.raises(NodeError, match="none that the job was given"):
        run(session, guesses, "subprocess", sandbox, parts=parts).result(DEADLINE)


def test_who_is_locked_in_keeps_within_bounds(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it would fill the disk of who runs it."""
    monkeypatch.setattr("nodetool_jupyter.worker.asked.MOST_KEPT", 100_000)
    data = {"times": 5, "size": 20_000}
    assert run(session, keeps_much, "subprocess", "off", **data).result(DEADLINE) == 5
    with pytest.raises(NodeError, match="keeps at most 0 MiB of assets"):
        run(session, keeps_much, "subprocess", "default", **data).result(DEADLINE)


ASKS = """
from nodetool_jupyter import ProcessingContext

@node
def keeps_later(gate: str, context: ProcessingContext) -> str:
    address = context.save_asset(b"early", ".txt")
    print(address)
    while not Path(gate).exists():
        pass
    return context.read_uri(address).decode() + context.save_asset(b"late", ".txt")

submit(keeps_later, gate=arguments[0])
input()
"""


@pytest.mark.parametrize("is_killed", [True, False])
def test_the_next_kernel_answers(home: Path, tmp_path: Path, *, is_killed: bool) -> None:
    """Whether the first one was killed, or ended as usual."""
    gate = tmp_path / "gate"
    with kernel(home, ASKS, str(gate)) as process:
        job_id = read_id(process)
        log = home / "jobs" / job_id / "events.jsonl"
        wait_until(lambda: log.exists() and b"asset://" in log.read_bytes(), DEADLINE)
        if is_killed:
            process.kill()
        else:
            process.communicate("\n", DEADLINE)
    session = Session(Settings(home=home, cancel_grace=0.5))
    gate.touch()
    try:
        assert session.find(job_id).result(DEADLINE).startswith("earlyasset://")
    finally:
        session.close()
    assert not (home / "jobs" / job_id / NAME).exists()


def test_without_a_kernel_it_is_said(home: Path, tmp_path: Path) -> None:
    """The node fails, and says why."""
    gate = tmp_path / "gate"
    with kernel(home, ASKS, str(gate)) as process:
        job_id = read_id(process)
        log = home / "jobs" / job_id / "events.jsonl"
        wait_until(lambda: log.exists() and b"asset://" in log.read_bytes(), DEADLINE)
        process.kill()
    gate.touch()
    wait_until(lambda: b"job_update" in log.read_bytes().splitlines()[-1], DEADLINE)
    session = Session(Settings(home=home, cancel_grace=0.5))
    try:
        with pytest.raises(NodeError, match="assets can't be reached: the kernel that the job belongs to"):
            session.find(job_id).result(DEADLINE)
    finally:
        session.close()
