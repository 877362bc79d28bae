"""lib.sqlite: tables in database files of the workspace. SQL reaches no other file: SQLite refuses it."""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.model.types import parse_type
from nodetool_jupyter.nodes import sqlite_file as database
from nodetool_jupyter.nodes.files import inside_workspace
from nodetool_jupyter.nodes.matching import shortened
from nodetool_jupyter.values.fields import RecordType

NO_COLUMNS = {"type": "record_type", "columns": []}
TYPES = {
    "int": "INTEGER",
    "float": "REAL",
    "str": "TEXT",
    "text": "TEXT",
    "string": "TEXT",
    "bool": "INTEGER",
    "datetime": "TEXT",
    "date": "TEXT",
    "object": "TEXT",
}
Records = Annotated[Any, parse_type("list[dict[str, any]]")]
Result = Annotated[dict[str, Any], parse_type("dict[str, any]")]


class SQLiteNode(BaseNode, prefix="lib.sqlite", abstract=True):
    """Base of the family."""

    database_name: str = Field(default="memory.db", description="A file of the workspace, made if missing.")


class TableNode(SQLiteNode, abstract=True):
    """Base of those that work on one table."""

    table_name: str = "flashcards"


class CreateTable(TableNode):
    """Make a table with columns of these names and types."""

    columns: RecordType = Field(default=NO_COLUMNS, description="Types are int, float, str, bool, datetime.")
    add_primary_key: bool = Field(
        default=True, description="Whether to add a column id that numbers the rows."
    )
    if_not_exists: bool = Field(default=True, description="Whether the table may be there already.")

    class OutputType(TypedDict):
        database_name: str
        table_name: str
        columns: RecordType

    def process(self, context: ProcessingContext) -> OutputType:
        parts = [f"{database.name(name)} {kind}" for name, kind in _columns(self.columns)]
        if self.add_primary_key:
            parts = ["id INTEGER PRIMARY KEY AUTOINCREMENT", *(part for part in parts if part[:5] != '"id" ')]
        if not parts:
            raise ValueError("a table needs at least one column")
        guard = "IF NOT EXISTS " if self.if_not_exists else ""
        sql = f"CREATE TABLE {guard}{database.name(self.table_name)} ({', '.join(parts)})"
        database.run(context, self.database_name, sql)
        return {
            "database_name": self.database_name,
            "table_name": self.table_name,
            "columns": self.columns,
        }


class Insert(TableNode):
    """Add a row to a table, and give out its number."""

    data: Result = Field(default={"content": "example"}, description="Columns and values; lists become JSON.")

    def process(self, context: ProcessingContext) -> Result:
        if not self.data:
            raise ValueError("there is nothing to insert: data is empty")
        names, marks = ", ".join(map(database.name, self.data)), ", ".join("?" * len(self.data))
        sql = f"INSERT INTO {database.name(self.table_name)} ({names}) VALUES ({marks})"  # noqa: S608 - quoted
        done = database.run(context, self.database_name, sql, self.data.values())
        return {
            "row_id": done.row_id,
            "rows_affected": 1,
            "message": f"Inserted row {done.row_id} into {self.table_name}",
        }


class Query(TableNode):
    """The rows of a table that meet a condition."""

    where: str = Field(default="", description="A condition in SQL, such as age > 30; empty for all rows.")
    columns: RecordType = Field(default=NO_COLUMNS, description="The columns to give; none for all of them.")
    order_by: str = Field(default="", description="A column, or several, each with ASC or DESC after it.")
    limit: int = Field(default=0, description="How many rows at most; 0 for all.")

    def process(self, context: ProcessingContext) -> Records:
        names = ", ".join(database.name(name) for name, _ in _columns(self.columns)) or "*"
        sql = f"SELECT {names} FROM {database.name(self.table_name)}{_where(self.where)}"  # noqa: S608 - read-only
        if self.order_by.strip():
            sql += f" ORDER BY {self.order_by}"
        if self.limit > 0:
            sql += f" LIMIT {self.limit}"
        return database.run(context, self.database_name, sql, writes=False).rows


class Update(TableNode):
    """Set columns of the rows of a table that meet a condition."""

    data: Result = Field(default={"content": "updated"}, description="Columns and values; lists become JSON.")
    where: str = Field(default="", description="A condition in SQL; empty changes all rows.")

    def process(self, context: ProcessingContext) -> Result:
        if not self.data:
            raise ValueError("there is nothing to update: data is empty")
        names = ", ".join(f"{database.name(name)} = ?" for name in self.data)
        sql = f"UPDATE {database.name(self.table_name)} SET {names}{_where(self.where)}"  # noqa: S608 - quoted
        done = database.run(context, self.database_name, sql, self.data.values())
        return {
            "rows_affected": done.changed,
            "message": f"Updated {done.changed} row(s) in {self.table_name}",
        }


class Delete(TableNode):
    """Delete the rows of a table that meet a condition."""

    where: str = Field(default="", description="A condition in SQL, such as id = 3; it must be given.")

    def process(self, context: ProcessingContext) -> Result:
        if not self.where.strip():
            raise ValueError("where is empty: to delete all rows, write 1 = 1")
        sql = f"DELETE FROM {database.name(self.table_name)}{_where(self.where)}"  # noqa: S608 - quoted
        done = database.run(context, self.database_name, sql)
        return {
            "rows_affected": done.changed,
            "message": f"Deleted {done.changed} row(s) from {self.table_name}",
        }


class ExecuteSQL(SQLiteNode):
    """Run one statement of SQL; ``?`` in it stands for the parameters in their order."""

    sql: str = "SELECT * FROM flashcards"
    parameters: list[Any] = []

    def process(self, context: ProcessingContext) -> Result:
        done = database.run(context, self.database_name, self.sql, self.parameters)
        if done.columns:
            return {"success": True, "rows": done.rows, "count": len(done.rows)}
        return {"success": True, "rows_affected": done.changed, "last_row_id": done.row_id}


class GetDatabasePath(SQLiteNode):
    """The path of a database file in the workspace."""

    def process(self, context: ProcessingContext) -> str:
        return str(inside_workspace(context.workspace, self.database_name))


def _columns(record: dict[str, Any]) -> list[tuple[str, str]]:
    """(name, SQL type) of the columns that a record type has; ValueError for a type that has none here."""
    found = []
    for column in record.get("columns") or []:
        name = column.get("name") if isinstance(column, dict) else None
        if not isinstance(name, str):
            raise TypeError("a column must be a dict with a name and a data_type")
        kind = str(column.get("data_type") or "str")
        if kind not in TYPES:
            raise ValueError(f"{shortened(kind)} is no type of a column; choose {', '.join(TYPES)}")
        found.append((name, TYPES[kind]))
    return found


def _where(condition: str) -> str:
    return f" WHERE {condition}" if condition.strip() else ""
