"""One statement on a database file of the workspace, bounded in time, rows and reach.

SQL comes with a workflow and may be hostile: SQLite's authorizer refuses whatever reads or writes another
file or loads code, and a handler that SQLite calls as it works ends what takes too long or was cancelled.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from time import monotonic
from typing import Any

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.nodes.files import existing_file, inside_workspace

MAX_SECONDS = 60.0
MAX_ROWS = 1_000_000
MAX_VALUE = 64 * 2**20
MAX_RESULT = 256 * 2**20
SECONDS_LOCKED = 5.0
STEPS = 10_000
"""Of SQLite's machine between two looks at the clock: some tenths of a millisecond."""

READS = frozenset(
    {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
)
REFUSED = frozenset(
    {sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH, sqlite3.SQLITE_CREATE_VTABLE, sqlite3.SQLITE_DROP_VTABLE}
)
REFUSED_FUNCTIONS = frozenset({"load_extension", "fts3_tokenizer", "readfile", "writefile", "edit"})
PRAGMAS = frozenset(
    {"table_info", "table_list", "index_list", "index_info", "foreign_key_list", "user_version"}
)


@dataclass(frozen=True, slots=True)
class Done:
    """What a statement gave: rows of a query, or how many rows it changed and the number of a new one."""

    columns: tuple[str, ...]
    rows: list[dict[str, Any]]
    changed: int
    row_id: int | None


def run(
    context: ProcessingContext,
    file_name: str,
    sql: str,
    parameters: Iterable[Any] = (),
    *,
    writes: bool = True,
) -> Done:
    """Run one statement and commit it; ValueError says what SQLite says."""
    path = (inside_workspace if writes else existing_file)(context.workspace, file_name)
    values = [_value(value) for value in parameters]
    ends = monotonic() + MAX_SECONDS
    try:
        with closing(sqlite3.connect(path, timeout=SECONDS_LOCKED)) as connection, connection:
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE)
            connection.set_authorizer(lambda action, first, second, *_: _allow(action, first, second, writes))
            connection.set_progress_handler(lambda: context.is_cancelled or monotonic() > ends, STEPS)
            return _done(connection.execute(sql, values))
    except sqlite3.OperationalError as error:
        context.raise_if_cancelled()
        if monotonic() > ends:
            raise ValueError(f"the SQL took longer than {MAX_SECONDS:g} s") from None
        raise ValueError(f"{file_name!r}: {error}") from None
    except (sqlite3.Error, sqlite3.Warning, OverflowError) as error:
        raise ValueError(f"{file_name!r}: {error}") from None


def name(text: str) -> str:
    """The name of a table or column as SQL has it; ValueError where it can't be one."""
    if not text.strip() or "\0" in text:
        raise ValueError("a table or column has no name")
    return '"' + text.replace('"', '""') + '"'


def _allow(action: int, first: str | None, second: str | None, writes: bool) -> int:
    allowed = action not in REFUSED and (writes or action in READS)
    if action == sqlite3.SQLITE_FUNCTION:
        allowed = str(second).lower() not in REFUSED_FUNCTIONS
    elif action == sqlite3.SQLITE_PRAGMA:
        allowed = str(first).lower() in PRAGMAS
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def _done(cursor: sqlite3.Cursor) -> Done:
    columns = tuple(column[0] for column in cursor.description or ())
    rows: list[dict[str, Any]] = []
    size = 0
    for row in cursor:
        size += sum(len(value) for value in row if isinstance(value, (str, bytes)))
        if len(rows) == MAX_ROWS or size > MAX_RESULT:
            raise ValueError(
                f"the query gives more than {MAX_ROWS:,} rows or {MAX_RESULT // 2**20} MiB; use LIMIT"
            )
        rows.append(dict(zip(columns, row, strict=True)))
    return Done(columns, rows, max(cursor.rowcount, 0), cursor.lastrowid)


def _value(value: Any) -> Any:
    """What SQLite can store: lists and dicts as JSON, truth values as 0 and 1, dates as text."""
    if value is None or isinstance(value, (bool, int, float, str, bytes)):
        return value
    if isinstance(value, (list, dict)):
        try:
            return json.dumps(value, ensure_ascii=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise ValueError(f"a value can't be stored: {error}") from None
    if hasattr(value, "isoformat"):
        return value.isoformat()
    raise ValueError(f"a {type(value).__name__} can't be stored in a database")
