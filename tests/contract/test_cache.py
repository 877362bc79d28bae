"""What every strategy promises of ``cache=True``: one run for the same code and inputs, in any job."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nodetool_jupyter import ProcessingContext, node
from nodetool_jupyter.job import Job
from nodetool_jupyter.model.events import LogUpdate
from nodetool_jupyter.model.graph import Edge, Graph, Node
from nodetool_jupyter.session import Session
from nodetool_jupyter.settings import Settings

pytestmark = pytest.mark.usefixtures("one_zygote")
DEADLINE = 60.0
FROM_CACHE = "its result comes from the cache"
Run = Callable[..., Job]


@node(cache=True)
async def doubled(path: str, value: Any) -> Any:
    """Leaves a line where it runs."""
    with Path(path).open("a") as file:  # noqa: ASYNC230
        file.write("ran\n")
    return [value, value]


@node(cache=True)
def blocking(path: str, value: Any) -> Any:
    with Path(path).open("a") as file:
        file.write("ran\n")
    return {"value": value}


@node(cache=True)
def gives_a_lock(path: str, value: Any) -> Any:
    with Path(path).open("a") as file:
        file.write("ran\n")
    return threading.Lock()


@node
def keeps(text: str, context: ProcessingContext) -> str:
    return context.save_asset(text.encode(), ".txt")


@node
async def size(value: Any) -> int:
    return 1


@pytest.fixture
def session(home: Path) -> Session:
    return Session(Settings(home=home, cancel_grace=0.5))


@pytest.fixture(params=["threaded", "subprocess"])
def run(request: pytest.FixtureRequest, session: Session) -> Iterator[Run]:
    """Runs one node to its end, with what it gives as the result unless only its size is asked for."""

    def run(kind: Any, *, strategy: str = request.param, via: Any = None, **data: Any) -> Job:
        session.registry.add(kind.spec)
        nodes = [Node(id="n", type=kind.spec.type, data=data)]
        edges = []
        last = "n"
        if via is not None:
            session.registry.add(via.spec)
            nodes.append(Node(id="v", type=via.spec.type))
            edges.append(Edge(source="n", target="v", targetHandle="value"))
            last = "v"
        nodes.append(Node(id="o", type="nodetool.output.Output", data={"name": "result"}))
        edges.append(Edge(source=last, target="o", targetHandle="value"))
        job = session.submit(Graph(nodes=tuple(nodes), edges=tuple(edges)), strategy=strategy)
        job.result(DEADLINE)
        return job

    yield run
    session.close()


def lines(job: Job) -> list[str]:
    return [event.content for event in job.events() if isinstance(event, LogUpdate)]


def runs(path: Path) -> int:
    return len(path.read_text().splitlines())


@pytest.mark.parametrize("kind", [doubled, blocking])
def test_the_same_inputs_are_computed_once(run: Run, tmp_path: Path, kind: Any) -> None:
    """A second job gets the result of the first, and its log says so."""
    path = tmp_path / "ran"
    first = run(kind, path=str(path), value="x")
    second = run(kind, path=str(path), value="x")
    assert second.result() == first.result()
    assert runs(path) == 1
    assert lines(first) == []
    assert lines(second) == [FROM_CACHE]


def test_pruned_results_are_computed_again(run: Run, session: Session, tmp_path: Path) -> None:
    """Once they are gone; to look what would go removes nothing."""
    path = tmp_path / "ran"
    run(doubled, path=str(path), value="x")
    found = session.prune_cache(dry_run=True)
    assert found[0] == 1
    assert found[1] > 64
    assert session.prune_cache() == found
    assert session.prune_cache() == (0, 0)
    run(doubled, path=str(path), value="x")
    assert runs(path) == 2


def test_the_settings_bound_it(home: Path) -> None:
    """The oldest go."""
    session = Session(Settings(home=home, cache_size=10_000))
    for number in range(100):
        session.manager.results.keep(f"{number:064x}", b"x" * 1000)
    count, size = session.manager.results.taken()
    assert 0 < count <= 10
    assert size <= 10_000
    session.close()


def test_other_inputs_are_computed(run: Run, tmp_path: Path) -> None:
    """A result holds for its inputs alone, of their types."""
    path = tmp_path / "ran"
    for value in (1, 2, 1.5, "1", True):
        assert run(doubled, path=str(path), value=value).result() == [value, value]
    assert runs(path) == 5


class TestReferences:
    """They are compared by what they refer to."""

    @pytest.fixture
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """The workspace of the jobs."""
        monkeypatch.chdir(tmp_path)
        return tmp_path

    @pytest.mark.parametrize(
        "refer",
        [
            lambda file: {"type": "document", "uri": file.as_uri()},
            lambda file: [{"inner": {"type": "text", "uri": file.as_uri(), "asset_id": "x"}}],
            lambda file: {"type": "file_path", "path": file.name},
            lambda file: file.as_uri(),
            lambda file: file,
        ],
        ids=["document", "nested", "file path", "address", "path"],
    )
    def test_content_that_has_changed_is_another_input(self, run: Run, folder: Path, refer: Any) -> None:
        """At the same address; the first content's result is still there."""
        path, file = folder / "ran", folder / "a.txt"
        for content, expected in (("one", 1), ("one", 1), ("two", 2), ("one", 2)):
            file.write_text(content)
            run(doubled, path=str(path), value=refer(file))
            assert runs(path) == expected

    def test_the_same_content_elsewhere_is_the_same_input(
        self, run: Run, session: Session, folder: Path
    ) -> None:
        """A file, or an asset of the user; as another type, or with metadata, it is another input."""
        path = folder / "ran"
        (folder / "a.txt").write_text("one")
        (folder / "b.txt").write_text("one")
        kept = run(keeps, text="one").result()
        for uri in ((folder / "a.txt").as_uri(), (folder / "b.txt").as_uri(), kept):
            run(doubled, path=str(path), value={"type": "document", "uri": uri})
        run(doubled, path=str(path), value={"type": "document", "asset_id": kept.removeprefix("asset://")})
        assert runs(path) == 1
        run(doubled, path=str(path), value={"type": "text", "uri": kept})
        run(doubled, path=str(path), value={"type": "text", "uri": kept, "metadata": {"lang": "en"}})
        assert runs(path) == 3

    def test_what_cannot_be_read_is_computed_each_time(self, run: Run, folder: Path) -> None:
        """The node may have its own way to it; the log says why nothing is kept."""
        path = folder / "ran"
        for count, uri in enumerate(("asset://none.txt", "memory://1", "file:///nowhere/x"), 1):
            job = run(doubled, path=str(path), value={"type": "document", "uri": uri})
            assert runs(path) == count
            start = f"its result isn't cached: what {uri} refers to can't be compared"
            assert any(line.startswith(start) for line in lines(job)), lines(job)


