"""lib.sqlite: tables are made, filled, asked and changed, and no other file is reached."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from nodetool_jupyter.nodes import sqlite as nodes
from nodetool_jupyter.nodes import sqlite_file
from tests.unit.nodes.support import inside, run_node

COLUMNS = {
    "type": "record_type",
    "columns": [{"name": "who", "data_type": "str"}, {"name": "age", "data_type": "int"}],
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A workspace with a table of three people, beside a database that is none of its business."""
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("CREATE TABLE secret (key)")
    other.close()
    place = tmp_path / "place"
    place.mkdir()
    run(nodes.CreateTable, place, table_name="people", columns=COLUMNS)
    for who, age in (("Ada", 36), ("Bob", 17), ("Cy", 50)):
        run(nodes.Insert, place, table_name="people", data={"who": who, "age": age})
    return place


def run(node: Any, place: Path, **properties: Any) -> Any:
    return run_node(node, properties, context=inside(place))


def sql(place: Path, text: str, *parameters: Any) -> Any:
    return run(nodes.ExecuteSQL, place, sql=text, parameters=[*parameters])


def names(place: Path, **properties: Any) -> list[str]:
    return [row["who"] for row in run(nodes.Query, place, table_name="people", **properties)]


class TestRows:
    def test_making_a_table(self, place: Path) -> None:
        """Again is no error, unless that is asked for; the file is in the workspace."""
        made = {"database_name": "memory.db", "table_name": "people", "columns": COLUMNS}
        assert run(nodes.CreateTable, place, table_name="people", columns=COLUMNS) == made
        with pytest.raises(ValueError, match='table "people" already exists'):
            run(nodes.CreateTable, place, table_name="people", columns=COLUMNS, if_not_exists=False)
        assert run(nodes.GetDatabasePath, place) == str(place / "memory.db")
        assert (place / "memory.db").is_file()

    def test_inserting(self, place: Path) -> None:
        """Rows are numbered; what SQL has no type for is stored as text."""
        data = {"who": ["a", {"b": None}], "age": True}
        found = run(nodes.Insert, place, table_name="people", data=data)
        assert found == {"row_id": 4, "rows_affected": 1, "message": "Inserted row 4 into people"}
        assert run(nodes.Query, place, table_name="people", where="id = 4") == [
            {"id": 4, "who": '["a", {"b": null}]', "age": 1}
        ]

    def test_asking(self, place: Path) -> None:
        assert names(place) == ["Ada", "Bob", "Cy"]
        assert names(place, where="age > 20", order_by="age DESC") == ["Cy", "Ada"]
        assert names(place, limit=1) == ["Ada"]
        columns = {"type": "record_type", "columns": COLUMNS["columns"][:1]}
        assert run(nodes.Query, place, table_name="people", columns=columns, limit=1) == [{"who": "Ada"}]

    def test_changing(self, place: Path) -> None:
        found = run(nodes.Update, place, table_name="people", data={"who": "Eve's"}, where="age < 40")
        assert found == {"rows_affected": 2, "message": "Updated 2 row(s) in people"}
        assert names(place) == ["Eve's", "Eve's", "Cy"]
        found = run(nodes.Delete, place, table_name="people", where="who = 'Cy'")
        assert found == {"rows_affected": 1, "message": "Deleted 1 row(s) from people"}
        with pytest.raises(ValueError, match="where is empty: to delete all rows, write 1 = 1"):
            run(nodes.Delete, place, table_name="people")
        assert len(names(place)) == 2

    def test_any_statement(self, place: Path) -> None:
        assert sql(place, "SELECT age FROM people WHERE who = ?", "Bob") == {
            "success": True,
            "rows": [{"age": 17}],
            "count": 1,
        }
        assert sql(place, "SELECT age FROM people WHERE age > 99") == {
            "success": True,
            "rows": [],
            "count": 0,
        }
        found = sql(place, "INSERT INTO people (who) VALUES (?)", "Dee")
        assert found == {"success": True, "rows_affected": 1, "last_row_id": 4}
        assert [row["name"] for row in sql(place, "PRAGMA table_info(people)")["rows"]] == [
            "id",
            "who",
            "age",
        ]


