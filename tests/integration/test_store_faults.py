"""What becomes of stored jobs when files are damaged, locked, read-only or full."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from nodetool_jupyter.errors import ErrorCode, JobNotFound, StoreError
from nodetool_jupyter.model.graph import Graph, Node
from nodetool_jupyter.model.job import JobRecord
from nodetool_jupyter.model.request import RunJobRequest
from nodetool_jupyter.settings import Settings
from nodetool_jupyter.store import StoreWarning, fault_code, new_job_id, open_store
from nodetool_jupyter.store.schema import MIGRATIONS
from nodetool_jupyter.store.sqlite import DATABASE, WRITES_PER_CHECKPOINT, SqliteStore
from nodetool_jupyter.worker.event_log import EventLog
from tests.support import wait_until

ROOT = Path(__file__).resolve().parents[2]
REQUEST = RunJobRequest(graph=Graph(nodes=(Node(id="a", type="test.A", data={"text": "x" * 1000}),)))


@pytest.fixture
def opened(home: Path) -> Iterator[Callable[..., SqliteStore]]:
    """Opens the store of this test's home."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(closing(SqliteStore(home, **options)))


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Path]:
    """A file system of one mebibyte, on machines where this user may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        pytest.skip(f"a small disk can't be mounted here: {result.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def remount(folder: Path, option: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{option}", str(folder)], check=True)


def record(**fields: object) -> JobRecord:
    return JobRecord.model_validate({"id": new_job_id(), "created_at": 1.0, "owner": "me"} | fields)


def fill(store: SqliteStore, count: int) -> list[JobRecord]:
    records = [record(created_at=float(number)) for number in range(count)]
    for each in records:
        store.add(each, REQUEST)
    return records


def get_all(store: SqliteStore, records: list[JobRecord]) -> list[JobRecord]:
    return [store.get(each.id) for each in records]


def append_for_ever(log: EventLog, line: bytes) -> None:
    while True:
        log.append(line)


def set_aside(home: Path) -> list[Path]:
    return [path for path in home.glob(f"{DATABASE}.corrupt-*") if not path.name.endswith(("-wal", "-shm"))]


def truncated() -> bytes:
    """The first page and a half of a database."""
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE job (id)")
        database.execute("INSERT INTO job VALUES (zeroblob(100000))")
        return database.serialize()[:6000]


@pytest.mark.parametrize(
    "content", [b"not a database " * 500, b"SQLite format 3\0" + b"\xff" * 8000, truncated()]
)
def test_a_damaged_store_is_set_aside(home: Path, opened: Callable[..., SqliteStore], content: bytes) -> None:
    """One warning, the old file under another name with all its bytes, and a new store that works."""
    home.mkdir()
    (home / DATABASE).write_bytes(content)
    with pytest.warns(StoreWarning, match="was damaged and is now") as caught:
        store = opened()
    assert len(caught) == 1
    assert [path.read_bytes() for path in set_aside(home)] == [content]
    kept = fill(store, 1)
    assert opened().page() == kept


def test_damage_found_later_is_set_aside(home: Path, opened: Callable[..., SqliteStore]) -> None:
    """Pages that went bad are met by some query: it fails with a clear word, and the next job is kept."""
    store = SqliteStore(home)
    records = fill(store, 300)
    store.close()
    with (home / DATABASE).open("r+b") as file:
        file.seek(3 * 4096)
        file.write(b"\xa5" * ((home / DATABASE).stat().st_size - 6 * 4096))
    store = opened()
    with pytest.raises(StoreError, match=r"is damaged.*\n  → run this again"), pytest.warns(StoreWarning):
        get_all(store, records)
    assert len(set_aside(home)) == 1
    assert fill(store, 2) == store.page()[::-1]
    with pytest.raises(JobNotFound):
        store.get(records[0].id)


@pytest.mark.parametrize("how", ["set aside", "removed"])
def test_a_store_whose_file_has_gone_writes_to_the_one_that_is_there(
    home: Path, opened: Callable[..., SqliteStore], how: str
) -> None:
    """Another kernel found it damaged, or somebody removed the folder: new jobs are seen by all others."""
    store = opened()
    fill(store, 1)
    if how == "removed":
        shutil.rmtree(home)
    else:
        for path in home.glob(f"{DATABASE}*"):
            path.rename(path.with_name(f"corrupt-{path.name}"))
    kept = fill(store, 2)
    assert opened().page()[::-1] == store.page()[::-1] == kept


def test_a_store_that_another_process_sets_aside_just_now_is_waited_for(
    opened: Callable[..., SqliteStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look without the lock may find a file that is neither the old nor the new database."""
    fill(opened(), 1)
    failures = iter([sqlite3.OperationalError("disk I/O error")])
    look = SqliteStore._version

    def look_in_vain(self: SqliteStore, db: sqlite3.Connection) -> int:
        for failure in failures:
            raise failure
        return look(self, db)

    monkeypatch.setattr(SqliteStore, "_version", look_in_vain)
    assert len(opened().page(limit=10)) == 1
    assert next(failures, None) is None