def test_strategies_share_results(run: Run, tmp_path: Path) -> None:
    """What one process has computed another needs not, whichever it is."""
    path = tmp_path / "ran"
    found = [
        run(doubled, path=str(path), value="x", strategy=name).result() for name in ("threaded", "subprocess")
    ]
    assert found[0] == found[1]
    assert runs(path) == 1


def test_a_damaged_result_is_dropped_and_computed_again(run: Run, session: Session, tmp_path: Path) -> None:
    """A file that somebody has cut is never taken for a result."""
    path = tmp_path / "ran"
    run(doubled, path=str(path), value="x")
    (file,) = session.store.cache_directory().glob("??/*")
    assert file.stat().st_mode & 0o777 == 0o600
    whole = file.read_bytes()
    file.write_bytes(whole[:-1])
    again = run(doubled, path=str(path), value="x")
    assert again.result() == ["x", "x"]
    assert "the kept result was damaged, and is dropped; it is computed again" in lines(again)
    assert file.read_bytes() == whole


def test_what_cannot_be_kept_is_computed_each_time(run: Run, tmp_path: Path) -> None:
    """A value that has no form outside of its process is no error of a cached node."""
    path = tmp_path / "ran"
    for count in (1, 2):
        job = run(gives_a_lock, via=size, path=str(path), value=1)
        assert runs(path) == count
        assert any(line.startswith("its result isn't cached: the result") for line in lines(job)), lines(job)
