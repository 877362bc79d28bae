"""Which jobs of the past may go: by age, number, and the room that they take. Never one that lives."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nodetool_jupyter.model.job import JobRecord
from nodetool_jupyter.store.base import Store

PAGE = 500


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is kept: jobs that ended within ``age`` seconds, the newest ``count``, the newest of ``size``
    bytes in all. None is no bound.
    """

    age: float | None = None
    count: int | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Pruned:
    """The jobs that went, or would go, and the bytes of their files."""

    job_ids: tuple[str, ...]
    size: int


def prune(store: Store, bounds: Bounds, *, user_id: str = "", dry_run: bool = False) -> Pruned:
    """Remove what is beyond any of the bounds, with its files; with ``dry_run`` only say what would go."""
    chosen: dict[str, int] = {}
    total = 0
    now = time.time()
    for count, record in enumerate(_ended(store, user_id), 1):
        size = size_of(store.run_directory(record.id))
        total += size
        is_old = bounds.age is not None and now - (record.finished_at or record.created_at) > bounds.age
        is_many = bounds.count is not None and count > bounds.count
        is_large = bounds.size is not None and total > bounds.size
        if is_old or is_many or is_large:
            chosen[record.id] = size
    gone = list(chosen) if dry_run else store.remove(list(chosen))
    return Pruned(tuple(gone), sum(chosen[job_id] for job_id in gone))


def _ended(store: Store, user_id: str) -> Iterator[JobRecord]:
    """All jobs that have ended, newest first."""
    before = None
    while page := store.page(limit=PAGE, before=before, user_id=user_id):
        yield from (record for record in page if record.status.is_terminal)
        before = page[-1].id


def size_of(folder: Path) -> int:
    """Bytes of all files in a folder; what goes away meanwhile counts for nothing."""
    total = 0
    with suppress(OSError):
        for path in folder.rglob("*"):
            with suppress(OSError):
                total += path.lstat().st_size if not path.is_dir() else 0
    return total