class TestReach:
    @pytest.mark.parametrize(
        "text",
        [
            "ATTACH DATABASE '{other}' AS other",
            "VACUUM INTO '{place}/../copy.db'",
            "PRAGMA temp_store_directory = '{place}/..'",
            "PRAGMA writable_schema = 1",
            "SELECT load_extension('evil')",
            "CREATE VIRTUAL TABLE t USING fts5(a)",
            "SELECT fts3_tokenizer('simple')",
        ],
    )
    def test_sql_stays_in_its_file(self, place: Path, text: str) -> None:
        """Whatever the statement says, only the database that was named is read and written."""
        with pytest.raises(ValueError, match=r"not authorized|authorization denied|no such function"):
            sql(place, text.format(other=place.parent / "other.db", place=place))
        assert sorted(path.name for path in place.parent.iterdir()) == ["other.db", "place"]

    @pytest.mark.parametrize("name", ["../other.db", "/etc/x.db", "link.db", ""])
    def test_the_file_is_in_the_workspace(self, place: Path, name: str) -> None:
        (place / "link.db").symlink_to(place.parent / "other.db")
        for node in (nodes.GetDatabasePath, nodes.ExecuteSQL, nodes.Query, nodes.Insert):
            with pytest.raises(ValueError, match=r"workspace|goes by a symlink|no path is given"):
                run(node, place, database_name=name)

    @pytest.mark.parametrize(
        "where", ["1; DELETE FROM people", "1) OR (DELETE FROM people", "id IN (DELETE FROM people)"]
    )
    def test_a_condition_is_no_statement(self, place: Path, where: str) -> None:
        with pytest.raises(ValueError, match=r"memory\.db"):
            names(place, where=where)
        assert len(names(place)) == 3

    def test_names_are_names(self, place: Path) -> None:
        """Quotes in them don't end them."""
        odd = {"type": "record_type", "columns": [{"name": 'a" TEXT); DROP TABLE people; --'}]}
        run(nodes.CreateTable, place, table_name='x"; DROP TABLE people; --', columns=odd)
        assert len(names(place)) == 3

    def test_asking_makes_no_file(self, place: Path) -> None:
        with pytest.raises(ValueError, match=r"there is no file 'new\.db'"):
            names(place, database_name="new.db")
        assert not (place / "new.db").exists()


class TestBounds:
    ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT {} FROM n"

    def test_time(self, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Also where it gives no row."""
        monkeypatch.setattr(sqlite_file, "MAX_SECONDS", 0.05)
        with pytest.raises(ValueError, match=r"the SQL took longer than 0\.05 s"):
            sql(place, self.ENDLESS.format("count(*)"))

    def test_rows(self, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sqlite_file, "MAX_ROWS", 100)
        with pytest.raises(ValueError, match="the query gives more than 100 rows"):
            sql(place, self.ENDLESS.format("i"))
        with pytest.raises(ValueError, match="more than 100 rows or 256 MiB"):
            sql(place, self.ENDLESS.format("zeroblob(50000000)"))

    def test_values(self, place: Path) -> None:
        with pytest.raises(ValueError, match=r"string or blob too big|too big"):
            sql(place, "SELECT zeroblob(500000000)")

    @pytest.mark.parametrize(
        ("text", "parameters", "message"),
        [
            ("SELEKT", [], 'near "SELEKT": syntax error'),
            ("SELECT ?", [], "Incorrect number of bindings"),
            ("SELECT 1; SELECT 2", [], "one statement"),
            ("SELECT ?", [2**70], "too large"),
            ("SELECT ?", [{1, 2}], "a set can't be stored in a database"),
            ("SELECT * FROM missing", [], "no such table: missing"),
        ],
    )
    def test_what_sqlite_says(self, place: Path, text: str, parameters: list[Any], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            sql(place, text, *parameters)

    def test_a_file_that_is_no_database(self, place: Path) -> None:
        (place / "a.txt").write_text("no database, but long enough to look like one" * 100, "utf-8")
        with pytest.raises(ValueError, match=r"'a\.txt': file is not a database"):
            names(place, database_name="a.txt")

    def test_columns_of_other_types(self, place: Path) -> None:
        for columns, message in (
            ([{"name": "a", "data_type": "matrix"}], "'matrix' is no type of a column; choose int, float"),
            ([{"data_type": "int"}], "a column must be a dict with a name"),
            ([{"name": " "}], "a table or column has no name"),
        ):
            with pytest.raises((ValueError, TypeError), match=message):
                run(nodes.CreateTable, place, columns={"type": "record_type", "columns": columns})
        with pytest.raises(ValueError, match="a table needs at least one column"):
            run(nodes.CreateTable, place, add_primary_key=False)
        for node in (nodes.Insert, nodes.Update):
            with pytest.raises(ValueError, match="data is empty"):
                run(node, place, data={})
