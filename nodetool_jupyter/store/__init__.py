"""The memory of jobs: their records, what they were asked to run, and their event logs.

The manager writes here and every front end reads. Once ``add`` or ``update`` returns, what they kept outlives
``kill -9``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nodetool_jupyter.store.base import Owner, Store, StoreWarning, fault_code, new_job_id

if TYPE_CHECKING:
    from nodetool_jupyter.settings import Settings

__all__ = ["Owner", "Store", "StoreWarning", "fault_code", "new_job_id", "open_store"]


def open_store(settings: Settings) -> Store:
    """The store that ``settings.store`` names; raises StoreError where its folder can't be used."""
    if settings.store == "memory":
        from nodetool_jupyter.store.memory import MemoryStore

        return MemoryStore()
    from nodetool_jupyter.store.sqlite import SqliteStore

    return SqliteStore(settings.home)