def test_a_locked_store_is_named_and_can_be_read(home: Path, opened: Callable[..., SqliteStore]) -> None:
    """Another program that keeps the lock: writing ends after the wait, reading goes on, then all is well."""
    store = opened(busy_timeout=0.1)
    kept = fill(store, 1)
    with (
        closing(sqlite3.connect(home / DATABASE, isolation_level=None)) as other,
        ThreadPoolExecutor(1) as pool,
    ):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match=r"is locked by another program; waited 0\.1 s\n  → close what"):
            store.add(record(), REQUEST)
        patient = opened(busy_timeout=30)
        adding = pool.submit(fill, patient, 1)
        assert store.page() == patient.page() == kept
        other.execute("ROLLBACK")
        assert len(adding.result(30)) == 1
    assert len(store.page()) == 2


def test_a_path_in_the_way_is_explained(home: Path) -> None:
    """A file where the home folder should be: which folder, why, and what to set instead."""
    home.write_text("a file")
    with pytest.raises(StoreError, match=r"home can't be used: Not a directory\n  → .*NODETOOL_HOME"):
        open_store(Settings(store="sqlite", home=home))


def test_a_folder_in_the_place_of_the_database_is_explained(home: Path) -> None:
    """It is nobody's store to set aside."""
    (home / DATABASE).mkdir(parents=True)
    with pytest.raises(StoreError, match=r"jobs\.sqlite3 can't be used: unable to open database file"):
        SqliteStore(home)


def test_a_read_only_home_is_explained(mounted: Path) -> None:
    """Before a store is there, and of one that is: a sentence with the way out."""
    with closing(SqliteStore(mounted / "full")) as store:
        fill(store, 1)
    remount(mounted, "ro")
    for name in ("new", "full"):
        with pytest.raises(StoreError, match=r"can't be used: .*\n  → make .* or NODETOOL_STORE=memory"):
            SqliteStore(mounted / name).add(record(), REQUEST)


def test_a_store_of_a_newer_version_is_left_alone(home: Path, opened: Callable[..., SqliteStore]) -> None:
    """What a later release wrote is neither changed nor set aside."""
    opened().close()
    with closing(sqlite3.connect(home / DATABASE)) as other:
        other.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    before = (home / DATABASE).read_bytes()
    known = len(MIGRATIONS)
    words = rf"a newer nodetool_jupyter \(schema {known + 1}, this one knows {known}\)\n  → upgrade"
    with pytest.raises(StoreError, match=words):
        opened()
    assert (home / DATABASE).read_bytes() == before


def test_a_full_disk_is_named_and_leaves_the_store_whole(mounted: Path) -> None:
    """What was kept is read while the disk is full; when there is room again, jobs are kept again."""
    with closing(SqliteStore(mounted)) as store:
        with pytest.raises(
            StoreError, match=r"the disk of the job store .* is full\n  → free some"
        ) as caught:
            fill(store, 1000)
        kept = store.page(limit=1000)
        assert fault_code(caught.value) is ErrorCode.DISK_FULL
        assert len(kept) > 20
        assert get_all(store, kept) == kept
        remount(mounted, "size=4m")
        kept += fill(store, 10)
    with closing(SqliteStore(mounted)) as store:
        assert {each.id for each in store.page(limit=1000)} == {each.id for each in kept}
        assert store.request(kept[-1].id) == REQUEST


def test_a_full_disk_tears_no_line(mounted: Path) -> None:
    """The log of a job takes what fits, says that the disk is full, and goes on after that."""
    with closing(SqliteStore(mounted)) as store:
        log = store.open_log("a-job")
        line = b"x" * 9000 + b"\n"
        with pytest.raises(StoreError, match="the disk is full"):
            append_for_ever(log, line)
        written = len(log.read()[0])
        assert written > 100
        assert store.read_log("a-job").read() == ([line[:-1]] * written, written * len(line))
        remount(mounted, "size=4m")
        log.append(b"last\n")
        log.close()
        assert log.read()[0][written:] == [b"last"]


def test_all_files_are_private(home: Path) -> None:
    """Params may hold what is no one else's business; the umask doesn't matter."""
    before = os.umask(0)
    try:
        with closing(SqliteStore(home)) as store:
            fill(store, 1)
            owner = store.register_owner()
            found = [home, *home.rglob("*")]
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in found}
            folders = {path.name for path in found if path.is_dir()}
            owner.close()
    finally:
        os.umask(before)
    assert {name for name in modes if name.startswith(DATABASE)} == {
        DATABASE,
        f"{DATABASE}-wal",
        f"{DATABASE}-shm",
    }
    assert modes == {name: 0o700 if name in folders else 0o600 for name in modes}


def test_rows_reach_the_database_while_the_kernel_lives(
    home: Path, opened: Callable[..., SqliteStore]
) -> None:
    """The log of writes is carried over by a thread, so neither does it grow for ever nor does a job wait."""
    store = opened()
    fill(store, WRITES_PER_CHECKPOINT)
    wait_until(lambda: (home / DATABASE).stat().st_size > 100_000, state=(home / DATABASE).stat)
